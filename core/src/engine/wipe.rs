//! The end of what a device holds: dropped from memory, removed from the device, or out of reach for good.

use super::account::Account;
use super::{Engine, State};
use crate::error::Result;
use crate::policy::DeviceState;
use crate::step::Step;
use std::sync::PoisonError;

impl Engine {
    /// Drops session, keys and vault from memory; the PIN opens them again. A call under way does not bring them back.
    pub fn lock(&self) {
        let account = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner).account.clone();
        let step = self.local_step(account.as_ref()).unwrap_or(Step::SignIn);
        let mut state = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.drop_secrets();
        state.step = step;
    }

    /// Locks for good; every later call is [`Error::Closed`](crate::Error::Closed).
    pub fn close(&self) {
        self.lock();
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner).is_closed = true;
    }

    /// Removes the device's keys, its session and all else that this account keeps on it; the next sign-in enrolls anew. The
    /// portal's entry stays until somebody revokes it.
    ///
    /// # Errors
    /// [`Error::StoreFailed`](crate::Error::StoreFailed): what is left is removed at the next [`Engine::open`].
    pub fn forget(&self) -> Result<()> {
        let _flow = self.flow()?;
        self.wipe(None)
    }

    /// Removes every secret of the account from memory, then from the device. What a failure or a power loss leaves in
    /// the store is removed at the next [`Engine::open`]; the step is the last one already.
    pub(super) fn wipe(&self, state: Option<DeviceState>) -> Result<()> {
        let Some(mut account) = self.state()?.account.clone() else { return Ok(()) };
        account.state = state;
        account.pin_epoch = None;
        account.comparison_code = None;
        self.settle(&account)?;
        self.shared.shelf.save(&account)?;
        self.finish_wipe(&mut account)?;
        self.state()?.account = Some(account);
        Ok(())
    }

    /// Removes the files that a wiped account still names, and its keys.
    pub(super) fn finish_wipe(&self, account: &mut Account) -> Result<()> {
        self.clear(account)?;
        self.ports().device_key.delete(&self.shared.config.account)?;
        self.shared.shelf.save(account)
    }

    /// Removes the account's sealed files and its vault.
    pub(super) fn clear(&self, account: &mut Account) -> Result<()> {
        for epoch in &account.sealed_epochs {
            self.shared.shelf.remove_pin_file(*epoch)?;
        }
        self.shared.shelf.remove_vault()?;
        self.shared.shelf.remove_biometric()?;
        self.shared.shelf.remove_session()?;
        account.sealed_epochs.clear();
        Ok(())
    }

    /// The keys are gone, or what they sealed is: nothing is left to do with this device but to enroll it again. Nothing
    /// is removed, so that whatever the host mends works again at the next [`Engine::open`].
    pub(super) fn block(&self) -> Result<()> {
        let Some(mut account) = self.state()?.account.clone() else { return Ok(()) };
        account.state = Some(DeviceState::KeyLost);
        self.settle(&account)
    }

    fn settle(&self, account: &Account) -> Result<()> {
        let step = self.local_step(Some(account))?;
        let mut state = self.state()?;
        state.drop_secrets();
        state.account = Some(account.clone());
        state.step = step;
        Ok(())
    }
}

impl State {
    fn drop_secrets(&mut self) {
        (self.session, self.vault, self.first_pin, self.attempt) = (None, None, None, None);
        self.recovery_codes = None;
        self.wants_change = false;
        self.locks += 1;
    }
}
