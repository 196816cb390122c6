//! *Reset Two-Step Authentication*: an admin who has checked who is asking withdraws a member's factor, and the member is
//! led to the set-up. The requirement stays, and so does the deadline.

use crate::access::{Access, Api};
use crate::act::Outcome;
use crate::audit::{self, Event};
use crate::caller::Caller;
use crate::devices;
use crate::extract::Json;
use crate::first_factor;
use crate::identity_check::IdentityChecked;
use crate::mail::outbox::{self, Kind, Message};
use crate::members::places;
use crate::portal::Portal;
use crate::problem::Refusal;
use crate::recovery;
use crate::store::{Sql, Tx};
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
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

/// This resource's routes.
pub fn routes(api: Api) -> Api {
    api.route(Access::Admin, utoipa_axum::routes!(post_reset))
}

/// Clears a member's factor with its last step, a set-up under way, recovery codes, what devices remember of codes, every
/// session, and every device with its key and its PIN's share, in one transaction. Nobody resets himself; that an admin does
/// it and no role stands above one is what keeps everybody from a person of more privilege.
pub fn reset(tx: &mut Tx<'_>, caller: &Caller, member: &str, request: &IdentityChecked) -> Outcome<()> {
    let organisation = &caller.organisation;
    let reference = match request.reference_for(caller, member) {
        Ok(reference) => reference,
        Err(refused) => return Ok(Err(refused)),
    };
    if tx.query_one(FIND_RESET_MEMBER, &[organisation.into(), member.into()])?.is_none() {
        return Ok(Err(Error::NotFound));
    }
    let recovery_codes = recovery::forget(tx, organisation, member)?;
    let mut clear = |statement: Sql| tx.exec(statement, &[organisation.into(), member.into()]);
    let factors = clear(DELETE_FACTORS)?;
    clear(FORGET_CODES_ON_DEVICES)?;
    let sessions = clear(END_MEMBER_SESSIONS)?;
    first_factor::forget(tx, organisation, member)?;
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
#[utoipa::path(post, path = "/v1/admin/members/{member}/reset", request_body = IdentityChecked,
    params(("member" = String, Path)),
    responses((status = 204), (status = 400, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn post_reset(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(member): Path<String>,
    Json(request): Json<IdentityChecked>,
) -> Result<StatusCode, Refusal> {
    portal.act(&caller, move |tx, caller| reset(tx, caller, &member, &request)).await?;
    Ok(StatusCode::NO_CONTENT)
}
