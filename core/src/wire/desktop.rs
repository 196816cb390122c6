//! A desktop's later session: the device that it belongs to, proven with the device key.

use super::Bytes;
use crate::framing::framed;
use serde::{Deserialize, Serialize};

message! {
    /// The device that a session shall belong to; part of [`SignIn`](super::SignIn).
    #[serde(deny_unknown_fields)]
    DeviceClaim {
        /// The device's id.
        device: String,
        /// The device key's signature over [`DeviceClaim::to_sign`], r ‖ s.
        signature: Bytes,
    }
}

impl DeviceClaim {
    /// The bytes that the device key signs, for the session key (SubjectPublicKeyInfo) of the session that is to be opened.
    /// They say nothing of the member: the portal looks for the device among those of the member whose password was right.
    pub fn to_sign(session_key: &[u8]) -> Vec<u8> {
        framed(&[b"twinlock/desktop-session/v1", session_key])
    }
}
