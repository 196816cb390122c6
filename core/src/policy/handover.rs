//! One policy key hands over to the next.

use super::Signed;
use super::document::{refused, sign, verify};
use crate::error::{PolicyFault, Result};
use data_encoding::BASE64;
use ring::signature::Ed25519KeyPair;
use serde::{Deserialize, Serialize};

/// "From now on the organisation signs with `to`", signed by `from`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handover {
    /// The organisation's id.
    pub organisation: String,
    /// The Ed25519 key that signs this note, 32 bytes, base64.
    pub from: String,
    /// The Ed25519 key that signs from now on, 32 bytes, base64.
    pub to: String,
    /// When it was signed, epoch milliseconds.
    pub issued_ms: u64,
}

const HANDOVER_TYPE: &str = "application/vnd.twinlock.handover.v1+json";

impl Handover {
    /// Signs the note with the key that hands over.
    pub fn sign(&self, key: &Ed25519KeyPair) -> Result<Signed> {
        sign(HANDOVER_TYPE, self, key)
    }

    /// The key to trust after `notes`, the oldest first, for whoever has pinned `pinned`. Notes of keys before that are
    /// passed over.
    ///
    /// # Errors
    /// [`PolicyFault::Signature`] for a note that claims to come from the trusted key and does not.
    pub fn follow(notes: &[Signed], pinned: &[u8], organisation: &str) -> Result<Vec<u8>> {
        let mut trusted = pinned.to_vec();
        for signed in notes {
            let unread = signed.read::<Self>().ok_or(refused(PolicyFault::Unreadable))?;
            if unread.from != BASE64.encode(&trusted) {
                continue;
            }
            let payload = verify(HANDOVER_TYPE, signed, &trusted)?;
            let note: Self = serde_json::from_slice(&payload).map_err(|_| refused(PolicyFault::Unreadable))?;
            if note.organisation != organisation {
                return Err(refused(PolicyFault::Organisation));
            }
            trusted = BASE64.decode(note.to.as_bytes()).map_err(|_| refused(PolicyFault::Unreadable))?;
        }
        Ok(trusted)
    }
}
