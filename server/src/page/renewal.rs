//! Account Settings: a new authenticator for the one in use, and turning two-step authentication off.

use super::app_choice::AppChoice;
use super::two_step::{CodeForm, Purpose, conclude_set_up, show_secret};
use super::{Form, Frame, lead_to_fresh_code, render};
use crate::access::{Access, Pages, get, post};
use crate::caller::Caller;
use crate::portal::Portal;
use crate::problem::Refusal;
use crate::renewal;
use crate::two_step;
use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use std::sync::Arc;
use twinlock_core::{Error, ErrorCode};

const RENEW: &str = "/account/two-step/renew";
const OFF: &str = "/account/two-step/off";

#[derive(Template)]
#[template(path = "renew.html")]
struct RenewPage {
    frame: Frame,
}

#[derive(Template)]
#[template(path = "turn_off.html")]
struct TurnOffPage {
    frame: Frame,
}

pub(super) fn routes(pages: Pages) -> Pages {
    pages
        .route(Access::OwnTwoStep, RENEW, get(introduce).post(begin))
        .route(Access::OwnTwoStep, "/account/two-step/renew/confirm", post(confirm))
        .route(Access::OwnTwoStep, OFF, get(ask).post(turn_off))
}

async fn introduce(Extension(caller): Extension<Arc<Caller>>) -> Response {
    if let Err(error) = caller.require_fresh_code() {
        return lead_to_fresh_code(error.into(), RENEW);
    }
    render(&RenewPage { frame: Frame::of(&caller, "account", "set-up-renew-title") })
}

async fn begin(State(portal): State<Portal>, Extension(caller): Extension<Arc<Caller>>) -> Result<Response, Refusal> {
    match renewal::begin(&portal, &caller).await {
        Ok(set_up) => show_secret(&caller, set_up, Purpose::Renewal, AppChoice::Other, "/account"),
        Err(refused) => Ok(lead_to_fresh_code(refused, RENEW)),
    }
}

async fn confirm(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Form(form): Form<CodeForm>,
) -> Result<Response, Refusal> {
    let outcome = two_step::confirm(&portal, &caller, &form.code).await;
    conclude_set_up(&caller, outcome, form.next, Purpose::Renewal)
}

async fn ask(Extension(caller): Extension<Arc<Caller>>) -> Result<Response, Refusal> {
    if caller.facts.is_two_step_required(&caller.rules, caller.now_ms) {
        return Err(Refusal::from(Error::RequiredByPolicy).explained(renewal::REQUIRED));
    }
    if let Err(error) = caller.require_fresh_code() {
        return Ok(lead_to_fresh_code(error.into(), OFF));
    }
    Ok(render(&TurnOffPage { frame: Frame::of(&caller, "account", "set-up-off-title") }))
}

async fn turn_off(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<Response, Refusal> {
    match renewal::turn_off(&portal, &caller).await {
        Ok(()) => Ok(Redirect::to("/account?done=off").into_response()),
        Err(refused) if refused.code() == ErrorCode::FreshCodeRequired => Ok(lead_to_fresh_code(refused, OFF)),
        Err(refused) => Err(refused),
    }
}
