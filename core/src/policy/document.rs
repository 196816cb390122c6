//! Signed policy documents and statements.
//!
//! Signed are the transmitted bytes under DSSE's pre-authentication encoding, so nothing is ever re-serialised; Ed25519
//! (RFC 8032), one key per organisation, pinned at enrollment.

use super::Rules;
use crate::error::{Error, PolicyFault, Result};
use data_encoding::{BASE64, HEXLOWER};
use ring::signature::{ED25519, Ed25519KeyPair, UnparsedPublicKey};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Bytes and their signature, as they travel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Signed {
    /// The signed bytes, base64.
    pub payload: String,
    /// Ed25519 over the pre-authentication encoding, 64 bytes, base64.
    pub signature: String,
}

impl Signed {
    /// The content, before anybody has looked at the signature.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Option<T> {
        if self.payload.len() > MAX_PAYLOAD {
            return None;
        }
        serde_json::from_slice(&BASE64.decode(self.payload.as_bytes()).ok()?).ok()
    }
}

/// A policy document: rules only. Who is exempt and why stays on the portal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyDocument {
    /// The organisation's id.
    pub organisation: String,
    /// Grows by one with each change, from 1.
    pub version: u64,
    /// When it was made, epoch milliseconds.
    pub issued_ms: u64,
    /// Not to be obeyed before, epoch milliseconds.
    pub not_before_ms: u64,
    /// SHA-256 of the document before it, hex; empty for version 1.
    pub previous: String,
    /// What it demands.
    pub requires: Rules,
    /// Names of fields of `requires` that a device must know to obey the document at all.
    pub critical: Vec<String>,
}

/// "The latest document is version v with hash h", signed anew every hour and valid for 24 hours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// The organisation's id.
    pub organisation: String,
    /// Version of the latest document.
    pub version: u64,
    /// SHA-256 of the latest document's bytes, hex.
    pub hash: String,
    /// The id of the member whose device or session asked.
    pub member: String,
    /// From when two-step is demanded of that member, epoch milliseconds: the end of an exception or of the deadline; 0 for
    /// neither. Why, stays on the portal.
    pub required_from_ms: u64,
    /// When it was signed, epoch milliseconds.
    pub issued_ms: u64,
    /// Not valid from then on, epoch milliseconds.
    pub expires_ms: u64,
}

/// The newest document a device accepted; kept in its store, and losing it means enrolling again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenPolicy {
    /// Version of that document.
    pub version: u64,
    /// SHA-256 of its bytes, hex.
    pub hash: String,
}

const POLICY_TYPE: &str = "application/vnd.twinlock.policy.v1+json";
const STATEMENT_TYPE: &str = "application/vnd.twinlock.statement.v1+json";
const MAX_PAYLOAD: usize = 64 * 1024;

impl PolicyDocument {
    /// Signs the document with the organisation's key.
    pub fn sign(&self, key: &Ed25519KeyPair) -> Result<Signed> {
        sign(POLICY_TYPE, self, key)
    }

    /// Signs the bytes of a document anew, unchanged, so that version and hash stay: for a key that takes over from `former`.
    pub fn sign_again(signed: &Signed, former: &[u8], key: &Ed25519KeyPair) -> Result<Signed> {
        let payload = verify(POLICY_TYPE, signed, former)?;
        Ok(sign_bytes(POLICY_TYPE, &payload, key))
    }

    /// The rules of a document that shares its version with `seen` and not its bytes. Both are signed: somebody is shown
    /// another policy than somebody else.
    pub fn equivocation(signed: &Signed, public_key: &[u8], organisation: &str, seen: &SeenPolicy) -> Option<Rules> {
        let payload = verify(POLICY_TYPE, signed, public_key).ok()?;
        let document: Self = serde_json::from_slice(&payload).ok()?;
        let is_other = document.version == seen.version && sha256_hex(&payload) != seen.hash;
        let is_ours = document.organisation == organisation && document.requires.are_in_range();
        (is_other && is_ours).then_some(document.requires)
    }

    /// Accepts a document on a device, or says why not.
    ///
    /// `public_key` is the organisation's pinned Ed25519 key, `seen` the newest document accepted before.
    pub fn accept(
        signed: &Signed,
        public_key: &[u8],
        organisation: &str,
        seen: Option<&SeenPolicy>,
        now_ms: u64,
    ) -> Result<(Self, SeenPolicy)> {
        let payload = verify(POLICY_TYPE, signed, public_key)?;
        let value: Value = serde_json::from_slice(&payload).map_err(|_| refused(PolicyFault::Unreadable))?;
        require_known_critical(&value)?;
        let document: Self = serde_json::from_value(value).map_err(|_| refused(PolicyFault::Unreadable))?;
        if document.organisation != organisation {
            return Err(refused(PolicyFault::Organisation));
        }
        let hash = sha256_hex(&payload);
        if let Some(seen) = seen {
            if document.version < seen.version {
                return Err(refused(PolicyFault::Rollback));
            }
            if document.version == seen.version && hash != seen.hash {
                return Err(refused(PolicyFault::Equivocation));
            }
            if Some(document.version) == seen.version.checked_add(1) && document.previous != seen.hash {
                return Err(refused(PolicyFault::Predecessor));
            }
        }
        if now_ms < document.not_before_ms {
            return Err(refused(PolicyFault::NotYetValid));
        }
        if !document.requires.are_in_range() {
            return Err(refused(PolicyFault::Unreadable));
        }
        let seen = SeenPolicy { version: document.version, hash };
        Ok((document, seen))
    }
}

impl Statement {
    /// How long a statement is valid.
    pub const VALID_MS: u64 = 24 * 3_600_000;

    /// Signs the statement with the organisation's key.
    pub fn sign(&self, key: &Ed25519KeyPair) -> Result<Signed> {
        sign(STATEMENT_TYPE, self, key)
    }

    /// Accepts a statement to `member` that `seen` is the latest document, if it is valid now.
    pub fn accept(
        signed: &Signed,
        public_key: &[u8],
        organisation: &str,
        member: &str,
        seen: &SeenPolicy,
        now_ms: u64,
    ) -> Result<Self> {
        let payload = verify(STATEMENT_TYPE, signed, public_key)?;
        let statement: Self = serde_json::from_slice(&payload).map_err(|_| refused(PolicyFault::Unreadable))?;
        let lasts = statement.expires_ms.saturating_sub(statement.issued_ms) <= Self::VALID_MS;
        let speaks = statement.organisation == organisation && statement.member == member;
        let is_latest = statement.version == seen.version && statement.hash == seen.hash;
        if speaks && is_latest && lasts && now_ms < statement.expires_ms {
            return Ok(statement);
        }
        Err(refused(PolicyFault::Statement))
    }
}

/// SHA-256 in lower-case hex (FIPS 180-4).
pub fn sha256_hex(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}

pub(super) fn sign(kind: &str, content: &impl Serialize, key: &Ed25519KeyPair) -> Result<Signed> {
    let payload = serde_json::to_vec(content).map_err(|_| Error::Internal)?;
    Ok(sign_bytes(kind, &payload, key))
}

fn sign_bytes(kind: &str, payload: &[u8], key: &Ed25519KeyPair) -> Signed {
    let signature = key.sign(&pre_authentication_encoding(kind, payload));
    Signed { payload: BASE64.encode(payload), signature: BASE64.encode(signature.as_ref()) }
}

pub(super) fn verify(kind: &str, signed: &Signed, public_key: &[u8]) -> Result<Vec<u8>> {
    if signed.payload.len() > MAX_PAYLOAD {
        return Err(refused(PolicyFault::Unreadable));
    }
    let payload = BASE64.decode(signed.payload.as_bytes()).map_err(|_| refused(PolicyFault::Unreadable))?;
    let signature = BASE64.decode(signed.signature.as_bytes()).map_err(|_| refused(PolicyFault::Signature))?;
    UnparsedPublicKey::new(&ED25519, public_key)
        .verify(&pre_authentication_encoding(kind, &payload), &signature)
        .map_err(|_| refused(PolicyFault::Signature))?;
    Ok(payload)
}

/// DSSE v1 pre-authentication encoding: type and payload cannot be shifted into each other.
fn pre_authentication_encoding(kind: &str, payload: &[u8]) -> Vec<u8> {
    let mut encoded = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len()).into_bytes();
    encoded.extend_from_slice(payload);
    encoded
}

fn require_known_critical(document: &Value) -> Result<()> {
    let known = serde_json::to_value(Rules::defaults()).map_err(|_| Error::Internal)?;
    let names = document.get("critical").and_then(Value::as_array).ok_or(refused(PolicyFault::Unreadable))?;
    let is_known = |name: &Value| name.as_str().is_some_and(|name| known.get(name).is_some());
    if names.iter().all(is_known) { Ok(()) } else { Err(refused(PolicyFault::UnknownCritical)) }
}

pub(super) fn refused(fault: PolicyFault) -> Error {
    Error::PolicyRefused(fault)
}
