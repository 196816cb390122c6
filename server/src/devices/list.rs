//! The devices of an organisation as an admin looks through them: what waits, and what was decided on, in pages.

use crate::audit;
use crate::devices::{DeviceView, read_view};
use crate::members::folding::pattern;
use crate::store::{StoreError, Tx};

crate::statements! {
    LIST_PENDING = "SELECT d.id, d.member, m.name, d.state, d.name, d.facts, d.address, d.created_ms, d.expires_ms,
            d.decided_ms, COALESCE(p.state, 'none'), d.surface
        FROM device d
        JOIN member m ON m.organisation = d.organisation AND m.id = d.member
        LEFT JOIN pin p ON p.organisation = d.organisation AND p.device = d.id
        WHERE d.organisation = $1 AND d.state = 'pending' AND d.expires_ms > $2
            AND ($3 = '' OR m.search_text LIKE $3 ESCAPE '\\'
                OR lower(d.name) LIKE $7 ESCAPE '!' OR lower(d.facts) LIKE $7 ESCAPE '!'
                OR d.address LIKE $7 ESCAPE '!')
            AND (d.created_ms < $4 OR (d.created_ms = $4 AND d.id > $5))
        ORDER BY d.created_ms DESC, d.id LIMIT $6";
    COUNT_PENDING_ALL = "SELECT CAST(count(*) AS BIGINT), COALESCE(max(d.created_ms), 0)
        FROM device d
        JOIN member m ON m.organisation = d.organisation AND m.id = d.member
        WHERE d.organisation = $1 AND d.state = 'pending' AND d.expires_ms > $2
            AND ($3 = '' OR m.search_text LIKE $3 ESCAPE '\\'
                OR lower(d.name) LIKE $4 ESCAPE '!' OR lower(d.facts) LIKE $4 ESCAPE '!'
                OR d.address LIKE $4 ESCAPE '!')";
    LIST_DECIDED = "SELECT d.id, d.member, m.name, d.state, d.name, d.facts, d.address, d.created_ms, d.expires_ms,
            d.decided_ms, COALESCE(p.state, 'none'), d.surface
        FROM device d
        JOIN member m ON m.organisation = d.organisation AND m.id = d.member
        LEFT JOIN pin p ON p.organisation = d.organisation AND p.device = d.id
        WHERE d.organisation = $1 AND (d.state <> 'pending' OR d.expires_ms <= $2)
            AND ($7 = '' OR CASE d.state WHEN 'pending' THEN 'expired' ELSE d.state END = $7)
            AND ($3 = '' OR m.search_text LIKE $3 ESCAPE '\\'
                OR lower(d.name) LIKE $8 ESCAPE '!' OR lower(d.facts) LIKE $8 ESCAPE '!'
                OR d.address LIKE $8 ESCAPE '!')
            AND (d.created_ms < $4 OR (d.created_ms = $4 AND d.id > $5))
        ORDER BY d.created_ms DESC, d.id LIMIT $6";
}

/// Which devices a page shows; what is empty does not narrow it.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// Stands in the member's name or address, the device's name, what it says of itself or where it asked from.
    pub text: String,
    /// Of those that do not wait: `approved`, `denied`, `revoked` or `expired`.
    pub state: String,
    /// The device that the page begins after, the last one of the page before: when it asked, and its id.
    pub after: Option<(u64, String)>,
}

/// The devices that wait and fit, the newest request first, at most `limit`.
pub fn pending(
    tx: &mut Tx<'_>,
    organisation: &str,
    wanted: &Search,
    limit: u32,
    now_ms: u64,
) -> Result<Vec<DeviceView>, StoreError> {
    // Members are searched without accents, what a device says of itself as it stands.
    let (of_member, of_device) = (pattern(&wanted.text), audit::pattern(&wanted.text));
    let (asked_ms, id) = wanted.after.clone().unwrap_or((u64::MAX, String::new()));
    let values = [
        organisation.into(),
        now_ms.into(),
        of_member.into(),
        asked_ms.into(),
        id.into(),
        limit.into(),
        of_device.into(),
    ];
    tx.query(LIST_PENDING, &values)?.iter().map(|row| read_view(row, now_ms)).collect()
}

/// How many devices wait and fit, and when the newest of them asked, epoch milliseconds, or 0.
pub fn count_pending(tx: &mut Tx<'_>, organisation: &str, text: &str, now_ms: u64) -> Result<(u64, u64), StoreError> {
    let values = [organisation.into(), now_ms.into(), pattern(text).into(), audit::pattern(text).into()];
    let row = tx.query_one(COUNT_PENDING_ALL, &values)?;
    row.map_or(Ok((0, 0)), |row| Ok((row.unsigned(0)?, row.unsigned(1)?)))
}

/// The devices that do not wait and fit, the newest request first, at most `limit`.
pub fn decided(
    tx: &mut Tx<'_>,
    organisation: &str,
    wanted: &Search,
    limit: u32,
    now_ms: u64,
) -> Result<Vec<DeviceView>, StoreError> {
    let (of_member, of_device) = (pattern(&wanted.text), audit::pattern(&wanted.text));
    let (asked_ms, id) = wanted.after.clone().unwrap_or((u64::MAX, String::new()));
    let values = [
        organisation.into(),
        now_ms.into(),
        of_member.into(),
        asked_ms.into(),
        id.into(),
        limit.into(),
        (&wanted.state).into(),
        of_device.into(),
    ];
    tx.query(LIST_DECIDED, &values)?.iter().map(|row| read_view(row, now_ms)).collect()
}
