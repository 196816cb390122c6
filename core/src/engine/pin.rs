//! A new PIN: typed twice, sealed, and committed by the portal.

use super::Engine;
use super::account::{VAULT, pin_file};
use crate::error::{Error, Result};
use crate::pin::{Owner, Pin, PinKey, PinRules, SALT_LEN, StretchMemory, StretchParameters, Stretched, hardware_guess};
use crate::ports::generate_bytes;
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
        let _flow = self.flow()?;
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
                    Some(first) if first == pin => self.create_pin(pin).await,
                    Some(_) => {
                        request.repeat = false;
                        self.set_step(Step::CreatePin(request))?;
                        Err(Error::PinMismatch)
                    }
                }
            }
            Step::EnterPin { .. } | Step::Wait { .. } => self.unlock(pin).await,
            _ => Err(Error::StepRequired),
        }
    }

    pub(super) async fn create_pin(&self, pin: Pin) -> Result<Step> {
        let mut account = self.account()?;
        let device = self.device_signer(&account);
        let prepared: PinPrepared = self.call(&device, "POST", "/v1/pin/prepare", None::<&()>).await?;
        let epoch = u32::try_from(prepared.epoch).map_err(|_| Error::StaleEpoch)?;
        let owner = Owner::new(&account.organisation, &account.device)?;
        let salt = generate_bytes::<SALT_LEN>(&SystemRandom::new())?;
        let parameters = StretchParameters::DEFAULT;
        let key = self.derive(pin, &owner, epoch, salt, parameters).await?;
        let payload = SealedPayload::generate(&SystemRandom::new())?;
        let header = SealedHeader::new(owner.clone(), epoch, parameters, salt, self.shared.connection.portal_ms()?);
        let file = SealedFile::seal(&header, &key, &payload, &SystemRandom::new())?;
        // Durable on the device before the portal commits: either side may die in between.
        self.ports().store.write(&pin_file(epoch), &file)?;
        let (activated, session) = (
            SigningKey::from_scalar(payload.expose_private_key())?,
            Arc::new(SigningKey::generate(&SystemRandom::new())?),
        );
        let session_key = session.public_key()?;
        let statement = PinProofStatement {
            challenge: &prepared.challenge.0,
            number: prepared.epoch,
            authority: &self.shared.config.authority,
            device: &account.device,
            session_key: session_key.spki(),
        };
        let commit = PinCommit {
            epoch: prepared.epoch,
            activated_key: activated.public_key()?.spki().into(),
            activated_signature: Bytes(activated.sign(&statement.to_commit())),
            session_key: session_key.spki().into(),
        };
        let opened: SessionOpened = self.call(&device, "POST", "/v1/pin/commit", Some(&commit)).await?;
        account.pin_epoch = Some(epoch);
        account.tries_left = account.rules.pin_max_tries;
        let vault = Vault::new(payload.vault_key(), &owner);
        self.ports().store.write(VAULT, &vault.seal(&SystemRandom::new())?)?;
        self.enter(account, opened, session, vault)
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
        let (device_key, account) = (&self.ports().device_key, &self.shared.config.account);
        let guess = hardware_guess(&stretched, device_key.pin_key_kind(account)?)?;
        let hardware = device_key.bind_guess(account, guess.expose())?;
        PinKey::derive(owner, epoch, &salt, &hardware)
    }
}
