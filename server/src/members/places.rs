//! Where a member stands in the list of an organisation's members: one number, kept beside the facts that it is made of, so
//! that a list of a million can be read by an index. What is shown is computed from the facts.

use crate::store::{StoreError, Tx};
use twinlock_core::code::SET_UP_MS;

crate::statements! {
    NOTE_PLACE = "UPDATE member SET
            reset_ms = CASE WHEN EXISTS (SELECT 1 FROM factor f WHERE f.organisation = $1 AND f.member = $2
                AND f.state = 'active') THEN 0 ELSE reset_ms END,
            place = CASE WHEN state = 'suspended' THEN 6
                WHEN EXISTS (SELECT 1 FROM factor f WHERE f.organisation = $1 AND f.member = $2 AND f.state = 'active') THEN 5
                WHEN EXISTS (SELECT 1 FROM factor f WHERE f.organisation = $1 AND f.member = $2 AND f.state = 'disabled') THEN 1
                WHEN EXISTS (SELECT 1 FROM factor f WHERE f.organisation = $1 AND f.member = $2 AND f.state = 'pending') THEN 4
                WHEN reset_ms > 0 THEN 2 ELSE 3 END
        WHERE organisation = $1 AND id = $2";
    NOTE_SEEN = "UPDATE member SET seen_ms = $3 WHERE organisation = $1 AND id = $2 AND seen_ms < $4";
    DELETE_UNFINISHED = "DELETE FROM factor WHERE state = 'pending' AND created_ms <= $1 RETURNING organisation, member";
}

/// To within how long it is known when a member was last seen.
const SEEN_EVERY_MS: u64 = 10 * 60_000;
/// Whoever proved a set-up in its last second gets the time to finish it.
const LENIENCE_MS: u64 = 60_000;

/// Call it after any change of a member's authenticator or suspension, in the same transaction.
pub fn note(tx: &mut Tx<'_>, organisation: &str, member: &str) -> Result<(), StoreError> {
    tx.exec(NOTE_PLACE, &[organisation.into(), member.into()])?;
    Ok(())
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
    for row in &unfinished {
        note(tx, row.text(0)?, row.text(1)?)?;
    }
    Ok(unfinished.len() as u64)
}
