//! What the store answers when it cannot do as asked.

use super::Sql;

/// Why a request to the store failed. Unless a case says otherwise, nothing of the request was kept.
///
/// No case ever holds the value of a parameter or of a row: names of statements, numbers and fixed texts only.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process held the database for too long; the caller tries again later.
    #[error("another process holds the database")]
    Busy,
    /// The storage is full, read-only or failing; the operator acts, `/readyz` turns red. After a failing disk
    /// or a lost connection ([`Fault::Io`], [`Fault::Lost`]) the change may be there all the same: treat it as unknown, not as undone.
    #[error("storage unavailable: {0}")]
    Unavailable(Fault),
    /// The database file is damaged; the operator restores a backup.
    #[error("the database is damaged")]
    Corrupt,
    /// The schema in the database does not fit this program; nothing was migrated from this version on.
    #[error("migration {version}: {why}")]
    Migration {
        /// The version that does not fit.
        version: i64,
        /// What is wrong with it.
        why: MigrationFault,
    },
    /// A unique or primary key exists already. A rule that expects this says `ON CONFLICT` instead.
    #[error("{statement}: such a row exists already")]
    Conflict {
        /// The statement's name.
        statement: &'static str,
    },
    /// A column is missing or has another type than the code asked for.
    #[error("{statement}: column {column} is not a {wanted}")]
    Column {
        /// The statement's name.
        statement: &'static str,
        /// The column, counted from 0.
        column: usize,
        /// The type that was asked for.
        wanted: &'static str,
    },
    /// A text with a NUL character: PostgreSQL has none, and so nothing on either engine does. The caller is told that the
    /// request is malformed.
    #[error("{statement}: a text with a NUL character")]
    Nul {
        /// The statement's name.
        statement: &'static str,
    },
    /// The statement was used against its nature; a fault of our own.
    #[error("{statement}: {why}")]
    Misuse {
        /// The statement's name.
        statement: &'static str,
        /// What the caller did.
        why: &'static str,
    },
    /// A sealed value cannot be opened: the key file is another one, or the row was changed. The operator looks at the key
    /// file; nothing was counted.
    #[error("a sealed value cannot be opened")]
    Sealed,
    /// The closure panicked; its changes were undone.
    #[error("the request panicked")]
    Panicked,
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// What the operator set, or the way the database was made, does not fit; the text says what to do.
    #[error("{0}")]
    SetUp(String),
    /// Any other complaint of the engine.
    #[error("{statement}: {text}")]
    Driver {
        /// The statement's name, or what the store itself was doing.
        statement: &'static str,
        /// The engine's fixed text for the result code.
        text: String,
    },
}

impl StoreError {
    pub(super) fn misuse(sql: Sql, why: &'static str) -> Self {
        StoreError::Misuse { statement: sql.name(), why }
    }
}

/// Why the storage is unavailable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// No space is left, or the configured limit is reached.
    #[error("full")]
    Full,
    /// The file, its folder or the file system is read-only.
    #[error("read-only")]
    ReadOnly,
    /// Reading or writing failed.
    #[error("input/output error")]
    Io,
    /// The file cannot be opened.
    #[error("cannot be opened")]
    CannotOpen,
    /// The database server does not answer.
    #[error("the database server cannot be reached")]
    Unreachable,
    /// The connection to the database server broke while the request ran.
    #[error("the connection to the database server was lost")]
    Lost,
}

/// Why a migration was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MigrationFault {
    /// The database was migrated by a newer program, or by another one.
    #[error("applied to the database, but unknown to this program")]
    Unknown,
    /// The file was edited after it had been applied.
    #[error("the file differs from the one that was applied")]
    Changed,
    /// The file ends or begins a transaction of its own.
    #[error("the file must leave the transaction alone")]
    Transaction,
}
