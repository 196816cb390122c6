//! What the operator opens again from outside, when no admin can: a suspended or frozen account, and the two-step
//! authentication of somebody who has lost everything. Both stand in the audit log, and the member is told.

use crate::act::Outcome;
use crate::audit::{self, Event};
use crate::devices::{DENY_DEVICES_OF_MEMBER, FORGET_ENROLLMENTS, REVOKE_DEVICES_OF_MEMBER};
use crate::first_factor;
use crate::mail::outbox::{self, Kind, Message};
use crate::members::places;
use crate::pins;
use crate::recovery;
use crate::resets::{DELETE_FACTORS, END_MEMBER_SESSIONS, FORGET_CODES_ON_DEVICES, NOTE_RESET};
use crate::sessions::{FIND_SIGN_IN_NAME, fold_name};
use crate::standing::REINSTATE_MEMBER;
use crate::store::{StoreError, Tx};
use serde_json::json;
use twinlock_core::Error;

/// Lifts the suspension of whoever signs in with this name; [`Error::NotFound`] if nobody does or nothing is to be lifted.
pub fn reinstate(tx: &mut Tx<'_>, name: &str, reason: &str, now_ms: u64) -> Outcome<String> {
    let Some((organisation, member)) = find(tx, name)? else { return Ok(Err(Error::NotFound)) };
    if tx.exec(REINSTATE_MEMBER, &[(&organisation).into(), (&member).into()])? == 0 {
        return Ok(Err(Error::NotFound));
    }
    places::note(tx, &organisation, &member)?;
    let event = Event::by_operator(now_ms, "member.reinstated", &member, json!({ "reason": reason }));
    audit::record(tx, &organisation, &event)?;
    outbox::put(tx, &Message::to(&organisation, &member, Kind::Reinstated, now_ms))?;
    Ok(Ok(member))
}

/// Resets the two-step authentication of whoever signs in with this name, as an admin would; [`Error::NotFound`].
pub fn reset_two_step(tx: &mut Tx<'_>, name: &str, reason: &str, now_ms: u64) -> Outcome<String> {
    let Some((organisation, member)) = find(tx, name)? else { return Ok(Err(Error::NotFound)) };
    let [o, m] = [(&organisation).into(), (&member).into()];
    tx.exec(NOTE_RESET, &[o, m, now_ms.into()])?;
    let key = [(&organisation).into(), (&member).into()];
    let recovery_codes = recovery::forget(tx, &organisation, &member)?;
    let factors = tx.exec(DELETE_FACTORS, &key)?;
    tx.exec(FORGET_CODES_ON_DEVICES, &key)?;
    let sessions = tx.exec(END_MEMBER_SESSIONS, &key)?;
    let devices = revoke_devices(tx, &organisation, &member, now_ms)?;
    // No admin is needed for what the operator opens: there may be none.
    first_factor::free(tx, &organisation, &member, now_ms)?;
    places::note(tx, &organisation, &member)?;
    let detail = json!({ "reason": reason, "factors": factors, "recovery_codes": recovery_codes,
        "sessions": sessions, "devices": devices });
    audit::record(tx, &organisation, &Event::by_operator(now_ms, "two_step.reset", &member, detail))?;
    outbox::put(tx, &Message::to(&organisation, &member, Kind::Reset, now_ms))?;
    Ok(Ok(member))
}

/// Revokes every device of a member and denies what waits, as an admin's reset does; says how many were revoked.
fn revoke_devices(tx: &mut Tx<'_>, organisation: &str, member: &str, now_ms: u64) -> Result<usize, StoreError> {
    tx.exec(FORGET_ENROLLMENTS, &[organisation.into(), member.into()])?;
    let decided = [organisation.into(), member.into(), now_ms.into(), "operator".into()];
    let (denied, revoked) =
        (tx.query(DENY_DEVICES_OF_MEMBER, &decided)?, tx.query(REVOKE_DEVICES_OF_MEMBER, &decided)?);
    for row in &revoked {
        pins::erase(tx, organisation, row.text(0)?)?;
    }
    let denied = denied.iter().map(|row| ("device.denied", row));
    for (action, row) in denied.chain(revoked.iter().map(|row| ("device.revoked", row))) {
        let detail = json!({ "reason": "two-step authentication was reset" });
        audit::record(tx, organisation, &Event::by_operator(now_ms, action, row.text(0)?, detail))?;
    }
    Ok(revoked.len())
}

fn find(tx: &mut Tx<'_>, name: &str) -> Result<Option<(String, String)>, StoreError> {
    let found = tx.query_one(FIND_SIGN_IN_NAME, &[fold_name(name).into()])?;
    found.map(|row| Ok((row.text(0)?.to_owned(), row.text(1)?.to_owned()))).transpose()
}
