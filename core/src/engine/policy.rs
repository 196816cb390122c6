//! What the device holds the policy to be, and the step that follows from what it knows by itself.

use super::Engine;
use super::account::Account;
use crate::error::Result;
use crate::policy::{DeviceFact, FactorState, Facts, MemberState, PinFact, PolicyDocument, Statement, Surface, decide};
use crate::step::Step;
use crate::wire::PolicyPack;

impl Engine {
    pub(super) fn accept(&self, account: &mut Account, pack: &PolicyPack) -> Result<()> {
        let now_ms = self.shared.connection.portal_ms()?;
        let (key, organisation) = (&account.policy_key.0, &account.organisation);
        let (document, seen) =
            PolicyDocument::accept(&pack.document, key, organisation, account.seen.as_ref(), now_ms)?;
        Statement::verify(&pack.statement, key, organisation, &seen, now_ms)?;
        account.rules = document.requires;
        account.seen = Some(seen);
        Ok(())
    }

    pub(super) fn local_step(&self, account: Option<&Account>) -> Result<Step> {
        let Some(account) = account else { return Ok(Step::SignIn) };
        let device = account.state.map(|state| DeviceFact {
            state,
            pin: match account.pin_epoch {
                Some(_) => PinFact::Set {
                    rule_length: account.rules.pin_min_length,
                    tries_left: account.tries_left,
                    wait_until_ms: 0,
                },
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
            app_outdated: account.rules.is_app_outdated(&self.shared.config.app_version),
        };
        Ok(decide(&account.rules, &facts, Surface::Phone, self.shared.connection.portal_ms()?))
    }

    pub(super) fn policy_version(&self) -> Result<u64> {
        Ok(self.state()?.account.as_ref().and_then(|account| account.seen.as_ref()).map_or(0, |seen| seen.version))
    }
}
