//! One question and one answer: every call returns the next [`Step`], and the app draws that step.
//!
//! The engine is the only place that combines the other modules. It keeps session key, PIN-activated key and vault key
//! in memory only. No lock is held while a port is called or an answer awaited.

mod account;
mod attempt;
mod authorised;
mod biometric;
mod call;
mod connection;
mod desktop;
mod enrollment;
mod file;
mod idle;
mod new_pin;
mod pin;
mod policy;
mod recovery;
mod shelf;
mod sign_in;
mod stretching;
mod unlock;
mod vault;
mod wipe;

use crate::error::{Error, Result};
use crate::pin::{Pin, StretchParameters};
use crate::policy::{DeviceState, Surface};
use crate::ports::{Clock, DeviceKey, PortError, Store, Transport};
use crate::secret::SecretText;
use crate::step::Step;
use crate::vault::Vault;
use account::Account;
use attempt::Attempt;
use connection::{Connection, Signer};
use shelf::Shelf;
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
    /// [`Surface::Phone`], or [`Surface::Desktop`]: a device without a PIN, whose session outlives the program in its store.
    pub surface: Surface,
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
    shelf: Shelf,
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
    attempt: Option<Arc<Attempt>>,
    /// Shown by nobody yet.
    recovery_codes: Option<Vec<SecretText>>,
    calibration: Option<tokio::task::JoinHandle<StretchParameters>>,
    /// When the PIN was last entered, and when what it opened was last used, on the clock since boot.
    unlocked_boot_ms: u64,
    used_boot_ms: u64,
    wants_change: bool,
    wants_biometric: bool,
    /// Grows whenever secrets are dropped; what was under way before must not bring any back.
    locks: u64,
    is_closed: bool,
}

/// The one call that is under way, and how often secrets had been dropped when it began.
struct Flow<'a> {
    _turn: tokio::sync::MutexGuard<'a, ()>,
    locks: u64,
}

impl Engine {
    /// Cheap; reads nothing yet.
    pub fn new(config: EngineConfig, ports: Ports) -> Self {
        let shelf = Shelf::new(Arc::clone(&ports.store), &config.account);
        let connection = Connection::new(config.authority.clone(), ports);
        let state = State {
            account: None,
            session: None,
            step: Step::SignIn,
            first_pin: None,
            vault: None,
            attempt: None,
            recovery_codes: None,
            calibration: None,
            unlocked_boot_ms: 0,
            used_boot_ms: 0,
            wants_change: false,
            wants_biometric: false,
            locks: 0,
            is_closed: false,
        };
        let (state, flow, vault_flow) = (Mutex::new(state), tokio::sync::Mutex::new(()), tokio::sync::Mutex::new(()));
        Self { shared: Arc::new(Shared { config, connection, shelf, state, flow, vault_flow }) }
    }

    /// Reads what the device remembers and says what comes next. No network.
    ///
    /// # Errors
    /// [`Error::StoreFailed`] and [`Error::KeyUnavailable`] pass: ask again. [`Error::Corrupt`]: the member signs in and
    /// enrolls again.
    pub fn open(&self) -> Result<Step> {
        let mut account = self.shared.shelf.account()?;
        if let Some(known) = account.as_mut() {
            if known.needs_keys() && !self.has_keys()? {
                known.state = Some(DeviceState::KeyLost);
            } else if known.is_half_wiped() && self.finish_wipe(known).is_err() {
                // The step says it already; the next opening tries again.
            }
        }
        let step = self.local_step(account.as_ref())?;
        let session = self.kept_session(account.as_ref())?;
        let mut state = self.state()?;
        state.session = session;
        state.account = account;
        state.step = step.clone();
        Ok(step)
    }

    /// The device's id at the portal, once it is enrolled.
    pub fn device(&self) -> Option<String> {
        let state = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.account.as_ref().filter(|account| account.needs_keys()).map(|account| account.device.clone())
    }

    /// What comes next.
    pub fn step(&self) -> Step {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner).step.clone()
    }

    /// What comes next; [`Error::Closed`] after [`close`](Self::close).
    pub fn current_step(&self) -> Result<Step> {
        Ok(self.state()?.step.clone())
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
    fn flow(&self) -> Result<Flow<'_>> {
        let locks = self.state()?.locks;
        let _turn = self.shared.flow.try_lock().map_err(|_| Error::Busy)?;
        Ok(Flow { _turn, locks })
    }

    /// A restored backup or a removed screen lock: the keys are gone, and with them the device.
    fn has_keys(&self) -> Result<bool> {
        let (keys, account) = (&self.ports().device_key, &self.shared.config.account);
        match keys.level(account).and_then(|_| keys.pin_key_kind(account)) {
            Err(PortError::KeyLost) => Ok(false),
            other => Ok(other.map(|_| true)?),
        }
    }

    fn session(&self) -> Result<Signer> {
        self.use_now()?;
        self.state()?.session.clone().ok_or(Error::SessionEnded)
    }

    fn account(&self) -> Result<Account> {
        self.state()?.account.clone().ok_or(Error::StepRequired)
    }

    fn ports(&self) -> &Ports {
        &self.shared.connection.ports
    }
}
