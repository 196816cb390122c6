//! The portal's share of a PIN at rest: one seed per device and epoch, sealed in its row, opened for one evaluation.

use crate::portal::PortalState;
use crate::store::{Row, StoreError};
use twinlock_core::Error;
use twinlock_core::pin::{BlindedElement, Owner, ShareKey, SharePublicKey, ShareSeed};

/// Whose seed it is.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The organisation's id.
    pub organisation: &'a str,
    /// The device's id.
    pub device: &'a str,
    /// The PIN's number on this device.
    pub epoch: u64,
}

/// A seed as it is stored.
pub struct SealedSeed {
    /// Version of the key-encryption key.
    pub key_version: i64,
    /// The sealed bytes.
    pub sealed: Vec<u8>,
    /// The public half of the key that follows from it.
    pub public_key: SharePublicKey,
}

/// Makes a new seed for `place`.
pub fn generate_seed(portal: &PortalState, place: Place<'_>) -> Result<SealedSeed, StoreError> {
    let made = ShareSeed::generate(&portal.random).and_then(|seed| {
        let public_key = derive_key(&seed, place)?.public_key();
        let (key_version, sealed) = portal.key_wrap.seal(seed.expose(), &place.associated_data())?;
        Ok(SealedSeed { key_version, sealed, public_key })
    });
    made.map_err(unusable)
}

/// Evaluates `element` with the seed of `place`; `row` has it sealed in its first column and the key's version in its
/// second. Whoever calls this has counted. A seed that cannot be opened undoes the count: the guess was not evaluated.
pub fn evaluate(
    portal: &PortalState,
    place: Place<'_>,
    row: &Row,
    element: &BlindedElement,
) -> Result<Vec<u8>, StoreError> {
    let (sealed, key_version) = (row.blob(0)?, row.int(1)?);
    let evaluation = portal
        .key_wrap
        .open(key_version, sealed, &place.associated_data())
        .and_then(|seed| ShareSeed::from_bytes(seed.expose()))
        .and_then(|seed| derive_key(&seed, place))
        .and_then(|key| key.evaluate(element, &portal.random));
    evaluation.map(|evaluation| evaluation.as_bytes().to_vec()).map_err(unusable)
}

impl Place<'_> {
    /// Ties a sealed seed to its device and epoch, so that rows cannot be swapped. Ids hold no zero byte.
    fn associated_data(self) -> Vec<u8> {
        let Self { organisation, device, epoch } = self;
        format!("twinlock/pin-seed/v1\0{organisation}\0{device}\0{epoch}").into_bytes()
    }
}

fn derive_key(seed: &ShareSeed, place: Place<'_>) -> twinlock_core::Result<ShareKey> {
    let epoch = u32::try_from(place.epoch).map_err(|_| Error::StaleEpoch)?;
    seed.derive_key(&Owner::new(place.organisation, place.device)?, epoch)
}

fn unusable(error: Error) -> StoreError {
    tracing::error!(%error, "a PIN's seed cannot be used; is the key file the right one?");
    StoreError::Sealed
}
