//! The one small transaction that business functions see. It hides which engine runs.

use super::{Row, Sql, StoreError, Value, sqlite};

/// Which engine carries the transaction; PostgreSQL becomes the second case.
pub(super) enum Engine<'c> {
    Sqlite(sqlite::Session<'c>),
}

/// A transaction under way. It is committed if the closure returns `Ok`, and undone otherwise.
///
/// After a failed statement nothing else runs and nothing is kept, even if the closure swallows the error: PostgreSQL
/// behaves so, and a rule must not depend on the engine.
pub struct Tx<'c> {
    engine: Engine<'c>,
    fault: Option<StoreError>,
    must_purge: bool,
}

impl<'c> Tx<'c> {
    pub(super) fn new(engine: Engine<'c>) -> Self {
        Tx { engine, fault: None, must_purge: false }
    }

    /// Runs a statement without an answer and says how many rows it changed.
    pub fn exec(&mut self, sql: Sql, values: &[Value<'_>]) -> Result<u64, StoreError> {
        self.guard(|Engine::Sqlite(session)| session.exec(sql, values))
    }

    /// Runs a statement and brings all rows of its answer; the statement limits them.
    pub fn query(&mut self, sql: Sql, values: &[Value<'_>]) -> Result<Vec<Row>, StoreError> {
        self.guard(|Engine::Sqlite(session)| session.query(sql, values))
    }

    /// Like [`Tx::query`] for at most one row; more are an error.
    pub fn query_one(&mut self, sql: Sql, values: &[Value<'_>]) -> Result<Option<Row>, StoreError> {
        self.guard(|Engine::Sqlite(session)| {
            let mut rows = session.query(sql, values)?;
            match rows.len() {
                0 | 1 => Ok(rows.pop()),
                _ => Err(sqlite::misuse(sql, "more than one row")),
            }
        })
    }

    /// What this transaction removes must leave the disk before anybody is answered: the log, which still holds the pages
    /// as they were, is emptied after the commit.
    pub fn purge(&mut self) {
        self.must_purge = true;
    }

    /// Prepares a statement without running it and counts its parameters. For the test of the catalogue.
    pub fn prepare(&mut self, sql: Sql) -> Result<usize, StoreError> {
        self.guard(|Engine::Sqlite(session)| session.prepare(sql))
    }

    /// Runs a whole migration file.
    pub(super) fn script(&mut self, text: &'static str) -> Result<(), StoreError> {
        self.guard(|Engine::Sqlite(session)| session.script(text))
    }

    /// Whether [`Tx::purge`] was called.
    pub(super) fn must_purge(&self) -> bool {
        self.must_purge
    }

    /// The first error of a statement, whatever the closure made of it.
    pub(super) fn fault(&self) -> Option<StoreError> {
        self.fault.clone()
    }

    fn guard<T>(&mut self, run: impl FnOnce(&Engine<'c>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        run(&self.engine).inspect_err(|fault| self.fault = Some(fault.clone()))
    }
}
