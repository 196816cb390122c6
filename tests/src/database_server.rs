//! A private PostgreSQL from Debian's packages: data in a temporary folder, a socket in it and a port on loopback.

use crate::{Doing, Fault, Result};
use std::fs::File;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;

/// A running server; dropping it stops it.
pub struct DatabaseServer {
    programs: PathBuf,
    owner: Option<(u32, u32)>,
    folder: TempDir,
    port: u16,
}

impl DatabaseServer {
    /// Starts a server that keeps what it answered, as in production. `settings` are more of its own, `-c name=value`.
    pub fn start(settings: &str) -> Result<Self> {
        Self::start_with(settings, |_| Ok(()))
    }

    /// The same; `prepare` may put files into the folder first, which is the server's own.
    pub fn start_with(settings: &str, prepare: impl FnOnce(&Self) -> Result<()>) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("pg-").tempdir().doing("a temporary folder")?;
        // PostgreSQL refuses to run as root.
        let is_root = std::fs::metadata(folder.path()).doing("a temporary folder")?.uid() == 0;
        let owner = if is_root { Some(unprivileged_user()?) } else { None };
        let port = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).doing("a port")?.port();
        let server = Self { programs: programs()?, owner, folder, port };
        server.give(&server.path("."))?;
        prepare(&server)?;
        let (data, log, socket) = (server.path("data"), server.path("log"), server.path("."));
        let rules = ["-U", "portal", "-A", "trust", "-N", "-E", "UTF8", "--locale=C.UTF-8"];
        server.run("initdb", &[&["-D", &data], &rules[..]].concat())?;
        let options =
            format!("-k {socket} -c listen_addresses=127.0.0.1 -c port={port} -c max_connections=400 {settings}");
        server.run("pg_ctl", &["-D", &data, "-o", &options, "-l", &log, "-w", "-t", "60", "start"])?;
        Ok(server)
    }

    /// The address of one of its databases, over loopback. `postgres` is always there.
    pub fn address(&self, database: &str) -> String {
        format!("postgres://portal@127.0.0.1:{}/{database}", self.port)
    }

    /// The same over its socket.
    pub fn socket_address(&self, database: &str) -> String {
        format!("postgres://portal@{}:{}/{database}", self.path("").replace('/', "%2F"), self.port)
    }

    /// Stops it and starts it again; every connection is lost.
    pub fn restart(&self) -> Result<()> {
        self.run("pg_ctl", &["-D", &self.path("data"), "-m", "fast", "-w", "-t", "60", "restart"])
    }

    /// Something in its folder.
    pub fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Makes a file the server's own.
    pub fn give(&self, path: &str) -> Result<()> {
        self.owner.map_or(Ok(()), |(user, group)| chown(path, Some(user), Some(group))).doing(path)
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.args(arguments).current_dir(self.folder.path());
        if let Some((user, group)) = self.owner {
            command.uid(user).gid(group);
        }
        command
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Result<()> {
        // Into a file: the server keeps its output open, and a pipe would never end.
        let said = self.path(&format!("{program}.out"));
        let out = File::create(&said).doing(&said)?;
        let mut command = self.command(program, arguments);
        let status = command.stdout(out.try_clone().doing(&said)?).stderr(out).status().doing(program)?;
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        match status.success() {
            true => Ok(()),
            false => Err(Fault(format!("{program}:\n{}\n{}", read(&said), read(&self.path("log"))))),
        }
    }
}

impl Drop for DatabaseServer {
    fn drop(&mut self) {
        let data = self.path("data");
        let _ = self.command("pg_ctl", &["-D", &data, "-m", "immediate", "-w", "stop"]).output();
    }
}

/// The folder of the newest version's programs: Debian keeps them off the PATH.
pub fn programs() -> Result<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let folders = versions.map(|version| version.path().join("bin"));
    folders
        .filter(|folder| folder.join("initdb").exists())
        .max()
        .doing("PostgreSQL is missing: install Debian's package `postgresql` (15 or newer) for this test")
}

fn unprivileged_user() -> Result<(u32, u32)> {
    let users = std::fs::read_to_string("/etc/passwd").doing("/etc/passwd")?;
    let found = users.lines().find_map(|line| {
        let mut fields = line.strip_prefix("postgres:")?.split(':').skip(1);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    });
    found.doing("the user `postgres` is missing: install Debian's package `postgresql` for this test")
}
