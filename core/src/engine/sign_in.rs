//! The member: name and password, the code, and what the portal asks for next.

use super::Engine;
use super::account::Account;
use super::connection::{Call, Signer};
use crate::error::{Error, PolicyFault, Result};
use crate::policy::{DeviceState, Rules};
use crate::proof::SigningKey;
use crate::secret::SecretText;
use crate::step::{BlockedReason, Step};
use crate::wire::{Bytes, CodeEntry, SignIn, SignedIn, StepAnswer, TwoStepSetUp};
use ring::rand::SystemRandom;
use std::sync::Arc;

impl Engine {
    /// Signs in with name and password.
    pub async fn sign_in(&self, name: &str, password: SecretText) -> Result<Step> {
        let flow = self.flow()?;
        let key = Arc::new(SigningKey::generate(&SystemRandom::new())?);
        let session_key = key.public_key()?;
        let claimed = self.claimed_device(session_key.spki())?;
        let (claim, known) = claimed.unzip();
        let request = SignIn {
            name: name.to_owned(),
            password,
            surface: self.shared.config.surface,
            session_key: session_key.spki().into(),
            app_version: self.shared.config.app_version.clone(),
            device: claim,
        };
        let signer = Signer::Enclosed(Arc::clone(&key));
        let answer: SignedIn = self.call(&signer, "POST", "/v1/sessions", Some(&request)).await?;
        if let Some(account) = known {
            return self.sign_in_again(account, answer, key, &flow);
        }
        let mut account = Account {
            organisation: answer.organisation,
            member: answer.member,
            policy_key: answer.policy_key,
            seen: None,
            rules: Rules::strict(),
            required_from_ms: 0,
            rules_until_ms: 0,
            outdated_app: String::new(),
            device: String::new(),
            device_key: Bytes(Vec::new()),
            state: None,
            comparison_code: None,
            pin_epoch: None,
            sealed_epochs: Vec::new(),
            tries_left: 0,
            attempt: 0,
        };
        if let Err(refused) = self.accept(&mut account, &answer.policy) {
            if refused == Error::PolicyRefused(PolicyFault::UnknownCritical) {
                self.set_step(Step::Blocked { reason: BlockedReason::UpdateApp })?;
            }
            return Err(refused);
        }
        let mut state = self.state()?;
        if state.locks != flow.locks {
            return Err(Error::SessionEnded);
        }
        state.account = Some(account);
        state.session = Some(Signer::Session { token: answer.session.expose().into(), key });
        state.step = answer.step.clone();
        Ok(answer.step)
    }

    /// Begins the set-up of two-step authentication. The URI is shown once.
    pub async fn set_up_two_step(&self) -> Result<TwoStepSetUp> {
        let _flow = self.flow()?;
        self.call(&self.session()?, "POST", "/v1/two-step/set-up", None::<&()>).await
    }

    /// Submits a code, which completes the set-up where one is under way; then enrolls the device if it is new. When
    /// `Ready`, it is the fresh code that a weighty act needs.
    ///
    /// A completed set-up issues recovery codes: see [`take_recovery_codes`](Self::take_recovery_codes).
    pub async fn submit_code(&self, code: &str) -> Result<Step> {
        let flow = self.flow()?;
        let entry = CodeEntry { code: SecretText::new(code.to_owned()) };
        let step = match self.step() {
            Step::SetUpTwoStep => self.confirm_set_up(&flow, &entry).await?,
            Step::EnterCode | Step::Ready => {
                let answer: StepAnswer =
                    self.call(&self.session()?, "POST", "/v1/two-step/verify", Some(&entry)).await?;
                answer.step
            }
            _ => return Err(Error::StepRequired),
        };
        self.follow(step).await
    }

    /// Asks the portal what comes next.
    pub async fn refresh(&self) -> Result<Step> {
        let _flow = self.flow()?;
        self.lock_if_idle()?;
        self.renew_policy().await?;
        self.ask().await
    }

    /// Ends the session at the portal and locks. It locks also if the portal cannot be reached; the session then ends by
    /// itself.
    pub async fn sign_out(&self) -> Result<Step> {
        let _flow = self.flow()?;
        let session = self.session();
        self.end_session()?;
        self.send(&session?, &Call::new("DELETE", "/v1/sessions/self")).await?;
        Ok(self.step())
    }

    pub(super) async fn ask(&self) -> Result<Step> {
        let account = self.account()?;
        let session = self.state()?.session.clone();
        let answer: StepAnswer = match session {
            Some(session) if account.state == Some(DeviceState::Approved) || account.device.is_empty() => {
                self.call(&session, "GET", "/v1/step", None::<&()>).await?
            }
            _ => self.call(&self.device_signer(&account), "GET", "/v1/devices/self", None::<&()>).await?,
        };
        self.note_approval(&answer.step)?;
        if let Some(step) = self.ask_once_approved(&account).await? {
            return self.follow(step).await;
        }
        self.follow(answer.step).await
    }

    /// An approval can be taken back: after the portal was restored from a backup every device waits again. That is why the
    /// comparison code is kept.
    pub(super) fn note_approval(&self, step: &Step) -> Result<()> {
        let mut account = self.account()?;
        let state = match step {
            Step::AwaitApproval { .. } => DeviceState::Pending,
            _ => DeviceState::Approved,
        };
        if account.needs_keys() && account.state != Some(state) {
            account.state = Some(state);
            self.remember(&account)?;
        }
        Ok(())
    }

    /// Goes where the portal says; a device that it does not know yet enrolls on the way.
    async fn follow(&self, step: Step) -> Result<Step> {
        let is_new = self.account()?.device.is_empty();
        if !is_new || !matches!(step, Step::AwaitApproval { .. }) {
            return self.set_step(step);
        }
        let enrolled = self.enroll().await;
        if enrolled == Err(Error::StepRequired) {
            // The portal took this session's device, and its answer got lost: only another session can enroll.
            self.lock();
        }
        enrolled
    }
}
