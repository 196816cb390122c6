//! Admin → Users → one member → *Reset Two-Step Authentication*: a page of its own, with what it does before it is done.

use super::member::{address, back};
use crate::access::{Access, Pages, get};
use crate::caller::Caller;
use crate::devices;
use crate::members;
use crate::page::{Form, Frame, lead_to_fresh_code, render, render_refused};
use crate::portal::Portal;
use crate::problem::Refusal;
use crate::resets::{self, IdentityCheck, ResetRequest};
use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use std::sync::Arc;
use twinlock_core::{Error, ErrorCode};

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

#[derive(Deserialize)]
struct ResetForm {
    /// As the choice sends it; empty where none was made.
    #[serde(default)]
    identity_check: String,
    #[serde(default)]
    reference: String,
}

/// The word in the form, the check, and the key of its name.
const CHECKS: [(&str, IdentityCheck, &str); 4] = [
    ("in_person", IdentityCheck::InPerson, "member-check-in-person"),
    ("known_phone", IdentityCheck::KnownPhone, "member-check-known-phone"),
    ("video", IdentityCheck::Video, "member-check-video"),
    ("other", IdentityCheck::Other, "member-check-other"),
];

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
    Form(form): Form<ResetForm>,
) -> Result<Response, Refusal> {
    let chosen = CHECKS.into_iter().find(|(word, ..)| *word == form.identity_check);
    let fault = match chosen {
        None => "member-reset-needs-check",
        Some((_, identity_check, _)) => {
            let of = member.clone();
            let request = ResetRequest { identity_check, reference: form.reference.clone() };
            match portal.act(&caller, move |tx, caller| resets::reset(tx, caller, &of, &request)).await {
                Ok(()) => return Ok(back(&member, "reset")),
                Err(refused) => match refused.code() {
                    ErrorCode::ReasonRequired => "member-reset-needs-reference",
                    ErrorCode::BadRequest => "member-reset-long-reference",
                    _ => return Ok(lead_to_fresh_code(refused, &format!("{}/reset", address(&member)))),
                },
            }
        }
    };
    let page = gather(&portal, &caller, &member).await?;
    let page = ResetPage {
        chosen: chosen.map_or("", |(word, ..)| word),
        reference: form.reference,
        fault: caller.words.say(fault),
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
