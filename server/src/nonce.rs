//! Single-use nonces for calls that change something.
//!
//! A nonce is made without writing anything (time, randomness and a MAC), so that every answer can carry one; it is
//! written down when it is used, in the transaction of the change it allows.

use crate::store::{StoreError, Tx};
use data_encoding::BASE64URL_NOPAD;
use ring::hmac;
use ring::rand::SystemRandom;
use twinlock_core::ports::generate_bytes;
use twinlock_core::secret::SecretBytes;
use twinlock_core::{Error, Result};

/// How long a nonce may be used.
pub const LIFETIME_MS: u64 = 5 * 60_000;

crate::statements! {
    USE_NONCE = "INSERT INTO used_nonce (organisation, nonce, expires_ms) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    FORGET_NONCES = "DELETE FROM used_nonce WHERE expires_ms < $1";
}

/// A fresh nonce.
pub fn generate(key: &SecretBytes, now_ms: u64) -> Result<String> {
    let mut bytes = now_ms.to_be_bytes().to_vec();
    bytes.extend(generate_bytes::<16>(&SystemRandom::new())?);
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.expose()), &bytes);
    bytes.extend(tag.as_ref().iter().take(16));
    Ok(BASE64URL_NOPAD.encode(&bytes))
}

/// Succeeds if this portal (or another with its key) made the nonce within [`LIFETIME_MS`]. Use is checked by [`take`].
pub fn verify(key: &SecretBytes, nonce: &str, now_ms: u64) -> Result<()> {
    let bytes = BASE64URL_NOPAD.decode(nonce.as_bytes()).map_err(|_| Error::NonceRefused)?;
    let (content, tag) = bytes.split_at_checked(24).ok_or(Error::NonceRefused)?;
    let expected = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.expose()), content);
    let (made, _) = content.split_first_chunk::<8>().ok_or(Error::NonceRefused)?;
    let is_ours =
        expected.as_ref().get(..16).is_some_and(|expected| subtle::ConstantTimeEq::ct_eq(expected, tag).into());
    let age = now_ms.checked_sub(u64::from_be_bytes(*made));
    if is_ours && age.is_some_and(|age| age <= LIFETIME_MS) { Ok(()) } else { Err(Error::NonceRefused) }
}

/// Takes the nonce, once and for all portals of the database.
pub fn take(
    tx: &mut Tx<'_>,
    organisation: &str,
    nonce: &str,
    now_ms: u64,
) -> std::result::Result<Result<()>, StoreError> {
    // Kept twice as long as it may be used: a clock step never makes it fresh again.
    let expires = now_ms + 2 * LIFETIME_MS;
    let taken = tx.exec(USE_NONCE, &[organisation.into(), nonce.into(), expires.into()])?;
    Ok(if taken == 1 { Ok(()) } else { Err(Error::NonceRefused) })
}

/// Forgets nonces that are too old to be used. Returns how many.
pub fn sweep(tx: &mut Tx<'_>, now_ms: u64) -> std::result::Result<u64, StoreError> {
    tx.exec(FORGET_NONCES, &[now_ms.into()])
}
