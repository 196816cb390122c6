//! A desk: the real portal over TLS, its admin and a member, and the real command in scripts and at a terminal.

use crate::support::program::{self, Served};
use crate::support::*;
use rexpect::session::{PtySession, spawn_command};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output};
use tempfile::TempDir;

/// Longer than anything here takes on a slow machine; only a test that fails waits for it.
const PATIENCE_MS: u64 = 60_000;

pub struct Desk {
    pub world: World,
    pub served: Served,
    pub ada: Browser,
    pub authenticator: Authenticator,
    /// Of mode 0700: the file store, and what was fetched.
    pub folder: TempDir,
}

/// What a command said.
pub struct Said {
    pub exit: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Said {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|fault| panic!("{fault}: {} {}", self.stdout, self.stderr))
    }

    /// The failure as an object.
    pub fn failure(&self) -> Value {
        let line = self.stderr.lines().last().unwrap_or_default();
        serde_json::from_str(line).unwrap_or_else(|fault| panic!("{fault}: {}", self.stderr))
    }

    #[track_caller]
    pub fn expect(self, exit: i32) -> Self {
        assert_eq!(self.exit, exit, "{}{}", self.stdout, self.stderr);
        self
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            exit: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Desk {
    /// Two-step is required; Ada and Bo have it, Cy does not.
    pub async fn set() -> Self {
        let world = World::new();
        let served = Served::start_with(&world, &[("TWINLOCK_PUBLIC_URL", "https://localhost:{port}")]).await;
        let (mut ada, mut bo) = (served.browser(), served.browser());
        ada.sign_in(ADA).await;
        ada.set_up().await;
        ada.require_two_step().await;
        bo.sign_in(BO).await;
        bo.set_up().await;
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
        Self { world, served, ada, authenticator: bo.authenticator.unwrap(), folder }
    }

    pub fn portal(&self) -> String {
        format!("https://localhost:{}", self.served.port)
    }

    pub fn store(&self) -> PathBuf {
        self.folder.path().join("twinlock")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn program() -> PathBuf {
        let path = program::path().with_file_name("twinlock");
        assert!(path.exists(), "the program twinlock is not built; run: cargo build -p twinlock-desktop");
        path
    }

    /// The command, with nothing of this machine's but its search path. Without a store of its own.
    pub fn bare(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(Self::program());
        command.args(arguments).env_clear().current_dir(self.folder.path()).env("HOME", self.folder.path());
        command.env("TERM", "xterm");
        command
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.bare(arguments);
        command.env("TWINLOCK_INSECURE_FILE_STORE", self.store());
        command
    }

    /// As a script runs it: no terminal, and `input` on standard input.
    pub fn run(&self, arguments: &[&str], input: &str) -> Said {
        program::run(self.command(arguments), input).into()
    }

    pub fn at_terminal(&self, arguments: &[&str]) -> PtySession {
        Self::in_terminal(&self.command(arguments))
    }

    /// Arguments and environment of the command of this desk that runs now.
    pub fn running(&self) -> String {
        let own = self.folder.path().display().to_string();
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let mut all = processes.filter_map(|process| {
            let [arguments, environment] = ["cmdline", "environ"].map(|file| std::fs::read(process.path().join(file)));
            let text = [arguments.ok()?, environment.ok()?].concat();
            Some(String::from_utf8_lossy(&text).replace('\0', " "))
        });
        all.find(|text| text.contains(&own)).expect("the command runs")
    }

    /// The terminal shows what is typed until the command says otherwise, as terminals do; that of the library would not.
    pub fn in_terminal(command: &Command) -> PtySession {
        let mut shell = Command::new("sh");
        shell.args(["-c", "stty echo && exec \"$@\"", "sh"]).arg(command.get_program()).args(command.get_args());
        shell.env_clear().current_dir(command.get_current_dir().unwrap()).env("PATH", "/usr/bin:/bin");
        shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        spawn_command(shell, Some(PATIENCE_MS)).unwrap()
    }

    /// What `register` needs to be told besides.
    pub fn register<'a>(&self, portal: &'a str, ca: &'a str, name: &'a str) -> Vec<&'a str> {
        vec!["register", "--portal", portal, "--name", name, "--ca-file", ca, "--device-name", "Bo's desk"]
    }

    pub fn ca(&self) -> String {
        self.world.folder.path().join("tls.pem").display().to_string()
    }

    /// The present code, as if none of its time had been used.
    pub fn code(&self) -> String {
        self.world.sql("UPDATE factor SET last_step = 0 WHERE fails >= 0");
        self.authenticator.code_at(system_now_ms())
    }

    /// Password and code, a line each.
    pub fn credentials(&self) -> String {
        format!("{PASSWORD}\n{}\n", self.code())
    }

    /// Registers in a script; what it says of itself.
    pub fn enroll(&self) -> Said {
        let (portal, ca) = (self.portal(), self.ca());
        let mut arguments = self.register(&portal, &ca, BO);
        arguments.extend(["--json", "--password-file", "-", "--code-file", "-"]);
        self.run(&arguments, &self.credentials())
    }

    pub async fn approve(&mut self, said: &Value) {
        let (device, code) = (said["device"].as_str().unwrap(), said["comparison_code"].as_str().unwrap());
        // The admin's code is fresh: she set up a moment ago.
        self.ada.type_comparison(device, code).await.expect(204);
    }

    /// Registered, approved, and with an open session.
    pub async fn ready() -> Self {
        let mut desk = Self::set().await;
        let said = desk.enroll().expect(4).json();
        desk.approve(&said).await;
        desk
    }

    pub fn add_file(&self, name: &str, content: &str) -> String {
        let path = self.world.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        let arguments = ["admin", "add-file", "--organisation", &self.world.organisation, path.to_str().unwrap()];
        self.world.run(&arguments, "")
    }

    /// Puts a pipe in the place of a file's content: whoever opens it waits for us.
    pub fn hold(&self, file: &str) -> PathBuf {
        let path = self.world.data().join("files").join(&self.world.organisation).join(file);
        std::fs::remove_file(&path).unwrap();
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        path
    }

    pub fn cut(&self) {
        self.world.sql("DELETE FROM session WHERE surface = 'desktop'");
    }

    /// The requests that the portal has answered since `from` bytes of its log.
    pub fn answered(&self, from: usize) -> Vec<String> {
        let log = self.served.log();
        let lines = log.get(from..).unwrap_or_default().lines().filter(|line| line.contains("answered"));
        lines.map(str::to_owned).collect()
    }
}
