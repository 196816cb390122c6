use crate::error::EngineError;
use std::sync::{Mutex, MutexGuard, PoisonError};
use twinlock_core::pin::{Pin, PinDigits};

/// A PIN while it is typed: digits go straight into memory that Rust wipes, and no string ever exists.
///
/// Safe from several threads. Every method returns a `Result`, so that even a panic reaches the app as an error.
/// [`Engine::submit_pin`](crate::Engine::submit_pin) takes the digits away.
#[derive(uniffi::Object)]
pub struct PinEntry(Mutex<PinDigits>);

#[uniffi::export]
impl PinEntry {
    /// Nothing typed.
    #[uniffi::constructor]
    pub fn new() -> Result<Self, EngineError> {
        Ok(Self(Mutex::new(PinDigits::new())))
    }

    /// Appends the digit 0–9. `PinRefused` (TL-1001) with `NotDigits` or, for the thirteenth, `TooLong`; nothing is
    /// appended then.
    pub fn push_digit(&self, digit: u8) -> Result<(), EngineError> {
        // What is no digit stays none: 10 becomes ':', and what would wrap stays above all digits.
        Ok(self.digits().push_digit(digit.saturating_add(b'0'))?)
    }

    /// Removes and wipes the last digit, if there is one.
    pub fn backspace(&self) -> Result<(), EngineError> {
        self.digits().backspace();
        Ok(())
    }

    /// How many digits were typed, 0–12.
    pub fn count(&self) -> Result<u8, EngineError> {
        Ok(u8::try_from(self.digits().len()).unwrap_or(u8::MAX))
    }

    /// Wipes everything typed.
    pub fn clear(&self) -> Result<(), EngineError> {
        self.digits().clear();
        Ok(())
    }
}

impl PinEntry {
    pub(crate) fn submit(&self) -> Result<Pin, EngineError> {
        Ok(self.digits().submit()?)
    }

    fn digits(&self) -> MutexGuard<'_, PinDigits> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
