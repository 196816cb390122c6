//! `twinlock-on-postgres COMMAND…`: runs tests with a private PostgreSQL, which stops when they have ended.
//! Portals are killed on it, the machine is not: it does not wait for the disk.

use std::process::{Command, ExitCode};
use twinlock_tests::database::SERVER;
use twinlock_tests::database_server::DatabaseServer;

fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(1);
    let Some(program) = words.next() else {
        eprintln!("twinlock-on-postgres COMMAND…: runs the command with {SERVER} naming a private PostgreSQL");
        return ExitCode::from(2);
    };
    let server = match DatabaseServer::start("-c fsync=off") {
        Ok(server) => server,
        Err(fault) => {
            eprintln!("{fault}");
            return ExitCode::FAILURE;
        }
    };
    match Command::new(program).args(words).env(SERVER, server.address("postgres")).status() {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(fault) => {
            eprintln!("{fault}");
            ExitCode::FAILURE
        }
    }
}
