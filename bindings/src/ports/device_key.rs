use super::HostError;
use std::sync::Arc;
use twinlock_core::ports::{self, PortError};
use twinlock_core::secret::SecretBytes;

/// Holds the device key (P-256, signs) and the PIN key, named per account.
#[uniffi::export(foreign)]
pub trait DeviceKey: Send + Sync {
    /// Makes both keys, replacing any with that name. Returns the device key's public half, DER SubjectPublicKeyInfo.
    fn generate(&self, account: String) -> Result<Vec<u8>, HostError>;

    /// Signs SHA-256(`message`) with the device key: ECDSA P-256, 64 bytes r ‖ s.
    fn sign(&self, account: String, message: Vec<u8>) -> Result<Vec<u8>, HostError>;

    /// What the PIN key can do; asked before a guess is made for it.
    fn pin_key_kind(&self, account: String) -> Result<PinKeyKind, HostError>;

    /// One use of the PIN key, 32 bytes: the MAC of `guess`, or the agreement with the point that `guess` is.
    fn bind_guess(&self, account: String, guess: Vec<u8>) -> Result<Vec<u8>, HostError>;

    /// Seals 32 bytes under a further key that only this device's owner opens with a biometric, and that the system
    /// invalidates when a finger or face is added; makes that key anew. `KeyLost` where there is no such hardware.
    fn seal_for_biometric(&self, account: String, secret: Vec<u8>) -> Result<Vec<u8>, HostError>;

    /// Asks for the biometric, waits for the member, and opens. `KeyLost` if the key was invalidated, `Cancelled` if
    /// the member put the dialog away, `KeyUnavailable` if the system refuses for now.
    fn open_by_biometric(&self, account: String, sealed: Vec<u8>) -> Result<Vec<u8>, HostError>;

    /// Deletes all keys. Not an error if there are none.
    fn delete(&self, account: String) -> Result<(), HostError>;

    /// How hard the keys are held.
    fn level(&self, account: String) -> Result<KeyLevel, HostError>;
}

/// How hard the device's keys are held; the core's `KeyLevel`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum KeyLevel {
    /// A separate secure element (StrongBox, Secure Enclave).
    SecureElement,
    /// The processor's trusted execution environment.
    TrustedEnvironment,
    /// Software.
    Software,
}

/// What a PIN key does with a guess; the core's `PinKeyKind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum PinKeyKind {
    /// HMAC-SHA256 over the guess (Android Keystore).
    Mac,
    /// ECDH P-256 with the guess, a point in X9.63 uncompressed form (Secure Enclave).
    Agreement,
}

pub(crate) struct HostDeviceKey(pub(crate) Arc<dyn DeviceKey>);

impl ports::DeviceKey for HostDeviceKey {
    fn generate(&self, account: &str) -> Result<Vec<u8>, PortError> {
        Ok(self.0.generate(account.to_owned())?)
    }

    fn sign(&self, account: &str, message: &[u8]) -> Result<Vec<u8>, PortError> {
        Ok(self.0.sign(account.to_owned(), message.to_vec())?)
    }

    fn pin_key_kind(&self, account: &str) -> Result<ports::PinKeyKind, PortError> {
        Ok(match self.0.pin_key_kind(account.to_owned())? {
            PinKeyKind::Mac => ports::PinKeyKind::Mac,
            PinKeyKind::Agreement => ports::PinKeyKind::Agreement,
        })
    }

    fn bind_guess(&self, account: &str, guess: &[u8]) -> Result<SecretBytes, PortError> {
        Ok(SecretBytes::new(self.0.bind_guess(account.to_owned(), guess.to_vec())?))
    }

    fn seal_for_biometric(&self, account: &str, secret: &[u8]) -> Result<Vec<u8>, PortError> {
        Ok(self.0.seal_for_biometric(account.to_owned(), secret.to_vec())?)
    }

    fn open_by_biometric(&self, account: &str, sealed: &[u8]) -> Result<SecretBytes, PortError> {
        Ok(SecretBytes::new(self.0.open_by_biometric(account.to_owned(), sealed.to_vec())?))
    }

    fn delete(&self, account: &str) -> Result<(), PortError> {
        Ok(self.0.delete(account.to_owned())?)
    }

    fn level(&self, account: &str) -> Result<ports::KeyLevel, PortError> {
        Ok(match self.0.level(account.to_owned())? {
            KeyLevel::SecureElement => ports::KeyLevel::SecureElement,
            KeyLevel::TrustedEnvironment => ports::KeyLevel::TrustedEnvironment,
            KeyLevel::Software => ports::KeyLevel::Software,
        })
    }
}
