//! The real portal as a process of its own, with a fresh folder, fresh ports and a certificate made a moment ago.

use crate::database::Database;
use crate::{Doing, Fault, Result};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::fs::File;
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// Where everything of a portal lies.
pub struct PortalPlace {
    database: Database,
    /// Removed at the end.
    folder: TempDir,
    program: PathBuf,
    port: u16,
    management_port: u16,
    log: PathBuf,
    root_pem: String,
}

/// A running portal; it ends with this value.
pub struct RunningPortal {
    child: Child,
}

const START_TRIES: u32 = 200;
const START_PAUSE: Duration = Duration::from_millis(50);
const STOP_TRIES: u32 = 60;

impl PortalPlace {
    /// Makes a place for the portal program, which lies beside this one. Its log goes to `log`, or into the folder.
    pub fn create(log: Option<&Path>) -> Result<Self> {
        let beside = std::env::current_exe().doing("this program's own place")?;
        let program = beside.with_file_name(format!("twinlock-portal{}", std::env::consts::EXE_SUFFIX));
        if !program.is_file() {
            return Err(Fault(
                "there is no twinlock-portal beside this program; build it: cargo build -p twinlock-portal".to_owned(),
            ));
        }
        let folder = tempfile::Builder::new().prefix("twinlock-demo-").tempdir().doing("a temporary folder")?;
        let root_pem = write_certificates(folder.path())?;
        let database = Database::empty(folder.path().join("data").join("portal.db"))?;
        let log = log.map_or_else(|| folder.path().join("portal.log"), Path::to_owned);
        Ok(Self { database, program, port: free_port()?, management_port: free_port()?, log, root_pem, folder })
    }

    /// `localhost:PORT`, as signatures are bound to it.
    pub fn authority(&self) -> String {
        format!("localhost:{}", self.port)
    }

    /// The address for people.
    pub fn url(&self) -> String {
        format!("https://{}", self.authority())
    }

    /// The root that a browser or a phone has to trust.
    pub fn root_pem(&self) -> &str {
        &self.root_pem
    }

    /// The root's file.
    pub fn root_file(&self) -> PathBuf {
        self.folder.path().join("root.pem")
    }

    /// The portal's log.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Runs `twinlock-portal …` to its end and returns what it printed. `input` goes to standard input.
    pub fn run(&self, arguments: &[&str], input: &str) -> Result<String> {
        let doing = format!("twinlock-portal {}", arguments.iter().take(2).copied().collect::<Vec<_>>().join(" "));
        let mut command = self.command();
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().doing(&doing)?;
        // Taken and dropped, so that the program sees the end of its input.
        if let Some(mut stdin) = child.stdin.take() {
            // A program that reads no input may be gone already.
            let _ = stdin.write_all(input.as_bytes());
        }
        let done = child.wait_with_output().doing(&doing)?;
        if !done.status.success() {
            return Err(Fault(format!("{doing}: {}", String::from_utf8_lossy(&done.stderr).trim())));
        }
        Ok(String::from_utf8_lossy(&done.stdout).trim().to_owned())
    }

    /// Writes a small file whose name and content the portal shall take over.
    pub fn write_document(&self, name: &str, content: &[u8]) -> Result<PathBuf> {
        let folder = self.folder.path().join("documents");
        std::fs::create_dir_all(&folder).doing("the documents")?;
        let path = folder.join(name);
        std::fs::write(&path, content).doing(name)?;
        Ok(path)
    }

    /// Starts `twinlock-portal serve` and waits until it says that it is ready.
    pub async fn serve(&self) -> Result<RunningPortal> {
        let log = File::create(&self.log).doing(self.log.display())?;
        let errors = log.try_clone().doing(self.log.display())?;
        let mut command = self.command();
        command.arg("serve").stdin(Stdio::null()).stdout(log).stderr(errors);
        let mut running = RunningPortal { child: command.spawn().doing("twinlock-portal serve")? };
        // It asks in plain HTTP: a machine that has no root certificates is good enough.
        let probe = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().doing("the probe")?;
        let ready = format!("http://127.0.0.1:{}/readyz", self.management_port);
        for _ in 0..START_TRIES {
            if let Some(status) = running.child.try_wait().doing("twinlock-portal serve")? {
                return Err(Fault(format!("the portal ended at once ({status}):\n{}", self.log_tail())));
            }
            if probe.get(&ready).send().await.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(running);
            }
            tokio::time::sleep(START_PAUSE).await;
        }
        Err(Fault(format!("the portal was not ready within ten seconds:\n{}", self.log_tail())))
    }

    fn log_tail(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().rev().take(5).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    fn command(&self) -> Command {
        let folder = self.folder.path();
        let mut command = Command::new(&self.program);
        for (name, _) in std::env::vars_os() {
            // What this machine's operator set for another portal is none of this one's business.
            if name.to_string_lossy().starts_with("TWINLOCK_") && name != "TWINLOCK_LOG" {
                command.env_remove(name);
            }
        }
        command
            .env("TWINLOCK_DATA", folder.join("data"))
            .env("TWINLOCK_KEY_FILE", folder.join("keys").join("twinlock.key"))
            .env("TWINLOCK_LISTEN", format!("127.0.0.1:{}", self.port))
            .env("TWINLOCK_MANAGEMENT_LISTEN", format!("127.0.0.1:{}", self.management_port))
            .env("TWINLOCK_PUBLIC_URL", self.url())
            .env("TWINLOCK_TLS__CERTIFICATE", folder.join("chain.pem"))
            .env("TWINLOCK_TLS__KEY", folder.join("leaf.key"));
        if let Some(address) = self.database.address() {
            command.env("TWINLOCK_DATABASE", address);
        }
        command
    }
}

impl RunningPortal {
    /// Asks the portal to finish and waits until it is gone.
    pub async fn stop(mut self) -> Result<()> {
        self.ask_to_end();
        for _ in 0..STOP_TRIES {
            if self.child.try_wait().doing("the portal")?.is_some() {
                return Ok(());
            }
            tokio::time::sleep(START_PAUSE).await;
        }
        // Drop kills what does not listen.
        Ok(())
    }

    /// True as long as the portal runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    fn ask_to_end(&self) {
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).stderr(Stdio::null()).status();
    }
}

impl Drop for RunningPortal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> Result<u16> {
    let socket = TcpListener::bind(("127.0.0.1", 0)).doing("a free port")?;
    Ok(socket.local_addr().doing("a free port")?.port())
}

/// A root and a leaf for `localhost`; returns the root.
fn write_certificates(folder: &Path) -> Result<String> {
    let doing = "the demo's certificates";
    let mut root = CertificateParams::new(Vec::<String>::new()).doing(doing)?;
    root.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    root.distinguished_name.push(rcgen::DnType::CommonName, "Twinlock demo root");
    let root = CertifiedIssuer::self_signed(root, KeyPair::generate().doing(doing)?).doing(doing)?;
    let key = KeyPair::generate().doing(doing)?;
    let mut leaf = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).doing(doing)?;
    leaf.distinguished_name.push(rcgen::DnType::CommonName, "localhost");
    let leaf = leaf.signed_by(&key, &root).doing(doing)?;
    std::fs::write(folder.join("chain.pem"), leaf.pem()).doing(doing)?;
    std::fs::write(folder.join("leaf.key"), key.serialize_pem()).doing(doing)?;
    std::fs::write(folder.join("root.pem"), root.pem()).doing(doing)?;
    Ok(root.pem())
}
