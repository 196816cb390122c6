//! The set-up of two-step authentication, and the code page.

use super::{Form, Frame, Next, render, render_refused, with_session};
use crate::access::{Access, Pages, get, post};
use crate::caller::Caller;
use crate::portal::Portal;
use crate::problem::Refusal;
use crate::two_step::{self, Accepted};
use askama::Template;
use axum::Extension;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use qrcode::QrCode;
use qrcode::render::svg;
use serde::Deserialize;
use std::sync::Arc;
use twinlock_core::secret::SecretText;
use twinlock_core::{Error, ErrorCode};
use zeroize::Zeroizing;

#[derive(Template)]
#[template(path = "set_up.html")]
struct IntroductionPage {
    frame: Frame,
    next: String,
    is_required: bool,
}

/// Shown once: neither the QR code nor the key can be asked for again.
#[derive(Template)]
#[template(path = "set_up_secret.html")]
struct SecretPage {
    frame: Frame,
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
    is_set_up: bool,
}

#[derive(Deserialize)]
struct CodeForm {
    code: SecretText,
    #[serde(default)]
    next: String,
}

pub(super) fn routes(pages: Pages) -> Pages {
    pages
        .route(Access::SetUpTwoStep, "/set-up", get(introduce).post(begin))
        .route(Access::SetUpTwoStep, "/set-up/confirm", post(confirm))
        .route(Access::ShowCode, "/code", get(ask).post(verify))
}

async fn introduce(Extension(caller): Extension<Arc<Caller>>, Query(next): Query<Next>) -> Response {
    let frame = Frame::of(&caller, "", "Set up two-step authentication");
    render(&IntroductionPage { frame, next: next.path().to_owned(), is_required: caller.rules.two_step })
}

async fn begin(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Form(next): Form<Next>,
) -> Result<Response, Refusal> {
    let set_up = two_step::begin(&portal, &caller).await?;
    let qr = draw_qr(&set_up.uri)?;
    let frame = Frame::of(&caller, "", "Scan the code");
    Ok(render(&SecretPage { frame, next: next.path().to_owned(), qr, key: set_up.key }))
}

async fn confirm(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Form(form): Form<CodeForm>,
) -> Result<Response, Refusal> {
    let outcome = two_step::confirm(&portal, &caller, &form.code).await;
    conclude(&caller, outcome, form.next, true)
}

async fn ask(Extension(caller): Extension<Arc<Caller>>, Query(next): Query<Next>) -> Response {
    render(&code_page(&caller, next.path(), String::new(), false))
}

async fn verify(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Form(form): Form<CodeForm>,
) -> Result<Response, Refusal> {
    let outcome = two_step::verify(&portal, &caller, &form.code).await;
    conclude(&caller, outcome, form.next, false)
}

fn conclude(
    caller: &Caller,
    outcome: Result<Accepted, Refusal>,
    next: String,
    is_set_up: bool,
) -> Result<Response, Refusal> {
    let next = Next { next };
    let refused = match outcome {
        Ok(accepted) => {
            let token = accepted.token.ok_or(Error::Internal)?;
            let target = match next.path() {
                page @ ("/files" | "/account") if is_set_up => format!("{page}?done=set-up"),
                page => page.to_owned(),
            };
            return Ok(with_session(&token, &target));
        }
        Err(refused) => refused,
    };
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
    Ok(render_refused(status, &code_page(caller, next.path(), fault, is_set_up)))
}

fn code_page(caller: &Caller, next: &str, fault: String, is_set_up: bool) -> CodePage {
    let title = if fault.is_empty() { "Enter your code" } else { "Error: enter your code" };
    let (action, lead) = if is_set_up {
        ("/set-up/confirm", "Type the code that your authenticator app shows for the account you have just added.")
    } else {
        ("/code", "Open your authenticator app and type the six digits that it shows now.")
    };
    CodePage { frame: Frame::of(caller, "", title), action, lead, next: next.to_owned(), fault, is_set_up }
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
