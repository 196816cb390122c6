//! What the chip is asked: once per guess, and never the same thing for two PINs.

use crate::error::{Error, Result};
use crate::framing::framed;
use crate::pin::Stretched;
use crate::ports::PinKeyKind;
use crate::secret::SecretBytes;
use p256::NistP256;
use p256::elliptic_curve::sec1::ToSec1Point;
use p256::hash2curve::GroupDigest;
use zeroize::Zeroize;

/// Names the use of the PIN key, in both forms.
const LABEL: &[u8] = b"twinlock/hw/v1";

/// What to give to [`DeviceKey::bind_guess`](crate::ports::DeviceKey::bind_guess). It depends on the guess, so that one
/// guess is one use of the chip, and what the chip answers to one says nothing about another:
///
/// ```text
/// Mac        "twinlock/hw/v1" | stretched, each with its length before it; 54 bytes
/// Agreement  hash_to_curve(stretched, DST = "twinlock/hw/v1") as 04 | x | y (X9.63, uncompressed); 65 bytes
/// ```
/// `hash_to_curve` is P256_XMD:SHA-256_SSWU_RO_ (RFC 9380 §8.2): nobody knows the point's discrete logarithm, so that an
/// agreement with it needs the chip. With a fixed peer one answer of the chip would serve for all guesses.
///
/// # Errors
/// [`Error::Internal`] if the hash is the point at infinity, which nobody can bring about.
pub fn hardware_guess(stretched: &Stretched, kind: PinKeyKind) -> Result<SecretBytes> {
    match kind {
        PinKeyKind::Mac => Ok(SecretBytes::new(framed(&[LABEL, stretched.expose()]))),
        PinKeyKind::Agreement => hash_to_curve(stretched.expose(), LABEL),
    }
}

fn hash_to_curve(message: &[u8], dst: &[u8]) -> Result<SecretBytes> {
    let mut point = NistP256::hash_from_bytes(&[message], &[dst]).map_err(|_| Error::Internal)?;
    let mut encoded = point.to_affine().to_sec1_point(false);
    point.zeroize();
    let bytes = SecretBytes::new(encoded.as_bytes().to_vec());
    encoded.zeroize();
    if bytes.expose().len() == POINT_LEN { Ok(bytes) } else { Err(Error::Internal) }
}

/// Length of an uncompressed point; infinity is a single byte (SEC 1 §2.3.3).
const POINT_LEN: usize = 65;

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::HEXLOWER;
    use serde_json::Value;

    fn vectors() -> Value {
        serde_json::from_str(include_str!("../../../tests/vectors/hardware_guess.json")).unwrap()
    }

    #[test]
    fn rfc_9380_appendix_j_1_1() {
        let vectors = vectors();
        let cases = vectors["hash_to_curve"].as_array().unwrap();
        assert_eq!(cases.len(), 5);
        for case in cases {
            let (message, dst) = (case["message"].as_str().unwrap(), vectors["dst"].as_str().unwrap());
            let point = hash_to_curve(message.as_bytes(), dst.as_bytes()).unwrap();
            assert_eq!(HEXLOWER.encode(point.expose()), case["point"].as_str().unwrap(), "{message}");
        }
    }

    /// The vectors were made by another implementation (Python, OpenSSL); see their `about`.
    #[test]
    fn the_guess_of_each_kind_is_the_vectors() {
        for case in vectors()["guesses"].as_array().unwrap() {
            let hex = |name: &str| HEXLOWER.decode(case[name].as_str().unwrap().as_bytes()).unwrap();
            let stretched = Stretched::from_bytes(hex("stretched"));
            for (kind, name) in [(PinKeyKind::Mac, "mac_guess"), (PinKeyKind::Agreement, "agreement_guess")] {
                assert_eq!(hardware_guess(&stretched, kind).unwrap().expose(), hex(name), "{kind:?}");
            }
        }
    }

    #[test]
    fn another_pin_asks_the_chip_something_else() {
        for kind in [PinKeyKind::Mac, PinKeyKind::Agreement] {
            let guess = |byte: u8| hardware_guess(&Stretched::from_bytes(vec![byte; 32]), kind).unwrap();
            assert_eq!(guess(1), guess(1));
            assert_ne!(guess(1), guess(2));
            assert_eq!(format!("{:?}", guess(1)), "SecretBytes(…)");
        }
    }
}
