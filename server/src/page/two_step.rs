//! The set-up of two-step authentication, and the code page.

use super::app_choice::AppChoice;
use super::recovery::{self, AfterCodes};
use super::{Form, Frame, Next, render, render_refused, with_session};
use crate::access::{Access, Pages, get, post};
use crate::caller::Caller;
use crate::first_factor::{self, Standing};
use crate::portal::Portal;
use crate::problem::Refusal;
use crate::sessions;
use crate::two_step::{self, Confirmed};
use askama::Template;
use axum::Extension;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use qrcode::QrCode;
use qrcode::render::svg;
use serde::Deserialize;
use std::sync::Arc;
use twinlock_core::code::OneTimeCode;
use twinlock_core::policy::FirstFactor;
use twinlock_core::secret::SecretText;
use twinlock_core::step::Step;
use twinlock_core::wire::TwoStepSetUp;
use twinlock_core::{Error, ErrorCode};
use zeroize::Zeroizing;

/// Where the wizard ends.
pub(super) const DONE: &str = "/set-up/done";

/// The steps of the wizard, each the key of its name.
pub(super) const STEPS: [&str; 5] =
    ["set-up-step-app", "set-up-step-scan", "set-up-step-confirm", "set-up-step-codes", "set-up-step-done"];

#[derive(Template)]
#[template(path = "set_up.html")]
struct IntroductionPage {
    frame: Frame,
    /// Which step of the wizard this is, from 1; 0 outside of it.
    at: usize,
    next: String,
    /// Key of the reason for the set-up.
    lead: &'static str,
    /// Whether the member may leave it for another time.
    is_free: bool,
}

/// Before the wizard, where the policy wants the first authenticator of a used account confirmed.
#[derive(Template)]
#[template(path = "set_up_unconfirmed.html")]
struct UnconfirmedPage {
    frame: Frame,
    /// When it was asked for, epoch milliseconds; 0 for not yet.
    asked_ms: u64,
    /// By the link of a mail; otherwise by an admin.
    by_mail: bool,
    next: String,
    is_free: bool,
}

/// Shown once: neither the QR code nor the key can be asked for again.
#[derive(Template)]
#[template(path = "set_up_secret.html")]
struct SecretPage {
    frame: Frame,
    at: usize,
    action: &'static str,
    next: String,
    app: AppChoice,
    /// What the app will call the account.
    name: String,
    qr: Zeroizing<String>,
    key: SecretText,
}

#[derive(Template)]
#[template(path = "code.html")]
struct CodePage {
    frame: Frame,
    at: usize,
    heading: String,
    action: &'static str,
    lead: &'static str,
    submit: &'static str,
    next: String,
    fault: String,
    /// Where a set-up begins again; empty at sign-in.
    again: &'static str,
    /// The way of whoever has lost the authenticator; empty where there is another one.
    recovery: String,
}

#[derive(Template)]
#[template(path = "set_up_done.html")]
struct DonePage {
    frame: Frame,
    at: usize,
    next: String,
}

#[derive(Deserialize)]
struct BeginForm {
    #[serde(default)]
    app: String,
    #[serde(default)]
    next: String,
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

    /// The wizard's step with this number; a renewal and a sign-in are none of it.
    fn step(self, number: usize) -> usize {
        if self == Purpose::SetUp { number } else { 0 }
    }
}

pub(super) fn routes(pages: Pages) -> Pages {
    pages
        .route(Access::SetUpTwoStep, "/set-up", get(introduce).post(begin))
        .route(Access::SetUpTwoStep, "/set-up/confirm", post(confirm))
        .route(Access::OwnTwoStep, DONE, get(finish))
        .route(Access::ShowCode, "/code", get(ask).post(verify))
}

async fn introduce(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Query(next): Query<Next>,
) -> Result<Response, Refusal> {
    let is_recovering = caller.is_recovering();
    let is_required = caller.facts.is_two_step_required(&caller.rules, caller.now_ms);
    // The provider's second factor let the member in, so what asks for a code of our own has to say why.
    let is_vouched_for = caller.facts.session.is_some_and(|session| session.sso_mfa);
    let (title, lead) = match (is_recovering, is_vouched_for, is_required) {
        (true, ..) => ("set-up-title-recovering", "set-up-lead-recovering"),
        (_, true, _) => ("set-up-title", "set-up-lead-vouched"),
        (_, _, true) => ("set-up-title", "set-up-lead-required"),
        _ => ("set-up-title", "set-up-lead-chosen"),
    };
    let is_free = (!is_required || is_vouched_for) && !is_recovering;
    let (reader, next) = (Arc::clone(&caller), next.path().to_owned());
    let standing = portal.store.read(move |tx| first_factor::standing(tx, &reader)).await?;
    if let Standing::Unasked | Standing::Asked(_) = standing {
        return Ok(render(&UnconfirmedPage {
            frame: Frame::of(&caller, "", "set-up-unconfirmed-title"),
            asked_ms: if let Standing::Asked(at_ms) = standing { at_ms } else { 0 },
            by_mail: caller.rules.first_factor == FirstFactor::Mail,
            next,
            is_free,
        }));
    }
    let frame = Frame::of(&caller, "", title);
    Ok(render(&IntroductionPage { frame, at: 1, next, lead, is_free }))
}

async fn begin(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Form(form): Form<BeginForm>,
) -> Result<Response, Refusal> {
    let (app, next) = (AppChoice::of_name(&form.app), Next { next: form.next });
    match two_step::begin(&portal, &caller).await {
        Ok(set_up) => show_secret(&caller, set_up, Purpose::SetUp, app, next.path()),
        Err(refused) => Ok(lead_to_confirmation(refused, &next)),
    }
}

/// Whoever has to be confirmed first is told so where the set-up begins.
fn lead_to_confirmation(refused: Refusal, next: &Next) -> Response {
    if refused.code() == ErrorCode::SetUpUnconfirmed {
        return Redirect::to(&format!("/set-up{}", super::next_query(next.path()))).into_response();
    }
    refused.into_response()
}

/// The page with a secret that waits for its first code.
pub(super) fn show_secret(
    caller: &Caller,
    set_up: TwoStepSetUp,
    purpose: Purpose,
    app: AppChoice,
    next: &str,
) -> Result<Response, Refusal> {
    let qr = draw_qr(&set_up.uri)?;
    let name = OneTimeCode::parse_uri(set_up.uri.expose())?.label().account().to_owned();
    let frame = Frame::of(caller, "", "set-up-scan-title");
    let (action, at) = (purpose.action(), purpose.step(2));
    Ok(render(&SecretPage { frame, at, action, next: next.to_owned(), app, name, qr, key: set_up.key }))
}

/// The wizard's last page, which leads to the one first asked for.
async fn finish(Extension(caller): Extension<Arc<Caller>>, Query(next): Query<Next>) -> Response {
    let frame = Frame::of(&caller, "", "set-up-done-title");
    render(&DonePage { frame, at: STEPS.len(), next: next.path().to_owned() })
}

async fn confirm(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Form(form): Form<CodeForm>,
) -> Result<Response, Refusal> {
    match two_step::confirm(&portal, &caller, &form.code).await {
        Err(refused) if refused.code() == ErrorCode::SetUpUnconfirmed => {
            Ok(lead_to_confirmation(refused, &Next { next: form.next }))
        }
        outcome => conclude_set_up(&caller, outcome, form.next, Purpose::SetUp),
    }
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
            let after = if purpose == Purpose::Renewal { AfterCodes::Renewal } else { AfterCodes::SetUp };
            let shown = recovery::show(caller, recovery_codes, next.path(), after);
            Ok((sessions::cookies(accepted.token.as_ref()), shown).into_response())
        }
        Err(refused) => ask_again(caller, refused, &next, purpose),
    }
}

fn ask_again(caller: &Caller, refused: Refusal, next: &Next, purpose: Purpose) -> Result<Response, Refusal> {
    let (status, fault) = match refused.code() {
        ErrorCode::CodeMalformed => (StatusCode::UNPROCESSABLE_ENTITY, caller.words.say("sign-in-code-malformed")),
        ErrorCode::CodeRefused => (StatusCode::UNPROCESSABLE_ENTITY, refused.said_in(&caller.words)),
        ErrorCode::CodeWait => (StatusCode::TOO_MANY_REQUESTS, refused.said_in(&caller.words)),
        _ => return Err(refused),
    };
    Ok(render_refused(status, &code_page(caller, next.path(), fault, purpose)))
}

fn code_page(caller: &Caller, next: &str, fault: String, purpose: Purpose) -> CodePage {
    let (title, lead, submit) = match purpose {
        Purpose::SignIn => ("sign-in-code-title", "sign-in-code-help", "sign-in-code-submit"),
        Purpose::SetUp | Purpose::Renewal => ("set-up-confirm-title", "set-up-confirm-added", "set-up-confirm-submit"),
    };
    let again = match purpose {
        Purpose::SignIn => "",
        Purpose::SetUp => "/set-up",
        Purpose::Renewal => "/account/two-step/renew",
    };
    let frame = Frame::of(caller, "", title);
    let heading = frame.title.clone();
    let frame = if fault.is_empty() { frame } else { frame.with_fault() };
    let is_asked = purpose == Purpose::SignIn && caller.step == Step::EnterCode;
    let recovery = if is_asked { format!("/recovery{}", super::next_query(next)) } else { String::new() };
    let (at, action, next) = (purpose.step(3), purpose.action(), next.to_owned());
    CodePage { frame, at, heading, action, lead, submit, next, fault, again, recovery }
}

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
