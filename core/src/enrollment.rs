//! Enrollment of a device: commit, reveal, and the comparison code that an admin types.
//!
//! The device commits to its key before it learns the portal's second nonce, and reveals it after. Without the
//! commitment an attacker finds a key with a wanted eight-digit code in seconds; with it one run succeeds with 10⁻⁸.
//! This proves which device is asking, not who holds it, and a malicious portal is outside what it can stop.

use crate::error::{Error, Result};
use crate::framing::framed;
use crate::ports::{KeyLevel, KeyPlace};
use hkdf::Hkdf;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// What a device says of itself. Shown to the admin, escaped, never trusted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceFacts {
    /// Chosen by the member or the system; 1–64 characters.
    pub name: String,
    /// Manufacturer and model, at most 64 characters.
    pub model: String,
    /// System and version, at most 64 characters.
    pub system: String,
    /// Version of the app, `major.minor.patch`.
    pub app_version: String,
    /// How hard the device key is held.
    pub key_level: KeyLevel,
    /// Where a desktop keeps a key that is held in software; `None` on a phone.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub key_place: Option<KeyPlace>,
}

impl DeviceFacts {
    /// Reads the transmitted JSON text and checks its lengths; [`Error::BadRequest`].
    pub fn parse(text: &str) -> Result<Self> {
        let facts: Self = serde_json::from_str(text).map_err(|_| Error::BadRequest)?;
        let fits = |value: &str, least: usize| {
            let length = value.chars().count();
            (least..=64).contains(&length) && !value.chars().any(char::is_control)
        };
        let all =
            fits(&facts.name, 1) && fits(&facts.model, 0) && fits(&facts.system, 0) && fits(&facts.app_version, 1);
        if all { Ok(facts) } else { Err(Error::BadRequest) }
    }
}

/// Everything that both sides have to agree on.
#[derive(Debug, Clone, Copy)]
pub struct Transcript<'a> {
    /// The organisation's id.
    pub organisation: &'a str,
    /// The organisation's Ed25519 policy key, 32 bytes.
    pub policy_key: &'a [u8],
    /// The member's id.
    pub member: &'a str,
    /// The device key, DER SubjectPublicKeyInfo.
    pub spki: &'a [u8],
    /// The device's random opening of its commitment, 32 bytes.
    pub opening: &'a [u8],
    /// The portal's first nonce, 32 bytes.
    pub first_nonce: &'a [u8],
    /// The portal's second nonce, 32 bytes, sent after the commitment.
    pub second_nonce: &'a [u8],
    /// The device's facts exactly as transmitted.
    pub facts: &'a str,
}

/// SHA-256("c" | SPKI | opening), every part length-prefixed.
pub fn commitment(spki: &[u8], opening: &[u8]) -> [u8; 32] {
    Sha256::digest(framed(&[b"c", spki, opening])).into()
}

impl Transcript<'_> {
    /// The bytes that the device key signs, so that nobody enrolls a key he does not hold.
    pub fn to_sign(&self) -> Vec<u8> {
        framed(&[b"twinlock/enroll/v1", &self.digest()])
    }

    /// Eight decimal digits of HKDF-SHA-256 (RFC 5869) over the transcript.
    pub fn comparison_code(&self) -> Result<ComparisonCode> {
        let mut output = [0; 8];
        Hkdf::<Sha256>::new(None, &self.digest())
            .expand(b"twinlock/comparison/v1", &mut output)
            .map_err(|_| Error::Internal)?;
        Ok(ComparisonCode(format!("{:08}", u64::from_be_bytes(output) % 100_000_000)))
    }

    fn digest(&self) -> [u8; 32] {
        let facts = Sha256::digest(self.facts.as_bytes());
        Sha256::digest(framed(&[
            self.organisation.as_bytes(),
            self.policy_key,
            self.member.as_bytes(),
            self.spki,
            self.opening,
            self.first_nonce,
            self.second_nonce,
            &facts,
        ]))
        .into()
    }
}

/// Eight digits that the member reads from the device and the admin types.
#[derive(Clone)]
pub struct ComparisonCode(String);

impl ComparisonCode {
    /// In two groups of four, as the device shows it.
    pub fn grouped(&self) -> String {
        let (first, second) = self.0.split_at_checked(4).unwrap_or((&self.0, ""));
        format!("{first} {second}")
    }

    /// True if the admin typed this code; spaces and hyphens do not matter. Constant time for equal lengths.
    pub fn matches(&self, typed: &str) -> bool {
        let typed: String = typed.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
        self.0.as_bytes().ct_eq(typed.as_bytes()).into()
    }
}

impl std::fmt::Debug for ComparisonCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ComparisonCode(…)")
    }
}
