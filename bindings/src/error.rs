//! One closed error for the shells: a case says what the app does next, its `code` says exactly what happened.

use twinlock_core::{Error, ErrorCode, pin};

/// What the app does next. Fields are numbers and enums only: a foreign error's text goes to crash reporters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Error)]
pub enum EngineError {
    /// What was typed is not accepted; ask again and say why.
    EntryRefused {
        /// `TL-` number of `docs/errors.md`.
        code: u16,
    },
    /// The new PIN is refused; say why and ask for another.
    PinRefused {
        /// `TL-` number of `docs/errors.md`.
        code: u16,
        /// The rule it breaks.
        reason: PinFault,
    },
    /// The PIN is wrong; say how many tries are left and ask again.
    WrongPin {
        /// `TL-` number of `docs/errors.md`.
        code: u16,
        /// Tries before the PIN is erased.
        tries_left: u32,
        /// Milliseconds until the next try is accepted; 0 means at once.
        retry_after_ms: u64,
    },
    /// Too many tries for now; count down and ask again.
    Wait {
        /// `TL-` number of `docs/errors.md`.
        code: u16,
        /// Milliseconds until the next try is accepted.
        retry_after_ms: u64,
    },
    /// Something else comes first; draw the engine's step.
    StepRequired {
        /// `TL-` number of `docs/errors.md`.
        code: u16,
    },
    /// This device has to be enrolled again; lead to sign-in.
    EnrollAgain {
        /// `TL-` number of `docs/errors.md`.
        code: u16,
    },
    /// Only an admin or the operator can help; say so.
    AskAdmin {
        /// `TL-` number of `docs/errors.md`.
        code: u16,
    },
    /// It may work later; offer to try again. Nothing was changed.
    Retry {
        /// `TL-` number of `docs/errors.md`.
        code: u16,
    },
    /// The portal is not the one this app trusts; stop and say so.
    NotTrusted {
        /// `TL-` number of `docs/errors.md`.
        code: u16,
    },
    /// App and portal do not understand each other; lead to the update.
    UpdateApp {
        /// `TL-` number of `docs/errors.md`.
        code: u16,
    },
    /// The app called wrongly (closed object, second call at once, malformed request); its developer corrects it.
    Misuse {
        /// `TL-` number of `docs/errors.md`.
        code: u16,
    },
    /// A fault of Twinlock's; report the code.
    Internal {
        /// `TL-` number of `docs/errors.md`.
        code: u16,
    },
}

impl std::fmt::Display for EngineError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TL-{}", self.code())
    }
}

impl std::error::Error for EngineError {}

impl EngineError {
    /// `TL-` number of `docs/errors.md`.
    pub fn code(&self) -> u16 {
        match *self {
            Self::EntryRefused { code }
            | Self::PinRefused { code, .. }
            | Self::WrongPin { code, .. }
            | Self::Wait { code, .. }
            | Self::StepRequired { code }
            | Self::EnrollAgain { code }
            | Self::AskAdmin { code }
            | Self::Retry { code }
            | Self::NotTrusted { code }
            | Self::UpdateApp { code }
            | Self::Misuse { code }
            | Self::Internal { code } => code,
        }
    }
}

impl From<Error> for EngineError {
    /// The one border: what core says is logged here once, in full; no field of it can hold a secret or a name.
    fn from(error: Error) -> Self {
        let code = error.code().number();
        log::warn!(target: "twinlock", "{} {error}", error.code());
        match error {
            Error::PinRefused(reason) => Self::PinRefused { code, reason: reason.into() },
            Error::WrongPin { tries_left, retry_after_ms } => Self::WrongPin { code, tries_left, retry_after_ms },
            Error::PinWait { retry_after_ms }
            | Error::CodeWait { retry_after_ms }
            | Error::Throttled { retry_after_ms } => Self::Wait { code, retry_after_ms },
            other => Self::of_code(other.code()),
        }
    }
}

impl EngineError {
    /// The case of a code, as the table of `docs/errors.md` has it; numbers that only an [`Error`] knows are zero.
    pub fn of_code(code: ErrorCode) -> Self {
        let number = code.number();
        match code {
            ErrorCode::PinRefused => Self::PinRefused { code: number, reason: PinFault::NotDigits },
            ErrorCode::WrongPin => Self::WrongPin { code: number, tries_left: 0, retry_after_ms: 0 },
            ErrorCode::PinWait | ErrorCode::CodeWait | ErrorCode::Throttled => {
                Self::Wait { code: number, retry_after_ms: 0 }
            }
            ErrorCode::PinMismatch
            | ErrorCode::CodeMalformed
            | ErrorCode::CodeRefused
            | ErrorCode::RecoveryCodeRefused
            | ErrorCode::UriRefused
            | ErrorCode::SetUpExpired
            | ErrorCode::AuthenticatorUnsupported
            | ErrorCode::SignInRefused
            | ErrorCode::ReasonRequired
            | ErrorCode::ComparisonRefused
            | ErrorCode::NotFound => Self::EntryRefused { code: number },
            ErrorCode::NoPin
            | ErrorCode::BiometricLost
            | ErrorCode::BiometricCancelled
            | ErrorCode::BiometricPaused
            | ErrorCode::StepRequired
            | ErrorCode::FreshCodeRequired
            | ErrorCode::DesktopNeedsTwoStep
            | ErrorCode::SessionEnded
            | ErrorCode::PolicyConflict
            | ErrorCode::PolicyOutdated
            | ErrorCode::AlreadyDecided
            | ErrorCode::Locked => Self::StepRequired { code: number },
            ErrorCode::PinErased
            | ErrorCode::KeyLost
            | ErrorCode::Corrupt
            | ErrorCode::StaleEpoch
            | ErrorCode::ParametersRefused
            | ErrorCode::DeviceRevoked
            | ErrorCode::EnrollmentClosed
            | ErrorCode::CommitmentBroken => Self::EnrollAgain { code: number },
            ErrorCode::CodeDisabled
            | ErrorCode::ClockBehind
            | ErrorCode::Forbidden
            | ErrorCode::RequiredByPolicy
            | ErrorCode::SecondAdminRequired
            | ErrorCode::SetUpUnconfirmed
            | ErrorCode::Suspended
            | ErrorCode::TooManyPending => Self::AskAdmin { code: number },
            ErrorCode::Offline
            | ErrorCode::ClockSkew
            | ErrorCode::NonceRefused
            | ErrorCode::PortalUnavailable
            | ErrorCode::StoreFailed
            | ErrorCode::KeyUnavailable
            | ErrorCode::NoScreenLock
            | ErrorCode::RandomFailed => Self::Retry { code: number },
            ErrorCode::TlsRefused | ErrorCode::PolicyRefused | ErrorCode::CrossSite | ErrorCode::ServerProofInvalid => {
                Self::NotTrusted { code: number }
            }
            ErrorCode::VersionUnsupported | ErrorCode::UnexpectedAnswer | ErrorCode::AnswerTooLarge => {
                Self::UpdateApp { code: number }
            }
            ErrorCode::BadRequest
            | ErrorCode::RequestTooLarge
            | ErrorCode::SignatureRefused
            | ErrorCode::TimeOutOfRange
            | ErrorCode::Busy
            | ErrorCode::Closed => Self::Misuse { code: number },
            // Internal, and what the core may add before it is sorted in here and in the table.
            _ => Self::Internal { code: number },
        }
    }

    /// The case's name, the same in Rust, Kotlin and Swift.
    pub fn case(&self) -> &'static str {
        match self {
            Self::EntryRefused { .. } => "EntryRefused",
            Self::PinRefused { .. } => "PinRefused",
            Self::WrongPin { .. } => "WrongPin",
            Self::Wait { .. } => "Wait",
            Self::StepRequired { .. } => "StepRequired",
            Self::EnrollAgain { .. } => "EnrollAgain",
            Self::AskAdmin { .. } => "AskAdmin",
            Self::Retry { .. } => "Retry",
            Self::NotTrusted { .. } => "NotTrusted",
            Self::UpdateApp { .. } => "UpdateApp",
            Self::Misuse { .. } => "Misuse",
            Self::Internal { .. } => "Internal",
        }
    }
}

/// Why a PIN was refused; the core's `PinFault`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum PinFault {
    /// Fewer digits than the policy asks for.
    TooShort,
    /// More than twelve digits.
    TooLong,
    /// Something that is no digit.
    NotDigits,
    /// At most two different digits.
    Repeated,
    /// The same three digits twice.
    DoubledTriple,
    /// The same digits again and again.
    Periodic,
    /// Reads the same from both ends.
    Palindrome,
    /// Each digit differs from the one before by the same step.
    Sequence,
    /// A calendar date.
    Date,
    /// A shape on the keypad.
    KeypadShape,
    /// The member's own number or birth date.
    Personal,
}

impl From<pin::PinFault> for PinFault {
    fn from(fault: pin::PinFault) -> Self {
        match fault {
            pin::PinFault::TooShort => Self::TooShort,
            pin::PinFault::TooLong => Self::TooLong,
            pin::PinFault::NotDigits => Self::NotDigits,
            pin::PinFault::Repeated => Self::Repeated,
            pin::PinFault::DoubledTriple => Self::DoubledTriple,
            pin::PinFault::Periodic => Self::Periodic,
            pin::PinFault::Palindrome => Self::Palindrome,
            pin::PinFault::Sequence => Self::Sequence,
            pin::PinFault::Date => Self::Date,
            pin::PinFault::KeypadShape => Self::KeypadShape,
            pin::PinFault::Personal => Self::Personal,
        }
    }
}
