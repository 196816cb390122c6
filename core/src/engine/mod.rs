//! One question and one answer: every call returns the next [`Step`], and the app draws that step.
//!
//! The engine is the only place that combines the other modules. It keeps session key, PIN-activated key and vault key
//! in memory only. No lock is held while a port is called or an answer awaited.

mod account;
mod call;
mod connection;
mod enrollment;
mod file;
mod pin;
mod policy;
mod sign_in;
mod unlock;
mod vault;

use crate::error::{Error, Result};
use crate::pin::Pin;
use crate::policy::DeviceState;
use crate::ports::{Clock, DeviceKey, Store, Transport};
use crate::step::Step;
use crate::vault::Vault;
use account::Account;
use connection::{Connection, Signer};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What the app says of itself and of its portal.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// Names the keys in the device's key store; one per account.
    pub account: String,
    /// The portal's host, with the port unless it is 443; signatures are bound to it.
    pub authority: String,
    /// The device's name, 1–64 characters.
    pub device_name: String,
    /// Manufacturer and model.
    pub model: String,
    /// System and version.
    pub system: String,
    /// `major.minor.patch`.
    pub app_version: String,
}

/// The host's ports.
#[derive(Clone)]
pub struct Ports {
    /// Keys in hardware.
    pub device_key: Arc<dyn DeviceKey>,
    /// Blobs.
    pub store: Arc<dyn Store>,
    /// Clocks.
    pub clock: Arc<dyn Clock>,
    /// The way to the portal.
    pub transport: Arc<dyn Transport>,
}

/// A device's side of Twinlock. Clones share one state.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

struct Shared {
    config: EngineConfig,
    connection: Connection,
    state: Mutex<State>,
    flow: tokio::sync::Mutex<()>,
    vault_flow: tokio::sync::Mutex<()>,
}

struct State {
    account: Option<Account>,
    session: Option<Signer>,
    step: Step,
    first_pin: Option<Pin>,
    vault: Option<Vault>,
    is_closed: bool,
}

impl Engine {
    /// Cheap; reads nothing yet.
    pub fn new(config: EngineConfig, ports: Ports) -> Self {
        let connection = Connection::new(config.authority.clone(), ports);
        let state =
            State { account: None, session: None, step: Step::SignIn, first_pin: None, vault: None, is_closed: false };
        Self {
            shared: Arc::new(Shared {
                config,
                connection,
                state: Mutex::new(state),
                flow: tokio::sync::Mutex::new(()),
                vault_flow: tokio::sync::Mutex::new(()),
            }),
        }
    }

    /// Reads what the device remembers and says what comes next. No network.
    pub fn open(&self) -> Result<Step> {
        let mut account = Account::load(self.ports().store.as_ref())?;
        if let Some(known) = account.as_mut().filter(|known| known.state == Some(DeviceState::Approved)) {
            // A restored backup or a removed screen lock: the key is gone, and with it the device.
            if self.ports().device_key.level(&self.shared.config.account).is_err() {
                known.state = Some(DeviceState::KeyLost);
            }
        }
        let step = self.local_step(account.as_ref())?;
        let mut state = self.state()?;
        state.account = account;
        state.step = step.clone();
        Ok(step)
    }

    /// What comes next.
    pub fn step(&self) -> Step {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner).step.clone()
    }

    /// What comes next; [`Error::Closed`] after [`close`](Self::close).
    pub fn current_step(&self) -> Result<Step> {
        Ok(self.state()?.step.clone())
    }

    /// Drops session, keys and vault from memory; the PIN opens them again.
    pub fn lock(&self) {
        let account = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner).account.clone();
        let step = self.local_step(account.as_ref()).unwrap_or(Step::SignIn);
        let mut state = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        (state.session, state.vault, state.first_pin) = (None, None, None);
        state.step = step;
    }

    /// Locks for good; every later call is [`Error::Closed`].
    pub fn close(&self) {
        self.lock();
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner).is_closed = true;
    }

    /// The portal never sends the comparison code; the device adds its own.
    fn set_step(&self, step: Step) -> Result<Step> {
        let mut state = self.state()?;
        let code = state.account.as_ref().and_then(|account| account.comparison_code.clone());
        state.step = match step {
            Step::AwaitApproval { .. } => Step::AwaitApproval { comparison_code: code },
            other => other,
        };
        Ok(state.step.clone())
    }

    fn state(&self) -> Result<MutexGuard<'_, State>> {
        let state = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.is_closed { Err(Error::Closed) } else { Ok(state) }
    }

    /// One flow at a time: a second call is told so instead of waiting, so that a port may call back.
    fn flow(&self) -> Result<tokio::sync::MutexGuard<'_, ()>> {
        drop(self.state()?);
        self.shared.flow.try_lock().map_err(|_| Error::Busy)
    }

    fn account(&self) -> Result<Account> {
        self.state()?.account.clone().ok_or(Error::StepRequired)
    }

    fn ports(&self) -> &Ports {
        &self.shared.connection.ports
    }
}
