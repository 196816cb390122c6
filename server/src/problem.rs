//! Refusals as problem documents (RFC 9457) for programs and as pages for people.
//!
//! Handlers return [`Refusal`]; it travels to [`render`] in the response's extensions, where the request's id is known.
//! What other layers refuse (size, time-out, unknown route) becomes a problem document there too.

use crate::identity::is_signed;
use crate::page;
use crate::store::StoreError;
use crate::words::{Words, value};
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use twinlock_core::step::Step;
use twinlock_core::wire::{PolicyPack, Problem};
use twinlock_core::{Error, ErrorCode};

/// Name of the header that carries the request's id in both directions of the log.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Why a request was refused.
#[derive(Debug, Clone)]
pub struct Refusal {
    code: ErrorCode,
    status: StatusCode,
    title: String,
    detail: Option<Detail>,
    retry_after_ms: Option<u64>,
    tries_left: Option<u32>,
    step: Option<Step>,
    policy: Option<Box<PolicyPack>>,
}

/// Where the fault is.
#[derive(Debug, Clone)]
enum Detail {
    /// For programs alone.
    Text(String),
    /// The key of a text that a page says too.
    Key(&'static str),
}

impl Refusal {
    /// A refusal with what the caller has to do next.
    pub fn with_step(mut self, step: Step) -> Self {
        self.step = Some(step);
        self
    }

    /// A refusal that says where the fault is. `detail` names fields, never values.
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(Detail::Text(detail.into()));
        self
    }

    /// A refusal with the text of this key: programs get it in English, a page says it in the reader's language.
    pub fn explained(mut self, key: &'static str) -> Self {
        self.detail = Some(Detail::Key(key));
        self
    }

    /// The caller's policy is outdated: the new one and the next step, and nothing else. To somebody who asks about the
    /// caller the policy is none.
    pub fn policy_outdated(policy: Option<PolicyPack>, step: Step) -> Self {
        Self {
            code: ErrorCode::PolicyOutdated,
            status: StatusCode::CONFLICT,
            title: "The policy has changed.".to_owned(),
            detail: Some(Detail::Text("Take the policy from this document and send the request again.".to_owned())),
            retry_after_ms: None,
            tries_left: None,
            step: Some(step),
            policy: policy.map(Box::new),
        }
    }

    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// What the caller has to do next, if it was said.
    pub fn step(&self) -> Option<&Step> {
        self.step.as_ref()
    }

    /// For a person, in English.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// For a person, in theirs: the text of the code, else the error's own words.
    pub fn said_in(&self, words: &Words) -> String {
        let values = [
            ("wait", words.wait(self.retry_after_ms.unwrap_or_default()).into()),
            ("tries", value(u64::from(self.tries_left.unwrap_or_default()))),
        ];
        words.find(&format!("error-{}", self.code.number()), &values).unwrap_or_else(|| self.title.clone())
    }

    /// For a person, in theirs: where the fault is, else what helps with such a fault. A detail without a key is for
    /// programs alone.
    pub fn explained_in(&self, words: &Words) -> Option<String> {
        match self.detail {
            Some(Detail::Key(key)) => words.find(key, &[]),
            _ => words.find(&format!("error-{}-help", self.code.number()), &[]),
        }
    }

    fn from_status(status: StatusCode) -> Option<Self> {
        let error = match status {
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => Error::NotFound,
            StatusCode::PAYLOAD_TOO_LARGE => Error::RequestTooLarge,
            StatusCode::TOO_MANY_REQUESTS => Error::Throttled { retry_after_ms: 1_000 },
            StatusCode::FORBIDDEN => Error::CrossSite,
            status if status.is_client_error() => Error::BadRequest,
            StatusCode::GATEWAY_TIMEOUT | StatusCode::SERVICE_UNAVAILABLE => Error::PortalUnavailable,
            status if status.is_server_error() => Error::Internal,
            _ => return None,
        };
        Some(Self { status, ..Self::from(error) })
    }

    fn to_problem(&self, request_id: &str) -> Problem {
        Problem {
            kind: format!("urn:twinlock:error:{}", self.code.number()),
            title: self.title.clone(),
            status: self.status.as_u16(),
            detail: self.detail.as_ref().map(|detail| match detail {
                Detail::Text(text) => text.clone(),
                Detail::Key(key) => Words::default().say(key),
            }),
            code: self.code.to_string(),
            request_id: request_id.to_owned(),
            retry_after_ms: self.retry_after_ms,
            tries_left: self.tries_left,
            step: self.step.clone(),
            policy: self.policy.as_deref().cloned(),
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let (retry_after_ms, tries_left) = match error {
            Error::WrongPin { tries_left, retry_after_ms } => (Some(retry_after_ms), Some(tries_left)),
            Error::PinWait { retry_after_ms }
            | Error::CodeWait { retry_after_ms }
            | Error::Throttled { retry_after_ms } => (Some(retry_after_ms), None),
            _ => (None, None),
        };
        Self {
            code: error.code(),
            status: status_of(error),
            title: title_of(error),
            detail: None,
            retry_after_ms,
            tries_left,
            step: None,
            policy: None,
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(fault: StoreError) -> Self {
        if matches!(fault, StoreError::Nul { .. }) {
            return Error::BadRequest.into();
        }
        tracing::error!(%fault, "storage");
        Error::PortalUnavailable.into()
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Marks a page that already says what was wrong, so that [`render`] leaves it as it is.
#[derive(Debug, Clone, Copy)]
pub struct SaysWhatIsWrong;

/// Layer: gives every refusal its document, with the request's id.
pub async fn render(request: Request, next: Next) -> Response {
    // Whoever signs is a program, wherever it asks.
    let is_page = !request.uri().path().starts_with("/v1/") && !is_signed(request.headers());
    let request_id = request.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok()).unwrap_or("-").to_owned();
    let words = request.extensions().get::<Words>().cloned().unwrap_or_default();
    let response = next.run(request).await;
    if response.extensions().get::<SaysWhatIsWrong>().is_some() {
        return response;
    }
    let refusal = match response.extensions().get::<Refusal>() {
        Some(refusal) => refusal.clone(),
        None => match Refusal::from_status(response.status()) {
            Some(refusal) => refusal,
            None => return response,
        },
    };
    tracing::info!(request_id, code = %refusal.code, status = refusal.status.as_u16(), "refused");
    let mut rendered = if is_page {
        page::refusal(&refusal, &request_id, response.extensions().get().unwrap_or(&words))
    } else {
        let body = serde_json::to_vec(&refusal.to_problem(&request_id)).unwrap_or_default();
        ([(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"))], body).into_response()
    };
    *rendered.status_mut() = refusal.status;
    for (name, value) in response.headers() {
        if *name != header::CONTENT_TYPE && *name != header::CONTENT_LENGTH {
            rendered.headers_mut().append(name, value.clone());
        }
    }
    if let Some(seconds) = refusal.retry_after_ms.map(|ms| ms.div_ceil(1_000)).filter(|seconds| *seconds > 0) {
        rendered.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    rendered
}

fn status_of(error: Error) -> StatusCode {
    match error {
        Error::SessionEnded
        | Error::SignInRefused
        | Error::DeviceRevoked
        | Error::SignatureRefused
        | Error::NonceRefused
        | Error::ClockSkew => StatusCode::UNAUTHORIZED,
        Error::Forbidden
        | Error::StepRequired
        | Error::FreshCodeRequired
        | Error::Suspended
        | Error::CrossSite
        | Error::CodeDisabled
        | Error::RequiredByPolicy
        | Error::SecondAdminRequired
        | Error::DesktopNeedsTwoStep
        | Error::SetUpUnconfirmed
        | Error::EnrollmentClosed
        | Error::PinErased => StatusCode::FORBIDDEN,
        Error::NotFound => StatusCode::NOT_FOUND,
        Error::PolicyConflict
        | Error::AlreadyDecided
        | Error::SetUpExpired
        | Error::StaleEpoch
        | Error::TooManyPending
        | Error::NoPin => StatusCode::CONFLICT,
        Error::RequestTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Error::CodeRefused
        | Error::RecoveryCodeRefused
        | Error::WrongPin { .. }
        | Error::ComparisonRefused
        | Error::CommitmentBroken => StatusCode::UNPROCESSABLE_ENTITY,
        Error::CodeWait { .. } | Error::PinWait { .. } | Error::Throttled { .. } => StatusCode::TOO_MANY_REQUESTS,
        Error::PortalUnavailable | Error::ClockBehind | Error::RandomFailed => StatusCode::SERVICE_UNAVAILABLE,
        Error::Internal | Error::KeyUnavailable | Error::Corrupt => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::BAD_REQUEST,
    }
}

/// The error's own words as a sentence.
fn title_of(error: Error) -> String {
    let text = match error {
        // To a stranger a wrong, an expired and a used code are the same.
        Error::CodeRefused => "this code is not accepted; wait for the next one and type that".to_owned(),
        Error::CodeWait { retry_after_ms } => {
            format!("too many wrong codes; the next one is accepted in {}", Words::default().wait(retry_after_ms))
        }
        Error::PinWait { retry_after_ms } => {
            format!("too many wrong PINs; the next one is accepted in {}", Words::default().wait(retry_after_ms))
        }
        error => error.to_string(),
    };
    let mut characters = text.chars();
    let first = characters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", characters.as_str())
}
