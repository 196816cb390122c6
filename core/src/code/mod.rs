//! One-time codes: TOTP (RFC 6238) over HOTP (RFC 4226), and the otpauth key URI that carries their secret.
//!
//! What is issued is SHA-1, six digits, 30 seconds and 20 random bytes (RFC 4226 §4 R6 recommends 160 bits): the one
//! form that every authenticator app computes rightly. Import also takes SHA-256 and SHA-512, eight digits and
//! 60 seconds, because secrets made elsewhere use them.
//!
//! - [`CodeInput`]: what a person typed, brought to one form before any cryptography (RFC 4226 §5.3, §5.4 fix the form).
//! - [`CodeKey`]: a secret with its parameters; computes and verifies (RFC 4226 §5, RFC 6238 §4 and §5.2).
//! - [`OneTimeCode`]: a key with its label; reads and writes set-up URIs (Key URI format, RFC 3986, RFC 4648 §6).
//! - [`RecoveryCode`]: the way back for whoever has lost the authenticator.
//! - [`wait_after_failures`] and the constants beside it: throttling (RFC 4226 §7.3). Counting is the portal's.
//!
//! Nothing here knows the time: every call that needs it takes milliseconds since 1970-01-01 UTC, so time zones and
//! daylight saving do not exist, and a leap second is one repeated second inside the window.

mod base32;
mod fault;
mod input;
mod key;
mod label;
mod mac;
mod one_time_code;
mod parameters;
mod recovery;
mod uri;
mod waits;

pub use fault::UriFault;
pub use input::CodeInput;
pub use key::{
    CodeKey, ISSUED_SECRET_BYTES, MAX_NEARBY_STEPS, MAX_SECRET_BYTES, MIN_SECRET_BYTES, TIME_LIMIT_S, Verdict,
};
pub use label::{Label, MAX_ACCOUNT_CHARS, MAX_ISSUER_CHARS};
pub use one_time_code::OneTimeCode;
pub use parameters::{Algorithm, Digits, Parameters, Period};
pub use recovery::{RECOVERY_CODES, RecoveryCode};
pub use uri::MAX_URI_BYTES;
pub use waits::{
    FAILURES_BEFORE_DISABLED, FAILURES_BEFORE_DISABLED_RANGE, FAILURES_BEFORE_WAIT, FRESH_CODE_MS, SET_UP_MS,
    wait_after_failures,
};
