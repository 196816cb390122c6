//! Every SQL text of the portal is prepared on SQLite and on PostgreSQL, and both count the same parameters.
//!
//! The test starts a PostgreSQL of its own, on a socket in a temporary folder.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use postgres::types::{Kind, Type};
use postgres::{Client, NoTls};
use std::fs::File;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;
use twinlock_portal::store::{self, Options, Store};

/// A private server; dropping it stops it.
struct Server {
    programs: PathBuf,
    owner: Option<(u32, u32)>,
    folder: TempDir,
}

impl Server {
    fn start() -> Server {
        let folder = tempfile::tempdir().unwrap();
        // PostgreSQL refuses to run as root.
        let root = std::fs::metadata(folder.path()).unwrap().uid() == 0;
        let owner = root.then(postgres_user);
        if let Some((user, group)) = owner {
            chown(folder.path(), Some(user), Some(group)).unwrap();
        }
        let server = Server { programs: programs(), owner, folder };
        let (data, log, socket) = (server.path("data"), server.path("log"), server.path("."));
        let rules = ["-U", "portal", "-A", "trust", "-N", "-E", "UTF8", "--locale=C.UTF-8"];
        server.run("initdb", &[&["-D", &data], &rules[..]].concat());
        let options = format!("-k {socket} -c listen_addresses='' -c fsync=off");
        server.run("pg_ctl", &["-D", &data, "-o", &options, "-l", &log, "-w", "-t", "60", "start"]);
        server
    }

    fn client(&self) -> Client {
        let address = format!("host={} user=portal dbname=postgres", self.path("."));
        Client::connect(&address, NoTls).expect("PostgreSQL answers on its socket")
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.args(arguments).current_dir(self.folder.path());
        if let Some((user, group)) = self.owner {
            command.uid(user).gid(group);
        }
        command
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        // Into a file: the server keeps its output open, and a pipe would never end.
        let said = self.path(&format!("{program}.out"));
        let out = File::create(&said).unwrap();
        let mut command = self.command(program, arguments);
        let status = command.stdout(out.try_clone().unwrap()).stderr(out).status().unwrap();
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        assert!(status.success(), "{program}:\n{}\n{}", read(&said), read(&self.path("log")));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let data = self.path("data");
        let _ = self.command("pg_ctl", &["-D", &data, "-m", "immediate", "-w", "stop"]).output();
    }
}

fn programs() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let folders = versions.map(|version| version.path().join("bin"));
    folders
        .filter(|folder| folder.join("initdb").exists())
        .max()
        .expect("PostgreSQL is missing: install Debian's package `postgresql` (15 or newer) for this test")
}

fn postgres_user() -> (u32, u32) {
    let users = std::fs::read_to_string("/etc/passwd").unwrap();
    let user = users.lines().find_map(|line| line.strip_prefix("postgres:"));
    let user = user.expect("the user `postgres` is missing: install Debian's package `postgresql` for this test");
    let mut fields = user.split(':').skip(1).map(|field| field.parse().unwrap());
    (fields.next().unwrap(), fields.next().unwrap())
}

/// What the store can carry; NUMERIC or BOOLEAN would be a rule that runs on SQLite alone.
fn is_portable(kind: &Type) -> bool {
    match kind.kind() {
        Kind::Domain(base) => is_portable(base),
        _ => [Type::INT8, Type::INT4, Type::TEXT, Type::BYTEA].contains(kind),
    }
}

#[test]
fn every_statement_means_the_same_to_both_engines() {
    let server = Server::start();
    let mut client = server.client();
    client.batch_execute("CREATE DOMAIN blob AS bytea").unwrap();
    for script in store::schema() {
        client.batch_execute(script).unwrap_or_else(|fault| panic!("{fault:?} in\n{script}"));
    }

    let folder = tempfile::tempdir().unwrap();
    let sqlite = Store::open_sqlite(&folder.path().join("db"), Options::at(1)).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut faults = Vec::new();
    let mut seen = 0;
    for sql in store::catalogue() {
        seen += 1;
        let here = runtime.block_on(sqlite.read(move |tx| tx.prepare(sql)));
        let (here, there) = match (here, client.prepare(sql.text())) {
            (Ok(here), Ok(there)) => (here, there),
            (Err(fault), _) => {
                faults.push(format!("SQLite: {fault}"));
                continue;
            }
            (_, Err(fault)) => {
                faults.push(format!("PostgreSQL: {}: {fault:?}", sql.name()));
                continue;
            }
        };
        let count = there.params().len();
        if here != count {
            faults.push(format!("{}: {here} parameters on SQLite, {count} on PostgreSQL", sql.name()));
        }
        let columns = there.columns().iter().map(postgres::Column::type_);
        for kind in there.params().iter().chain(columns).filter(|kind| !is_portable(kind)) {
            faults.push(format!("{}: PostgreSQL makes it {kind}; CAST it", sql.name()));
        }
    }
    assert!(seen > 0, "the catalogue is empty");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
