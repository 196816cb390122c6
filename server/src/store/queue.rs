//! How a request reaches a thread that owns a connection, and how its answer comes back. The same for both engines.

use super::{StoreError, Tx};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use tokio::sync::{mpsc, oneshot};

/// A request in a queue; `None` asks the thread to finish what is queued and end.
pub(super) type Message = Option<Box<dyn Job>>;

/// A request whose answer type is hidden, so that one queue holds them all.
pub(super) trait Job: Send {
    /// Runs the closure and says whether its changes are to be kept.
    fn run(&mut self, tx: &mut Tx<'_>) -> bool;
    /// Sends the closure's answer, or the fault of the transaction around it.
    fn answer(self: Box<Self>, transaction: Result<(), StoreError>);
}

struct Request<T, F> {
    work: Option<F>,
    result: Result<T, StoreError>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Job for Request<T, F>
where
    T: Send,
    F: FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send,
{
    fn run(&mut self, tx: &mut Tx<'_>) -> bool {
        let Some(work) = self.work.take() else {
            return false;
        };
        // The transaction is the only state that a panic can leave half-done, and it is rolled back.
        self.result = catch_unwind(AssertUnwindSafe(|| work(tx))).unwrap_or_else(|_| {
            tracing::error!("a storage request panicked; its changes were undone");
            Err(StoreError::Panicked)
        });
        if let (Ok(_), Some(fault)) = (&self.result, tx.fault()) {
            self.result = Err(fault);
        }
        self.result.is_ok()
    }

    fn answer(self: Box<Self>, transaction: Result<(), StoreError>) {
        let result = match self.work {
            Some(_) => transaction.and(Err(StoreError::Closed)),
            None => self.result.and_then(|value| transaction.map(|()| value)),
        };
        // The one who asked may have gone; the change stays, a try that was counted stays counted.
        let _ = self.reply.send(result);
    }
}

/// Queues a closure and waits for its answer; a full queue makes the caller wait.
pub(super) async fn submit<T: Send + 'static>(
    queue: &mpsc::Sender<Message>,
    work: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let (reply, answer) = oneshot::channel();
    let job = Request { work: Some(work), result: Err(StoreError::Closed), reply };
    queue.send(Some(Box::new(job))).await.map_err(|_| StoreError::Closed)?;
    answer.await.unwrap_or(Err(StoreError::Closed))
}

/// One queue that several threads take from.
#[derive(Clone)]
pub(super) struct Shared(Arc<Mutex<mpsc::Receiver<Message>>>);

impl Shared {
    pub(super) fn new(queue: mpsc::Receiver<Message>) -> Self {
        Shared(Arc::new(Mutex::new(queue)))
    }

    /// The next request; `None` when the store is closed and nothing is left.
    pub(super) fn next(&self) -> Option<Box<dyn Job>> {
        // Closed under the same lock: another thread would hold it while it waits for a message that never comes.
        let mut queue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match queue.blocking_recv()? {
                Some(job) => return Some(job),
                None => queue.close(),
            }
        }
    }
}

pub(super) fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StoreError> {
    let thread = thread::Builder::new().name(name.to_owned()).spawn(work);
    thread.map_err(|fault| StoreError::Driver { statement: "open", text: fault.to_string() })
}
