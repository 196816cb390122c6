//! Whether the organisation does what its policy demands: how many members comply, who does not, and how that went day by day.

use crate::members::counts;
use crate::members::list::{self, From};
use crate::members::status::{self, Grace, Moment};
use crate::members::wanted::{StatusFilter, Wanted};
use crate::portal::PortalState;
use crate::store::{StoreError, Tx};
use serde::Serialize;

crate::statements! {
    COUNT_IN_GRACE = "SELECT shelf, CAST(count(*) AS BIGINT) FROM member
        WHERE organisation = $1 AND shelf IN (20, 21, 30, 31) AND created_ms > $2 GROUP BY shelf";
    COUNT_UNREACHABLE = "SELECT CAST(count(*) AS BIGINT) FROM member
        WHERE organisation = $1 AND state = 'active' AND (email NOT LIKE '%_@_%' OR bounced_ms > 0)";
    COUNT_ADMINS = "SELECT CAST(count(*) AS BIGINT) FROM member
        WHERE organisation = $1 AND role <> 'member' AND role = 'admin' AND state = 'active'";
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
    /// Who may not sign in; among no others.
    #[serde(skip)]
    pub suspended: u64,
}

impl Counts {
    /// With a second factor: their own, or one that the identity provider asserted.
    pub fn compliant(self) -> u64 {
        self.set_up + self.sso_mfa
    }

    /// The one of a status.
    fn of(&mut self, status: &str) -> &mut u64 {
        match status {
            "set_up" => &mut self.set_up,
            "sso_mfa" => &mut self.sso_mfa,
            "exception" => &mut self.exception,
            "grace" => &mut self.grace,
            "setting_up" => &mut self.setting_up,
            "locked" => &mut self.locked,
            "sso_without_mfa" => &mut self.sso_without_mfa,
            "reset" => &mut self.reset,
            "suspended" => &mut self.suspended,
            _ => &mut self.not_set_up,
        }
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

/// The active members by their status at `now_ms`: kept counts, and by their facts only those whose deadline runs and those
/// whose exception or set-up has just ended.
pub fn count(tx: &mut Tx<'_>, organisation: &str, now_ms: u64) -> Result<Counts, StoreError> {
    let moment = Moment::of(tx, organisation, now_ms)?;
    let mut shelves = counts::kept(tx, organisation)?;
    let mut counts = Counts::default();
    if let Grace::AddedAfter(after_ms) = moment.grace() {
        for row in tx.query(COUNT_IN_GRACE, &[organisation.into(), after_ms.into()])? {
            let (shelf, number) = (row.int(0)?, row.unsigned(1)?);
            shelves.entry(shelf).and_modify(|all| *all = all.saturating_sub(number));
            *counts.of(status::of_shelf(shelf, true)) += number;
        }
    }
    for (shelf, number) in shelves {
        *counts.of(status::of_shelf(shelf, moment.grace() == Grace::Everybody)) += number;
    }
    for row in counts::late(tx, organisation, &moment, ("", ""))? {
        let counted = counts.of(status::as_shelved(&row, &moment));
        *counted = counted.saturating_sub(1);
        *counts.of(row.status()) += 1;
    }
    counts.active = counts.compliant()
        + counts.exception
        + counts.grace
        + counts.setting_up
        + counts.locked
        + counts.sso_without_mfa
        + counts.reset
        + counts.not_set_up;
    Ok(counts)
}

/// The first `limit` active members without an authenticator, as id and name: whom the switch leads to the set-up.
pub fn to_be_led(
    tx: &mut Tx<'_>,
    organisation: &str,
    limit: usize,
    now_ms: u64,
) -> Result<Vec<(String, String)>, StoreError> {
    let wanted = Wanted { status: StatusFilter::NoAuthenticator, ..Wanted::default() };
    let first = list::page(tx, organisation, &wanted, &From::Start, limit, now_ms)?;
    Ok(first.members.into_iter().map(|member| (member.id, member.name)).collect())
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
