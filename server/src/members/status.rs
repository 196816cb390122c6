//! The *2FA Status* of a member, computed from the facts in the query that brings them.

use crate::store::{Row, StoreError, Tx};
use serde::Serialize;
use twinlock_core::code::SET_UP_MS;
use twinlock_core::policy::Rules;

crate::statements! {
    FIND_RULES_OF_LIST = "SELECT rules FROM organisation WHERE id = $1";
}

/// The status as SQL: `$2` is now, `$3` since when an unfinished set-up counts, `$4` after when somebody's deadline runs.
macro_rules! status_case {
    () => {
        "CASE WHEN f.state = 'active' THEN 'set_up' WHEN f.state = 'disabled' THEN 'locked'
            WHEN q.created_ms > $3 THEN 'setting_up' WHEN l.mfa = 1 THEN 'sso_mfa' WHEN x.until_ms > $2 THEN 'exception'
            WHEN m.created_ms > $4 OR o.required_ms > $4 THEN 'grace' WHEN l.signed_in_ms > 0 THEN 'sso_without_mfa'
            WHEN m.reset_ms > 0 THEN 'reset' ELSE 'not_set_up' END"
    };
}

/// Everything that is known of a member of the organisation `$1`, as [`read`] takes it.
macro_rules! select_members {
    () => {
        concat!(
            "SELECT m.id, m.name, m.email, m.role, m.state, ",
            crate::members::status::status_case!(),
            ", (SELECT CAST(count(*) AS BIGINT) FROM device d
                WHERE d.organisation = m.organisation AND d.member = m.id AND d.state = 'approved'),
            COALESCE(x.until_ms, 0), o.required_ms, m.created_ms, COALESCE(l.signed_in_ms, 0), m.reset_ms, m.seen_ms,
            m.sort_name, m.place, m.reminded_ms, m.bounced_ms ",
            crate::members::status::from_members!()
        )
    };
}

/// The facts that a status is made of.
macro_rules! from_members {
    () => {
        "FROM member m
        JOIN organisation o ON o.id = m.organisation
        LEFT JOIN factor f ON f.organisation = m.organisation AND f.member = m.id AND f.state <> 'pending'
        LEFT JOIN factor q ON q.organisation = m.organisation AND q.member = m.id AND q.state = 'pending'
        LEFT JOIN two_step_exception x ON x.organisation = m.organisation AND x.member = m.id
        LEFT JOIN identity_provider i ON i.organisation = m.organisation
        LEFT JOIN sso_link l ON l.organisation = m.organisation AND l.issuer = i.issuer AND l.member = m.id
            AND l.signed_in_ms >= i.set_ms
        WHERE m.organisation = $1"
    };
}

pub(crate) use {from_members, select_members, status_case};

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
}

impl MemberView {
    /// The status in one word: the one that [`two_step`](Self::two_step) says, or `suspended`.
    pub fn status(&self) -> &str {
        if self.state == "suspended" { "suspended" } else { &self.two_step }
    }
}

/// What a status depends on beside the facts of a member: the time and the policy.
pub struct Moment {
    rules: Rules,
    /// Epoch milliseconds.
    pub now_ms: u64,
}

impl Moment {
    /// The policy as it stands inside this transaction, at `now_ms`.
    pub fn of(tx: &mut Tx<'_>, organisation: &str, now_ms: u64) -> Result<Self, StoreError> {
        let row = tx.query_one(FIND_RULES_OF_LIST, &[organisation.into()])?;
        let rules = row.map(|row| Ok(serde_json::from_str(row.text(0)?).ok())).transpose()?.flatten();
        // Unreadable rules are no rules to relax.
        Ok(Self { rules: rules.unwrap_or_else(Rules::strict), now_ms })
    }

    /// An unfinished set-up counts if it began after this.
    pub fn fresh_after_ms(&self) -> u64 {
        self.now_ms.saturating_sub(SET_UP_MS)
    }

    /// The deadline runs for whom the rule first applied to after this.
    pub fn graced_after_ms(&self) -> u64 {
        if self.rules.two_step && self.rules.grace_days > 0 {
            self.now_ms.saturating_sub(self.grace_ms())
        } else {
            u64::MAX
        }
    }

    fn grace_ms(&self) -> u64 {
        u64::from(self.rules.grace_days) * 86_400_000
    }
}

/// Reads a row of [`select_members`].
pub fn read(row: &Row, moment: &Moment) -> Result<MemberView, StoreError> {
    let two_step = row.text(5)?.to_owned();
    let until_ms = match two_step.as_str() {
        "exception" => Some(row.unsigned(7)?),
        "grace" => Some(row.unsigned(8)?.max(row.unsigned(9)?).saturating_add(moment.grace_ms())),
        _ => None,
    };
    let sso_at_ms = Some(row.unsigned(10)?).filter(|_| matches!(two_step.as_str(), "sso_mfa" | "sso_without_mfa"));
    let reset_ms = Some(row.unsigned(11)?).filter(|_| two_step == "reset");
    Ok(MemberView {
        id: row.text(0)?.to_owned(),
        name: row.text(1)?.to_owned(),
        email: row.text(2)?.to_owned(),
        role: row.text(3)?.to_owned(),
        state: row.text(4)?.to_owned(),
        two_step,
        until_ms,
        sso_at_ms,
        reset_ms,
        devices: row.unsigned(6)?,
        seen_ms: row.unsigned(12)?,
        sort_name: row.text(13)?.to_owned(),
        place: row.int(14)?,
        reminded_ms: row.unsigned(15)?,
        bounced_ms: row.unsigned(16)?,
    })
}
