//! Account Settings: the member's own authenticator, recovery codes and devices.

use super::{Frame, Notice, render};
use crate::access::{Access, Pages, get, post};
use crate::caller::Caller;
use crate::devices::{self, DeviceView};
use crate::open_sessions::{self, SessionView};
use crate::own_devices;
use crate::portal::Portal;
use crate::problem::Refusal;
use crate::recovery;
use crate::store::Tx;
use askama::Template;
use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use std::sync::Arc;
use twinlock_core::policy::FactorState;
use twinlock_core::wire::RecoveryCodesState;

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    frame: Frame,
    has_two_step: bool,
    is_required: bool,
    codes: RecoveryCodesState,
    devices: Vec<DeviceView>,
    sessions: Vec<SessionView>,
    /// Where the forms that end a session lead.
    ending: &'static str,
}

/// So few recovery codes that the member should make new ones.
const FEW_CODES: u32 = 3;

pub(super) fn routes(pages: Pages) -> Pages {
    pages.route(Access::Ready, "/account", get(show)).route(
        Access::Ready,
        "/account/devices/{device}/revoke",
        post(revoke),
    )
}

async fn show(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Query(notice): Query<Notice>,
) -> Result<Response, Refusal> {
    let reader = Arc::clone(&caller);
    let read = move |tx: &mut Tx<'_>| {
        let (organisation, member) = (&reader.organisation, &reader.member);
        let codes = recovery::state(tx, organisation, member)?;
        let devices = devices::list(tx, organisation, member, "", reader.now_ms)?;
        Ok((codes, devices, open_sessions::list(tx, &reader, member)?))
    };
    let (codes, devices, sessions) = portal.store.read(read).await?;
    Ok(render(&AccountPage {
        frame: Frame::of(&caller, "account", "Account settings").with_notice(&notice),
        has_two_step: caller.facts.factor == FactorState::Active,
        is_required: caller.facts.is_two_step_required(&caller.rules, caller.now_ms),
        codes,
        devices,
        sessions,
        ending: "/account/sessions",
    }))
}

async fn revoke(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(device): Path<String>,
) -> Result<Response, Refusal> {
    portal.act(&caller, move |tx, caller| own_devices::revoke(tx, caller, &device)).await?;
    Ok(Redirect::to("/account?done=revoked").into_response())
}
