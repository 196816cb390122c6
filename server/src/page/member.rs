//! Admin → Users → one member: exception, reset, role, suspension.

use super::{Form, Frame, Notice, lead_to_fresh_code, render, render_refused};
use crate::access::{Access, Pages, get, post};
use crate::caller::Caller;
use crate::exceptions::{self, ExceptionView, Grant, Granted};
use crate::member_status::MemberView;
use crate::members;
use crate::portal::Portal;
use crate::problem::Refusal;
use crate::resets::{self, IdentityCheck, ResetRequest};
use crate::standing::{self, NewRole};
use askama::Template;
use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::civil::Date;
use serde::Deserialize;
use std::sync::Arc;
use twinlock_core::{Error, ErrorCode};

#[derive(Template)]
#[template(path = "member.html")]
struct MemberPage {
    frame: Frame,
    member: MemberView,
    is_self: bool,
    exception: Option<ExceptionView>,
    /// Which form was refused: `exception`, `reset`, `role` or none.
    refused: &'static str,
    fault: &'static str,
    /// What was typed, for the form that was refused.
    until: String,
    text: String,
}

#[derive(Deserialize)]
struct ExceptionForm {
    /// The last day, as a browser's date field sends it.
    until: String,
    reason: String,
}

#[derive(Deserialize)]
struct ResetForm {
    identity_check: IdentityCheck,
    reference: String,
}

#[derive(Deserialize)]
struct RoleForm {
    role: NewRole,
}

pub(super) fn routes(pages: Pages) -> Pages {
    pages
        .route(Access::Admin, "/admin/users/{member}", get(show))
        .route(Access::Admin, "/admin/users/{member}/exception", post(grant))
        .route(Access::Admin, "/admin/users/{member}/exception/end", post(end))
        .route(Access::Admin, "/admin/users/{member}/reset", post(reset))
        .route(Access::Admin, "/admin/users/{member}/role", post(change_role))
        .route(Access::Admin, "/admin/users/{member}/reinstate", post(reinstate))
}

async fn show(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(member): Path<String>,
    Query(notice): Query<Notice>,
) -> Result<Response, Refusal> {
    let mut page = gather(&portal, &caller, &member).await?;
    page.frame = page.frame.with_notice(&notice);
    Ok(render(&page))
}

async fn grant(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(member): Path<String>,
    Form(form): Form<ExceptionForm>,
) -> Result<Response, Refusal> {
    let of = member.clone();
    // Not a day: refused below as one that is out of range.
    let wanted = Grant { until_ms: end_of_day(&form.until).unwrap_or(0), reason: form.reason.clone() };
    let refused = match portal.act(&caller, move |tx, caller| exceptions::grant(tx, caller, &of, &wanted)).await {
        Ok(Granted::Holds) => return Ok(back(&member, "granted")),
        Ok(Granted::Proposed(_)) => return Ok(back(&member, "proposed")),
        Err(refused) => refused,
    };
    let fault = match refused.code() {
        ErrorCode::ReasonRequired => "Write down why; the reason goes into the audit log.",
        ErrorCode::BadRequest => {
            "Choose a day in the future, at most 365 days away, and a reason of at most 1,000 characters."
        }
        ErrorCode::PolicyConflict => "Somebody else changed this exception meanwhile. This is how it stands now.",
        _ => return Ok(lead_to_fresh_code(refused, &address(&member))),
    };
    let mut page = refuse(&portal, &caller, &member, "exception", fault).await?;
    (page.until, page.text) = (form.until, form.reason);
    Ok(render_refused(StatusCode::UNPROCESSABLE_ENTITY, &page))
}

async fn end(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(member): Path<String>,
) -> Result<Response, Refusal> {
    let of = member.clone();
    let ended = portal.act(&caller, move |tx, caller| exceptions::end(tx, caller, &of)).await;
    Ok(done(ended, &member, "ended"))
}

async fn reset(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(member): Path<String>,
    Form(form): Form<ResetForm>,
) -> Result<Response, Refusal> {
    let of = member.clone();
    let request = ResetRequest { identity_check: form.identity_check, reference: form.reference.clone() };
    let refused = match portal.act(&caller, move |tx, caller| resets::reset(tx, caller, &of, &request)).await {
        Ok(()) => return Ok(back(&member, "reset")),
        Err(refused) => refused,
    };
    let fault = match refused.code() {
        ErrorCode::ReasonRequired => "Write down the ticket, or what you saw; it goes into the audit log.",
        ErrorCode::BadRequest => "The reference is longer than 1,000 characters.",
        _ => return Ok(lead_to_fresh_code(refused, &address(&member))),
    };
    let mut page = refuse(&portal, &caller, &member, "reset", fault).await?;
    page.text = form.reference;
    Ok(render_refused(StatusCode::UNPROCESSABLE_ENTITY, &page))
}

async fn change_role(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(member): Path<String>,
    Form(form): Form<RoleForm>,
) -> Result<Response, Refusal> {
    let of = member.clone();
    let changed = portal.act(&caller, move |tx, caller| standing::change_role(tx, caller, &of, form.role)).await;
    Ok(done(changed, &member, "role"))
}

async fn reinstate(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(member): Path<String>,
) -> Result<Response, Refusal> {
    let of = member.clone();
    let reinstated = portal.act(&caller, move |tx, caller| standing::reinstate(tx, caller, &of)).await;
    Ok(done(reinstated, &member, "reinstated"))
}

fn address(member: &str) -> String {
    format!("/admin/users/{member}")
}

fn back(member: &str, done: &str) -> Response {
    Redirect::to(&format!("{}?done={done}", address(member))).into_response()
}

fn done(outcome: Result<(), Refusal>, member: &str, notice: &str) -> Response {
    match outcome {
        Ok(()) => back(member, notice),
        Err(refused) => lead_to_fresh_code(refused, &address(member)),
    }
}

/// The end of a day in UTC, epoch milliseconds.
fn end_of_day(day: &str) -> Option<u64> {
    let next = day.parse::<Date>().ok()?.tomorrow().ok()?.at(0, 0, 0, 0).in_tz("UTC").ok()?;
    u64::try_from(next.timestamp().as_millisecond()).ok()
}

async fn refuse(
    portal: &Portal,
    caller: &Arc<Caller>,
    member: &str,
    refused: &'static str,
    fault: &'static str,
) -> Result<MemberPage, Refusal> {
    let mut page = gather(portal, caller, member).await?;
    page.frame.title = format!("Error: {}", page.frame.title);
    (page.refused, page.fault) = (refused, fault);
    Ok(page)
}

async fn gather(portal: &Portal, caller: &Arc<Caller>, member: &str) -> Result<MemberPage, Refusal> {
    let (reader, of) = (Arc::clone(caller), member.to_owned());
    let (found, exceptions) = portal
        .store
        .read(move |tx| {
            let found = members::find(tx, &reader.organisation, &of, reader.now_ms)?;
            Ok((found, exceptions::list(tx, &reader.organisation, reader.now_ms)?))
        })
        .await?;
    let member = found.ok_or(Error::NotFound)?;
    Ok(MemberPage {
        frame: Frame::of(caller, "users", &member.name),
        is_self: member.id == caller.member,
        exception: exceptions.into_iter().find(|exception| exception.member == member.id),
        member,
        refused: "",
        fault: "",
        until: String::new(),
        text: String::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_ends_when_the_next_one_begins() {
        assert_eq!(end_of_day("1970-01-01"), Some(86_400_000));
        for nonsense in ["", "tomorrow", "2026-02-30", "1969-01-01"] {
            assert_eq!(end_of_day(nonsense), None, "{nonsense}");
        }
    }
}
