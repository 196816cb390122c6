//! The database of a portal under test: SQLite in its folder, or one of its own on the server that
//! `TWINLOCK_TEST_DATABASE` names.

use crate::database_server::programs;
use crate::{Doing, Fault, Result};
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// The variable with the address of a private server's database, `postgres://USER@HOST:PORT/DATABASE`. Its user may
/// create databases. `twinlock-on-postgres` starts such a server and sets it.
pub const SERVER: &str = "TWINLOCK_TEST_DATABASE";

/// What the tests' own SQL is written in: a few functions of SQLite's, in a schema that the portal does not see.
const DIALECT: &str = "CREATE SCHEMA dialect;
    CREATE FUNCTION dialect.hex(bytea) RETURNS text LANGUAGE sql AS $$ SELECT upper(encode($1, 'hex')) $$;
    CREATE FUNCTION dialect.unhex(text) RETURNS bytea LANGUAGE sql AS $$ SELECT decode($1, 'hex') $$;
    CREATE FUNCTION dialect.instr(text, text) RETURNS int LANGUAGE sql AS $$ SELECT strpos($1, $2) $$;
    CREATE FUNCTION dialect.json_extract(text, text) RETURNS text LANGUAGE sql
        AS $$ SELECT CAST($1 AS jsonb) #>> string_to_array(substr($2, 3), '.') $$;
    CREATE FUNCTION dialect.refuse() RETURNS trigger LANGUAGE plpgsql
        AS $$ BEGIN RAISE EXCEPTION 'refused'; END $$";

/// Where rows are kept.
pub enum Database {
    /// SQLite's file.
    File(PathBuf),
    /// On the server.
    Fresh(Fresh),
}

/// A database that was made for one test; it goes with this value.
pub struct Fresh {
    address: String,
    name: String,
}

impl Database {
    /// An empty database; `file` is where SQLite's would be.
    pub fn empty(file: PathBuf) -> Result<Self> {
        let Some(fresh) = Fresh::create("template0")? else { return Ok(Database::File(file)) };
        let fresh = Database::Fresh(fresh);
        fresh.ask(DIALECT)?;
        Ok(fresh)
    }

    /// A copy of this one, which nobody may use meanwhile. A file was copied already, to `file`.
    pub fn copy(&self, file: PathBuf) -> Result<Self> {
        match self {
            Database::File(_) => Ok(Database::File(file)),
            Database::Fresh(fresh) => Fresh::create(&fresh.name)?.map(Database::Fresh).doing(SERVER),
        }
    }

    /// The address for the portal; `None` for SQLite in its folder.
    pub fn address(&self) -> Option<&str> {
        match self {
            Database::File(_) => None,
            Database::Fresh(fresh) => Some(&fresh.address),
        }
    }

    /// Asks the database itself, beside the portal.
    pub fn ask(&self, statement: &str) -> Result<String> {
        match self {
            Database::File(path) => {
                let mut command = Command::new("sqlite3");
                command.args(["-cmd", ".timeout 10000", "-cmd", ".nullvalue NULL"]).arg(path).arg(statement);
                said(command, statement)
            }
            Database::Fresh(fresh) => ask(&fresh.address, statement),
        }
    }

    /// Takes a table's constraints away but for one key: they protect the portal, and a test asks what it does without.
    pub fn loosen(&self, table: &str, key: &str) -> Result<()> {
        let cascade = if self.address().is_some() { "CASCADE" } else { "" };
        self.ask(&format!(
            "CREATE TABLE loose AS SELECT * FROM {table}; DROP TABLE {table} {cascade};
             ALTER TABLE loose RENAME TO {table}; CREATE UNIQUE INDEX loose_key ON {table} (organisation, {key})"
        ))
        .map(drop)
    }

    /// Lets every `change` (`UPDATE`, `INSERT`) of a table fail, until [`Database::allow`].
    pub fn refuse(&self, change: &str, table: &str) -> Result<()> {
        let action = match self {
            Database::File(_) => "BEGIN SELECT RAISE(ABORT, 'refused'); END",
            Database::Fresh(_) => "FOR EACH ROW EXECUTE FUNCTION dialect.refuse()",
        };
        self.ask(&format!("CREATE TRIGGER refuse_{table} BEFORE {change} ON {table} {action}")).map(drop)
    }

    /// Takes [`Database::refuse`] back.
    pub fn allow(&self, table: &str) -> Result<()> {
        let on = if self.address().is_some() { format!("ON {table}") } else { String::new() };
        self.ask(&format!("DROP TRIGGER refuse_{table} {on}")).map(drop)
    }

    /// Puts a column of a table back to `value` whenever it is raised.
    pub fn keep_at(&self, table: &str, column: &str, value: i64) -> Result<()> {
        let statement = match self {
            Database::File(_) => format!(
                "CREATE TRIGGER keep AFTER UPDATE ON {table} WHEN NEW.{column} > {value}
                 BEGIN UPDATE {table} SET {column} = {value}; END"
            ),
            Database::Fresh(_) => format!(
                "CREATE FUNCTION dialect.keep() RETURNS trigger LANGUAGE plpgsql
                 AS $$ BEGIN NEW.{column} := {value}; RETURN NEW; END $$;
                 CREATE TRIGGER keep BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION dialect.keep()"
            ),
        };
        self.ask(&statement).map(drop)
    }

    /// Deletes nothing from a table any more, and says nothing of it.
    pub fn keep_rows(&self, table: &str) -> Result<()> {
        let statement = match self {
            Database::File(_) => {
                format!("CREATE TRIGGER keep_rows BEFORE DELETE ON {table} BEGIN SELECT RAISE(IGNORE); END")
            }
            Database::Fresh(_) => format!(
                "CREATE FUNCTION dialect.keep_rows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
                 CREATE TRIGGER keep_rows BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION dialect.keep_rows()"
            ),
        };
        self.ask(&statement).map(drop)
    }

    /// Every row of a table.
    pub fn dump(&self, table: &str) -> Result<String> {
        match self {
            Database::File(_) => {
                let columns = self
                    .ask(&format!("SELECT group_concat('quote(' || name || ')') FROM pragma_table_info('{table}')"))?;
                self.ask(&format!("SELECT {columns} FROM {table} ORDER BY rowid"))
            }
            Database::Fresh(_) => self.ask(&format!("SELECT t FROM {table} t ORDER BY CAST(t AS text)")),
        }
    }

    /// Every row of every table but these, as lines that begin with `INSERT INTO <table> `.
    pub fn dump_all_but(&self, tables: &[&str]) -> Result<Vec<String>> {
        let lines = match self {
            Database::File(_) => self.ask(".dump")?,
            Database::Fresh(_) => {
                let rows = self.ask(
                    "SELECT string_agg('SELECT ''INSERT INTO ' || tablename || ' '' || CAST(t AS text) AS row FROM '
                        || tablename || ' t', ' UNION ALL ') FROM pg_tables WHERE schemaname = 'public'",
                )?;
                self.ask(&format!("{rows} ORDER BY row"))?
            }
        };
        let is_left_out = |line: &&str| tables.iter().any(|table| line.starts_with(&format!("INSERT INTO {table} ")));
        Ok(lines.lines().filter(|line| !is_left_out(line)).map(str::to_owned).collect())
    }
}

impl Fresh {
    fn create(template: &str) -> Result<Option<Self>> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let Ok(server) = std::env::var(SERVER) else { return Ok(None) };
        let name = format!("test_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        ask(&server, &format!("CREATE DATABASE {name} TEMPLATE {template}"))?;
        let (place, _) = server.rsplit_once('/').doing(SERVER)?;
        Ok(Some(Fresh { address: format!("{place}/{name}"), name }))
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        if let Ok(server) = std::env::var(SERVER) {
            let _ = ask(&server, &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
        }
    }
}

fn ask(address: &str, statement: &str) -> Result<String> {
    let mut command = Command::new(programs()?.join("psql"));
    command.args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-P", "null=NULL", "-c", statement, address]);
    command.env("PGOPTIONS", "-c search_path=public,dialect");
    said(command, statement)
}

fn said(mut command: Command, statement: &str) -> Result<String> {
    let output = command.output().doing(command.get_program().display())?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned()),
        false => Err(Fault(format!("{statement}: {}", String::from_utf8_lossy(&output.stderr)))),
    }
}
