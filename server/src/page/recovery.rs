//! Recovery codes: the page that shows a new set, and the one that takes a code.

use super::{Form, Frame, Next, lead_to_fresh_code, render, render_refused, two_step};
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
    at: usize,
    codes: Vec<SecretText>,
    issued_ms: u64,
    next: String,
    done: &'static str,
    /// Shown again, because the box was not ticked.
    is_unsaved: bool,
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
    /// The way of whoever finds the authenticator after all.
    code: String,
}

#[derive(Deserialize)]
struct RecoveryForm {
    code: SecretText,
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
struct SavedForm {
    /// The codes that the page showed; the portal has only hashes.
    #[serde(default)]
    code: Vec<SecretText>,
    /// `yes` from whoever ticked the box.
    #[serde(default)]
    saved: String,
    issued_ms: u64,
    #[serde(default)]
    next: String,
    #[serde(default)]
    done: String,
}

/// What brought the codes, and so where their page leads.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum AfterCodes {
    /// The wizard goes on to its last step.
    SetUp,
    /// A new authenticator.
    Renewal,
    /// New codes alone.
    New,
}

impl AfterCodes {
    /// What a form names it.
    fn name(self) -> &'static str {
        match self {
            Self::SetUp => "set-up",
            Self::Renewal => "renewed",
            Self::New => "codes",
        }
    }

    fn of_name(name: &str) -> Self {
        [Self::SetUp, Self::Renewal].into_iter().find(|after| after.name() == name).unwrap_or(Self::New)
    }

    /// Where it goes on, and from there to `next`.
    fn target(self, next: &str) -> String {
        match (self, next) {
            (Self::SetUp, next) => format!("{}{}", two_step::DONE, super::next_query(next)),
            (after, page @ ("/files" | "/account")) => format!("{page}?done={}", after.name()),
            (_, page) => page.to_owned(),
        }
    }
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

/// The page with a set that was just issued to this caller.
pub(super) fn show(caller: &Caller, codes: Vec<SecretText>, next: &str, after: AfterCodes) -> Response {
    render(&codes_page(caller, codes, caller.now_ms, next, after))
}

fn codes_page(caller: &Caller, codes: Vec<SecretText>, issued_ms: u64, next: &str, after: AfterCodes) -> CodesPage {
    let frame = Frame::of(caller, "", "recovery-codes-title");
    let at = if after == AfterCodes::SetUp { 4 } else { 0 };
    CodesPage { frame, at, codes, issued_ms, next: next.to_owned(), done: after.name(), is_unsaved: false }
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
        ErrorCode::CodeMalformed => (StatusCode::UNPROCESSABLE_ENTITY, caller.words.say("recovery-malformed")),
        ErrorCode::RecoveryCodeRefused => (StatusCode::UNPROCESSABLE_ENTITY, caller.words.say("recovery-refused")),
        ErrorCode::CodeWait => (StatusCode::TOO_MANY_REQUESTS, refused.said_in(&caller.words)),
        _ => return Err(refused),
    };
    Ok(render_refused(status, &recovery_page(&caller, next.path(), fault)))
}

fn recovery_page(caller: &Caller, next: &str, fault: String) -> RecoveryPage {
    const TITLE: &str = "recovery-title";
    let is_disabled = caller.facts.factor == FactorState::Disabled;
    // Whoever is blocked cannot sign out either: the frame offers what works.
    let frame = if is_disabled { Frame::plain(&caller.words, TITLE) } else { Frame::of(caller, "", TITLE) };
    let frame = if fault.is_empty() { frame } else { frame.with_fault() };
    let code = format!("/code{}", super::next_query(next));
    RecoveryPage { frame, next: next.to_owned(), fault, is_disabled, code }
}

async fn introduce(Extension(caller): Extension<Arc<Caller>>) -> Response {
    if let Err(error) = caller.require_fresh_code() {
        return lead_to_fresh_code(error.into(), "/account/recovery-codes");
    }
    render(&NewCodesPage { frame: Frame::of(&caller, "account", "recovery-new-title") })
}

async fn renew(State(portal): State<Portal>, Extension(caller): Extension<Arc<Caller>>) -> Result<Response, Refusal> {
    match recovery::renew(&portal, &caller).await {
        Ok(set) => Ok(show(&caller, set.to_texts(), "/account", AfterCodes::New)),
        Err(refused) => Ok(lead_to_fresh_code(refused, "/account/recovery-codes")),
    }
}

async fn note_saved(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Form(form): Form<SavedForm>,
) -> Result<Response, Refusal> {
    let (next, after) = (Next { next: form.next }, AfterCodes::of_name(&form.done));
    if form.saved != "yes" {
        // The same codes once more: they exist in what the page sent, and nowhere else.
        let mut page = codes_page(&caller, shown(&form.code)?, form.issued_ms, next.path(), after);
        page.frame = page.frame.with_fault();
        page.is_unsaved = true;
        return Ok(render_refused(StatusCode::UNPROCESSABLE_ENTITY, &page));
    }
    portal.act(&caller, move |tx, caller| recovery::note_saved(tx, caller, form.issued_ms)).await?;
    Ok(Redirect::to(&after.target(next.path())).into_response())
}

/// The codes that a page showed, in their normal form; what is no code is not repeated.
fn shown(codes: &[SecretText]) -> Result<Vec<SecretText>, Refusal> {
    if codes.is_empty() || codes.len() > RECOVERY_CODES {
        return Err(Error::BadRequest.into());
    }
    codes.iter().map(|code| Ok(RecoveryCode::parse(code.expose())?.to_text())).collect()
}

/// The shown codes as a file.
async fn download(
    Extension(caller): Extension<Arc<Caller>>,
    Form(form): Form<DownloadForm>,
) -> Result<Response, Refusal> {
    let mut text = Zeroizing::new(String::with_capacity(1_024));
    text.push_str(&caller.words.say("recovery-codes-file"));
    text.push_str("\r\n\r\n");
    for code in shown(&form.code)? {
        text.push_str(code.expose());
        text.push_str("\r\n");
    }
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"recovery-codes.txt\""),
    ];
    Ok((headers, text.to_string()).into_response())
}
