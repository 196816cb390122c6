//! A new PIN, in two phases: the portal prepares a seed, the device seals its file with it, and only a proof with the new
//! PIN-activated key makes it the one that holds. Either side may die in between; exactly one epoch opens.
//!
//! A prepared seed evaluates one element. Otherwise setting a PIN would answer guesses that nobody counts.

use crate::access::{Access, Api};
use crate::act::Outcome;
use crate::audit::{self, Event};
use crate::caller::{Caller, Key};
use crate::extract::Json;
use crate::pins;
use crate::portal::{Portal, PortalState};
use crate::problem::Refusal;
use crate::sessions;
use crate::share::{self, Place};
use crate::store::{StoreError, Tx};
use axum::Extension;
use axum::extract::State;
use serde_json::json;
use std::sync::Arc;
use twinlock_core::Error;
use twinlock_core::pin::BlindedElement;
use twinlock_core::ports::generate_bytes;
use twinlock_core::proof::PublicKey;
use twinlock_core::step::Step;
use twinlock_core::wire::{
    Bytes, PinCommit, PinPrepareEvaluate, PinPrepareEvaluated, PinPrepared, PinProofStatement, Problem, SessionOpened,
};

crate::statements! {
    NEXT_EPOCH = "INSERT INTO pin (organisation, device, state, epoch, last_epoch, seed_sealed, seed_key_version,
            activated_key, rule_length, fails, wait_until_ms, owes_code, attempt, attempt_open, attempt_element,
            attempt_answer, attempt_challenge, attempt_ms)
        VALUES ($1, $2, 'none', 0, 1, $3, 0, $3, 0, 0, 0, 0, 0, 0, $3, $3, $3, 0)
        ON CONFLICT (organisation, device) DO UPDATE SET last_epoch = pin.last_epoch + 1
        WHERE pin.state <> 'erased'
        RETURNING last_epoch, state";
    FORGET_PREPARED = "DELETE FROM prepared_pin WHERE organisation = $1 AND device = $2";
    PREPARE_PIN = "INSERT INTO prepared_pin (organisation, device, epoch, seed_sealed, seed_key_version, challenge, element,
            answer, made_ms)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8)";
    TAKE_PREPARED_ELEMENT = "UPDATE prepared_pin SET element = $4
        WHERE organisation = $1 AND device = $2 AND epoch = $3 AND element = $5 AND made_ms > $6
        RETURNING seed_sealed, seed_key_version";
    KEEP_PREPARED_ANSWER = "UPDATE prepared_pin SET answer = $3 WHERE organisation = $1 AND device = $2";
    FIND_PREPARED_ANSWER = "SELECT answer FROM prepared_pin
        WHERE organisation = $1 AND device = $2 AND epoch = $3 AND element = $4 AND made_ms > $5";
    TAKE_PREPARED = "DELETE FROM prepared_pin
        WHERE organisation = $1 AND device = $2 AND epoch = $3 AND element <> $4 AND made_ms > $5
        RETURNING challenge, seed_sealed, seed_key_version";
    COMMIT_PIN = "UPDATE pin SET state = 'set', epoch = $3, seed_sealed = $4, seed_key_version = $5, activated_key = $6,
            rule_length = $7, fails = 0, wait_until_ms = 0, attempt_open = 0, attempt_element = $8, attempt_answer = $8
        WHERE organisation = $1 AND device = $2 AND state <> 'erased' AND epoch < $3 AND last_epoch = $3";
    FIND_FRESH_UNLOCK = "SELECT p.epoch FROM session s
        JOIN pin p ON p.organisation = s.organisation AND p.device = s.device
        WHERE s.organisation = $1 AND s.token_hash = $2 AND s.device = $3 AND s.pin_proved = 1 AND s.created_ms > $4
            AND p.state = 'set'";
}

/// A prepared PIN has to be committed within this time.
const PREPARED_MS: u64 = 10 * 60_000;
/// A PIN is changed within this time after it was entered.
const FRESH_UNLOCK_MS: u64 = 5 * 60_000;
const NONE: &[u8] = &[];

/// This resource's routes.
pub fn routes(api: Api) -> Api {
    api.route(Access::SetPin, utoipa_axum::routes!(post_prepare))
        .route(Access::SetPin, utoipa_axum::routes!(post_prepare_evaluate))
        .route(Access::SetPin, utoipa_axum::routes!(post_commit))
}

/// Prepares a new PIN; what was prepared before is void. Signed with the device key where there is no PIN yet, with the
/// key of a session that the PIN opened less than five minutes ago where there is one.
#[utoipa::path(post, path = "/v1/pin/prepare", responses((status = 200, body = PinPrepared)))]
async fn post_prepare(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<axum::Json<PinPrepared>, Refusal> {
    let challenge = generate_bytes::<32>(&portal.random)?;
    let keys = Arc::clone(&portal);
    Ok(axum::Json(portal.act(&caller, move |tx, caller| prepare(tx, caller, &keys, &challenge)).await?))
}

/// Evaluates the one element of a prepared PIN.
#[utoipa::path(post, path = "/v1/pin/prepare/evaluate", request_body = PinPrepareEvaluate,
    responses((status = 200, body = PinPrepareEvaluated), (status = 409, body = Problem)))]
async fn post_prepare_evaluate(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Json(request): Json<PinPrepareEvaluate>,
) -> Result<axum::Json<PinPrepareEvaluated>, Refusal> {
    let element = BlindedElement::from_bytes(&request.element.0).ok_or(Error::BadRequest)?;
    let keys = Arc::clone(&portal);
    let evaluated =
        portal.act(&caller, move |tx, caller| evaluate_prepared(tx, caller, &keys, request.epoch, &element));
    Ok(axum::Json(evaluated.await?))
}

/// Commits a prepared PIN, whose file is durable on the device, erases the seed of the one before, and opens a session.
#[utoipa::path(post, path = "/v1/pin/commit", request_body = PinCommit,
    responses((status = 200, body = SessionOpened), (status = 409, body = Problem)))]
async fn post_commit(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Json(request): Json<PinCommit>,
) -> Result<axum::Json<SessionOpened>, Refusal> {
    PublicKey::from_spki(&request.session_key.0)?;
    let activated = PublicKey::from_spki(&request.activated_key.0)?;
    let authority = portal.config.authority().to_owned();
    let committed = portal.act(&caller, move |tx, caller| commit(tx, caller, &request, &activated, &authority));
    Ok(axum::Json(committed.await?))
}

fn prepare(tx: &mut Tx<'_>, caller: &Caller, portal: &PortalState, challenge: &[u8; 32]) -> Outcome<PinPrepared> {
    let Some(device) = &caller.device else { return Ok(Err(Error::Internal)) };
    let organisation = &caller.organisation;
    if !may_set(tx, caller, device)? {
        return Ok(Err(Error::StepRequired));
    }
    let Some(row) = tx.query_one(NEXT_EPOCH, &[organisation.into(), device.into(), NONE.into()])? else {
        return Ok(Err(Error::StepRequired));
    };
    let epoch = row.unsigned(0)?;
    let seed = share::generate_seed(portal, Place { organisation, device, epoch })?;
    tx.exec(FORGET_PREPARED, &[organisation.into(), device.into()])?;
    tx.exec(
        PREPARE_PIN,
        &[
            organisation.into(),
            device.into(),
            epoch.into(),
            seed.sealed.into(),
            seed.key_version.into(),
            challenge.into(),
            NONE.into(),
            caller.now_ms.into(),
        ],
    )?;
    let (challenge, portal_key) = (Bytes(challenge.to_vec()), Bytes::from(seed.public_key.as_bytes()));
    Ok(Ok(PinPrepared { epoch, challenge, portal_key }))
}

/// Where there is no PIN the device key is enough: there is nothing yet that it could open. Where there is one, only
/// whoever has just opened it may change it; the device key alone cannot.
fn may_set(tx: &mut Tx<'_>, caller: &Caller, device: &str) -> Result<bool, StoreError> {
    if caller.key == Key::Device {
        return Ok(matches!(caller.step_now(tx)?, Step::CreatePin(_)));
    }
    let oldest = caller.now_ms.saturating_sub(FRESH_UNLOCK_MS);
    let values = [(&caller.organisation).into(), (&caller.token_hash).into(), device.into(), oldest.into()];
    Ok(tx.query_one(FIND_FRESH_UNLOCK, &values)?.is_some())
}

fn evaluate_prepared(
    tx: &mut Tx<'_>,
    caller: &Caller,
    portal: &PortalState,
    epoch: u64,
    element: &BlindedElement,
) -> Outcome<PinPrepareEvaluated> {
    let Some(device) = &caller.device else { return Ok(Err(Error::Internal)) };
    let organisation = &caller.organisation;
    let oldest = caller.now_ms.saturating_sub(PREPARED_MS);
    let asked = [organisation.into(), device.into(), epoch.into(), element.as_bytes().into()];
    let [o, d, e, a] = asked.clone();
    if let Some(row) = tx.query_one(TAKE_PREPARED_ELEMENT, &[o, d, e, a, NONE.into(), oldest.into()])? {
        let answer = share::evaluate(portal, Place { organisation, device, epoch }, &row, element)?;
        tx.exec(KEEP_PREPARED_ANSWER, &[organisation.into(), device.into(), (&answer).into()])?;
        return Ok(Ok(PinPrepareEvaluated { evaluation: Bytes(answer) }));
    }
    let [o, d, e, a] = asked;
    if let Some(row) = tx.query_one(FIND_PREPARED_ANSWER, &[o, d, e, a, oldest.into()])? {
        return Ok(Ok(PinPrepareEvaluated { evaluation: Bytes(row.blob(0)?.to_vec()) }));
    }
    // A second element, or a seed that is not the prepared one: neither is worth keeping.
    tx.exec(FORGET_PREPARED, &[organisation.into(), device.into()])?;
    Ok(Err(Error::StaleEpoch))
}

fn commit(
    tx: &mut Tx<'_>,
    caller: &Caller,
    request: &PinCommit,
    activated: &PublicKey,
    authority: &str,
) -> Outcome<SessionOpened> {
    let Some(device) = &caller.device else { return Ok(Err(Error::Internal)) };
    let organisation = &caller.organisation;
    let oldest = caller.now_ms.saturating_sub(PREPARED_MS);
    // Taken before it is judged: whatever comes of it, what was prepared is committed once.
    let values = [organisation.into(), device.into(), request.epoch.into(), NONE.into(), oldest.into()];
    let Some(prepared) = tx.query_one(TAKE_PREPARED, &values)? else { return Ok(Err(Error::StaleEpoch)) };
    if !may_set(tx, caller, device)? {
        return Ok(Err(Error::StepRequired));
    }
    let statement = PinProofStatement {
        challenge: prepared.blob(0)?,
        number: request.epoch,
        authority,
        policy_version: caller.policy_version,
        device,
        session_key: &request.session_key.0,
    };
    if activated.verify(&statement.to_commit(), &request.activated_signature.0).is_err() {
        return Ok(Err(Error::SignatureRefused));
    }
    let is_change = caller.key != Key::Device;
    let changed = tx.exec(
        COMMIT_PIN,
        &[
            organisation.into(),
            device.into(),
            request.epoch.into(),
            prepared.blob(1)?.into(),
            prepared.int(2)?.into(),
            activated.spki().into(),
            i64::from(caller.rules.pin_min_length).into(),
            NONE.into(),
        ],
    )?;
    if changed == 0 {
        return Ok(Err(Error::StaleEpoch));
    }
    if is_change {
        // The seed of the old file is gone; neither a copy of that file nor a session of before outlives the change.
        tx.purge();
        sessions::end_on_device(tx, organisation, device)?;
    }
    let action = if is_change { "pin.changed" } else { "pin.created" };
    audit::record(tx, organisation, &Event::by(caller, action, device, json!({})))?;
    pins::open_session(tx, caller, device, &request.session_key.0, 0).map(Ok)
}
