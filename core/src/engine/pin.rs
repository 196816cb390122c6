//! A new PIN: typed twice, sealed, and committed by the portal.

use super::{Engine, Flow};
use crate::error::{Error, Result};
use crate::pin::{Owner, Pin, PinKey, PinRules, SALT_LEN, StretchMemory, StretchParameters, Stretched, hardware_guess};
use crate::ports::{PinKeyKind, PortError, generate_bytes};
use crate::proof::SigningKey;
use crate::sealed::{SealedFile, SealedHeader, SealedPayload};
use crate::step::Step;
use crate::vault::Vault;
use crate::wire::{Bytes, PinCommit, PinPrepared, PinProofStatement, SessionOpened};
use ring::rand::SystemRandom;
use std::sync::Arc;

impl Engine {
    /// Submits a PIN: a new one, twice, at `CreatePin`; the PIN at `EnterPin`.
    pub async fn submit_pin(&self, pin: Pin) -> Result<Step> {
        let flow = self.flow()?;
        match self.step() {
            Step::CreatePin(mut request) => {
                PinRules::new(request.min_length)?.check(&pin)?;
                let first = self.state()?.first_pin.take();
                match first {
                    None => {
                        request.repeat = true;
                        self.state()?.first_pin = Some(pin);
                        self.set_step(Step::CreatePin(request))
                    }
                    Some(first) if first == pin => self.create_pin(pin, &flow).await,
                    Some(_) => {
                        request.repeat = false;
                        self.set_step(Step::CreatePin(request))?;
                        Err(Error::PinMismatch)
                    }
                }
            }
            Step::EnterPin { .. } | Step::Wait { .. } => self.unlock(pin, &flow).await,
            _ => Err(Error::StepRequired),
        }
    }

    /// Sealed and durable on the device before the portal commits: either side may die in between, and exactly one PIN
    /// opens, or none exists yet.
    async fn create_pin(&self, pin: Pin, flow: &Flow<'_>) -> Result<Step> {
        let account = self.account()?;
        let device = self.device_signer(&account);
        let prepared: PinPrepared = match self.call(&device, "POST", "/v1/pin/prepare", None::<&()>).await {
            // The portal sees another step than the one that was drawn: draw that.
            Err(Error::StepRequired) => {
                self.ask().await?;
                return Err(Error::StepRequired);
            }
            other => other?,
        };
        let epoch = u32::try_from(prepared.epoch).map_err(|_| Error::StaleEpoch)?;
        let owner = Owner::new(&account.organisation, &account.device)?;
        let payload = SealedPayload::generate(&SystemRandom::new())?;
        let file = self.seal(pin, &owner, epoch, &payload).await?;
        let vault = Vault::new(payload.vault_key(), &owner);
        let mut account = self.account()?;
        let shelf = &self.shared.shelf;
        if !account.sealed_epochs.contains(&epoch) {
            account.sealed_epochs.push(epoch);
            self.remember(&account)?;
        }
        shelf.save_pin_file(epoch, &file)?;
        shelf.save_vault(&vault.seal(&SystemRandom::new())?)?;
        account.pin_epoch = Some(epoch);
        account.tries_left = account.rules.pin_max_tries;
        self.remember(&account)?;
        self.set_step(self.local_step(Some(&account))?)?;
        let session = Arc::new(SigningKey::generate(&SystemRandom::new())?);
        let commit = self.commitment(&account.device, &prepared, &payload, &session)?;
        let opened: SessionOpened = self.call(&device, "POST", "/v1/pin/commit", Some(&commit)).await?;
        self.enter(&self.account()?, opened, session, vault, flow)
    }

    async fn seal(&self, pin: Pin, owner: &Owner, epoch: u32, payload: &SealedPayload) -> Result<Vec<u8>> {
        let salt = generate_bytes::<SALT_LEN>(&SystemRandom::new())?;
        let parameters = StretchParameters::DEFAULT;
        let key = self.derive(pin, owner, epoch, salt, parameters).await?;
        let header = SealedHeader::new(owner.clone(), epoch, parameters, salt, self.shared.connection.portal_ms()?);
        SealedFile::seal(&header, &key, payload, &SystemRandom::new())
    }

    fn commitment(
        &self,
        device: &str,
        prepared: &PinPrepared,
        payload: &SealedPayload,
        session: &SigningKey,
    ) -> Result<PinCommit> {
        let activated = SigningKey::from_scalar(payload.expose_private_key())?;
        let session_key = session.public_key()?;
        let statement = PinProofStatement {
            challenge: &prepared.challenge.0,
            number: prepared.epoch,
            authority: &self.shared.config.authority,
            device,
            session_key: session_key.spki(),
        };
        Ok(PinCommit {
            epoch: prepared.epoch,
            activated_key: activated.public_key()?.spki().into(),
            activated_signature: Bytes(activated.sign(&statement.to_commit())),
            session_key: session_key.spki().into(),
        })
    }

    /// Argon2id off the caller's thread, then one use of the chip.
    pub(super) async fn derive(
        &self,
        pin: Pin,
        owner: &Owner,
        epoch: u32,
        salt: [u8; SALT_LEN],
        parameters: StretchParameters,
    ) -> Result<PinKey> {
        let stretching = owner.clone();
        let stretch = move || -> Result<Stretched> {
            StretchMemory::allocate(parameters)?.stretch(&pin, &stretching, epoch, &salt, parameters)
        };
        let stretched = tokio::task::spawn_blocking(stretch).await.map_err(|_| Error::Internal)??;
        let guess = hardware_guess(&stretched, self.pin_key_kind()?)?;
        let hardware = self.ports().device_key.bind_guess(&self.shared.config.account, guess.expose());
        PinKey::derive(owner, epoch, &salt, &self.or_block(hardware)?)
    }

    /// Asked before a try is counted too: a PIN key that is gone must not cost one.
    pub(super) fn pin_key_kind(&self) -> Result<PinKeyKind> {
        self.or_block(self.ports().device_key.pin_key_kind(&self.shared.config.account))
    }

    fn or_block<T>(&self, answer: std::result::Result<T, PortError>) -> Result<T> {
        if answer.as_ref().err() == Some(&PortError::KeyLost) {
            self.block()?;
        }
        Ok(answer?)
    }
}
