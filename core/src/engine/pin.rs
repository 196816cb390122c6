//! A PIN was typed: what it is for depends on the step.

use super::Engine;
use crate::error::{Error, Result};
use crate::pin::{Pin, PinRules};
use crate::step::{PinRequest, Step};

impl Engine {
    /// Submits a PIN: a new one, twice, at `CreatePin` and `ChangePin`; the PIN at `EnterPin`.
    ///
    /// # Errors
    /// [`Error::PinRefused`] by the rules, [`Error::PinMismatch`] for a repeated entry that differs: begin again.
    /// [`Error::WrongPin`] (counted), [`Error::PinWait`], [`Error::PinErased`] (this device's secrets are gone),
    /// [`Error::Corrupt`] and [`Error::StaleEpoch`] (no try was counted), [`Error::ServerProofInvalid`] (says nothing about
    /// the PIN), [`Error::NoPin`]; [`Error::Offline`]: enter the same PIN again, and it is the same try.
    pub async fn submit_pin(&self, pin: Pin) -> Result<Step> {
        let flow = self.flow()?;
        match self.step() {
            Step::CreatePin(request) => match self.choose(pin, request, Step::CreatePin)? {
                Some(pin) => self.create_pin(pin, &flow).await.map_err(|fault| self.begin_again(fault)),
                None => Ok(self.step()),
            },
            Step::ChangePin(request) => match self.choose(pin, request, Step::ChangePin)? {
                Some(pin) => self.replace_pin(pin, &flow).await.map_err(|fault| self.begin_again(fault)),
                None => Ok(self.step()),
            },
            Step::EnterPin { .. } | Step::Wait { .. } => self.unlock(pin, &flow).await,
            _ => Err(Error::StepRequired),
        }
    }

    /// Begins a change of the PIN: `ChangePin` if the PIN was entered less than five minutes ago, or else `EnterPin` first.
    /// [`Engine::refresh`] leaves it again.
    pub fn change_pin(&self) -> Result<Step> {
        let _flow = self.flow()?;
        let account = self.account()?;
        if account.pin_epoch.is_none() {
            return Err(Error::NoPin);
        }
        if !self.is_freshly_unlocked()? {
            self.lock();
            self.state()?.wants_change = true;
            return Ok(self.step());
        }
        self.offer_change()
    }

    pub(super) fn offer_change(&self) -> Result<Step> {
        let min_length = self.account()?.rules.pin_min_length;
        self.set_step(Step::ChangePin(PinRequest { min_length, max_length: Pin::MAX_LEN, repeat: false }))
    }

    /// Both entries are gone; where the step still asks for a new PIN, it asks for the first entry.
    fn begin_again(&self, fault: Error) -> Error {
        let step = match self.step() {
            Step::CreatePin(request) => Step::CreatePin(PinRequest { repeat: false, ..request }),
            Step::ChangePin(request) => Step::ChangePin(PinRequest { repeat: false, ..request }),
            _ => return fault,
        };
        self.set_step(step).err().unwrap_or(fault)
    }

    /// The first entry is kept, the second one compared with it.
    fn choose(&self, pin: Pin, mut request: PinRequest, step: fn(PinRequest) -> Step) -> Result<Option<Pin>> {
        PinRules::new(request.min_length)?.check(&pin)?;
        let first = self.state()?.first_pin.take();
        match first {
            Some(first) if first == pin => Ok(Some(pin)),
            Some(_) => {
                request.repeat = false;
                self.set_step(step(request))?;
                Err(Error::PinMismatch)
            }
            None => {
                request.repeat = true;
                self.calibrate_meanwhile()?;
                self.state()?.first_pin = Some(pin);
                self.set_step(step(request))?;
                Ok(None)
            }
        }
    }
}
