//! What a desktop does otherwise: a device without a PIN. Password and code open each of its sessions, the device key says
//! whose they are, and one outlives the program in the host's store.

use super::account::Account;
use super::connection::Signer;
use super::{Engine, Flow};
use crate::error::{Error, Result};
use crate::policy::{DeviceState, Surface};
use crate::proof::SigningKey;
use crate::secret::{SecretBytes, SecretText};
use crate::step::Step;
use crate::wire::{Bytes, DeviceClaim, SignedIn, StepAnswer};
use std::sync::Arc;

impl Engine {
    /// The claim of an enrolled desktop to the session that it is about to open; `None` on a phone and before enrollment.
    pub(super) fn claimed_device(&self, session_key: &[u8]) -> Result<Option<(DeviceClaim, Account)>> {
        let Some(account) = self.state()?.account.clone() else { return Ok(None) };
        if !self.is_desktop() || !account.needs_keys() {
            return Ok(None);
        }
        let message = DeviceClaim::to_sign(session_key);
        let signature = self.ports().device_key.sign(&self.shared.config.account, &message)?;
        Ok(Some((DeviceClaim { device: account.device.clone(), signature: Bytes(signature) }, account)))
    }

    /// A later session of an enrolled desktop: the policy key and the policy that it has seen stay pinned.
    pub(super) fn sign_in_again(
        &self,
        mut account: Account,
        answer: SignedIn,
        key: Arc<SigningKey>,
        flow: &Flow<'_>,
    ) -> Result<Step> {
        if (&answer.organisation, &answer.member) != (&account.organisation, &account.member) {
            return Err(Error::UnexpectedAnswer { status: 200 });
        }
        let accepted = self.accept(&mut account, &answer.policy);
        self.remember(&account)?;
        accepted?;
        let mut state = self.state()?;
        if state.locks != flow.locks {
            return Err(Error::SessionEnded);
        }
        state.session = Some(Signer::Session { token: answer.session.expose().into(), key });
        drop(state);
        self.keep_session()?;
        self.note_approval(&answer.step)?;
        self.set_step(answer.step)
    }

    /// Right after its approval a desktop goes on with the session that it waited with.
    pub(super) async fn ask_once_approved(&self, before: &Account) -> Result<Option<Step>> {
        let is_new = before.state == Some(DeviceState::Pending) && self.account()?.state == Some(DeviceState::Approved);
        let session = self.state()?.session.clone();
        let Some(session) = session.filter(|_| self.is_desktop() && is_new) else { return Ok(None) };
        let answer: StepAnswer = self.call(&session, "GET", "/v1/step", None::<&()>).await?;
        Ok(Some(answer.step))
    }

    /// Keeps the session for the next start of the program (NIST SP 800-63B-4 §5.1: what needs a key to be used may outlive
    /// it in a protected store). Token and key are one blob, so that none is kept without the other.
    pub(super) fn keep_session(&self) -> Result<()> {
        let session = self.state()?.session.clone();
        let Some(Signer::Session { token, key }) = session.filter(|_| self.is_desktop()) else { return Ok(()) };
        let scalar = key.to_scalar();
        let mut blob = Vec::with_capacity(scalar.expose().len() + token.len());
        blob.extend_from_slice(scalar.expose());
        blob.extend_from_slice(token.as_bytes());
        self.shared.shelf.save_session(&SecretBytes::new(blob))
    }

    /// The kept session of an enrolled desktop. What cannot be read is no session.
    pub(super) fn kept_session(&self, account: Option<&Account>) -> Result<Option<Signer>> {
        if !self.is_desktop() || !account.is_some_and(Account::needs_keys) {
            return Ok(None);
        }
        let Some(blob) = self.shared.shelf.session()? else { return Ok(None) };
        let parts = blob.expose().split_at_checked(SCALAR_LEN);
        let read = parts.and_then(|(scalar, token)| {
            let key = SigningKey::from_scalar(scalar).ok()?;
            let token = SecretText::from_utf8(token)?;
            Some(Signer::Session { token: token.expose().into(), key: Arc::new(key) })
        });
        Ok(read)
    }

    /// Locks, and forgets the session that was kept.
    pub(super) fn end_session(&self) -> Result<()> {
        self.lock();
        if self.is_desktop() { self.shared.shelf.remove_session() } else { Ok(()) }
    }

    pub(super) fn is_desktop(&self) -> bool {
        self.shared.config.surface == Surface::Desktop
    }
}

/// A P-256 scalar in bytes.
const SCALAR_LEN: usize = 32;
