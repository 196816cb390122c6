//! The PIN opens what it sealed: counted by the portal, checked on the device, proven to the portal.

use super::account::Account;
use super::connection::Signer;
use super::{Engine, Flow};
use crate::error::{Error, Result};
use crate::pin::{Owner, Pin};
use crate::proof::SigningKey;
use crate::sealed::{Opened, SealedFile, SealedPayload};
use crate::step::Step;
use crate::vault::Vault;
use crate::wire::{Bytes, PinEvaluate, PinEvaluated, PinProofStatement, PinProve, SessionOpened};
use ring::rand::SystemRandom;
use std::sync::Arc;

impl Engine {
    pub(super) async fn unlock(&self, pin: Pin, flow: &Flow<'_>) -> Result<Step> {
        let account = self.account()?;
        let owner = Owner::new(&account.organisation, &account.device)?;
        // Damage and a lost key are found before a try is spent.
        let files = self.sealed_files(&account, &owner)?;
        self.pin_key_kind()?;
        let session = Arc::new(SigningKey::generate(&SystemRandom::new())?);
        let counted = self.count_try(account, &session).await?;
        let Some((epoch, file)) = files.into_iter().find(|(epoch, _)| u64::from(*epoch) == counted.epoch) else {
            self.block()?;
            return Err(Error::StaleEpoch);
        };
        let key = self.derive(pin, &owner, epoch, *file.header().salt(), file.header().parameters()).await?;
        let Opened::Payload(payload) = file.open(&key)? else { return self.note_wrong_pin(&counted) };
        let opened = self.prove(&counted, &payload, &session).await?;
        let vault = match self.shared.shelf.vault()? {
            Some(bytes) => Vault::open(&bytes, payload.vault_key(), &owner)?,
            None => Vault::new(payload.vault_key(), &owner),
        };
        let mut account = self.account()?;
        account.pin_epoch = Some(epoch);
        account.tries_left = account.rules.pin_max_tries;
        self.enter(&account, opened, session, vault, flow)
    }

    /// Takes session and vault into memory, unless the app locked meanwhile.
    pub(super) fn enter(
        &self,
        account: &Account,
        opened: SessionOpened,
        key: Arc<SigningKey>,
        vault: Vault,
        flow: &Flow<'_>,
    ) -> Result<Step> {
        self.remember(account)?;
        let mut state = self.state()?;
        if state.locks != flow.locks {
            return Err(Error::Locked);
        }
        state.session = Some(Signer::Session { token: opened.session.expose().into(), key });
        state.vault = Some(vault);
        state.step = opened.step.clone();
        Ok(opened.step)
    }

    /// Keeps the account, on the device first.
    pub(super) fn remember(&self, account: &Account) -> Result<()> {
        self.shared.shelf.save(account)?;
        self.state()?.account = Some(account.clone());
        Ok(())
    }

    /// The files that are whole and this device's. More than one where the portal's answer to a new PIN got lost: the
    /// portal says which it holds.
    fn sealed_files(&self, account: &Account, owner: &Owner) -> Result<Vec<(u32, SealedFile)>> {
        if account.pin_epoch.is_none() {
            return Err(Error::NoPin);
        }
        let (mut files, mut fault) = (Vec::new(), Error::KeyLost);
        for epoch in &account.sealed_epochs {
            let Some(bytes) = self.shared.shelf.pin_file(*epoch)? else { continue };
            let file = SealedFile::parse(&bytes).and_then(|file| file.check_owner(owner, *epoch).map(|()| file));
            match file {
                Ok(file) => files.push((*epoch, file)),
                Err(found) => fault = found,
            }
        }
        if files.is_empty() {
            self.block()?;
            return Err(fault);
        }
        Ok(files)
    }

    async fn count_try(&self, mut account: Account, session: &SigningKey) -> Result<PinEvaluated> {
        account.attempt += 1;
        self.remember(&account)?;
        let evaluate = PinEvaluate { attempt: account.attempt, session_key: session.public_key()?.spki().into() };
        let counted = self.call(&self.device_signer(&account), "POST", "/v1/pin/evaluate", Some(&evaluate)).await;
        match &counted {
            Err(Error::PinErased) => self.wipe(None)?,
            // The commit of a new PIN never reached the portal.
            Err(Error::NoPin) => {
                let mut account = self.account()?;
                account.pin_epoch = None;
                self.remember(&account)?;
                self.set_step(self.local_step(Some(&account))?)?;
            }
            _ => {}
        }
        counted
    }

    fn note_wrong_pin(&self, counted: &PinEvaluated) -> Result<Step> {
        let PinEvaluated { tries_left, retry_after_ms, .. } = *counted;
        let mut account = self.account()?;
        account.tries_left = tries_left;
        self.remember(&account)?;
        let until_ms = self.shared.connection.portal_ms()?.saturating_add(retry_after_ms);
        self.set_step(if retry_after_ms == 0 { Step::EnterPin { tries_left } } else { Step::Wait { until_ms } })?;
        Err(Error::WrongPin { tries_left, retry_after_ms })
    }

    async fn prove(
        &self,
        counted: &PinEvaluated,
        payload: &SealedPayload,
        session: &SigningKey,
    ) -> Result<SessionOpened> {
        let account = self.account()?;
        let session_key = session.public_key()?;
        let statement = PinProofStatement {
            challenge: &counted.challenge.0,
            number: account.attempt,
            authority: &self.shared.config.authority,
            device: &account.device,
            session_key: session_key.spki(),
        };
        let activated = SigningKey::from_scalar(payload.expose_private_key())?;
        let prove = PinProve {
            attempt: account.attempt,
            session_key: session_key.spki().into(),
            activated_signature: Bytes(activated.sign(&statement.to_prove())),
        };
        self.call(&self.device_signer(&account), "POST", "/v1/pin/prove", Some(&prove)).await
    }
}
