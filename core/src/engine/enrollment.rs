//! The device makes itself known to the portal: commit, reveal, comparison code.

use super::Engine;
use crate::enrollment::{DeviceFacts, Transcript, commitment};
use crate::error::{Error, Result};
use crate::policy::DeviceState;
use crate::ports::generate_bytes;
use crate::step::Step;
use crate::wire::{Bytes, Commitment, CommitmentTaken, Enrolled, EnrollmentStarted, Reveal};
use ring::rand::SystemRandom;

impl Engine {
    pub(super) async fn enroll(&self) -> Result<Step> {
        let (session, mut account) = (self.session()?, self.account()?);
        let started: EnrollmentStarted = self.call(&session, "POST", "/v1/enrollments", None::<&()>).await?;
        let name = &self.shared.config.account;
        self.retire()?;
        let spki = self.ports().device_key.generate(name)?;
        let opening = generate_bytes::<32>(&SystemRandom::new())?;
        let committed = Commitment { commitment: Bytes(commitment(&spki, &opening).to_vec()) };
        let target = format!("/v1/enrollments/{}", started.enrollment);
        let taken: CommitmentTaken = self.call(&session, "POST", &format!("{target}/commit"), Some(&committed)).await?;
        let facts = self.facts()?;
        let transcript = Transcript {
            organisation: &account.organisation,
            policy_key: &account.policy_key.0,
            member: &account.member,
            spki: &spki,
            opening: &opening,
            first_nonce: &started.first_nonce.0,
            second_nonce: &taken.second_nonce.0,
            facts: &facts,
        };
        let signature = Bytes(self.ports().device_key.sign(name, &transcript.to_sign())?);
        let code = transcript.comparison_code()?.grouped();
        account.device_key = Bytes(spki);
        let (opening, device_key) = (Bytes(opening.to_vec()), account.device_key.clone());
        let reveal = Reveal { opening, device_key, facts, signature };
        let enrolled: Enrolled = self.call(&session, "POST", &format!("{target}/reveal"), Some(&reveal)).await?;
        account.device = enrolled.device;
        account.state = Some(enrolled.state);
        account.comparison_code = Some(code);
        self.shared.shelf.save(&account)?;
        self.state()?.account = Some(account);
        self.keep_session()?;
        self.set_step(enrolled.step)
    }

    /// New keys end the device that was enrolled under this name before, whoever's it was. Whatever fails from here on,
    /// what is left asks to be enrolled again.
    fn retire(&self) -> Result<()> {
        let mut former = match self.shared.shelf.account() {
            Ok(Some(former)) => former,
            Ok(None) => return Ok(()),
            // Damaged: the files it names cannot be found, and nothing opens them.
            Err(Error::Corrupt) => return self.shared.shelf.remove_vault(),
            Err(other) => return Err(other),
        };
        former.state = Some(DeviceState::KeyLost);
        former.pin_epoch = None;
        self.shared.shelf.save(&former)?;
        self.clear(&mut former)?;
        self.shared.shelf.save(&former)
    }

    fn facts(&self) -> Result<String> {
        let config = &self.shared.config;
        let facts = DeviceFacts {
            name: config.device_name.clone(),
            model: config.model.clone(),
            system: config.system.clone(),
            app_version: config.app_version.clone(),
            key_level: self.ports().device_key.level(&config.account)?,
            key_place: self.ports().device_key.place(),
        };
        serde_json::to_string(&facts).map_err(|_| Error::Internal)
    }
}
