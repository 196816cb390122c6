//! The PIN: digits, rules, stretching, and the key it leads to.
//!
//! A PIN here is an *activation secret* (NIST SP 800-63B-4 §3.2.10): it never leaves the phone, and what it derives
//! opens the sealed file ([`crate::sealed`]). Argon2id alone cannot protect six digits; the key also depends on a share
//! that the portal gives once per counted try, and on a chip that is asked once per guess.
//!
//! ```text
//! a   = Argon2id(digits, salt, X)                [`StretchMemory::stretch`]
//! x   = SHA-512(organisation, device, epoch, a)  [`ShareInput::derive`]
//! y   = VOPRF(the portal's key, x)               [`Blinding`] and [`ShareKey`]
//! h   = DeviceKey::bind_guess(account, g(a))     [`hardware_guess`] gives g(a), bytes for a MAC, a point for an agreement
//! K   = HKDF(salt, y | h), cmt likewise          [`PinKey::derive`]
//! ```

mod calibration;
mod date;
pub(crate) mod digits;
mod fault;
mod guess;
mod key;
mod keypad;
mod owner;
mod pattern;
mod personal;
mod rules;
mod share;
mod stretch;
mod waits;

pub use calibration::calibrate;
pub use digits::{Pin, PinDigits};
pub use fault::PinFault;
pub use guess::hardware_guess;
pub use key::PinKey;
pub use owner::Owner;
pub use rules::PinRules;
pub use share::{BlindedElement, Blinding, Evaluation, PortalShare, ShareInput, ShareKey, SharePublicKey, ShareSeed};
pub use stretch::{SALT_LEN, StretchMemory, StretchParameters, Stretched};
pub use waits::wait_after_failures;
