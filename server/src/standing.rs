//! A member's standing: role, suspension lifted. Suspending is in [`members`](crate::members).
//!
//! There is always an admin who can get in: nobody takes his own role, and the last active admin keeps his.

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
use crate::proposals;
use crate::store::{StoreError, Tx};
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;
use twinlock_core::Error;
use twinlock_core::wire::Problem;

crate::statements! {
    TAKE_TURN = "UPDATE organisation SET name = name WHERE id = $1";
    FIND_STANDING = "SELECT role, state, CASE WHEN EXISTS (SELECT 1 FROM member o WHERE o.organisation = $1 AND o.id <> $2
            AND o.role <> 'member' AND o.role = 'admin' AND o.state = 'active') THEN 1 ELSE 0 END
        FROM member WHERE organisation = $1 AND id = $2";
    CHANGE_ROLE = "UPDATE member SET role = $4 WHERE organisation = $1 AND id = $2 AND role = $3";
    REINSTATE_MEMBER = "UPDATE member SET state = 'active' WHERE organisation = $1 AND id = $2 AND state = 'suspended'";
}

/// A role, as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NewRole {
    /// Uses files.
    Member,
    /// Also decides.
    Admin,
    /// Also reads the audit log.
    Auditor,
}

impl NewRole {
    /// As it is stored.
    pub fn name(self) -> &'static str {
        match self {
            NewRole::Member => "member",
            NewRole::Admin => "admin",
            NewRole::Auditor => "auditor",
        }
    }
}

/// The role that a member is to have.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleChange {
    /// `member`, `admin` or `auditor`.
    role: NewRole,
}

/// This resource's routes.
pub fn routes(api: Api) -> Api {
    api.route(Access::Admin, utoipa_axum::routes!(post_role))
        .route(Access::Admin, utoipa_axum::routes!(post_reinstatement))
}

/// True if the organisation has an active admin beside this member. Whoever asks has its turn until the transaction ends:
/// of two admins who take each other's role at once, one keeps it.
pub fn has_other_admin(tx: &mut Tx<'_>, organisation: &str, member: &str) -> Result<bool, StoreError> {
    tx.exec(TAKE_TURN, &[organisation.into()])?;
    let row = tx.query_one(FIND_STANDING, &[organisation.into(), member.into()])?;
    row.map_or(Ok(true), |row| Ok(row.int(2)? == 1))
}

/// Gives a member another role. What the member asked for and proposed in the former one is void.
pub fn change_role(tx: &mut Tx<'_>, caller: &Caller, member: &str, role: NewRole) -> Outcome<()> {
    let organisation = &caller.organisation;
    if member == caller.member {
        return Ok(Err(Error::Forbidden));
    }
    if let Err(refused) = caller.require_fresh_code() {
        return Ok(Err(refused));
    }
    let is_last = !has_other_admin(tx, organisation, member)?;
    let Some(standing) = tx.query_one(FIND_STANDING, &[organisation.into(), member.into()])? else {
        return Ok(Err(Error::NotFound));
    };
    let before = standing.text(0)?;
    if before == role.name() {
        return Ok(Ok(()));
    }
    if before == "admin" && is_last {
        return Ok(Err(Error::Forbidden));
    }
    tx.exec(CHANGE_ROLE, &[organisation.into(), member.into(), before.into(), role.name().into()])?;
    devices::deny_all_of(tx, caller, member, "the member's role was changed")?;
    proposals::void_all_of(tx, caller, member, "the admin's role was changed")?;
    let detail = json!({ "before": before, "after": role });
    audit::record(tx, organisation, &Event::by(caller, "member.role_changed", member, detail))?;
    outbox::put(tx, &Message::by(caller, member, Kind::RoleChanged).with("role", role.name()))?;
    Ok(Ok(()))
}

/// Lifts a suspension. The policy of this moment holds for the member as for anybody.
pub fn reinstate(tx: &mut Tx<'_>, caller: &Caller, member: &str) -> Outcome<()> {
    if let Err(refused) = caller.require_fresh_code() {
        return Ok(Err(refused));
    }
    if tx.exec(REINSTATE_MEMBER, &[(&caller.organisation).into(), member.into()])? == 0 {
        return Ok(Err(Error::NotFound));
    }
    places::note(tx, &caller.organisation, member)?;
    audit::record(tx, &caller.organisation, &Event::by(caller, "member.reinstated", member, json!({})))?;
    outbox::put(tx, &Message::by(caller, member, Kind::Reinstated))?;
    Ok(Ok(()))
}

/// Changes a member's role; not one's own, and not that of the last admin.
#[utoipa::path(post, path = "/v1/admin/members/{member}/role", request_body = RoleChange, params(("member" = String, Path)),
    responses((status = 204), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn post_role(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(member): Path<String>,
    Json(wanted): Json<RoleChange>,
) -> Result<StatusCode, Refusal> {
    portal.act(&caller, move |tx, caller| change_role(tx, caller, &member, wanted.role)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lifts a member's suspension.
#[utoipa::path(post, path = "/v1/admin/members/{member}/reinstate", params(("member" = String, Path)),
    responses((status = 204), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn post_reinstatement(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(member): Path<String>,
) -> Result<StatusCode, Refusal> {
    portal.act(&caller, move |tx, caller| reinstate(tx, caller, &member)).await?;
    Ok(StatusCode::NO_CONTENT)
}
