//! Only for the shells' tests (feature `testing`): a panic, a slow call, a port called back, keys in software.

use crate::error::EngineError;
use crate::ports::{Clock, HostError, KeyLevel, PinKeyKind};
use std::sync::Arc;
use std::time::Duration;
use twinlock_core::Error;
use twinlock_core::ports::{self, DeviceKey, PortError};
use twinlock_core::testing::MemoryDeviceKey;

/// Panics, with a text that must not reach the app's logs as anything but an internal error.
#[uniffi::export]
#[allow(clippy::panic, reason = "that is what it is for")]
pub fn test_panic() -> Result<(), EngineError> {
    panic!("a panic for the shells' tests")
}

/// Takes `ms` milliseconds without holding a thread.
#[uniffi::export(async_runtime = "tokio")]
pub async fn test_sleep(ms: u64) -> Result<(), EngineError> {
    tokio::time::sleep(Duration::from_millis(ms)).await;
    Ok(())
}

/// Asks `clock` from Rust and answers what it says; what it throws arrives as the engine would tell it.
#[uniffi::export]
pub fn test_callback(clock: Arc<dyn Clock>) -> Result<u64, EngineError> {
    Ok(clock.wall_ms().map_err(|error| Error::from(PortError::from(error)))?)
}

/// The core's in-memory keys, for machines without key hardware.
#[derive(uniffi::Object)]
pub struct SoftwareDeviceKey(MemoryDeviceKey);

#[uniffi::export]
impl SoftwareDeviceKey {
    /// No keys yet; the PIN key will be of this kind.
    #[uniffi::constructor]
    pub fn new(kind: PinKeyKind) -> Result<Self, EngineError> {
        Ok(Self(MemoryDeviceKey::with_kind(match kind {
            PinKeyKind::Mac => ports::PinKeyKind::Mac,
            PinKeyKind::Agreement => ports::PinKeyKind::Agreement,
        })))
    }

    /// As the port's `generate`.
    pub fn generate(&self, account: String) -> Result<Vec<u8>, HostError> {
        Ok(self.0.generate(&account)?)
    }

    /// As the port's `sign`.
    pub fn sign(&self, account: String, message: Vec<u8>) -> Result<Vec<u8>, HostError> {
        Ok(self.0.sign(&account, &message)?)
    }

    /// As the port's `pin_key_kind`.
    pub fn pin_key_kind(&self, account: String) -> Result<PinKeyKind, HostError> {
        Ok(match self.0.pin_key_kind(&account)? {
            ports::PinKeyKind::Mac => PinKeyKind::Mac,
            ports::PinKeyKind::Agreement => PinKeyKind::Agreement,
        })
    }

    /// As the port's `bind_guess`.
    pub fn bind_guess(&self, account: String, guess: Vec<u8>) -> Result<Vec<u8>, HostError> {
        Ok(self.0.bind_guess(&account, &guess)?.expose().to_vec())
    }

    /// As the port's `seal_for_biometric`.
    pub fn seal_for_biometric(&self, account: String, secret: Vec<u8>) -> Result<Vec<u8>, HostError> {
        Ok(self.0.seal_for_biometric(&account, &secret)?)
    }

    /// As the port's `open_by_biometric`.
    pub fn open_by_biometric(&self, account: String, sealed: Vec<u8>) -> Result<Vec<u8>, HostError> {
        Ok(self.0.open_by_biometric(&account, &sealed)?.expose().to_vec())
    }

    /// As the system when a finger or face is added.
    pub fn add_finger(&self, account: String) -> Result<(), HostError> {
        self.0.add_finger(&account);
        Ok(())
    }

    /// As the port's `delete`.
    pub fn delete(&self, account: String) -> Result<(), HostError> {
        Ok(self.0.delete(&account)?)
    }

    /// As the port's `level`.
    pub fn level(&self, account: String) -> Result<KeyLevel, HostError> {
        self.0.level(&account)?;
        Ok(KeyLevel::Software)
    }
}

impl From<PortError> for HostError {
    fn from(error: PortError) -> Self {
        match error {
            PortError::KeyLost => Self::KeyLost,
            PortError::KeyUnavailable => Self::KeyUnavailable,
            PortError::NoScreenLock => Self::NoScreenLock,
            PortError::Cancelled => Self::Cancelled,
            PortError::StoreFailed => Self::StoreFailed,
            PortError::Host => Self::Host,
        }
    }
}
