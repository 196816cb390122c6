//! The list of an organisation's members: filtered, searched, sorted, and read by keyset in pages that neither repeat nor
//! miss anybody while members come and go; and how many are on it.

use crate::members::counts;
use crate::members::folding::pattern;
use crate::members::reading::{Part, Walk, shelves};
use crate::members::status::{self, MemberView, Moment};
pub use crate::members::wanted::{Cursor, From, Sort, StatusFilter, Wanted};
use crate::store::{Sql, StoreError, Tx};

crate::statements! {
    // The order keeps a planner from reading the table where an index says it all.
    COUNT_SHELF = "SELECT CAST(count(*) AS BIGINT) FROM (SELECT m.id FROM member m
            WHERE m.organisation = $1 AND m.shelf = $2 AND m.created_ms > $3 AND m.created_ms <= $4
            ORDER BY m.sort_name, m.id LIMIT $5) AS matches";
    COUNT_SHELF_SEARCHED = "SELECT CAST(count(*) AS BIGINT) FROM (SELECT 1 FROM member m
            WHERE m.organisation = $1 AND m.shelf = $2 AND m.created_ms > $3 AND m.created_ms <= $4
            AND ($6 = '' OR m.role = $6) AND ($7 = '' OR m.search_text LIKE $7 ESCAPE '\\') LIMIT $5) AS matches";
    COUNT_ALL_SEARCHED = "SELECT CAST(count(*) AS BIGINT) FROM (SELECT 1 FROM member m WHERE m.organisation = $1
            AND ($3 = '' OR m.role = $3) AND ($4 = '' OR m.search_text LIKE $4 ESCAPE '\\') LIMIT $2) AS matches";
    // Whom a deadline can apply to, by when they were added: an index of its own.
    COUNT_ADDED = "SELECT CAST(count(*) AS BIGINT) FROM (SELECT created_ms FROM member WHERE organisation = $1
            AND shelf IN (20, 21, 30, 31) AND shelf = $2 AND created_ms > $3 ORDER BY created_ms LIMIT $4) AS added";
}

/// Members on a page.
pub const PAGE: usize = 50;
/// Where it is not kept how many match, no more than so many are counted for a page.
pub const MOST_COUNTED: u64 = 1_000;

/// A part of the list.
pub struct Part50 {
    /// In the wanted order.
    pub members: Vec<MemberView>,
    /// True if there is somebody before the first.
    pub has_before: bool,
    /// True if there is somebody behind the last.
    pub has_after: bool,
}

/// How many match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Total {
    /// So many.
    Exactly(u64),
    /// More than so many; who wants to know has to count them all.
    MoreThan(u64),
}

/// At most `limit` members from a place in the list.
pub fn page(
    tx: &mut Tx<'_>,
    organisation: &str,
    wanted: &Wanted,
    from: &From,
    limit: usize,
    now_ms: u64,
) -> Result<Part50, StoreError> {
    let moment = Moment::of(tx, organisation, now_ms)?;
    let (is_back, cursor) = match from {
        From::Start => (false, None),
        From::After(cursor) => (false, Some(cursor.clone())),
        From::Before(cursor) => (true, Some(cursor.clone())),
    };
    let is_down = wanted.sort.is_down() != is_back;
    let cursor = cursor.unwrap_or_else(|| Cursor::before_first(is_down));
    let mut walk = Walk::begin(tx, organisation, &moment, wanted, (is_down, cursor))?;
    let mut members = Vec::new();
    while members.len() <= limit {
        let Some(member) = walk.next(tx)? else { break };
        members.push(member);
    }
    let is_more = members.len() > limit;
    members.truncate(limit);
    let is_inside = !matches!(from, From::Start);
    if is_back {
        members.reverse();
        return Ok(Part50 { members, has_before: is_more, has_after: is_inside });
    }
    Ok(Part50 { members, has_before: is_inside, has_after: is_more })
}

/// How many match, at most `most` and one more.
pub fn count(tx: &mut Tx<'_>, organisation: &str, wanted: &Wanted, most: u64, now_ms: u64) -> Result<u64, StoreError> {
    Ok(match total(tx, organisation, wanted, most, now_ms)? {
        Total::Exactly(number) => number.min(most + 1),
        Total::MoreThan(_) => most + 1,
    })
}

/// How many match: exactly where that is kept, and where it is not up to `most`.
pub fn total(
    tx: &mut Tx<'_>,
    organisation: &str,
    wanted: &Wanted,
    most: u64,
    now_ms: u64,
) -> Result<Total, StoreError> {
    let moment = Moment::of(tx, organisation, now_ms)?;
    let pattern = pattern(&wanted.q);
    let is_searched = !wanted.role.is_empty() || !pattern.is_empty();
    if wanted.is_by_rare_role() {
        let mut walk = Walk::begin(tx, organisation, &moment, wanted, (false, Cursor::before_first(false)))?;
        let mut number = 0;
        while number <= most && walk.next(tx)?.is_some() {
            number += 1;
        }
        return Ok(up_to(most, number));
    }
    if wanted.status == StatusFilter::All {
        if !is_searched {
            return Ok(Total::Exactly(counts::kept(tx, organisation)?.values().sum()));
        }
        let values = [organisation.into(), (most + 1).into(), (&wanted.role).into(), (&pattern).into()];
        return Ok(up_to(most, number(tx, COUNT_ALL_SEARCHED, &values)?));
    }
    let late = counts::late(tx, organisation, &moment, (&wanted.role, &pattern))?;
    let count = |of: &dyn Fn(&MemberView) -> bool| late.iter().filter(|row| of(row)).count() as u64;
    let counted = count(&|row| wanted.status.lets_through(status::as_shelved(row, &moment)));
    let real = count(&|row| wanted.status.lets_through(row.status()));
    let parts = shelves(wanted.status, &moment);
    // Those who are late are among them, and may have to be taken off.
    let cap = most + 1 + counted;
    let mut sum = None;
    if !is_searched {
        sum = of_shelves(tx, organisation, &parts, cap)?;
    }
    if let Some(sum) = sum {
        return Ok(Total::Exactly((sum + real).saturating_sub(counted)));
    }
    let mut sum: u64 = 0;
    for part in parts {
        let Part::Shelf { shelf, after_ms, upto_ms } = part else { continue };
        if sum >= cap {
            break;
        }
        let mut values = vec![
            organisation.into(),
            shelf.into(),
            after_ms.map_or(crate::store::Value::Int(-1), Into::into),
            upto_ms.into(),
            (cap - sum).into(),
        ];
        let mut sql = COUNT_SHELF;
        if is_searched {
            sql = COUNT_SHELF_SEARCHED;
            values.extend([(&wanted.role).into(), (&pattern).into()]);
        }
        sum += number(tx, sql, &values)?;
    }
    Ok(up_to(most, (sum + real).saturating_sub(counted)))
}

/// By the kept counts, less or only those whose deadline runs, if these are at most `most` on each shelf.
fn of_shelves(tx: &mut Tx<'_>, organisation: &str, parts: &[Part], most: u64) -> Result<Option<u64>, StoreError> {
    let kept = counts::kept(tx, organisation)?;
    let mut sum: u64 = 0;
    for part in parts {
        let Part::Shelf { shelf, after_ms, upto_ms } = *part else { continue };
        let all = kept.get(&shelf).copied().unwrap_or(0);
        let since_ms = after_ms.or(Some(upto_ms).filter(|ms| *ms != u64::MAX));
        let Some(since_ms) = since_ms else {
            sum += all;
            continue;
        };
        let added = number(tx, COUNT_ADDED, &[organisation.into(), shelf.into(), since_ms.into(), (most + 1).into()])?;
        if added > most {
            return Ok(None);
        }
        sum += if after_ms.is_some() { added } else { all.saturating_sub(added) };
    }
    Ok(Some(sum))
}

fn up_to(most: u64, number: u64) -> Total {
    if number > most { Total::MoreThan(most) } else { Total::Exactly(number) }
}

fn number(tx: &mut Tx<'_>, sql: Sql, values: &[crate::store::Value<'_>]) -> Result<u64, StoreError> {
    tx.query_one(sql, values)?.map_or(Ok(0), |row| row.unsigned(0))
}
