//! The portal's storage. Business rules are plain synchronous functions over one small [`Tx`]; only this folder knows
//! which database runs underneath (design: dependencies, 1.2).
//!
//! Whatever [`Store::write`] answered with `Ok` is on the disk. The store never reads a clock: callers pass times.
//!
//! ```ignore
//! let name = store.read(move |tx| member_name(tx, &id)).await?;
//! ```

mod address;
mod error;
mod migrate;
mod postgres;
mod queue;
mod sqlite;
mod statement;
mod tx;
mod value;
mod writer;

pub use address::Address;
pub use error::{Fault, MigrationFault, StoreError};
pub use migrate::{MIGRATIONS, Migration, schema};
pub use statement::Sql;
pub use tx::Tx;
pub use value::{Row, Value};

use queue::{Message, Shared};
use sqlite::Role;
use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::mpsc;
use writer::{Checkpoints, Writer};

/// Every statement of the portal; a test prepares each on both engines.
pub fn catalogue() -> impl Iterator<Item = Sql> {
    [
        migrate::STATEMENTS,
        crate::mail::announcements::STATEMENTS,
        crate::applications::back_ends::STATEMENTS,
        crate::applications::host_sessions::STATEMENTS,
        crate::applications::protected_hosts::STATEMENTS,
        crate::applications::VOUCHED_STATEMENTS,
        crate::audit::STATEMENTS,
        crate::caller_facts::STATEMENTS,
        crate::compliance::STATEMENTS,
        crate::desktop::STATEMENTS,
        crate::devices::list::STATEMENTS,
        crate::devices::STATEMENTS,
        crate::devices::waiting_mail::STATEMENTS,
        crate::enrollments::STATEMENTS,
        crate::exceptions::STATEMENTS,
        crate::files::STATEMENTS,
        crate::first_run::STATEMENTS,
        crate::mail::freeze::STATEMENTS,
        crate::health::STATEMENTS,
        crate::identity::STATEMENTS,
        crate::members::invitations::STATEMENTS,
        crate::mail::list::STATEMENTS,
        crate::mail::mailer::STATEMENTS,
        crate::members::counts::STATEMENTS,
        crate::members::list::STATEMENTS,
        crate::members::READING_STATEMENTS,
        crate::members::status::STATEMENTS,
        crate::members::STATEMENTS,
        crate::nonce::STATEMENTS,
        crate::open_sessions::STATEMENTS,
        crate::organisations::STATEMENTS,
        crate::mail::outbox::STATEMENTS,
        crate::pin_set_up::STATEMENTS,
        crate::pins::STATEMENTS,
        crate::members::places::STATEMENTS,
        crate::policy::STATEMENTS,
        crate::policy_keys::STATEMENTS,
        crate::preferences::STATEMENTS,
        crate::proposals::STATEMENTS,
        crate::recovery::STATEMENTS,
        crate::mail::reminders::STATEMENTS,
        crate::renewal::STATEMENTS,
        crate::resets::STATEMENTS,
        crate::first_factor::STATEMENTS,
        crate::restored::STATEMENTS,
        crate::mail::sending::STATEMENTS,
        crate::sessions::STATEMENTS,
        crate::sso::SETTINGS_STATEMENTS,
        crate::sso::ATTEMPT_STATEMENTS,
        crate::sso::SIGN_IN_STATEMENTS,
        crate::standing::STATEMENTS,
        crate::two_step::STATEMENTS,
        crate::files::uploads::STATEMENTS,
    ]
    .into_iter()
    .flatten()
    .copied()
}

/// How a store runs. [`Options::at`] has the portal's values; tests change some.
#[derive(Debug, Clone)]
pub struct Options {
    /// The time, in epoch milliseconds, that new rows of `schema_migration` bear.
    pub now_ms: i64,
    /// The schema.
    pub migrations: &'static [Migration],
    /// Reading threads, each with a connection.
    pub readers: usize,
    /// Writing threads on PostgreSQL, each with a connection; SQLite always has one.
    pub writers: usize,
    /// Requests that may wait; the next caller waits until one is taken.
    pub queue: usize,
    /// How long to wait for another process before [`StoreError::Busy`].
    pub busy_timeout: Duration,
    /// PostgreSQL on another machine: the file of the root certificates (PEM) that the server's has to lead to.
    pub roots: Option<PathBuf>,
    /// SQLite: pages of 4 KiB in the write-ahead log before the writer itself empties it.
    pub log_pages: u32,
    /// SQLite: pages that the database may have; `None` is its own limit.
    pub max_pages: Option<u32>,
}

impl Options {
    /// The portal's values.
    pub fn at(now_ms: i64) -> Self {
        Options {
            now_ms,
            migrations: MIGRATIONS,
            readers: 4,
            writers: 4,
            queue: 1024,
            busy_timeout: Duration::from_secs(5),
            roots: None,
            log_pages: 4096,
            max_pages: None,
        }
    }
}

/// The database. Clones share it; it closes when the last one goes, or by [`Store::close`].
#[derive(Clone)]
pub struct Store {
    writes: mpsc::Sender<Message>,
    reads: mpsc::Sender<Message>,
    threads: Arc<Mutex<Vec<JoinHandle<()>>>>,
    is_failing: Arc<AtomicBool>,
}

impl Store {
    /// Opens or creates the database file, brings its schema up to date and starts the threads.
    ///
    /// Blocks; beside the file lie `<path>-wal`, `<path>-shm` and `<path>-turn`, all readable by the owner alone.
    pub fn open_sqlite(path: &Path, options: Options) -> Result<Store, StoreError> {
        create_private(path)?;
        let mut turn_path = path.as_os_str().to_owned();
        turn_path.push("-turn");
        let turn = private().create(true).truncate(false).open(&turn_path);
        let turn = turn.map_err(|fault| unavailable(&fault))?;
        // Two processes that turn a new file to WAL at the same time get "locked" without any wait.
        writer::take_turn(&turn, options.busy_timeout);
        let conn = sqlite::open(path, Role::Writer, &options)?;
        let mut session = sqlite::Session { conn: &conn, writable: true };
        migrate::migrate(&mut session, "BEGIN IMMEDIATE", options.migrations, options.now_ms)?;
        let _ = turn.unlock();

        let mut threads = Vec::new();
        let (reads, queue) = mpsc::channel(options.queue.max(1));
        let queue = Shared::new(queue);
        for _ in 0..options.readers.max(1) {
            let (conn, queue) = (sqlite::open(path, Role::Reader, &options)?, queue.clone());
            threads.push(queue::spawn("store-read", move || writer::read(&conn, &queue))?);
        }
        let checkpointer = sqlite::open(path, Role::Checkpointer, &options)?;
        let checkpoints = Checkpoints::start(checkpointer, options.clone())?;
        let (writes, queue) = mpsc::channel(options.queue.max(1));
        let is_failing = Arc::new(AtomicBool::new(false));
        let writer = Writer { conn, queue, options, turn, checkpoints, is_failing: Arc::clone(&is_failing) };
        threads.push(queue::spawn("store-write", move || writer.serve())?);
        Ok(Store { writes, reads, threads: Arc::new(Mutex::new(threads)), is_failing })
    }

    /// Brings the schema of a PostgreSQL database up to date and starts the threads. Blocks.
    ///
    /// The database is in UTF-8 and ordered by code point, as on SQLite; any other is refused.
    pub fn open_postgres(address: &Address, options: &Options) -> Result<Store, StoreError> {
        let server = postgres::Server::new(address, options)?;
        server.migrate(options)?;
        let (writes, for_writers) = mpsc::channel(options.queue.max(1));
        let (reads, for_readers) = mpsc::channel(options.queue.max(1));
        let (for_writers, for_readers) = (Shared::new(for_writers), Shared::new(for_readers));
        let is_failing = Arc::new(AtomicBool::new(false));
        let worker = |queue: &Shared| postgres::Worker::new(server.clone(), queue.clone(), Arc::clone(&is_failing));
        let mut threads = Vec::new();
        for _ in 0..options.writers.max(1) {
            let mut worker = worker(&for_writers);
            threads.push(queue::spawn("store-write", move || worker.write())?);
        }
        for _ in 0..options.readers.max(1) {
            let mut worker = worker(&for_readers);
            threads.push(queue::spawn("store-read", move || worker.read())?);
        }
        Ok(Store { writes, reads, threads: Arc::new(Mutex::new(threads)), is_failing })
    }

    /// Runs `work` in a write transaction. `Ok` is answered only after the commit reached the disk.
    ///
    /// `Err` undoes what `work` did, and only that. A caller that stops waiting does not stop the work: a try that was
    /// asked for is counted. `work` runs on a writing thread, so it must not wait for anything.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        queue::submit(&self.writes, work).await
    }

    /// Runs `work` on a snapshot that contains every write answered before. It cannot write.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        queue::submit(&self.reads, work).await
    }

    /// True from a write that the storage refused until one that it kept: full, read-only, failing or damaged.
    pub fn is_failing(&self) -> bool {
        self.is_failing.load(Ordering::Relaxed)
    }

    /// Finishes what is queued, empties the log and closes files or connections. Every later request gets [`StoreError::Closed`].
    pub async fn close(&self) {
        let _ = self.reads.send(None).await;
        let _ = self.writes.send(None).await;
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        let join = move || threads.into_iter().for_each(|thread| drop(thread.join()));
        let _ = tokio::task::spawn_blocking(join).await;
    }
}

/// Creates a file that only its owner may read, if there is none: SQLite gives its log the same mode. It must not be
/// opened otherwise, because closing it would drop every lock that SQLite holds on it in this process (POSIX).
fn create_private(path: &Path) -> Result<(), StoreError> {
    match private().create_new(true).open(path) {
        Err(fault) if fault.kind() != ErrorKind::AlreadyExists => Err(unavailable(&fault)),
        _ => Ok(()),
    }
}

fn private() -> OpenOptions {
    let mut how = OpenOptions::new();
    how.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut how, 0o600);
    how
}

fn unavailable(fault: &std::io::Error) -> StoreError {
    StoreError::Unavailable(match fault.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Fault::ReadOnly,
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Fault::Full,
        _ => Fault::CannotOpen,
    })
}
