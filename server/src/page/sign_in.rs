//! Sign in and sign out.

use super::{Form, Frame, Next, render, render_refused, sso, with_session};
use crate::access::{Access, Pages, get, post};
use crate::caller::{Caller, Origin};
use crate::identity::COOKIE;
use crate::portal::Portal;
use crate::problem::Refusal;
use crate::sessions;
use crate::words::Words;
use askama::Template;
use axum::Extension;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::cookie::{Cookie, CookieJar};
use serde::Deserialize;
use std::sync::Arc;
use twinlock_core::ErrorCode;
use twinlock_core::secret::SecretText;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    frame: Frame,
    next: String,
    name: String,
    fault: String,
    /// Where the organisation's own sign-in begins; or empty.
    sso: String,
}

#[derive(Deserialize)]
struct SignInForm {
    name: String,
    password: SecretText,
    #[serde(default)]
    next: String,
}

pub(super) fn routes(pages: Pages) -> Pages {
    pages.route(Access::Public, "/sign-in", get(show).post(submit)).route(Access::SignedIn, "/sign-out", post(sign_out))
}

async fn show(State(portal): State<Portal>, Extension(words): Extension<Words>, Query(next): Query<Next>) -> Response {
    let sso = sso::way(&portal, &next).await;
    let next = next.suffix().is_empty().then(String::new).unwrap_or_else(|| next.path().to_owned());
    render(&SignInPage {
        frame: Frame::plain(&words, "sign-in-title"),
        next,
        name: String::new(),
        fault: String::new(),
        sso,
    })
}

async fn submit(
    State(portal): State<Portal>,
    Extension(origin): Extension<Origin>,
    Form(form): Form<SignInForm>,
) -> Result<Response, Refusal> {
    let next = Next { next: form.next };
    let refused = match sessions::authenticate(&portal, &origin, &form.name, form.password).await {
        Ok(member) => {
            let token = sessions::open_in_browser(&portal, member, &origin).await?;
            return Ok(with_session(&token, next.path()));
        }
        Err(refused) => refused,
    };
    let (status, fault) = match refused.code() {
        ErrorCode::SignInRefused => (StatusCode::UNAUTHORIZED, "sign-in-refused"),
        ErrorCode::Suspended => (StatusCode::FORBIDDEN, "sign-in-suspended"),
        ErrorCode::Throttled => (StatusCode::TOO_MANY_REQUESTS, "sign-in-throttled"),
        _ => return Err(refused),
    };
    let page = SignInPage {
        frame: Frame::plain(&origin.words, "sign-in-title").with_fault(),
        next: next.suffix().is_empty().then(String::new).unwrap_or_else(|| next.path().to_owned()),
        name: form.name,
        fault: origin.words.say(fault),
        sso: sso::way(&portal, &next).await,
    };
    Ok(render_refused(status, &page))
}

async fn sign_out(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<Response, Refusal> {
    portal.act(&caller, sessions::end).await?;
    let gone = Cookie::build((COOKIE, "")).path("/").secure(true).http_only(true).build();
    let mut gone_for_good = gone;
    gone_for_good.make_removal();
    Ok((CookieJar::new().add(gone_for_good), Redirect::to("/sign-in")).into_response())
}
