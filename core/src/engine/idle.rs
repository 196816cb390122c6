//! Auto-lock: after the policy's time without use nothing is open any more, measured on a clock that runs in sleep and
//! that no user can set.

use super::Engine;
use crate::error::Result;
use crate::step::Step;

/// A policy of zero locks whenever the app is left; between two calls of an app that is in use some time always passes.
const SHORTEST_IDLE_MS: u64 = 60_000;
/// A PIN that was entered within this time is entered fresh enough to change it.
const FRESH_UNLOCK_MS: u64 = 5 * 60_000;

impl Engine {
    /// Tells the engine that time has passed: call it when the app leaves the foreground and comes back, and now and then
    /// in between. Locks if the policy's idle time is over (at once where it is zero), and says what comes next.
    pub fn tick(&self) -> Result<Step> {
        let idle_ms = self.idle_limit_ms()?;
        if self.idle_ms()?.is_some_and(|idle| idle >= idle_ms) || self.is_open_unvouched()? {
            self.lock();
        }
        self.current_step()
    }

    /// Locks if the idle time is over, or else notes that the app is in use. Every call that needs the PIN begins with it.
    pub(super) fn use_now(&self) -> Result<()> {
        self.lock_if_idle()?;
        let now_ms = self.ports().clock.boot_ms()?;
        self.state()?.used_boot_ms = now_ms;
        Ok(())
    }

    /// For calls that no member makes, such as asking for news: they do not keep anything open.
    pub(super) fn lock_if_idle(&self) -> Result<()> {
        let limit_ms = self.idle_limit_ms()?.max(SHORTEST_IDLE_MS);
        if self.idle_ms()?.is_some_and(|idle| idle >= limit_ms) || self.is_open_unvouched()? {
            self.lock();
        }
        Ok(())
    }

    /// Something is open, and no valid statement says which rules hold: it takes the portal to open it again.
    fn is_open_unvouched(&self) -> Result<bool> {
        let now_ms = self.shared.connection.portal_ms()?;
        let state = self.state()?;
        let is_vouched = state.account.as_ref().is_some_and(|account| now_ms < account.rules_until_ms);
        Ok(state.vault.is_some() && !is_vouched)
    }

    pub(super) fn is_freshly_unlocked(&self) -> Result<bool> {
        let now_ms = self.ports().clock.boot_ms()?;
        let state = self.state()?;
        let since_ms = now_ms.checked_sub(state.unlocked_boot_ms);
        Ok(state.vault.is_some() && since_ms.is_some_and(|since| since < FRESH_UNLOCK_MS))
    }

    fn idle_limit_ms(&self) -> Result<u64> {
        let now_ms = self.shared.connection.portal_ms()?;
        Ok(self.state()?.account.as_ref().map_or(0, |account| account.rules_at(now_ms).idle_ms))
    }

    /// How long what is open has not been used; `None` if nothing is. A clock that went back says nothing: idle for ever.
    fn idle_ms(&self) -> Result<Option<u64>> {
        let now_ms = self.ports().clock.boot_ms()?;
        let state = self.state()?;
        let is_open = state.vault.is_some();
        Ok(is_open.then(|| now_ms.checked_sub(state.used_boot_ms).unwrap_or(u64::MAX)))
    }
}
