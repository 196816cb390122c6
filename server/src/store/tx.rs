//! The one small transaction that business functions see. It hides which engine runs.

use super::{Row, Sql, StoreError, Value};

/// What carries the transaction; one implementation per database.
pub(super) trait Engine {
    /// Runs a statement without an answer and says how many rows it changed.
    fn exec(&mut self, sql: Sql, values: &[Value<'_>]) -> Result<u64, StoreError>;
    /// Runs a statement and brings all rows.
    fn query(&mut self, sql: Sql, values: &[Value<'_>]) -> Result<Vec<Row>, StoreError>;
    /// Prepares a statement and counts its parameters.
    fn prepare(&mut self, sql: Sql) -> Result<usize, StoreError>;
    /// Runs a whole file, split by the engine's own parser: ours would have to know its quotes, comments and triggers.
    fn script(&mut self, text: &'static str) -> Result<(), StoreError>;
    /// Transaction control: the texts that no business function can reach.
    fn control(&mut self, text: &'static str) -> Result<(), StoreError>;
}

/// A transaction under way. It is committed if the closure returns `Ok`, and undone otherwise.
///
/// After a failed statement nothing else runs and nothing is kept, even if the closure swallows the error: PostgreSQL
/// behaves so, and a rule must not depend on the engine.
pub struct Tx<'c> {
    engine: &'c mut dyn Engine,
    fault: Option<StoreError>,
    must_purge: bool,
}

impl<'c> Tx<'c> {
    pub(super) fn new(engine: &'c mut dyn Engine) -> Self {
        Tx { engine, fault: None, must_purge: false }
    }

    /// Runs a statement without an answer and says how many rows it changed.
    pub fn exec(&mut self, sql: Sql, values: &[Value<'_>]) -> Result<u64, StoreError> {
        self.guard(|engine| storable(sql, values).and_then(|()| engine.exec(sql, values)))
    }

    /// Runs a statement and brings all rows of its answer; the statement limits them.
    pub fn query(&mut self, sql: Sql, values: &[Value<'_>]) -> Result<Vec<Row>, StoreError> {
        self.guard(|engine| storable(sql, values).and_then(|()| engine.query(sql, values)))
    }

    /// Like [`Tx::query`] for at most one row; more are an error.
    pub fn query_one(&mut self, sql: Sql, values: &[Value<'_>]) -> Result<Option<Row>, StoreError> {
        self.guard(|engine| {
            storable(sql, values)?;
            let mut rows = engine.query(sql, values)?;
            match rows.len() {
                0 | 1 => Ok(rows.pop()),
                _ => Err(StoreError::misuse(sql, "more than one row")),
            }
        })
    }

    /// What this transaction removes must leave the disk before anybody is answered: the log, which still holds the pages
    /// as they were, is emptied after the commit. PostgreSQL has no such command: there the sealing protects what is left
    /// (docs/decisions/0012).
    pub fn purge(&mut self) {
        self.must_purge = true;
    }

    /// Prepares a statement without running it and counts its parameters. For the test of the catalogue.
    pub fn prepare(&mut self, sql: Sql) -> Result<usize, StoreError> {
        self.guard(|engine| engine.prepare(sql))
    }

    /// Whether [`Tx::purge`] was called.
    pub(super) fn must_purge(&self) -> bool {
        self.must_purge
    }

    /// The first error of a statement, whatever the closure made of it.
    pub(super) fn fault(&self) -> Option<StoreError> {
        self.fault.clone()
    }

    fn guard<T>(&mut self, run: impl FnOnce(&mut dyn Engine) -> Result<T, StoreError>) -> Result<T, StoreError> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        run(self.engine).inspect_err(|fault| self.fault = Some(fault.clone()))
    }
}

/// SQLite would take what PostgreSQL cannot hold, and a rule must not depend on the engine.
fn storable(sql: Sql, values: &[Value<'_>]) -> Result<(), StoreError> {
    let has_nul = |value: &Value<'_>| matches!(value, Value::Text(text) if text.contains('\0'));
    if values.iter().any(has_nul) { Err(StoreError::Nul { statement: sql.name() }) } else { Ok(()) }
}
