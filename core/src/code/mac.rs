//! HMAC keyed once and used for every step of a window: a third fewer compressions than keying it for each.

use crate::code::Algorithm;
use crate::error::{Error, Result};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha512};

/// A keyed HMAC (RFC 2104). Its state is as good as the key; it wipes itself.
pub(super) enum CodeMac {
    Sha1(Hmac<Sha1>),
    Sha256(Hmac<Sha256>),
    Sha512(Hmac<Sha512>),
}

impl CodeMac {
    pub(super) fn new(algorithm: Algorithm, secret: &[u8]) -> Result<Self> {
        // An HMAC takes keys of every length; the error cannot occur.
        Ok(match algorithm {
            Algorithm::Sha1 => Self::Sha1(Hmac::new_from_slice(secret).map_err(|_| Error::Internal)?),
            Algorithm::Sha256 => Self::Sha256(Hmac::new_from_slice(secret).map_err(|_| Error::Internal)?),
            Algorithm::Sha512 => Self::Sha512(Hmac::new_from_slice(secret).map_err(|_| Error::Internal)?),
        })
    }

    /// The 31 bits of a step: HMAC over its eight bytes, dynamically truncated (RFC 4226 §5.2 and §5.3).
    pub(super) fn truncated(&self, step: u64) -> Result<u32> {
        let counter = step.to_be_bytes();
        let number = match self {
            Self::Sha1(mac) => truncate(&mac.clone().chain_update(counter).finalize().into_bytes()),
            Self::Sha256(mac) => truncate(&mac.clone().chain_update(counter).finalize().into_bytes()),
            Self::Sha512(mac) => truncate(&mac.clone().chain_update(counter).finalize().into_bytes()),
        };
        number.ok_or(Error::Internal)
    }
}

/// The place is named by the last nibble. Never `None`: an HMAC has at least 20 bytes.
fn truncate(mac: &[u8]) -> Option<u32> {
    let offset = usize::from(mac.last()? & 0x0F);
    let bytes = mac.get(offset..)?.first_chunk::<4>()?;
    Some(u32::from_be_bytes(*bytes) & 0x7FFF_FFFF)
}
