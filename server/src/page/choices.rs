//! What anybody may choose for their browser, before sign-in too: the language, and how pages look.

use super::{Form, is_own_path};
use crate::access::{Access, Pages, post};
use crate::words::{APPEARANCE_COOKIE, Appearance, LANGUAGE_COOKIE, Language, choice};
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::cookie::{Cookie, CookieJar};
use serde::Deserialize;

pub(super) fn routes(pages: Pages) -> Pages {
    pages.route(Access::Public, "/language", post(language)).route(Access::Public, "/appearance", post(appearance))
}

#[derive(Deserialize)]
struct Chosen {
    #[serde(default)]
    choice: String,
    #[serde(default)]
    next: String,
}

async fn language(Form(chosen): Form<Chosen>) -> Response {
    let cookie = Language::of_tag(&chosen.choice).and_then(|language| choice(LANGUAGE_COOKIE, language.tag()));
    back(&chosen, cookie)
}

async fn appearance(Form(chosen): Form<Chosen>) -> Response {
    let cookie = Appearance::of_name(&chosen.choice).and_then(|look| choice(APPEARANCE_COOKIE, look.name()));
    back(&chosen, cookie)
}

/// What is not offered changes nothing.
fn back(chosen: &Chosen, cookie: Option<Cookie<'static>>) -> Response {
    let next = if is_own_path(&chosen.next) { &chosen.next } else { "/" };
    let jar = cookie.into_iter().fold(CookieJar::new(), CookieJar::add);
    (jar, Redirect::to(next)).into_response()
}
