//! The open sessions of a member: in the account settings the member's own, and on a page for an admin anybody's.

use super::{Frame, Notice, render};
use crate::access::{Access, Pages, get, post};
use crate::caller::Caller;
use crate::open_sessions::{self, SessionView};
use crate::portal::Portal;
use crate::problem::Refusal;
use askama::Template;
use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use std::sync::Arc;
use twinlock_core::Error;

#[derive(Template)]
#[template(path = "member_sessions.html")]
struct MemberSessionsPage {
    frame: Frame,
    name: String,
    /// Where the forms that end a session lead.
    ending: String,
    sessions: Vec<SessionView>,
}

pub(super) fn routes(pages: Pages) -> Pages {
    pages
        .route(Access::Ready, "/account/sessions/{session}/end", post(end_own))
        .route(Access::Admin, "/admin/users/{member}/sessions", get(show))
        .route(Access::Admin, "/admin/users/{member}/sessions/end", post(end_all))
        .route(Access::Admin, "/admin/users/{member}/sessions/{session}/end", post(end_one))
}

async fn end_own(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(session): Path<String>,
) -> Result<Response, Refusal> {
    portal.act(&caller, move |tx, caller| open_sessions::end_one(tx, caller, &caller.member, &session)).await?;
    Ok(Redirect::to("/account?done=session-ended").into_response())
}

async fn show(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(member): Path<String>,
    Query(notice): Query<Notice>,
) -> Result<Response, Refusal> {
    let (reader, of) = (Arc::clone(&caller), member.clone());
    let found = portal.store.read(move |tx| {
        let Some(name) = open_sessions::name_of(tx, &reader.organisation, &of)? else { return Ok(None) };
        Ok(Some((name, open_sessions::list(tx, &reader, &of)?)))
    });
    let (name, sessions) = found.await?.ok_or(Error::NotFound)?;
    let title = caller.words.with("account-of-heading", &[("name", name.clone().into())]);
    let frame = Frame::titled(&caller, "users", title).with_notice(&notice);
    Ok(render(&MemberSessionsPage { frame, name, ending: address(&member), sessions }))
}

async fn end_one(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path((member, session)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let back = format!("{}?done=session-ended", address(&member));
    portal.act(&caller, move |tx, caller| open_sessions::end_one(tx, caller, &member, &session)).await?;
    Ok(Redirect::to(&back).into_response())
}

async fn end_all(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(member): Path<String>,
) -> Result<Response, Refusal> {
    let back = format!("{}?done=sessions-ended", address(&member));
    portal.act(&caller, move |tx, caller| open_sessions::end_all(tx, caller, &member)).await?;
    Ok(Redirect::to(&back).into_response())
}

/// The path of a member's page; only ever made of an id that the organisation knows.
fn address(member: &str) -> String {
    format!("/admin/users/{member}/sessions")
}
