//! Recovery codes: issued in sets of ten, and the way back of a member who has lost the authenticator.
//!
//! A try is counted, durably, before its code is hashed, per member and never per session; each costs one Argon2id run, and
//! a right code is burnt by one conditional UPDATE. It opens a session that can set up a new authenticator, and nothing else.

use crate::access::{Access, Api};
use crate::act::Outcome;
use crate::audit::{self, Event};
use crate::caller::Caller;
use crate::extract::Json;
use crate::mail::outbox::{self, Kind, Message};
use crate::portal::Portal;
use crate::problem::Refusal;
use crate::recovery_code::{self, NewSet, Owner};
use crate::sessions;
use crate::store::{StoreError, Tx};
use axum::Extension;
use axum::extract::State;
use axum_extra::extract::cookie::CookieJar;
use serde_json::json;
use std::sync::Arc;
use twinlock_core::code::{RecoveryCode, wait_after_failures};
use twinlock_core::policy::{FactorState, Surface};
use twinlock_core::secret::SecretText;
use twinlock_core::step::{BlockedReason, Step};
use twinlock_core::wire::{Problem, RecoveryCodesIssued, RecoveryCodesState, RecoveryEntry, StepAnswer};
use twinlock_core::{Error, ErrorCode};

crate::statements! {
    ISSUE_RECOVERY = "INSERT INTO recovery (organisation, member, fails, wait_until_ms, issued_ms, saved_ms)
        VALUES ($1, $2, 0, 0, $3, 0)
        ON CONFLICT (organisation, member) DO UPDATE SET fails = 0, wait_until_ms = 0, issued_ms = $3, saved_ms = 0";
    DELETE_RECOVERY_CODES = "DELETE FROM recovery_code WHERE organisation = $1 AND member = $2";
    INSERT_RECOVERY_CODE = "INSERT INTO recovery_code (organisation, member, selector, hash, used_ms)
        VALUES ($1, $2, $3, $4, 0)";
    DELETE_RECOVERY = "DELETE FROM recovery WHERE organisation = $1 AND member = $2";
    COUNT_RECOVERY = "INSERT INTO recovery (organisation, member, fails, wait_until_ms, issued_ms, saved_ms)
        VALUES ($1, $2, 1, 0, 0, 0)
        ON CONFLICT (organisation, member) DO UPDATE SET fails = recovery.fails + 1
            WHERE recovery.fails >= 0 AND recovery.fails < $3 AND recovery.wait_until_ms <= $4
        RETURNING fails";
    DELAY_RECOVERY = "UPDATE recovery SET wait_until_ms = $3 WHERE organisation = $1 AND member = $2";
    FORGIVE_RECOVERY = "UPDATE recovery SET fails = 0, wait_until_ms = 0 WHERE organisation = $1 AND member = $2";
    FIND_RECOVERY = "SELECT r.issued_ms, r.saved_ms, r.wait_until_ms,
            (SELECT CAST(count(*) AS BIGINT) FROM recovery_code c
                WHERE c.organisation = r.organisation AND c.member = r.member AND c.used_ms = 0)
        FROM recovery r WHERE r.organisation = $1 AND r.member = $2";
    FIND_RECOVERY_CODE = "SELECT hash FROM recovery_code
        WHERE organisation = $1 AND member = $2 AND selector = $3 AND used_ms = 0";
    BURN_RECOVERY_CODE = "UPDATE recovery_code SET used_ms = $5
        WHERE organisation = $1 AND member = $2 AND selector = $3 AND hash = $4 AND used_ms = 0";
    BEGIN_RECOVERING = "UPDATE session SET recovering = 1, code_at_ms = 0 WHERE organisation = $1 AND token_hash = $2";
    END_RECOVERING = "UPDATE session SET recovering = 0
        WHERE organisation = $1 AND token_hash = $2 AND recovering = 1";
    END_OTHER_SESSIONS = "DELETE FROM session WHERE organisation = $1 AND member = $2 AND token_hash <> $3";
    NOTE_SAVED = "UPDATE recovery SET saved_ms = $4
        WHERE organisation = $1 AND member = $2 AND issued_ms = $3 AND saved_ms = 0";
}

const DISABLED: &str = "error-detail-recovery-disabled";

/// This resource's routes.
pub fn routes(api: Api) -> Api {
    api.route(Access::Recover, utoipa_axum::routes!(post_recovery))
        .route(Access::OwnTwoStep, utoipa_axum::routes!(get_codes, post_codes))
}

/// Whether a recovery code is this session's way on: it has shown its password, and the authenticator is asked for or was
/// disabled. A session that the PIN opened has shown no password.
pub fn is_way_back(caller: &Caller) -> bool {
    let has_shown_password = caller.facts.session.is_some_and(|session| !session.pin_proved && !session.recovering);
    has_shown_password
        && matches!(caller.step, Step::EnterCode | Step::Blocked { reason: BlockedReason::AuthenticatorDisabled })
}

/// Whose codes a caller's are.
pub fn owner(caller: &Caller) -> Owner {
    Owner { organisation: caller.organisation.clone(), member: caller.member.clone() }
}

/// Stores a new set; all older codes are void, and failures are forgotten, as after any new binding.
pub fn issue(tx: &mut Tx<'_>, caller: &Caller, set: &NewSet) -> Result<(), StoreError> {
    let (organisation, member) = (&caller.organisation, &caller.member);
    tx.exec(ISSUE_RECOVERY, &[organisation.into(), member.into(), caller.now_ms.into()])?;
    tx.exec(DELETE_RECOVERY_CODES, &[organisation.into(), member.into()])?;
    for (selector, hash) in set.rows() {
        tx.exec(INSERT_RECOVERY_CODE, &[organisation.into(), member.into(), selector.into(), hash.into()])?;
    }
    audit::record(tx, organisation, &Event::by(caller, "recovery.issued", member, json!({})))
}

/// Removes a member's codes, used ones too, and their count of failures; says how many there were.
pub fn forget(tx: &mut Tx<'_>, organisation: &str, member: &str) -> Result<u64, StoreError> {
    let codes = tx.exec(DELETE_RECOVERY_CODES, &[organisation.into(), member.into()])?;
    tx.exec(DELETE_RECOVERY, &[organisation.into(), member.into()])?;
    Ok(codes)
}

/// How many codes are left; nothing was issued if `issued_ms` is 0.
pub fn state(tx: &mut Tx<'_>, organisation: &str, member: &str) -> Result<RecoveryCodesState, StoreError> {
    let Some(row) = tx.query_one(FIND_RECOVERY, &[organisation.into(), member.into()])? else {
        return Ok(RecoveryCodesState { left: 0, issued_ms: 0, saved_ms: 0 });
    };
    let left = u32::try_from(row.int(3)?).unwrap_or(0);
    Ok(RecoveryCodesState { left, issued_ms: row.unsigned(0)?, saved_ms: row.unsigned(1)? })
}

/// Notes that the member has saved the set that was issued at `issued_ms`. Saying it twice, or of an older set, changes
/// nothing.
pub fn note_saved(tx: &mut Tx<'_>, caller: &Caller, issued_ms: u64) -> Outcome<()> {
    let (organisation, member) = (&caller.organisation, &caller.member);
    let values = [organisation.into(), member.into(), issued_ms.into(), caller.now_ms.into()];
    if tx.exec(NOTE_SAVED, &values)? == 1 {
        audit::record(tx, organisation, &Event::by(caller, "recovery.saved", member, json!({})))?;
    }
    Ok(Ok(()))
}

/// Ends every session of the member but the caller's.
pub fn end_other_sessions(tx: &mut Tx<'_>, caller: &Caller) -> Result<(), StoreError> {
    let key = [(&caller.organisation).into(), (&caller.member).into(), (&caller.token_hash).into()];
    tx.exec(END_OTHER_SESSIONS, &key)?;
    Ok(())
}

/// The session is like others again; false if it was not recovering any more.
pub fn end_recovering(tx: &mut Tx<'_>, caller: &Caller) -> Result<bool, StoreError> {
    Ok(tx.exec(END_RECOVERING, &[(&caller.organisation).into(), (&caller.token_hash).into()])? == 1)
}

/// Makes a new set for a member who has an authenticator; needs a fresh code.
pub async fn renew(portal: &Portal, caller: &Arc<Caller>) -> Result<NewSet, Refusal> {
    // Takes the nonce first: a request that is sent again costs no hashing.
    portal.act(caller, |_, caller| Ok(caller.require_fresh_code())).await?;
    let set = NewSet::generate(portal, owner(caller)).await?;
    let caller = Arc::clone(caller);
    let issued = portal.store.write(move |tx| {
        let now = caller.as_of_now(tx)?.filter(|now| now.step == Step::Ready);
        // Turned off, signed out or suspended while the codes were hashed.
        if now.is_none_or(|now| now.facts.factor != FactorState::Active) {
            return Ok(Err(Error::StepRequired));
        }
        issue(tx, &caller, &set)?;
        outbox::put(tx, &Message::by(&caller, &caller.member, Kind::RecoveryCodesMade))?;
        Ok(Ok(set))
    });
    Ok(issued.await??)
}

/// A recovery code was accepted.
pub struct Recovering {
    /// The step that follows.
    pub step: StepAnswer,
    /// A browser's new token.
    pub token: Option<SecretText>,
}

/// Submits a recovery code.
pub async fn submit(portal: &Portal, caller: &Arc<Caller>, typed: &SecretText) -> Result<Recovering, Refusal> {
    // What cannot be a code costs no try.
    let code = RecoveryCode::parse(typed.expose())?;
    let selector = code.selector().to_owned();
    let wanted = selector.clone();
    let counted = portal.act(caller, move |tx, caller| count(tx, caller, &wanted)).await.map_err(explain)?;
    let is_right = recovery_code::verify(portal, owner(caller), code, counted.hash.clone()).await?;
    let caller = Arc::clone(caller);
    let settled = portal.store.write(move |tx| match counted.hash.as_deref().filter(|_| is_right) {
        Some(hash) => accept(tx, &caller, counted.fails, &selector, hash),
        None => refuse(tx, &caller, counted.fails),
    });
    settled.await?.map_err(|error| explain(error.into()))
}

fn explain(refused: Refusal) -> Refusal {
    if refused.code() == ErrorCode::CodeDisabled { refused.explained(DISABLED) } else { refused }
}

struct Counted {
    fails: u32,
    /// Of the code that the selector names, if it was not used.
    hash: Option<String>,
}

/// Every try is a failure until it is proven, also one of a member who never had a code: a guess costs the same.
fn count(tx: &mut Tx<'_>, caller: &Caller, selector: &str) -> Outcome<Counted> {
    let [organisation, member] = [&caller.organisation, &caller.member];
    let limit = caller.rules.code_max_tries;
    let counted =
        tx.query_one(COUNT_RECOVERY, &[organisation.into(), member.into(), limit.into(), caller.now_ms.into()])?;
    let Some(row) = counted else {
        let found = tx.query_one(FIND_RECOVERY, &[organisation.into(), member.into()])?;
        let wait_until_ms = found.map_or(Ok(0), |row| row.unsigned(2))?;
        let retry_after_ms = wait_until_ms.saturating_sub(caller.now_ms);
        return Ok(Err(if retry_after_ms > 0 { Error::CodeWait { retry_after_ms } } else { Error::CodeDisabled }));
    };
    let fails = u32::try_from(row.int(0)?).unwrap_or(u32::MAX);
    let wait_ms = wait_after_failures(fails);
    if wait_ms > 0 {
        tx.exec(DELAY_RECOVERY, &[organisation.into(), member.into(), (caller.now_ms + wait_ms).into()])?;
    }
    let found = tx.query_one(FIND_RECOVERY_CODE, &[organisation.into(), member.into(), selector.into()])?;
    let hash = found.map(|row| row.text(0).map(str::to_owned)).transpose()?;
    Ok(Ok(Counted { fails, hash }))
}

fn accept(tx: &mut Tx<'_>, caller: &Caller, fails: u32, selector: &str, hash: &str) -> Outcome<Recovering> {
    let [organisation, member] = [&caller.organisation, &caller.member];
    // Nothing is burnt for a session that ended while the code was hashed.
    if !caller.as_of_now(tx)?.is_some_and(|now| is_way_back(&now)) {
        return Ok(Err(Error::SessionEnded));
    }
    let values = [organisation.into(), member.into(), selector.into(), hash.into(), caller.now_ms.into()];
    if tx.exec(BURN_RECOVERY_CODE, &values)? == 0 {
        return refuse(tx, caller, fails);
    }
    tx.exec(FORGIVE_RECOVERY, &[organisation.into(), member.into()])?;
    tx.exec(BEGIN_RECOVERING, &[organisation.into(), (&caller.token_hash).into()])?;
    end_other_sessions(tx, caller)?;
    let left = state(tx, organisation, member)?.left;
    let detail = json!({ "surface": caller.surface, "left": left });
    audit::record(tx, organisation, &Event::by(caller, "recovery.used", member, detail))?;
    outbox::put(tx, &Message::by(caller, member, Kind::RecoveryCodeUsed).with("left", left))?;
    let step = StepAnswer { step: caller.step_now(tx)?, required_from_ms: None };
    let token = if caller.surface == Surface::Web { Some(sessions::rotate(tx, caller)?) } else { None };
    Ok(Ok(Recovering { step, token }))
}

fn refuse(tx: &mut Tx<'_>, caller: &Caller, fails: u32) -> Outcome<Recovering> {
    let [organisation, member] = [&caller.organisation, &caller.member];
    audit::record(tx, organisation, &Event::by(caller, "recovery.refused", member, json!({})))?;
    if fails < caller.rules.code_max_tries {
        return Ok(Err(Error::RecoveryCodeRefused));
    }
    audit::record(tx, organisation, &Event::by(caller, "recovery.disabled", member, json!({ "failures": fails })))?;
    Ok(Err(Error::CodeDisabled))
}

/// Submits a recovery code; the session can then set up a new authenticator, and nothing else.
#[utoipa::path(post, path = "/v1/recovery", request_body = RecoveryEntry,
    responses((status = 200, body = StepAnswer), (status = 422, body = Problem), (status = 429, body = Problem),
        (status = 403, body = Problem)))]
async fn post_recovery(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Json(entry): Json<RecoveryEntry>,
) -> Result<(CookieJar, axum::Json<StepAnswer>), Refusal> {
    let recovering = submit(&portal, &caller, &entry.code).await?;
    Ok((sessions::cookies(recovering.token.as_ref()), axum::Json(recovering.step)))
}

/// How many recovery codes are left, and whether they were saved.
#[utoipa::path(get, path = "/v1/recovery-codes", responses((status = 200, body = RecoveryCodesState)))]
async fn get_codes(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<axum::Json<RecoveryCodesState>, Refusal> {
    let found = portal.store.read(move |tx| state(tx, &caller.organisation, &caller.member)).await?;
    Ok(axum::Json(found))
}

/// Issues a new set of recovery codes, shown this one time; all older ones are void. Needs a fresh code.
#[utoipa::path(post, path = "/v1/recovery-codes",
    responses((status = 200, body = RecoveryCodesIssued), (status = 403, body = Problem)))]
async fn post_codes(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<axum::Json<RecoveryCodesIssued>, Refusal> {
    let set = renew(&portal, &caller).await?;
    Ok(axum::Json(RecoveryCodesIssued { recovery_codes: set.to_texts() }))
}
