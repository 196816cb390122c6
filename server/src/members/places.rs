//! Where a member stands in the list of an organisation's members: a place, which the list can be sorted by, and a shelf,
//! which is finer. Both are kept beside the facts that they are made of, so that a list of a million can be read by an
//! index; the facts that change by time alone are looked up.

use crate::members::counts::Moves;
use crate::store::{StoreError, Tx};
use twinlock_core::code::SET_UP_MS;

crate::statements! {
    // Whoever notes the same member waits here, and then sees what was committed meanwhile.
    HOLD_MEMBER = "UPDATE member SET shelf = shelf WHERE organisation = $1 AND id = $2 RETURNING shelf";
    FIND_STANDING_FACTS = "SELECT m.state, m.reset_ms, COALESCE(f.state, ''), COALESCE(q.state, ''),
            COALESCE(1 - x.is_over, 0), COALESCE(l.mfa, -1)
        FROM member m
        LEFT JOIN factor f ON f.organisation = m.organisation AND f.member = m.id AND f.state <> 'pending'
        LEFT JOIN factor q ON q.organisation = m.organisation AND q.member = m.id AND q.state = 'pending'
        LEFT JOIN two_step_exception x ON x.organisation = m.organisation AND x.member = m.id
        LEFT JOIN identity_provider i ON i.organisation = m.organisation
        LEFT JOIN sso_link l ON l.organisation = m.organisation AND l.issuer = i.issuer AND l.member = m.id
            AND l.signed_in_ms >= i.set_ms
        WHERE m.organisation = $1 AND m.id = $2";
    SHELVE_MEMBER = "UPDATE member SET shelf = $3, place = $4, reset_ms = $5 WHERE organisation = $1 AND id = $2";
    SHELVE_BY_PROVIDER = "UPDATE member SET shelf = $3 WHERE organisation = $1 AND shelf = $2 AND $4 = CASE
            WHEN EXISTS (SELECT 1 FROM sso_link l
                JOIN identity_provider i ON i.organisation = l.organisation AND i.issuer = l.issuer
                WHERE l.organisation = $1 AND l.member = member.id AND l.signed_in_ms >= i.set_ms AND l.mfa = 1) THEN 3
            WHEN EXISTS (SELECT 1 FROM two_step_exception x
                WHERE x.organisation = $1 AND x.member = member.id AND x.is_over = 0) THEN 2
            WHEN EXISTS (SELECT 1 FROM sso_link l
                JOIN identity_provider i ON i.organisation = l.organisation AND i.issuer = l.issuer
                WHERE l.organisation = $1 AND l.member = member.id AND l.signed_in_ms >= i.set_ms) THEN 1
            ELSE 0 END";
    NOTE_SEEN = "UPDATE member SET seen_ms = $3 WHERE organisation = $1 AND id = $2 AND seen_ms < $4";
    DELETE_UNFINISHED = "DELETE FROM factor WHERE state = 'pending' AND created_ms <= $1 RETURNING organisation, member";
    LIST_OVER = "SELECT organisation, member FROM two_step_exception WHERE is_over = 0 AND until_ms <= $1 LIMIT $2";
    NOTE_OVER = "UPDATE two_step_exception SET is_over = 1
        WHERE organisation = $1 AND member = $2 AND is_over = 0 AND until_ms <= $3";
}

/// To within how long it is known when a member was last seen.
const SEEN_EVERY_MS: u64 = 10 * 60_000;
/// Whoever proved a set-up in its last second gets the time to finish it.
const LENIENCE_MS: u64 = 60_000;
/// So many exceptions are noted as over in one transaction: others wait for it.
pub const AT_ONCE: u32 = 500;

/// Call it after any change of a member's authenticator, suspension, exception or sign-in by the identity provider, in the
/// same transaction.
pub fn note(tx: &mut Tx<'_>, organisation: &str, member: &str) -> Result<(), StoreError> {
    let mut moves = Moves::default();
    shelve(tx, organisation, member, &mut moves)?;
    moves.keep(tx)
}

/// Call it after the organisation's identity provider was set or removed, in the same transaction. It looks at everybody.
pub fn note_provider(tx: &mut Tx<'_>, organisation: &str) -> Result<(), StoreError> {
    let mut moves = Moves::default();
    for place in [20, 30] {
        for before in 0..4 {
            for after in (0..4).filter(|after| *after != before) {
                let (from, to): (i64, i64) = (place + before, place + after);
                let moved =
                    tx.exec(SHELVE_BY_PROVIDER, &[organisation.into(), from.into(), to.into(), after.into()])?;
                let moved = i64::try_from(moved).unwrap_or(i64::MAX);
                moves.add_many(organisation, from, -moved);
                moves.add_many(organisation, to, moved);
            }
        }
    }
    moves.keep(tx)
}

/// The member is here.
pub fn note_seen(tx: &mut Tx<'_>, organisation: &str, member: &str, now_ms: u64) -> Result<(), StoreError> {
    let before = now_ms.saturating_sub(SEEN_EVERY_MS);
    tx.exec(NOTE_SEEN, &[organisation.into(), member.into(), now_ms.into(), before.into()])?;
    Ok(())
}

/// A set-up that nobody finished in its time leaves nothing.
pub fn sweep(tx: &mut Tx<'_>, now_ms: u64) -> Result<u64, StoreError> {
    let unfinished = tx.query(DELETE_UNFINISHED, &[now_ms.saturating_sub(SET_UP_MS + LENIENCE_MS).into()])?;
    let mut members = Vec::new();
    for row in &unfinished {
        members.push((row.text(0)?, row.text(1)?));
    }
    shelve_all(tx, members)?;
    Ok(unfinished.len() as u64)
}

/// Notes that exceptions are over, at most [`AT_ONCE`]; says how many there were.
pub fn sweep_exceptions(tx: &mut Tx<'_>, now_ms: u64) -> Result<u64, StoreError> {
    let over = tx.query(LIST_OVER, &[now_ms.into(), AT_ONCE.into()])?;
    let mut members = Vec::new();
    for row in &over {
        let (organisation, member) = (row.text(0)?, row.text(1)?);
        tx.exec(NOTE_OVER, &[organisation.into(), member.into(), now_ms.into()])?;
        members.push((organisation, member));
    }
    shelve_all(tx, members)?;
    Ok(over.len() as u64)
}

/// In the order of their ids, so that two who do this do not wait for each other.
fn shelve_all(tx: &mut Tx<'_>, mut members: Vec<(&str, &str)>) -> Result<(), StoreError> {
    members.sort_unstable();
    let mut moves = Moves::default();
    for (organisation, member) in members {
        shelve(tx, organisation, member, &mut moves)?;
    }
    moves.keep(tx)
}

fn shelve(tx: &mut Tx<'_>, organisation: &str, member: &str, moves: &mut Moves) -> Result<(), StoreError> {
    let key = [organisation.into(), member.into()];
    let Some(held) = tx.query_one(HOLD_MEMBER, &key)? else { return Ok(()) };
    let Some(facts) = tx.query_one(FIND_STANDING_FACTS, &key)? else { return Ok(()) };
    let reset_ms = if facts.text(2)? == "active" { 0 } else { facts.unsigned(1)? };
    let place = match (facts.text(0)?, facts.text(2)?, facts.text(3)?) {
        ("suspended", ..) => 6,
        (_, "active", _) => 5,
        (_, "disabled", _) => 1,
        (_, _, "pending") => 4,
        _ if reset_ms > 0 => 2,
        _ => 3,
    };
    let known: i64 = match (place, facts.int(4)?, facts.int(5)?) {
        (2 | 3, _, 1) => 3,
        (2 | 3, 1, _) => 2,
        (2 | 3, _, 0) => 1,
        _ => 0,
    };
    let (before, after) = (held.int(0)?, place * 10 + known);
    let [o, m] = key;
    tx.exec(SHELVE_MEMBER, &[o, m, after.into(), place.into(), reset_ms.into()])?;
    if before != after {
        moves.add(organisation, before, member, -1);
        moves.add(organisation, after, member, 1);
    }
    Ok(())
}
