//! The portal's side: a seed that can be erased, the key that follows from it, and the evaluation.

use super::drawn::Drawn;
use super::{BlindedElement, Evaluation, SharePublicKey};
use crate::error::{Error, Result};
use crate::framing::framed;
use crate::pin::Owner;
use crate::secret::SecretBytes;
use ring::rand::SecureRandom;
use voprf::{Group, Ristretto255, VoprfServer};
use zeroize::Zeroizing;

/// What the portal keeps for one device and epoch, wrapped, 32 bytes. Erase it, and no PIN opens that file ever again.
/// Wiped on drop, redacted in `Debug`.
#[derive(Debug)]
pub struct ShareSeed(SecretBytes);

impl ShareSeed {
    /// Length in bytes.
    pub const LEN: usize = 32;

    /// A new seed.
    ///
    /// # Errors
    /// [`Error::RandomFailed`].
    pub fn generate(random: &dyn SecureRandom) -> Result<Self> {
        let mut bytes = Zeroizing::new(vec![0; Self::LEN]);
        random.fill(&mut bytes).map_err(|_| Error::RandomFailed)?;
        Ok(Self(SecretBytes::new(std::mem::take(&mut *bytes))))
    }

    /// A seed that was kept.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if it is not 32 bytes long.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        if bytes.len() == Self::LEN { Ok(Self(SecretBytes::new(bytes.to_vec()))) } else { Err(Error::Corrupt) }
    }

    /// The bytes themselves, to be wrapped. The one way out: whoever calls this answers for where they go.
    pub fn expose(&self) -> &[u8] {
        self.0.expose()
    }

    /// The key of `owner` in `epoch`: DeriveKeyPair(seed, info) of RFC 9497 §3.2.1 with info = "twinlock/share/v1" |
    /// organisation | device | epoch (four bytes, big-endian), each with its length before it. A seed that strayed into
    /// another row leads to another key, which the phone has not pinned.
    ///
    /// # Errors
    /// [`Error::Internal`] with probability 2^-252·256, as the RFC allows.
    pub fn derive_key(&self, owner: &Owner, epoch: u32) -> Result<ShareKey> {
        let info = framed(&[
            b"twinlock/share/v1",
            owner.organisation().as_bytes(),
            owner.device().as_bytes(),
            &epoch.to_be_bytes(),
        ]);
        ShareKey::from_seed(self.expose(), &info)
    }
}

/// The portal's key for one device and epoch. Wiped on drop, redacted in `Debug`.
pub struct ShareKey(VoprfServer<Ristretto255>);

impl ShareKey {
    /// The public half.
    pub fn public_key(&self) -> SharePublicKey {
        SharePublicKey(Ristretto255::serialize_elem(self.0.get_public_key()).into())
    }

    /// Evaluates one element and proves with which key (RFC 9497 §3.3.2, BlindEvaluate). Count before you call this.
    ///
    /// # Errors
    /// [`Error::RandomFailed`].
    pub fn evaluate(&self, element: &BlindedElement, random: &dyn SecureRandom) -> Result<Evaluation> {
        self.evaluate_with(element, &mut Drawn::draw(random)?)
    }

    pub(super) fn from_seed(seed: &[u8], info: &[u8]) -> Result<Self> {
        VoprfServer::new_from_seed(seed, info).map(Self).map_err(|_| Error::Internal)
    }

    pub(super) fn evaluate_with(&self, element: &BlindedElement, drawn: &mut Drawn) -> Result<Evaluation> {
        let point = voprf::BlindedElement::deserialize(element.as_bytes()).map_err(|_| Error::Internal)?;
        let evaluated = self.0.blind_evaluate(drawn, &point);
        drawn.finish()?;
        let bytes = [&evaluated.message.serialize()[..], &evaluated.proof.serialize()[..]].concat();
        Evaluation::from_bytes(&bytes).ok_or(Error::Internal)
    }
}

impl std::fmt::Debug for ShareKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ShareKey(…)")
    }
}
