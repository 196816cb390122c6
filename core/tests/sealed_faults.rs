//! The sealed file under every damage of the fault list, from outside the crate.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy spares tests, not their helpers"
)]

use ring::rand::SystemRandom;
use sha2::{Digest, Sha256};
use std::sync::OnceLock;
use twinlock_core::Error;
use twinlock_core::pin::{
    Blinding, Owner, PinDigits, PinKey, PortalShare, SALT_LEN, ShareInput, ShareKey, ShareSeed, StretchMemory,
    StretchParameters, Stretched,
};
use twinlock_core::sealed::{Opened, SealedFile, SealedHeader, SealedPayload, Suite};
use twinlock_core::secret::SecretBytes;

const SALT: [u8; SALT_LEN] = [7; SALT_LEN];
/// Commitment, blob and checksum: what follows the header.
const AFTER_HEADER: usize = 32 + 92 + 32;
/// Suite, length of the portal's key, the key, and the time of sealing: the end of the header.
const AFTER_SALT: usize = 1 + 1 + 32 + 8;

fn owner(device: &str) -> Owner {
    Owner::new("acme", device).unwrap()
}

fn header(device: &str, epoch: u32) -> SealedHeader {
    let portal_key = portal(device, epoch).public_key();
    SealedHeader::new(owner(device), epoch, StretchParameters::DEFAULT, SALT, portal_key, 1_770_000_000_000)
}

/// The portal's key; its seed is the same in all tests.
fn portal(device: &str, epoch: u32) -> ShareKey {
    ShareSeed::from_bytes(&[5; 32]).unwrap().derive_key(&owner(device), epoch).unwrap()
}

/// What the portal and a phone make of one stretched PIN.
fn share(device: &str, epoch: u32) -> PortalShare {
    static STRETCHED: OnceLock<Stretched> = OnceLock::new();
    let stretched = STRETCHED.get_or_init(|| {
        let parameters = StretchParameters::new(19 * 1024, 2, 1).unwrap();
        let mut typed = PinDigits::new();
        b"938174".iter().for_each(|digit| typed.push_digit(*digit).unwrap());
        let mut memory = StretchMemory::allocate(parameters).unwrap();
        memory.stretch(&typed.submit().unwrap(), &owner("a"), 3, &SALT, parameters).unwrap()
    });
    let (portal, random) = (portal(device, epoch), SystemRandom::new());
    let blinding = Blinding::new(ShareInput::derive(&owner(device), epoch, stretched), &random).unwrap();
    let evaluation = portal.evaluate(&blinding.element(), &random).unwrap();
    blinding.finalize(&evaluation, &portal.public_key()).unwrap()
}

/// The key that a chip's answer leads to; another PIN or another chip is another answer.
fn key(device: &str, epoch: u32, answer: u8) -> PinKey {
    let answer = SecretBytes::new(vec![answer; 32]);
    PinKey::derive(&owner(device), epoch, &SALT, &share(device, epoch), &answer).unwrap()
}

fn payload() -> SealedPayload {
    SealedPayload::generate(&SystemRandom::new()).unwrap()
}

fn seal(device: &str, epoch: u32, answer: u8, payload: &SealedPayload) -> Vec<u8> {
    let key = key(device, epoch, answer);
    SealedFile::seal(&header(device, epoch), &key, payload, &SystemRandom::new()).unwrap()
}

/// What somebody does who changes the file and knows how it is built.
fn with_new_checksum(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.truncate(bytes.len() - 32);
    let checksum = Sha256::digest(&bytes);
    bytes.extend_from_slice(&checksum);
    bytes
}

fn fault(bytes: &[u8]) -> Error {
    SealedFile::parse(bytes).expect_err("accepted")
}

#[test]
fn what_was_sealed_opens_with_its_key_only() {
    let payload = payload();
    let file = SealedFile::parse(&seal("a", 3, 1, &payload)).unwrap();
    assert_eq!(file.header(), &header("a", 3));
    assert_eq!(file.header().suite(), Suite::TwoLocks);
    assert_eq!(file.open(&key("a", 3, 2)), Ok(Opened::WrongPin));
    let opened = file.open(&key("a", 3, 1)).unwrap();
    assert!(format!("{opened:?}").contains("private_key: SecretBytes(…)"), "Debug shows no bytes");
    assert_eq!(opened, Opened::Payload(payload));
}

#[test]
fn f40_every_bit_flipped_is_corrupt() {
    let bytes = seal("a", 3, 1, &payload());
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(fault(&flipped), Error::Corrupt, "bit {bit}");
    }
}

#[test]
fn f40_every_bit_flipped_under_a_new_checksum_never_opens() {
    let bytes = seal("a", 3, 1, &payload());
    let key = key("a", 3, 1);
    let header_len = bytes.len() - AFTER_HEADER;
    for bit in 0..(bytes.len() - 32) * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let Ok(file) = SealedFile::parse(&with_new_checksum(flipped)) else {
            continue;
        };
        let in_commitment = (header_len..header_len + 32).contains(&(bit / 8));
        let expected = if in_commitment { Ok(Opened::WrongPin) } else { Err(Error::Corrupt) };
        assert_eq!(file.open(&key), expected, "bit {bit}");
    }
}

#[test]
fn f41_truncated_at_every_length_is_corrupt() {
    let bytes = seal("a", 3, 1, &payload());
    for len in 0..bytes.len() {
        assert_eq!(fault(&bytes[..len]), Error::Corrupt, "{len} bytes");
        // With a checksum made for what is left.
        if len >= 32 {
            assert_eq!(fault(&with_new_checksum(bytes[..len].to_vec())), Error::Corrupt, "{len}");
        }
    }
}

#[test]
fn f41_repeated_and_trailing_garbage_are_corrupt() {
    let bytes = seal("a", 3, 1, &payload());
    assert_eq!(fault(&bytes.repeat(10)), Error::Corrupt);
    assert_eq!(fault(&[0].repeat(100_000)), Error::Corrupt);
    for garbage in [&[0][..], &[0xFF; 32], &bytes] {
        let longer = [&bytes[..], garbage].concat();
        assert_eq!(fault(&longer), Error::Corrupt);
        let checked = with_new_checksum([&longer[..], &[0; 32]].concat());
        assert_eq!(fault(&checked), Error::Corrupt);
    }
    let future = [&bytes[..8], &[0, 2], &[0; SealedFile::MAX_LEN]].concat();
    assert_eq!(fault(&with_new_checksum(future)), Error::Corrupt, "longer than any format");
}

#[test]
fn f42_another_version_is_unsupported_even_if_nothing_else_can_be_read() {
    let bytes = seal("a", 3, 1, &payload());
    let suite = bytes.len() - AFTER_HEADER - AFTER_SALT;
    let changes = [(0, b'x'), (7, 1), (8, 0xFF), (9, 0), (9, 2), (suite, 0), (suite, 1), (suite, 3), (suite, 255)];
    for (at, byte) in changes {
        let mut changed = bytes.clone();
        changed[at] = byte;
        assert_eq!(fault(&with_new_checksum(changed)), Error::VersionUnsupported, "{at} {byte}");
    }
    let future = [&bytes[..8], &[0, 2], &[0xFF; 300], &[0; 32]].concat();
    assert_eq!(fault(&with_new_checksum(future)), Error::VersionUnsupported);
}

#[test]
fn f43_argon2_parameters_are_refused_by_their_bounds() {
    let bytes = seal("a", 3, 1, &payload());
    let memory = bytes.len() - AFTER_HEADER - AFTER_SALT - 22;
    for (memory_kib, passes, lanes) in [
        (8_u32, 1, 1),
        (8, 2, 1),
        (19 * 1024 - 1, 2, 1),
        (256 * 1024 + 1, 2, 1),
        (4 * 1024 * 1024, 2, 1),
        (u32::MAX, 255, 255),
        (46 * 1024, 1, 1),
        (46 * 1024, 9, 1),
        (46 * 1024, 2, 0),
        (46 * 1024, 2, 4),
    ] {
        let mut changed = bytes.clone();
        changed[memory..memory + 4].copy_from_slice(&memory_kib.to_be_bytes());
        changed[memory + 4..memory + 6].copy_from_slice(&[passes, lanes]);
        // No header comes out, so there are no parameters that memory could be allocated from.
        let found = fault(&with_new_checksum(changed));
        assert_eq!(found, Error::ParametersRefused, "{memory_kib} {passes} {lanes}");
    }
}

#[test]
fn f44_the_file_of_one_device_is_of_no_use_on_another() {
    let bytes = seal("a", 3, 1, &payload());
    let file = SealedFile::parse(&bytes).unwrap();
    assert_eq!(file.check_owner(&owner("a"), 3), Ok(()));
    assert_eq!(file.check_owner(&owner("b"), 3), Err(Error::StaleEpoch));
    let stranger = Owner::new("other", "a").unwrap();
    assert_eq!(file.check_owner(&stranger, 3), Err(Error::StaleEpoch));
    assert_eq!(file.open(&key("b", 3, 2)), Ok(Opened::WrongPin), "same PIN, another chip");

    // The blob of A behind a header that says B, and, which no chip does, the same answer.
    let foreign = seal("b", 3, 1, &payload());
    let header_len = bytes.len() - AFTER_HEADER;
    let swapped = with_new_checksum([&foreign[..header_len], &bytes[header_len..]].concat());
    let file = SealedFile::parse(&swapped).unwrap();
    assert_eq!(file.check_owner(&owner("b"), 3), Ok(()));
    assert_eq!(file.open(&key("a", 3, 1)), Err(Error::Corrupt), "the header is bound");
    assert_eq!(file.open(&key("b", 3, 1)), Ok(Opened::WrongPin), "the device is in the share");
}

#[test]
fn f45_old_and_new_epoch_do_not_mix() {
    let (old, new) = (payload(), payload());
    let (old_bytes, new_bytes) = (seal("a", 3, 1, &old), seal("a", 4, 2, &new));
    let old_file = SealedFile::parse(&old_bytes).unwrap();
    let new_file = SealedFile::parse(&new_bytes).unwrap();
    assert_eq!(old_file.check_owner(&owner("a"), 4), Err(Error::StaleEpoch));
    assert_eq!(new_file.check_owner(&owner("a"), 3), Err(Error::StaleEpoch));
    assert_eq!(old_file.open(&key("a", 4, 2)), Ok(Opened::WrongPin));
    assert_eq!(new_file.open(&key("a", 3, 1)), Ok(Opened::WrongPin));
    assert_eq!(old_file.open(&key("a", 3, 1)), Ok(Opened::Payload(old)));
    assert_eq!(new_file.open(&key("a", 4, 2)), Ok(Opened::Payload(new)));

    // The blob of one epoch behind the header of the other.
    let header_len = old_bytes.len() - AFTER_HEADER;
    let swapped = with_new_checksum([&new_bytes[..header_len], &old_bytes[header_len..]].concat());
    let file = SealedFile::parse(&swapped).unwrap();
    assert_eq!(file.open(&key("a", 3, 1)), Err(Error::Corrupt));
    assert_eq!(file.open(&key("a", 4, 2)), Ok(Opened::WrongPin));
}

#[test]
fn two_seals_of_one_payload_differ() {
    let payload = payload();
    assert_ne!(seal("a", 3, 1, &payload), seal("a", 3, 1, &payload));
}
