//! The PIN opens what it sealed: counted by the portal, checked on the device, proven to the portal.

use super::account::Account;
use super::attempt::Counted;
use super::connection::Signer;
use super::{Engine, Flow};
use crate::error::{Error, Result};
use crate::pin::{Owner, Pin, PinKey, Stretched};
use crate::proof::SigningKey;
use crate::sealed::{Opened, SealedFile, SealedPayload};
use crate::step::Step;
use crate::vault::Vault;
use crate::wire::{Bytes, PinProofStatement, PinProve, SessionOpened};
use ring::rand::SystemRandom;
use std::sync::Arc;

impl Engine {
    pub(super) async fn unlock(&self, pin: Pin, flow: &Flow<'_>) -> Result<Step> {
        let owner = self.owner()?;
        // Damage and a lost key are found before a try is spent.
        let files = self.sealed_files(&owner)?;
        self.pin_key_kind()?;
        self.renew_policy().await?;
        let pin = Arc::new(pin);
        for (epoch, file) in files {
            let (salt, parameters) = (*file.header().salt(), file.header().parameters());
            let stretched = self.stretch(Arc::clone(&pin), &owner, epoch, salt, parameters).await?;
            match self.open_with(&stretched, epoch, &file, flow).await {
                // Not counted: the portal holds another epoch, which may be that of the next file.
                Err(Error::StaleEpoch) => {}
                outcome => {
                    if outcome.is_ok() {
                        self.keep_for_biometric(epoch, &stretched).await?;
                    }
                    return outcome;
                }
            }
        }
        self.block()?;
        Err(Error::StaleEpoch)
    }

    /// One try with what a PIN was stretched to.
    pub(super) async fn open_with(
        &self,
        stretched: &Stretched,
        epoch: u32,
        file: &SealedFile,
        flow: &Flow<'_>,
    ) -> Result<Step> {
        let owner = self.owner()?;
        let counted = self.count_try(&owner, epoch, stretched).await?;
        let share = match counted.share(file.header().portal_key()) {
            Ok(share) => share,
            Err(refused) => {
                self.settle_attempt(&Err::<(), _>(refused))?;
                self.note_tries(&counted)?;
                return Err(refused);
            }
        };
        let key = PinKey::derive(&owner, epoch, file.header().salt(), &share, &self.bind(stretched)?)?;
        let Opened::Payload(payload) = file.open(&key)? else { return self.refuse_wrong_pin(&counted) };
        let session = Arc::new(SigningKey::generate(&SystemRandom::new())?);
        let proven = self.prove(&counted, &payload, &session).await;
        self.settle_attempt(&proven)?;
        let opened = proven?;
        let vault = match self.shared.shelf.vault()? {
            Some(bytes) => Vault::open(&bytes, payload.vault_key(), &owner)?,
            None => Vault::new(payload.vault_key(), &owner),
        };
        let mut account = self.account()?;
        account.pin_epoch = Some(epoch);
        account.tries_left = account.rules.pin_max_tries;
        let step = self.enter(&account, opened, session, vault, flow)?;
        self.keep_only(epoch)?;
        let wants_change = self.state()?.wants_change;
        if wants_change && step == Step::Ready { self.offer_change() } else { Ok(step) }
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
        let now_ms = self.ports().clock.boot_ms()?;
        let mut state = self.state()?;
        if state.locks != flow.locks {
            return Err(Error::Locked);
        }
        state.session = Some(Signer::Session { token: opened.session.expose().into(), key });
        state.vault = Some(vault);
        (state.unlocked_boot_ms, state.used_boot_ms) = (now_ms, now_ms);
        state.step = opened.step.clone();
        Ok(opened.step)
    }

    /// Keeps the account, on the device first.
    pub(super) fn remember(&self, account: &Account) -> Result<()> {
        self.shared.shelf.save(account)?;
        self.state()?.account = Some(account.clone());
        Ok(())
    }

    /// The files that are whole and this device's, the newest first. More than one where the portal's answer to a new PIN
    /// got lost: it refuses, uncounted, what is not the epoch that it holds.
    fn sealed_files(&self, owner: &Owner) -> Result<Vec<(u32, SealedFile)>> {
        let account = self.account()?;
        if account.pin_epoch.is_none() {
            return Err(Error::NoPin);
        }
        let (mut files, mut fault) = (Vec::new(), Error::KeyLost);
        for epoch in account.sealed_epochs.iter().rev() {
            match self.sealed_file(owner, *epoch) {
                Ok(Some(file)) => files.push((*epoch, file)),
                Ok(None) => {}
                // These pass; what blocks does not.
                Err(passing @ (Error::StoreFailed | Error::KeyUnavailable)) => return Err(passing),
                Err(found) => fault = found,
            }
        }
        if files.is_empty() {
            self.block()?;
            return Err(fault);
        }
        Ok(files)
    }

    /// The file of one epoch, if it is there; whole and this device's, or the reason why not.
    pub(super) fn sealed_file(&self, owner: &Owner, epoch: u32) -> Result<Option<SealedFile>> {
        let Some(bytes) = self.shared.shelf.pin_file(epoch)? else { return Ok(None) };
        let file = SealedFile::parse(&bytes)?;
        file.check_owner(owner, epoch)?;
        Ok(Some(file))
    }

    /// The last try is spent: what it would have opened goes from this device at once.
    fn refuse_wrong_pin(&self, counted: &Counted) -> Result<Step> {
        let Counted { tries_left, retry_after_ms, .. } = *counted;
        self.settle_attempt(&Ok(()))?;
        if tries_left == 0 {
            self.wipe(None)?;
            return Err(Error::PinErased);
        }
        self.note_tries(counted)?;
        Err(Error::WrongPin { tries_left, retry_after_ms })
    }

    fn note_tries(&self, counted: &Counted) -> Result<Step> {
        let Counted { tries_left, retry_after_ms, .. } = *counted;
        let mut account = self.account()?;
        account.tries_left = tries_left;
        self.remember(&account)?;
        let until_ms = self.shared.connection.portal_ms()?.saturating_add(retry_after_ms);
        self.set_step(if retry_after_ms == 0 { Step::EnterPin { tries_left } } else { Step::Wait { until_ms } })
    }

    async fn prove(&self, counted: &Counted, payload: &SealedPayload, session: &SigningKey) -> Result<SessionOpened> {
        let account = self.account()?;
        let (session_key, activated) = (session.public_key()?, SigningKey::from_scalar(payload.expose_private_key())?);
        let proof = |policy_version| {
            let statement = PinProofStatement {
                challenge: &counted.challenge,
                number: counted.number,
                authority: &self.shared.config.authority,
                policy_version,
                device: &account.device,
                session_key: session_key.spki(),
            };
            Ok(PinProve {
                attempt: counted.number,
                session_key: session_key.spki().into(),
                activated_signature: Bytes(activated.sign(&statement.to_prove())),
            })
        };
        self.call_with(&self.device_signer(&account), "POST", "/v1/pin/prove", proof).await
    }
}
