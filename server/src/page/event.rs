//! An entry of the audit log in words: who, what, to whom, why. The log, the overview and an entry's own page show it.

use super::proposals::differences;
use crate::audit;
use crate::store::{StoreError, Tx};
use crate::words::Words;
use serde_json::Value;
use twinlock_core::policy::Rules;

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
    let target_name = named.map_or_else(|| target.clone(), |(_, name)| name);
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
            _ => name,
        },
        is_member,
        what: said(words, &action),
        action,
        target,
        target_name,
        target_page,
        reasons: reasons.into_iter().map(str::to_owned).collect(),
        facts: facts(words, detail),
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

/// The facts of a detail, without the reasons: a line each, what changed as `before → after`.
fn facts(words: &Words, detail: &Value) -> Vec<String> {
    let rules = |name: &str| detail.get(name).and_then(|value| serde_json::from_value::<Rules>(value.clone()).ok());
    if let (Some(before), Some(after)) = (rules("before"), rules("after")) {
        return differences(words, &before, &after);
    }
    let mut lines = Vec::new();
    flatten(words, "", detail, &mut lines);
    lines
}

/// More lines than this are cut: an entry's own page is no dump.
const MOST_LINES: usize = 40;

fn flatten(words: &Words, path: &str, value: &Value, lines: &mut Vec<String>) {
    let Some(fields) = value.as_object() else { return };
    if let (Some(before), Some(after)) = (fields.get("before"), fields.get("after"))
        && !before.is_object()
        && !after.is_object()
    {
        lines.push(format!("{path}{} → {}", shown(words, "before", before), shown(words, "after", after)));
        return;
    }
    for (name, value) in fields {
        if lines.len() >= MOST_LINES {
            return;
        }
        match value {
            Value::Object(_) => flatten(words, &format!("{path}{name}."), value, lines),
            Value::Null => {}
            Value::String(_) if matches!(name.as_str(), "reason" | "reference") => {}
            value => lines.push(format!("{path}{name}: {}", shown(words, name, value))),
        }
    }
}

fn shown(words: &Words, name: &str, value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(ms) if name.ends_with("_ms") && ms.as_u64().is_some_and(|ms| ms > 1_000_000_000_000) => {
            words.utc(ms.as_u64().unwrap_or_default())
        }
        Value::Null => "–".to_owned(),
        other => other.to_string(),
    }
}
