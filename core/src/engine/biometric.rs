//! A biometric instead of typing: it releases the stretched PIN and nothing later. Portal and chip still take part, the try
//! is still counted, and erasing the seed still ends it.

use super::Engine;
use crate::error::{Error, Result};
use crate::pin::Stretched;
use crate::ports::PortError;
use crate::step::Step;

/// What lies in the store: the epoch in four bytes, big-endian, then what the host sealed.
const EPOCH_LEN: usize = 4;

impl Engine {
    /// Switches the biometric on or off. On: the next PIN that opens or is set is kept for it. Off: at once.
    pub fn use_biometric(&self, on: bool) -> Result<()> {
        let _flow = self.flow()?;
        self.state()?.wants_biometric = on;
        if on { Ok(()) } else { self.shared.shelf.remove_biometric() }
    }

    /// Whether a biometric can open this device now, as far as the engine knows.
    pub fn has_biometric(&self) -> Result<bool> {
        let kept = self.shared.shelf.biometric()?;
        let epoch =
            kept.as_deref().and_then(|kept| kept.first_chunk::<EPOCH_LEN>()).map(|epoch| u32::from_be_bytes(*epoch));
        Ok(epoch.is_some() && epoch == self.account()?.pin_epoch)
    }

    /// Unlocks with a biometric, which the host's port asks for. Blocks the caller's thread while the system asks.
    ///
    /// # Errors
    /// [`Error::BiometricLost`] if there is nothing that it could open any more, because a finger or face was added or the
    /// PIN was changed: this path is off, and the PIN works as before. [`Error::KeyUnavailable`] if the member cancelled.
    /// All others as for [`Engine::submit_pin`].
    pub async fn unlock_with_biometric(&self) -> Result<Step> {
        let flow = self.flow()?;
        if !matches!(self.step(), Step::EnterPin { .. } | Step::Wait { .. }) {
            return Err(Error::StepRequired);
        }
        let owner = self.owner()?;
        let Some(kept) = self.shared.shelf.biometric()? else { return Err(Error::BiometricLost) };
        let (epoch, sealed) = kept.split_first_chunk::<EPOCH_LEN>().ok_or(Error::Corrupt)?;
        let epoch = u32::from_be_bytes(*epoch);
        let Some(file) = self.sealed_file(&owner, epoch)? else { return self.lose_biometric() };
        self.pin_key_kind()?;
        let stretched = match self.ports().device_key.open_by_biometric(&self.shared.config.account, sealed) {
            Ok(stretched) => Stretched::from_secret(stretched).ok_or(Error::Corrupt)?,
            Err(PortError::KeyLost) => return self.lose_biometric(),
            Err(other) => return Err(other.into()),
        };
        match self.open_with(&stretched, epoch, &file, &flow).await {
            Err(Error::StaleEpoch) => self.lose_biometric(),
            outcome => outcome,
        }
    }

    /// With the first PIN that is known to be right after it was asked for, and never by itself: a finger that was added
    /// meanwhile must not get in because somebody entered the PIN. A host that cannot is no reason to fail.
    pub(super) fn keep_for_biometric_if_wanted(&self, epoch: u32, stretched: &Stretched) -> Result<()> {
        let is_wanted = std::mem::take(&mut self.state()?.wants_biometric);
        if !is_wanted {
            return Ok(());
        }
        match self.ports().device_key.seal_for_biometric(&self.shared.config.account, stretched.expose()) {
            Ok(sealed) => self.shared.shelf.save_biometric(&[&epoch.to_be_bytes()[..], &sealed].concat()),
            Err(_) => self.shared.shelf.remove_biometric(),
        }
    }

    fn lose_biometric(&self) -> Result<Step> {
        self.shared.shelf.remove_biometric()?;
        Err(Error::BiometricLost)
    }
}
