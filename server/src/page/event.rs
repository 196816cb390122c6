//! An entry of the audit log in words: who, what, to whom, why. The log, the overview and an entry's own page show it.

use super::facts::facts;
use crate::audit;
use crate::store::{StoreError, Tx};
use crate::words::Words;
use serde_json::Value;

/// An entry as pages show it.
pub(super) struct EventRow {
    /// The entry's id.
    pub(super) id: String,
    pub(super) at_ms: u64,
    pub(super) at_utc: String,
    /// In words, with the name of that time.
    pub(super) actor: String,
    /// The member's id, or `operator` or `portal`.
    pub(super) actor_id: String,
    pub(super) is_member: bool,
    /// `noun.verb`.
    pub(super) action: String,
    /// The same in words.
    pub(super) what: String,
    /// The id.
    pub(super) target: String,
    /// Its present name, or its id.
    pub(super) target_name: String,
    /// Where it can be looked at, by an admin; or empty.
    pub(super) target_page: String,
    /// Each reason that was written.
    pub(super) reasons: Vec<String>,
    /// What else is known, a line each.
    pub(super) facts: Vec<String>,
    pub(super) address: String,
    pub(super) request_id: String,
    pub(super) policy_version: String,
}

/// Reads an entry, and asks what its target is called now.
pub(super) fn row(tx: &mut Tx<'_>, organisation: &str, words: &Words, entry: &Value) -> Result<EventRow, StoreError> {
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let null = Value::Null;
    let (actor, detail) = (entry.get("actor").unwrap_or(&null), entry.get("detail").unwrap_or(&null));
    let is_member = text(actor, "kind") == "member";
    let name = text(actor, "name");
    let at_ms = entry.get("at_ms").and_then(Value::as_u64).unwrap_or_default();
    let (action, target) = (text(entry, "action"), text(entry, "target"));
    let named = audit::name_target(tx, organisation, &target)?;
    let target_page = match named.as_ref().map(|(kind, _)| kind.as_str()) {
        Some("member") => format!("/admin/users/{target}"),
        Some("device") => format!("/admin/devices/{target}"),
        Some("file") => "/files".to_owned(),
        _ => page_of(&action).to_owned(),
    };
    let target_name = match named {
        Some((_, name)) => name,
        // It has no name, and its id says nothing.
        None if action.starts_with("proposal.") => words.say("audit-fact-proposal"),
        None => target.clone(),
    };
    let mut reasons = Vec::new();
    audit::gather_reasons(detail, &mut reasons);
    Ok(EventRow {
        id: text(entry, "id"),
        at_ms,
        at_utc: words.utc(at_ms),
        actor_id: if is_member { text(actor, "id") } else { name.clone() },
        actor: match name.as_str() {
            "operator" if !is_member => words.say("audit-operator"),
            "portal" if !is_member => words.say("audit-portal"),
            "freeze link" | "mail link" if !is_member => words.say("audit-mail-reader"),
            _ => name,
        },
        is_member,
        what: said(words, &action),
        action,
        target,
        target_name,
        target_page,
        reasons: reasons.into_iter().map(str::to_owned).collect(),
        facts: facts(tx, organisation, words, detail)?,
        address: text(entry, "address"),
        request_id: text(entry, "request_id"),
        policy_version: entry.get("policy_version").and_then(Value::as_u64).map(|n| n.to_string()).unwrap_or_default(),
    })
}

/// An action in words; one without words is shown as it is.
pub(super) fn said(words: &Words, action: &str) -> String {
    let key = format!("audit-action-{}", action.replace(['.', '_'], "-"));
    words.find(&key, &[]).unwrap_or_else(|| action.to_owned())
}

/// Where what has no name of its own is looked at.
fn page_of(action: &str) -> &'static str {
    match action.split('.').next() {
        Some("policy" | "proposal") => "/admin/policies",
        _ => "",
    }
}
