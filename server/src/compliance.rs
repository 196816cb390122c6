//! Whether the organisation does what its policy demands: how many members comply, who does not, and how that went day by day.

use crate::members::status::{Moment, from_members, status_case};
use crate::portal::PortalState;
use crate::store::{StoreError, Tx};
use serde::Serialize;

crate::statements! {
    COUNT_OPEN_BY_STATUS = concat!(
        "SELECT s.status, CAST(count(*) AS BIGINT) FROM (SELECT ",
        status_case!(),
        " AS status ",
        from_members!(),
        " AND m.state = 'active' AND m.place < 5) s GROUP BY s.status"
    );
    COUNT_SET_UP = "SELECT CAST(count(*) AS BIGINT) FROM member WHERE organisation = $1 AND place = 5";
    LIST_TO_BE_LED = "SELECT m.id, m.name FROM member m
        LEFT JOIN factor f ON f.organisation = m.organisation AND f.member = m.id AND f.state <> 'pending'
        WHERE m.organisation = $1 AND m.state = 'active' AND f.id IS NULL ORDER BY m.id LIMIT $2";
    COUNT_UNREACHABLE = "SELECT CAST(count(*) AS BIGINT) FROM member
        WHERE organisation = $1 AND state = 'active' AND (email NOT LIKE '%_@_%' OR bounced_ms > 0)";
    COUNT_ADMINS = "SELECT CAST(count(*) AS BIGINT) FROM member
        WHERE organisation = $1 AND role = 'admin' AND state = 'active'";
    COUNT_FAILED_MAILS = "SELECT CAST(count(*) AS BIGINT) FROM outbox
        WHERE organisation = $1 AND (state = 'failed' OR state = 'bounced')";
    LIST_DAYS = "SELECT day, active, compliant, exceptions FROM compliance_day
        WHERE organisation = $1 AND day > $2 ORDER BY day";
    LIST_WITHOUT_DAY = "SELECT o.id FROM organisation o
        LEFT JOIN compliance_day c ON c.organisation = o.id AND c.day = $1
        WHERE c.day IS NULL ORDER BY o.id LIMIT 50";
    NOTE_DAY = "INSERT INTO compliance_day (organisation, day, active, compliant, exceptions) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (organisation, day) DO UPDATE SET active = excluded.active, compliant = excluded.compliant,
            exceptions = excluded.exceptions";
    FORGET_DAY = "DELETE FROM compliance_day WHERE organisation = $1 AND day = $2";
}

const DAY_MS: u64 = 86_400_000;

/// Active members by their 2FA status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// All active members.
    pub active: u64,
    /// With an authenticator of their own.
    pub set_up: u64,
    /// Whom the identity provider vouched for with MFA at the last sign-in.
    pub sso_mfa: u64,
    /// Of whom two-step is not demanded until a date.
    pub exception: u64,
    /// Within their deadline.
    pub grace: u64,
    /// With a set-up under way.
    pub setting_up: u64,
    /// Whose authenticator was disabled.
    pub locked: u64,
    /// Whom the identity provider let in without MFA.
    pub sso_without_mfa: u64,
    /// Reset by an admin, and not set up again.
    pub reset: u64,
    /// Nothing of the above.
    pub not_set_up: u64,
}

impl Counts {
    /// With a second factor: their own, or one that the identity provider asserted.
    pub fn compliant(self) -> u64 {
        self.set_up + self.sso_mfa
    }
}

/// A day of the past, or today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    /// In UTC, days since 1970.
    pub day: u64,
    /// Active members.
    pub active: u64,
    /// How many of them complied.
    pub compliant: u64,
    /// How many had an exception.
    pub exceptions: u64,
}

/// The day of a time, in UTC.
pub fn day_of(at_ms: u64) -> u64 {
    at_ms / DAY_MS
}

/// The active members by their status at `now_ms`. Whoever is set up is counted by an index, all others by their facts.
pub fn count(tx: &mut Tx<'_>, organisation: &str, now_ms: u64) -> Result<Counts, StoreError> {
    let moment = Moment::of(tx, organisation, now_ms)?;
    let set_up = tx.query_one(COUNT_SET_UP, &[organisation.into()])?.map_or(Ok(0), |row| row.unsigned(0))?;
    let mut counts = Counts { active: set_up, set_up, ..Counts::default() };
    let values = [organisation.into(), now_ms.into(), moment.fresh_after_ms().into(), moment.graced_after_ms().into()];
    for row in tx.query(COUNT_OPEN_BY_STATUS, &values)? {
        let number = row.unsigned(1)?;
        counts.active += number;
        match row.text(0)? {
            "set_up" => counts.set_up += number,
            "locked" => counts.locked = number,
            "setting_up" => counts.setting_up = number,
            "sso_mfa" => counts.sso_mfa = number,
            "exception" => counts.exception = number,
            "grace" => counts.grace = number,
            "sso_without_mfa" => counts.sso_without_mfa = number,
            "reset" => counts.reset = number,
            _ => counts.not_set_up = number,
        }
    }
    Ok(counts)
}

/// The first `limit` active members without an authenticator, as id and name: whom the switch leads to the set-up.
pub fn to_be_led(tx: &mut Tx<'_>, organisation: &str, limit: u32) -> Result<Vec<(String, String)>, StoreError> {
    let rows = tx.query(LIST_TO_BE_LED, &[organisation.into(), limit.into()])?;
    rows.iter().map(|row| Ok((row.text(0)?.to_owned(), row.text(1)?.to_owned()))).collect()
}

/// Active admins.
pub fn admins(tx: &mut Tx<'_>, organisation: &str) -> Result<u64, StoreError> {
    tx.query_one(COUNT_ADMINS, &[organisation.into()])?.map_or(Ok(0), |row| row.unsigned(0))
}

/// Active members whose address takes no mail, or sent the last one back.
pub fn unreachable(tx: &mut Tx<'_>, organisation: &str) -> Result<u64, StoreError> {
    tx.query_one(COUNT_UNREACHABLE, &[organisation.into()])?.map_or(Ok(0), |row| row.unsigned(0))
}

/// Mails that an admin has to look at.
pub fn failed_mails(tx: &mut Tx<'_>, organisation: &str) -> Result<u64, StoreError> {
    tx.query_one(COUNT_FAILED_MAILS, &[organisation.into()])?.map_or(Ok(0), |row| row.unsigned(0))
}

/// The days that were noted after `after`, the oldest first.
pub fn days(tx: &mut Tx<'_>, organisation: &str, after: u64) -> Result<Vec<Day>, StoreError> {
    let rows = tx.query(LIST_DAYS, &[organisation.into(), after.into()])?;
    let day = |row: &crate::store::Row| {
        Ok(Day {
            day: row.unsigned(0)?,
            active: row.unsigned(1)?,
            compliant: row.unsigned(2)?,
            exceptions: row.unsigned(3)?,
        })
    };
    rows.iter().map(day).collect()
}

/// Today is counted anew within a minute: the policy has changed. Counting itself would hold up everybody who writes.
pub fn forget_today(tx: &mut Tx<'_>, organisation: &str, now_ms: u64) -> Result<(), StoreError> {
    tx.exec(FORGET_DAY, &[organisation.into(), day_of(now_ms).into()]).map(drop)
}

/// Notes today for every organisation that has no note of it yet. Call it every minute.
pub async fn note_days(portal: &PortalState, now_ms: u64) -> Result<(), StoreError> {
    let day = day_of(now_ms);
    let read = move |tx: &mut Tx<'_>| {
        let mut counted = Vec::new();
        for row in tx.query(LIST_WITHOUT_DAY, &[day.into()])? {
            let organisation = row.text(0)?.to_owned();
            let counts = count(tx, &organisation, now_ms)?;
            counted.push((organisation, counts));
        }
        Ok(counted)
    };
    let counted = portal.store.read(read).await?;
    if counted.is_empty() {
        return Ok(());
    }
    let write = move |tx: &mut Tx<'_>| {
        for (organisation, counts) in &counted {
            let values = [
                organisation.into(),
                day.into(),
                counts.active.into(),
                counts.compliant().into(),
                counts.exception.into(),
            ];
            tx.exec(NOTE_DAY, &values)?;
        }
        Ok(())
    };
    portal.store.write(write).await
}
