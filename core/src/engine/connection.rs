//! Signed calls to the portal: nonces, the portal's time, and what its refusals mean.

use super::Ports;
use crate::error::{Error, ErrorCode, Result};
use crate::ports::{Answer, AnswerKind, FileSink, Request, generate_bytes};
use crate::proof::{KeyId, RequestHead, RequestParts, SigningKey, Stamp, sign_request};
use crate::secret::SecretBytes;
use crate::step::Step;
use crate::wire::{NONCE_HEADER, PolicyPack, Problem, TIME_HEADER};
use data_encoding::BASE64URL_NOPAD;
use ring::rand::SystemRandom;
use std::sync::{Arc, Mutex, PoisonError};

/// Who signs a call.
#[derive(Clone)]
pub(super) enum Signer {
    /// The key of a session that is being opened.
    Enclosed(Arc<SigningKey>),
    /// A session.
    Session { token: Arc<str>, key: Arc<SigningKey> },
    /// The device key.
    Device { organisation: String, device: String, account: String },
}

/// Names in lower case, and values.
pub type Headers = Vec<(&'static str, String)>;

/// What is asked of the portal.
#[derive(Clone)]
pub(super) struct Call<'a> {
    pub(super) method: &'static str,
    pub(super) target: &'a str,
    pub(super) body: SecretBytes,
    pub(super) answer: AnswerKind,
    /// Where a file goes; a refusal never does.
    pub(super) sink: Option<&'a dyn FileSink>,
}

impl<'a> Call<'a> {
    /// Without a body, for a message.
    pub(super) fn new(method: &'static str, target: &'a str) -> Self {
        Self { method, target, body: SecretBytes::new(Vec::new()), answer: AnswerKind::Message, sink: None }
    }
}

/// A refusal, and what came with it.
pub(super) struct Refused {
    pub(super) error: Error,
    pub(super) policy: Option<PolicyPack>,
    pub(super) step: Option<Step>,
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self { error, policy: None, step: None }
    }
}

/// One portal.
pub(super) struct Connection {
    pub(super) authority: String,
    pub(super) ports: Ports,
    nonces: Mutex<Vec<String>>,
    /// Portal time minus time since boot.
    offset_ms: Mutex<Option<i64>>,
}

impl Connection {
    pub(super) fn new(authority: String, ports: Ports) -> Self {
        Self { authority, ports, nonces: Mutex::new(Vec::new()), offset_ms: Mutex::new(None) }
    }

    /// The portal's time as far as it is known; wall time before the first answer.
    pub(super) fn portal_ms(&self) -> Result<u64> {
        let offset = *self.offset_ms.lock().unwrap_or_else(PoisonError::into_inner);
        match offset {
            Some(offset) => Ok(self.ports.clock.boot_ms()?.saturating_add_signed(offset)),
            None => Ok(self.ports.clock.wall_ms()?),
        }
    }

    /// The portal's time, asked for if it is not known yet.
    pub(super) async fn learn_portal_ms(&self) -> Result<u64> {
        if self.offset_ms.lock().unwrap_or_else(PoisonError::into_inner).is_none() {
            self.fetch_nonce().await?;
        }
        self.portal_ms()
    }

    /// Sends a signed call; a clock that is off is corrected and the call repeated once.
    pub(super) async fn call(
        &self,
        signer: &Signer,
        policy_version: u64,
        call: &Call<'_>,
    ) -> std::result::Result<SecretBytes, Refused> {
        let first = self.call_once(signer, policy_version, call).await;
        match first {
            Err(Refused { error: Error::ClockSkew | Error::NonceRefused, .. }) => {
                self.nonces.lock().unwrap_or_else(PoisonError::into_inner).clear();
                self.call_once(signer, policy_version, call).await
            }
            other => other,
        }
    }

    async fn call_once(
        &self,
        signer: &Signer,
        policy_version: u64,
        call: &Call<'_>,
    ) -> std::result::Result<SecretBytes, Refused> {
        let Call { method, target, ref body, answer, sink } = *call;
        self.learn_portal_ms().await?;
        let nonce = if method == "GET" { generate_nonce()? } else { self.take_nonce().await? };
        let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
        let head = RequestHead { method, authority: &self.authority, path, query, policy_version };
        let mut headers = self.sign(signer, &RequestParts { head, body: body.expose() }, nonce)?;
        if !body.expose().is_empty() {
            headers.push(("content-type", "application/json".to_owned()));
        }
        let request = Request { method, target: target.to_owned(), headers, body: body.clone(), answer };
        let answer = self.send(request, sink).await?;
        if answer.is_success() { Ok(answer.body) } else { Err(read_problem(&answer)) }
    }

    /// The headers that sign a request at the portal's time.
    pub(super) fn sign(&self, signer: &Signer, parts: &RequestParts<'_>, nonce: String) -> Result<Headers> {
        let key_id = match signer {
            Signer::Enclosed(_) => KeyId::Enclosed,
            Signer::Session { token, .. } => KeyId::Session(token.to_string()),
            Signer::Device { organisation, device, .. } => {
                KeyId::Device { organisation: organisation.clone(), device: device.clone() }
            }
        };
        let stamp = Stamp { created_s: self.portal_ms()? / 1000, nonce, key_id };
        sign_request(parts, &stamp, |base| match signer {
            Signer::Enclosed(key) | Signer::Session { key, .. } => Ok(key.sign(base)),
            Signer::Device { account, .. } => Ok(self.ports.device_key.sign(account, base)?),
        })
    }

    async fn send(&self, request: Request, sink: Option<&dyn FileSink>) -> Result<Answer> {
        let answer = match sink {
            None => self.ports.transport.send(request).await?,
            Some(sink) => self.ports.transport.stream(request, sink).await?,
        };
        if let Some(portal_ms) = answer.header(TIME_HEADER).and_then(|text| text.parse::<i64>().ok()) {
            let boot_ms = i64::try_from(self.ports.clock.boot_ms()?).unwrap_or(i64::MAX);
            let offset = portal_ms.saturating_sub(boot_ms);
            *self.offset_ms.lock().unwrap_or_else(PoisonError::into_inner) = Some(offset);
        }
        if let Some(nonce) = answer.header(NONCE_HEADER) {
            let mut nonces = self.nonces.lock().unwrap_or_else(PoisonError::into_inner);
            // Each lives a few minutes; more than a handful would only grow old.
            nonces.truncate(7);
            nonces.push(nonce.to_owned());
        }
        Ok(answer)
    }

    async fn take_nonce(&self) -> Result<String> {
        let kept = self.nonces.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some(nonce) = kept {
            return Ok(nonce);
        }
        self.fetch_nonce().await?;
        let fresh = self.nonces.lock().unwrap_or_else(PoisonError::into_inner).pop();
        fresh.ok_or(Error::UnexpectedAnswer { status: 204 })
    }

    async fn fetch_nonce(&self) -> Result<()> {
        let Call { method, target, body, answer, sink } = Call::new("GET", "/v1/nonce");
        let request = Request { method, target: target.to_owned(), headers: Vec::new(), body, answer };
        let answer = self.send(request, sink).await?;
        if answer.status == 204 { Ok(()) } else { Err(read_problem(&answer).error) }
    }
}

/// For a request whose nonce only has to differ from all others.
pub(super) fn generate_nonce() -> Result<String> {
    Ok(BASE64URL_NOPAD.encode(&generate_bytes::<16>(&SystemRandom::new())?))
}

fn read_problem(answer: &Answer) -> Refused {
    let Ok(problem) = serde_json::from_slice::<Problem>(answer.body.expose()) else {
        return Error::UnexpectedAnswer { status: answer.status }.into();
    };
    let retry_after_ms = problem.retry_after_ms.unwrap_or(0);
    let number = problem.code.strip_prefix("TL-").and_then(|number| number.parse().ok());
    let error = match number.and_then(ErrorCode::from_number) {
        Some(ErrorCode::WrongPin) => Error::WrongPin { tries_left: problem.tries_left.unwrap_or(0), retry_after_ms },
        Some(ErrorCode::PinWait) => Error::PinWait { retry_after_ms },
        Some(ErrorCode::CodeWait) => Error::CodeWait { retry_after_ms },
        Some(ErrorCode::Throttled) => Error::Throttled { retry_after_ms },
        Some(ErrorCode::PinErased) => Error::PinErased,
        Some(ErrorCode::NoPin) => Error::NoPin,
        Some(ErrorCode::CodeMalformed) => Error::CodeMalformed,
        Some(ErrorCode::CodeRefused) => Error::CodeRefused,
        Some(ErrorCode::CodeDisabled) => Error::CodeDisabled,
        Some(ErrorCode::RecoveryCodeRefused) => Error::RecoveryCodeRefused,
        Some(ErrorCode::SetUpExpired) => Error::SetUpExpired,
        Some(ErrorCode::ClockBehind) => Error::ClockBehind,
        Some(ErrorCode::StepRequired) => Error::StepRequired,
        Some(ErrorCode::FreshCodeRequired) => Error::FreshCodeRequired,
        Some(ErrorCode::SignInRefused) => Error::SignInRefused,
        Some(ErrorCode::SessionEnded) => Error::SessionEnded,
        Some(ErrorCode::Forbidden) => Error::Forbidden,
        Some(ErrorCode::Suspended) => Error::Suspended,
        Some(ErrorCode::DesktopNeedsTwoStep) => Error::DesktopNeedsTwoStep,
        Some(ErrorCode::SetUpUnconfirmed) => Error::SetUpUnconfirmed,
        Some(ErrorCode::ClockSkew) => Error::ClockSkew,
        Some(ErrorCode::BadRequest) => Error::BadRequest,
        Some(ErrorCode::RequestTooLarge) => Error::RequestTooLarge,
        Some(ErrorCode::NotFound) => Error::NotFound,
        Some(ErrorCode::SignatureRefused) => Error::SignatureRefused,
        Some(ErrorCode::NonceRefused) => Error::NonceRefused,
        Some(ErrorCode::PortalUnavailable) => Error::PortalUnavailable,
        Some(ErrorCode::VersionUnsupported) => Error::VersionUnsupported,
        Some(ErrorCode::StaleEpoch) => Error::StaleEpoch,
        Some(ErrorCode::DeviceRevoked) => Error::DeviceRevoked,
        Some(ErrorCode::EnrollmentClosed) => Error::EnrollmentClosed,
        Some(ErrorCode::TooManyPending) => Error::TooManyPending,
        Some(ErrorCode::CommitmentBroken) => Error::CommitmentBroken,
        _ => Error::UnexpectedAnswer { status: answer.status },
    };
    Refused { error, policy: problem.policy, step: problem.step }
}
