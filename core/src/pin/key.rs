//! From the portal's share and the chip's answer to the key of the sealed file (HKDF-SHA-256, RFC 5869).

use crate::error::{Error, Result};
use crate::framing::framed;
use crate::pin::{Owner, PortalShare, SALT_LEN};
use crate::secret::SecretBytes;
use hkdf::Hkdf;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// Length of the chip's answer, of the key and of the commitment, in bytes.
const KEY_LEN: usize = 32;

/// The key that opens one sealed file, and the commitment that tells a wrong PIN from a damaged file before the
/// cipher is asked (AES-GCM does not commit to its key). Wiped on drop, redacted in `Debug`.
#[derive(Debug)]
pub struct PinKey {
    seal: SecretBytes,
    commitment: SecretBytes,
}

impl PinKey {
    /// Derives both from the two locks: `share`, the portal's 64 bytes, and `hardware`, the 32 bytes that the chip
    /// answered to [`hardware_guess`](crate::pin::hardware_guess):
    ///
    /// ```text
    /// prk = HKDF-Extract(salt, y | h)     y = share, h = hardware
    /// K   = HKDF-Expand(prk, "twinlock/seal/v1" | device | epoch, 32)
    /// cmt = HKDF-Expand(prk, "twinlock/commit/v1", 32)
    /// ```
    /// Each part has its length before it.
    ///
    /// # Errors
    /// [`Error::Internal`] if `hardware` is not 32 bytes long: a host's port that breaks its contract.
    pub fn derive(
        owner: &Owner,
        epoch: u32,
        salt: &[u8; SALT_LEN],
        share: &PortalShare,
        hardware: &SecretBytes,
    ) -> Result<Self> {
        if hardware.expose().len() != KEY_LEN {
            return Err(Error::Internal);
        }
        let ikm = Zeroizing::new(framed(&[share.expose(), hardware.expose()]));
        let (mut prk, hkdf) = Hkdf::<Sha256>::extract(Some(salt), &ikm);
        prk.as_mut_slice().zeroize();
        let epoch = epoch.to_be_bytes();
        Ok(Self {
            seal: expand(&hkdf, &[b"twinlock/seal/v1", owner.device().as_bytes(), &epoch])?,
            commitment: expand(&hkdf, &[b"twinlock/commit/v1"])?,
        })
    }

    /// The key of AES-256-GCM.
    pub(crate) fn seal_key(&self) -> &SecretBytes {
        &self.seal
    }

    /// The commitment that the file stores, 32 bytes. Not secret once a file with it exists.
    pub(crate) fn commitment(&self) -> &[u8] {
        self.commitment.expose()
    }

    /// Whether a file's commitment is this key's, in constant time.
    pub(crate) fn is_committed(&self, commitment: &[u8]) -> bool {
        self.commitment.expose().ct_eq(commitment).into()
    }
}

fn expand(hkdf: &Hkdf<Sha256>, parts: &[&[u8]]) -> Result<SecretBytes> {
    let mut output = Zeroizing::new(vec![0; KEY_LEN]);
    hkdf.expand(&framed(parts), &mut output).map_err(|_| Error::Internal)?;
    Ok(SecretBytes::new(std::mem::take(&mut *output)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(byte: u8) -> PortalShare {
        PortalShare::from_bytes(vec![byte; 64])
    }

    fn derive(device: &str, epoch: u32, salt: u8, share_byte: u8, hardware: u8) -> PinKey {
        let (owner, hardware) = (Owner::new("o", device).unwrap(), SecretBytes::new(vec![hardware; 32]));
        PinKey::derive(&owner, epoch, &[salt; SALT_LEN], &share(share_byte), &hardware).unwrap()
    }

    #[test]
    fn f44_another_device_epoch_salt_share_or_chip_gives_another_key() {
        let base = derive("d", 1, 7, 8, 9);
        assert_eq!(base.seal, derive("d", 1, 7, 8, 9).seal);
        let both_keys = [derive("d", 1, 0, 8, 9), derive("d", 1, 7, 0, 9), derive("d", 1, 7, 8, 0)];
        for other in [derive("e", 1, 7, 8, 9), derive("d", 2, 7, 8, 9)].iter().chain(&both_keys) {
            assert_ne!(base.seal, other.seal);
        }
        for other in &both_keys {
            assert!(!base.is_committed(other.commitment()));
        }
        assert!(base.is_committed(derive("d", 1, 7, 8, 9).commitment()));
        assert!(!base.is_committed(&base.commitment()[..31]));
        assert_ne!(base.seal.expose(), base.commitment());
    }

    #[test]
    fn a_chip_that_answers_another_length_is_refused() {
        let owner = Owner::new("o", "d").unwrap();
        for len in [0, 31, 33] {
            let derived = PinKey::derive(&owner, 1, &[7; SALT_LEN], &share(8), &SecretBytes::new(vec![9; len]));
            assert_eq!(derived.err(), Some(Error::Internal));
        }
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(
            format!("{:?}", derive("d", 1, 7, 8, 9)),
            "PinKey { seal: SecretBytes(…), commitment: SecretBytes(…) }"
        );
    }
}
