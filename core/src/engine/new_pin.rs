//! A new PIN, in two phases: sealed under a seed that the portal prepared, durable and read back, and only then committed.
//!
//! Either side may die in between: the portal holds the old epoch or the new one, the device has the file of either.

use super::account::Account;
use super::connection::Signer;
use super::{Engine, Flow};
use crate::error::{Error, Result};
use crate::pin::{Blinding, Evaluation, Owner, Pin, PinKey, SALT_LEN, ShareInput, SharePublicKey, Stretched};
use crate::ports::generate_bytes;
use crate::proof::SigningKey;
use crate::sealed::{Opened, SealedFile, SealedHeader, SealedPayload};
use crate::step::Step;
use crate::vault::Vault;
use crate::wire::{
    Bytes, PinCommit, PinPrepareEvaluate, PinPrepareEvaluated, PinPrepared, PinProofStatement, SessionOpened,
};
use ring::rand::SystemRandom;
use std::sync::Arc;

impl Engine {
    /// The first PIN of this device, and a new vault.
    pub(super) async fn create_pin(&self, pin: Pin, flow: &Flow<'_>) -> Result<Step> {
        let signer = self.device_signer(&self.account()?);
        let prepared = match self.prepare(&signer).await {
            // The portal sees another step than the one that was drawn: draw that.
            Err(Error::StepRequired) => {
                self.ask().await?;
                return Err(Error::StepRequired);
            }
            other => other?,
        };
        let payload = SealedPayload::generate(&SystemRandom::new())?;
        let vault = Vault::new(payload.vault_key(), &self.owner()?);
        self.set_pin(pin, &signer, &prepared, &payload, vault, flow).await
    }

    /// Another PIN for the vault that is open.
    pub(super) async fn replace_pin(&self, pin: Pin, flow: &Flow<'_>) -> Result<Step> {
        let signer = self.session()?;
        let vault = self.state()?.vault.clone().ok_or(Error::Locked)?;
        let payload = SealedPayload::generate_with(&SystemRandom::new(), vault.key().clone())?;
        let replaced = match self.prepare(&signer).await {
            Ok(prepared) => self.set_pin(pin, &signer, &prepared, &payload, vault, flow).await,
            Err(refused) => Err(refused),
        };
        if replaced == Err(Error::StepRequired) && matches!(self.step(), Step::ChangePin(_) | Step::EnterPin { .. }) {
            // The PIN was entered too long ago: it is asked again, and then the change goes on.
            self.lock();
            self.state()?.wants_change = true;
        }
        replaced
    }

    async fn prepare(&self, signer: &Signer) -> Result<PinPrepared> {
        self.call(signer, "POST", "/v1/pin/prepare", None::<&()>).await
    }

    async fn set_pin(
        &self,
        pin: Pin,
        signer: &Signer,
        prepared: &PinPrepared,
        payload: &SealedPayload,
        vault: Vault,
        flow: &Flow<'_>,
    ) -> Result<Step> {
        let epoch = u32::try_from(prepared.epoch).map_err(|_| Error::StaleEpoch)?;
        let (file, stretched) = self.seal(pin, signer, prepared, epoch, payload).await?;
        let mut account = self.account()?;
        let shelf = &self.shared.shelf;
        if !account.sealed_epochs.contains(&epoch) {
            account.sealed_epochs.push(epoch);
            self.remember(&account)?;
        }
        shelf.save_pin_file(epoch, &file)?;
        let is_change = account.pin_epoch.is_some();
        if !is_change {
            shelf.save_vault(&vault.seal(&SystemRandom::new())?)?;
            account.pin_epoch = Some(epoch);
            account.tries_left = account.rules.pin_max_tries;
            self.remember(&account)?;
            self.set_step(self.local_step(Some(&account))?)?;
        }
        let session = Arc::new(SigningKey::generate(&SystemRandom::new())?);
        let commit = |policy_version| self.commitment(prepared, payload, &session, policy_version);
        let opened: SessionOpened = match self.call_with(signer, "POST", "/v1/pin/commit", commit).await {
            Ok(opened) => opened,
            Err(refused) => {
                // Whether it was committed is not known here: the portal says so at the next unlock.
                if is_change {
                    self.lock();
                }
                return Err(refused);
            }
        };
        account = self.account()?;
        account.pin_epoch = Some(epoch);
        account.tries_left = account.rules.pin_max_tries;
        self.state()?.wants_change = false;
        let step = self.enter(&account, opened, session, vault, flow)?;
        self.keep_only(epoch)?;
        self.keep_for_biometric(epoch, &stretched).await?;
        Ok(step)
    }

    /// The sealed file, opened once already: what cannot be opened is never committed.
    async fn seal(
        &self,
        pin: Pin,
        signer: &Signer,
        prepared: &PinPrepared,
        epoch: u32,
        payload: &SealedPayload,
    ) -> Result<(Vec<u8>, Stretched)> {
        let owner = self.owner()?;
        let portal_key = SharePublicKey::from_bytes(&prepared.portal_key.0).ok_or(Error::ServerProofInvalid)?;
        let salt = generate_bytes::<SALT_LEN>(&SystemRandom::new())?;
        let parameters = self.calibrated().await;
        let stretched = self.stretch(Arc::new(pin), &owner, epoch, salt, parameters).await?;
        let blinding = Blinding::new(ShareInput::derive(&owner, epoch, &stretched), &SystemRandom::new())?;
        let element = Bytes::from(blinding.element().as_bytes());
        let asked = PinPrepareEvaluate { epoch: prepared.epoch, element };
        let answer: PinPrepareEvaluated = self.call(signer, "POST", "/v1/pin/prepare/evaluate", Some(&asked)).await?;
        let evaluation = Evaluation::from_bytes(&answer.evaluation.0).ok_or(Error::ServerProofInvalid)?;
        let share = blinding.finalize(&evaluation, &portal_key)?;
        let key = PinKey::derive(&owner, epoch, &salt, &share, &self.bind(&stretched)?)?;
        let header = SealedHeader::new(owner, epoch, parameters, salt, portal_key, self.shared.connection.portal_ms()?);
        let file = SealedFile::seal(&header, &key, payload, &SystemRandom::new())?;
        match SealedFile::parse(&file)?.open(&key)? {
            Opened::Payload(opened) if opened == *payload => Ok((file, stretched)),
            _ => Err(Error::Internal),
        }
    }

    fn commitment(
        &self,
        prepared: &PinPrepared,
        payload: &SealedPayload,
        session: &SigningKey,
        policy_version: u64,
    ) -> Result<PinCommit> {
        let activated = SigningKey::from_scalar(payload.expose_private_key())?;
        let (session_key, account) = (session.public_key()?, self.account()?);
        let statement = PinProofStatement {
            challenge: &prepared.challenge.0,
            number: prepared.epoch,
            authority: &self.shared.config.authority,
            policy_version,
            device: &account.device,
            session_key: session_key.spki(),
        };
        Ok(PinCommit {
            epoch: prepared.epoch,
            activated_key: activated.public_key()?.spki().into(),
            activated_signature: Bytes(activated.sign(&statement.to_commit())),
            session_key: session_key.spki().into(),
        })
    }

    /// The portal holds `epoch` and no other: the files of all others go, and what a biometric would open one with.
    pub(super) fn keep_only(&self, epoch: u32) -> Result<()> {
        let mut account = self.account()?;
        if account.sealed_epochs == [epoch] {
            return Ok(());
        }
        for other in account.sealed_epochs.iter().filter(|other| **other != epoch) {
            self.shared.shelf.remove_pin_file(*other)?;
        }
        self.shared.shelf.remove_biometric()?;
        account.sealed_epochs = vec![epoch];
        self.remember(&account)
    }

    pub(super) fn owner(&self) -> Result<Owner> {
        let account: Account = self.account()?;
        Owner::new(&account.organisation, &account.device)
    }
}
