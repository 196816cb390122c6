//! The *2FA Status* of a member, computed from the facts that the query brings.

use crate::store::{Row, StoreError, Tx};
use serde::Serialize;
use twinlock_core::code::SET_UP_MS;
use twinlock_core::policy::Rules;

crate::statements! {
    FIND_MOMENT = "SELECT o.rules, o.required_ms, COALESCE(i.issuer, ''), COALESCE(i.set_ms, 0)
        FROM organisation o LEFT JOIN identity_provider i ON i.organisation = o.id WHERE o.id = $1";
}

/// Everything that is known of a member of the organisation `$1`, as [`read`] takes it.
macro_rules! select_members {
    () => {
        "SELECT m.id, m.name, m.email, m.role, m.state, COALESCE(f.state, ''),
            (SELECT CAST(count(*) AS BIGINT) FROM device d
                WHERE d.organisation = m.organisation AND d.member = m.id AND d.state = 'approved'),
            COALESCE(x.until_ms, 0), COALESCE(q.created_ms, 0), m.created_ms,
            COALESCE(l.signed_in_ms * 2 + l.mfa, 0), m.reset_ms, m.seen_ms, m.sort_name, m.place, m.reminded_ms,
            m.bounced_ms, m.shelf
        FROM member m
        LEFT JOIN factor f ON f.organisation = m.organisation AND f.member = m.id AND f.state <> 'pending'
        LEFT JOIN factor q ON q.organisation = m.organisation AND q.member = m.id AND q.state = 'pending'
        LEFT JOIN two_step_exception x ON x.organisation = m.organisation AND x.member = m.id
        LEFT JOIN identity_provider i ON i.organisation = m.organisation
        LEFT JOIN sso_link l ON l.organisation = m.organisation AND l.issuer = i.issuer AND l.member = m.id
            AND l.signed_in_ms >= i.set_ms
        WHERE m.organisation = $1"
    };
}

/// The same, where the shelf says which facts there are: the others are not looked up. `$2` is the issuer of the
/// organisation's identity provider, `$3` when it was set.
macro_rules! select_shelved {
    () => {
        "SELECT m.id, m.name, m.email, m.role, m.state,
            CASE WHEN m.shelf = 50 THEN 'active' WHEN m.shelf = 10 THEN 'disabled' WHEN m.shelf = 60 THEN
                COALESCE((SELECT f.state FROM factor f
                    WHERE f.organisation = m.organisation AND f.member = m.id AND f.state <> 'pending'), '')
                ELSE '' END,
            (SELECT CAST(count(*) AS BIGINT) FROM device d
                WHERE d.organisation = m.organisation AND d.member = m.id AND d.state = 'approved'),
            CASE WHEN m.shelf IN (22, 32, 40, 60) THEN COALESCE((SELECT x.until_ms FROM two_step_exception x
                WHERE x.organisation = m.organisation AND x.member = m.id), 0) ELSE 0 END,
            CASE WHEN m.shelf IN (40, 60) THEN COALESCE((SELECT q.created_ms FROM factor q
                WHERE q.organisation = m.organisation AND q.member = m.id AND q.state = 'pending'), 0) ELSE 0 END,
            m.created_ms,
            CASE WHEN m.shelf NOT IN (10, 20, 30, 50) THEN COALESCE((SELECT l.signed_in_ms * 2 + l.mfa FROM sso_link l
                WHERE l.organisation = m.organisation AND l.issuer = $2 AND l.member = m.id
                AND l.signed_in_ms >= $3), 0) ELSE 0 END,
            m.reset_ms, m.seen_ms, m.sort_name, m.place, m.reminded_ms, m.bounced_ms, m.shelf
        FROM member m WHERE m.organisation = $1"
    };
}

pub(crate) use {select_members, select_shelved};

/// A member as an admin sees it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct MemberView {
    /// The member's id.
    pub id: String,
    /// Name.
    pub name: String,
    /// E-mail address, which is the sign-in name.
    pub email: String,
    /// `member`, `admin` or `auditor`.
    pub role: String,
    /// `active` or `suspended`.
    pub state: String,
    /// `set_up`, `setting_up`, `sso_mfa`, `exception`, `grace`, `sso_without_mfa`, `reset`, `not_set_up` or `locked`.
    pub two_step: String,
    /// Until when two-step is not demanded, epoch milliseconds, for `exception` and `grace`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<u64>,
    /// When the organisation's identity provider last signed the member in, epoch milliseconds, for `sso_mfa` and
    /// `sso_without_mfa`: what it asserted then, and not what it would assert now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sso_at_ms: Option<u64>,
    /// When an admin reset it, epoch milliseconds, for `reset`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reset_ms: Option<u64>,
    /// Approved devices.
    pub devices: u64,
    /// When the member was last seen, epoch milliseconds, to within ten minutes; 0 for never.
    pub seen_ms: u64,
    /// When the member was last reminded to set two-step up, epoch milliseconds; 0 for never.
    pub reminded_ms: u64,
    /// When a mail to the member was refused for good, epoch milliseconds; 0 for never.
    pub bounced_ms: u64,
    /// Where the row stands in the order of names and of statuses.
    #[serde(skip)]
    pub sort_name: String,
    /// See [`places`](crate::members::places).
    #[serde(skip)]
    pub place: i64,
    /// The same, finer.
    #[serde(skip)]
    pub shelf: i64,
    /// When the member was added, epoch milliseconds.
    #[serde(skip)]
    pub created_ms: u64,
}

impl MemberView {
    /// The status in one word: the one that [`two_step`](Self::two_step) says, or `suspended`.
    pub fn status(&self) -> &str {
        if self.state == "suspended" { "suspended" } else { &self.two_step }
    }
}

/// What a status depends on beside the facts of a member: the time, the policy and the identity provider.
pub struct Moment {
    rules: Rules,
    /// Epoch milliseconds.
    pub now_ms: u64,
    /// Since when two-step is required, epoch milliseconds.
    required_ms: u64,
    /// Of the organisation's identity provider; empty for none.
    pub issuer: String,
    /// When that was set, epoch milliseconds: earlier sign-ins count for nothing.
    pub provider_ms: u64,
}

/// Whose deadline runs, among those whom it could apply to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grace {
    /// No one's.
    Nobody,
    /// That of members who were added after this, epoch milliseconds.
    AddedAfter(u64),
    /// Everyone's: two-step is required since lately.
    Everybody,
}

impl Moment {
    /// The policy as it stands inside this transaction, at `now_ms`.
    pub fn of(tx: &mut Tx<'_>, organisation: &str, now_ms: u64) -> Result<Self, StoreError> {
        let strict = Self { rules: Rules::strict(), now_ms, required_ms: 0, issuer: String::new(), provider_ms: 0 };
        let Some(row) = tx.query_one(FIND_MOMENT, &[organisation.into()])? else { return Ok(strict) };
        Ok(Self {
            // Unreadable rules are no rules to relax.
            rules: serde_json::from_str(row.text(0)?).unwrap_or_else(|_| Rules::strict()),
            now_ms,
            required_ms: row.unsigned(1)?,
            issuer: row.text(2)?.to_owned(),
            provider_ms: row.unsigned(3)?,
        })
    }

    /// An unfinished set-up counts if it began after this.
    pub fn fresh_after_ms(&self) -> u64 {
        self.now_ms.saturating_sub(SET_UP_MS)
    }

    /// Whose deadline runs.
    pub fn grace(&self) -> Grace {
        if !self.rules.two_step || self.rules.grace_days == 0 {
            return Grace::Nobody;
        }
        let after_ms = self.now_ms.saturating_sub(self.grace_ms());
        if self.required_ms > after_ms { Grace::Everybody } else { Grace::AddedAfter(after_ms) }
    }

    fn is_in_grace(&self, created_ms: u64) -> bool {
        match self.grace() {
            Grace::Nobody => false,
            Grace::AddedAfter(after_ms) => created_ms > after_ms,
            Grace::Everybody => true,
        }
    }

    fn grace_ms(&self) -> u64 {
        u64::from(self.rules.grace_days) * 86_400_000
    }
}

/// The status of whoever stands on a shelf, if nothing there is out of date.
pub fn of_shelf(shelf: i64, is_in_grace: bool) -> &'static str {
    match shelf {
        10 => "locked",
        40 => "setting_up",
        50 => "set_up",
        60 => "suspended",
        22 | 32 => "exception",
        23 | 33 => "sso_mfa",
        _ if is_in_grace => "grace",
        21 | 31 => "sso_without_mfa",
        20 => "reset",
        _ => "not_set_up",
    }
}

/// The same for a row, as it was counted.
pub fn as_shelved(row: &MemberView, moment: &Moment) -> &'static str {
    of_shelf(row.shelf, moment.is_in_grace(row.created_ms))
}

/// Reads a row of [`select_members`] or [`select_shelved`].
pub fn read(row: &Row, moment: &Moment) -> Result<MemberView, StoreError> {
    let factor = row.text(5)?;
    let (until_ms, pending_ms, created_ms) = (row.unsigned(7)?, row.unsigned(8)?, row.unsigned(9)?);
    let (signed_in_ms, is_mfa) = (row.unsigned(10)? / 2, row.unsigned(10)? % 2 == 1);
    let reset_ms = row.unsigned(11)?;
    let two_step = match factor {
        "active" => "set_up",
        "disabled" => "locked",
        _ if pending_ms > moment.fresh_after_ms() => "setting_up",
        _ if is_mfa => "sso_mfa",
        _ if until_ms > moment.now_ms => "exception",
        _ if moment.is_in_grace(created_ms) => "grace",
        _ if signed_in_ms > 0 => "sso_without_mfa",
        _ if reset_ms > 0 => "reset",
        _ => "not_set_up",
    };
    let until_ms = match two_step {
        "exception" => Some(until_ms),
        "grace" => Some(moment.required_ms.max(created_ms).saturating_add(moment.grace_ms())),
        _ => None,
    };
    Ok(MemberView {
        id: row.text(0)?.to_owned(),
        name: row.text(1)?.to_owned(),
        email: row.text(2)?.to_owned(),
        role: row.text(3)?.to_owned(),
        state: row.text(4)?.to_owned(),
        two_step: two_step.to_owned(),
        until_ms,
        sso_at_ms: Some(signed_in_ms).filter(|_| matches!(two_step, "sso_mfa" | "sso_without_mfa")),
        reset_ms: Some(reset_ms).filter(|_| two_step == "reset"),
        devices: row.unsigned(6)?,
        seen_ms: row.unsigned(12)?,
        sort_name: row.text(13)?.to_owned(),
        place: row.int(14)?,
        reminded_ms: row.unsigned(15)?,
        bounced_ms: row.unsigned(16)?,
        shelf: row.int(17)?,
        created_ms,
    })
}
