//! Ports in memory, for tests and the demo. Never in a shipped artefact.

use crate::ports::{DeviceKey, KeyLevel, PortError, Store};
use crate::proof::SigningKey;
use crate::secret::SecretBytes;
use ring::hmac;
use ring::rand::SystemRandom;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Keys in software, by account.
#[derive(Default)]
pub struct MemoryDeviceKey {
    keys: Mutex<HashMap<String, (SigningKey, hmac::Key)>>,
}

impl MemoryDeviceKey {
    /// No keys.
    pub fn new() -> Self {
        Self::default()
    }
}

impl DeviceKey for MemoryDeviceKey {
    fn generate(&self, account: &str) -> Result<Vec<u8>, PortError> {
        let random = SystemRandom::new();
        let key = SigningKey::generate(&random).map_err(|_| PortError::Host)?;
        let spki = key.public_key().map_err(|_| PortError::Host)?.spki().to_vec();
        let pin_key = hmac::Key::generate(hmac::HMAC_SHA256, &random).map_err(|_| PortError::Host)?;
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).insert(account.to_owned(), (key, pin_key));
        Ok(spki)
    }

    fn sign(&self, account: &str, message: &[u8]) -> Result<Vec<u8>, PortError> {
        let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.get(account).map(|(key, _)| key.sign(message)).ok_or(PortError::KeyLost)
    }

    fn bind_guess(&self, account: &str, guess: &[u8]) -> Result<SecretBytes, PortError> {
        let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, pin_key) = keys.get(account).ok_or(PortError::KeyLost)?;
        Ok(SecretBytes::new(hmac::sign(pin_key, guess).as_ref().to_vec()))
    }

    fn delete(&self, account: &str) -> Result<(), PortError> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).remove(account);
        Ok(())
    }

    fn level(&self, account: &str) -> Result<KeyLevel, PortError> {
        let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.get(account).map(|_| KeyLevel::Software).ok_or(PortError::KeyLost)
    }
}

/// Blobs in a map.
#[derive(Default)]
pub struct MemoryStore {
    blobs: Mutex<HashMap<String, Vec<u8>>>,
}

impl MemoryStore {
    /// Nothing stored.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Store for MemoryStore {
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, PortError> {
        Ok(self.blobs.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned())
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), PortError> {
        self.blobs.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), bytes.to_vec());
        Ok(())
    }

    fn remove(&self, name: &str) -> Result<(), PortError> {
        self.blobs.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        Ok(())
    }
}
