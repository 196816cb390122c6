//! What can go wrong, and who has to do what.
//!
//! [`Error`] is rich and stays inside Rust. [`ErrorCode`] is the stable number that crosses every border: the FFI,
//! the portal's problem documents and `docs/errors.md`. Numbers are never reused.
//!
//! No field ever holds a secret, a name or a text of the user: numbers and enums only.

use crate::code::UriFault;
use crate::pin::PinFault;

/// The result of every fallible call of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Everything that can go wrong. Each case says who acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The member chose a PIN that the rules refuse; the app shows the reason and asks again.
    #[error("this PIN is refused: {0}")]
    PinRefused(PinFault),
    /// The repeated PIN differs; the member starts again with the first entry.
    #[error("the two PINs differ")]
    PinMismatch,
    /// The PIN is wrong; the member tries again, after `retry_after_ms` if it is not zero.
    #[error("wrong PIN, {tries_left} tries left")]
    WrongPin {
        /// Tries that remain before the PIN is erased.
        tries_left: u32,
        /// Milliseconds until the portal accepts the next try; 0 means at once.
        retry_after_ms: u64,
    },
    /// Too many wrong PINs for now; the member waits.
    #[error("wait before the next PIN try")]
    PinWait {
        /// Milliseconds until the portal accepts the next try.
        retry_after_ms: u64,
    },
    /// The PIN was erased after too many failures; the member signs in and enrolls again.
    #[error("the PIN was erased after too many failures")]
    PinErased,
    /// No PIN exists yet; the app shows the step `CreatePin`.
    #[error("no PIN exists yet")]
    NoPin,
    /// The portal's answer was not made with the key that this device pinned when the PIN was set: another portal, or one
    /// that lost its key. It says nothing about the PIN; the operator looks at the portal.
    #[error("the portal's share of the PIN is not made with the pinned key")]
    ServerProofInvalid,
    /// The biometric opens nothing any more: a finger or face was added, or the PIN was changed. The member enters the PIN
    /// and may switch the biometric on again.
    #[error("the biometric opens nothing any more")]
    BiometricLost,
    /// The member put the biometric's dialog away; nothing was counted. The app shows the PIN.
    #[error("the biometric was cancelled")]
    BiometricCancelled,
    /// The policy wants the PIN itself from time to time; nothing was counted. The member enters it, and the biometric works
    /// again.
    #[error("the PIN itself was not entered for too long")]
    BiometricPaused,

    /// What was typed cannot be a code (RFC 6238 codes are six digits here); not counted as a try.
    #[error("this cannot be a code")]
    CodeMalformed,
    /// The code is wrong, expired or was used before; the member waits for the next one.
    #[error("this code is not accepted")]
    CodeRefused,
    /// Too many wrong codes for now; the member waits.
    #[error("wait before the next code")]
    CodeWait {
        /// Milliseconds until the portal accepts the next code.
        retry_after_ms: u64,
    },
    /// The authenticator, or the set of recovery codes, was disabled after too many failures. A recovery code replaces the
    /// authenticator; an admin resets both.
    #[error("the authenticator was disabled after too many failures")]
    CodeDisabled,
    /// An otpauth URI or a secret is refused; whoever made it corrects it.
    #[error("this set-up text is refused: {0}")]
    UriRefused(UriFault),
    /// The set-up was not confirmed in time, or another one replaced it; the member starts again.
    #[error("the set-up expired or was replaced")]
    SetUpExpired,
    /// The authenticator app ignores the algorithm of the set-up; the member uses another app.
    #[error("the authenticator app does not support this set-up")]
    AuthenticatorUnsupported,
    /// Time is outside what codes can be computed for; the operator corrects the clock.
    #[error("the clock is outside the range of codes")]
    TimeOutOfRange,
    /// The portal's clock is behind a time it has seen before; the operator repairs the clock. Not counted.
    #[error("the portal's clock is behind; codes are refused until it is repaired")]
    ClockBehind,
    /// The recovery code is wrong, was used, or was replaced by a newer set; counted. The member takes another one.
    #[error("this recovery code is not accepted")]
    RecoveryCodeRefused,

    /// This call does not belong to the present step; the app draws `Engine::step`.
    #[error("this call does not belong to the present step")]
    StepRequired,
    /// A policy document or statement is refused; the device keeps the stricter rules and asks again later.
    #[error("the policy is refused: {0}")]
    PolicyRefused(PolicyFault),
    /// The act needs a code accepted within the last ten minutes; the admin enters one.
    #[error("a fresh code is required")]
    FreshCodeRequired,
    /// Name or password is wrong; the member tries again.
    #[error("name or password is wrong")]
    SignInRefused,
    /// The session ended or never was; the member signs in.
    #[error("the session has ended")]
    SessionEnded,
    /// The role does not allow this; an admin does it.
    #[error("not allowed for this role")]
    Forbidden,
    /// The policy changed meanwhile; the caller looks at the new one and decides again.
    #[error("the policy changed meanwhile")]
    PolicyConflict,
    /// Weakening the policy needs a written reason; the admin gives one.
    #[error("a reason is required")]
    ReasonRequired,
    /// The account is suspended; an admin lifts it.
    #[error("the account is suspended")]
    Suspended,
    /// The organisation requires two-step authentication: it cannot be turned off. An admin can grant an exception.
    #[error("the organisation requires two-step authentication")]
    RequiredByPolicy,
    /// Where the two-person rule is on, another admin has to do it or to confirm it.
    #[error("a second admin has to confirm this")]
    SecondAdminRequired,
    /// A member without two-step authentication registers no desktop; the member sets it up on the portal's page first.
    #[error("a desktop needs two-step authentication")]
    DesktopNeedsTwoStep,
    /// The account was used before, so its first authenticator has to be confirmed: the member follows the link of the mail
    /// that was sent, or an admin allows it; then the set-up begins again.
    #[error("this set-up has to be confirmed first")]
    SetUpUnconfirmed,

    /// The portal cannot be reached; try again later.
    #[error("the portal cannot be reached")]
    Offline,
    /// Who answers is not the portal as the app knows it: the certificate, its pin or the TLS version is refused; the
    /// operator or the app developer corrects it.
    #[error("the portal's certificate is not trusted")]
    TlsRefused,
    /// The portal answered something that is not of this protocol; update the app or the portal.
    #[error("the portal's answer is not understood (status {status})")]
    UnexpectedAnswer {
        /// The HTTP status of the answer.
        status: u16,
    },
    /// The answer is larger than the client accepts; the operator looks at the portal.
    #[error("the portal's answer is too large")]
    AnswerTooLarge,
    /// Too many requests from this network; wait.
    #[error("too many requests")]
    Throttled {
        /// Milliseconds to wait before the next request.
        retry_after_ms: u64,
    },
    /// The request's time is too far from the portal's; the client corrects itself once, then reports this.
    #[error("the request's time is too far from the portal's")]
    ClockSkew,
    /// The request is malformed; the developer of the client corrects it.
    #[error("the request is malformed")]
    BadRequest,
    /// The request's body is too large; the developer of the client corrects it.
    #[error("the request is too large")]
    RequestTooLarge,
    /// There is no such thing, or not for this caller.
    #[error("not found")]
    NotFound,
    /// The request's signature is missing, malformed or wrong (RFC 9421); the developer of the client corrects it.
    #[error("the request's signature is refused")]
    SignatureRefused,
    /// The nonce was used before or is too old; the client takes a new one.
    #[error("the nonce is refused")]
    NonceRefused,
    /// The request came from another site; the member opens the page again.
    #[error("the request came from another site")]
    CrossSite,
    /// The portal cannot store or read now; the operator looks at it. Nothing was changed.
    #[error("the portal cannot store or read now")]
    PortalUnavailable,

    /// The device's storage failed; free space or restart the phone. Nothing was changed.
    #[error("the device's storage failed")]
    StoreFailed,
    /// The device key is gone (restored backup, screen lock removed); the member enrolls again.
    #[error("the device key is gone")]
    KeyLost,
    /// A stored file is damaged; the member enrolls again. Not counted as a try.
    #[error("a stored file is damaged")]
    Corrupt,
    /// A stored file is of a newer version; update the app.
    #[error("a stored file is of a version this app does not know")]
    VersionUnsupported,
    /// Key derivation parameters are outside the accepted bounds; refused before memory is allocated.
    #[error("key derivation parameters are outside the accepted bounds")]
    ParametersRefused,
    /// A sealed file belongs to another organisation, device or epoch; the member enrolls again.
    #[error("a sealed file belongs to another device or epoch")]
    StaleEpoch,
    /// The device was revoked; its secrets are wiped and the member enrolls again.
    #[error("the device was revoked")]
    DeviceRevoked,
    /// The device's key hardware does not answer; try again, or restart the phone.
    #[error("the device's key hardware does not answer")]
    KeyUnavailable,
    /// The vault is locked; the member enters the PIN.
    #[error("the vault is locked")]
    Locked,
    /// The random generator failed; restart the phone.
    #[error("the random generator failed")]
    RandomFailed,
    /// The phone has no screen lock, and its key hardware keeps keys only where there is one; the member sets one.
    #[error("the phone has no screen lock")]
    NoScreenLock,

    /// The enrollment ended: denied, expired or void; the member starts again.
    #[error("the enrollment ended")]
    EnrollmentClosed,
    /// The comparison code is wrong; the admin asks the member to read it again. Three end the request.
    #[error("the comparison code is wrong")]
    ComparisonRefused,
    /// The member has too many pending devices; an admin decides on them first.
    #[error("too many pending devices")]
    TooManyPending,
    /// What the device revealed differs from what it committed to; the enrollment ended.
    #[error("the device changed its key after committing to it")]
    CommitmentBroken,
    /// The device was already decided on; look at the list again.
    #[error("this device was already decided on")]
    AlreadyDecided,

    /// A fault of our own; report it with the request id.
    #[error("internal fault")]
    Internal,
    /// Another call is under way; the app waits for it.
    #[error("another call is under way")]
    Busy,
    /// The object was closed; the app opens a new one.
    #[error("the object was closed")]
    Closed,
}

/// Why a policy document or statement was refused (design: signed policy).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyFault {
    /// The signature is not by the organisation's key.
    #[error("bad signature")]
    Signature,
    /// It is not readable.
    #[error("unreadable")]
    Unreadable,
    /// It belongs to another organisation.
    #[error("another organisation")]
    Organisation,
    /// It is older than one seen before.
    #[error("older than one seen before")]
    Rollback,
    /// Same version, other bytes: the portal shows different policies to different people.
    #[error("two different policies with one version")]
    Equivocation,
    /// It is not valid yet.
    #[error("not valid yet")]
    NotYetValid,
    /// It does not follow the one before.
    #[error("does not follow the one before")]
    Predecessor,
    /// A field that must be obeyed is not known to this app.
    #[error("a critical field is unknown")]
    UnknownCritical,
    /// The statement expired or speaks of another document.
    #[error("no valid statement")]
    Statement,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $number:literal),+ $(,)?) => {
        /// The stable number of an error: 1xxx PIN, 2xxx code, 3xxx policy and session, 4xxx network and request,
        /// 5xxx device and storage, 6xxx enrollment, 9xxx internal.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u16)]
        #[non_exhaustive]
        pub enum ErrorCode { $(#[doc = concat!("TL-", stringify!($number))] $name = $number),+ }

        impl ErrorCode {
            /// Every code, in the order of the numbers.
            pub const ALL: &'static [ErrorCode] = &[$(ErrorCode::$name),+];

            /// The name used in Rust, Kotlin, Swift and `docs/errors.md`.
            pub fn name(self) -> &'static str {
                match self { $(ErrorCode::$name => stringify!($name)),+ }
            }

            /// The code with this number, if there is one.
            pub fn from_number(number: u16) -> Option<Self> {
                match number { $($number => Some(ErrorCode::$name),)+ _ => None }
            }
        }
    };
}

codes! {
    PinRefused = 1001, PinMismatch = 1002, WrongPin = 1003, PinWait = 1004, PinErased = 1005, NoPin = 1006,
    ServerProofInvalid = 1007, BiometricLost = 1008, BiometricCancelled = 1009, BiometricPaused = 1010,
    CodeMalformed = 2001, CodeRefused = 2002, CodeWait = 2003, CodeDisabled = 2004, UriRefused = 2005,
    SetUpExpired = 2006, AuthenticatorUnsupported = 2007, TimeOutOfRange = 2008, ClockBehind = 2009,
    RecoveryCodeRefused = 2010,
    StepRequired = 3001, PolicyRefused = 3002, FreshCodeRequired = 3003, SignInRefused = 3004, SessionEnded = 3005,
    Forbidden = 3006, PolicyConflict = 3007, ReasonRequired = 3008, Suspended = 3009, PolicyOutdated = 3010,
    RequiredByPolicy = 3011, SecondAdminRequired = 3012, DesktopNeedsTwoStep = 3013,
    SetUpUnconfirmed = 3014,
    Offline = 4001, TlsRefused = 4002, UnexpectedAnswer = 4003, AnswerTooLarge = 4004, Throttled = 4005,
    ClockSkew = 4006, BadRequest = 4007, RequestTooLarge = 4008, NotFound = 4009, SignatureRefused = 4010,
    NonceRefused = 4011, CrossSite = 4012, PortalUnavailable = 4013,
    StoreFailed = 5001, KeyLost = 5002, Corrupt = 5003, VersionUnsupported = 5004, ParametersRefused = 5005,
    StaleEpoch = 5006, DeviceRevoked = 5007, KeyUnavailable = 5008, Locked = 5009, RandomFailed = 5010,
    NoScreenLock = 5011,
    EnrollmentClosed = 6001, ComparisonRefused = 6002, TooManyPending = 6003, CommitmentBroken = 6004,
    AlreadyDecided = 6005,
    Internal = 9001, Busy = 9002, Closed = 9003,
}

impl ErrorCode {
    /// The number itself.
    pub fn number(self) -> u16 {
        self as u16
    }
}

impl std::fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TL-{}", self.number())
    }
}

impl Error {
    /// The stable code of this error.
    pub fn code(self) -> ErrorCode {
        match self {
            Error::PinRefused(_) => ErrorCode::PinRefused,
            Error::PinMismatch => ErrorCode::PinMismatch,
            Error::WrongPin { .. } => ErrorCode::WrongPin,
            Error::PinWait { .. } => ErrorCode::PinWait,
            Error::PinErased => ErrorCode::PinErased,
            Error::NoPin => ErrorCode::NoPin,
            Error::ServerProofInvalid => ErrorCode::ServerProofInvalid,
            Error::BiometricLost => ErrorCode::BiometricLost,
            Error::BiometricCancelled => ErrorCode::BiometricCancelled,
            Error::BiometricPaused => ErrorCode::BiometricPaused,
            Error::CodeMalformed => ErrorCode::CodeMalformed,
            Error::CodeRefused => ErrorCode::CodeRefused,
            Error::CodeWait { .. } => ErrorCode::CodeWait,
            Error::CodeDisabled => ErrorCode::CodeDisabled,
            Error::UriRefused(_) => ErrorCode::UriRefused,
            Error::SetUpExpired => ErrorCode::SetUpExpired,
            Error::AuthenticatorUnsupported => ErrorCode::AuthenticatorUnsupported,
            Error::TimeOutOfRange => ErrorCode::TimeOutOfRange,
            Error::ClockBehind => ErrorCode::ClockBehind,
            Error::RecoveryCodeRefused => ErrorCode::RecoveryCodeRefused,
            Error::StepRequired => ErrorCode::StepRequired,
            Error::PolicyRefused(_) => ErrorCode::PolicyRefused,
            Error::FreshCodeRequired => ErrorCode::FreshCodeRequired,
            Error::SignInRefused => ErrorCode::SignInRefused,
            Error::SessionEnded => ErrorCode::SessionEnded,
            Error::Forbidden => ErrorCode::Forbidden,
            Error::PolicyConflict => ErrorCode::PolicyConflict,
            Error::ReasonRequired => ErrorCode::ReasonRequired,
            Error::Suspended => ErrorCode::Suspended,
            Error::RequiredByPolicy => ErrorCode::RequiredByPolicy,
            Error::SecondAdminRequired => ErrorCode::SecondAdminRequired,
            Error::DesktopNeedsTwoStep => ErrorCode::DesktopNeedsTwoStep,
            Error::SetUpUnconfirmed => ErrorCode::SetUpUnconfirmed,
            Error::Offline => ErrorCode::Offline,
            Error::TlsRefused => ErrorCode::TlsRefused,
            Error::UnexpectedAnswer { .. } => ErrorCode::UnexpectedAnswer,
            Error::AnswerTooLarge => ErrorCode::AnswerTooLarge,
            Error::Throttled { .. } => ErrorCode::Throttled,
            Error::ClockSkew => ErrorCode::ClockSkew,
            Error::BadRequest => ErrorCode::BadRequest,
            Error::RequestTooLarge => ErrorCode::RequestTooLarge,
            Error::NotFound => ErrorCode::NotFound,
            Error::SignatureRefused => ErrorCode::SignatureRefused,
            Error::NonceRefused => ErrorCode::NonceRefused,
            Error::CrossSite => ErrorCode::CrossSite,
            Error::PortalUnavailable => ErrorCode::PortalUnavailable,
            Error::StoreFailed => ErrorCode::StoreFailed,
            Error::KeyLost => ErrorCode::KeyLost,
            Error::Corrupt => ErrorCode::Corrupt,
            Error::VersionUnsupported => ErrorCode::VersionUnsupported,
            Error::ParametersRefused => ErrorCode::ParametersRefused,
            Error::StaleEpoch => ErrorCode::StaleEpoch,
            Error::DeviceRevoked => ErrorCode::DeviceRevoked,
            Error::KeyUnavailable => ErrorCode::KeyUnavailable,
            Error::Locked => ErrorCode::Locked,
            Error::RandomFailed => ErrorCode::RandomFailed,
            Error::NoScreenLock => ErrorCode::NoScreenLock,
            Error::EnrollmentClosed => ErrorCode::EnrollmentClosed,
            Error::ComparisonRefused => ErrorCode::ComparisonRefused,
            Error::TooManyPending => ErrorCode::TooManyPending,
            Error::CommitmentBroken => ErrorCode::CommitmentBroken,
            Error::AlreadyDecided => ErrorCode::AlreadyDecided,
            Error::Internal => ErrorCode::Internal,
            Error::Busy => ErrorCode::Busy,
            Error::Closed => ErrorCode::Closed,
        }
    }
}
