//! The app's own secrets.

use super::Engine;
use crate::error::{Error, Result};
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
        self.use_now()?;
        let state = self.state()?;
        Ok(state.vault.as_ref().ok_or(Error::Locked)?.item(name).cloned())
    }

    /// Stores the changed vault before anybody sees it, so that a failed write changes nothing.
    fn change_vault<T>(&self, change: impl FnOnce(&mut Vault) -> Result<T>) -> Result<T> {
        self.use_now()?;
        // Of two changes at once the later write would undo the earlier.
        let _writing = self.shared.vault_flow.try_lock().map_err(|_| Error::Busy)?;
        let (mut vault, locks) = {
            let state = self.state()?;
            (state.vault.clone().ok_or(Error::Locked)?, state.locks)
        };
        let done = change(&mut vault)?;
        self.shared.shelf.save_vault(&vault.seal(&SystemRandom::new())?)?;
        let mut state = self.state()?;
        // Locked or wiped meanwhile: it stays so.
        if state.locks == locks {
            state.vault = Some(vault);
        }
        Ok(done)
    }
}
