//! Forward authentication: a proxy asks before it serves a request, and hears who it is or where to lead the browser.
//!
//! nginx (`auth_request`) wants 401 with a `Location` that it answers with itself; Caddy and Traefik pass on whatever is not a
//! success, so that they want the redirect. The original request is described by `X-Forwarded-Method`, `-Host` and `-Uri`,
//! believed from trusted proxies alone.

use super::protected_hosts;
use super::received::{self, HEADERS, Received};
use super::vouched::Vouched;
use super::{hand_over, host_sessions};
use crate::access::{Access, Api};
use crate::caller::{Caller, Origin};
use crate::identity::{self, is_signed, only_header};
use crate::portal::Portal;
use crate::problem::Refusal;
use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum_extra::extract::cookie::CookieJar;
use ring::digest::{SHA256, digest};
use twinlock_core::proof::{Target, canonical_authority, content_digest};
use twinlock_core::step::Step;
use twinlock_core::wire::Problem;
use twinlock_core::{Error, ErrorCode};

/// The cookie of a session at a protected host; its own name, for a host that is the portal's as well.
pub const HOST_COOKIE: &str = "__Host-twinlock";

/// This resource's routes.
pub fn routes(api: Api) -> Api {
    api.route(Access::Proxy, utoipa_axum::routes!(get_forward_auth))
        .route(Access::Proxy, utoipa_axum::routes!(get_forward_auth_redirect))
}

/// What a trusted proxy says of the request that it holds.
struct Forwarded {
    method: String,
    /// Canonical.
    host: String,
    /// Path and query, as the browser sent them.
    uri: String,
}

impl Forwarded {
    /// Reads the three headers, each of which has to be there once.
    fn read(headers: &HeaderMap) -> Result<Self, Refusal> {
        let read = |name| {
            let value = only_header(headers, name).map(str::to_owned);
            value.map_err(|_| Refusal::from(Error::BadRequest).with_detail(format!("{name}: the proxy sends it once")))
        };
        let host = canonical_authority(&read("x-forwarded-host")?)
            .map_err(|fault| Refusal::from(fault).with_detail("x-forwarded-host: HOST or HOST:PORT"))?;
        Ok(Self { method: read("x-forwarded-method")?, host, uri: read("x-forwarded-uri")? })
    }
}

/// For nginx: 200 with who it is, 401 with the `Location` to lead a browser to, 403 for whoever must not.
#[utoipa::path(get, path = "/v1/forward-auth",
    responses((status = 200), (status = 401, body = Problem), (status = 403, body = Problem)))]
async fn get_forward_auth(
    State(portal): State<Portal>,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let location = match ask(&portal, &headers, &origin).await? {
        Heard::Vouched(vouched) => return answer(&vouched),
        Heard::Leads(location) => location,
    };
    let mut response = Refusal::from(Error::SessionEnded).into_response();
    response.headers_mut().insert(header::LOCATION, location);
    Ok(response)
}

/// For Caddy and Traefik: 200 with who it is, 303 to where a browser has to go, 403 for whoever must not.
#[utoipa::path(get, path = "/v1/forward-auth/redirect",
    responses((status = 200), (status = 303), (status = 401, body = Problem), (status = 403, body = Problem)))]
async fn get_forward_auth_redirect(
    State(portal): State<Portal>,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    match ask(&portal, &headers, &origin).await? {
        Heard::Vouched(vouched) => answer(&vouched),
        Heard::Leads(location) => Ok((StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()),
    }
}

/// What a proxy hears, unless the request is refused.
enum Heard {
    Vouched(Box<Vouched>),
    /// The portal's own pages lead on from there: sign-in, wizard, code. For browsers; a program that signs is refused.
    Leads(HeaderValue),
}

async fn ask(portal: &Portal, headers: &HeaderMap, origin: &Origin) -> Result<Heard, Refusal> {
    let forwarded = Forwarded::read(headers)?;
    match identify(portal, &forwarded, headers, origin).await {
        Ok(vouched) => Ok(Heard::Vouched(Box::new(vouched))),
        Err(refused) if leads_on(&refused) && !is_signed(headers) => {
            Ok(Heard::Leads(value(&hand_over::start(&forwarded.host, &forwarded.uri))?))
        }
        Err(refused) => Err(refused),
    }
}

async fn identify(
    portal: &Portal,
    forwarded: &Forwarded,
    headers: &HeaderMap,
    origin: &Origin,
) -> Result<Vouched, Refusal> {
    let host = forwarded.host.clone();
    let organisation = portal.store.read(move |tx| protected_hosts::organisation_of(tx, &host)).await?;
    let organisation = organisation.ok_or_else(|| {
        Refusal::from(Error::Forbidden)
            .with_detail("This host is not protected here: `twinlock-portal admin protect-host`.")
    })?;
    let caller = if is_signed(headers) {
        by_signature(portal, &organisation, forwarded, headers, origin).await?
    } else {
        by_cookie(portal, organisation, &forwarded.host, headers, origin).await?
    };
    Ok(portal.store.read(move |tx| Vouched::read(tx, &caller)).await?)
}

/// A phone's authorised request. A proxy does not hash bodies, so that one with a body is for introspection.
async fn by_signature(
    portal: &Portal,
    organisation: &str,
    forwarded: &Forwarded,
    headers: &HeaderMap,
    origin: &Origin,
) -> Result<Box<Caller>, Refusal> {
    let mut values = [""; 4];
    for (name, slot) in HEADERS.iter().zip(&mut values) {
        *slot = only_header(headers, name)?;
    }
    if values.first() != Some(&content_digest(b"").as_str()) {
        let detail = "content-digest: a request with a body is checked by the back end itself, with /v1/introspection.";
        return Err(Refusal::from(Error::Forbidden).with_detail(detail));
    }
    let target = Target::parse(&format!("https://{}{}", forwarded.host, forwarded.uri));
    let target = target.map_err(|_| Error::SignatureRefused)?;
    let received = Received { method: &forwarded.method, target: &target, headers: values };
    received::verify(portal, organisation, &received, origin).await
}

async fn by_cookie(
    portal: &Portal,
    organisation: String,
    host: &str,
    headers: &HeaderMap,
    origin: &Origin,
) -> Result<Box<Caller>, Refusal> {
    let stranger = || Refusal::from(Error::SessionEnded).with_step(Step::SignIn);
    let jar = CookieJar::from_headers(headers);
    let token = jar.get(HOST_COOKIE).map(|cookie| cookie.value().to_owned()).ok_or_else(stranger)?;
    let (of, at) = (organisation.clone(), host.to_owned());
    let session = portal.store.read(move |tx| host_sessions::find(tx, &of, &token, &at)).await?.ok_or_else(stranger)?;
    let caller = identity::identify_web_session(portal, &organisation, session, origin).await?.ok_or_else(stranger)?;
    received::refuse_unready(&caller)?;
    Ok(caller)
}

fn leads_on(refused: &Refusal) -> bool {
    matches!(refused.code(), ErrorCode::SessionEnded | ErrorCode::StepRequired)
}

fn answer(vouched: &Vouched) -> Result<Response, Refusal> {
    let member = &vouched.member;
    let assurance = match vouched.assurance {
        super::vouched::Assurance::Aal1 => "aal1",
        super::vouched::Assurance::Aal2 => "aal2",
    };
    let named = |name, text: &str| Ok::<_, Refusal>((HeaderName::from_static(name), value(text)?));
    let headers = [
        named("remote-user", &member.email)?,
        named("remote-name", &member.name)?,
        named("remote-email", &member.email)?,
        named("remote-groups", member.role)?,
        named("x-auth-assurance", assurance)?,
    ];
    Ok((StatusCode::OK, headers).into_response())
}

/// Names may be in any script: their UTF-8 as it is, which no control character can be part of.
fn value(text: &str) -> Result<HeaderValue, Refusal> {
    HeaderValue::from_bytes(text.as_bytes()).map_err(|_| Error::Internal.into())
}

/// The hash under which a browser's cookie is known.
pub fn hash(text: &str) -> Vec<u8> {
    digest(&SHA256, text.as_bytes()).as_ref().to_vec()
}
