//! The form of the security policy: its fields, what was typed into them, and two admins' changes brought together.

use serde_json::Value;
use std::collections::HashMap;
use twinlock_core::policy::Rules;

/// What a browser sent, by name.
pub(super) type Sent = HashMap<String, String>;

/// A rule that is a number on the page.
pub(super) struct Number {
    pub(super) name: &'static str,
    /// The rule, and how much of it one is: minutes and hours are milliseconds.
    rule: &'static str,
    unit: u64,
    pub(super) min: u64,
    pub(super) max: u64,
    /// The keys of label and explanation.
    pub(super) label: &'static str,
    pub(super) help: &'static str,
}

const fn number(
    name: &'static str,
    (rule, unit): (&'static str, u64),
    (min, max): (u64, u64),
    (label, help): (&'static str, &'static str),
) -> Number {
    Number { name, rule, unit, min, max, label, help }
}

/// In the order of the page.
pub(super) const NUMBERS: [Number; 7] = [
    number("grace_days", ("grace_days", 1), (0, 90), ("policies-rule-grace-days", "policies-help-grace-days")),
    number(
        "pin_min_length",
        ("pin_min_length", 1),
        (6, 12),
        ("policies-rule-pin-min-length", "policies-help-pin-length"),
    ),
    number("pin_max_tries", ("pin_max_tries", 1), (3, 10), ("policies-rule-pin-max-tries", "policies-help-pin-tries")),
    number(
        "code_max_tries",
        ("code_max_tries", 1),
        (5, 10),
        ("policies-rule-code-max-tries", "policies-help-code-tries"),
    ),
    number("code_days", ("code_days", 1), (1, 90), ("policies-rule-code-days", "policies-help-code-days")),
    number("idle_minutes", ("idle_ms", 60_000), (0, 60), ("policies-field-idle", "policies-help-idle")),
    number("session_hours", ("session_ms", 3_600_000), (1, 24), ("policies-field-session", "policies-help-session")),
];

/// Whose approval a device needs, with the keys of the words.
pub(super) const APPROVALS: [(&str, &str); 3] = [
    ("every", "policies-approval-every"),
    ("first_free", "policies-approval-first-free"),
    ("none", "policies-approval-none"),
];

/// By what the first authenticator of a used account is confirmed.
pub(super) const FIRST_FACTORS: [(&str, &str); 3] = [
    ("free", "policies-first-factor-free"),
    ("mail", "policies-first-factor-mail"),
    ("admin", "policies-first-factor-admin"),
];

impl Number {
    /// What the field shows of these rules.
    pub(super) fn shown(&self, rules: &Rules) -> String {
        let value = to_value(rules).get(self.rule).and_then(Value::as_u64).unwrap_or_default();
        (value / self.unit).to_string()
    }
}

/// The rules that were asked for, on top of those that the form showed; or the name of the first field that is none.
pub(super) fn read(sent: &Sent, shown: &Rules) -> Result<Rules, &'static str> {
    let mut wanted = to_value(shown);
    // A browser sends a check box only when it is checked.
    for name in ["two_step", "two_person"] {
        put(&mut wanted, name, sent.contains_key(name).into());
    }
    for number in &NUMBERS {
        // What stands as it was shown stays as it is, also where it is no whole minute.
        let Some(text) = sent.get(number.name).filter(|text| text.trim() != number.shown(shown)) else { continue };
        let typed = text.trim().parse::<u64>().ok().filter(|n| (number.min..=number.max).contains(n));
        put(&mut wanted, number.rule, (typed.ok_or(number.name)? * number.unit).into());
    }
    for name in ["device_approval", "first_factor", "min_app"] {
        if let Some(text) = sent.get(name) {
            put(&mut wanted, name, text.trim().into());
        }
    }
    let is_offered = |name: &str, choices: &[(&str, &str)]| {
        let chosen = wanted.get(name).and_then(Value::as_str);
        choices.iter().any(|(choice, _)| chosen == Some(choice))
    };
    if !is_offered("first_factor", &FIRST_FACTORS) {
        return Err("first_factor");
    }
    let rules: Rules = serde_json::from_value(wanted).map_err(|_| "device_approval")?;
    if rules.are_in_range() { Ok(rules) } else { Err("min_app") }
}

/// What somebody changed on the rules that the form showed, on top of those that hold now.
pub(super) fn merge(shown: &Rules, own: &Rules, now: &Rules) -> Rules {
    let (shown, own, mut merged) = (to_value(shown), to_value(own), to_value(now));
    for (name, value) in own.as_object().into_iter().flatten() {
        if shown.get(name) != Some(value) {
            put(&mut merged, name, value.clone());
        }
    }
    serde_json::from_value(merged).unwrap_or_else(|_| now.clone())
}

fn to_value(rules: &Rules) -> Value {
    serde_json::to_value(rules).unwrap_or_default()
}

fn put(rules: &mut Value, name: &str, value: Value) {
    if let Some(fields) = rules.as_object_mut() {
        fields.insert(name.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(fields: &[(&str, &str)]) -> Sent {
        fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn what_is_not_typed_stays_as_it_is() {
        let shown = Rules { two_step: true, idle_ms: 90_500, session_ms: 5_400_000, ..Rules::defaults() };
        let all: Sent = NUMBERS.iter().map(|number| (number.name.to_owned(), number.shown(&shown))).collect();
        let with_box: Sent = all.into_iter().chain(sent(&[("two_step", "on")])).collect();
        assert_eq!(read(&with_box, &shown), Ok(shown.clone()));
        let changed =
            read(&sent(&[("idle_minutes", " 30 "), ("min_app", "2.0.0"), ("two_step", "on")]), &shown).unwrap();
        assert_eq!((changed.idle_ms, changed.min_app.as_str(), changed.session_ms), (1_800_000, "2.0.0", 5_400_000));
    }

    #[test]
    fn what_is_no_rule_is_named_by_its_field() {
        for (name, value) in [
            ("idle_minutes", "61"),
            ("session_hours", "0"),
            ("pin_min_length", "5"),
            ("grace_days", "-1"),
            ("code_days", ""),
            ("device_approval", "sometimes"),
            ("first_factor", "perhaps"),
            ("min_app", "new"),
        ] {
            assert_eq!(read(&sent(&[(name, value)]), &Rules::defaults()), Err(name));
        }
    }

    #[test]
    fn two_changes_come_together_and_ones_own_comes_last() {
        let shown = Rules::defaults();
        let own = Rules { two_step: true, pin_min_length: 8, ..shown.clone() };
        let now = Rules { grace_days: 7, pin_min_length: 10, ..shown.clone() };
        let merged = merge(&shown, &own, &now);
        assert_eq!(merged, Rules { two_step: true, grace_days: 7, pin_min_length: 8, ..shown });
    }
}
