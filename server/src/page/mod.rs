//! Pages for people: rendered here, complete without JavaScript.
//!
//! Each file is one part of the portal; what it does is in the resource of the same name.

mod account;
mod announce;
mod app_choice;
mod assets;
mod choices;
mod deny_many;
mod device;
mod devices;
mod event;
mod facts;
mod files;
mod first_run;
mod freeze;
mod invitation;
mod mail;
mod overview;
mod policies;
mod policy_form;
mod proposals;
mod record;
mod recovery;
mod renewal;
mod sessions;
mod set_up_link;
mod sign_in;
mod sso;
mod two_step;
mod users;

use crate::access::{Access, Declared, Pages, get};
use crate::caller::{Caller, Role};
use crate::portal::Portal;
use crate::problem::{Refusal, SaysWhatIsWrong};
use crate::sessions::cookie;
use crate::words::Words;

use askama::Template;
use axum::Router;
use axum::extract::FromRequest;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum_extra::extract::Form as AxumForm;
use axum_extra::extract::cookie::CookieJar;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use twinlock_core::policy::FactorState;
use twinlock_core::secret::SecretText;
use twinlock_core::step::{BlockedReason, Step};
use twinlock_core::{Error, ErrorCode};

/// All pages.
pub fn routes(portal: Portal) -> (Router<Portal>, Vec<Declared>) {
    let pages = assets::routes(Pages::new(portal)).route(Access::Ready, "/", get(|| async { Redirect::to("/files") }));
    let parts = [
        choices::routes,
        sign_in::routes,
        invitation::routes,
        sso::routes,
        two_step::routes,
        recovery::routes,
        renewal::routes,
        files::routes,
        account::routes,
        overview::routes,
        users::routes,
        sessions::routes,
        devices::routes,
        device::routes,
        deny_many::routes,
        policies::routes,
        proposals::routes,
        record::routes,
        announce::routes,
        mail::routes,
        freeze::routes,
        set_up_link::routes,
        first_run::routes,
        crate::applications::hand_over::routes,
    ];
    parts.into_iter().fold(pages, |pages, routes| routes(pages)).finish()
}

/// The pages that take larger bodies than all others.
pub fn uploads(portal: Portal) -> (Router<Portal>, Vec<Declared>) {
    files::uploads(Pages::new(portal)).finish()
}

/// A path that is longer is not remembered. The way from another application holds its path within ours.
const MAX_PATH: usize = 2_000;

/// What every page shows around its content.
struct Frame {
    title: String,
    /// How the reader is spoken to.
    words: Words,
    /// The signed-in member's name; empty before sign-in.
    who: String,
    is_admin: bool,
    is_auditor: bool,
    /// Which entry of the navigation is the present one; empty: there is no navigation.
    at: &'static str,
    notice: String,
    /// Why nothing was done, where something was asked for.
    hint: String,
    /// From when two-step is demanded, for a member who has to set it up by then; or empty.
    required_from: String,
}

impl Frame {
    /// Of a page before sign-in. `title` is the key of a text.
    fn plain(words: &Words, title: &str) -> Self {
        Self {
            title: words.find(title, &[]).unwrap_or_else(|| title.to_owned()),
            words: words.clone(),
            who: String::new(),
            is_admin: false,
            is_auditor: false,
            at: "",
            notice: String::new(),
            hint: String::new(),
            required_from: String::new(),
        }
    }

    /// Of a page for somebody. `title` is the key of a text.
    fn of(caller: &Caller, at: &'static str, title: &str) -> Self {
        let is_ready = caller.step == Step::Ready;
        Self {
            who: caller.name.clone(),
            is_admin: caller.role == Role::Admin && is_ready,
            is_auditor: caller.role == Role::Auditor && is_ready,
            at,
            required_from: announced(caller).map(|from_ms| caller.words.time(from_ms)).unwrap_or_default(),
            ..Self::plain(&caller.words, title)
        }
    }

    /// Of a page whose title holds a name.
    fn titled(caller: &Caller, at: &'static str, title: String) -> Self {
        Self { title, ..Self::of(caller, at, "sign-out") }
    }

    /// Names the style and the scripts of this version, so that a browser does not keep those of another.
    fn assets(&self) -> &'static str {
        &assets::VERSION
    }

    fn with_notice(mut self, notice: &Notice) -> Self {
        self.notice = notice.text(&self.words, "notice");
        self.hint = notice.text(&self.words, "hint");
        self
    }

    /// Of a form that is shown again with what was wrong.
    fn with_fault(mut self) -> Self {
        self.title = self.words.with("error-title", &[("title", self.title.clone().into())]);
        self
    }
}

/// What was just done; travels in the address as a fixed word, so that nobody can put text on our pages.
#[derive(Debug, Default, Deserialize)]
struct Notice {
    #[serde(default)]
    done: String,
}

impl Notice {
    fn text(&self, words: &Words, kind: &str) -> String {
        let is_word = self.done.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        let text = is_word.then(|| words.find(&format!("{kind}-{}", self.done), &[])).flatten();
        text.unwrap_or_default()
    }
}

/// The page that the member first asked for.
#[derive(Debug, Default, Deserialize)]
struct Next {
    #[serde(default)]
    next: String,
}

impl Next {
    /// The path, if it is one of ours; else the files. Another site's address is never followed.
    fn path(&self) -> &str {
        if is_own_path(&self.next) { &self.next } else { "/files" }
    }

    fn suffix(&self) -> String {
        if self.next.is_empty() { String::new() } else { next_query(self.path()) }
    }
}

/// True for a path of the host that is asked: another site's address is never followed.
pub fn is_own_path(text: &str) -> bool {
    text.starts_with('/')
        && !text.starts_with("//")
        && !text.contains(['\\', '\r', '\n', '\t'])
        && text.len() <= MAX_PATH
}

/// From when on a member without two-step cannot go on without it: said during a deadline, and in the last seven days of
/// an exception.
fn announced(caller: &Caller) -> Option<u64> {
    const BEFOREHAND_MS: u64 = 7 * 86_400_000;
    let from_ms = caller.required_from_ms().filter(|_| caller.facts.factor == FactorState::NotSetUp)?;
    let is_near = from_ms - caller.now_ms <= BEFOREHAND_MS;
    (is_near || caller.rules.grace_days > 0).then_some(from_ms)
}

fn next_query(target: &str) -> String {
    format!("?next={}", encode(target))
}

/// A text as a value in an address.
pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// A form, refused without quoting what was typed.
struct Form<T>(T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Form<T> {
    type Rejection = Refusal;

    async fn from_request(request: axum::extract::Request, state: &S) -> Result<Self, Refusal> {
        match AxumForm::from_request(request, state).await {
            Ok(AxumForm(value)) => Ok(Self(value)),
            Err(_) => Err(Refusal::from(Error::BadRequest).explained("error-detail-form")),
        }
    }
}

fn render(template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => Html(html).into_response(),
        Err(fault) => {
            tracing::error!(%fault, "a page could not be rendered");
            Refusal::from(Error::Internal).into_response()
        }
    }
}

/// A page that repeats a form with what was wrong.
fn render_refused(status: StatusCode, template: &impl Template) -> Response {
    let mut response = render(template);
    if response.status().is_success() {
        *response.status_mut() = status;
        response.extensions_mut().insert(SaysWhatIsWrong);
    }
    response
}

#[derive(Template)]
#[template(path = "refusal.html")]
struct RefusalPage {
    frame: Frame,
    title: String,
    detail: Option<String>,
    reference: String,
}

/// The page for a refusal that no form repeats.
pub fn refusal(refusal: &Refusal, request_id: &str, words: &Words) -> Response {
    let frame = Frame::plain(words, "refused-title");
    let values = [("code", refusal.code().to_string().into()), ("request", request_id.to_owned().into())];
    let (title, reference) = (refusal.said_in(words), words.with("refused-reference", &values));
    render(&RefusalPage { frame, title, detail: refusal.explained_in(words), reference })
}

/// Leads a browser to the page of its next step, and from there back to `target`. `access` is what it asked for.
pub fn lead_to_step(refused: &Refusal, access: Access, target: Option<&str>) -> Response {
    let page = match refused.step() {
        Some(Step::SignIn) => "/sign-in",
        Some(Step::SetUpTwoStep) => "/set-up",
        Some(Step::EnterCode) => "/code",
        // Somebody who signs in for the way back is led to it; a program is told the reason.
        Some(Step::Blocked { reason: BlockedReason::AuthenticatorDisabled }) => "/recovery",
        Some(Step::Ready) if refused.code() == ErrorCode::StepRequired => {
            // A code is asked for of somebody who has no authenticator, such as an admin whom SSO let in: here is one.
            if access == Access::ShowCode {
                let query = target.and_then(|target| target.split_once('?')).map(|(_, query)| format!("?{query}"));
                return Redirect::to(&format!("/set-up{}", query.unwrap_or_default())).into_response();
            }
            let page = if access == Access::SetUpTwoStep { "/account?done=already" } else { "/files" };
            return Redirect::to(page).into_response();
        }
        _ => return refused.clone().into_response(),
    };
    let next = target.filter(|target| *target != "/").map(next_query).unwrap_or_default();
    Redirect::to(&format!("{page}{next}")).into_response()
}

/// Leads to the code page where a weighty act needs a fresh code, and from there back to `target`.
fn lead_to_fresh_code(refused: Refusal, target: &str) -> Response {
    if refused.code() == ErrorCode::FreshCodeRequired {
        return Redirect::to(&format!("/code{}", next_query(target))).into_response();
    }
    refused.into_response()
}

/// Where a form that needs a fresh code leads before anything is typed into it; empty if there is one already.
fn code_first(caller: &Caller, target: &str) -> String {
    if caller.require_fresh_code().is_ok() { String::new() } else { format!("/code{}", next_query(target)) }
}

fn with_session(token: &SecretText, target: &str) -> Response {
    (CookieJar::new().add(cookie(token)), Redirect::to(target)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_path_of_ours_is_followed() {
        for hostile in
            ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "", "/a\r\nb"]
        {
            assert_eq!(Next { next: hostile.to_owned() }.path(), "/files");
        }
        assert_eq!(Next { next: "/admin/users?after=1".to_owned() }.path(), "/admin/users?after=1");
    }
}
