//! The member who has lost the authenticator, and the codes that are kept for that day.

use super::{Engine, Flow};
use crate::code::RecoveryCode;
use crate::error::{Error, Result};
use crate::secret::SecretText;
use crate::step::{BlockedReason, Step};
use crate::wire::{CodeEntry, RecoveryCodesIssued, RecoveryEntry, StepAnswer, TwoStepConfirmed};

impl Engine {
    /// Submits a recovery code instead of a code, right after the sign-in with the password, where the step is `EnterCode` or
    /// `Blocked` because the authenticator was disabled. What follows is `SetUpTwoStep`: a new authenticator, and nothing else.
    ///
    /// # Errors
    /// [`Error::CodeMalformed`] without asking the portal, and not counted. [`Error::RecoveryCodeRefused`],
    /// [`Error::CodeWait`] and [`Error::CodeDisabled`] as for codes. [`Error::StepRequired`] in a session that the PIN opened:
    /// the member signs in.
    pub async fn submit_recovery_code(&self, code: &str) -> Result<Step> {
        let _flow = self.flow()?;
        let is_asked =
            matches!(self.step(), Step::EnterCode | Step::Blocked { reason: BlockedReason::AuthenticatorDisabled });
        if !is_asked {
            return Err(Error::StepRequired);
        }
        let entry = RecoveryEntry { code: RecoveryCode::parse(code)?.to_text() };
        let answer: StepAnswer = self.call(&self.session()?, "POST", "/v1/recovery", Some(&entry)).await?;
        self.set_step(answer.step)
    }

    /// The recovery codes that came with the set-up which this engine completed, once; `None` if there are none, or if they
    /// were taken or locked away. Show them, and let the member save them, before anything else.
    pub fn take_recovery_codes(&self) -> Result<Option<Vec<SecretText>>> {
        Ok(self.state()?.recovery_codes.take())
    }

    /// Makes ten new recovery codes, to be shown once; all older ones are void. [`Error::FreshCodeRequired`] unless a code was
    /// accepted in this session within the last ten minutes: [`submit_code`](Self::submit_code) first.
    pub async fn new_recovery_codes(&self) -> Result<Vec<SecretText>> {
        let _flow = self.flow()?;
        let issued: RecoveryCodesIssued =
            self.call(&self.session()?, "POST", "/v1/recovery-codes", None::<&()>).await?;
        // Those of the set-up are void now.
        self.state()?.recovery_codes = None;
        Ok(issued.recovery_codes)
    }

    /// Confirms the set-up, and keeps the recovery codes for [`take_recovery_codes`](Self::take_recovery_codes).
    pub(super) async fn confirm_set_up(&self, flow: &Flow<'_>, entry: &CodeEntry) -> Result<Step> {
        let answer: TwoStepConfirmed = self.call(&self.session()?, "POST", "/v1/two-step/confirm", Some(entry)).await?;
        let mut state = self.state()?;
        // Locked meanwhile: nothing secret comes back.
        if state.locks == flow.locks {
            state.recovery_codes = Some(answer.recovery_codes);
        }
        Ok(answer.step)
    }
}
