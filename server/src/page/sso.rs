//! Sign in with the organisation's identity provider: the way there, and the way back.

use super::{Frame, Next, render, render_refused, with_session};
use crate::access::{Access, Pages, get};
use crate::caller::Origin;
use crate::portal::Portal;
use crate::problem::Refusal;
use crate::sso::{self, BROWSER_COOKIE, CALLBACK, Callback, Door, Ended, Fault, Reason};
use askama::Template;
use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use serde::Deserialize;
use twinlock_core::ErrorCode;
use twinlock_core::secret::SecretText;

#[derive(Template)]
#[template(path = "sso.html")]
struct OrganisationPage {
    frame: Frame,
    next: String,
    name: String,
    has_fault: bool,
    /// Where it goes on, once the organisation is known; a link, because a form must not lead to another site.
    target: String,
}

#[derive(Template)]
#[template(path = "sso_refused.html")]
struct RefusedPage {
    frame: Frame,
    /// Key of what happened.
    lead: &'static str,
    /// Where to try again; or empty.
    again: String,
    password: String,
    request_id: String,
}

/// Which organisation, and the page that the member first asked for.
#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    organisation: String,
    #[serde(flatten)]
    next: Next,
}

pub(super) fn routes(pages: Pages) -> Pages {
    pages
        .route(Access::Public, "/sign-in/sso", get(ask))
        .route(Access::Public, "/sign-in/sso/{organisation}", get(leave))
        .route(Access::Public, CALLBACK, get(arrive))
}

/// Where the sign-in page leads whoever wants to sign in with an organisation; empty if there is no such way.
pub(super) async fn way(portal: &Portal, next: &Next) -> String {
    let path = match portal.store.read(sso::find_door).await {
        Ok(Door::None) => return String::new(),
        Ok(Door::Only(organisation)) => format!("/sign-in/sso/{organisation}"),
        Ok(Door::Several) => "/sign-in/sso".to_owned(),
        // The page with the fields for name and password is there all the same.
        Err(fault) => {
            tracing::error!(%fault, "storage");
            return String::new();
        }
    };
    path + &next.suffix()
}

async fn ask(
    State(portal): State<Portal>,
    Extension(origin): Extension<Origin>,
    Query(asked): Query<Asked>,
) -> Result<Response, Refusal> {
    let name = asked.organisation.trim().to_owned();
    let mut page = OrganisationPage {
        frame: Frame::plain(&origin.words, "sign-in-sso-title"),
        next: asked.next.suffix().is_empty().then(String::new).unwrap_or_else(|| asked.next.path().to_owned()),
        has_fault: false,
        target: String::new(),
        name: name.clone(),
    };
    if name.is_empty() {
        return Ok(render(&page));
    }
    if let Ok(address) = origin.address.parse() {
        portal.throttle.check_sign_in(address)?;
    }
    let Some(organisation) = portal.store.read(move |tx| sso::find_by_name(tx, &name)).await? else {
        page.frame = page.frame.with_fault();
        page.has_fault = true;
        return Ok(render_refused(StatusCode::NOT_FOUND, &page));
    };
    page.target = format!("/sign-in/sso/{organisation}{}", asked.next.suffix());
    Ok(render(&page))
}

async fn leave(
    State(portal): State<Portal>,
    Extension(origin): Extension<Origin>,
    Path(organisation): Path<String>,
    Query(next): Query<Next>,
    jar: CookieJar,
) -> Result<Response, Refusal> {
    match sso::begin(&portal, &organisation, next.path(), browser_of(&jar), &origin).await {
        Ok(begun) => Ok((CookieJar::new().add(tie(&begun.browser)), Redirect::to(&begun.url)).into_response()),
        Err(fault) => refuse(Ended { organisation: Some(organisation), next: next.next, fault }, &origin),
    }
}

async fn arrive(
    State(portal): State<Portal>,
    Extension(origin): Extension<Origin>,
    Query(callback): Query<Callback>,
    jar: CookieJar,
) -> Result<Response, Refusal> {
    match sso::finish(&portal, callback, browser_of(&jar), &origin).await {
        Ok(finished) => Ok(with_session(&finished.token, &finished.next)),
        Err(ended) => refuse(ended, &origin),
    }
}

fn refuse(ended: Ended, origin: &Origin) -> Result<Response, Refusal> {
    let (status, lead) = match ended.fault {
        Fault::Portal(refusal) if refusal.code() == ErrorCode::Throttled => {
            (StatusCode::TOO_MANY_REQUESTS, "sign-in-throttled")
        }
        Fault::Portal(refusal) => return Err(*refusal),
        Fault::Unreachable => (StatusCode::SERVICE_UNAVAILABLE, "sign-in-sso-unreachable"),
        Fault::Refused(Reason::Suspended) => (StatusCode::FORBIDDEN, "sign-in-suspended"),
        Fault::Refused(_) => (StatusCode::FORBIDDEN, "sign-in-sso-refused"),
    };
    let suffix = Next { next: ended.next }.suffix();
    let again = ended.organisation.map(|organisation| format!("/sign-in/sso/{organisation}{suffix}"));
    let mut frame = Frame::plain(&origin.words, "sign-in-sso-refused-title").with_fault();
    // What the provider sent here is over, and stands nowhere in the page.
    frame.words.here = format!("/sign-in{suffix}");
    Ok(render_refused(
        status,
        &RefusedPage {
            frame,
            lead,
            again: again.unwrap_or_default(),
            password: format!("/sign-in{suffix}"),
            request_id: origin.request_id.clone(),
        },
    ))
}

/// Lax, because the provider's page leads back to ours.
fn tie(browser: &SecretText) -> Cookie<'static> {
    Cookie::build((BROWSER_COOKIE, browser.expose().to_owned()))
        .path("/")
        .secure(true)
        .http_only(true)
        .same_site(SameSite::Lax)
        .build()
}

fn browser_of(jar: &CookieJar) -> Option<SecretText> {
    jar.get(BROWSER_COOKIE).map(|cookie| SecretText::new(cookie.value().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_that_ties_a_sign_in_to_its_browser_reaches_no_script_and_no_other_host() {
        let text = tie(&SecretText::new("x".to_owned())).to_string();
        for part in ["__Host-sso=x", "HttpOnly", "Secure", "Path=/", "SameSite=Lax"] {
            assert!(text.contains(part), "{text}");
        }
        assert!(!text.contains("Domain"), "{text}");
    }
}
