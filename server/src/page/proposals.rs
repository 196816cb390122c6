//! What waits for another admin, on the policies page, in words.

use super::{lead_to_fresh_code, time};
use crate::access::{Access, Pages, post};
use crate::caller::Caller;
use crate::portal::Portal;
use crate::problem::Refusal;
use crate::proposals::{self, Content, ProposalView};
use axum::Extension;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::Value;
use std::sync::Arc;
use twinlock_core::policy::Rules;

/// A proposal as the page shows it.
pub(super) struct ProposalRow {
    pub(super) id: String,
    pub(super) by: String,
    pub(super) made: String,
    pub(super) expires: String,
    pub(super) reason: String,
    /// Each thing that it changes.
    pub(super) changes: Vec<String>,
    /// It was made on another policy than the present one.
    pub(super) is_outdated: bool,
    /// The admin who looks at it proposed it.
    pub(super) is_own: bool,
}

pub(super) fn routes(pages: Pages) -> Pages {
    pages.route(Access::Admin, "/admin/proposals/{proposal}/confirm", post(confirm)).route(
        Access::Admin,
        "/admin/proposals/{proposal}/withdraw",
        post(withdraw),
    )
}

/// `name_of` gives a member's name.
pub(super) fn row(
    proposal: ProposalView,
    caller: &Caller,
    policy: (u64, &Rules),
    name_of: impl FnOnce(&str) -> String,
) -> ProposalRow {
    let (version, rules) = policy;
    let (changes, reason, is_outdated) = match proposal.content {
        Content::Policy(wanted) => (differences(rules, &wanted.requires), wanted.reason, wanted.version != version),
        Content::Exception { member, grant, .. } => {
            let text = format!("Two-step is not demanded of {} until {}", name_of(&member), time(grant.until_ms));
            (vec![text], grant.reason, false)
        }
    };
    ProposalRow {
        id: proposal.id,
        by: proposal.made_by_name,
        made: time(proposal.made_ms),
        expires: time(proposal.expires_ms),
        reason,
        changes,
        is_outdated,
        is_own: proposal.made_by == caller.member,
    }
}

/// Each rule that differs, as `name: before → after`.
fn differences(before: &Rules, after: &Rules) -> Vec<String> {
    let values = |rules: &Rules| serde_json::to_value(rules).unwrap_or_default();
    let (before, after) = (values(before), values(after));
    let names = before.as_object().into_iter().flatten();
    let differing = names.filter_map(|(name, was)| {
        let is = after.get(name)?;
        (is != was).then(|| format!("{}: {} → {}", label(name), text(name, was), text(name, is)))
    });
    differing.collect()
}

fn label(rule: &str) -> &str {
    match rule {
        "two_step" => "Require Two-Step Authentication",
        "two_person" => "Two-person rule",
        "grace_days" => "Days to set it up",
        "pin_min_length" => "Digits of a PIN at least",
        "pin_max_tries" => "Wrong PINs in a row",
        "code_max_tries" => "Wrong codes in a row",
        "device_approval" => "Devices that an admin approves",
        "idle_ms" => "Lock after",
        "session_ms" => "Sessions last",
        "code_days" => "Days between two codes on a phone",
        "min_app" => "Oldest app",
        other => other,
    }
}

fn text(rule: &str, value: &Value) -> String {
    match value {
        Value::Bool(true) => "on".to_owned(),
        Value::Bool(false) => "off".to_owned(),
        Value::Number(ms) if rule.ends_with("_ms") => super::duration(ms.as_u64().unwrap_or_default()),
        Value::String(text) if text.is_empty() => "any".to_owned(),
        Value::String(text) => text.replace('_', " "),
        other => other.to_string(),
    }
}

async fn confirm(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(proposal): Path<String>,
) -> Result<Response, Refusal> {
    let wrap = Arc::clone(&portal.key_wrap);
    let confirmed = portal.act(&caller, move |tx, caller| proposals::confirm(tx, caller, wrap.as_ref(), &proposal));
    Ok(match confirmed.await {
        Ok(()) => Redirect::to("/admin/policies?done=confirmed").into_response(),
        Err(refused) => lead_to_fresh_code(refused, "/admin/policies"),
    })
}

async fn withdraw(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(proposal): Path<String>,
) -> Result<Response, Refusal> {
    portal.act(&caller, move |tx, caller| proposals::withdraw(tx, caller, &proposal)).await?;
    Ok(Redirect::to("/admin/policies?done=withdrawn").into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proposal_says_every_rule_that_it_changes_in_words() {
        let before = Rules { two_step: true, two_person: true, ..Rules::defaults() };
        let after = Rules { two_step: false, two_person: false, session_ms: 86_400_000, ..before.clone() };
        let said = differences(&before, &after);
        assert_eq!(
            said,
            [
                "Sessions last: 12 hours → 24 hours",
                "Two-person rule: on → off",
                "Require Two-Step Authentication: on → off"
            ]
        );
        for (rule, _) in serde_json::to_value(&before).unwrap().as_object().unwrap() {
            assert_ne!(label(rule), rule, "a rule without words");
        }
    }
}
