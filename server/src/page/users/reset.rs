//! Admin → Users → one member → *Reset Two-Step Authentication*: a page of its own, with what it does before it is done.

use super::identity_check::{CheckForm, fault_of};
use super::member::{address, back};
use crate::access::{Access, Pages, get};
use crate::caller::Caller;
use crate::devices;
use crate::members;
use crate::page::{Form, Frame, lead_to_fresh_code, render, render_refused};
use crate::portal::Portal;
use crate::problem::Refusal;
use crate::resets;
use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use std::sync::Arc;
use twinlock_core::Error;

#[derive(Template)]
#[template(path = "member_reset.html")]
struct ResetPage {
    frame: Frame,
    id: String,
    name: String,
    /// Devices that will be revoked or denied.
    devices: u64,
    is_required: bool,
    /// Empty before anything is chosen.
    chosen: &'static str,
    reference: String,
    fault: String,
}

pub(super) fn routes(pages: Pages) -> Pages {
    pages.route(Access::Admin, "/admin/users/{member}/reset", get(show).post(reset))
}

async fn show(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(member): Path<String>,
) -> Result<Response, Refusal> {
    if member == caller.member {
        return Ok(Redirect::to(&address(&member)).into_response());
    }
    // Before the form is filled in, not after.
    if let Err(error) = caller.require_fresh_code() {
        return Ok(lead_to_fresh_code(error.into(), &format!("{}/reset", address(&member))));
    }
    Ok(render(&gather(&portal, &caller, &member).await?))
}

async fn reset(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(member): Path<String>,
    Form(form): Form<CheckForm>,
) -> Result<Response, Refusal> {
    let fault = match form.read() {
        None => fault_of(None),
        Some(checked) => {
            let of = member.clone();
            match portal.act(&caller, move |tx, caller| resets::reset(tx, caller, &of, &checked)).await {
                Ok(()) => return Ok(back(&member, "reset")),
                Err(refused) => match fault_of(Some(refused.code())) {
                    None => return Ok(lead_to_fresh_code(refused, &format!("{}/reset", address(&member)))),
                    fault => fault,
                },
            }
        }
    };
    let page = gather(&portal, &caller, &member).await?;
    let page = ResetPage {
        chosen: form.chosen(),
        reference: form.reference,
        fault: caller.words.say(fault.unwrap_or_default()),
        frame: page.frame.with_fault(),
        ..page
    };
    Ok(render_refused(StatusCode::UNPROCESSABLE_ENTITY, &page))
}

async fn gather(portal: &Portal, caller: &Arc<Caller>, member: &str) -> Result<ResetPage, Refusal> {
    let (reader, of) = (Arc::clone(caller), member.to_owned());
    let read = portal.store.read(move |tx| {
        let Some(found) = members::find(tx, &reader.organisation, &of, reader.now_ms)? else { return Ok(None) };
        let devices = devices::list(tx, &reader.organisation, &found.id, "", reader.now_ms)?;
        Ok(Some((found, devices)))
    });
    let (found, devices) = read.await?.ok_or(Error::NotFound)?;
    let title = caller.words.with("member-reset-title", &[("name", found.name.clone().into())]);
    let ended = devices.iter().filter(|device| matches!(device.state, "approved" | "pending")).count();
    Ok(ResetPage {
        frame: Frame::titled(caller, "users", title),
        id: found.id,
        name: found.name,
        devices: ended as u64,
        is_required: caller.rules.two_step,
        chosen: "",
        reference: String::new(),
        fault: String::new(),
    })
}
