//! SQLite: how a connection is opened, a statement run and a fault named.

use super::tx::Engine;
use super::{Fault, Options, Row, Sql, StoreError, Value};
use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, ffi};
use std::borrow::Cow;
use std::path::Path;
use std::time::Duration;

/// Between two looks at a lock that another process holds; its batches last about a millisecond.
pub(super) const POLL: Duration = Duration::from_micros(200);
/// A checkpoint that a slow reader blocks is given up after this, so that requests do not wait for it.
const CHECKPOINT_WAIT: Duration = Duration::from_millis(50);
/// More than the portal has statements; rusqlite's own default of 16 would prepare again and again.
const STATEMENTS_KEPT: usize = 512;

/// What a connection is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Writer,
    Reader,
    Checkpointer,
}

/// Opens the database with every protection on.
pub(super) fn open(path: &Path, role: Role, options: &Options) -> Result<Connection, StoreError> {
    let named = |fault| error("open", fault);
    let mut conn = Connection::open(path).map_err(named)?;
    wait_for_locks(&mut conn, options.busy_timeout)?;
    let mode: String = conn.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).map_err(named)?;
    if mode != "wal" {
        let text = "the file system does not support a write-ahead log".to_owned();
        return Err(StoreError::Driver { statement: "open", text });
    }
    // FULL: an answered try must survive a power cut. secure_delete: a removed secret leaves the file. Temporary
    // tables stay in memory, because a file in /tmp would hold rows in the clear.
    conn.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;
         PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 0;",
    )
    .map_err(named)?;
    // Otherwise SQLite looks at bound values when it plans, and plans again whenever one of them changes.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(named)?;
    let log_bytes = i64::from(options.log_pages) * 4096;
    conn.pragma_update(None, "journal_size_limit", log_bytes).map_err(named)?;
    if role == Role::Reader {
        conn.pragma_update(None, "query_only", true).map_err(named)?;
    }
    if let (Role::Writer, Some(pages)) = (role, options.max_pages) {
        conn.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())).map_err(named)?;
    }
    conn.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    Ok(conn)
}

/// SQLite's own busy timeout sleeps up to 100 ms between two looks; a portal beside us needs a millisecond.
pub(super) fn wait_for_locks(conn: &mut Connection, timeout: Duration) -> Result<(), StoreError> {
    let looks = looks(timeout);
    let wait = move |tries: i32| {
        std::thread::sleep(POLL);
        u128::try_from(tries).is_ok_and(|tries| tries < looks)
    };
    conn.busy_handler(Some(wait)).map_err(|fault| error("open", fault))
}

/// How often to look at a lock within `timeout`; a sleep of [`POLL`] takes some 50 µs longer than asked.
pub(super) fn looks(timeout: Duration) -> u128 {
    timeout.as_micros() / (POLL.as_micros() + 50)
}

/// Transaction control and pragmas: the texts that no business function can reach.
pub(super) fn control(conn: &Connection, text: &'static str) -> Result<(), StoreError> {
    conn.prepare_cached(text)
        .and_then(|mut statement| statement.raw_execute())
        .map(|_| ())
        .map_err(|fault| error(text, fault))
}

/// Pages in the write-ahead log, and how many of them the database file does not have yet.
#[derive(Clone, Copy, Default)]
pub(super) struct Log {
    pub(super) pages: u32,
    pub(super) behind: u32,
}

/// Looks at the log without touching it.
pub(super) fn log(conn: &Connection) -> Result<Log, StoreError> {
    log_after(conn, "PRAGMA wal_checkpoint(NOOP)")
}

/// Copies the log into the database file beside the running writer; blocks nobody.
pub(super) fn checkpoint(conn: &Connection) -> Result<Log, StoreError> {
    log_after(conn, "PRAGMA wal_checkpoint(PASSIVE)")
}

/// Copies the rest of the log and empties it. Needs a moment without readers of old snapshots, but waits only briefly.
pub(super) fn empty_log(conn: &mut Connection, options: &Options) -> Result<Log, StoreError> {
    wait_for_locks(conn, CHECKPOINT_WAIT)?;
    let log = log_after(conn, "PRAGMA wal_checkpoint(TRUNCATE)");
    wait_for_locks(conn, options.busy_timeout)?;
    log
}

fn log_after(conn: &Connection, pragma: &'static str) -> Result<Log, StoreError> {
    let mut statement = conn.prepare_cached(pragma).map_err(|fault| error(pragma, fault))?;
    statement
        .query_row([], |row| {
            // -1 stands for a log that does not exist yet.
            let (pages, done) = (row.get::<_, i64>(1)?, row.get::<_, i64>(2)?);
            let count = |n: i64| u32::try_from(n).unwrap_or(0);
            Ok(Log { pages: count(pages), behind: count(pages - done) })
        })
        .map_err(|fault| error(pragma, fault))
}

/// One request on one connection.
#[derive(Clone, Copy)]
pub(super) struct Session<'c> {
    pub(super) conn: &'c Connection,
    pub(super) writable: bool,
}

impl Engine for Session<'_> {
    fn exec(&mut self, sql: Sql, values: &[Value<'_>]) -> Result<u64, StoreError> {
        let mut statement = self.bind(sql, values)?;
        let rows = statement.raw_execute().map_err(|fault| error(sql.name(), fault))?;
        Ok(u64::try_from(rows).unwrap_or(u64::MAX))
    }

    fn query(&mut self, sql: Sql, values: &[Value<'_>]) -> Result<Vec<Row>, StoreError> {
        let mut statement = self.bind(sql, values)?;
        let columns = statement.column_count();
        let mut rows = statement.raw_query();
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(|fault| error(sql.name(), fault))? {
            let cells = (0..columns).map(|column| cell(row, sql, column));
            found.push(Row { statement: sql.name(), cells: cells.collect::<Result<_, _>>()? });
        }
        Ok(found)
    }

    fn prepare(&mut self, sql: Sql) -> Result<usize, StoreError> {
        let statement = self.statement(sql)?;
        let count = statement.parameter_count();
        (1..=count).try_for_each(|index| number(&statement, sql, index, count).map(|_| ()))?;
        Ok(count)
    }

    fn script(&mut self, text: &'static str) -> Result<(), StoreError> {
        self.conn.execute_batch(text).map_err(|fault| error("migration", fault))
    }

    fn control(&mut self, text: &'static str) -> Result<(), StoreError> {
        control(self.conn, text)
    }
}

impl<'c> Session<'c> {
    fn statement(self, sql: Sql) -> Result<CachedStatement<'c>, StoreError> {
        // A fault of the engine can end the transaction; what follows would commit by itself.
        if self.conn.is_autocommit() {
            return Err(StoreError::misuse(sql, "no transaction"));
        }
        self.conn.prepare_cached(sql.text()).map_err(|fault| error(sql.name(), fault))
    }

    /// SQLite takes `$2` for a name and numbers names as they appear, so each is looked up by its number. The prepared
    /// statement keeps the names; a second table of ours would cost more than it saves.
    fn bind(self, sql: Sql, values: &[Value<'_>]) -> Result<CachedStatement<'c>, StoreError> {
        let mut statement = self.statement(sql)?;
        if statement.parameter_count() != values.len() {
            return Err(StoreError::misuse(sql, "wrong number of values"));
        }
        if !self.writable && !statement.readonly() {
            return Err(StoreError::misuse(sql, "it writes within a read"));
        }
        for index in 1..=values.len() {
            let position = number(&statement, sql, index, values.len())?;
            let value = match values.get(position - 1) {
                Some(Value::Int(n)) => ValueRef::Integer(*n),
                Some(Value::Text(text)) => ValueRef::Text(text.as_bytes()),
                Some(Value::Blob(bytes)) => ValueRef::Blob(bytes),
                Some(Value::Null) | None => ValueRef::Null,
            };
            statement
                .raw_bind_parameter(index, ToSqlOutput::Borrowed(value))
                .map_err(|fault| error(sql.name(), fault))?;
        }
        Ok(statement)
    }
}

/// The number behind the `$` of SQLite's parameter `index`; numbers run from 1 to `count` without a gap.
fn number(statement: &CachedStatement<'_>, sql: Sql, index: usize, count: usize) -> Result<usize, StoreError> {
    statement
        .parameter_name(index)
        .and_then(|name| name.strip_prefix('$')?.parse::<usize>().ok())
        .filter(|number| (1..=count).contains(number))
        .ok_or(StoreError::misuse(sql, "parameters are $1, $2 …"))
}

fn cell(row: &rusqlite::Row<'_>, sql: Sql, column: usize) -> Result<Value<'static>, StoreError> {
    let wrong = StoreError::Column { statement: sql.name(), column, wanted: "known type" };
    match row.get_ref(column).map_err(|fault| error(sql.name(), fault))? {
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Integer(n) => Ok(Value::Int(n)),
        ValueRef::Text(text) => {
            String::from_utf8(text.to_vec()).map(|text| Value::Text(Cow::Owned(text))).map_err(|_| wrong)
        }
        ValueRef::Blob(bytes) => Ok(Value::Blob(Cow::Owned(bytes.to_vec()))),
        ValueRef::Real(_) => Err(wrong),
    }
}

/// Names a fault. The driver's own message is dropped wherever it could quote a value.
pub(super) fn error(statement: &'static str, fault: rusqlite::Error) -> StoreError {
    let code = match fault {
        rusqlite::Error::SqliteFailure(code, _) => code,
        // Seen while preparing, before any value is bound: the message can only quote the SQL text.
        rusqlite::Error::SqlInputError { error, msg, .. } if error.code == ffi::ErrorCode::Unknown => {
            return StoreError::Driver { statement, text: msg };
        }
        rusqlite::Error::SqlInputError { error, .. } => error,
        rusqlite::Error::ExecuteReturnedResults => {
            return StoreError::Misuse { statement, why: "it answers rows; query it" };
        }
        rusqlite::Error::MultipleStatement => {
            return StoreError::Misuse { statement, why: "more than one statement" };
        }
        _ => {
            return StoreError::Driver { statement, text: "the driver refused".to_owned() };
        }
    };
    match code.code {
        ffi::ErrorCode::DatabaseBusy | ffi::ErrorCode::DatabaseLocked => StoreError::Busy,
        ffi::ErrorCode::DiskFull => StoreError::Unavailable(Fault::Full),
        ffi::ErrorCode::ReadOnly => StoreError::Unavailable(Fault::ReadOnly),
        ffi::ErrorCode::SystemIoFailure => StoreError::Unavailable(Fault::Io),
        ffi::ErrorCode::CannotOpen => StoreError::Unavailable(Fault::CannotOpen),
        ffi::ErrorCode::DatabaseCorrupt | ffi::ErrorCode::NotADatabase => StoreError::Corrupt,
        ffi::ErrorCode::ConstraintViolation
            if [ffi::SQLITE_CONSTRAINT_UNIQUE, ffi::SQLITE_CONSTRAINT_PRIMARYKEY].contains(&code.extended_code) =>
        {
            StoreError::Conflict { statement }
        }
        _ => StoreError::Driver { statement, text: code.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::StatementStatus;

    #[test]
    fn a_statement_is_planned_once_whatever_is_bound() {
        let folder = tempfile::tempdir().unwrap();
        let options = Options::at(1);
        let conn = open(&folder.path().join("portal.db"), Role::Writer, &options).unwrap();
        let mut session = Session { conn: &conn, writable: true };
        super::super::migrate::migrate(&mut session, "BEGIN IMMEDIATE", options.migrations, options.now_ms).unwrap();
        control(&conn, "BEGIN").unwrap();
        let find = crate::two_step::STATEMENTS.iter().find(|sql| sql.name() == "FIND_FACTOR").unwrap();
        // The partial indexes of `factor` are by state: the one value that would tempt the planner to look.
        for state in ["pending", "active", "disabled", "pending"] {
            session.query(*find, &["o".into(), "m".into(), state.into()]).unwrap();
        }
        let statement = conn.prepare_cached(find.text()).unwrap();
        assert_eq!(statement.get_status(StatementStatus::Run), 4);
        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
    }
}
