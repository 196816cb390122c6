//! The vault: what it keeps, what it hides, and what it does with damage.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy spares tests, not their helpers"
)]

use ring::rand::SystemRandom;
use sha2::{Digest, Sha256};
use twinlock_core::Error;
use twinlock_core::pin::Owner;
use twinlock_core::sealed::VaultKey;
use twinlock_core::secret::SecretBytes;
use twinlock_core::vault::Vault;

fn owner(device: &str) -> Owner {
    Owner::new("acme", device).unwrap()
}

fn new_key() -> VaultKey {
    VaultKey::generate(&SystemRandom::new()).unwrap()
}

fn secret(text: &str) -> SecretBytes {
    SecretBytes::new(text.as_bytes().to_vec())
}

fn filled(key: &VaultKey) -> Vault {
    let mut vault = Vault::new(key, &owner("a"));
    vault.put("refresh token", secret("s3cret-of-the-app")).unwrap();
    vault.put("database key", secret("another one")).unwrap();
    vault.put("empty", secret("")).unwrap();
    vault
}

fn with_new_checksum(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.truncate(bytes.len() - 32);
    let checksum = Sha256::digest(&bytes);
    bytes.extend_from_slice(&checksum);
    bytes
}

#[test]
fn items_come_back_and_nothing_of_them_is_readable() {
    let key = new_key();
    let bytes = filled(&key).seal(&SystemRandom::new()).unwrap();
    for readable in ["refresh", "token", "s3cret", "database", "acme"] {
        let is_there = bytes.windows(readable.len()).any(|window| window == readable.as_bytes());
        assert!(!is_there, "{readable}");
    }
    let mut vault = Vault::open(&bytes, &key, &owner("a")).unwrap();
    assert_eq!(vault.names().collect::<Vec<_>>(), ["database key", "empty", "refresh token"]);
    assert_eq!(vault.item("refresh token"), Some(&secret("s3cret-of-the-app")));
    assert_eq!(vault.take("refresh token"), Some(secret("s3cret-of-the-app")));
    assert_eq!(vault.take("refresh token"), None);
    assert!(vault.remove("empty") && !vault.remove("empty"));
    vault.put("database key", secret("replaced")).unwrap();
    let bytes = vault.seal(&SystemRandom::new()).unwrap();
    let vault = Vault::open(&bytes, &key, &owner("a")).unwrap();
    assert_eq!(vault.names().collect::<Vec<_>>(), ["database key"]);
    assert_eq!(vault.item("database key"), Some(&secret("replaced")));
    assert_eq!(format!("{vault:?}"), "Vault(1 items)");
}

#[test]
fn an_empty_vault_is_a_vault() {
    let key = new_key();
    let bytes = Vault::new(&key, &owner("a")).seal(&SystemRandom::new()).unwrap();
    assert_eq!(Vault::open(&bytes, &key, &owner("a")).unwrap().names().count(), 0);
}

#[test]
fn limits_are_kept_and_a_refused_item_changes_nothing() {
    let (key, random) = (new_key(), SystemRandom::new());
    let mut vault = Vault::new(&key, &owner("a"));
    let long = "x".repeat(65);
    for name in ["", &long, "tab\t", "line\n", "nul\0", "\u{202E}txt", "ä"] {
        assert_eq!(vault.put(name, secret("x")), Err(Error::BadRequest), "{name:?}");
        assert_eq!(vault.seal_item(name, &secret("x"), &random), Err(Error::BadRequest));
        assert_eq!(vault.open_item(name, &[0; 64]), Err(Error::BadRequest));
    }
    let largest = SecretBytes::new(vec![7; Vault::MAX_ITEM_LEN]);
    let too_large = SecretBytes::new(vec![7; Vault::MAX_ITEM_LEN + 1]);
    assert_eq!(vault.put("a", too_large.clone()), Err(Error::RequestTooLarge));
    assert_eq!(vault.seal_item("a", &too_large, &random), Err(Error::RequestTooLarge));
    let sealed = vault.seal_item("a", &largest, &random).unwrap();
    assert_eq!(vault.open_item("a", &sealed), Ok(largest));
    assert_eq!(vault.names().count(), 0);

    for number in 0..Vault::MAX_ITEMS {
        vault.put(&format!("{number:0>64}"), secret("x")).unwrap();
    }
    assert_eq!(vault.put("one more", secret("x")), Err(Error::RequestTooLarge));
    vault.put(&format!("{:0>64}", 0), secret("replaced")).unwrap();
    let bytes = vault.seal(&random).unwrap();
    let vault = Vault::open(&bytes, &key, &owner("a")).unwrap();
    assert_eq!(vault.names().count(), Vault::MAX_ITEMS);
}

#[test]
fn f40_every_bit_flipped_is_corrupt() {
    let key = new_key();
    let bytes = filled(&key).seal(&SystemRandom::new()).unwrap();
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let opened = Vault::open(&flipped, &key, &owner("a"));
        assert_eq!(opened.err(), Some(Error::Corrupt), "bit {bit}");
        if bit < (bytes.len() - 32) * 8 {
            let forged = Vault::open(&with_new_checksum(flipped), &key, &owner("a"));
            let expected = if bit < 80 { Error::VersionUnsupported } else { Error::StaleEpoch };
            assert_eq!(forged.err(), Some(expected), "bit {bit}");
        }
    }
}

#[test]
fn f41_truncated_repeated_and_longer_files_are_corrupt() {
    let key = new_key();
    let bytes = filled(&key).seal(&SystemRandom::new()).unwrap();
    for len in 0..bytes.len() {
        let opened = Vault::open(&bytes[..len], &key, &owner("a"));
        assert_eq!(opened.err(), Some(Error::Corrupt));
    }
    for longer in [bytes.repeat(10), [&bytes[..], &[0]].concat(), vec![0; 20 << 20]] {
        assert_eq!(Vault::open(&longer, &key, &owner("a")).err(), Some(Error::Corrupt));
    }
    let longer_than_any = [&bytes[..8], &[0, 2], &vec![0; 20 << 20][..]].concat();
    let opened = Vault::open(&with_new_checksum(longer_than_any), &key, &owner("a"));
    assert_eq!(opened.err(), Some(Error::Corrupt), "refused before it is read");
}

#[test]
fn f42_another_format_is_unsupported() {
    let key = new_key();
    let bytes = filled(&key).seal(&SystemRandom::new()).unwrap();
    for (at, byte) in [(0, b'x'), (8, 1), (9, 2)] {
        let mut changed = bytes.clone();
        changed[at] = byte;
        let opened = Vault::open(&with_new_checksum(changed), &key, &owner("a"));
        assert_eq!(opened.err(), Some(Error::VersionUnsupported));
    }
}

#[test]
fn f44_f45_another_owner_or_key_is_stale() {
    let key = new_key();
    let bytes = filled(&key).seal(&SystemRandom::new()).unwrap();
    let stranger = Owner::new("other", "a").unwrap();
    for (key, owner) in [(&key, &owner("b")), (&key, &stranger), (&new_key(), &owner("a"))] {
        assert_eq!(Vault::open(&bytes, key, owner).err(), Some(Error::StaleEpoch));
    }
}

#[test]
fn f44_a_single_item_opens_under_its_own_name_and_owner_only() {
    let (key, random) = (new_key(), SystemRandom::new());
    let vault = Vault::new(&key, &owner("a"));
    let sealed = vault.seal_item("token", &secret("value"), &random).unwrap();
    assert_eq!(vault.open_item("token", &sealed), Ok(secret("value")));
    assert_eq!(vault.open_item("Token", &sealed), Err(Error::Corrupt));
    let corrupt = |vault: Vault| vault.open_item("token", &sealed) == Err(Error::Corrupt);
    assert!(corrupt(Vault::new(&key, &owner("b"))));
    assert!(corrupt(Vault::new(&key, &Owner::new("other", "a").unwrap())));
    assert!(corrupt(Vault::new(&new_key(), &owner("a"))));
    for bit in 0..sealed.len() * 8 {
        let mut flipped = sealed.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(vault.open_item("token", &flipped), Err(Error::Corrupt));
    }
    for len in 0..sealed.len() {
        assert_eq!(vault.open_item("token", &sealed[..len]), Err(Error::Corrupt));
    }
    assert_eq!(vault.open_item("token", &vec![0; 100_000]), Err(Error::Corrupt));
}
