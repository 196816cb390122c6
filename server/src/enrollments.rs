//! Enrollment of a device, in three calls: start, commit, reveal.

use crate::access::{Access, Api};
use crate::act::Outcome;
use crate::audit::{self, Event};
use crate::caller::Caller;
use crate::devices;
use crate::extract::Json;
use crate::portal::Portal;
use crate::problem::Refusal;
use crate::sessions;
use crate::store::Tx;
use axum::Extension;
use axum::extract::{Path, State};
use serde_json::json;
use std::sync::Arc;
use subtle::ConstantTimeEq;
use twinlock_core::Error;
use twinlock_core::enrollment::{DeviceFacts, Transcript, commitment};
use twinlock_core::policy::{DeviceApproval, DeviceState, Rules};
use twinlock_core::ports::generate_bytes;
use twinlock_core::proof::PublicKey;
use twinlock_core::wire::{Bytes, Commitment, CommitmentTaken, Enrolled, EnrollmentStarted, Problem, Reveal};
use uuid::Uuid;

crate::statements! {
    INSERT_ENROLLMENT = "INSERT INTO enrollment (organisation, id, member, first_nonce, second_nonce, commitment, created_ms)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    COMMIT_ENROLLMENT = "UPDATE enrollment SET commitment = $4, second_nonce = $5
        WHERE organisation = $1 AND id = $2 AND member = $3 AND created_ms > $6 AND length(commitment) = 0";
    TAKE_ENROLLMENT = "DELETE FROM enrollment WHERE organisation = $1 AND id = $2 AND member = $3
        RETURNING first_nonce, second_nonce, commitment, created_ms";
    FIND_POLICY_KEY = "SELECT policy_public FROM organisation WHERE id = $1";
    SWEEP_ENROLLMENTS = "DELETE FROM enrollment WHERE created_ms < $1";
}

/// A run has to be finished within this time.
const RUN_MS: u64 = 10 * 60_000;

/// This resource's routes.
pub fn routes(api: Api) -> Api {
    api.route(Access::Enroll, utoipa_axum::routes!(post_enrollment))
        .route(Access::Enroll, utoipa_axum::routes!(post_commitment))
        .route(Access::Enroll, utoipa_axum::routes!(post_reveal))
}

/// Forgets runs that were not finished.
pub fn sweep(tx: &mut Tx<'_>, now_ms: u64) -> Result<u64, crate::store::StoreError> {
    tx.exec(SWEEP_ENROLLMENTS, &[now_ms.saturating_sub(RUN_MS).into()])
}

/// Starts a run.
#[utoipa::path(post, path = "/v1/enrollments", responses((status = 200, body = EnrollmentStarted)))]
async fn post_enrollment(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<axum::Json<EnrollmentStarted>, Refusal> {
    portal.throttle.check_enrollment(&caller.organisation, &caller.member)?;
    let first_nonce = generate_bytes::<32>(&portal.random)?;
    let started = portal.act(&caller, move |tx, caller| start(tx, caller, &first_nonce));
    Ok(axum::Json(started.await?))
}

/// Takes the device's commitment to its key.
#[utoipa::path(post, path = "/v1/enrollments/{enrollment}/commit", request_body = Commitment,
    params(("enrollment" = String, Path)), responses((status = 200, body = CommitmentTaken)))]
async fn post_commitment(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(enrollment): Path<String>,
    Json(commitment): Json<Commitment>,
) -> Result<axum::Json<CommitmentTaken>, Refusal> {
    if commitment.commitment.0.len() != 32 {
        return Err(Error::BadRequest.into());
    }
    let second_nonce = generate_bytes::<32>(&portal.random)?;
    let taken =
        portal.act(&caller, move |tx, caller| commit(tx, caller, &enrollment, &commitment.commitment.0, &second_nonce));
    Ok(axum::Json(taken.await?))
}

/// Takes the device's key and facts, which have to fit the commitment. The device then waits for approval.
#[utoipa::path(post, path = "/v1/enrollments/{enrollment}/reveal", request_body = Reveal,
    params(("enrollment" = String, Path)),
    responses((status = 200, body = Enrolled), (status = 422, body = Problem)))]
async fn post_reveal(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(enrollment): Path<String>,
    Json(reveal): Json<Reveal>,
) -> Result<axum::Json<Enrolled>, Refusal> {
    let facts = DeviceFacts::parse(&reveal.facts)?;
    let key = PublicKey::from_spki(&reveal.device_key.0)?;
    let enrolled = portal.act(&caller, move |tx, caller| take_reveal(tx, caller, &enrollment, &reveal, &facts, &key));
    Ok(axum::Json(enrolled.await?))
}

fn start(tx: &mut Tx<'_>, caller: &Caller, first_nonce: &[u8; 32]) -> Outcome<EnrollmentStarted> {
    let id = Uuid::now_v7().simple().to_string();
    let (organisation, none): (&str, &[u8]) = (&caller.organisation, &[]);
    tx.exec(
        INSERT_ENROLLMENT,
        &[
            organisation.into(),
            (&id).into(),
            (&caller.member).into(),
            first_nonce.into(),
            none.into(),
            none.into(),
            caller.now_ms.into(),
        ],
    )?;
    Ok(Ok(EnrollmentStarted { enrollment: id, first_nonce: Bytes(first_nonce.to_vec()) }))
}

fn commit(
    tx: &mut Tx<'_>,
    caller: &Caller,
    enrollment: &str,
    commitment: &[u8],
    second_nonce: &[u8; 32],
) -> Outcome<CommitmentTaken> {
    let changed = tx.exec(
        COMMIT_ENROLLMENT,
        &[
            (&caller.organisation).into(),
            enrollment.into(),
            (&caller.member).into(),
            commitment.into(),
            second_nonce.into(),
            caller.now_ms.saturating_sub(RUN_MS).into(),
        ],
    )?;
    if changed == 0 {
        return Ok(Err(Error::EnrollmentClosed));
    }
    Ok(Ok(CommitmentTaken { second_nonce: Bytes(second_nonce.to_vec()) }))
}

fn take_reveal(
    tx: &mut Tx<'_>,
    caller: &Caller,
    enrollment: &str,
    reveal: &Reveal,
    facts: &DeviceFacts,
    key: &PublicKey,
) -> Outcome<Enrolled> {
    let organisation = &caller.organisation;
    // The run ends here, whatever comes of it: one reveal for one commitment.
    let taken = tx.query_one(TAKE_ENROLLMENT, &[organisation.into(), enrollment.into(), (&caller.member).into()])?;
    let Some(run) = taken else { return Ok(Err(Error::EnrollmentClosed)) };
    let (first_nonce, second_nonce, committed) = (run.blob(0)?, run.blob(1)?, run.blob(2)?);
    if committed.is_empty() || run.unsigned(3)? + RUN_MS <= caller.now_ms {
        return Ok(Err(Error::EnrollmentClosed));
    }
    let is_kept: bool = commitment(key.spki(), &reveal.opening.0).ct_eq(committed).into();
    if reveal.opening.0.len() != 32 || !is_kept {
        audit::record(tx, organisation, &Event::by(caller, "device.commitment_broken", &caller.member, json!({})))?;
        return Ok(Err(Error::CommitmentBroken));
    }
    let Some(policy_key) = tx.query_one(FIND_POLICY_KEY, &[organisation.into()])? else {
        return Ok(Err(Error::Internal));
    };
    let transcript = Transcript {
        organisation,
        policy_key: policy_key.blob(0)?,
        member: &caller.member,
        spki: key.spki(),
        opening: &reveal.opening.0,
        first_nonce,
        second_nonce,
        facts: &reveal.facts,
    };
    if key.verify(&transcript.to_sign(), &reveal.signature.0).is_err() {
        return Ok(Err(Error::SignatureRefused));
    }
    let state = initial_state(tx, caller, &caller.rules)?;
    match devices::insert(tx, caller, &transcript, facts, state)? {
        Err(refused) => Ok(Err(refused)),
        Ok(device) => {
            sessions::attach_device(tx, caller, &device)?;
            let step = caller.step_now(tx)?;
            Ok(Ok(Enrolled { device, state, step }))
        }
    }
}

fn initial_state(tx: &mut Tx<'_>, caller: &Caller, rules: &Rules) -> Result<DeviceState, crate::store::StoreError> {
    let needs_approval = match rules.device_approval {
        DeviceApproval::Every => true,
        DeviceApproval::None => false,
        DeviceApproval::FirstFree => devices::has_any(tx, &caller.organisation, &caller.member)?,
    };
    Ok(if needs_approval { DeviceState::Pending } else { DeviceState::Approved })
}
