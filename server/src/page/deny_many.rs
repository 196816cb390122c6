//! Admin → Devices → several waiting devices at once: they are denied, with one reason. Approving takes a code for each.

use super::{Frame, render, render_refused};
use crate::access::{Access, Pages, get};
use crate::caller::Caller;
use crate::devices::{self, DeviceView};
use crate::portal::Portal;
use crate::problem::Refusal;
use crate::store::Tx;
use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::Query;
use serde::Deserialize;
use std::sync::Arc;
use twinlock_core::{Error, ErrorCode};

#[derive(Template)]
#[template(path = "deny_many.html")]
struct DenyManyPage {
    frame: Frame,
    devices: Vec<DeviceView>,
    reason: String,
    fault: String,
}

#[derive(Debug, Default, Deserialize)]
struct Chosen {
    /// Ids; a browser sends one for each checked box.
    #[serde(default)]
    device: Vec<String>,
    #[serde(default)]
    reason: String,
}

/// A page lists fewer.
const MOST: usize = 100;

pub(super) fn routes(pages: Pages) -> Pages {
    pages.route(Access::Admin, "/admin/devices/deny", get(ask).post(deny))
}

async fn ask(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Query(chosen): Query<Chosen>,
) -> Result<Response, Refusal> {
    let page = gather(&portal, &caller, chosen.device).await?;
    if page.devices.is_empty() {
        return Ok(Redirect::to("/admin/devices").into_response());
    }
    Ok(render(&page))
}

async fn deny(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    super::Form(chosen): super::Form<Chosen>,
) -> Result<Response, Refusal> {
    if chosen.device.is_empty() || chosen.device.len() > MOST {
        return Err(Error::BadRequest.into());
    }
    let (ids, reason) = (chosen.device.clone(), chosen.reason.clone());
    let denied = portal.act(&caller, move |tx, caller| {
        let mut denied = 0;
        for id in &ids {
            match devices::deny(tx, caller, id, &reason)? {
                Ok(()) => denied += 1,
                // Somebody else decided on this one meanwhile.
                Err(Error::AlreadyDecided) => {}
                Err(error) => return Ok(Err(error)),
            }
        }
        Ok(if denied == 0 { Err(Error::AlreadyDecided) } else { Ok(()) })
    });
    match denied.await {
        Ok(()) => Ok(Redirect::to("/admin/devices?done=denied-many").into_response()),
        Err(refused) if refused.code() == ErrorCode::BadRequest => {
            let mut page = gather(&portal, &caller, chosen.device).await?;
            page.frame = page.frame.with_fault();
            (page.reason, page.fault) = (chosen.reason, caller.words.say("devices-reason-long"));
            Ok(render_refused(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
        Err(refused) => Err(refused),
    }
}

/// The devices of these that wait still.
async fn gather(portal: &Portal, caller: &Arc<Caller>, ids: Vec<String>) -> Result<DenyManyPage, Refusal> {
    let reader = Arc::clone(caller);
    let read = move |tx: &mut Tx<'_>| {
        let mut found = Vec::new();
        for id in ids.iter().filter(|id| !id.is_empty()).take(MOST) {
            found.extend(devices::list(tx, &reader.organisation, "", id, reader.now_ms)?);
        }
        found.retain(|device| device.state == "pending");
        Ok(found)
    };
    let devices = portal.store.read(read).await?;
    let title = caller.words.count("devices-deny-many-question", devices.len() as u64);
    let frame = Frame::titled(caller, "devices", title);
    Ok(DenyManyPage { frame, devices, reason: String::new(), fault: String::new() })
}
