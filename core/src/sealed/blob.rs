//! AES-256-GCM with a random nonce in front (NIST SP 800-38D §8.2.2), and the checksum that tells damage.

use crate::error::{Error, Result};
use crate::secret::SecretBytes;
use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce, Tag};
use ring::rand::SecureRandom;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

const NONCE_LEN: usize = 12;
const TAG_LEN: usize = 16;
const CHECKSUM_LEN: usize = 32;

/// How much longer a blob is than what is in it.
pub(crate) const BLOB_OVERHEAD: usize = NONCE_LEN + TAG_LEN;

/// `nonce | ciphertext | tag` of `plain`, under `key` (32 bytes) and bound to `context`.
pub(crate) fn seal_blob(key: &SecretBytes, context: &[u8], plain: &[u8], random: &dyn SecureRandom) -> Result<Vec<u8>> {
    seal_with_nonce(key, context, plain, crate::ports::generate_bytes(random)?)
}

/// What is in a blob; `None` if the key, the context or a single bit differs. Never a part of it.
pub(crate) fn open_blob(key: &SecretBytes, context: &[u8], blob: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, rest) = blob.split_first_chunk::<NONCE_LEN>()?;
    let (ciphertext, tag) = rest.split_last_chunk::<TAG_LEN>()?;
    let cipher = Aes256Gcm::new_from_slice(key.expose()).ok()?;
    let mut plain = Zeroizing::new(ciphertext.to_vec());
    let opened =
        cipher.decrypt_inout_detached(&Nonce::from(*nonce), context, plain.as_mut_slice().into(), &Tag::from(*tag));
    opened.is_ok().then_some(plain)
}

/// Appends the SHA-256 of everything before it.
pub(crate) fn append_checksum(bytes: &mut Vec<u8>) {
    let checksum = Sha256::digest(&bytes);
    bytes.extend_from_slice(&checksum);
}

/// What stands before the checksum; [`Error::Corrupt`] if it is not the checksum of that.
pub(crate) fn strip_checksum(bytes: &[u8]) -> Result<&[u8]> {
    let (content, checksum) = bytes.split_last_chunk::<CHECKSUM_LEN>().ok_or(Error::Corrupt)?;
    if Sha256::digest(content).as_slice() == checksum { Ok(content) } else { Err(Error::Corrupt) }
}

/// Apart from [`seal_blob`] for the vectors alone: a nonce used twice under one key gives the key of the tag away.
pub(super) fn seal_with_nonce(
    key: &SecretBytes,
    context: &[u8],
    plain: &[u8],
    nonce: [u8; NONCE_LEN],
) -> Result<Vec<u8>> {
    let cipher = Aes256Gcm::new_from_slice(key.expose()).map_err(|_| Error::Internal)?;
    let mut blob = Zeroizing::new(Vec::with_capacity(plain.len() + BLOB_OVERHEAD));
    blob.extend_from_slice(&nonce);
    blob.extend_from_slice(plain);
    let buffer = blob.get_mut(NONCE_LEN..).ok_or(Error::Internal)?;
    let tag =
        cipher.encrypt_inout_detached(&Nonce::from(nonce), context, buffer.into()).map_err(|_| Error::Internal)?;
    blob.extend_from_slice(&tag);
    Ok(std::mem::take(&mut *blob))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::rand::SystemRandom;

    fn key(byte: u8) -> SecretBytes {
        SecretBytes::new(vec![byte; 32])
    }

    #[test]
    fn f40_f44_key_context_and_every_bit_count() {
        let random = SystemRandom::new();
        let blob = seal_blob(&key(1), b"context", b"plain", &random).unwrap();
        assert_eq!(blob.len(), 5 + BLOB_OVERHEAD);
        assert_eq!(open_blob(&key(1), b"context", &blob).as_deref(), Some(&b"plain".to_vec()));
        assert_eq!(open_blob(&key(2), b"context", &blob), None);
        assert_eq!(open_blob(&key(1), b"contexT", &blob), None);
        for bit in 0..blob.len() * 8 {
            let mut flipped = blob.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(open_blob(&key(1), b"context", &flipped), None, "bit {bit}");
        }
        for len in 0..blob.len() {
            assert_eq!(open_blob(&key(1), b"context", &blob[..len]), None);
        }
        assert_ne!(blob, seal_blob(&key(1), b"context", b"plain", &random).unwrap(), "a new nonce");
    }

    /// Test case 14 of the GCM specification (McGrew, Viega), whose cases NIST SP 800-38D took over.
    #[test]
    fn gcm_test_case_14() {
        let blob = seal_with_nonce(&key(0), b"", &[0; 16], [0; 12]).unwrap();
        let expected = "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919";
        assert_eq!(data_encoding::HEXLOWER.encode(&blob[NONCE_LEN..]), expected);
    }

    #[test]
    fn f41_a_checksum_is_never_optional() {
        let mut bytes = b"content".to_vec();
        append_checksum(&mut bytes);
        assert_eq!(strip_checksum(&bytes), Ok(&b"content"[..]));
        for len in 0..bytes.len() {
            assert_eq!(strip_checksum(&bytes[..len]), Err(Error::Corrupt));
        }
    }
}
