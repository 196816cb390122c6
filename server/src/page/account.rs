//! Account Settings: the member's own factor and devices.

use super::{Frame, Notice, render};
use crate::access::{Access, Pages, get};
use crate::caller::Caller;
use crate::devices::{self, DeviceView};
use crate::open_sessions::{self, SessionView};
use crate::portal::Portal;
use crate::problem::Refusal;
use askama::Template;
use axum::Extension;
use axum::extract::{Query, State};
use axum::response::Response;
use std::sync::Arc;
use twinlock_core::policy::FactorState;

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    frame: Frame,
    has_two_step: bool,
    is_required: bool,
    devices: Vec<DeviceView>,
    sessions: Vec<SessionView>,
    /// Where the forms that end a session lead.
    ending: &'static str,
}

pub(super) fn routes(pages: Pages) -> Pages {
    pages.route(Access::Ready, "/account", get(show))
}

async fn show(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Query(notice): Query<Notice>,
) -> Result<Response, Refusal> {
    let reader = Arc::clone(&caller);
    let read = portal.store.read(move |tx| {
        let devices = devices::list(tx, &reader.organisation, &reader.member, "", reader.now_ms)?;
        Ok((devices, open_sessions::list(tx, &reader, &reader.member)?))
    });
    let (devices, sessions) = read.await?;
    Ok(render(&AccountPage {
        frame: Frame::of(&caller, "account", "Account settings").with_notice(&notice),
        has_two_step: caller.facts.factor == FactorState::Active,
        is_required: caller.rules.two_step,
        devices,
        sessions,
        ending: "/account/sessions",
    }))
}
