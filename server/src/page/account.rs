//! Account Settings: the member's own authenticator, recovery codes and devices.

use super::{Form, Frame, Notice, render};
use crate::access::{Access, Pages, get, post};
use crate::caller::Caller;
use crate::devices::{self, DeviceView};
use crate::open_sessions::{self, SessionView};
use crate::own_devices;
use crate::portal::Portal;
use crate::preferences::{self, Preferences, Region};
use crate::problem::Refusal;
use crate::recovery;
use crate::store::Tx;
use crate::words::{LANGUAGE_COOKIE, ZONE_COOKIE, value};
use askama::Template;
use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::cookie::{Cookie, CookieJar};
use serde::Deserialize;
use std::sync::Arc;
use twinlock_core::Error;
use twinlock_core::policy::FactorState;
use twinlock_core::wire::RecoveryCodesState;

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    frame: Frame,
    has_two_step: bool,
    is_required: bool,
    codes: RecoveryCodesState,
    left: u64,
    /// What is said of codes that nobody saved.
    unsaved: String,
    own: Preferences,
    zones: Vec<Region>,
    devices: Vec<DeviceView>,
    sessions: Vec<SessionView>,
    /// Where the forms that end a session lead.
    ending: &'static str,
}

/// So few recovery codes that the member should make new ones.
const FEW_CODES: u32 = 3;

#[derive(Template)]
#[template(path = "revoke_device.html")]
struct RevokePage {
    frame: Frame,
    device: String,
}

#[derive(Deserialize)]
struct PreferencesForm {
    language: String,
    zone: String,
}

pub(super) fn routes(pages: Pages) -> Pages {
    pages
        .route(Access::Ready, "/account", get(show))
        .route(Access::Ready, "/account/preferences", post(save_preferences))
        .route(Access::Ready, "/account/devices/{device}/revoke", get(ask_to_revoke).post(revoke))
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
        let own = preferences::read(tx, organisation, member)?;
        let devices = devices::list(tx, organisation, member, "", reader.now_ms)?;
        Ok((codes, own, devices, open_sessions::list(tx, &reader, member)?))
    };
    let (codes, own, devices, sessions) = portal.store.read(read).await?;
    let words = &caller.words;
    let left = u64::from(codes.left);
    let values =
        [("count", value(left)), ("shown", words.number(left).into()), ("issued", words.time(codes.issued_ms).into())];
    Ok(render(&AccountPage {
        unsaved: words.with("account-codes-unsaved-help", &values),
        frame: Frame::of(&caller, "account", "account-title").with_notice(&notice),
        has_two_step: caller.facts.factor == FactorState::Active,
        is_required: caller.facts.is_two_step_required(&caller.rules, caller.now_ms),
        codes,
        left,
        own,
        zones: preferences::regions(),
        devices,
        sessions,
        ending: "/account/sessions",
    }))
}

async fn save_preferences(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Form(form): Form<PreferencesForm>,
) -> Result<Response, Refusal> {
    let chosen = Preferences { language: form.language, zone: form.zone };
    portal.act(&caller, move |tx, caller| preferences::save(tx, caller, &chosen)).await?;
    // What this browser had chosen before would hide the new choice.
    let forget = |jar: CookieJar, name: &'static str| {
        let mut cookie = Cookie::build((name, "")).path("/").secure(true).http_only(true).build();
        cookie.make_removal();
        jar.add(cookie)
    };
    let jar = [LANGUAGE_COOKIE, ZONE_COOKIE].into_iter().fold(CookieJar::new(), forget);
    Ok((jar, Redirect::to("/account?done=preferences")).into_response())
}

async fn ask_to_revoke(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(device): Path<String>,
) -> Result<Response, Refusal> {
    let now_ms = caller.now_ms;
    let (organisation, member, id) = (caller.organisation.clone(), caller.member.clone(), device.clone());
    let found = portal.store.read(move |tx| devices::list(tx, &organisation, &member, &id, now_ms));
    let found = found.await?.pop().filter(|found| found.state == "approved").ok_or(Error::NotFound)?;
    let title = caller.words.with("account-revoke-title", &[("name", found.name.into())]);
    Ok(render(&RevokePage { frame: Frame::titled(&caller, "account", title), device }))
}

async fn revoke(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(device): Path<String>,
) -> Result<Response, Refusal> {
    portal.act(&caller, move |tx, caller| own_devices::revoke(tx, caller, &device)).await?;
    Ok(Redirect::to("/account?done=revoked").into_response())
}
