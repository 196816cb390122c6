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
}

/// Which devices an admin has to approve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
        }
    }

    /// What holds when no valid policy is at hand: two-step for everybody, every device approved, a code each day.
    pub fn strict() -> Self {
        Self { two_step: true, code_days: 1, pin_max_tries: 3, code_max_tries: 5, ..Self::defaults() }
    }

    /// The stricter of these rules and the strict profile, rule by rule: for when nobody vouches for these any more.
    pub fn tightened(&self) -> Self {
        let strict = Self::strict();
        Self {
            two_step: true,
            pin_min_length: self.pin_min_length.max(strict.pin_min_length),
            pin_max_tries: self.pin_max_tries.min(strict.pin_max_tries),
            code_max_tries: self.code_max_tries.min(strict.code_max_tries),
            device_approval: DeviceApproval::Every,
            idle_ms: self.idle_ms.min(strict.idle_ms),
            session_ms: self.session_ms.min(strict.session_ms),
            code_days: self.code_days.min(strict.code_days),
            min_app: self.min_app.clone(),
            grace_days: 0,
            two_person: true,
        }
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

fn app_version(text: &str) -> Option<[u32; 3]> {
    let mut parts = text.split('.').map(|part| part.parse().ok());
    let version = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(version)
}
