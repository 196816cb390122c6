//! The set-up of two-step authentication, and the code page.

use super::{Form, Frame, Next, recovery, render, render_refused, with_session};
use crate::access::{Access, Pages, get, post};
use crate::caller::Caller;
use crate::portal::Portal;
use crate::problem::Refusal;
use crate::sessions;
use crate::two_step::{self, Confirmed};
use askama::Template;
use axum::Extension;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use qrcode::QrCode;
use qrcode::render::svg;
use serde::Deserialize;
use std::sync::Arc;
use twinlock_core::secret::SecretText;
use twinlock_core::step::Step;
use twinlock_core::wire::TwoStepSetUp;
use twinlock_core::{Error, ErrorCode};
use zeroize::Zeroizing;

#[derive(Template)]
#[template(path = "set_up.html")]
struct IntroductionPage {
    frame: Frame,
    next: String,
    is_required: bool,
    is_recovering: bool,
    /// The provider's second factor let the member in, so what asks for a code of our own has to say why.
    is_vouched_for: bool,
}

/// Shown once: neither the QR code nor the key can be asked for again.
#[derive(Template)]
#[template(path = "set_up_secret.html")]
struct SecretPage {
    frame: Frame,
    action: &'static str,
    next: String,
    qr: Zeroizing<String>,
    key: SecretText,
}

#[derive(Template)]
#[template(path = "code.html")]
struct CodePage {
    frame: Frame,
    action: &'static str,
    lead: &'static str,
    next: String,
    fault: String,
    /// Where a set-up begins again; empty at sign-in.
    again: &'static str,
    /// The way of whoever has lost the authenticator; empty where there is another one.
    recovery: String,
}

#[derive(Deserialize)]
pub(super) struct CodeForm {
    pub(super) code: SecretText,
    #[serde(default)]
    pub(super) next: String,
}

/// What a code is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A step of the sign-in, or a fresh code.
    SignIn,
    /// The first code of a set-up.
    SetUp,
    /// The first code of a new authenticator.
    Renewal,
}

impl Purpose {
    fn action(self) -> &'static str {
        match self {
            Purpose::SignIn => "/code",
            Purpose::SetUp => "/set-up/confirm",
            Purpose::Renewal => "/account/two-step/renew/confirm",
        }
    }
}

pub(super) fn routes(pages: Pages) -> Pages {
    pages
        .route(Access::SetUpTwoStep, "/set-up", get(introduce).post(begin))
        .route(Access::SetUpTwoStep, "/set-up/confirm", post(confirm))
        .route(Access::ShowCode, "/code", get(ask).post(verify))
}

async fn introduce(Extension(caller): Extension<Arc<Caller>>, Query(next): Query<Next>) -> Response {
    let is_recovering = caller.is_recovering();
    let title = if is_recovering { "Set up a new authenticator" } else { "Set up two-step authentication" };
    let frame = Frame::of(&caller, "", title);
    let is_required = caller.facts.is_two_step_required(&caller.rules, caller.now_ms);
    let is_vouched_for = caller.facts.session.is_some_and(|session| session.sso_mfa);
    render(&IntroductionPage { frame, next: next.path().to_owned(), is_required, is_recovering, is_vouched_for })
}

async fn begin(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Form(next): Form<Next>,
) -> Result<Response, Refusal> {
    let set_up = two_step::begin(&portal, &caller).await?;
    show_secret(&caller, set_up, Purpose::SetUp, next.path())
}

/// The page with a secret that waits for its first code.
pub(super) fn show_secret(
    caller: &Caller,
    set_up: TwoStepSetUp,
    purpose: Purpose,
    next: &str,
) -> Result<Response, Refusal> {
    let qr = draw_qr(&set_up.uri)?;
    let frame = Frame::of(caller, "", "Scan the code");
    Ok(render(&SecretPage { frame, action: purpose.action(), next: next.to_owned(), qr, key: set_up.key }))
}

async fn confirm(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Form(form): Form<CodeForm>,
) -> Result<Response, Refusal> {
    let outcome = two_step::confirm(&portal, &caller, &form.code).await;
    conclude_set_up(&caller, outcome, form.next, Purpose::SetUp)
}

async fn ask(Extension(caller): Extension<Arc<Caller>>, Query(next): Query<Next>) -> Response {
    render(&code_page(&caller, next.path(), String::new(), Purpose::SignIn))
}

async fn verify(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Form(form): Form<CodeForm>,
) -> Result<Response, Refusal> {
    let next = Next { next: form.next };
    match two_step::verify(&portal, &caller, &form.code).await {
        Ok(accepted) => Ok(with_session(&accepted.token.ok_or(Error::Internal)?, next.path())),
        Err(refused) => ask_again(&caller, refused, &next, Purpose::SignIn),
    }
}

/// A proven authenticator comes with recovery codes, which are shown before anything else.
pub(super) fn conclude_set_up(
    caller: &Caller,
    outcome: Result<Confirmed, Refusal>,
    next: String,
    purpose: Purpose,
) -> Result<Response, Refusal> {
    let next = Next { next };
    match outcome {
        Ok(Confirmed { accepted, recovery_codes }) => {
            let done = if purpose == Purpose::Renewal { "renewed" } else { "set-up" };
            let shown = recovery::show(caller, recovery_codes, next.path(), done);
            Ok((sessions::cookies(accepted.token.as_ref()), shown).into_response())
        }
        Err(refused) => ask_again(caller, refused, &next, purpose),
    }
}

fn ask_again(caller: &Caller, refused: Refusal, next: &Next, purpose: Purpose) -> Result<Response, Refusal> {
    let status = match refused.code() {
        ErrorCode::CodeMalformed => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorCode::CodeRefused => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorCode::CodeWait => StatusCode::TOO_MANY_REQUESTS,
        _ => return Err(refused),
    };
    let fault = match refused.code() {
        ErrorCode::CodeMalformed => {
            "A code has six digits. Type the one that your authenticator app shows now.".to_owned()
        }
        _ => refused.title().to_owned(),
    };
    Ok(render_refused(status, &code_page(caller, next.path(), fault, purpose)))
}

fn code_page(caller: &Caller, next: &str, fault: String, purpose: Purpose) -> CodePage {
    let title = if fault.is_empty() { "Enter your code" } else { "Error: enter your code" };
    let (lead, again) = match purpose {
        Purpose::SignIn => ("Open your authenticator app and type the six digits that it shows now.", ""),
        Purpose::SetUp => (ADDED, "/set-up"),
        Purpose::Renewal => (ADDED, "/account/two-step/renew"),
    };
    let frame = Frame::of(caller, "", title);
    let is_asked = purpose == Purpose::SignIn && caller.step == Step::EnterCode;
    let recovery = if is_asked { format!("/recovery{}", super::next_query(next)) } else { String::new() };
    CodePage { frame, action: purpose.action(), lead, next: next.to_owned(), fault, again, recovery }
}

const ADDED: &str = "Type the code that your authenticator app shows for the account you have just added.";

/// The QR code as inline SVG, always dark on white.
fn draw_qr(uri: &SecretText) -> Result<Zeroizing<String>, Error> {
    let code = QrCode::new(uri.expose().as_bytes()).map_err(|_| Error::Internal)?;
    let drawn = Zeroizing::new(
        code.render::<svg::Color<'_>>()
            .min_dimensions(232, 232)
            .dark_color(svg::Color("#000000"))
            .light_color(svg::Color("#ffffff"))
            .build(),
    );
    // The XML declaration has no place inside HTML.
    let start = drawn.find("<svg").ok_or(Error::Internal)?;
    Ok(Zeroizing::new(drawn.get(start..).unwrap_or_default().to_owned()))
}
