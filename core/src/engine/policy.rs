//! What the device holds the policy to be, and the step that follows from what it knows by itself.

use super::Engine;
use super::account::Account;
use crate::error::{Error, PolicyFault, Result};
use crate::policy::{
    DeviceFact, FactorState, Facts, Handover, MemberState, PinFact, PolicyDocument, SeenPolicy, Statement, decide,
};
use crate::step::Step;
use crate::wire::{Bytes, PolicyPack};

/// A statement is asked for again when this much of its day is left.
const RENEW_BEFORE_MS: u64 = 12 * 3_600_000;

impl Engine {
    /// Takes over what the portal says the policy is. What is refused leaves the strict profile in force.
    pub(super) fn accept(&self, account: &mut Account, pack: &PolicyPack) -> Result<()> {
        let accepted = self.check(account, pack);
        match accepted {
            Ok((key, document, seen, statement)) => {
                account.policy_key = Bytes(key);
                account.rules = document.requires;
                account.seen = Some(seen);
                account.required_from_ms = statement.required_from_ms;
                account.rules_until_ms = statement.expires_ms;
                account.outdated_app.clear();
                Ok(())
            }
            Err(refused) => {
                account.rules_until_ms = 0;
                match refused {
                    Error::PolicyRefused(PolicyFault::UnknownCritical) => {
                        account.outdated_app.clone_from(&self.shared.config.app_version);
                    }
                    Error::PolicyRefused(PolicyFault::Equivocation) => keep_stricter(account, pack),
                    _ => {}
                }
                Err(refused)
            }
        }
    }

    /// Takes the policy over and keeps it, also that it was refused.
    pub(super) fn take_policy(&self, pack: &PolicyPack) -> Result<()> {
        let mut account = self.account()?;
        let accepted = self.accept(&mut account, pack);
        if !account.device.is_empty() {
            self.shared.shelf.save(&account)?;
        }
        let is_blocked = accepted == Err(Error::PolicyRefused(PolicyFault::UnknownCritical));
        self.state()?.account = Some(account);
        if is_blocked {
            self.lock();
        }
        accepted
    }

    /// Asks for the policy again before its statement ends: an organisation that changes nothing says so once a day.
    pub(super) async fn renew_policy(&self) -> Result<()> {
        let account = self.account()?;
        let now_ms = self.shared.connection.learn_portal_ms().await?;
        if account.device.is_empty() || now_ms.saturating_add(RENEW_BEFORE_MS) < account.rules_until_ms {
            return Ok(());
        }
        let signer = self.device_signer(&account);
        self.take_policy(&self.call(&signer, "GET", "/v1/devices/self/policy", None::<&()>).await?)
    }

    fn check(&self, account: &Account, pack: &PolicyPack) -> Result<(Vec<u8>, PolicyDocument, SeenPolicy, Statement)> {
        let now_ms = self.shared.connection.portal_ms()?;
        let Account { organisation, member, .. } = account;
        let key = Handover::follow(&pack.handovers, &account.policy_key.0, organisation)?;
        let (document, seen) =
            PolicyDocument::accept(&pack.document, &key, organisation, account.seen.as_ref(), now_ms)?;
        let statement = Statement::accept(&pack.statement, &key, organisation, member, &seen, now_ms)?;
        Ok((key, document, seen, statement))
    }

    pub(super) fn local_step(&self, account: Option<&Account>) -> Result<Step> {
        let Some(account) = account else { return Ok(Step::SignIn) };
        let now_ms = self.shared.connection.portal_ms()?;
        let rules = account.rules_at(now_ms);
        let device = account.state.map(|state| DeviceFact {
            state,
            pin: match account.pin_epoch {
                Some(_) => {
                    PinFact::Set { rule_length: rules.pin_min_length, tries_left: account.tries_left, wait_until_ms: 0 }
                }
                None => PinFact::None,
            },
            code_at_ms: None,
            owes_code: false,
            // Only the portal knows until when an approved device may finish; it refuses when it is too late.
            finish_until_ms: u64::MAX,
            comparison_code: account.comparison_code.clone(),
        });
        let facts = Facts {
            member: MemberState::Active,
            factor: FactorState::Active,
            session: None,
            device,
            app_outdated: rules.is_app_outdated(&self.shared.config.app_version)
                || account.outdated_app == self.shared.config.app_version,
            required_from_ms: account.required_from_at(now_ms),
        };
        Ok(decide(&rules, &facts, self.shared.config.surface, now_ms))
    }

    pub(super) fn policy_version(&self) -> Result<u64> {
        Ok(self.state()?.account.as_ref().and_then(|account| account.seen.as_ref()).map_or(0, |seen| seen.version))
    }
}

/// Two documents with one version: the phone obeys both.
fn keep_stricter(account: &mut Account, pack: &PolicyPack) {
    let Account { policy_key, organisation, seen, rules, .. } = account;
    let key = Handover::follow(&pack.handovers, &policy_key.0, organisation);
    let other = key
        .ok()
        .zip(seen.as_ref())
        .and_then(|(key, seen)| PolicyDocument::equivocation(&pack.document, &key, organisation, seen));
    if let Some(other) = other {
        *rules = rules.stricter(&other);
    }
}
