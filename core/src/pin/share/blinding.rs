//! The phone's side: what is asked, hidden, and what comes of the answer.

use super::drawn::Drawn;
use super::{BlindedElement, Evaluation, SharePublicKey};
use crate::error::{Error, Result};
use crate::framing::framed;
use crate::pin::{Owner, Stretched};
use crate::secret::SecretBytes;
use ring::rand::SecureRandom;
use sha2::{Digest, Sha512};
use voprf::{EvaluationElement, Group, Proof, Ristretto255, VoprfClient};
use zeroize::{Zeroize, Zeroizing};

/// What the function is evaluated on, 64 bytes: as good as the stretched PIN to whoever may ask the portal. Wiped on
/// drop, redacted in `Debug`, compared in constant time.
#[derive(Debug, PartialEq)]
pub struct ShareInput(SecretBytes);

impl ShareInput {
    /// `x = SHA-512("twinlock/oprf-in/v1" | organisation | device | epoch | stretched)`, the epoch in four bytes,
    /// big-endian, each part with its length before it.
    pub fn derive(owner: &Owner, epoch: u32, stretched: &Stretched) -> Self {
        let parts = Zeroizing::new(framed(&[
            b"twinlock/oprf-in/v1",
            owner.organisation().as_bytes(),
            owner.device().as_bytes(),
            &epoch.to_be_bytes(),
            stretched.expose(),
        ]));
        let mut digest = Sha512::digest(&parts);
        let input = Self(SecretBytes::new(digest.to_vec()));
        digest.as_mut_slice().zeroize();
        input
    }

    #[cfg(test)]
    pub(super) fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(SecretBytes::new(bytes))
    }
}

/// One question to the portal. Keep it in memory and nowhere else: with it, what the portal was asked tells the guess.
/// Wiped on drop, redacted in `Debug`.
pub struct Blinding {
    input: ShareInput,
    client: VoprfClient<Ristretto255>,
    element: BlindedElement,
}

impl Blinding {
    /// Blinds `input` (RFC 9497 §3.3.1, Blind).
    ///
    /// # Errors
    /// [`Error::RandomFailed`]; [`Error::Internal`] for an input that hashes to the identity, which nobody can find.
    pub fn new(input: ShareInput, random: &dyn SecureRandom) -> Result<Self> {
        Self::with(input, &mut Drawn::draw(random)?)
    }

    /// What goes to the portal.
    pub fn element(&self) -> BlindedElement {
        self.element
    }

    /// Whether this asks for the same guess; in constant time.
    pub fn is_of(&self, input: &ShareInput) -> bool {
        self.input == *input
    }

    /// The portal's share, if the proof says that the pinned key made it (RFC 9497 §3.3.2, Finalize).
    ///
    /// # Errors
    /// [`Error::ServerProofInvalid`] for anything else: another key, another element, what is no point or no proof. It
    /// says nothing about the PIN.
    pub fn finalize(&self, evaluation: &Evaluation, public_key: &SharePublicKey) -> Result<PortalShare> {
        let refused = |_| Error::ServerProofInvalid;
        let (element, proof) = evaluation.as_bytes().split_at(super::ELEMENT_LEN);
        let element = EvaluationElement::<Ristretto255>::deserialize(element).map_err(refused)?;
        let proof = Proof::<Ristretto255>::deserialize(proof).map_err(refused)?;
        let public_key = Ristretto255::deserialize_elem(public_key.as_bytes()).map_err(refused)?;
        let mut output = self.client.finalize(self.input.0.expose(), &element, &proof, public_key).map_err(refused)?;
        let share = PortalShare(SecretBytes::new(output.to_vec()));
        output.iter_mut().zeroize();
        Ok(share)
    }

    pub(super) fn with(input: ShareInput, drawn: &mut Drawn) -> Result<Self> {
        let blinded = VoprfClient::blind(input.0.expose(), drawn).map_err(|_| Error::Internal)?;
        drawn.finish()?;
        let element = BlindedElement(blinded.message.serialize().into());
        Ok(Self { input, client: blinded.state, element })
    }
}

impl std::fmt::Debug for Blinding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Blinding(…)")
    }
}

/// The portal's share of the key, 64 bytes: the same for the same guess, another for any other. Wiped on drop, redacted in
/// `Debug`.
#[derive(Debug)]
pub struct PortalShare(SecretBytes);

impl PortalShare {
    /// The bytes themselves. The one way out: whoever calls this answers for where they go.
    pub fn expose(&self) -> &[u8] {
        self.0.expose()
    }

    #[cfg(test)]
    pub(in crate::pin) fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(SecretBytes::new(bytes))
    }
}
