//! What the member may keep on the device and read from the organisation, and the end of both.

use super::Engine;
use super::account::{VAULT, pin_file};
use crate::error::{Error, Result};
use crate::policy::DeviceState;
use crate::secret::SecretBytes;
use ring::rand::SystemRandom;

impl Engine {
    /// Puts a secret of the app's own into the vault.
    pub fn vault_put(&self, name: &str, secret: SecretBytes) -> Result<()> {
        let sealed = {
            let mut state = self.state()?;
            let vault = state.vault.as_mut().ok_or(Error::Locked)?;
            vault.put(name, secret)?;
            vault.seal(&SystemRandom::new())?
        };
        Ok(self.ports().store.write(VAULT, &sealed)?)
    }

    /// A secret of the app's own; [`Error::Locked`] before the PIN.
    pub fn vault_item(&self, name: &str) -> Result<Option<SecretBytes>> {
        let state = self.state()?;
        Ok(state.vault.as_ref().ok_or(Error::Locked)?.item(name).cloned())
    }

    /// Removes every secret of the account from the device.
    pub(super) fn wipe(&self, state: Option<DeviceState>) -> Result<()> {
        let Some(mut account) = self.state()?.account.clone() else { return Ok(()) };
        let store = &self.ports().store;
        if let Some(epoch) = account.pin_epoch.take() {
            store.remove(&pin_file(epoch))?;
        }
        store.remove(VAULT)?;
        self.ports().device_key.delete(&self.shared.config.account)?;
        account.state = state;
        account.save(store.as_ref())?;
        let step = self.local_step(Some(&account))?;
        let mut inner = self.state()?;
        (inner.session, inner.vault, inner.first_pin) = (None, None, None);
        inner.account = Some(account);
        inner.step = step;
        Ok(())
    }
}
