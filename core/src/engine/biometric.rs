//! A biometric instead of typing: it releases the stretched PIN and nothing later. Portal and chip still take part, the try
//! is still counted, and erasing the seed still ends it.

use super::Engine;
use crate::error::{Error, Result};
use crate::pin::Stretched;
use crate::ports::{DeviceKey, PortError};
use crate::secret::SecretBytes;
use crate::step::Step;
use std::sync::Arc;

const DAY_MS: u64 = 86_400_000;

/// What lies in the store: the epoch in four bytes, when the PIN itself was last entered in eight (epoch milliseconds of the
/// portal), both big-endian, then what the host sealed.
struct Kept {
    epoch: u32,
    entered_ms: u64,
    sealed: Vec<u8>,
}

impl Kept {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let (epoch, rest) = bytes.split_first_chunk()?;
        let (entered_ms, sealed) = rest.split_first_chunk()?;
        let (epoch, entered_ms) = (u32::from_be_bytes(*epoch), u64::from_be_bytes(*entered_ms));
        Some(Self { epoch, entered_ms, sealed: sealed.to_vec() })
    }

    fn to_bytes(&self) -> Vec<u8> {
        [&self.epoch.to_be_bytes()[..], &self.entered_ms.to_be_bytes(), &self.sealed].concat()
    }
}

impl Engine {
    /// Switches the biometric on or off. On: the next PIN that opens or is set is kept for it. Off: at once.
    pub fn use_biometric(&self, on: bool) -> Result<()> {
        let _flow = self.flow()?;
        self.state()?.wants_biometric = on;
        if on { Ok(()) } else { self.shared.shelf.remove_biometric() }
    }

    /// Whether a biometric can open this device now, as far as the engine knows.
    pub fn has_biometric(&self) -> Result<bool> {
        let Some(kept) = self.kept_for_biometric()? else { return Ok(false) };
        let now_ms = self.shared.connection.portal_ms()?;
        Ok(Some(kept.epoch) == self.account()?.pin_epoch && self.is_pin_recent(&kept, now_ms)?)
    }

    /// Unlocks with a biometric, which the host's port asks for on a thread of its own.
    ///
    /// # Errors
    /// [`Error::BiometricLost`] if there is nothing that it could open any more, because a finger or face was added or the
    /// PIN was changed: this path is off, and the PIN works as before. [`Error::BiometricPaused`] if the PIN itself was not
    /// entered for the policy's days; it works again after that. [`Error::BiometricCancelled`] if the member put the dialog
    /// away. None of these was counted. All others as for [`Engine::submit_pin`].
    pub async fn unlock_with_biometric(&self) -> Result<Step> {
        let flow = self.flow()?;
        if !matches!(self.step(), Step::EnterPin { .. } | Step::Wait { .. }) {
            return Err(Error::StepRequired);
        }
        let owner = self.owner()?;
        let Some(kept) = self.kept_for_biometric()? else { return Err(Error::BiometricLost) };
        let Some(file) = self.sealed_file(&owner, kept.epoch)? else { return self.lose_biometric() };
        // Before anybody is asked to show a finger for nothing.
        self.pin_key_kind()?;
        self.renew_policy().await?;
        let now_ms = self.shared.connection.learn_portal_ms().await?;
        if !self.is_pin_recent(&kept, now_ms)? {
            return Err(Error::BiometricPaused);
        }
        let (epoch, sealed) = (kept.epoch, kept.sealed);
        let opened = self.on_waiting_thread(move |keys, account| keys.open_by_biometric(account, &sealed)).await?;
        let stretched = match opened {
            Ok(stretched) => Stretched::from_secret(stretched).ok_or(Error::Corrupt)?,
            Err(PortError::KeyLost) => return self.lose_biometric(),
            Err(other) => return Err(other.into()),
        };
        match self.open_with(&stretched, epoch, &file, &flow).await {
            Err(Error::StaleEpoch) => self.lose_biometric(),
            outcome => outcome,
        }
    }

    /// After a PIN that is known to be right. It is kept with the first one after that was asked for, and never by itself: a
    /// finger that was added meanwhile must not get in because somebody entered the PIN. What is kept already is good for the
    /// policy's days from now. A host that cannot is no reason to fail.
    pub(super) async fn keep_for_biometric(&self, epoch: u32, stretched: &Stretched) -> Result<()> {
        let entered_ms = self.shared.connection.portal_ms()?;
        let is_wanted = std::mem::take(&mut self.state()?.wants_biometric);
        if !is_wanted {
            let kept = self.kept_for_biometric()?.filter(|kept| kept.epoch == epoch);
            return kept
                .map_or(Ok(()), |kept| self.shared.shelf.save_biometric(&Kept { entered_ms, ..kept }.to_bytes()));
        }
        let secret = SecretBytes::new(stretched.expose().to_vec());
        let seal = move |keys: &dyn DeviceKey, account: &str| keys.seal_for_biometric(account, secret.expose());
        match self.on_waiting_thread(seal).await? {
            Ok(sealed) => self.shared.shelf.save_biometric(&Kept { epoch, entered_ms, sealed }.to_bytes()),
            Err(_) => self.shared.shelf.remove_biometric(),
        }
    }

    fn kept_for_biometric(&self) -> Result<Option<Kept>> {
        Ok(self.shared.shelf.biometric()?.as_deref().and_then(Kept::parse))
    }

    fn is_pin_recent(&self, kept: &Kept, now_ms: u64) -> Result<bool> {
        let days = u64::from(self.account()?.rules.code_days);
        Ok(now_ms.saturating_sub(kept.entered_ms) < days * DAY_MS)
    }

    async fn on_waiting_thread<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&dyn DeviceKey, &str) -> T + Send + 'static,
    ) -> Result<T> {
        let (keys, account) = (Arc::clone(&self.ports().device_key), self.shared.config.account.clone());
        tokio::task::spawn_blocking(move || ask(keys.as_ref(), &account)).await.map_err(|_| Error::Internal)
    }

    fn lose_biometric(&self) -> Result<Step> {
        self.shared.shelf.remove_biometric()?;
        Err(Error::BiometricLost)
    }
}
