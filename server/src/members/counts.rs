//! How many members stand on a shelf: kept in the transaction of each change, so that nobody has to count a million.

use crate::members::status::{self, MemberView, Moment, select_members};
use crate::store::{StoreError, Tx};
use std::collections::BTreeMap;

crate::statements! {
    MOVE_COUNT = "INSERT INTO member_count (organisation, shelf, part, members) VALUES ($1, $2, $3, $4)
        ON CONFLICT (organisation, shelf, part) DO UPDATE SET members = member_count.members + excluded.members";
    SUM_COUNTS = "SELECT shelf, CAST(sum(members) AS BIGINT) FROM member_count WHERE organisation = $1
        GROUP BY shelf ORDER BY shelf";
    // The order keeps a planner, which does not know the times, from reading the whole table.
    LIST_LATE_EXCEPTIONS = "SELECT until_ms, member FROM two_step_exception
        WHERE organisation = $1 AND is_over = 0 AND until_ms <= $2 AND (until_ms, member) > ($3, $4)
        ORDER BY until_ms, member LIMIT 500";
    LIST_LATE_SET_UPS = "SELECT created_ms, member FROM factor
        WHERE organisation = $1 AND state = 'pending' AND created_ms <= $2 AND (created_ms, member) > ($3, $4)
        ORDER BY created_ms, member LIMIT 500";
    FIND_LATE = concat!(
        select_members!(),
        " AND m.id = $2 AND ($3 = '' OR m.role = $3) AND ($4 = '' OR m.search_text LIKE $4 ESCAPE '\\')"
    );
}

/// Where a member who is added stands.
pub const FIRST_SHELF: i64 = 30;
/// Below it are the active members without a working authenticator.
pub const FIRST_SET_UP_SHELF: i64 = 50;
/// Each count is the sum of so many rows.
const PARTS: u32 = 8;

/// By how much counts change. They are changed at the end, always in the same order, so that no two transactions wait for
/// each other.
#[derive(Default)]
pub struct Moves(BTreeMap<(String, i64, i64), i64>);

impl Moves {
    /// A member comes onto a shelf (`by` is 1) or leaves it (-1).
    pub fn add(&mut self, organisation: &str, shelf: i64, member: &str, by: i64) {
        let part = member.bytes().fold(0, |sum: u32, byte| sum.wrapping_mul(31).wrapping_add(byte.into())) % PARTS;
        *self.0.entry((organisation.to_owned(), shelf, part.into())).or_default() += by;
    }

    /// So many members came onto a shelf, or left it.
    pub fn add_many(&mut self, organisation: &str, shelf: i64, by: i64) {
        *self.0.entry((organisation.to_owned(), shelf, 0)).or_default() += by;
    }

    /// Changes the counts.
    pub fn keep(self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        for ((organisation, shelf, part), by) in self.0.into_iter().filter(|(_, by)| *by != 0) {
            tx.exec(MOVE_COUNT, &[(&organisation).into(), shelf.into(), part.into(), by.into()])?;
        }
        Ok(())
    }
}

/// A member was added, in this transaction.
pub fn note_added(tx: &mut Tx<'_>, organisation: &str, member: &str) -> Result<(), StoreError> {
    let mut moves = Moves::default();
    moves.add(organisation, FIRST_SHELF, member, 1);
    moves.keep(tx)
}

/// How many members stand on each shelf.
pub fn kept(tx: &mut Tx<'_>, organisation: &str) -> Result<BTreeMap<i64, u64>, StoreError> {
    let rows = tx.query(SUM_COUNTS, &[organisation.into()])?;
    rows.iter().map(|row| Ok((row.int(0)?, row.unsigned(1)?))).collect()
}

/// Members whose shelf may be out of date, because time has passed since the last sweep: an exception is over, or a set-up.
/// Seldom anybody. `role` and `pattern` leave out others; each empty for all.
pub fn late(
    tx: &mut Tx<'_>,
    organisation: &str,
    moment: &Moment,
    (role, pattern): (&str, &str),
) -> Result<Vec<MemberView>, StoreError> {
    let mut ids = Vec::new();
    for (sql, until_ms) in [(LIST_LATE_EXCEPTIONS, moment.now_ms), (LIST_LATE_SET_UPS, moment.fresh_after_ms())] {
        let mut behind = (i64::MIN, String::new());
        loop {
            let values = [organisation.into(), until_ms.into(), behind.0.into(), (&behind.1).into()];
            let rows = tx.query(sql, &values)?;
            for row in &rows {
                behind = (row.int(0)?, row.text(1)?.to_owned());
                ids.push(behind.1.clone());
            }
            if rows.len() < 500 {
                break;
            }
        }
    }
    ids.sort();
    ids.dedup();
    let mut members = Vec::new();
    for id in ids {
        let values = [organisation.into(), (&id).into(), role.into(), pattern.into()];
        if let Some(row) = tx.query_one(FIND_LATE, &values)? {
            members.push(status::read(&row, moment)?);
        }
    }
    Ok(members)
}
