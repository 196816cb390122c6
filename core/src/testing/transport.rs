//! A network that does what the script says.

use crate::error::{Error, Result};
use crate::ports::{Answer, PortFuture, Request, Transport};
use crate::secret::SecretBytes;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Semaphore, SemaphorePermit};

/// What becomes of one request.
#[derive(Debug, Clone)]
pub enum Fate {
    /// It goes through.
    Pass,
    /// It never arrives.
    Drop,
    /// It arrives and is acted upon; the answer is lost.
    DropAnswer,
    /// It arrives and is acted upon; the answer comes when the test calls [`ScriptedTransport::release`].
    Hold,
    /// This answer, of whoever is between the device and the portal.
    Answer(Answer),
}

/// Passes requests on to `inner`, but for those that the script names.
pub struct ScriptedTransport {
    inner: Arc<dyn Transport>,
    state: Mutex<State>,
    arrived: Semaphore,
    released: Semaphore,
}

#[derive(Default)]
struct State {
    script: VecDeque<(String, Fate)>,
    sent: Vec<String>,
}

impl ScriptedTransport {
    /// An empty script: everything passes.
    pub fn new(inner: Arc<dyn Transport>) -> Self {
        Self { inner, state: Mutex::default(), arrived: Semaphore::new(0), released: Semaphore::new(0) }
    }

    /// The next request whose target ends with `target` meets this fate, once. Several lines for one target are taken in
    /// their order.
    pub fn expect(&self, target: &str, fate: Fate) {
        self.state().script.push_back((target.to_owned(), fate));
    }

    /// Waits until a request that is to be held has arrived and was acted upon.
    pub async fn arrived(&self) {
        // The semaphore is never closed.
        self.arrived.acquire().await.map(SemaphorePermit::forget).ok();
    }

    /// Lets one held answer go.
    pub fn release(&self) {
        self.released.add_permits(1);
    }

    /// Whether every line of the script was played.
    pub fn is_done(&self) -> bool {
        self.state().script.is_empty()
    }

    /// Method and target of every request so far.
    pub fn sent(&self) -> Vec<String> {
        self.state().sent.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fate_of(&self, request: &Request) -> Fate {
        let mut state = self.state();
        state.sent.push(format!("{} {}", request.method, request.target));
        let line = state.script.iter().position(|(target, _)| request.target.ends_with(target.as_str()));
        line.and_then(|line| state.script.remove(line)).map_or(Fate::Pass, |(_, fate)| fate)
    }
}

impl Transport for ScriptedTransport {
    fn send(&self, request: Request) -> PortFuture<'_, Result<Answer>> {
        Box::pin(async move {
            match self.fate_of(&request) {
                Fate::Pass => self.inner.send(request).await,
                Fate::Drop => Err(Error::Offline),
                Fate::DropAnswer => self.inner.send(request).await.and(Err(Error::Offline)),
                Fate::Hold => {
                    let answer = self.inner.send(request).await;
                    self.arrived.add_permits(1);
                    self.released.acquire().await.map(SemaphorePermit::forget).ok();
                    answer
                }
                Fate::Answer(answer) => Ok(answer),
            }
        })
    }
}

/// Nobody answers.
pub struct NoNetwork;

impl Transport for NoNetwork {
    fn send(&self, _: Request) -> PortFuture<'_, Result<Answer>> {
        Box::pin(async { Err(Error::Offline) })
    }
}

/// An answer with this status and body and no headers.
pub fn answer(status: u16, body: &[u8]) -> Answer {
    Answer { status, headers: Vec::new(), body: SecretBytes::new(body.to_vec()) }
}
