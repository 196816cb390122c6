//! PIN tries. The PIN never comes here: the portal counts, and verifies a proof by the key that the PIN opens.
//!
//! A try is counted, durably, before the answer that allows it leaves. No proof, no matter why, means it stays counted.

use crate::access::{Access, Api};
use crate::act::Outcome;
use crate::audit::{self, Event};
use crate::caller::Caller;
use crate::extract::Json;
use crate::portal::Portal;
use crate::problem::Refusal;
use crate::sessions::{self, NewSession};
use crate::store::{StoreError, Tx};
use axum::Extension;
use axum::extract::State;
use serde_json::json;
use std::sync::Arc;
use twinlock_core::Error;
use twinlock_core::enrollment::DeviceFacts;
use twinlock_core::pin;
use twinlock_core::policy::Surface;
use twinlock_core::ports::generate_bytes;
use twinlock_core::proof::PublicKey;
use twinlock_core::wire::{
    Bytes, PinCommit, PinEvaluate, PinEvaluated, PinPrepared, PinProofStatement, PinProve, Problem, SessionOpened,
};

crate::statements! {
    PREPARE_PIN = "INSERT INTO pin (organisation, device, state, epoch, activated_key, rule_length, fails, wait_until_ms,
            attempt, attempt_open, attempt_key, attempt_challenge, attempt_ms, prepared_epoch, prepared_challenge,
            prepared_ms)
        VALUES ($1, $2, 'none', 0, $3, 0, 0, 0, 0, 0, $3, $3, 0, 1, $4, $5)
        ON CONFLICT (organisation, device) DO UPDATE
        SET prepared_epoch = pin.epoch + 1, prepared_challenge = excluded.prepared_challenge,
            prepared_ms = excluded.prepared_ms
        WHERE pin.state = 'none'
        RETURNING prepared_epoch";
    FIND_PREPARED = "SELECT prepared_challenge FROM pin
        WHERE organisation = $1 AND device = $2 AND state = 'none' AND prepared_epoch = $3 AND prepared_ms > $4";
    COMMIT_PIN = "UPDATE pin SET state = 'set', epoch = prepared_epoch, activated_key = $4, rule_length = $5, fails = 0,
            wait_until_ms = 0, prepared_epoch = 0
        WHERE organisation = $1 AND device = $2 AND state = 'none' AND prepared_epoch = $3";
    COUNT_PIN = "UPDATE pin SET fails = fails + 1, attempt = $3, attempt_open = 1, attempt_key = $4, attempt_challenge = $5,
            attempt_ms = $6
        WHERE organisation = $1 AND device = $2 AND state = 'set' AND fails >= 0 AND fails < $7 AND wait_until_ms <= $6
            AND attempt < $3
        RETURNING epoch, fails";
    FIND_PIN = "SELECT state, epoch, fails, wait_until_ms, attempt, attempt_open, attempt_key, attempt_challenge
        FROM pin WHERE organisation = $1 AND device = $2";
    DELAY_PIN = "UPDATE pin SET wait_until_ms = $3 WHERE organisation = $1 AND device = $2";
    TAKE_ATTEMPT = "UPDATE pin SET attempt_open = 0
        WHERE organisation = $1 AND device = $2 AND state = 'set' AND attempt = $3 AND attempt_open = 1
            AND attempt_key = $4 AND attempt_ms > $5
        RETURNING activated_key, attempt_challenge, fails";
    CLEAR_PIN_FAILS = "UPDATE pin SET fails = 0, wait_until_ms = 0 WHERE organisation = $1 AND device = $2";
    ERASE_SPENT_PIN = "UPDATE pin SET state = 'erased', attempt_open = 0
        WHERE organisation = $1 AND device = $2 AND state = 'set' AND fails >= $3 AND (attempt_open = 0 OR attempt_ms <= $4)";
}

/// A proof has to arrive within this time after its try was counted.
const PROOF_MS: u64 = 60_000;
/// A prepared PIN has to be committed within this time.
const PREPARED_MS: u64 = 10 * 60_000;

/// This resource's routes.
pub fn routes(api: Api) -> Api {
    api.route(Access::ApprovedDevice, utoipa_axum::routes!(post_prepare))
        .route(Access::ApprovedDevice, utoipa_axum::routes!(post_commit))
        .route(Access::ApprovedDevice, utoipa_axum::routes!(post_evaluate))
        .route(Access::ApprovedDevice, utoipa_axum::routes!(post_prove))
}

/// Prepares a new PIN.
#[utoipa::path(post, path = "/v1/pin/prepare", responses((status = 200, body = PinPrepared)))]
async fn post_prepare(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<axum::Json<PinPrepared>, Refusal> {
    let challenge = generate_bytes::<32>(&portal.random)?;
    Ok(axum::Json(portal.act(&caller, move |tx, caller| prepare(tx, caller, &challenge)).await?))
}

/// Commits a prepared PIN, whose file is durable on the device, and opens a session.
#[utoipa::path(post, path = "/v1/pin/commit", request_body = PinCommit,
    responses((status = 200, body = SessionOpened), (status = 409, body = Problem)))]
async fn post_commit(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Json(request): Json<PinCommit>,
) -> Result<axum::Json<SessionOpened>, Refusal> {
    PublicKey::from_spki(&request.session_key.0)?;
    let authority = portal.config.authority().to_owned();
    Ok(axum::Json(portal.act(&caller, move |tx, caller| commit(tx, caller, &request, &authority)).await?))
}

/// Counts one try.
#[utoipa::path(post, path = "/v1/pin/evaluate", request_body = PinEvaluate,
    responses((status = 200, body = PinEvaluated), (status = 429, body = Problem), (status = 403, body = Problem)))]
async fn post_evaluate(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Json(request): Json<PinEvaluate>,
) -> Result<axum::Json<PinEvaluated>, Refusal> {
    PublicKey::from_spki(&request.session_key.0)?;
    let challenge = generate_bytes::<32>(&portal.random)?;
    Ok(axum::Json(portal.act(&caller, move |tx, caller| evaluate(tx, caller, &request, &challenge)).await?))
}

/// Proves that the PIN was right, and opens a session.
#[utoipa::path(post, path = "/v1/pin/prove", request_body = PinProve,
    responses((status = 200, body = SessionOpened), (status = 422, body = Problem)))]
async fn post_prove(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Json(request): Json<PinProve>,
) -> Result<axum::Json<SessionOpened>, Refusal> {
    let authority = portal.config.authority().to_owned();
    Ok(axum::Json(portal.act(&caller, move |tx, caller| prove(tx, caller, &request, &authority)).await?))
}

fn prepare(tx: &mut Tx<'_>, caller: &Caller, challenge: &[u8; 32]) -> Outcome<PinPrepared> {
    let Some(device) = &caller.device else { return Ok(Err(Error::Internal)) };
    if !matches!(caller.step_now(tx)?, twinlock_core::step::Step::CreatePin(_)) {
        return Ok(Err(Error::StepRequired));
    }
    let none: &[u8] = &[];
    let values = [(&caller.organisation).into(), device.into(), none.into(), challenge.into(), caller.now_ms.into()];
    match tx.query_one(PREPARE_PIN, &values)? {
        Some(row) => Ok(Ok(PinPrepared { epoch: row.unsigned(0)?, challenge: Bytes(challenge.to_vec()) })),
        None => Ok(Err(Error::StepRequired)),
    }
}

fn commit(tx: &mut Tx<'_>, caller: &Caller, request: &PinCommit, authority: &str) -> Outcome<SessionOpened> {
    let Some(device) = &caller.device else { return Ok(Err(Error::Internal)) };
    let organisation = &caller.organisation;
    let oldest = caller.now_ms.saturating_sub(PREPARED_MS);
    let values = [organisation.into(), device.into(), request.epoch.into(), oldest.into()];
    let Some(prepared) = tx.query_one(FIND_PREPARED, &values)? else { return Ok(Err(Error::StaleEpoch)) };
    let statement = PinProofStatement {
        challenge: prepared.blob(0)?,
        number: request.epoch,
        authority,
        device,
        session_key: &request.session_key.0,
    };
    let key = match PublicKey::from_spki(&request.activated_key.0) {
        Ok(key) => key,
        Err(refused) => return Ok(Err(refused)),
    };
    if key.verify(&statement.to_commit(), &request.activated_signature.0).is_err() {
        return Ok(Err(Error::SignatureRefused));
    }
    let rule_length = i64::from(caller.rules.pin_min_length);
    let changed = tx.exec(
        COMMIT_PIN,
        &[organisation.into(), device.into(), request.epoch.into(), key.spki().into(), rule_length.into()],
    )?;
    if changed == 0 {
        return Ok(Err(Error::StaleEpoch));
    }
    audit::record(tx, organisation, &Event::by(caller, "pin.created", device, json!({})))?;
    open_session(tx, caller, device, &request.session_key.0, 0).map(Ok)
}

fn evaluate(tx: &mut Tx<'_>, caller: &Caller, request: &PinEvaluate, challenge: &[u8; 32]) -> Outcome<PinEvaluated> {
    let Some(device) = &caller.device else { return Ok(Err(Error::Internal)) };
    let (organisation, now_ms) = (&caller.organisation, caller.now_ms);
    let max_tries = caller.rules.pin_max_tries;
    let counted = tx.query_one(
        COUNT_PIN,
        &[
            organisation.into(),
            device.into(),
            request.attempt.into(),
            (&request.session_key.0).into(),
            challenge.into(),
            now_ms.into(),
            max_tries.into(),
        ],
    )?;
    let Some(row) = counted else { return answer_uncounted(tx, caller, device, request) };
    let fails = u32::try_from(row.int(1)?).unwrap_or(u32::MAX);
    let wait_ms = pin::wait_after_failures(fails);
    if wait_ms > 0 {
        tx.exec(DELAY_PIN, &[organisation.into(), device.into(), (now_ms + wait_ms).into()])?;
    }
    audit::record(tx, organisation, &Event::by(caller, "pin.try_counted", device, json!({ "failures": fails })))?;
    Ok(Ok(PinEvaluated {
        epoch: row.unsigned(0)?,
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
    let fails = u32::try_from(row.int(2)?).unwrap_or(u32::MAX);
    let max_tries = caller.rules.pin_max_tries;
    match row.text(0)? {
        "none" => return Ok(Err(Error::NoPin)),
        "erased" => return Ok(Err(Error::PinErased)),
        _ => {}
    }
    let is_same_try = row.unsigned(4)? == request.attempt && row.blob(6)? == request.session_key.0;
    if is_same_try && row.int(5)? == 1 {
        return Ok(Ok(PinEvaluated {
            epoch: row.unsigned(1)?,
            challenge: Bytes(row.blob(7)?.to_vec()),
            tries_left: max_tries.saturating_sub(fails),
            retry_after_ms: pin::wait_after_failures(fails),
        }));
    }
    if fails >= max_tries {
        erase_if_spent(tx, caller, device)?;
        return Ok(Err(Error::PinErased));
    }
    let wait_until_ms = row.unsigned(3)?;
    if wait_until_ms > now_ms {
        return Ok(Err(Error::PinWait { retry_after_ms: wait_until_ms - now_ms }));
    }
    // An attempt number that was used before, with another session key.
    Ok(Err(Error::BadRequest))
}

/// The last try may still be proven for a minute; after that the PIN is gone for good.
fn erase_if_spent(tx: &mut Tx<'_>, caller: &Caller, device: &str) -> Result<(), StoreError> {
    let (organisation, max_tries) = (&caller.organisation, caller.rules.pin_max_tries);
    let oldest = caller.now_ms.saturating_sub(PROOF_MS);
    let erased = tx.exec(ERASE_SPENT_PIN, &[organisation.into(), device.into(), max_tries.into(), oldest.into()])?;
    if erased == 1 {
        audit::record(tx, organisation, &Event::by(caller, "pin.erased", device, json!({ "failures": max_tries })))?;
    }
    Ok(())
}

fn prove(tx: &mut Tx<'_>, caller: &Caller, request: &PinProve, authority: &str) -> Outcome<SessionOpened> {
    let Some(device) = &caller.device else { return Ok(Err(Error::Internal)) };
    let organisation = &caller.organisation;
    let taken = tx.query_one(
        TAKE_ATTEMPT,
        &[
            organisation.into(),
            device.into(),
            request.attempt.into(),
            (&request.session_key.0).into(),
            caller.now_ms.saturating_sub(PROOF_MS).into(),
        ],
    )?;
    let Some(row) = taken else { return Ok(Err(Error::StepRequired)) };
    let fails = u32::try_from(row.int(2)?).unwrap_or(u32::MAX);
    let statement = PinProofStatement {
        challenge: row.blob(1)?,
        number: request.attempt,
        authority,
        device,
        session_key: &request.session_key.0,
    };
    let key = PublicKey::from_spki(row.blob(0)?);
    let is_proven = key.and_then(|key| key.verify(&statement.to_prove(), &request.activated_signature.0)).is_ok();
    if !is_proven {
        erase_if_spent(tx, caller, device)?;
        let tries_left = caller.rules.pin_max_tries.saturating_sub(fails);
        return Ok(Err(Error::WrongPin { tries_left, retry_after_ms: pin::wait_after_failures(fails) }));
    }
    tx.exec(CLEAR_PIN_FAILS, &[organisation.into(), device.into()])?;
    audit::record(tx, organisation, &Event::by(caller, "pin.accepted", device, json!({})))?;
    open_session(tx, caller, device, &request.session_key.0, fails.saturating_sub(1)).map(Ok)
}

fn open_session(
    tx: &mut Tx<'_>,
    caller: &Caller,
    device: &str,
    session_key: &[u8],
    failures_before: u32,
) -> Result<SessionOpened, StoreError> {
    let facts = tx.query_one(crate::caller::FIND_DEVICE_CALLER, &[(&caller.organisation).into(), device.into()])?;
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
