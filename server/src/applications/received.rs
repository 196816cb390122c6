//! A request that a phone or a desktop signed and another application received.

use crate::caller::{Caller, Origin};
use crate::identity;
use crate::portal::Portal;
use crate::problem::Refusal;
use twinlock_core::Error;
use twinlock_core::proof::{KeyId, Presented, RequestHead, Target};
use twinlock_core::step::Step;

/// What its signature covers, and the headers that bear it.
pub struct Received<'a> {
    /// Upper case.
    pub method: &'a str,
    /// Where it went.
    pub target: &'a Target,
    /// `content-digest`, `x-policy-version`, `signature-input`, `signature`, in this order.
    pub headers: [&'a str; 4],
}

/// The names of [`Received::headers`].
pub const HEADERS: [&str; 4] = ["content-digest", "x-policy-version", "signature-input", "signature"];

/// Checks signature, session, policy and next step, and takes the nonce: the same request is accepted once.
///
/// # Errors
/// What is wrong with the request, with the member's next step; [`Error::PortalUnavailable`] is about the portal itself.
pub async fn verify(
    portal: &Portal,
    organisation: &str,
    received: &Received<'_>,
    origin: &Origin,
) -> Result<Box<Caller>, Refusal> {
    let [content_digest, version, signature_input, signature] = received.headers;
    let policy_version = identity::read_policy_version(version)?;
    let Target { authority, path, query } = received.target;
    let head = RequestHead { method: received.method, authority, path, query: query.as_deref(), policy_version };
    let presented = Presented::parse_head(&head, signature_input, signature, content_digest)?;
    let KeyId::Session(token) = presented.key_id() else { return Err(Error::SignatureRefused.into()) };
    let caller = identity::identify_received(portal, organisation, &presented, token, origin).await?;
    refuse_unready(&caller)?;
    if caller.policy_version != policy_version {
        return Err(Refusal::policy_outdated(None, caller.step.clone()));
    }
    Ok(caller)
}

/// Nothing but `Ready` opens another application.
pub fn refuse_unready(caller: &Caller) -> Result<(), Refusal> {
    match caller.step {
        Step::Ready => Ok(()),
        Step::Blocked { reason } => Err(Refusal::from(crate::access::blocked(reason)).with_step(caller.step.clone())),
        _ => Err(Refusal::from(Error::StepRequired).with_step(caller.step.clone())),
    }
}
