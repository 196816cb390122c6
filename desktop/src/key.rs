//! The desktop's key: P-256 in software, kept in the same store as everything else. A keyring is no hardware.

use ring::rand::SystemRandom;
use std::sync::Arc;
use twinlock_core::ports::{DeviceKey, KeyLevel, KeyPlace, PinKeyKind, PortError, Store};
use twinlock_core::proof::SigningKey;
use twinlock_core::secret::SecretBytes;

/// A device key in a [`Store`].
pub struct StoredDeviceKey {
    store: Arc<dyn Store>,
    place: KeyPlace,
}

impl StoredDeviceKey {
    /// Keys that lie in `store`, which is `place`.
    pub fn new(store: Arc<dyn Store>, place: KeyPlace) -> Self {
        Self { store, place }
    }

    fn key(&self, account: &str) -> Result<SigningKey, PortError> {
        let scalar = self.store.read(&name(account))?.map(SecretBytes::new).ok_or(PortError::KeyLost)?;
        SigningKey::from_scalar(scalar.expose()).map_err(|_| PortError::KeyLost)
    }
}

impl DeviceKey for StoredDeviceKey {
    fn generate(&self, account: &str) -> Result<Vec<u8>, PortError> {
        let key = SigningKey::generate(&SystemRandom::new()).map_err(|_| PortError::KeyUnavailable)?;
        self.store.write(&name(account), key.to_scalar().expose())?;
        Ok(key.public_key().map_err(|_| PortError::Host)?.spki().to_vec())
    }

    fn sign(&self, account: &str, message: &[u8]) -> Result<Vec<u8>, PortError> {
        Ok(self.key(account)?.sign(message))
    }

    fn pin_key_kind(&self, account: &str) -> Result<PinKeyKind, PortError> {
        self.key(account).map(|_| PinKeyKind::Mac)
    }

    /// A desktop has no PIN, and no key for one.
    fn bind_guess(&self, _account: &str, _guess: &[u8]) -> Result<SecretBytes, PortError> {
        Err(PortError::Host)
    }

    fn delete(&self, account: &str) -> Result<(), PortError> {
        self.store.remove(&name(account))
    }

    fn level(&self, account: &str) -> Result<KeyLevel, PortError> {
        self.key(account).map(|_| KeyLevel::Software)
    }

    fn place(&self) -> Option<KeyPlace> {
        Some(self.place)
    }
}

fn name(account: &str) -> String {
    format!("{account}.key")
}
