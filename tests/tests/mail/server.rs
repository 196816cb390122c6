//! The PyPI package `aiosmtpd` as a process, and a portal that sends by it.

use crate::support::program::{Served, free_port};
use crate::support::*;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

const PACKAGE: &str = "aiosmtpd==1.4.6";
/// A mail that is due is there by then.
const SOON: Duration = Duration::from_secs(15);

/// A mail as the server took it.
#[derive(Debug, Clone, Deserialize)]
pub struct Mail {
    pub sender: String,
    pub receivers: Vec<String>,
    pub headers: BTreeMap<String, String>,
    /// The names of all headers, also of those that are there twice.
    pub names: Vec<String>,
    pub text: String,
    pub html: String,
    pub raw: String,
    pub is_encrypted: bool,
    pub user: Option<String>,
}

impl Mail {
    pub fn subject(&self) -> &str {
        &self.headers["subject"]
    }

    /// The path of the link that freezes the account.
    pub fn freeze_path(&self) -> String {
        self.path_of("/not-me/")
    }

    /// The path of the link that begins with this.
    pub fn path_of(&self, start: &str) -> String {
        let start = format!("https://{AUTHORITY}{start}");
        let link = self.text.lines().find(|line| line.starts_with(&start)).unwrap_or_else(|| panic!("{}", self.text));
        assert!(self.html.contains(&format!("href=\"{link}\"")), "{}", self.html);
        link.strip_prefix(&format!("https://{AUTHORITY}")).unwrap().to_owned()
    }
}

/// The mail server's process; it ends with this value.
pub struct MailServer {
    child: Child,
    input: ChildStdin,
    said: Receiver<Value>,
    pub port: u16,
}

impl MailServer {
    pub fn start() -> Self {
        Self::start_with(&json!({ "port": free_port() }))
    }

    pub fn start_with(wanted: &Value) -> Self {
        let mut command = Command::new(python());
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("mail/server.py"));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (say, said) = channel();
        std::thread::spawn(move || {
            for line in output.lines() {
                let Ok(line) = line else { return };
                if say.send(serde_json::from_str::<Value>(&line).unwrap()).is_err() {
                    return;
                }
            }
        });
        writeln!(input, "{wanted}").unwrap();
        let started = said.recv_timeout(SOON).expect("the mail server starts");
        let port = u16::try_from(started["port"].as_u64().unwrap()).unwrap();
        Self { child, input, said, port }
    }

    /// From now on these addresses are answered so.
    pub fn answer(&mut self, answers: &Value) {
        writeln!(self.input, "{answers}").unwrap();
        let said = self.said.recv_timeout(SOON).unwrap();
        assert!(said["answers"].is_u64(), "{said}");
    }

    /// The next mail, if one comes in time.
    pub async fn next_within(&self, time: Duration) -> Option<Mail> {
        let come = async {
            loop {
                if let Ok(said) = self.said.try_recv() {
                    return serde_json::from_value(said).unwrap();
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(time, come).await.ok()
    }

    pub async fn next(&self) -> Mail {
        self.next_within(SOON).await.expect("a mail comes")
    }

    /// The next mail to this address; others are passed over.
    pub async fn next_to(&self, address: &str) -> Mail {
        loop {
            let mail = self.next().await;
            if mail.receivers == [address] {
                return mail;
            }
        }
    }

    /// Nothing comes within a time in which the worker looks twice.
    pub async fn expect_silence(&self) {
        let mail = self.next_within(Duration::from_millis(2_500)).await;
        assert!(mail.is_none(), "{mail:#?}");
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A portal that sends to `port`, in clear text.
pub async fn serve(world: &World, port: u16) -> Served {
    serve_with(world, port, &[("TWINLOCK_MAIL__TLS", "none")]).await
}

/// A portal that sends to `port`.
pub async fn serve_with(world: &World, port: u16, more: &[(&str, &str)]) -> Served {
    let port = port.to_string();
    let mut settings = vec![
        ("TWINLOCK_MAIL__SERVER", "localhost"),
        ("TWINLOCK_MAIL__PORT", port.as_str()),
        ("TWINLOCK_MAIL__FROM", "Twinlock <portal@example.test>"),
        // At its most talkative: a test looks for what must not be there.
        ("TWINLOCK_LOG", "trace"),
    ];
    settings.extend(more);
    Served::start_with(world, &settings).await
}

/// Waits until the database says so.
pub async fn until(world: &World, statement: &str, wanted: &str) {
    let is_so = async {
        while world.sql(statement) != wanted {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    // What it says instead is told by the comparison.
    let _ = tokio::time::timeout(SOON, is_so).await;
    assert_eq!(world.sql(statement), wanted, "{statement}");
}

/// The interpreter that has the package; brought once for all tests.
fn python() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mail-server");
        let (program, mark) = (folder.join("bin/python"), folder.join("installed"));
        if std::fs::read_to_string(&mark).is_ok_and(|installed| installed == PACKAGE) {
            return program;
        }
        let run = |mut command: Command| {
            let output = command.stdin(Stdio::null()).output().expect("python3 is missing; install python3-venv");
            assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
        };
        let mut venv = Command::new("python3");
        venv.args(["-m", "venv"]).arg(&folder);
        run(venv);
        let mut pip = Command::new(&program);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", PACKAGE]);
        run(pip);
        // Last, so that an interrupted attempt is made again.
        std::fs::write(mark, PACKAGE).unwrap();
        program
    })
}
