//! What a command ends with when it does not do what was asked: a stable code, a class for scripts, and who does what.

use std::process::ExitCode;
use twinlock_core::step::BlockedReason;
use twinlock_core::{Error, ErrorCode};

/// What a script branches on; the number is the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Class {
    /// What was asked is done.
    Done = 0,
    /// Typed wrongly.
    Usage = 2,
    /// The session has ended, or name or password was wrong.
    SignIn = 3,
    /// The policy refuses it, or the approval is not there yet.
    Refused = 4,
    /// The portal cannot be reached, is not trusted, or asks to wait.
    Network = 5,
    /// Keyring, file store or key.
    Storage = 6,
    /// The enrollment ended; register again.
    Enrollment = 7,
    /// The code was not accepted.
    Code = 8,
    /// A fault of our own.
    Internal = 9,
    /// A file that is not there, or a local one that is there already.
    File = 10,
}

impl Class {
    /// Its name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Usage => "usage",
            Self::SignIn => "sign_in",
            Self::Refused => "refused",
            Self::Network => "network",
            Self::Storage => "storage",
            Self::Enrollment => "enrollment",
            Self::Code => "code",
            Self::Internal => "internal",
            Self::File => "file",
        }
    }
}

impl From<Class> for ExitCode {
    fn from(class: Class) -> Self {
        Self::from(class as u8)
    }
}

/// Why a command did not do what was asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// The stable code.
    pub code: ErrorCode,
    /// What a script branches on.
    pub class: Class,
    /// What happened.
    pub message: String,
    /// Who does what.
    pub what_to_do: String,
    /// Milliseconds to wait; 0 if waiting is not the point.
    pub retry_after_ms: u64,
}

/// The texts are those of the error catalogue, so that there is one of each.
const CATALOGUE: &str = include_str!("../../docs/errors.md");

impl Failure {
    /// A failure of this program's own, with texts of its own.
    pub fn new(code: ErrorCode, class: Class, message: impl Into<String>, what_to_do: impl Into<String>) -> Self {
        Self { code, class, message: message.into(), what_to_do: what_to_do.into(), retry_after_ms: 0 }
    }

    /// Typed wrongly, as the parser of arguments cannot know it.
    pub fn usage(message: impl Into<String>, what_to_do: impl Into<String>) -> Self {
        Self::new(ErrorCode::BadRequest, Class::Usage, message, what_to_do)
    }

    /// A local file or folder that cannot be read or written.
    pub fn local(what: impl std::fmt::Display, fault: &std::io::Error) -> Self {
        let message = format!("{what}: {fault}.");
        Self::new(ErrorCode::StoreFailed, Class::Storage, message, "Look at the folder's rights and the free space.")
    }

    /// Nothing works until somebody acts.
    pub fn blocked(reason: BlockedReason) -> Self {
        Self::from(match reason {
            BlockedReason::Revoked => Error::DeviceRevoked,
            BlockedReason::Suspended => Error::Suspended,
            BlockedReason::UpdateApp => Error::VersionUnsupported,
            BlockedReason::KeyLost => Error::KeyLost,
            BlockedReason::AuthenticatorDisabled => Error::CodeDisabled,
        })
    }

    /// The desktop waits for its approval.
    pub fn pending() -> Self {
        let message = "This desktop is not approved yet.";
        let what = "Read the comparison code of `twinlock status` to an admin, who types it on the portal.";
        Self::new(ErrorCode::StepRequired, Class::Refused, message, what)
    }

    /// Nothing is registered in this store.
    pub fn not_registered() -> Self {
        let message = "This desktop is not registered.";
        Self::new(ErrorCode::SessionEnded, Class::SignIn, message, "Type: twinlock register --portal https://…")
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let code = error.code();
        let (message, what_to_do) = texts(code);
        let retry_after_ms = match error {
            Error::CodeWait { retry_after_ms } | Error::Throttled { retry_after_ms } => retry_after_ms,
            _ => 0,
        };
        Self { code, class: class_of(code), message, what_to_do, retry_after_ms }
    }
}

fn class_of(code: ErrorCode) -> Class {
    match code {
        ErrorCode::SignInRefused | ErrorCode::SessionEnded => Class::SignIn,
        ErrorCode::DeviceRevoked | ErrorCode::KeyLost => Class::Enrollment,
        ErrorCode::NotFound => Class::File,
        ErrorCode::BadRequest => Class::Usage,
        _ => match code.number() / 1_000 {
            2 => Class::Code,
            3 => Class::Refused,
            4 => Class::Network,
            5 => Class::Storage,
            6 => Class::Enrollment,
            _ => Class::Internal,
        },
    }
}

/// What happened, and who does what.
fn texts(code: ErrorCode) -> (String, String) {
    let start = format!("| {code} |");
    let row = CATALOGUE.lines().find(|line| line.starts_with(&start)).unwrap_or_default();
    let mut cells = row.trim_matches('|').split('|').map(str::trim).skip(3);
    let mut next = || cells.next().unwrap_or_default().to_owned();
    (next(), next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_texts_and_a_class() {
        for code in ErrorCode::ALL {
            let (message, what_to_do) = texts(*code);
            assert!(message.ends_with('.') && what_to_do.ends_with('.'), "{code}: {message} {what_to_do}");
            let is_ours = matches!(code.number() / 1_000, 1 | 9);
            assert_eq!(class_of(*code) == Class::Internal, is_ours, "{code}");
        }
    }
}
