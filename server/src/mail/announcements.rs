//! The announcement: two-step authentication is coming. To every active member who has not set it up, once in 24 hours.

use crate::act::Outcome;
use crate::audit::{self, Event};
use crate::caller::Caller;
use crate::mail::outbox::Kind;
use crate::members::counts;
use crate::store::{StoreError, Tx};
use serde_json::json;
use twinlock_core::Error;
use uuid::Uuid;

crate::statements! {
    TAKE_ANNOUNCEMENT = "UPDATE organisation SET announced_ms = $2 WHERE id = $1 AND announced_ms <= $3";
    FIND_ANNOUNCED = "SELECT announced_ms FROM organisation WHERE id = $1";
    PUT_ANNOUNCEMENTS = "INSERT INTO outbox (organisation, id, member, kind, facts, link_sealed, link_key_version, state,
            tries, due_ms, expires_ms, fault, fault_ms, created_ms, settled_ms)
        SELECT m.organisation, $2 || m.id, m.id, $3, $4, NULL, 0, 'waiting', 0, $5, $6, '', 0, $5, 0
        FROM member m
        WHERE m.organisation = $1 AND m.state = 'active' AND NOT EXISTS (SELECT 1 FROM factor f
            WHERE f.organisation = m.organisation AND f.member = m.id AND f.state = 'active')";
}

/// Announced once in this time.
pub const EVERY_MS: u64 = 24 * 3_600_000;
/// How long an announcement is worth sending.
const WORTH_MS: u64 = 3 * 86_400_000;

/// What the admin sees before.
pub struct Preview {
    /// How many would get it.
    pub receivers: u64,
    /// When it was last sent, epoch milliseconds, or 0.
    pub last_ms: u64,
}

impl Preview {
    /// From when on it may be sent again.
    pub fn next_ms(&self) -> u64 {
        if self.last_ms == 0 { 0 } else { self.last_ms.saturating_add(EVERY_MS) }
    }
}

/// How many would get the announcement, and when it was last sent.
pub fn preview(tx: &mut Tx<'_>, organisation: &str) -> Result<Preview, StoreError> {
    let kept = counts::kept(tx, organisation)?;
    let last = tx.query_one(FIND_ANNOUNCED, &[organisation.into()])?;
    Ok(Preview {
        receivers: kept.range(..counts::FIRST_SET_UP_SHELF).map(|(_, number)| number).sum(),
        last_ms: last.map_or(Ok(0), |row| row.unsigned(0))?,
    })
}

/// Sends the announcement; says to how many. [`Error::Throttled`] within 24 hours of the last one.
pub fn announce(tx: &mut Tx<'_>, caller: &Caller) -> Outcome<u64> {
    let (organisation, now_ms) = (&caller.organisation, caller.now_ms);
    let before_ms = now_ms.saturating_sub(EVERY_MS);
    if tx.exec(TAKE_ANNOUNCEMENT, &[organisation.into(), now_ms.into(), before_ms.into()])? == 0 {
        let last_ms = preview(tx, organisation)?.last_ms;
        let retry_after_ms = last_ms.saturating_add(EVERY_MS).saturating_sub(now_ms).max(1);
        return Ok(Err(Error::Throttled { retry_after_ms }));
    }
    let id = Uuid::now_v7().simple().to_string();
    let facts = json!({ "by": caller.name }).to_string();
    let values = [
        organisation.into(),
        id.into(),
        Kind::Announcement.name().into(),
        facts.into(),
        now_ms.into(),
        now_ms.saturating_add(WORTH_MS).into(),
    ];
    let receivers = tx.exec(PUT_ANNOUNCEMENTS, &values)?;
    let event = Event::by(caller, "policy.announced", organisation, json!({ "receivers": receivers }));
    audit::record(tx, organisation, &event)?;
    Ok(Ok(receivers))
}
