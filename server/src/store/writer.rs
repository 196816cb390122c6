//! SQLite's threads, which own the connections: one writer with group commit, a few readers, one for checkpoints.

use super::queue::{Job, Message, Shared, spawn};
use super::{Options, StoreError, Tx, sqlite};
use rusqlite::Connection;
use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::sync::mpsc;

/// Requests in one commit. More gain little, and one failing commit fails them all.
const BATCH: usize = 64;
/// How often to try to empty the log after a secret was removed, each within a short wait.
const PURGES: u32 = 10;
/// Without a commit for one to two of these the log is emptied, so that deleted secrets do not linger in it.
const IDLE: Duration = Duration::from_secs(2);

/// The only thread of this process that writes.
pub(super) struct Writer {
    pub(super) conn: Connection,
    pub(super) queue: mpsc::Receiver<Message>,
    pub(super) options: Options,
    /// Who holds this file's lock begins next: two portals take turns instead of the faster one starving the other.
    pub(super) turn: File,
    pub(super) checkpoints: Checkpoints,
    /// Read by [`super::Store::is_failing`].
    pub(super) is_failing: Arc<AtomicBool>,
}

impl Writer {
    /// Serves until the queue is closed, then empties the log.
    pub(super) fn serve(mut self) {
        let mut retry_at = 0;
        while let Some(first) = self.queue.blocking_recv() {
            match first {
                Some(job) => self.batch(job),
                None => self.queue.close(),
            }
            retry_at = self.cap_log(retry_at);
        }
        self.checkpoints.stop();
        if let Err(fault) = sqlite::empty_log(&mut self.conn, &self.options) {
            tracing::warn!(%fault, "the log was not emptied; the next start does it");
        }
    }

    fn batch(&mut self, first: Box<dyn Job>) {
        let mut jobs = vec![first];
        let changes = self.conn.total_changes();
        let transaction = self.transact(&mut jobs);
        match &transaction {
            Err(StoreError::Unavailable(_) | StoreError::Corrupt) => self.is_failing.store(true, Ordering::Relaxed),
            // Only a change that was kept shows that the storage takes changes.
            Ok(_) if self.conn.total_changes() > changes => self.is_failing.store(false, Ordering::Relaxed),
            _ => {}
        }
        if transaction == Ok(true) {
            self.purge();
        }
        let transaction = transaction.map(|_| ());
        if !self.conn.is_autocommit()
            && let Err(fault) = sqlite::control(&self.conn, "ROLLBACK")
        {
            tracing::error!(%fault, "a failed transaction could not be rolled back");
        }
        if let Err(fault) = &transaction {
            tracing::error!(%fault, requests = jobs.len(), "storage requests failed");
        }
        self.checkpoints.dirty.store(true, Ordering::Relaxed);
        jobs.into_iter().for_each(|job| job.answer(transaction.clone()));
    }

    /// One transaction for `jobs` and for those that arrive while it is open; says whether one of them wants the log
    /// emptied. An error stands for all of them.
    fn transact(&mut self, jobs: &mut Vec<Box<dyn Job>>) -> Result<bool, StoreError> {
        if let Err(fault) = self.begin() {
            // Whoever waits gets this answer too, instead of waiting for the same lock once more.
            while jobs.len() < BATCH && self.take_next(jobs) {}
            return Err(fault);
        }
        let mut must_purge = false;
        loop {
            must_purge |= jobs.last_mut().map_or(Ok(false), |job| savepoint(&self.conn, job.as_mut()))?;
            if jobs.len() == BATCH || !self.take_next(jobs) {
                break;
            }
        }
        sqlite::control(&self.conn, "COMMIT").map(|()| must_purge)
    }

    /// A reader of an old snapshot can be in the way: looked for again a few times, then by the thread for checkpoints,
    /// which empties the log at the next pause.
    fn purge(&mut self) {
        for _ in 0..PURGES {
            match sqlite::empty_log(&mut self.conn, &self.options) {
                Ok(log) if log.pages == 0 => return,
                Ok(_) | Err(StoreError::Busy) => {}
                Err(fault) => return tracing::error!(%fault, "the log was not emptied"),
            }
        }
        tracing::warn!("a reader keeps the log from being emptied; it is emptied at the next pause");
    }

    fn take_next(&mut self, jobs: &mut Vec<Box<dyn Job>>) -> bool {
        match self.queue.try_recv() {
            Ok(Some(job)) => jobs.push(job),
            Ok(None) => self.queue.close(),
            Err(_) => return false,
        }
        true
    }

    /// Waits for this process's turn, then for the database's own lock; only the second is needed to be correct.
    fn begin(&self) -> Result<(), StoreError> {
        let turn = take_turn(&self.turn, self.options.busy_timeout);
        let begun = sqlite::control(&self.conn, "BEGIN IMMEDIATE");
        if turn {
            let _ = self.turn.unlock();
        }
        begun
    }

    /// Hands a growing log to the other thread; empties it here when that thread cannot keep up, because only a pause
    /// of the writer lets a log restart under load. Returns the length below which not to try again.
    fn cap_log(&mut self, retry_at: u32) -> u32 {
        let (cap, portion) = (self.options.log_pages, self.options.log_pages / 4);
        let Ok(log) = sqlite::log(&self.conn) else {
            return retry_at;
        };
        if log.pages >= cap.max(retry_at) {
            let left = sqlite::empty_log(&mut self.conn, &self.options).unwrap_or(log);
            // A backup or a stuck reader pins the log: each try costs a wait, so let it grow a little first.
            return if left.pages == 0 { 0 } else { log.pages.saturating_add(portion) };
        }
        if log.behind >= portion {
            self.checkpoints.wake();
        }
        if log.pages < cap { 0 } else { retry_at }
    }
}

/// Polls for the lock that hands out turns. Without it the caller goes on: it brings fairness, not safety.
pub(super) fn take_turn(turn: &File, timeout: Duration) -> bool {
    for _ in 0..sqlite::looks(timeout).max(1) {
        match turn.try_lock() {
            Ok(()) => return true,
            Err(std::fs::TryLockError::WouldBlock) => thread::sleep(sqlite::POLL),
            Err(std::fs::TryLockError::Error(_)) => return false,
        }
    }
    false
}

/// Runs one request so that its failure leaves the others alone; says whether it wants the log emptied. An error means
/// that the whole transaction is lost.
fn savepoint(conn: &Connection, job: &mut dyn Job) -> Result<bool, StoreError> {
    sqlite::control(conn, "SAVEPOINT request")?;
    let mut session = sqlite::Session { conn, writable: true };
    let mut tx = Tx::new(&mut session);
    let keep = job.run(&mut tx);
    if conn.is_autocommit() {
        // A full disk and its kin make SQLite undo everything, also what earlier requests of the batch did.
        return Err(tx.fault().unwrap_or(StoreError::Corrupt));
    }
    if !keep {
        sqlite::control(conn, "ROLLBACK TO request")?;
    }
    sqlite::control(conn, "RELEASE request").map(|()| keep && tx.must_purge())
}

/// One of the reading threads. Each request is a transaction of its own and sees one snapshot.
pub(super) fn read(conn: &Connection, queue: &Shared) {
    while let Some(mut job) = queue.next() {
        let begun = sqlite::control(conn, "BEGIN");
        if begun.is_ok() {
            job.run(&mut Tx::new(&mut sqlite::Session { conn, writable: false }));
        }
        if !conn.is_autocommit()
            && let Err(fault) = sqlite::control(conn, "ROLLBACK")
        {
            tracing::error!(%fault, "a read could not be ended");
        }
        job.answer(begun);
    }
}

/// The thread that copies the log into the database file, so that commits do not wait for it.
pub(super) struct Checkpoints {
    wake: Option<SyncSender<()>>,
    dirty: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpoints {
    pub(super) fn start(conn: Connection, options: Options) -> Result<Self, StoreError> {
        let (wake, woken) = sync_channel(1);
        let dirty = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&dirty);
        let thread = spawn("store-checkpoint", move || run(conn, &woken, &seen, &options))?;
        Ok(Checkpoints { wake: Some(wake), dirty, thread: Some(thread) })
    }

    fn wake(&self) {
        // Full means that it is awake already.
        let _ = self.wake.as_ref().map(|wake| wake.try_send(()));
    }

    fn stop(&mut self) {
        self.wake = None;
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn run(mut conn: Connection, woken: &Receiver<()>, dirty: &AtomicBool, options: &Options) {
    let mut rest = false;
    loop {
        let done = match woken.recv_timeout(IDLE) {
            Ok(()) => sqlite::checkpoint(&conn),
            Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) if dirty.swap(false, Ordering::Relaxed) => {
                rest = true;
                continue;
            }
            Err(RecvTimeoutError::Timeout) if !std::mem::take(&mut rest) => continue,
            Err(RecvTimeoutError::Timeout) => sqlite::empty_log(&mut conn, options),
        };
        if let Err(fault) = done
            && fault != StoreError::Busy
        {
            tracing::error!(%fault, "a checkpoint failed; the log keeps what was committed");
        }
    }
}
