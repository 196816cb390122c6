//! Admin → Devices: the decision on pending devices, and revocation.

use super::{Form, Frame, Notice, lead_to_fresh_code, render, render_refused};
use crate::access::{Access, Pages, get, post};
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
use twinlock_core::ErrorCode;

#[derive(Template)]
#[template(path = "devices.html")]
struct DevicesPage {
    frame: Frame,
    pending: Vec<DeviceView>,
    others: Vec<DeviceView>,
    /// The device whose form was refused, and why.
    refused: String,
    fault: String,
    is_refused_listed: bool,
}

#[derive(Deserialize)]
struct ApprovalForm {
    comparison_code: String,
}

pub(super) fn routes(pages: Pages) -> Pages {
    pages
        .route(Access::Admin, "/admin/devices", get(show))
        .route(Access::Admin, "/admin/devices/{device}/approve", post(approve))
        .route(Access::Admin, "/admin/devices/{device}/deny", post(deny))
        .route(Access::Admin, "/admin/devices/{device}/revoke", post(revoke))
}

async fn show(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Query(notice): Query<Notice>,
) -> Result<Response, Refusal> {
    let mut page = gather(&portal, &caller).await?;
    page.frame = page.frame.with_notice(&notice);
    Ok(render(&page))
}

async fn approve(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(device): Path<String>,
    Form(form): Form<ApprovalForm>,
) -> Result<Response, Refusal> {
    if let Err(error) = caller.require_fresh_code() {
        return Ok(lead_to_fresh_code(error.into(), "/admin/devices"));
    }
    let id = device.clone();
    let approved = portal.act(&caller, move |tx, caller| devices::approve(tx, caller, &id, &form.comparison_code));
    let refused = match approved.await {
        Ok(()) => return Ok(Redirect::to("/admin/devices?done=approved").into_response()),
        Err(refused) => refused,
    };
    let fault = match refused.code() {
        ErrorCode::ComparisonRefused => {
            "This is not the code that the device shows. Ask the member to read it again; three wrong entries end the request."
        }
        ErrorCode::AlreadyDecided => "This request was already decided on, or it has ended.",
        _ => return Err(refused),
    };
    let mut page = gather(&portal, &caller).await?;
    page.frame.title = "Error: devices".to_owned();
    page.is_refused_listed = page.pending.iter().any(|pending| pending.id == device);
    (page.refused, page.fault) = (device, fault.to_owned());
    Ok(render_refused(StatusCode::UNPROCESSABLE_ENTITY, &page))
}

async fn deny(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(device): Path<String>,
) -> Result<Response, Refusal> {
    portal.act(&caller, move |tx, caller| devices::deny(tx, caller, &device)).await?;
    Ok(Redirect::to("/admin/devices?done=denied").into_response())
}

async fn revoke(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(device): Path<String>,
) -> Result<Response, Refusal> {
    portal.act(&caller, move |tx, caller| devices::revoke(tx, caller, &device)).await?;
    Ok(Redirect::to("/admin/devices?done=revoked").into_response())
}

async fn gather(portal: &Portal, caller: &Arc<Caller>) -> Result<DevicesPage, Refusal> {
    let reader = Arc::clone(caller);
    let all = portal.store.read(move |tx| devices::list(tx, &reader.organisation, "", "", reader.now_ms)).await?;
    let (pending, others) = all.into_iter().partition(|device| device.state == "pending");
    let frame = Frame::of(caller, "devices", "Devices");
    Ok(DevicesPage { frame, pending, others, refused: String::new(), fault: String::new(), is_refused_listed: false })
}
