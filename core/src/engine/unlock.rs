//! The PIN opens what it sealed: counted by the portal, checked on the device, proven to the portal.

use super::Engine;
use super::account::{Account, VAULT, pin_file};
use super::connection::Signer;
use crate::error::{Error, Result};
use crate::pin::{Owner, Pin};
use crate::proof::SigningKey;
use crate::sealed::{Opened, SealedFile};
use crate::step::Step;
use crate::vault::Vault;
use crate::wire::{Bytes, PinEvaluate, PinEvaluated, PinProofStatement, PinProve, SessionOpened};
use ring::rand::SystemRandom;
use std::sync::Arc;

impl Engine {
    pub(super) async fn unlock(&self, pin: Pin) -> Result<Step> {
        let mut account = self.account()?;
        let epoch = account.pin_epoch.ok_or(Error::NoPin)?;
        let bytes = self.ports().store.read(&pin_file(epoch))?.ok_or(Error::KeyLost)?;
        let owner = Owner::new(&account.organisation, &account.device)?;
        // Damage is found before a try is spent.
        let file = SealedFile::parse(&bytes)?;
        file.check_owner(&owner, epoch)?;
        let session = Arc::new(SigningKey::generate(&SystemRandom::new())?);
        let session_key = session.public_key()?;
        account.attempt += 1;
        account.save(self.ports().store.as_ref())?;
        self.state()?.account = Some(account.clone());
        let device = self.device_signer(&account);
        let evaluate = PinEvaluate { attempt: account.attempt, session_key: session_key.spki().into() };
        let counted: PinEvaluated = match self.call(&device, "POST", "/v1/pin/evaluate", Some(&evaluate)).await {
            Err(Error::PinErased) => {
                self.wipe(None)?;
                return Err(Error::PinErased);
            }
            other => other?,
        };
        let key = self.derive(pin, &owner, epoch, *file.header().salt(), file.header().parameters()).await?;
        let Opened::Payload(payload) = file.open(&key)? else {
            account.tries_left = counted.tries_left;
            account.save(self.ports().store.as_ref())?;
            let until_ms = self.shared.connection.portal_ms()?.saturating_add(counted.retry_after_ms);
            let mut state = self.state()?;
            state.account = Some(account);
            state.step = match (counted.tries_left, counted.retry_after_ms) {
                (_, 0) => Step::EnterPin { tries_left: counted.tries_left },
                _ => Step::Wait { until_ms },
            };
            return Err(Error::WrongPin { tries_left: counted.tries_left, retry_after_ms: counted.retry_after_ms });
        };
        let statement = PinProofStatement {
            challenge: &counted.challenge.0,
            number: account.attempt,
            authority: &self.shared.config.authority,
            device: &account.device,
            session_key: session_key.spki(),
        };
        let prove = PinProve {
            attempt: account.attempt,
            session_key: session_key.spki().into(),
            activated_signature: Bytes(
                SigningKey::from_scalar(payload.expose_private_key())?.sign(&statement.to_prove()),
            ),
        };
        let opened: SessionOpened = self.call(&device, "POST", "/v1/pin/prove", Some(&prove)).await?;
        let vault = match self.ports().store.read(VAULT)? {
            Some(bytes) => Vault::open(&bytes, payload.vault_key(), &owner)?,
            None => Vault::new(payload.vault_key(), &owner),
        };
        account.tries_left = account.rules.pin_max_tries;
        self.enter(account, opened, session, vault)
    }

    pub(super) fn enter(
        &self,
        account: Account,
        opened: SessionOpened,
        key: Arc<SigningKey>,
        vault: Vault,
    ) -> Result<Step> {
        account.save(self.ports().store.as_ref())?;
        let mut state = self.state()?;
        state.account = Some(account);
        state.session = Some(Signer::Session { token: opened.session.expose().into(), key });
        state.vault = Some(vault);
        state.step = opened.step.clone();
        Ok(opened.step)
    }
}
