//! Recovery codes: the page that shows a new set, and the one that takes a code.

use super::{Form, Frame, Next, lead_to_fresh_code, render, render_refused};
use crate::access::{Access, Pages, get, post};
use crate::caller::Caller;
use crate::portal::Portal;
use crate::problem::Refusal;
use crate::recovery;
use crate::sessions;
use askama::Template;
use axum::Extension;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use std::sync::Arc;
use twinlock_core::code::{RECOVERY_CODES, RecoveryCode};
use twinlock_core::policy::FactorState;
use twinlock_core::secret::SecretText;
use twinlock_core::{Error, ErrorCode};
use zeroize::Zeroizing;

/// Shown once: nobody can ask for these codes again.
#[derive(Template)]
#[template(path = "recovery_codes.html")]
struct CodesPage {
    frame: Frame,
    codes: Vec<SecretText>,
    issued_ms: u64,
    next: String,
    done: &'static str,
}

#[derive(Template)]
#[template(path = "recovery_new.html")]
struct NewCodesPage {
    frame: Frame,
}

#[derive(Template)]
#[template(path = "recovery.html")]
struct RecoveryPage {
    frame: Frame,
    next: String,
    fault: String,
    is_disabled: bool,
}

#[derive(Deserialize)]
struct RecoveryForm {
    code: SecretText,
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
struct SavedForm {
    issued_ms: u64,
    #[serde(default)]
    next: String,
    #[serde(default)]
    done: String,
}

#[derive(Deserialize)]
struct DownloadForm {
    #[serde(default)]
    code: Vec<SecretText>,
}

pub(super) fn routes(pages: Pages) -> Pages {
    pages
        .route(Access::Recover, "/recovery", get(ask).post(submit))
        .route(Access::OwnTwoStep, "/account/recovery-codes", get(introduce).post(renew))
        .route(Access::OwnTwoStep, "/account/recovery-codes/saved", post(note_saved))
        .route(Access::OwnTwoStep, "/account/recovery-codes/download", post(download))
}

/// The page with a set that was just issued to this caller. `done` is what the next page says.
pub(super) fn show(caller: &Caller, codes: Vec<SecretText>, next: &str, done: &'static str) -> Response {
    let frame = Frame::of(caller, "", "Save your recovery codes");
    render(&CodesPage { frame, codes, issued_ms: caller.now_ms, next: next.to_owned(), done })
}

async fn ask(Extension(caller): Extension<Arc<Caller>>, Query(next): Query<Next>) -> Response {
    render(&recovery_page(&caller, next.path(), String::new()))
}

async fn submit(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Form(form): Form<RecoveryForm>,
) -> Result<Response, Refusal> {
    let next = Next { next: form.next };
    let refused = match recovery::submit(&portal, &caller, &form.code).await {
        Ok(recovering) => {
            let target = format!("/set-up{}", super::next_query(next.path()));
            return Ok((sessions::cookies(recovering.token.as_ref()), Redirect::to(&target)).into_response());
        }
        Err(refused) => refused,
    };
    let (status, fault) = match refused.code() {
        ErrorCode::CodeMalformed => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "A recovery code looks like K7-XXXX-XXXX-XXXX-XXXX: eighteen letters and digits.".to_owned(),
        ),
        ErrorCode::RecoveryCodeRefused => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "This recovery code is wrong, was used before, or was replaced by newer ones. Try another one.".to_owned(),
        ),
        ErrorCode::CodeWait => (StatusCode::TOO_MANY_REQUESTS, refused.title().to_owned()),
        _ => return Err(refused),
    };
    Ok(render_refused(status, &recovery_page(&caller, next.path(), fault)))
}

fn recovery_page(caller: &Caller, next: &str, fault: String) -> RecoveryPage {
    let title = if fault.is_empty() { "Use a recovery code" } else { "Error: use a recovery code" };
    let is_disabled = caller.facts.factor == FactorState::Disabled;
    // Whoever is blocked cannot sign out either: the frame offers what works.
    let frame = if is_disabled { Frame::plain(&caller.words, title) } else { Frame::of(caller, "", title) };
    RecoveryPage { frame, next: next.to_owned(), fault, is_disabled }
}

async fn introduce(Extension(caller): Extension<Arc<Caller>>) -> Response {
    if let Err(error) = caller.require_fresh_code() {
        return lead_to_fresh_code(error.into(), "/account/recovery-codes");
    }
    render(&NewCodesPage { frame: Frame::of(&caller, "account", "Make new recovery codes") })
}

async fn renew(State(portal): State<Portal>, Extension(caller): Extension<Arc<Caller>>) -> Result<Response, Refusal> {
    match recovery::renew(&portal, &caller).await {
        Ok(set) => Ok(show(&caller, set.to_texts(), "/account", "codes")),
        Err(refused) => Ok(lead_to_fresh_code(refused, "/account/recovery-codes")),
    }
}

async fn note_saved(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Form(form): Form<SavedForm>,
) -> Result<Response, Refusal> {
    portal.act(&caller, move |tx, caller| recovery::note_saved(tx, caller, form.issued_ms)).await?;
    let done = ["set-up", "renewed"].into_iter().find(|word| *word == form.done).unwrap_or("codes");
    let target = match (Next { next: form.next }).path() {
        page @ ("/files" | "/account") => format!("{page}?done={done}"),
        page => page.to_owned(),
    };
    Ok(Redirect::to(&target).into_response())
}

/// The shown codes as a file. The portal has only hashes, so that the page sends them; what is no code is not repeated.
async fn download(Form(form): Form<DownloadForm>) -> Result<Response, Refusal> {
    if form.code.is_empty() || form.code.len() > RECOVERY_CODES {
        return Err(Error::BadRequest.into());
    }
    let mut text = Zeroizing::new(String::with_capacity(1_024));
    text.push_str("Recovery codes for two-step authentication. Each works once.\r\n\r\n");
    for code in &form.code {
        text.push_str(RecoveryCode::parse(code.expose())?.to_text().expose());
        text.push_str("\r\n");
    }
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"recovery-codes.txt\""),
    ];
    Ok((headers, text.to_string()).into_response())
}
