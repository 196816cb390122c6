//! The portal's share of the PIN's key: an oblivious pseudorandom function with a proof (RFC 9497, VOPRF mode,
//! ristretto255-SHA512).
//!
//! The phone blinds what it stretched, the portal evaluates without learning anything about it, and the phone checks a
//! proof that the key was the one it pinned when the PIN was set. Who has the phone cannot test a guess without the
//! portal, which counts; who has the portal's key learns nothing of the PIN from what it is asked.
//!
//! ```text
//! phone                                             portal
//! x = SHA-512(label, organisation, device, epoch, a)
//! blind x                        ── element (32) ──▶ evaluate with the key of this device and epoch
//! check the proof, unblind       ◀─ evaluation (96) ──
//! y (64)
//! ```
//! `voprf` belongs to an older generation of RustCrypto than the rest: only bytes go in and out of this module.

mod blinding;
mod drawn;
mod key;

pub use blinding::{Blinding, PortalShare, ShareInput};
pub use key::{ShareKey, ShareSeed};

use voprf::Ristretto255;

/// What the portal is asked: a blinded element, 32 bytes. It is independent of the PIN, and a value of this type is a
/// canonical point that is not the identity (RFC 9496 §4.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlindedElement([u8; ELEMENT_LEN]);

impl BlindedElement {
    /// The element in these bytes; `None` if they are not 32 bytes of a canonical point, or the identity.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes = <[u8; ELEMENT_LEN]>::try_from(bytes).ok()?;
        voprf::BlindedElement::<Ristretto255>::deserialize(&bytes).ok().map(|_| Self(bytes))
    }

    /// The encoded point.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// What the portal answers: the evaluated element (32 bytes) and the proof (64 bytes, RFC 9497 §2.2), in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evaluation([u8; ELEMENT_LEN + PROOF_LEN]);

impl Evaluation {
    /// 96 bytes as they came; whether they are a proof is said by [`Blinding::finalize`]. `None` for another length.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The element and the proof.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The public half of the portal's key for one device and epoch, 32 bytes, pinned in the sealed file. A value of this
/// type is a canonical point that is not the identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SharePublicKey([u8; ELEMENT_LEN]);

impl SharePublicKey {
    /// Length in bytes.
    pub const LEN: usize = ELEMENT_LEN;

    /// The key in these bytes; `None` if they are not 32 bytes of a canonical point, or the identity.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        BlindedElement::from_bytes(bytes).map(|point| Self(point.0))
    }

    /// The encoded point.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

const ELEMENT_LEN: usize = 32;
const PROOF_LEN: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::pin::Owner;
    use crate::pin::Stretched;
    use data_encoding::HEXLOWER;
    use drawn::Drawn;
    use ring::rand::SystemRandom;
    use serde_json::Value;

    fn hex(value: &Value) -> Vec<u8> {
        HEXLOWER.decode(value.as_str().unwrap().as_bytes()).unwrap()
    }

    /// A random scalar is 64 bytes reduced by the group's order; a smaller number stays itself.
    fn scalar(value: &Value) -> Drawn {
        Drawn::from_bytes([hex(value), vec![0; 32]].concat().try_into().unwrap())
    }

    #[test]
    fn rfc_9497_appendix_a_1_2() {
        let vectors: Value = serde_json::from_str(include_str!("../../../../tests/vectors/voprf.json")).unwrap();
        let key = ShareKey::from_seed(&hex(&vectors["seed"]), &hex(&vectors["key_info"])).unwrap();
        assert_eq!(key.public_key().as_bytes(), hex(&vectors["public_key"]));
        let cases = vectors["cases"].as_array().unwrap();
        assert_eq!(cases.len(), 2);
        for case in cases {
            let input = ShareInput::from_bytes(hex(&case["input"]));
            let blinding = Blinding::with(input, &mut scalar(&case["blind"])).unwrap();
            assert_eq!(blinding.element().as_bytes(), hex(&case["blinded_element"]));
            let evaluation = key.evaluate_with(&blinding.element(), &mut scalar(&case["proof_random_scalar"])).unwrap();
            assert_eq!(evaluation.as_bytes()[..32], hex(&case["evaluation_element"]));
            assert_eq!(evaluation.as_bytes()[32..], hex(&case["proof"]));
            let share = blinding.finalize(&evaluation, &key.public_key()).unwrap();
            assert_eq!(share.expose(), hex(&case["output"]));
        }
    }

    fn owner(device: &str) -> Owner {
        Owner::new("acme", device).unwrap()
    }

    fn input(byte: u8) -> ShareInput {
        ShareInput::derive(&owner("phone"), 3, &Stretched::from_bytes(vec![byte; 32]))
    }

    fn key(seed: u8, device: &str, epoch: u32) -> ShareKey {
        ShareSeed::from_bytes(&[seed; 32]).unwrap().derive_key(&owner(device), epoch).unwrap()
    }

    fn blind(byte: u8) -> Blinding {
        Blinding::new(input(byte), &SystemRandom::new()).unwrap()
    }

    fn share_of(byte: u8, key: &ShareKey) -> Vec<u8> {
        let blinding = blind(byte);
        let evaluation = key.evaluate(&blinding.element(), &SystemRandom::new()).unwrap();
        blinding.finalize(&evaluation, &key.public_key()).unwrap().expose().to_vec()
    }

    #[test]
    fn the_share_depends_on_the_guess_and_on_the_key_and_not_on_the_blinding() {
        let key_of_phone = key(1, "phone", 3);
        assert_ne!(blind(7).element(), blind(7).element(), "a new blind each time");
        assert_eq!(share_of(7, &key_of_phone), share_of(7, &key_of_phone));
        assert_eq!(share_of(7, &key_of_phone).len(), 64);
        assert_ne!(share_of(7, &key_of_phone), share_of(8, &key_of_phone));
        for other in [key(2, "phone", 3), key(1, "tablet", 3), key(1, "phone", 4)] {
            assert_ne!(share_of(7, &key_of_phone), share_of(7, &other));
            assert_ne!(key_of_phone.public_key(), other.public_key());
        }
    }

    #[test]
    fn f44_every_part_changes_the_input() {
        let stretched = |byte: u8| Stretched::from_bytes(vec![byte; 32]);
        let base = ShareInput::derive(&owner("phone"), 3, &stretched(7));
        assert!(base == ShareInput::derive(&owner("phone"), 3, &stretched(7)));
        for other in [
            ShareInput::derive(&owner("tablet"), 3, &stretched(7)),
            ShareInput::derive(&Owner::new("other", "phone").unwrap(), 3, &stretched(7)),
            ShareInput::derive(&owner("phone"), 4, &stretched(7)),
            ShareInput::derive(&owner("phone"), 3, &stretched(8)),
        ] {
            assert!(base != other);
        }
    }

    /// What decodes to the identity, and what is above the field's prime (RFC 9496 appendix A.2).
    fn bad_points() -> [[u8; 32]; 4] {
        let mut above = [0xff; 32];
        above[31] = 0x7f;
        let mut negative = [0; 32];
        negative[0] = 1;
        [[0; 32], [0xff; 32], above, negative]
    }

    #[test]
    fn f46_whatever_the_portal_gets_wrong_is_no_wrong_pin() {
        let (random, ours, foreign) = (SystemRandom::new(), key(1, "phone", 3), key(2, "phone", 3));
        let blinding = blind(7);
        let good = ours.evaluate(&blinding.element(), &random).unwrap();
        let by_another_key = foreign.evaluate(&blinding.element(), &random).unwrap();
        let of_another_element = ours.evaluate(&blind(7).element(), &random).unwrap();
        let joined = |element: &[u8], proof: &[u8]| Evaluation::from_bytes(&[element, proof].concat()).unwrap();
        let (element, proof) = (&good.as_bytes()[..32], &good.as_bytes()[32..]);
        let mut wrong = vec![
            ("another key", by_another_key),
            ("another element", of_another_element),
            ("swapped element", joined(&by_another_key.as_bytes()[..32], proof)),
            ("swapped proof", joined(element, &of_another_element.as_bytes()[32..])),
            ("the blinded element itself", joined(blinding.element().as_bytes(), proof)),
            ("no proof", joined(element, &[0; 64])),
            ("scalars that are not canonical", joined(element, &[0xff; 64])),
        ];
        wrong.extend(bad_points().map(|point| ("not a point", joined(&point, proof))));
        for (what, evaluation) in wrong {
            let found = blinding.finalize(&evaluation, &ours.public_key());
            assert_eq!(found.err(), Some(Error::ServerProofInvalid), "{what}");
        }
        for bit in 0..96 * 8 {
            let mut bytes = good.as_bytes().to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let found = blinding.finalize(&Evaluation::from_bytes(&bytes).unwrap(), &ours.public_key());
            assert_eq!(found.err(), Some(Error::ServerProofInvalid), "bit {bit}");
        }
        assert_eq!(blinding.finalize(&good, &foreign.public_key()).err(), Some(Error::ServerProofInvalid));
        assert!(blinding.finalize(&good, &ours.public_key()).is_ok(), "and the right one still is right");
        for len in [0, 32, 95, 97] {
            assert!(Evaluation::from_bytes(&vec![1; len]).is_none());
        }
    }

    #[test]
    fn f47_only_canonical_points_are_elements_and_keys() {
        for point in bad_points() {
            assert!(BlindedElement::from_bytes(&point).is_none() && SharePublicKey::from_bytes(&point).is_none());
        }
        let good = blind(7).element();
        assert_eq!(BlindedElement::from_bytes(good.as_bytes()), Some(good));
        for len in [0, 31, 33, 64, 1 << 20] {
            let bytes: Vec<u8> = good.as_bytes().iter().copied().cycle().take(len).collect();
            assert!(BlindedElement::from_bytes(&bytes).is_none(), "{len}");
        }
    }

    #[test]
    fn debug_shows_nothing_secret() {
        let (blinding, key) = (blind(7), key(1, "phone", 3));
        let evaluation = key.evaluate(&blinding.element(), &SystemRandom::new()).unwrap();
        let share = blinding.finalize(&evaluation, &key.public_key()).unwrap();
        let seed = ShareSeed::from_bytes(&[1; 32]).unwrap();
        let shown = format!("{blinding:?} {key:?} {share:?} {:?} {seed:?}", input(7));
        assert_eq!(
            shown,
            "Blinding(…) ShareKey(…) PortalShare(SecretBytes(…)) ShareInput(SecretBytes(…)) ShareSeed(SecretBytes(…))"
        );
    }
}
