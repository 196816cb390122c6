//! What the member may keep on the device and read from the organisation, and the end of both.

use super::Engine;
use super::account::{VAULT, pin_file};
use crate::error::{Error, Result};
use crate::policy::DeviceState;
use crate::secret::SecretBytes;
use crate::vault::Vault;
use ring::rand::SystemRandom;

impl Engine {
    /// Puts a secret of the app's own into the vault. [`Error::Locked`] before the PIN, [`Error::Busy`] while another
    /// change is being stored; the vault is unchanged after every error.
    pub fn vault_put(&self, name: &str, secret: SecretBytes) -> Result<()> {
        self.change_vault(|vault| vault.put(name, secret))
    }

    /// Removes a secret from the vault; says whether there was one. Errors as for [`vault_put`](Self::vault_put).
    pub fn vault_remove(&self, name: &str) -> Result<bool> {
        self.change_vault(|vault| Ok(vault.remove(name)))
    }

    /// A secret of the app's own; [`Error::Locked`] before the PIN.
    pub fn vault_item(&self, name: &str) -> Result<Option<SecretBytes>> {
        let state = self.state()?;
        Ok(state.vault.as_ref().ok_or(Error::Locked)?.item(name).cloned())
    }

    /// Stores the changed vault before anybody sees it, so that a failed write changes nothing.
    fn change_vault<T>(&self, change: impl FnOnce(&mut Vault) -> Result<T>) -> Result<T> {
        // Of two changes at once the later write would undo the earlier.
        let _writing = self.shared.vault_flow.try_lock().map_err(|_| Error::Busy)?;
        let mut vault = self.state()?.vault.clone().ok_or(Error::Locked)?;
        let done = change(&mut vault)?;
        self.ports().store.write(VAULT, &vault.seal(&SystemRandom::new())?)?;
        let mut state = self.state()?;
        // Locked or wiped meanwhile: it stays so.
        if state.vault.is_some() {
            state.vault = Some(vault);
        }
        Ok(done)
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
