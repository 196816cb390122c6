//! The real program: on the command line and serving over TLS.

use super::{AUTHORITY, Browser, Door, Phone, SystemTimeClock, World};
use std::io::Write;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

/// The program beside the test program.
pub fn path() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().and_then(|folder| folder.parent()).unwrap();
    let path = folder.join("twinlock-portal");
    assert!(path.exists(), "the program twinlock-portal is not built; run: cargo build -p twinlock-portal");
    path
}

pub fn run(mut command: Command, input: &str) -> Output {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A command that does not read its input may be gone already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Another program; dropping it kills it.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until somebody listens.
pub async fn wait_for(port: u16) {
    for _ in 0..400 {
        if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("nobody listens at {port} after ten seconds");
}

/// A serving process; dropping it kills it.
pub struct Served {
    child: Child,
    pub port: u16,
    pub management: u16,
    pub door: Door,
    log: PathBuf,
}

impl Served {
    /// Starts the portal and waits until it is healthy. Several may serve one world.
    pub async fn start(world: &World) -> Self {
        Self::start_with(world, &[]).await
    }

    /// With more of the operator's settings, as environment variables; `{port}` in a value is the port it listens on.
    pub async fn start_with(world: &World, settings: &[(&str, &str)]) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (certificate, key) = (world.folder.path().join("tls.pem"), world.folder.path().join("tls.key"));
        if !certificate.exists() {
            let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
            std::fs::write(&certificate, made.cert.pem()).unwrap();
            std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        }
        let (port, management) = (free_port(), free_port());
        let log = world.folder.path().join(format!("log-{port}"));
        let settings = settings.iter().map(|(name, value)| (name, value.replace("{port}", &port.to_string())));
        let child = world
            .command(&["serve"])
            .env("TWINLOCK_LISTEN", format!("127.0.0.1:{port}"))
            .env("TWINLOCK_OTHER_HOSTS", format!("[\"localhost:{port}\"]"))
            .env("TWINLOCK_MANAGEMENT_LISTEN", format!("127.0.0.1:{management}"))
            .env("TWINLOCK_TLS__CERTIFICATE", &certificate)
            .env("TWINLOCK_TLS__KEY", &key)
            .envs(settings)
            .stdin(Stdio::null())
            .stdout(std::fs::File::create(&log).unwrap())
            .stderr(std::fs::File::create(log.with_extension("err")).unwrap())
            .spawn()
            .unwrap();
        let pem = std::fs::read(&certificate).unwrap();
        let client = reqwest::Client::builder()
            .tls_certs_only([reqwest::Certificate::from_pem(&pem).unwrap()])
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(Duration::from_secs(40))
            .build()
            .unwrap();
        let door = Door::There { client, base: format!("https://localhost:{port}") };
        let mut served = Self { child, port, management, door, log };
        for _ in 0..400 {
            if served.is_healthy().await && tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                return served;
            }
            if let Some(status) = served.child.try_wait().unwrap() {
                let fault = std::fs::read_to_string(served.log.with_extension("err")).unwrap_or_default();
                panic!("the portal ended with {status}: {fault}");
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("the portal did not get healthy within ten seconds");
    }

    pub async fn is_healthy(&self) -> bool {
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(2)).build().unwrap();
        let answer = client.get(format!("http://127.0.0.1:{}/healthz", self.management)).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }

    pub fn phone(&self) -> Phone {
        Phone::new(self.door.clone(), Arc::new(SystemTimeClock))
    }

    pub fn browser(&self) -> Browser {
        Browser::new(self.door.clone(), Arc::new(SystemTimeClock))
    }

    /// SIGKILL: nothing of the process runs any more.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// All that the process has logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// What it said beside the log.
    pub fn errors(&self) -> String {
        std::fs::read_to_string(self.log.with_extension("err")).unwrap_or_default()
    }

    pub fn host(&self) -> &'static str {
        AUTHORITY
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
