//! PIN tries. The PIN never comes here: the portal counts, evaluates what it cannot read, and verifies a proof by the key
//! that the PIN opens.
//!
//! A try is counted, durably, before the answer that allows it leaves. No proof, no matter why, means it stays counted.

use crate::access::{Access, Api};
use crate::act::Outcome;
use crate::audit::{self, Event};
use crate::caller::Caller;
use crate::extract::Json;
use crate::mail::outbox::{self, Kind, Message};
use crate::portal::{Portal, PortalState};
use crate::problem::Refusal;
use crate::sessions::{self, NewSession};
use crate::share::{self, Place};
use crate::store::{StoreError, Tx};
use axum::Extension;
use axum::extract::State;
use serde_json::json;
use std::sync::Arc;
use twinlock_core::Error;
use twinlock_core::enrollment::DeviceFacts;
use twinlock_core::pin::{self, BlindedElement};
use twinlock_core::policy::{Rules, Surface};
use twinlock_core::ports::generate_bytes;
use twinlock_core::proof::PublicKey;
use twinlock_core::wire::{Bytes, PinEvaluate, PinEvaluated, PinProofStatement, PinProve, Problem, SessionOpened};

crate::statements! {
    COUNT_PIN = "UPDATE pin SET fails = fails + 1, attempt = $3, attempt_open = 1, attempt_element = $4,
            attempt_challenge = $5, attempt_ms = $6
        WHERE organisation = $1 AND device = $2 AND state = 'set' AND epoch = $8 AND fails >= 0 AND fails < $7
            AND wait_until_ms <= $6 AND attempt < $3
        RETURNING seed_sealed, seed_key_version, fails";
    FORGET_OLD_FAILURES = "DELETE FROM pin_failure WHERE organisation = $1 AND device = $2 AND at_ms <= $3";
    NOTE_FAILURE = "INSERT INTO pin_failure (organisation, device, attempt, at_ms) VALUES ($1, $2, $3, $4)";
    COUNT_FAILURES = "SELECT CAST(count(*) AS BIGINT) FROM pin_failure WHERE organisation = $1 AND device = $2";
    KEEP_ANSWER = "UPDATE pin SET attempt_answer = $3, wait_until_ms = $4 WHERE organisation = $1 AND device = $2";
    FIND_PIN = "SELECT state, epoch, fails, wait_until_ms, attempt, attempt_open, attempt_element, attempt_challenge,
            attempt_answer
        FROM pin WHERE organisation = $1 AND device = $2";
    ANSWER_AGAIN = "UPDATE pin SET attempt_ms = $3 WHERE organisation = $1 AND device = $2";
    TAKE_ATTEMPT = "UPDATE pin SET attempt_open = 0
        WHERE organisation = $1 AND device = $2 AND state = 'set' AND attempt = $3 AND attempt_open = 1
            AND attempt_ms > $4
        RETURNING activated_key, attempt_challenge, fails";
    CLEAR_PIN_FAILS = "UPDATE pin SET fails = 0, wait_until_ms = 0 WHERE organisation = $1 AND device = $2";
    OWE_CODE = "UPDATE pin SET owes_code = 1 WHERE organisation = $1 AND device = $2";
    FORGET_FAILURE = "DELETE FROM pin_failure WHERE organisation = $1 AND device = $2 AND attempt = $3";
    FORGIVE_FAILURES = "DELETE FROM pin_failure WHERE organisation = $1 AND device = $2";
    FORGIVE_CODE = "UPDATE pin SET owes_code = 0 WHERE organisation = $1 AND device = $2";
    ERASE_PIN = "UPDATE pin SET state = 'erased', seed_sealed = $3, attempt_open = 0, attempt_element = $3,
            attempt_answer = $3
        WHERE organisation = $1 AND device = $2 AND state <> 'erased'";
    FIND_SPENT = "SELECT p.organisation, p.device, p.fails, o.rules FROM pin p
        JOIN organisation o ON o.id = p.organisation
        WHERE p.state = 'set' AND p.fails >= $1 AND p.attempt_ms <= $2 LIMIT 1000";
}

/// A proof has to arrive within this time after its answer.
const PROOF_MS: u64 = 60_000;
/// So many failures within so long, and the next unlock asks for a code too.
const BUDGET: i64 = 30;
const BUDGET_MS: u64 = 30 * 86_400_000;
/// No policy allows fewer.
const FEWEST_TRIES: u32 = 3;
const NONE: &[u8] = &[];

/// This resource's routes.
pub fn routes(api: Api) -> Api {
    api.route(Access::ApprovedPhone, utoipa_axum::routes!(post_evaluate))
        .route(Access::ApprovedPhone, utoipa_axum::routes!(post_prove))
}

/// Counts one try, then evaluates its element.
#[utoipa::path(post, path = "/v1/pin/evaluate", request_body = PinEvaluate,
    responses((status = 200, body = PinEvaluated), (status = 429, body = Problem), (status = 403, body = Problem),
        (status = 409, body = Problem)))]
async fn post_evaluate(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Json(request): Json<PinEvaluate>,
) -> Result<axum::Json<PinEvaluated>, Refusal> {
    let element = BlindedElement::from_bytes(&request.element.0).ok_or(Error::BadRequest)?;
    let challenge = generate_bytes::<32>(&portal.random)?;
    let keys = Arc::clone(&portal);
    let evaluated = portal.act(&caller, move |tx, caller| evaluate(tx, caller, &keys, &request, &element, &challenge));
    Ok(axum::Json(evaluated.await?))
}

/// Proves that the PIN was right, and opens a session.
#[utoipa::path(post, path = "/v1/pin/prove", request_body = PinProve,
    responses((status = 200, body = SessionOpened), (status = 422, body = Problem)))]
async fn post_prove(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Json(request): Json<PinProve>,
) -> Result<axum::Json<SessionOpened>, Refusal> {
    PublicKey::from_spki(&request.session_key.0)?;
    let authority = portal.config.authority().to_owned();
    Ok(axum::Json(portal.act(&caller, move |tx, caller| prove(tx, caller, &request, &authority)).await?))
}

fn evaluate(
    tx: &mut Tx<'_>,
    caller: &Caller,
    portal: &PortalState,
    request: &PinEvaluate,
    element: &BlindedElement,
    challenge: &[u8; 32],
) -> Outcome<PinEvaluated> {
    let Some(device) = &caller.device else { return Ok(Err(Error::Internal)) };
    let (organisation, now_ms) = (&caller.organisation, caller.now_ms);
    let max_tries = caller.rules.pin_max_tries;
    let counted = tx.query_one(
        COUNT_PIN,
        &[
            organisation.into(),
            device.into(),
            request.attempt.into(),
            element.as_bytes().into(),
            challenge.into(),
            now_ms.into(),
            max_tries.into(),
            request.epoch.into(),
        ],
    )?;
    let Some(row) = counted else { return answer_uncounted(tx, caller, device, request) };
    let fails = u32::try_from(row.int(2)?).unwrap_or(u32::MAX);
    let wait_ms = pin::wait_after_failures(fails);
    // Every counted try is a failure until it is proven.
    tx.exec(NOTE_FAILURE, &[organisation.into(), device.into(), request.attempt.into(), now_ms.into()])?;
    let answer = share::evaluate(portal, Place { organisation, device, epoch: request.epoch }, &row, element)?;
    let wait_until_ms = if wait_ms > 0 { now_ms + wait_ms } else { 0 };
    tx.exec(KEEP_ANSWER, &[organisation.into(), device.into(), (&answer).into(), wait_until_ms.into()])?;
    audit::record(tx, organisation, &Event::by(caller, "pin.try_counted", device, json!({ "failures": fails })))?;
    Ok(Ok(PinEvaluated {
        evaluation: Bytes(answer),
        challenge: Bytes(challenge.to_vec()),
        tries_left: max_tries.saturating_sub(fails),
        retry_after_ms: wait_ms,
    }))
}

/// The same try sent again gets the same answer and is not counted again; everything else is refused.
fn answer_uncounted(tx: &mut Tx<'_>, caller: &Caller, device: &str, request: &PinEvaluate) -> Outcome<PinEvaluated> {
    let (organisation, now_ms) = (&caller.organisation, caller.now_ms);
    let Some(row) = tx.query_one(FIND_PIN, &[organisation.into(), device.into()])? else {
        return Ok(Err(Error::NoPin));
    };
    match row.text(0)? {
        "none" => return Ok(Err(Error::NoPin)),
        "erased" => return Ok(Err(Error::PinErased)),
        _ => {}
    }
    // Nobody counts below zero: the row was tampered with, and what it says is worth nothing.
    let fails = u32::try_from(row.int(2)?).map_err(|_| StoreError::Corrupt)?;
    if row.unsigned(1)? != request.epoch {
        return Ok(Err(Error::StaleEpoch));
    }
    let max_tries = caller.rules.pin_max_tries;
    let is_same_try = row.unsigned(4)? == request.attempt && row.blob(6)? == request.element.0;
    if is_same_try && row.int(5)? == 1 {
        tx.exec(ANSWER_AGAIN, &[organisation.into(), device.into(), now_ms.into()])?;
        return Ok(Ok(PinEvaluated {
            evaluation: Bytes(row.blob(8)?.to_vec()),
            challenge: Bytes(row.blob(7)?.to_vec()),
            tries_left: max_tries.saturating_sub(fails),
            retry_after_ms: pin::wait_after_failures(fails),
        }));
    }
    if fails >= max_tries {
        erase_spent(tx, caller, device, fails)?;
        return Ok(Err(Error::PinErased));
    }
    let wait_until_ms = row.unsigned(3)?;
    if wait_until_ms > now_ms {
        return Ok(Err(Error::PinWait { retry_after_ms: wait_until_ms - now_ms }));
    }
    // An attempt number that was used before, with another element.
    Ok(Err(Error::BadRequest))
}

fn prove(tx: &mut Tx<'_>, caller: &Caller, request: &PinProve, authority: &str) -> Outcome<SessionOpened> {
    let Some(device) = &caller.device else { return Ok(Err(Error::Internal)) };
    let organisation = &caller.organisation;
    let oldest = caller.now_ms.saturating_sub(PROOF_MS);
    let values = [organisation.into(), device.into(), request.attempt.into(), oldest.into()];
    let Some(row) = tx.query_one(TAKE_ATTEMPT, &values)? else { return Ok(Err(Error::StepRequired)) };
    let fails = u32::try_from(row.int(2)?).unwrap_or(u32::MAX);
    let statement = PinProofStatement {
        challenge: row.blob(1)?,
        number: request.attempt,
        authority,
        policy_version: caller.policy_version,
        device,
        session_key: &request.session_key.0,
    };
    let key = PublicKey::from_spki(row.blob(0)?);
    let is_proven = key.and_then(|key| key.verify(&statement.to_prove(), &request.activated_signature.0)).is_ok();
    if !is_proven {
        let tries_left = caller.rules.pin_max_tries.saturating_sub(fails);
        if tries_left == 0 {
            erase_spent(tx, caller, device, fails)?;
        }
        return Ok(Err(Error::WrongPin { tries_left, retry_after_ms: pin::wait_after_failures(fails) }));
    }
    tx.exec(CLEAR_PIN_FAILS, &[organisation.into(), device.into()])?;
    tx.exec(FORGET_FAILURE, &[organisation.into(), device.into(), request.attempt.into()])?;
    owe_code_after_failures(tx, caller, device)?;
    audit::record(tx, organisation, &Event::by(caller, "pin.accepted", device, json!({})))?;
    open_session(tx, caller, device, &request.session_key.0, fails.saturating_sub(1)).map(Ok)
}

/// The tries in a row are forgiven by the right PIN, those of thirty days by a code.
fn owe_code_after_failures(tx: &mut Tx<'_>, caller: &Caller, device: &str) -> Result<(), StoreError> {
    let organisation = &caller.organisation;
    let oldest = caller.now_ms.saturating_sub(BUDGET_MS);
    tx.exec(FORGET_OLD_FAILURES, &[organisation.into(), device.into(), oldest.into()])?;
    let count = tx.query_one(COUNT_FAILURES, &[organisation.into(), device.into()])?;
    if count.map_or(Ok(BUDGET), |row| row.int(0))? >= BUDGET {
        tx.exec(OWE_CODE, &[organisation.into(), device.into()])?;
    }
    Ok(())
}

/// Opens a session for whoever has just proven the PIN of `device`.
pub fn open_session(
    tx: &mut Tx<'_>,
    caller: &Caller,
    device: &str,
    session_key: &[u8],
    failures_before: u32,
) -> Result<SessionOpened, StoreError> {
    let facts =
        tx.query_one(crate::caller_facts::FIND_DEVICE_CALLER, &[(&caller.organisation).into(), device.into()])?;
    let app_version = match facts {
        Some(row) => DeviceFacts::parse(row.text(17)?).map(|facts| facts.app_version).unwrap_or_default(),
        None => String::new(),
    };
    let new = NewSession {
        organisation: &caller.organisation,
        member: &caller.member,
        surface: Surface::Phone,
        device,
        session_key,
        app_version: &app_version,
        code_at_ms: 0,
        pin_proved: true,
    };
    let (session, token_hash) = sessions::open(tx, &new, &caller.origin, caller.now_ms)?;
    let as_session = Caller { key: crate::caller::Key::Session, token_hash, ..caller.clone() };
    Ok(SessionOpened { session, failures_before, step: as_session.step_now(tx)? })
}

/// A code was accepted on this device: the failures of the last thirty days are settled.
pub fn forgive(tx: &mut Tx<'_>, organisation: &str, device: &str) -> Result<(), StoreError> {
    tx.exec(FORGIVE_FAILURES, &[organisation.into(), device.into()])?;
    tx.exec(FORGIVE_CODE, &[organisation.into(), device.into()])?;
    Ok(())
}

/// Erases every seed of the device, also from the disk: no PIN opens its file ever again. False if there was none left to
/// erase.
pub fn erase(tx: &mut Tx<'_>, organisation: &str, device: &str) -> Result<bool, StoreError> {
    tx.exec(crate::pin_set_up::FORGET_PREPARED, &[organisation.into(), device.into()])?;
    let erased = tx.exec(ERASE_PIN, &[organisation.into(), device.into(), NONE.into()])?;
    tx.purge();
    Ok(erased == 1)
}

fn erase_spent(tx: &mut Tx<'_>, caller: &Caller, device: &str, fails: u32) -> Result<(), StoreError> {
    let event = Event::by(caller, "pin.erased", device, json!({ "failures": fails }));
    erase_at_the_limit(tx, &caller.organisation, device, &event).map(|_| ())
}

fn erase_at_the_limit(tx: &mut Tx<'_>, organisation: &str, device: &str, event: &Event) -> Result<bool, StoreError> {
    let is_new = erase(tx, organisation, device)?;
    if is_new {
        sessions::end_on_device(tx, organisation, device)?;
        audit::record(tx, organisation, event)?;
        let make = |member: &str| Message::to(organisation, member, Kind::PinLimit, event.at_ms);
        outbox::put_about_device(tx, organisation, device, make)?;
    }
    Ok(is_new)
}

/// Erases what nobody came back to: the last try may be proven for a minute, and not a moment longer.
pub fn sweep(tx: &mut Tx<'_>, now_ms: u64) -> Result<u64, StoreError> {
    let rows = tx.query(FIND_SPENT, &[FEWEST_TRIES.into(), now_ms.saturating_sub(PROOF_MS).into()])?;
    let mut erased = 0;
    for row in rows {
        let (organisation, device, fails) = (row.text(0)?, row.text(1)?, row.unsigned(2)?);
        let rules: Rules = serde_json::from_str(row.text(3)?).unwrap_or_else(|_| Rules::strict());
        if fails < u64::from(rules.pin_max_tries) {
            continue;
        }
        let event = Event::by_portal(now_ms, "pin.erased", device, json!({ "failures": fails }));
        erased += u64::from(erase_at_the_limit(tx, organisation, device, &event)?);
    }
    Ok(erased)
}
