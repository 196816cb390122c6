//! Sealing, reading and opening the file.

use super::blob::{BLOB_OVERHEAD, append_checksum, open_blob, seal_blob, strip_checksum};
use super::{Reader, SealedHeader, SealedPayload};
use crate::error::{Error, Result};
use crate::pin::{Owner, PinKey};
use ring::rand::SecureRandom;

/// A sealed file whose checksum, version and parameters are in order. It is not open, and may be somebody else's:
/// [`SealedFile::check_owner`] comes before a try is spent.
#[derive(Debug)]
pub struct SealedFile {
    header: SealedHeader,
    header_bytes: Vec<u8>,
    commitment: [u8; COMMITMENT_LEN],
    blob: [u8; BLOB_LEN],
}

/// What came of opening a file.
#[derive(Debug, PartialEq)]
pub enum Opened {
    /// The PIN was right.
    Payload(SealedPayload),
    /// The PIN was wrong: the file is whole, and the key is another one. The try counts.
    WrongPin,
}

impl SealedFile {
    /// No format will ever be longer: what is longer is not read at all.
    pub const MAX_LEN: usize = 4096;

    /// Reads a file. Nothing is derived, and no memory but the file's own size is allocated.
    ///
    /// # Errors
    /// In this order: [`Error::Corrupt`] for a wrong length or checksum (no try is spent), [`Error::VersionUnsupported`]
    /// for another magic, format or suite, [`Error::ParametersRefused`] for Argon2 parameters out of bounds.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        if bytes.len() > Self::MAX_LEN {
            return Err(Error::Corrupt);
        }
        let content = strip_checksum(bytes)?;
        let mut reader = Reader::new(content);
        let header = SealedHeader::read(&mut reader)?;
        let commitment = reader.array()?;
        let blob = reader.array()?;
        reader.finish()?;
        let header_len = content.len() - COMMITMENT_LEN - BLOB_LEN;
        let header_bytes = content.get(..header_len).ok_or(Error::Internal)?.to_vec();
        Ok(Self { header, header_bytes, commitment, blob })
    }

    /// The header: salt, parameters, what else the derivation needs.
    pub fn header(&self) -> &SealedHeader {
        &self.header
    }

    /// Whether this is the file of `owner` in `epoch`. Call it before stretching.
    ///
    /// # Errors
    /// [`Error::StaleEpoch`] for another organisation, device or epoch.
    pub fn check_owner(&self, owner: &Owner, epoch: u32) -> Result<()> {
        let is_same = self.header.owner() == owner && self.header.epoch() == epoch;
        if is_same { Ok(()) } else { Err(Error::StaleEpoch) }
    }

    /// Opens the file. All of it or nothing.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if the key is the right one and the file still does not open: somebody changed it and made a
    /// new checksum.
    pub fn open(&self, key: &PinKey) -> Result<Opened> {
        if !key.is_committed(&self.commitment) {
            return Ok(Opened::WrongPin);
        }
        let plain = open_blob(key.seal_key(), &self.header_bytes, &self.blob).ok_or(Error::Corrupt)?;
        SealedPayload::from_bytes(&plain).map(Opened::Payload)
    }

    /// The bytes of a new file. `key` must come from the header's own owner, epoch and salt; write the bytes beside the
    /// old file, and open them once before the old one goes.
    ///
    /// # Errors
    /// [`Error::RandomFailed`].
    pub fn seal(
        header: &SealedHeader,
        key: &PinKey,
        payload: &SealedPayload,
        random: &dyn SecureRandom,
    ) -> Result<Vec<u8>> {
        let header = header.to_bytes()?;
        let blob = seal_blob(key.seal_key(), &header, &payload.to_bytes(), random)?;
        Ok(assemble(header, key, &blob))
    }
}

const COMMITMENT_LEN: usize = 32;
const BLOB_LEN: usize = SealedPayload::LEN + BLOB_OVERHEAD;

fn assemble(header: Vec<u8>, key: &PinKey, blob: &[u8]) -> Vec<u8> {
    let mut bytes = header;
    bytes.extend_from_slice(key.commitment());
    bytes.extend_from_slice(blob);
    append_checksum(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pin::digits::pin;
    use crate::pin::{Blinding, ShareInput, ShareSeed, StretchMemory, hardware_guess};
    use crate::ports::PinKeyKind;
    use crate::sealed::blob::seal_with_nonce;
    use crate::secret::SecretBytes;
    use data_encoding::HEXLOWER;
    use hmac::{Hmac, KeyInit, Mac};
    use ring::rand::SystemRandom;
    use serde_json::Value;

    /// The vector was made by another implementation (Python, OpenSSL); see its `about`.
    #[test]
    fn the_vector_is_reproduced_byte_by_byte() {
        let text = include_str!("../../../tests/vectors/sealed.json");
        let vector: Value = serde_json::from_str(text).unwrap();
        let hex = |name: &str| HEXLOWER.decode(vector[name].as_str().unwrap().as_bytes()).unwrap();

        let bytes = hex("file");
        let file = SealedFile::parse(&bytes).unwrap();
        let header = file.header();
        let owner = Owner::new(vector["organisation"].as_str().unwrap(), vector["device"].as_str().unwrap()).unwrap();
        let epoch = u32::try_from(vector["epoch"].as_u64().unwrap()).unwrap();
        file.check_owner(&owner, epoch).unwrap();
        assert_eq!(header.salt()[..], hex("salt"));
        assert_eq!(header.created_ms(), vector["created_ms"].as_u64().unwrap());
        assert_eq!(u64::from(header.parameters().memory_kib()), vector["memory_kib"].as_u64().unwrap());

        let mut memory = StretchMemory::allocate(header.parameters()).unwrap();
        let typed = pin(vector["pin"].as_str().unwrap());
        let stretched = memory.stretch(&typed, &owner, epoch, header.salt(), header.parameters()).unwrap();
        assert_eq!(stretched.expose(), hex("stretched"));

        let guess = hardware_guess(&stretched, PinKeyKind::Mac).unwrap();
        assert_eq!(guess.expose(), hex("guess"));
        let mut chip = Hmac::<sha2::Sha256>::new_from_slice(&hex("hardware_key")).unwrap();
        chip.update(guess.expose());
        let answer = SecretBytes::new(chip.finalize().into_bytes().to_vec());
        assert_eq!(answer.expose(), hex("hardware_answer"));

        let portal = ShareSeed::from_bytes(&hex("portal_seed")).unwrap().derive_key(&owner, epoch).unwrap();
        assert_eq!(portal.public_key().as_bytes(), hex("portal_key"));
        assert_eq!(header.portal_key(), &portal.public_key());
        let blinding = Blinding::new(ShareInput::derive(&owner, epoch, &stretched), &SystemRandom::new()).unwrap();
        let evaluation = portal.evaluate(&blinding.element(), &SystemRandom::new()).unwrap();
        let share = blinding.finalize(&evaluation, header.portal_key()).unwrap();
        assert_eq!(share.expose(), hex("portal_share"));

        let key = PinKey::derive(&owner, epoch, header.salt(), &share, &answer).unwrap();
        assert_eq!(key.seal_key().expose(), hex("key"));
        assert_eq!(key.commitment(), hex("commitment"));
        let Ok(Opened::Payload(payload)) = file.open(&key) else { panic!("the vector does not open") };
        assert_eq!(payload.expose_private_key(), hex("private_key"));
        assert_eq!(payload.vault_key().0.expose(), hex("vault_key"));

        let nonce = hex("nonce").try_into().unwrap();
        let header_bytes = header.to_bytes().unwrap();
        let blob = seal_with_nonce(key.seal_key(), &header_bytes, &payload.to_bytes(), nonce).unwrap();
        assert_eq!(assemble(header_bytes, &key, &blob), bytes);
    }
}
