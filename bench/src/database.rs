//! A database of the benchmark's own on a server, and the programs that write to a database from outside.

use crate::Result;
use std::process::Command;

/// The address of a server's database whose user may create databases; `twinlock-on-postgres` sets it.
pub const SERVER: &str = "TWINLOCK_TEST_DATABASE";

/// A database of its own on the server; it goes with this value.
pub struct Database {
    server: String,
    name: String,
    /// Where it is.
    pub address: String,
}

impl Database {
    /// `None` where no server is named.
    pub fn create() -> Result<Option<Self>> {
        let Ok(server) = std::env::var(SERVER) else { return Ok(None) };
        let name = format!("bench_{}", std::process::id());
        psql(&server, &format!("CREATE DATABASE {name} TEMPLATE template0"))?;
        let (place, _) = server.rsplit_once('/').ok_or("the server's address names no database")?;
        let address = format!("{place}/{name}");
        Ok(Some(Self { server, name, address }))
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let _ = psql(&self.server, &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
    }
}

/// Runs a statement, or several, in a database.
pub fn psql(address: &str, statement: &str) -> Result<()> {
    let mut command = Command::new("psql");
    said(command.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", statement, address]))
}

/// Runs a command; what it complains of is the error.
pub fn said(command: &mut Command) -> Result<()> {
    let done = command.output()?;
    if done.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&done.stderr).into_owned().into()) }
}
