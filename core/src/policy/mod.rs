//! The organisation's policy: what it demands, how it is signed, and the one decision made from it.
//!
//! [`Rules`] are what a policy demands. A [`PolicyDocument`] carries them signed (Ed25519, RFC 8032, over the transmitted
//! bytes); a 24-hour [`Statement`] says which document is the latest. [`decide`] turns rules and facts into the next
//! [`Step`](crate::step::Step); the portal calls it for every surface, the device for itself.

mod decide;
mod document;
mod handover;

pub use decide::{DeviceFact, DeviceState, FactorState, Facts, MemberState, PinFact, SessionFact, Surface, decide};
pub use document::{PolicyDocument, SeenPolicy, Signed, Statement, sha256_hex};
pub use handover::Handover;

use serde::{Deserialize, Serialize};

/// What a policy demands. Times in milliseconds unless the name says otherwise; ranges as `Rules::validate` checks them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Rules {
    /// *Require Two-Step Authentication*.
    pub two_step: bool,
    /// Digits a PIN has at least, 6–12.
    pub pin_min_length: u8,
    /// PIN failures in a row before the PIN is erased, 3–10 (NIST SP 800-63B-4 §3.2.10 allows at most 10).
    pub pin_max_tries: u32,
    /// Code failures in a row before the authenticator is disabled, 5–10.
    pub code_max_tries: u32,
    /// Which devices an admin has to approve.
    pub device_approval: DeviceApproval,
    /// Inactivity before a session locks, 0–60 min.
    pub idle_ms: u64,
    /// Longest life of a session, 1–24 h (NIST SP 800-63B-4 §2.2.3).
    pub session_ms: u64,
    /// Days between two codes on a phone, 1–90; in between the PIN opens sessions.
    pub code_days: u32,
    /// Oldest app version that may be used, `major.minor.patch`; empty for any.
    pub min_app: String,
    /// Days that members who are not set up have left, from when the rule first applied to them, 0–90.
    #[serde(default)]
    pub grace_days: u32,
    /// Weakening the policy, an exception and an admin's own device need a second admin.
    #[serde(default)]
    pub two_person: bool,
    /// What the first authenticator of an account that was used before has to be confirmed by.
    #[serde(default)]
    pub first_factor: FirstFactor,
}

/// What the first authenticator of an account that was used before has to be confirmed by: whoever knows nothing but the
/// password would otherwise become the one who holds the second factor.
///
/// The order is that of strictness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum FirstFactor {
    /// Nothing; the member is told by mail.
    #[default]
    Free,
    /// The link of a mail to the member, or an admin.
    Mail,
    /// An admin.
    Admin,
}

/// Which devices an admin has to approve.
///
/// The order is that of strictness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DeviceApproval {
    /// None.
    None,
    /// Every one but a member's first.
    FirstFree,
    /// Every one.
    Every,
}

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;

impl Rules {
    /// The defaults of a new organisation, two-step not yet required.
    pub fn defaults() -> Self {
        Self {
            two_step: false,
            pin_min_length: 6,
            pin_max_tries: 8,
            code_max_tries: 10,
            device_approval: DeviceApproval::Every,
            idle_ms: 15 * MINUTE_MS,
            session_ms: 12 * HOUR_MS,
            code_days: 30,
            min_app: String::new(),
            grace_days: 0,
            two_person: false,
            first_factor: FirstFactor::Free,
        }
    }

    /// What holds when no valid policy is at hand: two-step for everybody, every device approved, a code each day.
    pub fn strict() -> Self {
        Self { two_step: true, code_days: 1, pin_max_tries: 3, code_max_tries: 5, ..Self::defaults() }
    }

    /// The stricter of these rules and the strict profile, rule by rule: for when nobody vouches for these any more.
    pub fn tightened(&self) -> Self {
        Self { grace_days: 0, two_person: true, ..self.stricter(&Self::strict()) }
    }

    /// The stricter of both, rule by rule.
    pub fn stricter(&self, other: &Self) -> Self {
        Self {
            two_step: self.two_step || other.two_step,
            pin_min_length: self.pin_min_length.max(other.pin_min_length),
            pin_max_tries: self.pin_max_tries.min(other.pin_max_tries),
            code_max_tries: self.code_max_tries.min(other.code_max_tries),
            device_approval: self.device_approval.max(other.device_approval),
            idle_ms: self.idle_ms.min(other.idle_ms),
            session_ms: self.session_ms.min(other.session_ms),
            code_days: self.code_days.min(other.code_days),
            min_app: newer_app(&self.min_app, &other.min_app).to_owned(),
            grace_days: self.grace_days.min(other.grace_days),
            two_person: self.two_person || other.two_person,
            first_factor: self.first_factor.max(other.first_factor),
        }
    }

    /// True if any rule is looser than in `before`.
    pub fn is_weaker_than(&self, before: &Self) -> bool {
        self.stricter(before) != *self
    }

    /// True if every field is within the range that the portal allows.
    pub fn are_in_range(&self) -> bool {
        (6..=12).contains(&self.pin_min_length)
            && (3..=10).contains(&self.pin_max_tries)
            && (5..=10).contains(&self.code_max_tries)
            && self.idle_ms <= 60 * MINUTE_MS
            && (HOUR_MS..=24 * HOUR_MS).contains(&self.session_ms)
            && (1..=90).contains(&self.code_days)
            && self.grace_days <= 90
            && (self.min_app.is_empty() || app_version(&self.min_app).is_some())
    }

    /// True if `version` (`major.minor.patch`) is older than the policy allows; unreadable counts as older.
    pub fn is_app_outdated(&self, version: &str) -> bool {
        app_version(&self.min_app).is_some_and(|oldest| app_version(version).is_none_or(|have| have < oldest))
    }
}

fn newer_app<'a>(one: &'a str, other: &'a str) -> &'a str {
    if app_version(one) < app_version(other) { other } else { one }
}

fn app_version(text: &str) -> Option<[u32; 3]> {
    let mut parts = text.split('.').map(|part| part.parse().ok());
    let version = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loosest() -> Rules {
        Rules {
            two_step: false,
            pin_min_length: 6,
            pin_max_tries: 10,
            code_max_tries: 10,
            device_approval: DeviceApproval::None,
            idle_ms: 60 * MINUTE_MS,
            session_ms: 24 * HOUR_MS,
            code_days: 90,
            min_app: String::new(),
            grace_days: 90,
            two_person: false,
            first_factor: FirstFactor::Free,
        }
    }

    #[test]
    fn f66_tightened_rules_are_nowhere_looser_than_the_policy_or_the_strict_profile() {
        let hard = Rules {
            two_step: true,
            pin_min_length: 12,
            pin_max_tries: 3,
            code_max_tries: 5,
            device_approval: DeviceApproval::Every,
            idle_ms: 0,
            session_ms: HOUR_MS,
            code_days: 1,
            min_app: "3.0.0".to_owned(),
            grace_days: 0,
            two_person: true,
            first_factor: FirstFactor::Admin,
        };
        for rules in [loosest(), Rules::defaults(), Rules::strict(), hard.clone()] {
            let tightened = rules.tightened();
            assert!(!tightened.is_weaker_than(&rules), "{rules:?}");
            assert!(!tightened.is_weaker_than(&Rules::strict()), "{rules:?}");
            assert!(tightened.are_in_range() && tightened.two_step && tightened.two_person);
            assert_eq!(tightened.grace_days, 0);
            assert_eq!(tightened.tightened(), tightened);
        }
        assert_eq!(hard.tightened(), hard);
        assert_eq!(loosest().tightened(), Rules { two_person: true, ..Rules::strict() });
    }

    #[test]
    fn each_loosened_rule_alone_is_a_weaker_policy() {
        let before =
            Rules { min_app: "1.2.0".to_owned(), first_factor: FirstFactor::Mail, ..Rules::strict() }.tightened();
        assert!(!before.is_weaker_than(&before));
        let as_json = |rules: &Rules| serde_json::to_value(rules).unwrap();
        let (strict, loose) = (as_json(&before), as_json(&loosest()));
        for (name, value) in loose.as_object().unwrap() {
            let mut after = strict.clone();
            after[name] = value.clone();
            let rules: Rules = serde_json::from_value(after).unwrap();
            assert_eq!(rules.is_weaker_than(&before), *value != strict[name], "{name}");
            assert!(!before.is_weaker_than(&rules), "{name}");
        }
        let older = Rules { min_app: "1.1.9".to_owned(), ..before.clone() };
        assert!(older.is_weaker_than(&before) && !before.is_weaker_than(&older));
    }
}
