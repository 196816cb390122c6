//! The router, and the layers around it.

use crate::access::{Api, Declared};
use crate::applications::{forward_auth, introspection};
use crate::declared::check;
use crate::portal::Portal;
use crate::problem::{REQUEST_ID, render};
use crate::words::listen;
use crate::{
    audit, client_address, devices, enrollments, exceptions, files, first_factor, host, members, members::chase,
    open_sessions, own_devices, page, pin_set_up, pins, policy, proposals, recovery, renewal, resets, sessions,
    standing, two_step,
};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use std::time::Duration;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::csrf::CsrfLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::request_id::{MakeRequestId, PropagateRequestIdLayer, RequestId, SetRequestIdLayer};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::{RequestBodyTimeoutLayer, TimeoutLayer};
use twinlock_core::Error;
use twinlock_core::wire::TIME_HEADER;
use utoipa::OpenApi;

/// No route takes more, but the upload of a file.
const MAX_BODY: usize = 64 * 1024;
/// The largest file and the form around it; the rest of one that is a little larger is read as well, so that its sender
/// hears why it is refused.
const MAX_UPLOAD: usize = 80 << 20;
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(3_600);
const HANDLER_TIMEOUT: Duration = Duration::from_secs(30);
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(OpenApi)]
#[openapi(info(
    title = "Twinlock portal",
    description = "Devices sign every request (RFC 9421, tag `twinlock-pop-v1`) with `content-digest`, `x-policy-version` \
        and a nonce; calls that change something take the nonce of an earlier answer (`x-twinlock-nonce`, or \
        `GET /v1/nonce`). Every refusal is a problem document (RFC 9457) with a code of the error catalogue."
))]
struct Document;

/// The whole portal as a service; tests call it without a socket.
pub fn app(portal: Portal) -> Router {
    let Routes { router, uploads, .. } = routes(&portal);
    let router = router
        .fallback(|| async { crate::problem::Refusal::from(Error::NotFound) })
        .layer(RequestBodyLimitLayer::new(MAX_BODY))
        .layer(RequestBodyTimeoutLayer::new(BODY_TIMEOUT))
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, HANDLER_TIMEOUT));
    // Each piece in time, and all of it within the hour of a slow line.
    let uploads = uploads
        .layer(DefaultBodyLimit::disable())
        .layer(RequestBodyLimitLayer::new(MAX_UPLOAD))
        .layer(RequestBodyTimeoutLayer::new(BODY_TIMEOUT))
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, UPLOAD_TIMEOUT));
    router
        .merge(uploads)
        .layer(CsrfLayer::new())
        .layer(CatchPanicLayer::custom(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response()))
        .layer(from_fn_with_state(portal.clone(), host::check))
        .layer(from_fn_with_state(portal.clone(), client_address::find))
        .layer(from_fn(render))
        .layer(from_fn(listen))
        .layer(from_fn_with_state(portal.clone(), stamp_and_log))
        .layer(PropagateRequestIdLayer::new(REQUEST_ID))
        .layer(SetRequestIdLayer::new(REQUEST_ID, NewRequestId))
        .layer(from_fn(forget_foreign_request_id))
        .layer(fixed(header::CONTENT_SECURITY_POLICY, CSP))
        .layer(fixed(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(fixed(header::REFERRER_POLICY, "no-referrer"))
        .layer(fixed(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"))
        .layer(fixed(HeaderName::from_static("cross-origin-opener-policy"), "same-origin"))
        .layer(SetResponseHeaderLayer::if_not_present(header::CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .with_state(portal)
}

/// Every route that the portal serves; an error if the description says something else.
pub fn declared(portal: &Portal) -> Result<Vec<Declared>, String> {
    let Routes { declared, description, .. } = routes(portal);
    check(&declared, &description)?;
    Ok(declared)
}

/// Everything that is served comes out of the two collectors; only layers are added around it.
fn routes(portal: &Portal) -> Routes {
    let resources = [
        nonce_routes,
        sessions::routes,
        open_sessions::routes,
        two_step::routes,
        renewal::routes,
        recovery::routes,
        own_devices::routes,
        enrollments::routes,
        devices::routes,
        pin_set_up::routes,
        pins::routes,
        policy::routes,
        proposals::routes,
        exceptions::routes,
        files::routes,
        members::routes,
        chase::routes,
        standing::routes,
        resets::routes,
        first_factor::routes,
        audit::routes,
        introspection::routes,
        forward_auth::routes,
    ];
    let api = Api::new(portal.clone(), Document::openapi());
    let (router, mut declared, description) = resources.into_iter().fold(api, |api, routes| routes(api)).finish();
    let (pages, of_pages) = page::routes(portal.clone());
    declared.extend(of_pages);
    let (uploads, of_uploads) = page::uploads(portal.clone());
    declared.extend(of_uploads);
    Routes { router: router.merge(pages), uploads, declared, description }
}

/// What is served, with what was declared and described of it.
struct Routes {
    router: Router<Portal>,
    /// The routes that take larger bodies.
    uploads: Router<Portal>,
    declared: Vec<Declared>,
    description: utoipa::openapi::OpenApi,
}

const CSP: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; \
    form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

fn fixed(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value))
}

#[derive(Clone)]
struct NewRequestId;

impl MakeRequestId for NewRequestId {
    fn make_request_id<B>(&mut self, _: &axum::http::Request<B>) -> Option<RequestId> {
        HeaderValue::try_from(uuid::Uuid::now_v7().simple().to_string()).ok().map(RequestId::new)
    }
}

/// The id names the request in our log; what a client sends is not ours.
async fn forget_foreign_request_id(mut request: Request, next: Next) -> Response {
    request.headers_mut().remove(REQUEST_ID);
    next.run(request).await
}

/// A path as the log may know it: what follows opens something.
fn without_token(path: &str) -> &str {
    let opening = ["/not-me/", "/first-run/", "/invitation/", "/confirm-set-up/"];
    opening.into_iter().find(|start| path.starts_with(start)).unwrap_or(path)
}

/// Puts the portal's time on every answer, and one line about it into the log: no query, no header, no body.
async fn stamp_and_log(State(portal): State<Portal>, request: Request, next: Next) -> Response {
    let request_id = request.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok()).unwrap_or("-").to_owned();
    let (method, path) = (request.method().clone(), without_token(request.uri().path()).to_owned());
    let started_ms = portal.clock.boot_ms().unwrap_or_default();
    let mut response = next.run(request).await;
    let took_ms = portal.clock.boot_ms().unwrap_or_default().saturating_sub(started_ms);
    tracing::info!(request_id, %method, path, status = response.status().as_u16(), took_ms, "answered");
    if let Ok(now_ms) = portal.now_ms() {
        response.headers_mut().insert(TIME_HEADER, HeaderValue::from(now_ms));
    }
    response
}

fn nonce_routes(api: Api) -> Api {
    api.route(crate::access::Access::Public, utoipa_axum::routes!(get_nonce))
}

/// A nonce for the first call that changes something, in `x-twinlock-nonce`.
#[utoipa::path(get, path = "/v1/nonce", responses((status = 204)))]
async fn get_nonce(State(portal): State<Portal>) -> Result<impl IntoResponse, crate::problem::Refusal> {
    let nonce = crate::nonce::generate(portal.key_wrap.nonce_key(), portal.now_ms()?)?;
    Ok((StatusCode::NO_CONTENT, [(HeaderName::from_static(twinlock_core::wire::NONCE_HEADER), nonce)]))
}
