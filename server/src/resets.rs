//! *Reset Two-Step Authentication*: an admin who has checked who is asking withdraws a member's factor, and the member is
//! led to the set-up. The requirement stays, and so does the deadline.

use crate::access::{Access, Api};
use crate::act::Outcome;
use crate::audit::{self, Event};
use crate::caller::Caller;
use crate::devices;
use crate::extract::Json;
use crate::mail::outbox::{self, Kind, Message};
use crate::members::places;
use crate::portal::Portal;
use crate::problem::Refusal;
use crate::recovery;
use crate::store::{Sql, Tx};
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;
use twinlock_core::Error;
use twinlock_core::wire::Problem;

crate::statements! {
    FIND_RESET_MEMBER = "SELECT id FROM member WHERE organisation = $1 AND id = $2";
    DELETE_FACTORS = "DELETE FROM factor WHERE organisation = $1 AND member = $2";
    FORGET_CODES_ON_DEVICES = "UPDATE device SET code_at_ms = 0 WHERE organisation = $1 AND member = $2";
    NOTE_RESET = "UPDATE member SET reset_ms = $3 WHERE organisation = $1 AND id = $2";
    END_MEMBER_SESSIONS = "DELETE FROM session WHERE organisation = $1 AND member = $2";
}

/// How the person's identity was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum IdentityCheck {
    /// Face to face.
    InPerson,
    /// By calling a number that was known before.
    KnownPhone,
    /// In a video call.
    Video,
    /// As the reference says.
    Other,
}

/// What an admin records of the check.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetRequest {
    /// How the person's identity was checked.
    pub identity_check: IdentityCheck,
    /// A ticket, or what was seen; required, at most 1,000 characters.
    pub reference: String,
}

/// This resource's routes.
pub fn routes(api: Api) -> Api {
    api.route(Access::Admin, utoipa_axum::routes!(post_reset))
}

/// Clears a member's factor with its last step, a set-up under way, recovery codes, what devices remember of codes, every
/// session, and every device with its key and its PIN's share, in one transaction. Nobody resets himself; that an admin does
/// it and no role stands above one is what keeps everybody from a person of more privilege.
pub fn reset(tx: &mut Tx<'_>, caller: &Caller, member: &str, request: &ResetRequest) -> Outcome<()> {
    let (organisation, reference) = (&caller.organisation, request.reference.trim());
    if member == caller.member {
        return Ok(Err(Error::Forbidden));
    }
    if let Err(refused) = caller.require_fresh_code() {
        return Ok(Err(refused));
    }
    if reference.is_empty() {
        return Ok(Err(Error::ReasonRequired));
    }
    if reference.chars().count() > 1_000 {
        return Ok(Err(Error::BadRequest));
    }
    if tx.query_one(FIND_RESET_MEMBER, &[organisation.into(), member.into()])?.is_none() {
        return Ok(Err(Error::NotFound));
    }
    let recovery_codes = recovery::forget(tx, organisation, member)?;
    let mut clear = |statement: Sql| tx.exec(statement, &[organisation.into(), member.into()]);
    let factors = clear(DELETE_FACTORS)?;
    clear(FORGET_CODES_ON_DEVICES)?;
    let sessions = clear(END_MEMBER_SESSIONS)?;
    let devices = devices::revoke_all_of(tx, caller, member, "two-step authentication was reset")?;
    tx.exec(NOTE_RESET, &[organisation.into(), member.into(), caller.now_ms.into()])?;
    places::note(tx, organisation, member)?;
    let detail = json!({ "identity_check": request.identity_check, "reference": reference, "factors": factors,
        "recovery_codes": recovery_codes, "sessions": sessions, "devices": devices });
    audit::record(tx, organisation, &Event::by(caller, "two_step.reset", member, detail))?;
    outbox::put(tx, &Message::by(caller, member, Kind::Reset))?;
    Ok(Ok(()))
}

/// Resets a member's two-step authentication; the member is led to the set-up at the next sign-in.
#[utoipa::path(post, path = "/v1/admin/members/{member}/reset", request_body = ResetRequest,
    params(("member" = String, Path)),
    responses((status = 204), (status = 400, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn post_reset(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(member): Path<String>,
    Json(request): Json<ResetRequest>,
) -> Result<StatusCode, Refusal> {
    portal.act(&caller, move |tx, caller| reset(tx, caller, &member, &request)).await?;
    Ok(StatusCode::NO_CONTENT)
}
