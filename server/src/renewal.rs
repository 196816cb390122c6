//! Account Settings: renewing the authenticator, and turning two-step authentication off.

use crate::access::{Access, Api};
use crate::act::Outcome;
use crate::audit::{self, Event};
use crate::caller::Caller;
use crate::extract::Json;
use crate::mail::outbox::{self, Kind, Message};
use crate::members::places;
use crate::portal::Portal;
use crate::problem::Refusal;
use crate::recovery;
use crate::store::Tx;
use crate::two_step;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum_extra::extract::cookie::CookieJar;
use serde_json::json;
use std::sync::Arc;
use twinlock_core::wire::{CodeEntry, Problem, TwoStepConfirmed, TwoStepSetUp};
use twinlock_core::{Error, ErrorCode};

crate::statements! {
    DELETE_FACTORS = "DELETE FROM factor WHERE organisation = $1 AND member = $2";
}

/// Key of who can lift what the policy demands.
pub const REQUIRED: &str = "error-detail-required";

/// This resource's routes.
pub fn routes(api: Api) -> Api {
    api.route(Access::OwnTwoStep, utoipa_axum::routes!(post_renewal))
        .route(Access::OwnTwoStep, utoipa_axum::routes!(post_renewal_confirm))
        .route(Access::OwnTwoStep, utoipa_axum::routes!(delete_two_step))
}

/// Begins a renewal: a pending secret beside the one in use, which works until the new one is proven.
pub async fn begin(portal: &Portal, caller: &Arc<Caller>) -> Result<TwoStepSetUp, Refusal> {
    caller.require_fresh_code()?;
    two_step::begin(portal, caller).await
}

/// Turns two-step authentication off, where the policy does not demand it of this member. Needs a fresh code.
pub async fn turn_off(portal: &Portal, caller: &Arc<Caller>) -> Result<(), Refusal> {
    portal.act(caller, turn_off_in_transaction).await.map_err(|refused| match refused.code() {
        ErrorCode::RequiredByPolicy => refused.explained(REQUIRED),
        _ => refused,
    })
}

fn turn_off_in_transaction(tx: &mut Tx<'_>, caller: &Caller) -> Outcome<()> {
    let (organisation, member) = (&caller.organisation, &caller.member);
    // The policy of this moment: an admin may have switched it on since the guard looked.
    let Some(now) = caller.as_of_now(tx)? else { return Ok(Err(Error::SessionEnded)) };
    if now.facts.is_two_step_required(&now.rules, now.now_ms) {
        return Ok(Err(Error::RequiredByPolicy));
    }
    if let Err(refused) = now.require_fresh_code() {
        return Ok(Err(refused));
    }
    if tx.exec(DELETE_FACTORS, &[organisation.into(), member.into()])? == 0 {
        return Ok(Err(Error::StepRequired));
    }
    places::note(tx, organisation, member)?;
    recovery::forget(tx, organisation, member)?;
    recovery::end_other_sessions(tx, caller)?;
    audit::record(tx, organisation, &Event::by(caller, "two_step.turned_off", member, json!({})))?;
    outbox::put(tx, &Message::by(caller, member, Kind::TurnedOff))?;
    Ok(Ok(()))
}

/// Begins the renewal of the authenticator, which works until the new one is confirmed. Needs a fresh code.
#[utoipa::path(post, path = "/v1/two-step/renewal",
    responses((status = 200, body = TwoStepSetUp), (status = 403, body = Problem)))]
async fn post_renewal(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<axum::Json<TwoStepSetUp>, Refusal> {
    Ok(axum::Json(begin(&portal, &caller).await?))
}

/// Confirms the new authenticator with its first code: the old one and all older recovery codes are void.
#[utoipa::path(post, path = "/v1/two-step/renewal/confirm", request_body = CodeEntry,
    responses((status = 200, body = TwoStepConfirmed), (status = 422, body = Problem), (status = 409, body = Problem)))]
async fn post_renewal_confirm(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Json(entry): Json<CodeEntry>,
) -> Result<(CookieJar, axum::Json<TwoStepConfirmed>), Refusal> {
    Ok(two_step::confirm(&portal, &caller, &entry.code).await?.into_answer())
}

/// Turns two-step authentication off; refused while the policy demands it. Needs a fresh code.
#[utoipa::path(delete, path = "/v1/two-step", responses((status = 204), (status = 403, body = Problem)))]
async fn delete_two_step(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<StatusCode, Refusal> {
    turn_off(&portal, &caller).await?;
    Ok(StatusCode::NO_CONTENT)
}
