//! The system's keyring as a store: the keychain, the credential manager, or the Secret Service.

use keyring::{Entry, Error};
use twinlock_core::ports::{PortError, Store};

/// One entry for each blob.
pub struct KeyringStore;

const SERVICE: &str = "twinlock";

impl KeyringStore {
    /// The keyring, if this system has one that answers.
    pub fn open() -> Option<Self> {
        let probe = Entry::new(SERVICE, "registration").ok()?;
        matches!(probe.get_secret(), Ok(_) | Err(Error::NoEntry)).then_some(Self)
    }
}

impl Store for KeyringStore {
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, PortError> {
        match entry(name)?.get_secret() {
            Ok(bytes) => Ok(Some(bytes)),
            Err(Error::NoEntry) => Ok(None),
            Err(_) => Err(PortError::StoreFailed),
        }
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), PortError> {
        entry(name)?.set_secret(bytes).map_err(|_| PortError::StoreFailed)
    }

    fn remove(&self, name: &str) -> Result<(), PortError> {
        match entry(name)?.delete_credential() {
            Ok(()) | Err(Error::NoEntry) => Ok(()),
            Err(_) => Err(PortError::StoreFailed),
        }
    }
}

fn entry(name: &str) -> Result<Entry, PortError> {
    Entry::new(SERVICE, name).map_err(|_| PortError::StoreFailed)
}
