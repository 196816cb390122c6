//! A PIN is set, tried and proven: the messages, and what is signed.

use super::Bytes;
use crate::secret::SecretText;
use crate::step::Step;
use serde::{Deserialize, Serialize};

answer! {
    /// `POST /v1/pin/prepare`: the portal is ready for a new PIN, with a seed of its own; one prepared before is void.
    PinPrepared {
        /// Number of the PIN to be sealed. Never given twice to a device.
        epoch: u64,
        /// Signed by the new PIN-activated key at commit, 32 bytes.
        challenge: Bytes,
        /// The public half of the portal's key for this epoch, 32 bytes; the device pins it.
        portal_key: Bytes,
    }
}

request! {
    /// `POST /v1/pin/prepare/evaluate`: asks for the share of the PIN that is being set.
    PinPrepareEvaluate {
        /// The prepared epoch.
        epoch: u64,
        /// The blinded element, 32 bytes. A prepared seed evaluates one; a second one voids it.
        element: Bytes,
    }
}

answer! {
    /// The share of the PIN that is being set.
    PinPrepareEvaluated {
        /// Evaluated element and proof, 96 bytes.
        evaluation: Bytes,
    }
}

request! {
    /// `POST /v1/pin/commit`: the new file is sealed and durable on the device.
    PinCommit {
        /// The prepared epoch.
        epoch: u64,
        /// The PIN-activated key, SubjectPublicKeyInfo.
        activated_key: Bytes,
        /// Its signature over the challenge, r ‖ s.
        activated_signature: Bytes,
        /// The key of the session that this opens.
        session_key: Bytes,
    }
}

request! {
    /// `POST /v1/pin/evaluate`: counts one try.
    PinEvaluate {
        /// The epoch of the file that is to be opened; another one than the portal's is refused and not counted.
        epoch: u64,
        /// Grows with each try; the same number with the same element is the same try, sent again.
        attempt: u64,
        /// The blinded element, 32 bytes.
        element: Bytes,
    }
}

answer! {
    /// The try is counted, durably, before this answer left.
    PinEvaluated {
        /// Evaluated element and proof, 96 bytes.
        evaluation: Bytes,
        /// Signed by the PIN-activated key at `prove`, 32 bytes.
        challenge: Bytes,
        /// Tries that remain if this one is wrong.
        tries_left: u32,
        /// Milliseconds until the next try is accepted if this one is wrong.
        retry_after_ms: u64,
    }
}

request! {
    /// `POST /v1/pin/prove`: the PIN was right. Within a minute of the answer to `evaluate`.
    PinProve {
        /// The attempt that was evaluated.
        attempt: u64,
        /// The key of the session that this opens, SubjectPublicKeyInfo.
        session_key: Bytes,
        /// The PIN-activated key's signature over the challenge, r ‖ s.
        activated_signature: Bytes,
    }
}

answer! {
    /// A session was opened with the PIN.
    SessionOpened {
        /// Opaque session token; useless without the session key.
        #[cfg_attr(feature = "schema", schema(value_type = String))]
        session: SecretText,
        /// Wrong PINs since the last right one.
        failures_before: u32,
        /// What comes next.
        step: Step,
    }
}

/// What a PIN-activated key signs to open a session, so that the proof fits one try, one portal, one policy, one session.
#[derive(Debug, Clone, Copy)]
pub struct PinProofStatement<'a> {
    /// The portal's challenge.
    pub challenge: &'a [u8],
    /// The attempt, or the epoch when a PIN is being set.
    pub number: u64,
    /// The portal's authority (`host` or `host:port`).
    pub authority: &'a str,
    /// The policy version that the request names.
    pub policy_version: u64,
    /// The device's id.
    pub device: &'a str,
    /// The session key, SubjectPublicKeyInfo.
    pub session_key: &'a [u8],
}

impl PinProofStatement<'_> {
    /// The bytes to sign at `prove`.
    pub fn to_prove(&self) -> Vec<u8> {
        self.framed(b"twinlock/pin-prove/v2")
    }

    /// The bytes to sign at `commit`.
    pub fn to_commit(&self) -> Vec<u8> {
        self.framed(b"twinlock/pin-commit/v2")
    }

    fn framed(&self, label: &[u8]) -> Vec<u8> {
        crate::framing::framed(&[
            label,
            self.challenge,
            &self.number.to_be_bytes(),
            self.authority.as_bytes(),
            &self.policy_version.to_be_bytes(),
            self.device.as_bytes(),
            self.session_key,
        ])
    }
}
