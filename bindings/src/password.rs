use crate::error::EngineError;
use std::sync::{Mutex, PoisonError};
use twinlock_core::Error;
use twinlock_core::secret::SecretText;

/// An account password on its way to the portal: copied once out of the shell's buffer, wiped after one use.
///
/// The shell passes a buffer that it wipes itself, never a string.
#[derive(uniffi::Object)]
pub struct Password(Mutex<Option<SecretText>>);

#[uniffi::export]
impl Password {
    /// Copies UTF-8 bytes. `EntryRefused` (TL-3004) if they are not UTF-8: no account has such a password.
    #[uniffi::constructor]
    pub fn new(utf8: &[u8]) -> Result<Self, EngineError> {
        let text = SecretText::from_utf8(utf8).ok_or(Error::SignInRefused)?;
        Ok(Self(Mutex::new(Some(text))))
    }

    /// Wipes it now; harmless to repeat.
    pub fn clear(&self) -> Result<(), EngineError> {
        self.take();
        Ok(())
    }
}

impl Password {
    pub(crate) fn take(&self) -> Option<SecretText> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
