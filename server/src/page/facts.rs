//! The facts of an audit entry in words: a line each, without the reasons, which stand by themselves.

use super::proposals::differences;
use crate::audit;
use crate::policy;
use crate::proposals::Content;
use crate::store::{StoreError, Tx};
use crate::words::Words;
use serde_json::Value;
use twinlock_core::policy::Rules;

/// More lines than this are cut: an entry's own page is no dump.
const MOST_LINES: usize = 40;

/// What an entry's detail says; of what changed, `before → after`.
pub(super) fn facts(
    tx: &mut Tx<'_>,
    organisation: &str,
    words: &Words,
    detail: &Value,
) -> Result<Vec<String>, StoreError> {
    let rules = |name: &str| detail.get(name).and_then(|value| serde_json::from_value::<Rules>(value.clone()).ok());
    if let (Some(before), Some(after)) = (rules("before"), rules("after")) {
        return Ok(differences(words, &before, &after));
    }
    let proposed = detail.get("content").and_then(|content| serde_json::from_value::<Content>(content.clone()).ok());
    let mut lines =
        proposed.map_or(Ok(None), |content| proposal(tx, organisation, words, content))?.unwrap_or_default();
    let is_said = !lines.is_empty();
    if changed(words, "", detail, &mut lines) {
        return Ok(lines);
    }
    for (name, value) in detail.as_object().into_iter().flatten() {
        match (name.as_str(), value.as_str()) {
            ("content", _) if is_said => {}
            ("made_by", Some(id)) => {
                let by = audit::name_target(tx, organisation, id)?.map_or_else(|| id.to_owned(), |(_, name)| name);
                lines.push(format!("{}: {by}", label(words, name)));
            }
            _ => line(words, "", name, value, &mut lines),
        }
    }
    Ok(lines)
}

/// What a proposal would change; `None` where the policy that it was made on is not known.
fn proposal(
    tx: &mut Tx<'_>,
    organisation: &str,
    words: &Words,
    content: Content,
) -> Result<Option<Vec<String>>, StoreError> {
    Ok(match content {
        Content::Policy(wanted) => {
            let made_on = policy::versions_from(tx, organisation, wanted.version)?.into_iter().next();
            made_on
                .filter(|made_on| made_on.version == wanted.version)
                .map(|made_on| differences(words, &made_on.requires, &wanted.requires))
        }
        Content::Exception { member, grant, .. } => {
            let name = audit::name_target(tx, organisation, &member)?.map_or(member, |(_, name)| name);
            let values = [("member", name.into()), ("until", words.utc(grant.until_ms).into())];
            Some(vec![words.with("policies-proposed-exception", &values)])
        }
    })
}

fn flatten(words: &Words, path: &str, value: &Value, lines: &mut Vec<String>) {
    if changed(words, path, value, lines) {
        return;
    }
    for (name, value) in value.as_object().into_iter().flatten() {
        line(words, path, name, value, lines);
    }
}

/// True if the value is one of before and after, which is one line.
fn changed(words: &Words, path: &str, value: &Value, lines: &mut Vec<String>) -> bool {
    match (value.get("before"), value.get("after")) {
        (Some(before), Some(after)) if !before.is_object() && !after.is_object() => {
            lines.push(format!("{path}{} → {}", shown(words, "role", before), shown(words, "role", after)));
            true
        }
        _ => false,
    }
}

fn line(words: &Words, path: &str, name: &str, value: &Value, lines: &mut Vec<String>) {
    if lines.len() >= MOST_LINES {
        return;
    }
    match value {
        Value::Object(_) => flatten(words, &format!("{path}{}, ", label(words, name)), value, lines),
        Value::Null => {}
        Value::String(_) if matches!(name, "reason" | "reference") => {}
        value => lines.push(format!("{path}{}: {}", label(words, name), shown(words, name, value))),
    }
}

/// What a fact is called; one without words is shown as it is.
fn label(words: &Words, name: &str) -> String {
    words.find(&format!("audit-fact-{}", name.replace('_', "-")), &[]).unwrap_or_else(|| name.to_owned())
}

fn shown(words: &Words, name: &str, value: &Value) -> String {
    match value {
        // What the domain has a word for, such as a role; a name that somebody chose stays as it is.
        Value::String(text) if matches!(name, "role" | "surface" | "identity_check" | "by") => {
            words.find(&format!("audit-value-{}", text.replace('_', "-")), &[]).unwrap_or_else(|| text.clone())
        }
        Value::String(text) => text.clone(),
        Value::Number(ms) if name.ends_with("_ms") && ms.as_u64().is_some_and(|ms| ms > 1_000_000_000_000) => {
            words.utc(ms.as_u64().unwrap_or_default())
        }
        Value::Number(bytes) if name == "size" => words.size(bytes.as_u64().unwrap_or_default()),
        Value::Bool(true) => words.say("audit-yes"),
        Value::Bool(false) => words.say("audit-no"),
        Value::Null => "–".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_fact_has_a_name_and_a_value_in_words() {
        let detail = json!({
            "address": "192.0.2.1", "approved": false, "after": { "until_ms": 1_800_000_000_000_u64 }, "before": { "until_ms": 0 },
            "authority": "example.org", "by": "sso", "device": "1", "devices": 1, "factors": 1, "failures": 3,
            "identity_check": "in_person", "issuer": "https://idp.example", "key_level": "software", "key_place": "file",
            "language": "de", "left": 9, "mfa_asserted": true, "model": "M", "name": "N", "proposal": { "id": "1" },
            "receivers": 2, "recovery_codes": 10, "role": "auditor", "session": "1", "sessions": 2, "size": 9,
            "surface": "web", "version": 3, "zone": "Europe/Berlin"
        });
        let mut english = Vec::new();
        flatten(&Words::default(), "", &detail, &mut english);
        let mut german = Vec::new();
        flatten(&Words::of_member("de", ""), "", &detail, &mut german);
        assert_eq!(english.len(), 29, "{english:#?}");
        for line in english.iter().chain(&german) {
            let name = line.rsplit_once(": ").map_or(line.as_str(), |(name, _)| name);
            assert!(!name.contains('_') && name.starts_with(char::is_uppercase), "without words: {line}");
        }
        assert!(
            german.contains(&"Zugang: Browser".to_owned()) && german.contains(&"Rolle: Prüfer".to_owned()),
            "{german:#?}"
        );
    }

    #[test]
    fn what_changed_is_one_line() {
        let mut lines = Vec::new();
        let detail = json!({ "before": "member", "after": "admin" });
        assert!(changed(&Words::default(), "", &detail, &mut lines));
        assert_eq!(lines, ["Member → Admin"]);
    }
}
