use crate::error::EngineError;
use std::sync::{Mutex, PoisonError};
use twinlock_core::code::{self, CodeInput, Verdict};
use twinlock_core::{Error, code::UriFault};

/// One-time codes for apps that keep secrets of their own. The portal's codes are never checked with it.
#[derive(uniffi::Object)]
pub struct OneTimeCode {
    code: code::OneTimeCode,
    last_step: Mutex<Option<u64>>,
}

/// What became of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum CodeMatch {
    /// The code is right, and now used up.
    Accepted {
        /// The time step it belongs to (RFC 6238 §4.2); keep it and pass it as `last_step` when the app starts again.
        step: u64,
    },
    /// The code was used before, or a later one was.
    Replayed,
    /// No step of the window has this code.
    Wrong,
}

#[uniffi::export]
impl OneTimeCode {
    /// Reads an `otpauth://totp/…` URI (UTF-8). `last_step` is the last accepted step, if any was.
    /// `EntryRefused` (TL-2005) for anything that apps could read in two ways.
    #[uniffi::constructor]
    pub fn parse_uri(uri: &[u8], last_step: Option<u64>) -> Result<Self, EngineError> {
        let text = std::str::from_utf8(uri).map_err(|_| Error::UriRefused(UriFault::BadUri))?;
        Ok(Self { code: code::OneTimeCode::parse_uri(text)?, last_step: Mutex::new(last_step) })
    }

    /// Checks what was typed at `now_ms` (milliseconds since 1970-01-01 UTC): the step before, the present one and the
    /// next, each once. `EntryRefused` (TL-2001) for what cannot be a code, `Misuse` (TL-2008) for an impossible time.
    pub fn check(&self, typed: String, now_ms: u64) -> Result<CodeMatch, EngineError> {
        let typed = zeroize::Zeroizing::new(typed);
        let input = CodeInput::parse(&typed, self.code.key().parameters().digits)?;
        // Compared and replaced under one lock: two threads cannot both use a code.
        let mut last_step = self.last_step.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(match self.code.verify(&input, now_ms, *last_step)? {
            Verdict::Accepted { step } => {
                *last_step = Some(step);
                CodeMatch::Accepted { step }
            }
            Verdict::Replayed => CodeMatch::Replayed,
            Verdict::Wrong => CodeMatch::Wrong,
        })
    }

    /// The time step of a moment: seconds since 1970 divided by the period.
    pub fn step_at(&self, now_ms: u64) -> Result<u64, EngineError> {
        Ok(self.code.key().step_at(now_ms)?)
    }

    /// Seconds that a code is shown, 30 or 60.
    pub fn period_s(&self) -> Result<u64, EngineError> {
        Ok(self.code.key().parameters().period.seconds())
    }

    /// Digits of a code, 6 or 8.
    pub fn digits(&self) -> Result<u8, EngineError> {
        Ok(self.code.key().parameters().digits.count())
    }
}
