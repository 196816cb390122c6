//! Admin → Users: members with their 2FA status.

use super::{Frame, Notice, lead_to_fresh_code, render};
use crate::access::{Access, Pages, get, post};
use crate::caller::Caller;
use crate::health::look_at_clock;
use crate::member_status::MemberView;
use crate::members;
use crate::portal::Portal;
use crate::problem::Refusal;
use askama::Template;
use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use std::sync::Arc;

#[derive(Template)]
#[template(path = "users.html")]
struct UsersPage {
    frame: Frame,
    clock_warning: Option<&'static str>,
    is_required: bool,
    self_id: String,
    members: Vec<MemberView>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct Paging {
    #[serde(default)]
    after: String,
}

const PAGE: u32 = 50;

pub(super) fn routes(pages: Pages) -> Pages {
    pages.route(Access::Admin, "/admin/users", get(show)).route(
        Access::Admin,
        "/admin/users/{member}/suspend",
        post(suspend),
    )
}

async fn show(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Query(paging): Query<Paging>,
    Query(notice): Query<Notice>,
) -> Result<Response, Refusal> {
    let reader = Arc::clone(&caller);
    let members = portal
        .store
        .read(move |tx| members::list(tx, &reader.organisation, &paging.after, PAGE, reader.now_ms))
        .await?;
    let next = members.last().filter(|_| members.len() == PAGE as usize).map(|last| last.id.clone());
    Ok(render(&UsersPage {
        frame: Frame::of(&caller, "users", "Users").with_notice(&notice),
        clock_warning: look_at_clock(&portal).await?.warning(),
        is_required: caller.rules.two_step,
        self_id: caller.member.clone(),
        members,
        next,
    }))
}

async fn suspend(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(member): Path<String>,
) -> Result<Response, Refusal> {
    match portal.act(&caller, move |tx, caller| members::suspend(tx, caller, &member)).await {
        Ok(()) => Ok(Redirect::to("/admin/users?done=suspended").into_response()),
        Err(refused) => Ok(lead_to_fresh_code(refused, "/admin/users")),
    }
}
