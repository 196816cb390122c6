//! The vault: small secrets of the app, sealed under the vault key that the PIN releases.
//!
//! A cache. A forgotten PIN, a lost key or a revoked device closes it for ever: put nothing in it that cannot be
//! fetched again.
//!
//! ```text
//! file  = magic "TWLVAULT" (8) | format (2) | nonce (12) | ciphertext | tag (16) | SHA-256 of all before it (32)
//! plain = for each item, names ascending: name length (4) | name | item length (4) | item
//! ```
//! All items are sealed as one blob, so that neither names nor single lengths can be read; the sum of the lengths can.
//! AES-256-GCM with random nonces (NIST SP 800-38D §8.2.2; one key seals at most 2^32 times, §8.3).

use crate::error::{Error, Result};
use crate::framing::framed;
use crate::pin::Owner;
use crate::sealed::{BLOB_OVERHEAD, Reader, VaultKey, append_checksum, open_blob, seal_blob, strip_checksum};
use crate::secret::SecretBytes;
use ring::rand::SecureRandom;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// The open vault of one owner. Items are wiped when they leave it or it is dropped; names are not.
#[derive(Clone)]
pub struct Vault {
    key: VaultKey,
    owner: Owner,
    items: BTreeMap<String, SecretBytes>,
}

impl Vault {
    /// The longest item in bytes: 64 KiB.
    pub const MAX_ITEM_LEN: usize = 64 * 1024;
    /// The most items.
    pub const MAX_ITEMS: usize = 256;
    /// The longest name in bytes.
    pub const MAX_NAME_LEN: usize = 64;

    /// An empty vault.
    pub fn new(key: &VaultKey, owner: &Owner) -> Self {
        Self { key: key.clone(), owner: owner.clone(), items: BTreeMap::new() }
    }

    /// Opens a sealed vault. All of it or nothing.
    ///
    /// # Errors
    /// In this order: [`Error::Corrupt`] for a wrong length or checksum; [`Error::VersionUnsupported`] for another magic
    /// or format; [`Error::StaleEpoch`] if the file is whole but sealed for another owner or under another key;
    /// [`Error::Corrupt`] if what was sealed is no list of items.
    pub fn open(bytes: &[u8], key: &VaultKey, owner: &Owner) -> Result<Self> {
        if bytes.len() > MAX_FILE_LEN {
            return Err(Error::Corrupt);
        }
        let mut reader = Reader::new(strip_checksum(bytes)?);
        if reader.array()? != MAGIC || u16::from_be_bytes(reader.array()?) != FORMAT {
            return Err(Error::VersionUnsupported);
        }
        let mut vault = Self::new(key, owner);
        let plain = open_blob(&key.0, &vault.file_context(), reader.rest()).ok_or(Error::StaleEpoch)?;
        vault.read_items(&plain)?;
        Ok(vault)
    }

    /// The bytes of the sealed vault, for [`Store::write`](crate::ports::Store::write).
    ///
    /// # Errors
    /// [`Error::RandomFailed`].
    pub fn seal(&self, random: &dyn SecureRandom) -> Result<Vec<u8>> {
        let mut parts = Vec::with_capacity(2 * self.items.len());
        for (name, item) in &self.items {
            parts.extend([name.as_bytes(), item.expose()]);
        }
        let blob = seal_blob(&self.key.0, &self.file_context(), &Zeroizing::new(framed(&parts)), random)?;
        let mut bytes = [&MAGIC[..], &FORMAT.to_be_bytes(), &blob].concat();
        append_checksum(&mut bytes);
        Ok(bytes)
    }

    /// Puts an item in, replacing one with that name. Not on disk before [`Vault::seal`].
    ///
    /// # Errors
    /// [`Error::BadRequest`] for a name that is not 1 to 64 printable ASCII characters, [`Error::RequestTooLarge`] for an
    /// item over 64 KiB or a 257th item. The vault is unchanged then.
    pub fn put(&mut self, name: &str, item: SecretBytes) -> Result<()> {
        check_name(name)?;
        let is_full = self.items.len() >= Self::MAX_ITEMS && !self.items.contains_key(name);
        if is_full || item.expose().len() > Self::MAX_ITEM_LEN {
            return Err(Error::RequestTooLarge);
        }
        self.items.insert(name.to_owned(), item);
        Ok(())
    }

    /// The key that it is sealed under, for a new PIN to release.
    #[cfg(feature = "client")]
    pub(crate) fn key(&self) -> &VaultKey {
        &self.key
    }

    /// The item with this name; it stays in the vault.
    pub fn item(&self, name: &str) -> Option<&SecretBytes> {
        self.items.get(name)
    }

    /// The item with this name, out of the vault.
    pub fn take(&mut self, name: &str) -> Option<SecretBytes> {
        self.items.remove(name)
    }

    /// Removes and wipes an item; says whether there was one.
    pub fn remove(&mut self, name: &str) -> bool {
        self.take(name).is_some()
    }

    /// The names, ascending.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.items.keys().map(String::as_str)
    }

    /// Seals one item for an app that stores it itself: `nonce (12) | ciphertext | tag (16)`, bound to the owner and the
    /// name. The vault itself is not changed.
    ///
    /// # Errors
    /// As [`Vault::put`] for name and size; [`Error::RandomFailed`].
    pub fn seal_item(&self, name: &str, item: &SecretBytes, random: &dyn SecureRandom) -> Result<Vec<u8>> {
        check_name(name)?;
        if item.expose().len() > Self::MAX_ITEM_LEN {
            return Err(Error::RequestTooLarge);
        }
        seal_blob(&self.key.0, &self.item_context(name), item.expose(), random)
    }

    /// Opens what [`Vault::seal_item`] sealed.
    ///
    /// # Errors
    /// [`Error::BadRequest`] for a name that cannot be one; [`Error::Corrupt`] if it is damaged, or sealed under another
    /// name, owner or key: without a checksum these cannot be told apart.
    pub fn open_item(&self, name: &str, sealed: &[u8]) -> Result<SecretBytes> {
        check_name(name)?;
        if sealed.len() > Self::MAX_ITEM_LEN + BLOB_OVERHEAD {
            return Err(Error::Corrupt);
        }
        let opened = open_blob(&self.key.0, &self.item_context(name), sealed);
        opened.map(|mut item| SecretBytes::new(std::mem::take(&mut *item))).ok_or(Error::Corrupt)
    }

    fn read_items(&mut self, plain: &[u8]) -> Result<()> {
        let mut reader = Reader::new(plain);
        while reader.finish().is_err() {
            let name = std::str::from_utf8(reader.framed()?).map_err(|_| Error::Corrupt)?;
            let item = SecretBytes::new(reader.framed()?.to_vec());
            let is_next = self.items.last_key_value().is_none_or(|(last, _)| last.as_str() < name);
            if !is_next || self.put(name, item).is_err() {
                return Err(Error::Corrupt);
            }
        }
        Ok(())
    }

    fn file_context(&self) -> Vec<u8> {
        self.context(b"twinlock/vault/v1", &[&MAGIC, &FORMAT.to_be_bytes()])
    }

    fn item_context(&self, name: &str) -> Vec<u8> {
        self.context(b"twinlock/vault-item/v1", &[name.as_bytes()])
    }

    fn context(&self, label: &[u8], rest: &[&[u8]]) -> Vec<u8> {
        let first = [label, self.owner.organisation().as_bytes(), self.owner.device().as_bytes()];
        framed(&[&first, rest].concat())
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Vault({} items)", self.items.len())
    }
}

const MAGIC: [u8; 8] = *b"TWLVAULT";
const FORMAT: u16 = 1;
const MAX_FILE_LEN: usize =
    Vault::MAX_ITEMS * (Vault::MAX_ITEM_LEN + Vault::MAX_NAME_LEN + 8) + 10 + BLOB_OVERHEAD + 32;

fn check_name(name: &str) -> Result<()> {
    let is_printable = name.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    let is_name = is_printable && (1..=Vault::MAX_NAME_LEN).contains(&name.len());
    if is_name { Ok(()) } else { Err(Error::BadRequest) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f40_what_is_no_list_of_items_is_corrupt() {
        let owner = Owner::new("acme", "a").unwrap();
        let key = VaultKey::generate(&ring::rand::SystemRandom::new()).unwrap();
        let read = |plain: &[u8]| Vault::new(&key, &owner).read_items(plain);
        assert_eq!(read(&framed(&[b"a", b"1", b"b", b"2"])), Ok(()));
        for parts in [
            &[&b"a"[..]][..],
            &[b"b", b"1", b"a", b"2"],
            &[b"a", b"1", b"a", b"2"],
            &[b"", b"1"],
            &[b"\xFF", b"1"],
            &[b"a\0", b"1"],
            &[b"a", &[0; Vault::MAX_ITEM_LEN + 1]],
        ] {
            assert_eq!(read(&framed(parts)), Err(Error::Corrupt));
        }
        assert_eq!(read(b"\0"), Err(Error::Corrupt));
    }
}
