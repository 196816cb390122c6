//! One try as the portal counts it. Sent again with the same PIN it is the same try, and costs nothing.

use super::Engine;
use crate::error::{Error, Result};
use crate::pin::{Blinding, Evaluation, Owner, PortalShare, ShareInput, SharePublicKey, Stretched};
use crate::wire::{Bytes, PinEvaluate, PinEvaluated};
use ring::rand::SystemRandom;
use std::sync::Arc;

/// A question that the portal has not answered, or whose answer has not been used. In memory only: with it, what was sent
/// tells the guess.
pub(super) struct Attempt {
    number: u64,
    epoch: u32,
    blinding: Blinding,
}

/// The portal's answer to a try.
pub(super) struct Counted {
    attempt: Arc<Attempt>,
    evaluation: Bytes,
    pub(super) number: u64,
    pub(super) challenge: Vec<u8>,
    pub(super) tries_left: u32,
    pub(super) retry_after_ms: u64,
}

impl Counted {
    /// The portal's share, if the key that the file pinned made it.
    pub(super) fn share(&self, portal_key: &SharePublicKey) -> Result<PortalShare> {
        let evaluation = Evaluation::from_bytes(&self.evaluation.0).ok_or(Error::ServerProofInvalid)?;
        self.attempt.blinding.finalize(&evaluation, portal_key)
    }
}

impl Engine {
    /// Counts a try, or gets the answer of the one that is open. An attempt that the portal has closed meanwhile, because a
    /// proof arrived and its answer got lost, is followed by a new one.
    pub(super) async fn count_try(&self, owner: &Owner, epoch: u32, stretched: &Stretched) -> Result<Counted> {
        let input = || ShareInput::derive(owner, epoch, stretched);
        let (attempt, is_old) = self.attempt(input(), epoch).await?;
        match self.evaluate(&attempt).await {
            Err(Error::BadRequest) if is_old => {
                let (attempt, _) = self.attempt(input(), epoch).await?;
                self.evaluate(&attempt).await
            }
            other => other,
        }
    }

    /// What could be sent again is kept: it may not have arrived, or its answer got lost.
    pub(super) fn settle_attempt<T>(&self, outcome: &Result<T>) -> Result<()> {
        let is_open = matches!(
            outcome,
            Err(Error::Offline | Error::PortalUnavailable | Error::Throttled { .. } | Error::StepRequired)
        );
        if !is_open {
            self.state()?.attempt = None;
        }
        Ok(())
    }

    async fn evaluate(&self, attempt: &Arc<Attempt>) -> Result<Counted> {
        let evaluate = PinEvaluate {
            epoch: attempt.epoch.into(),
            attempt: attempt.number,
            element: Bytes::from(attempt.blinding.element().as_bytes()),
        };
        let signer = self.device_signer(&self.account()?);
        let answer: Result<PinEvaluated> = self.call(&signer, "POST", "/v1/pin/evaluate", Some(&evaluate)).await;
        match answer {
            Ok(PinEvaluated { evaluation, challenge, tries_left, retry_after_ms }) => Ok(Counted {
                number: attempt.number,
                attempt: Arc::clone(attempt),
                evaluation,
                challenge: challenge.0,
                tries_left,
                retry_after_ms,
            }),
            Err(refused) => {
                self.obey_refused_try(refused)?;
                Err(refused)
            }
        }
    }

    /// The open attempt if it asks for the same guess, and true, or else a new one, which is in memory before it is sent: whoever
    /// cancels the call has not lost it.
    async fn attempt(&self, input: ShareInput, epoch: u32) -> Result<(Arc<Attempt>, bool)> {
        let open = self.state()?.attempt.clone();
        if let Some(open) = open.filter(|open| open.epoch == epoch && open.blinding.is_of(&input)) {
            return Ok((open, true));
        }
        let blinding = Blinding::new(input, &SystemRandom::new())?;
        // Numbers grow with the portal's time too, so that a device restored to an earlier state is not out of numbers.
        let now_ms = self.shared.connection.learn_portal_ms().await?;
        let mut account = self.account()?;
        account.attempt = account.attempt.saturating_add(1).max(now_ms);
        self.remember(&account)?;
        let attempt = Arc::new(Attempt { number: account.attempt, epoch, blinding });
        self.state()?.attempt = Some(Arc::clone(&attempt));
        Ok((attempt, false))
    }

    fn obey_refused_try(&self, refused: Error) -> Result<()> {
        match refused {
            Error::PinErased => self.wipe(None)?,
            // The commit of a new PIN never reached the portal.
            Error::NoPin => {
                let mut account = self.account()?;
                account.pin_epoch = None;
                self.remember(&account)?;
                self.set_step(self.local_step(Some(&account))?)?;
            }
            _ => {}
        }
        self.settle_attempt(&Err::<(), _>(refused))
    }
}
