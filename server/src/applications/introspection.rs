//! Introspection: an application's back end asks with one call what a request is worth that a phone or desktop sent to it.

use super::back_ends::BackEnd;
use super::received::{self, HEADERS, Received};
use super::vouched::Vouched;
use crate::access::{Access, Api};
use crate::caller::Origin;
use crate::extract::Json;
use crate::portal::Portal;
use crate::problem::Refusal;
use axum::Extension;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use twinlock_core::proof::Target;
use twinlock_core::step::Step;
use twinlock_core::wire::Problem;
use twinlock_core::{Error, ErrorCode};

/// A request as a back end received it.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReceivedRequest {
    /// Upper case.
    method: String,
    /// Absolute: `https`, the back end's own host, path and query exactly as they arrived.
    url: String,
    /// By their names: `content-digest`, `x-policy-version`, `signature-input`, `signature`, each once; others are not looked
    /// at.
    headers: BTreeMap<String, String>,
}

/// What the request is worth. Trust it only with `active` true **and** a body whose SHA-256 is `content_digest`.
#[derive(Default, Serialize, utoipa::ToSchema)]
pub struct Introspection {
    /// True if somebody with nothing left to do signed this request, now, and it was not asked about before.
    active: bool,
    /// Where active: who, on what, how surely.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    vouched: Option<Vouched>,
    /// Where active: the digest of the body that was signed, `sha-256=:…:` (RFC 9530). The portal has not seen the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    content_digest: Option<String>,
    /// Where active: the policy's version.
    #[serde(skip_serializing_if = "Option::is_none")]
    policy_version: Option<u64>,
    /// Where not active: why, a code of the error catalogue. Hand it to the app, with status 401.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// Where not active: what the app has to draw next, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<Step>,
}

/// This resource's routes.
pub fn routes(api: Api) -> Api {
    api.route(Access::BackEnd, utoipa_axum::routes!(post_introspection))
}

/// Says what a received request is worth. The key of the back end comes as `Authorization: Bearer`.
#[utoipa::path(post, path = "/v1/introspection", request_body = ReceivedRequest,
    responses((status = 200, body = Introspection), (status = 400, body = Problem), (status = 401, body = Problem)))]
async fn post_introspection(
    State(portal): State<Portal>,
    Extension(back_end): Extension<Arc<BackEnd>>,
    Extension(origin): Extension<Origin>,
    Json(request): Json<ReceivedRequest>,
) -> Result<axum::Json<Introspection>, Refusal> {
    let target = Target::parse(&request.url).map_err(|fault| Refusal::from(fault).with_detail("url"))?;
    if target.authority != back_end.authority {
        let detail = "url: this key belongs to the back end at another host; requests to that one are answered.";
        return Err(Refusal::from(Error::BadRequest).with_detail(detail));
    }
    let answer = match ask(&portal, &back_end, &request, &target, &origin).await {
        Ok(answer) => answer,
        Err(refused) if is_about_the_portal(refused.code()) => return Err(refused),
        Err(refused) => Introspection {
            code: Some(refused.code().to_string()),
            step: refused.step().cloned(),
            ..Introspection::default()
        },
    };
    Ok(axum::Json(answer))
}

async fn ask(
    portal: &Portal,
    back_end: &BackEnd,
    request: &ReceivedRequest,
    target: &Target,
    origin: &Origin,
) -> Result<Introspection, Refusal> {
    let mut headers = [""; 4];
    for (name, slot) in HEADERS.iter().zip(&mut headers) {
        let mut named = request.headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        *slot = match (named.next(), named.next()) {
            (Some((_, value)), None) => value,
            _ => return Err(Error::SignatureRefused.into()),
        };
    }
    let received = Received { method: &request.method, target, headers };
    let caller = received::verify(portal, &back_end.organisation, &received, origin).await?;
    let policy_version = caller.policy_version;
    let vouched = portal.store.read(move |tx| Vouched::read(tx, &caller)).await?;
    let [content_digest, ..] = headers;
    Ok(Introspection {
        active: true,
        vouched: Some(vouched),
        content_digest: Some(content_digest.to_owned()),
        policy_version: Some(policy_version),
        ..Introspection::default()
    })
}

fn is_about_the_portal(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::PortalUnavailable | ErrorCode::Internal | ErrorCode::ClockBehind)
}
