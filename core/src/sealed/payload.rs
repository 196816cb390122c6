//! What is sealed: the key that proves the PIN, and the key of the vault.

use crate::error::{Error, Result};
use crate::secret::SecretBytes;
use ring::rand::SecureRandom;
use zeroize::Zeroizing;

/// The key of the vault, 32 bytes. Wiped on drop, redacted in `Debug`, compared in constant time.
#[derive(Debug, Clone, PartialEq)]
pub struct VaultKey(pub(crate) SecretBytes);

impl VaultKey {
    /// Length in bytes.
    pub const LEN: usize = 32;

    /// A new key.
    ///
    /// # Errors
    /// [`Error::RandomFailed`].
    pub fn generate(random: &dyn SecureRandom) -> Result<Self> {
        generate_secret(random).map(Self)
    }
}

/// The PIN-activated key (PAK, a P-256 private scalar) and the vault key. Exists only while the file is open: erase it
/// right after use (NIST SP 800-63B-4 §3.1.7.1). Wiped on drop, redacted in `Debug`, compared in constant time.
#[derive(Debug, PartialEq)]
pub struct SealedPayload {
    private_key: SecretBytes,
    vault_key: VaultKey,
}

impl SealedPayload {
    /// Length of the sealed bytes: scalar and vault key.
    pub(super) const LEN: usize = PRIVATE_KEY_LEN + VaultKey::LEN;

    /// A new private key and a new vault key.
    ///
    /// # Errors
    /// [`Error::RandomFailed`].
    pub fn generate(random: &dyn SecureRandom) -> Result<Self> {
        Self::generate_with(random, VaultKey::generate(random)?)
    }

    /// A new private key beside an old vault key: what a change of the PIN seals, so that the vault stays readable.
    ///
    /// # Errors
    /// [`Error::RandomFailed`].
    pub fn generate_with(random: &dyn SecureRandom, vault_key: VaultKey) -> Result<Self> {
        // A random string is no scalar with probability 2^-32 (FIPS 186-5 A.2.2: try again).
        for _ in 0..8 {
            let private_key = generate_secret(random)?;
            if is_scalar(private_key.expose()) {
                return Ok(Self { private_key, vault_key });
            }
        }
        Err(Error::RandomFailed)
    }

    /// The private scalar, 32 bytes big-endian, never zero and below the order of P-256. One of two ways out: whoever
    /// calls this answers for where it goes.
    pub fn expose_private_key(&self) -> &[u8] {
        self.private_key.expose()
    }

    /// The vault's key.
    pub fn vault_key(&self) -> &VaultKey {
        &self.vault_key
    }

    /// The bytes to seal.
    pub(super) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(Self::LEN));
        bytes.extend_from_slice(self.private_key.expose());
        bytes.extend_from_slice(self.vault_key.0.expose());
        bytes
    }

    /// Reads sealed bytes; [`Error::Corrupt`] for another length or for what is no scalar.
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let (private_key, vault_key) = bytes.split_at_checked(PRIVATE_KEY_LEN).ok_or(Error::Corrupt)?;
        if vault_key.len() != VaultKey::LEN || !is_scalar(private_key) {
            return Err(Error::Corrupt);
        }
        Ok(Self {
            private_key: SecretBytes::new(private_key.to_vec()),
            vault_key: VaultKey(SecretBytes::new(vault_key.to_vec())),
        })
    }
}

const PRIVATE_KEY_LEN: usize = 32;

fn is_scalar(bytes: &[u8]) -> bool {
    bytes.len() == PRIVATE_KEY_LEN && p256::SecretKey::from_slice(bytes).is_ok()
}

/// Filled where it stays: an array from [`crate::ports::generate_bytes`] would leave copies on the stack.
fn generate_secret(random: &dyn SecureRandom) -> Result<SecretBytes> {
    let mut bytes = Zeroizing::new(vec![0; 32]);
    random.fill(&mut bytes).map_err(|_| Error::RandomFailed)?;
    Ok(SecretBytes::new(std::mem::take(&mut *bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::rand::SystemRandom;

    #[test]
    fn a_payload_survives_its_bytes() {
        let payload = SealedPayload::generate(&SystemRandom::new()).unwrap();
        let bytes = payload.to_bytes();
        assert_eq!((bytes.len(), bytes.capacity()), (64, 64), "a buffer that grew would leave a copy");
        assert_eq!(SealedPayload::from_bytes(&bytes), Ok(payload));
    }

    #[test]
    fn f40_what_is_no_scalar_is_corrupt() {
        let order = data_encoding::HEXUPPER
            .decode(b"FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551")
            .unwrap();
        for scalar in [vec![0; 32], order, vec![0xFF; 32]] {
            let bytes = [scalar, vec![1; 32]].concat();
            assert_eq!(SealedPayload::from_bytes(&bytes), Err(Error::Corrupt));
        }
        for len in [0, 31, 32, 63, 65] {
            assert_eq!(SealedPayload::from_bytes(&vec![1; len]), Err(Error::Corrupt));
        }
    }

    #[test]
    fn a_change_of_the_pin_keeps_the_vault_key_only() {
        let random = SystemRandom::new();
        let old = SealedPayload::generate(&random).unwrap();
        let new = SealedPayload::generate_with(&random, old.vault_key().clone()).unwrap();
        assert_eq!(old.vault_key(), new.vault_key());
        assert_ne!(old.expose_private_key(), new.expose_private_key());
        assert!(!format!("{old:?}").contains(|c: char| c.is_ascii_digit()));
    }
}
