//! The page behind the first run's link: an organisation, its first admin, and on to the wizard.

use super::{Form, Frame, render, render_refused, with_session};
use crate::access::{Access, Pages, get};
use crate::caller::Origin;
use crate::first_run::{self, FirstAdmin};
use crate::organisations::NewOrganisation;
use crate::password;
use crate::portal::Portal;
use crate::problem::Refusal;
use crate::sessions;
use crate::words::{Words, value};
use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use twinlock_core::ErrorCode;
use twinlock_core::code::Label;
use twinlock_core::secret::SecretText;

#[derive(Template)]
#[template(path = "first_run.html")]
struct FirstRunPage {
    frame: Frame,
    token: String,
    organisation: String,
    name: String,
    email: String,
    least: usize,
    faults: Faults,
}

impl FirstRunPage {
    fn password_help(&self) -> String {
        self.frame.words.with("first-run-password-help", &[("least", value(self.least as u64))])
    }
}

/// What is wrong with each field; empty: nothing.
#[derive(Default)]
struct Faults {
    organisation: String,
    name: String,
    email: String,
    password: String,
}

impl Faults {
    fn is_any(&self) -> bool {
        [&self.organisation, &self.name, &self.email, &self.password].iter().any(|fault| !fault.is_empty())
    }
}

#[derive(Template)]
#[template(path = "first_run_over.html")]
struct OverPage {
    frame: Frame,
}

#[derive(Deserialize)]
struct FirstRunForm {
    organisation: String,
    name: String,
    email: String,
    password: SecretText,
    repeated: SecretText,
}

/// Longer names are of no use on a page.
const MAX_NAME: usize = 100;

pub(super) fn routes(pages: Pages) -> Pages {
    pages.route(Access::Public, "/first-run/{token}", get(show).post(found))
}

async fn show(
    State(portal): State<Portal>,
    Extension(words): Extension<Words>,
    Path(token): Path<String>,
) -> Result<Response, Refusal> {
    if !is_open(&portal, &token).await? {
        return Ok(over(&words));
    }
    let (frame, empty) = (Frame::plain(&words, "first-run-title"), String::new);
    let least = password::LEAST_ALONE;
    let faults = Faults::default();
    Ok(render(&FirstRunPage { frame, token, organisation: empty(), name: empty(), email: empty(), least, faults }))
}

async fn found(
    State(portal): State<Portal>,
    Extension(origin): Extension<Origin>,
    Path(token): Path<String>,
    Form(form): Form<FirstRunForm>,
) -> Result<Response, Refusal> {
    let words = &origin.words;
    // Before anything is hashed for a stranger.
    if !is_open(&portal, &token).await? {
        return Ok(over(words));
    }
    let [organisation, name, email] = [form.organisation, form.name, form.email].map(|text| text.trim().to_owned());
    let now_ms = portal.now_ms()?;
    let made = NewOrganisation::generate(&organisation, portal.key_wrap.as_ref(), now_ms);
    let mut faults = check(words, &name, &email, &form.password, &form.repeated);
    if made.is_err() {
        faults.organisation = words.say("first-run-organisation-fault");
    }
    let (false, Ok(made)) = (faults.is_any(), made) else {
        let least = password::LEAST_ALONE;
        let frame = Frame::plain(words, "first-run-title").with_fault();
        let page = FirstRunPage { frame, token, organisation, name, email, least, faults };
        return Ok(render_refused(StatusCode::UNPROCESSABLE_ENTITY, &page));
    };
    let stored = portal.hasher.run(move || password::hash(&form.password)).await?;
    let admin = FirstAdmin { name: name.clone(), email, password: stored };
    let founded = portal.store.write(move |tx| first_run::found(tx, &token, made, &admin, now_ms)).await?;
    let (organisation, member) = match founded.map_err(Refusal::from) {
        Ok(ids) => ids,
        Err(refused) if refused.code() == ErrorCode::NotFound => return Ok(over(words)),
        Err(refused) => return Err(refused),
    };
    let admin = sessions::Authenticated::founder(organisation, member, name);
    let session = sessions::open_in_browser(&portal, admin, &origin).await?;
    Ok(with_session(&session, "/set-up?next=%2Fadmin"))
}

fn check(words: &Words, name: &str, email: &str, password: &SecretText, repeated: &SecretText) -> Faults {
    let mut faults = Faults::default();
    if name.is_empty() || name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
        faults.name = words.say("first-run-name-fault");
    }
    let is_address = email.parse::<lettre::Address>().is_ok() && Label::new(Some("issuer"), email).is_ok();
    if !is_address {
        faults.email = words.say("first-run-email-fault");
    }
    if let Err(weak) = password::check_new(password, password::LEAST_ALONE, &[name, email]) {
        faults.password = weak.said_in(words);
    } else if password.expose() != repeated.expose() {
        faults.password = words.say("first-run-repeated-fault");
    }
    faults
}

async fn is_open(portal: &Portal, token: &str) -> Result<bool, Refusal> {
    let (token, now_ms) = (token.to_owned(), portal.now_ms()?);
    Ok(portal.store.read(move |tx| first_run::is_open(tx, &token, now_ms)).await?)
}

fn over(words: &Words) -> Response {
    let frame = Frame::plain(words, "first-run-over-title").with_fault();
    render_refused(StatusCode::NOT_FOUND, &OverPage { frame })
}
