//! Admin → Users → one member: who it is, with what, and what an admin can do for the member.

use super::status::{Status, ago};
use crate::access::{Access, Pages, get, post};
use crate::caller::Caller;
use crate::devices::{self, DeviceView};
use crate::exceptions::{self, ExceptionView};
use crate::first_factor::{self, SetUpRequest};
use crate::members;
use crate::members::invitations::{self, Pending};
use crate::members::status::MemberView;
use crate::open_sessions;
use crate::page::{Form, Frame, Notice, code_first, lead_to_fresh_code, render};
use crate::portal::Portal;
use crate::problem::Refusal;
use crate::recovery;
use crate::standing::{self, NewRole};
use crate::words::Words;
use askama::Template;
use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use std::sync::Arc;
use twinlock_core::Error;

#[derive(Template)]
#[template(path = "member.html")]
pub(super) struct MemberPage {
    frame: Frame,
    member: MemberView,
    status: Status,
    /// HTML, as `reminded`.
    seen: String,
    reminded: String,
    is_self: bool,
    exception: Option<ExceptionView>,
    devices: Vec<DeviceView>,
    sessions: u64,
    codes_left: u32,
    /// Sessions that wait to set up the first authenticator.
    set_ups: Vec<SetUpRequest>,
    /// How an invitation stands that nobody has followed; empty for who has a password.
    invitation: String,
    is_invitation_open: bool,
    /// Where a fresh code is shown before an exception or a role is chosen; or empty.
    code_first: String,
    /// Why an exception was refused; or empty.
    fault: String,
    /// What was typed of it.
    until: String,
    /// See `until`.
    reason: String,
}

impl MemberPage {
    /// With the form of an exception as it was filled in, and what is wrong with it.
    pub(super) fn with_refused_exception(self, fault: String, until: String, reason: String) -> Self {
        Self { fault, until, reason, frame: self.frame.with_fault(), ..self }
    }
}

#[derive(Deserialize)]
struct RoleForm {
    role: NewRole,
}

pub(super) fn routes(pages: Pages) -> Pages {
    pages
        .route(Access::Admin, "/admin/users/{member}", get(show))
        .route(Access::Admin, "/admin/users/{member}/role", post(change_role))
        .route(Access::Admin, "/admin/users/{member}/suspend", post(suspend))
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

async fn suspend(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(member): Path<String>,
) -> Result<Response, Refusal> {
    let of = member.clone();
    let suspended = portal.act(&caller, move |tx, caller| members::suspend(tx, caller, &of)).await;
    Ok(done(suspended, &member, "suspended"))
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

/// The path of a member's page.
pub(super) fn address(member: &str) -> String {
    format!("/admin/users/{member}")
}

/// Back to the member's page, which says what was done.
pub(super) fn back(member: &str, done: &str) -> Response {
    Redirect::to(&format!("{}?done={done}", address(member))).into_response()
}

/// Back to the member's page, or to the code page and from there to it.
pub(super) fn done(outcome: Result<(), Refusal>, member: &str, notice: &str) -> Response {
    match outcome {
        Ok(()) => back(member, notice),
        Err(refused) => lead_to_fresh_code(refused, &address(member)),
    }
}

/// Everything that the page shows.
pub(super) async fn gather(portal: &Portal, caller: &Arc<Caller>, member: &str) -> Result<MemberPage, Refusal> {
    let (reader, of) = (Arc::clone(caller), member.to_owned());
    let read = portal.store.read(move |tx| {
        let organisation = &reader.organisation;
        let Some(found) = members::find(tx, organisation, &of, reader.now_ms)? else { return Ok(None) };
        let exception = exceptions::list(tx, organisation, &found.id, reader.now_ms)?.pop();
        let devices = devices::list(tx, organisation, &found.id, "", reader.now_ms)?;
        let sessions = open_sessions::list(tx, &reader, &found.id)?.len() as u64;
        let codes = recovery::state(tx, organisation, &found.id)?.left;
        let invitation = if invitations::is_unused(tx, organisation, &found.id)? {
            Some(invitations::find(tx, organisation, &found.id)?)
        } else {
            None
        };
        let set_ups = first_factor::list(tx, &reader, &found.id)?;
        Ok(Some((found, exception, devices, sessions, codes, set_ups, invitation)))
    });
    let (member, exception, devices, sessions, codes_left, set_ups, invitation) = read.await?.ok_or(Error::NotFound)?;
    let words = &caller.words;
    Ok(MemberPage {
        frame: Frame::titled(caller, "users", member.name.clone()),
        status: Status::of_two_step(words, &member),
        seen: ago(words, member.seen_ms, caller.now_ms),
        reminded: ago(words, member.reminded_ms, caller.now_ms),
        code_first: code_first(caller, &address(&member.id)),
        is_self: member.id == caller.member,
        member,
        exception,
        devices,
        sessions,
        codes_left,
        set_ups,
        is_invitation_open: matches!(invitation, Some(Some(_))),
        invitation: invitation.map(|pending| told(words, pending, caller.now_ms)).unwrap_or_default(),
        fault: String::new(),
        until: String::new(),
        reason: String::new(),
    })
}

/// How the invitation of an account without a password stands.
fn told(words: &Words, pending: Option<Pending>, now_ms: u64) -> String {
    let Some(pending) = pending else { return words.say("invite-none") };
    let values = [
        ("name", pending.made_by.into()),
        ("made", words.time(pending.made_ms).into()),
        ("until", words.time(pending.expires_ms).into()),
    ];
    match pending.expires_ms > now_ms {
        true => words.with("invite-waits", &values),
        false => words.with("invite-over", &values),
    }
}
