//! Keys at rest: each secret under a key of its own, wrapped by the key-encryption key.
//!
//! The embedded key-encryption key is a file of mode 0600 outside the data folder; a stolen database alone gives no
//! seed. A KMS or an HSM will be another [`KeyWrap`]. AES-256-GCM (NIST SP 800-38D), random nonces, and the caller's
//! associated data ties a row to its place, so that rows cannot be swapped.

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use data_encoding::HEXLOWER_PERMISSIVE;
use ring::rand::SystemRandom;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use twinlock_core::ports::generate_bytes;
use twinlock_core::secret::SecretBytes;
use twinlock_core::{Error, Result};

/// Seals and opens secrets of the database. Implementations keep the key-encryption key to themselves.
pub trait KeyWrap: Send + Sync {
    /// Seals `secret`; the same `associated` is needed to open it. Returns the key's version and the sealed bytes.
    fn seal(&self, secret: &[u8], associated: &[u8]) -> Result<(i64, Vec<u8>)>;

    /// Opens what [`KeyWrap::seal`] made; [`Error::Corrupt`] if it was changed or belongs elsewhere.
    fn open(&self, version: i64, sealed: &[u8], associated: &[u8]) -> Result<SecretBytes>;

    /// A key for the portal's own nonces, the same on every portal with this key-encryption key.
    fn nonce_key(&self) -> &SecretBytes;

    /// The pepper of recovery codes, the same on every portal with this key-encryption key: without it a stolen database
    /// gives nothing to test a code against.
    fn recovery_pepper(&self) -> &SecretBytes;
}

/// A key-encryption key in a file: 64 hexadecimal digits, mode 0600.
pub struct FileKeyWrap {
    key: SecretBytes,
    nonce_key: SecretBytes,
    recovery_pepper: SecretBytes,
}

const VERSION: i64 = 1;
const NONCE: usize = 12;
const WRAPPED_KEY: usize = NONCE + 32 + 16;

impl FileKeyWrap {
    /// Reads the file, or makes it where there is none. Refuses a file that others may read.
    pub fn open_or_create(path: &Path) -> std::io::Result<Self> {
        if !path.exists() {
            create(path)?;
        }
        let mode = fs::metadata(path)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(std::io::Error::other(format!(
                "the key file {} may be read by others (mode {:o}); run: chmod 600 {}",
                path.display(),
                mode & 0o777,
                path.display()
            )));
        }
        let text = zeroize::Zeroizing::new(fs::read_to_string(path)?);
        let bytes = HEXLOWER_PERMISSIVE.decode(text.trim().as_bytes()).unwrap_or_default();
        if bytes.len() != 32 {
            return Err(std::io::Error::other(format!("{} does not hold 64 hexadecimal digits", path.display())));
        }
        let key = SecretBytes::new(bytes);
        let mac = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, key.expose());
        let derive = |label: &[u8]| SecretBytes::new(ring::hmac::sign(&mac, label).as_ref().to_vec());
        let (nonce_key, recovery_pepper) =
            (derive(b"twinlock/portal-nonce/v1"), derive(b"twinlock/recovery-pepper/v1"));
        Ok(Self { key, nonce_key, recovery_pepper })
    }
}

impl KeyWrap for FileKeyWrap {
    fn seal(&self, secret: &[u8], associated: &[u8]) -> Result<(i64, Vec<u8>)> {
        let row_key = SecretBytes::new(generate_bytes::<32>(&SystemRandom::new())?.to_vec());
        let mut sealed = encrypt(self.key.expose(), row_key.expose(), associated)?;
        sealed.extend(encrypt(row_key.expose(), secret, associated)?);
        Ok((VERSION, sealed))
    }

    fn open(&self, version: i64, sealed: &[u8], associated: &[u8]) -> Result<SecretBytes> {
        if version != VERSION {
            return Err(Error::VersionUnsupported);
        }
        let (wrapped, secret) = sealed.split_at_checked(WRAPPED_KEY).ok_or(Error::Corrupt)?;
        let row_key = decrypt(self.key.expose(), wrapped, associated)?;
        decrypt(row_key.expose(), secret, associated)
    }

    fn nonce_key(&self) -> &SecretBytes {
        &self.nonce_key
    }

    fn recovery_pepper(&self) -> &SecretBytes {
        &self.recovery_pepper
    }
}

fn create(path: &Path) -> std::io::Result<()> {
    let key = generate_bytes::<32>(&SystemRandom::new()).map_err(|_| std::io::Error::other("no random source"))?;
    let text = zeroize::Zeroizing::new(HEXLOWER_PERMISSIVE.encode(&zeroize::Zeroizing::new(key)[..]));
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn cipher(key: &[u8]) -> Result<Aes256Gcm> {
    let key = <&Key<Aes256Gcm>>::try_from(key).map_err(|_| Error::Internal)?;
    Ok(Aes256Gcm::new(key))
}

fn encrypt(key: &[u8], plaintext: &[u8], associated: &[u8]) -> Result<Vec<u8>> {
    let nonce = generate_bytes::<NONCE>(&SystemRandom::new())?;
    let sealed = cipher(key)?
        .encrypt(&Nonce::from(nonce), Payload { msg: plaintext, aad: associated })
        .map_err(|_| Error::Internal)?;
    Ok([&nonce[..], &sealed].concat())
}

fn decrypt(key: &[u8], sealed: &[u8], associated: &[u8]) -> Result<SecretBytes> {
    let (nonce, sealed) = sealed.split_first_chunk::<NONCE>().ok_or(Error::Corrupt)?;
    cipher(key)?
        .decrypt(&Nonce::from(*nonce), Payload { msg: sealed, aad: associated })
        .map(SecretBytes::new)
        .map_err(|_| Error::Corrupt)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_secret_opens_only_in_its_place_and_unchanged() {
        let folder = tempfile::tempdir().unwrap();
        let wrap = FileKeyWrap::open_or_create(&folder.path().join("kek")).unwrap();
        let (version, sealed) = wrap.seal(b"twenty bytes of seed", b"row 1").unwrap();
        assert_eq!(wrap.open(version, &sealed, b"row 1").unwrap().expose(), b"twenty bytes of seed");
        assert_eq!(wrap.open(version, &sealed, b"row 2").unwrap_err(), Error::Corrupt);
        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[index] ^= 1;
            assert_eq!(wrap.open(version, &changed, b"row 1").unwrap_err(), Error::Corrupt);
        }
    }

    #[test]
    fn a_key_file_that_others_may_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kek");
        FileKeyWrap::open_or_create(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(FileKeyWrap::open_or_create(&path).is_err());
    }
}
