//! The header of a sealed file: everything that is not secret, bound to the ciphertext as associated data.

use super::Reader;
use crate::error::{Error, Result};
use crate::pin::{Owner, SALT_LEN, SharePublicKey, StretchParameters};

/// The first bytes of every sealed file.
const MAGIC: [u8; 8] = *b"TWLSEAL\0";
/// The only format this version reads and writes.
const FORMAT: u16 = 1;
/// The only suite.
const SUITE: u8 = 2;

/// What the key of a file is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Suite {
    /// Argon2id, the portal's share and the chip (2). Suite 1, without the share, was never released.
    TwoLocks,
}

/// Numbers big-endian, texts and the portal's key with one length byte:
///
/// ```text
/// magic "TWLSEAL\0" (8) | format (2) | organisation | device | epoch (4) | memory in KiB (4) | passes (1) | lanes (1)
/// | salt (16) | suite (1) | portal's public key (32 bytes) | created, epoch ms (8)
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedHeader {
    owner: Owner,
    epoch: u32,
    parameters: StretchParameters,
    salt: [u8; SALT_LEN],
    portal_key: SharePublicKey,
    created_ms: u64,
}

impl SealedHeader {
    /// A header of suite 2. `salt` must be new and random for every epoch; `portal_key` is pinned by it: no share by another
    /// key will be taken. `created_ms` is wall time in milliseconds since 1970, told to nobody and decided upon by nothing.
    pub fn new(
        owner: Owner,
        epoch: u32,
        parameters: StretchParameters,
        salt: [u8; SALT_LEN],
        portal_key: SharePublicKey,
        created_ms: u64,
    ) -> Self {
        Self { owner, epoch, parameters, salt, portal_key, created_ms }
    }

    /// Whose file it says it is; see [`SealedFile::check_owner`](super::SealedFile::check_owner).
    pub fn owner(&self) -> &Owner {
        &self.owner
    }

    /// How often the PIN was set on this device, counted by the portal.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// The cost of stretching, always within bounds.
    pub fn parameters(&self) -> StretchParameters {
        self.parameters
    }

    /// The salt of stretching and of the key.
    pub fn salt(&self) -> &[u8; SALT_LEN] {
        &self.salt
    }

    /// The suite.
    pub fn suite(&self) -> Suite {
        Suite::TwoLocks
    }

    /// The portal's public key, pinned when the PIN was set.
    pub fn portal_key(&self) -> &SharePublicKey {
        &self.portal_key
    }

    /// When it was sealed, milliseconds since 1970 by the phone's clock.
    pub fn created_ms(&self) -> u64 {
        self.created_ms
    }

    /// The bytes on disk, which are the associated data too.
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>> {
        let short = |number: u32| u8::try_from(number).map_err(|_| Error::Internal);
        let mut bytes = Vec::new();
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&FORMAT.to_be_bytes());
        for id in [self.owner.organisation(), self.owner.device()] {
            bytes.push(u8::try_from(id.len()).map_err(|_| Error::Internal)?);
            bytes.extend_from_slice(id.as_bytes());
        }
        bytes.extend_from_slice(&self.epoch.to_be_bytes());
        bytes.extend_from_slice(&self.parameters.memory_kib().to_be_bytes());
        bytes.push(short(self.parameters.passes())?);
        bytes.push(short(self.parameters.lanes())?);
        bytes.extend_from_slice(&self.salt);
        bytes.push(match self.suite() {
            Suite::TwoLocks => SUITE,
        });
        bytes.push(short(SharePublicKey::LEN.try_into().map_err(|_| Error::Internal)?)?);
        bytes.extend_from_slice(self.portal_key.as_bytes());
        bytes.extend_from_slice(&self.created_ms.to_be_bytes());
        Ok(bytes)
    }

    /// Reads a header whose checksum is right. The order matters: a later format is [`Error::VersionUnsupported`] even
    /// if nothing after it can be read.
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self> {
        if reader.array()? != MAGIC || u16::from_be_bytes(reader.array()?) != FORMAT {
            return Err(Error::VersionUnsupported);
        }
        let (organisation, device) = (short_text(reader)?, short_text(reader)?);
        let epoch = u32::from_be_bytes(reader.array()?);
        let memory_kib = u32::from_be_bytes(reader.array()?);
        let [passes, lanes] = reader.array()?;
        let salt = reader.array()?;
        let [suite, portal_key_len] = reader.array()?;
        if suite != SUITE {
            return Err(Error::VersionUnsupported);
        }
        let parameters = StretchParameters::new(memory_kib, passes.into(), lanes.into())?;
        let portal_key = SharePublicKey::from_bytes(reader.bytes(portal_key_len.into())?).ok_or(Error::Corrupt)?;
        let owner = Owner::new(organisation, device).map_err(|_| Error::Corrupt)?;
        Ok(Self { owner, epoch, parameters, salt, portal_key, created_ms: u64::from_be_bytes(reader.array()?) })
    }
}

fn short_text<'a>(reader: &mut Reader<'a>) -> Result<&'a str> {
    let [len] = reader.array()?;
    std::str::from_utf8(reader.bytes(len.into())?).map_err(|_| Error::Corrupt)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pin::ShareSeed;

    fn header() -> SealedHeader {
        let owner = Owner::new("acme", "phone-1").unwrap();
        let portal_key = ShareSeed::from_bytes(&[5; 32]).unwrap().derive_key(&owner, 3).unwrap().public_key();
        SealedHeader::new(owner, 3, StretchParameters::DEFAULT, [7; SALT_LEN], portal_key, 1_770_000_000_000)
    }

    fn read(bytes: &[u8]) -> Result<SealedHeader> {
        SealedHeader::read(&mut Reader::new(bytes))
    }

    #[test]
    fn what_is_written_is_read() {
        let header = header();
        assert_eq!(read(&header.to_bytes().unwrap()), Ok(header));
    }

    #[test]
    fn f41_a_short_header_is_corrupt() {
        let bytes = header().to_bytes().unwrap();
        for len in 0..bytes.len() {
            assert_eq!(read(&bytes[..len]), Err(Error::Corrupt), "{len}");
        }
    }

    #[test]
    fn f42_f43_each_field_has_its_own_answer() {
        let bytes = header().to_bytes().unwrap();
        let suite = bytes.len() - 42;
        let memory = suite - 22;
        for (at, byte, expected) in [
            (0, b'X', Error::VersionUnsupported),
            (8, 1, Error::VersionUnsupported),
            (9, 2, Error::VersionUnsupported),
            (suite, 1, Error::VersionUnsupported),
            (suite, 0, Error::VersionUnsupported),
            (suite, 3, Error::VersionUnsupported),
            (suite + 1, 0, Error::Corrupt),
            (suite + 1, 31, Error::Corrupt),
            (suite + 1, 33, Error::Corrupt),
            (suite + 33, 0xFF, Error::Corrupt),
            (memory, 1, Error::ParametersRefused),
            (memory + 4, 1, Error::ParametersRefused),
            (memory + 5, 2, Error::ParametersRefused),
            (10, 0, Error::Corrupt),
            (10, 255, Error::Corrupt),
            (11, 0xFF, Error::Corrupt),
            (11, b'\n', Error::Corrupt),
        ] {
            let mut changed = bytes.clone();
            changed[at] = byte;
            let found = read(&changed).err();
            // An empty name shifts everything after it: any refusal will do.
            assert!(found == Some(expected) || (at == 10 && found.is_some()), "{at} {byte}: {found:?}");
        }
    }
}
