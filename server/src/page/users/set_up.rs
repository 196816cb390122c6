//! Admin → Users → who waits to set up the first authenticator of an account that was used before, and the page that lets one
//! of them go on.

use super::identity_check::{CheckForm, fault_of};
use super::member::back;
use crate::access::{Access, Pages, get};
use crate::caller::Caller;
use crate::first_factor::{self, SetUpRequest};
use crate::page::{Form, Frame, lead_to_fresh_code, render, render_refused};
use crate::portal::Portal;
use crate::problem::Refusal;
use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use std::sync::Arc;
use twinlock_core::Error;

#[derive(Template)]
#[template(path = "set_ups.html")]
struct SetUpsPage {
    frame: Frame,
    requests: Vec<SetUpRequest>,
}

#[derive(Template)]
#[template(path = "set_up_allow.html")]
struct AllowPage {
    frame: Frame,
    request: SetUpRequest,
    /// Empty before anything is chosen.
    chosen: &'static str,
    reference: String,
    fault: String,
}

pub(super) fn routes(pages: Pages) -> Pages {
    pages.route(Access::Admin, "/admin/set-ups", get(list)).route(
        Access::Admin,
        "/admin/users/{member}/set-ups/{session}",
        get(show).post(allow),
    )
}

async fn list(State(portal): State<Portal>, Extension(caller): Extension<Arc<Caller>>) -> Result<Response, Refusal> {
    let reader = Arc::clone(&caller);
    let requests = portal.store.read(move |tx| first_factor::list(tx, &reader, "")).await?;
    Ok(render(&SetUpsPage { frame: Frame::of(&caller, "users", "set-up-asked-title"), requests }))
}

async fn show(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path((member, session)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    // Before the form is filled in, not after.
    if let Err(error) = caller.require_fresh_code() {
        return Ok(lead_to_fresh_code(error.into(), &address(&member, &session)));
    }
    Ok(render(&gather(&portal, &caller, &member, &session).await?))
}

async fn allow(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path((member, session)): Path<(String, String)>,
    Form(form): Form<CheckForm>,
) -> Result<Response, Refusal> {
    let fault = match form.read() {
        None => fault_of(None),
        Some(checked) => {
            let (of, at) = (member.clone(), session.clone());
            match portal.act(&caller, move |tx, caller| first_factor::allow(tx, caller, &of, &at, &checked)).await {
                Ok(()) => return Ok(back(&member, "set-up-allowed")),
                Err(refused) => match fault_of(Some(refused.code())) {
                    None => return Ok(lead_to_fresh_code(refused, &address(&member, &session))),
                    fault => fault,
                },
            }
        }
    };
    let page = gather(&portal, &caller, &member, &session).await?;
    let page = AllowPage {
        chosen: form.chosen(),
        reference: form.reference,
        fault: caller.words.say(fault.unwrap_or_default()),
        frame: page.frame.with_fault(),
        ..page
    };
    Ok(render_refused(StatusCode::UNPROCESSABLE_ENTITY, &page))
}

async fn gather(portal: &Portal, caller: &Arc<Caller>, member: &str, session: &str) -> Result<AllowPage, Refusal> {
    let (reader, of) = (Arc::clone(caller), member.to_owned());
    let open = portal.store.read(move |tx| first_factor::list(tx, &reader, &of)).await?;
    let found = open.into_iter().find(|request| request.session == session && !member.is_empty());
    let request = found.ok_or(Error::NotFound)?;
    let title = caller.words.with("set-up-allow-title", &[("name", request.member_name.clone().into())]);
    let frame = Frame::titled(caller, "users", title);
    Ok(AllowPage { frame, request, chosen: "", reference: String::new(), fault: String::new() })
}

fn address(member: &str, session: &str) -> String {
    format!("/admin/users/{member}/set-ups/{session}")
}
