//! Exceptions: members of whom two-step is not demanded until a date, each with a reason and whoever granted it.
//!
//! Nothing has to happen when one ends: the decision of each request compares its end with the time of that request.

use crate::access::{Access, Api};
use crate::act::Outcome;
use crate::audit::{self, Event};
use crate::caller::Caller;
use crate::extract::Json;
use crate::members::places;
use crate::policy;
use crate::portal::Portal;
use crate::problem::Refusal;
use crate::proposals::{self, Content, Proposed, Seconded};
use crate::store::{StoreError, Tx};
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use twinlock_core::Error;
use twinlock_core::wire::Problem;

crate::statements! {
    FIND_EXCEPTION = "SELECT x.until_ms, x.reason, m.name FROM member m
        LEFT JOIN two_step_exception x ON x.organisation = m.organisation AND x.member = m.id
        WHERE m.organisation = $1 AND m.id = $2";
    LIST_EXCEPTIONS = "SELECT x.member, m.name, x.until_ms, x.reason, x.made_by, COALESCE(g.name, ''), x.made_ms
        FROM two_step_exception x
        JOIN member m ON m.organisation = x.organisation AND m.id = x.member
        LEFT JOIN member g ON g.organisation = x.organisation AND g.id = x.made_by
        WHERE x.organisation = $1 AND x.until_ms > $2 AND ($3 = '' OR x.member = $3) ORDER BY x.until_ms, x.member LIMIT 500";
    GRANT_EXCEPTION = "INSERT INTO two_step_exception (organisation, member, until_ms, reason, made_by, made_ms)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (organisation, member) DO UPDATE SET until_ms = excluded.until_ms, reason = excluded.reason,
            made_by = excluded.made_by, made_ms = excluded.made_ms, is_over = 0
        WHERE two_step_exception.until_ms = $7";
    END_EXCEPTION = "DELETE FROM two_step_exception WHERE organisation = $1 AND member = $2
        RETURNING until_ms, reason";
}

/// The longest exception; whoever needs more renews it, with a reason.
const LONGEST_MS: u64 = 365 * 86_400_000;

/// What an admin grants.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// Until when two-step is not demanded, epoch milliseconds: in the future, and within 365 days.
    pub until_ms: u64,
    /// Why; required, at most 1,000 characters.
    pub reason: String,
}

/// An exception as an admin sees it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ExceptionView {
    /// The member's id.
    pub member: String,
    /// The member's name.
    pub member_name: String,
    /// Until when two-step is not demanded, epoch milliseconds.
    pub until_ms: u64,
    /// Why.
    pub reason: String,
    /// The id of the admin who granted it.
    pub made_by: String,
    /// That admin's name.
    pub made_by_name: String,
    /// When, epoch milliseconds.
    pub made_ms: u64,
}

/// The exceptions that hold.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ExceptionList {
    /// The one that ends first comes first; at most 500.
    exceptions: Vec<ExceptionView>,
}

/// What became of a grant.
pub enum Granted {
    /// It holds.
    Holds,
    /// Another admin has to confirm it first.
    Proposed(Proposed),
}

/// This resource's routes.
pub fn routes(api: Api) -> Api {
    api.route(Access::Admin, utoipa_axum::routes!(get_exceptions))
        .route(Access::Admin, utoipa_axum::routes!(put_exception, delete_exception))
}

/// The exceptions that hold at `now_ms`, of everybody or, if it is not empty, of this `member`.
pub fn list(tx: &mut Tx<'_>, organisation: &str, member: &str, now_ms: u64) -> Result<Vec<ExceptionView>, StoreError> {
    let rows = tx.query(LIST_EXCEPTIONS, &[organisation.into(), now_ms.into(), member.into()])?;
    let view = |row: &crate::store::Row| {
        Ok(ExceptionView {
            member: row.text(0)?.to_owned(),
            member_name: row.text(1)?.to_owned(),
            until_ms: row.unsigned(2)?,
            reason: row.text(3)?.to_owned(),
            made_by: row.text(4)?.to_owned(),
            made_by_name: row.text(5)?.to_owned(),
            made_ms: row.unsigned(6)?,
        })
    };
    rows.iter().map(view).collect()
}

/// Grants or renews an exception. Nobody grants one to himself, and it takes a reason and a fresh code; where the
/// two-person rule is on, another admin confirms whatever does not shorten one.
pub fn grant(tx: &mut Tx<'_>, caller: &Caller, member: &str, wanted: &Grant) -> Outcome<Granted> {
    let reason = wanted.reason.trim();
    if member == caller.member {
        return Ok(Err(Error::Forbidden));
    }
    if let Err(refused) = caller.require_fresh_code() {
        return Ok(Err(refused));
    }
    if reason.is_empty() {
        return Ok(Err(Error::ReasonRequired));
    }
    let is_in_range = wanted.until_ms > caller.now_ms && wanted.until_ms <= caller.now_ms + LONGEST_MS;
    if !is_in_range || reason.chars().count() > 1_000 {
        return Ok(Err(Error::BadRequest));
    }
    let Some(before) = find(tx, &caller.organisation, member)? else { return Ok(Err(Error::NotFound)) };
    let Some(policy) = policy::current(tx, &caller.organisation)? else { return Ok(Err(Error::Internal)) };
    let wanted = Grant { until_ms: wanted.until_ms, reason: reason.to_owned() };
    let is_longer = wanted.until_ms > before.until_ms;
    if policy.requires.two_person && is_longer {
        let content = Content::Exception { member: member.to_owned(), base_until_ms: before.until_ms, grant: wanted };
        return Ok(Ok(Granted::Proposed(proposals::make(tx, caller, &content)?)));
    }
    apply(tx, caller, member, &before, &wanted, None)
}

/// What another admin confirmed takes effect, unless the exception was changed or its time has passed meanwhile.
pub fn apply_confirmed(
    tx: &mut Tx<'_>,
    caller: &Caller,
    member: &str,
    base_until_ms: u64,
    wanted: &Grant,
    seconded: &Seconded,
) -> Outcome<()> {
    let Some(before) = find(tx, &caller.organisation, member)? else { return Ok(Err(Error::NotFound)) };
    if before.until_ms != base_until_ms || wanted.until_ms <= caller.now_ms {
        return Ok(Err(Error::PolicyConflict));
    }
    Ok(apply(tx, caller, member, &before, wanted, Some(seconded))?.map(|_| ()))
}

/// Ends an exception: two-step is demanded at the member's next request. Stricter, so that one admin does it.
pub fn end(tx: &mut Tx<'_>, caller: &Caller, member: &str) -> Outcome<()> {
    if let Err(refused) = caller.require_fresh_code() {
        return Ok(Err(refused));
    }
    let Some(ended) = tx.query_one(END_EXCEPTION, &[(&caller.organisation).into(), member.into()])? else {
        return Ok(Err(Error::NotFound));
    };
    places::note(tx, &caller.organisation, member)?;
    let before = json!({ "until_ms": ended.unsigned(0)?, "reason": ended.text(1)? });
    let detail = json!({ "before": before, "after": Value::Null });
    audit::record(tx, &caller.organisation, &Event::by(caller, "exception.ended", member, detail))?;
    Ok(Ok(()))
}

struct Held {
    /// 0 for none.
    until_ms: u64,
    reason: String,
}

impl Held {
    fn to_value(&self) -> Value {
        if self.until_ms == 0 { Value::Null } else { json!({ "until_ms": self.until_ms, "reason": self.reason }) }
    }
}

/// The member's exception, also one that is over; `None` if there is no such member.
fn find(tx: &mut Tx<'_>, organisation: &str, member: &str) -> Result<Option<Held>, StoreError> {
    let Some(row) = tx.query_one(FIND_EXCEPTION, &[organisation.into(), member.into()])? else { return Ok(None) };
    let until_ms = row.opt_int(0)?.and_then(|until| u64::try_from(until).ok()).unwrap_or(0);
    Ok(Some(Held { until_ms, reason: row.opt_text(1)?.unwrap_or_default().to_owned() }))
}

fn apply(
    tx: &mut Tx<'_>,
    caller: &Caller,
    member: &str,
    before: &Held,
    wanted: &Grant,
    seconded: Option<&Seconded>,
) -> Outcome<Granted> {
    if before.until_ms == wanted.until_ms && before.reason == wanted.reason {
        return Ok(Ok(Granted::Holds));
    }
    let made_by = seconded.map_or(&caller.member, |seconded| &seconded.made_by);
    let granted = tx.exec(
        GRANT_EXCEPTION,
        &[
            (&caller.organisation).into(),
            member.into(),
            wanted.until_ms.into(),
            (&wanted.reason).into(),
            made_by.into(),
            caller.now_ms.into(),
            before.until_ms.into(),
        ],
    )?;
    if granted == 0 {
        return Ok(Err(Error::PolicyConflict));
    }
    places::note(tx, &caller.organisation, member)?;
    let action = if before.until_ms > caller.now_ms { "exception.renewed" } else { "exception.granted" };
    let after = json!({ "until_ms": wanted.until_ms, "reason": wanted.reason });
    let detail = json!({ "before": before.to_value(), "after": after, "proposal": seconded });
    audit::record(tx, &caller.organisation, &Event::by(caller, action, member, detail))?;
    Ok(Ok(Granted::Holds))
}

/// Lists the exceptions that hold, with their reasons.
#[utoipa::path(get, path = "/v1/admin/exceptions", responses((status = 200, body = ExceptionList)))]
async fn get_exceptions(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<axum::Json<ExceptionList>, Refusal> {
    let exceptions = portal.store.read(move |tx| list(tx, &caller.organisation, "", caller.now_ms)).await?;
    Ok(axum::Json(ExceptionList { exceptions }))
}

/// Grants or renews a member's exception; 202 where another admin has to confirm it.
#[utoipa::path(put, path = "/v1/admin/members/{member}/exception", request_body = Grant,
    params(("member" = String, Path)),
    responses((status = 204), (status = 202, body = Proposed), (status = 400, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn put_exception(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(member): Path<String>,
    Json(wanted): Json<Grant>,
) -> Result<Response, Refusal> {
    Ok(match portal.act(&caller, move |tx, caller| grant(tx, caller, &member, &wanted)).await? {
        Granted::Holds => StatusCode::NO_CONTENT.into_response(),
        Granted::Proposed(proposed) => proposed.into_response(),
    })
}

/// Ends a member's exception.
#[utoipa::path(delete, path = "/v1/admin/members/{member}/exception", params(("member" = String, Path)),
    responses((status = 204), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn delete_exception(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(member): Path<String>,
) -> Result<StatusCode, Refusal> {
    portal.act(&caller, move |tx, caller| end(tx, caller, &member)).await?;
    Ok(StatusCode::NO_CONTENT)
}
