//! What waits for another admin, on the policies page, in words.

use super::lead_to_fresh_code;
use crate::access::{Access, Pages, post};
use crate::caller::Caller;
use crate::portal::Portal;
use crate::problem::Refusal;
use crate::proposals::{self, Content, ProposalView};
use crate::words::Words;
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
    let ((version, rules), words) = (policy, &caller.words);
    let (changes, reason, is_outdated) = match proposal.content {
        Content::Policy(wanted) => {
            (differences(words, rules, &wanted.requires), wanted.reason, wanted.version != version)
        }
        Content::Exception { member, grant, .. } => {
            let values = [("member", name_of(&member).into()), ("until", words.time(grant.until_ms).into())];
            (vec![words.with("policies-proposed-exception", &values)], grant.reason, false)
        }
    };
    ProposalRow {
        id: proposal.id,
        by: proposal.made_by_name,
        made: words.time(proposal.made_ms),
        expires: words.time(proposal.expires_ms),
        reason,
        changes,
        is_outdated,
        is_own: proposal.made_by == caller.member,
    }
}

/// Each rule that differs, as `name: before → after`.
pub(super) fn differences(words: &Words, before: &Rules, after: &Rules) -> Vec<String> {
    let values = |rules: &Rules| serde_json::to_value(rules).unwrap_or_default();
    let (before, after) = (values(before), values(after));
    let names = before.as_object().into_iter().flatten();
    let differing = names.filter_map(|(name, was)| {
        let is = after.get(name)?;
        let said = || format!("{}: {} → {}", label(words, name), text(words, name, was), text(words, name, is));
        (is != was).then(said)
    });
    differing.collect()
}

/// What a rule is called; one without words is shown as it is.
pub(super) fn label(words: &Words, rule: &str) -> String {
    words.find(&format!("policies-rule-{}", rule.replace('_', "-")), &[]).unwrap_or_else(|| rule.to_owned())
}

fn text(words: &Words, rule: &str, value: &Value) -> String {
    match value {
        Value::Bool(true) => words.say("policies-on"),
        Value::Bool(false) => words.say("policies-off"),
        Value::Number(ms) if rule == "idle_ms" && ms.as_u64() == Some(0) => words.say("policies-at-once"),
        Value::Number(ms) if rule.ends_with("_ms") => words.wait(ms.as_u64().unwrap_or_default()),
        Value::String(text) if text.is_empty() => words.say("policies-any-app"),
        Value::String(text) if rule == "device_approval" => {
            words.find(&format!("policies-approval-{}", text.replace('_', "-")), &[]).unwrap_or_else(|| text.clone())
        }
        Value::String(text) if rule == "first_factor" => {
            words.find(&format!("policies-first-factor-{text}"), &[]).unwrap_or_else(|| text.clone())
        }
        Value::String(text) => text.clone(),
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
        let words = Words::default();
        let said = differences(&words, &before, &after);
        assert_eq!(
            said,
            [
                "Sessions last: 12 hours → 24 hours",
                "Two-person rule: on → off",
                "Require Two-Step Authentication: on → off"
            ]
        );
        for language in ["en", "de"] {
            let words = Words::of_member(language, "");
            for (rule, value) in serde_json::to_value(&before).unwrap().as_object().unwrap() {
                assert_ne!(label(&words, rule), *rule, "a rule without words");
                assert_ne!(text(&words, rule, value), "", "a value without words");
            }
        }
    }
}
