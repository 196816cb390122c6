//! Admin → Devices → one device: what is known of it, its name, and the pages on which it is denied or revoked.

use super::{Form, Frame, Notice, code_first, render, render_refused};
use crate::access::{Access, Pages, get};
use crate::caller::Caller;
use crate::devices::{self, DeviceView};
use crate::portal::Portal;
use crate::problem::Refusal;
use askama::Template;
use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use std::sync::Arc;
use twinlock_core::{Error, ErrorCode};

#[derive(Template)]
#[template(path = "device.html")]
struct DevicePage {
    frame: Frame,
    device: DeviceView,
    /// Under the two-person rule nobody approves his own device.
    is_barred: bool,
    /// Where a fresh code is shown before a comparison code is typed; or empty.
    code_first: String,
    name: String,
    fault: String,
}

/// What is about to be done, as a page with its consequences.
#[derive(Template)]
#[template(path = "device_act.html")]
struct ActPage {
    frame: Frame,
    device: DeviceView,
    act: Act,
    reason: String,
    fault: String,
}

/// What ends a device or its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Deny,
    Revoke,
}

impl Act {
    fn word(self) -> &'static str {
        match self {
            Act::Deny => "deny",
            Act::Revoke => "revoke",
        }
    }

    /// The keys of question, consequences, button.
    fn keys(self) -> (&'static str, &'static [&'static str], &'static str) {
        match self {
            Act::Deny => {
                ("devices-deny-question", &["devices-deny-told-nothing", "devices-deny-again"], "devices-deny")
            }
            Act::Revoke => (
                "devices-revoke-question",
                &["devices-revoke-at-once", "devices-revoke-pin", "devices-revoke-again"],
                "devices-revoke",
            ),
        }
    }
}

#[derive(Deserialize)]
struct NameForm {
    name: String,
}

#[derive(Deserialize)]
struct ReasonForm {
    #[serde(default)]
    reason: String,
}

pub(super) fn routes(pages: Pages) -> Pages {
    pages
        .route(Access::Admin, "/admin/devices/{device}", get(show).post(rename))
        .route(Access::Admin, "/admin/devices/{device}/deny", get(ask_deny).post(deny))
        .route(Access::Admin, "/admin/devices/{device}/revoke", get(ask_revoke).post(revoke))
}

async fn show(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(device): Path<String>,
    Query(notice): Query<Notice>,
) -> Result<Response, Refusal> {
    let mut page = gather(&portal, &caller, device).await?;
    page.frame = page.frame.with_notice(&notice);
    Ok(render(&page))
}

async fn rename(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(device): Path<String>,
    Form(form): Form<NameForm>,
) -> Result<Response, Refusal> {
    let (id, name) = (device.clone(), form.name.clone());
    let refused = match portal.act(&caller, move |tx, caller| devices::rename(tx, caller, &id, &name)).await {
        Ok(()) => return Ok(Redirect::to(&format!("/admin/devices/{device}?done=renamed")).into_response()),
        Err(refused) => refused,
    };
    if refused.code() != ErrorCode::BadRequest {
        return Err(refused);
    }
    let mut page = gather(&portal, &caller, device).await?;
    page.frame = page.frame.with_fault();
    (page.name, page.fault) = (form.name, caller.words.say("devices-name-fault"));
    Ok(render_refused(StatusCode::UNPROCESSABLE_ENTITY, &page))
}

async fn ask_deny(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(device): Path<String>,
) -> Result<Response, Refusal> {
    ask(&portal, &caller, device, Act::Deny).await
}

async fn ask_revoke(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(device): Path<String>,
) -> Result<Response, Refusal> {
    ask(&portal, &caller, device, Act::Revoke).await
}

async fn deny(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(device): Path<String>,
    Form(form): Form<ReasonForm>,
) -> Result<Response, Refusal> {
    let (id, reason) = (device.clone(), form.reason.clone());
    match portal.act(&caller, move |tx, caller| devices::deny(tx, caller, &id, &reason)).await {
        Ok(()) => Ok(Redirect::to("/admin/devices?done=denied").into_response()),
        Err(refused) => refuse(&portal, &caller, device, Act::Deny, form.reason, refused).await,
    }
}

async fn revoke(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(device): Path<String>,
    Form(form): Form<ReasonForm>,
) -> Result<Response, Refusal> {
    let (id, reason) = (device.clone(), form.reason.clone());
    let revoked = portal.act(&caller, move |tx, caller| match reason.trim() {
        "" => Ok(Err(Error::ReasonRequired)),
        reason => devices::revoke(tx, caller, &id, reason),
    });
    match revoked.await {
        Ok(()) => Ok(Redirect::to("/admin/devices?done=revoked").into_response()),
        Err(refused) => refuse(&portal, &caller, device, Act::Revoke, form.reason, refused).await,
    }
}

/// Repeats the question with what was wrong with the reason.
async fn refuse(
    portal: &Portal,
    caller: &Arc<Caller>,
    device: String,
    act: Act,
    reason: String,
    refused: Refusal,
) -> Result<Response, Refusal> {
    let fault = match refused.code() {
        ErrorCode::ReasonRequired => "devices-reason-missing",
        ErrorCode::BadRequest => "devices-reason-long",
        _ => return Err(refused),
    };
    let mut page = question(portal, caller, device, act).await?;
    page.frame = page.frame.with_fault();
    (page.reason, page.fault) = (reason, caller.words.say(fault));
    Ok(render_refused(StatusCode::UNPROCESSABLE_ENTITY, &page))
}

/// Somebody else may have decided meanwhile: then there is nothing to ask.
async fn ask(portal: &Portal, caller: &Arc<Caller>, device: String, act: Act) -> Result<Response, Refusal> {
    let page = question(portal, caller, device, act).await?;
    let fits = match act {
        Act::Deny => page.device.state == "pending",
        Act::Revoke => page.device.state == "approved",
    };
    if fits {
        return Ok(render(&page));
    }
    Ok(Redirect::to(&format!("/admin/devices/{}", page.device.id)).into_response())
}

async fn question(portal: &Portal, caller: &Arc<Caller>, device: String, act: Act) -> Result<ActPage, Refusal> {
    let device = find(portal, caller, device).await?;
    let values = [("device", device.name.clone().into()), ("member", device.member_name.clone().into())];
    let frame = Frame::titled(caller, "devices", caller.words.with(act.keys().0, &values));
    Ok(ActPage { frame, device, act, reason: String::new(), fault: String::new() })
}

async fn gather(portal: &Portal, caller: &Arc<Caller>, device: String) -> Result<DevicePage, Refusal> {
    let device = find(portal, caller, device).await?;
    let values = [("device", device.name.clone().into()), ("member", device.member_name.clone().into())];
    Ok(DevicePage {
        frame: Frame::titled(caller, "devices", caller.words.with("devices-one-title", &values)),
        code_first: code_first(caller, &format!("/admin/devices/{}", device.id)),
        is_barred: caller.rules.two_person && device.member == caller.member,
        name: device.name.clone(),
        fault: String::new(),
        device,
    })
}

async fn find(portal: &Portal, caller: &Arc<Caller>, device: String) -> Result<DeviceView, Refusal> {
    let reader = Arc::clone(caller);
    // Without an id the list is of all devices.
    if device.is_empty() {
        return Err(Error::NotFound.into());
    }
    let read = move |tx: &mut crate::store::Tx<'_>| devices::list(tx, &reader.organisation, "", &device, reader.now_ms);
    let found = portal.store.read(read).await?;
    found.into_iter().next().ok_or_else(|| Error::NotFound.into())
}
