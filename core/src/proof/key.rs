//! P-256 keys: public ones as SubjectPublicKeyInfo, software ones for sessions, PIN-activated keys and tests.

use crate::error::{Error, Result};
use crate::ports::generate_bytes;
use crate::secret::SecretBytes;
use p256::ecdsa::signature::Signer;
use p256::pkcs8::{DecodePublicKey, EncodePublicKey};
use ring::rand::SecureRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

/// A P-256 public key, checked to be a point on the curve when it was parsed.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    spki: Vec<u8>,
}

const SPKI_LENGTH: usize = 91;
const POINT_OFFSET: usize = 26;

impl PublicKey {
    /// Parses a DER SubjectPublicKeyInfo with an uncompressed P-256 point (RFC 5480), 91 bytes.
    pub fn from_spki(spki: &[u8]) -> Result<Self> {
        let key = p256::PublicKey::from_public_key_der(spki).map_err(|_| Error::SignatureRefused)?;
        let canonical = key.to_public_key_der().map_err(|_| Error::SignatureRefused)?;
        if spki.len() != SPKI_LENGTH || canonical.as_bytes() != spki {
            return Err(Error::SignatureRefused);
        }
        Ok(Self { spki: spki.to_vec() })
    }

    /// The DER SubjectPublicKeyInfo, 91 bytes.
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// Verifies ECDSA over SHA-256(`message`); `signature` is r ‖ s, 64 bytes (RFC 9421 §3.3.4). DER is refused.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<()> {
        let point = self.spki.get(POINT_OFFSET..).ok_or(Error::SignatureRefused)?;
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
            .verify(message, signature)
            .map_err(|_| Error::SignatureRefused)
    }
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PublicKey(P-256)")
    }
}

/// A P-256 signing key in memory; wiped on drop.
pub struct SigningKey(p256::ecdsa::SigningKey);

impl SigningKey {
    /// A new random key.
    pub fn generate(random: &dyn SecureRandom) -> Result<Self> {
        loop {
            let scalar = SecretBytes::new(generate_bytes::<32>(random)?.to_vec());
            // Out of range with probability 2⁻³².
            if let Ok(key) = Self::from_scalar(scalar.expose()) {
                return Ok(key);
            }
        }
    }

    /// The key with this private scalar, 32 bytes big-endian.
    pub fn from_scalar(scalar: &[u8]) -> Result<Self> {
        p256::ecdsa::SigningKey::from_slice(scalar).map(Self).map_err(|_| Error::Corrupt)
    }

    /// The private scalar, 32 bytes big-endian, to be sealed at once.
    pub fn to_scalar(&self) -> SecretBytes {
        SecretBytes::new(self.0.to_bytes().to_vec())
    }

    /// The public half.
    pub fn public_key(&self) -> Result<PublicKey> {
        let spki = self.0.verifying_key().to_public_key_der().map_err(|_| Error::Internal)?;
        Ok(PublicKey { spki: spki.as_bytes().to_vec() })
    }

    /// ECDSA over SHA-256(`message`), deterministic (RFC 6979), as r ‖ s, 64 bytes.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let signature: p256::ecdsa::Signature = self.0.sign(message);
        signature.to_bytes().to_vec()
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKey(…)")
    }
}
