//! Slow work: stretching and calibration, off the caller's thread, and the chip's part.

use super::Engine;
use crate::error::{Error, Result};
use crate::pin::{Owner, Pin, SALT_LEN, StretchMemory, StretchParameters, Stretched, calibrate, hardware_guess};
use crate::ports::{PinKeyKind, PortError};
use crate::secret::SecretBytes;
use std::sync::Arc;

impl Engine {
    /// Argon2id off the caller's thread.
    pub(super) async fn stretch(
        &self,
        pin: Arc<Pin>,
        owner: &Owner,
        epoch: u32,
        salt: [u8; SALT_LEN],
        parameters: StretchParameters,
    ) -> Result<Stretched> {
        let owner = owner.clone();
        let stretch = move || -> Result<Stretched> {
            StretchMemory::allocate(parameters)?.stretch(&pin, &owner, epoch, &salt, parameters)
        };
        tokio::task::spawn_blocking(stretch).await.map_err(|_| Error::Internal)?
    }

    /// One use of the chip.
    pub(super) fn bind(&self, stretched: &Stretched) -> Result<SecretBytes> {
        let guess = hardware_guess(stretched, self.pin_key_kind()?)?;
        self.or_block(self.ports().device_key.bind_guess(&self.shared.config.account, guess.expose()))
    }

    /// Asked before a try is counted too: a PIN key that is gone must not cost one.
    pub(super) fn pin_key_kind(&self) -> Result<PinKeyKind> {
        self.or_block(self.ports().device_key.pin_key_kind(&self.shared.config.account))
    }

    /// Measures this device while the member types the new PIN again. Needs a runtime, as the call it belongs to does.
    pub(super) fn calibrate_meanwhile(&self) -> Result<()> {
        let clock = Arc::clone(&self.ports().clock);
        let measuring = tokio::task::spawn_blocking(move || calibrate(clock.as_ref()));
        self.state()?.calibration = Some(measuring);
        Ok(())
    }

    /// What was measured; the default if nothing was, or if the clock did not move.
    pub(super) async fn calibrated(&self) -> StretchParameters {
        let measuring = self.state().ok().and_then(|mut state| state.calibration.take());
        match measuring {
            Some(measuring) => measuring.await.unwrap_or_default(),
            None => StretchParameters::DEFAULT,
        }
    }

    fn or_block<T>(&self, answer: std::result::Result<T, PortError>) -> Result<T> {
        if answer.as_ref().err() == Some(&PortError::KeyLost) {
            self.block()?;
        }
        Ok(answer?)
    }
}
