//! The name that a request calls the portal by: an unsigned one has to use ours, so that nobody makes us answer, or a cache
//! keep, under another. A signature covers the name itself.

use crate::identity::is_signed;
use crate::portal::Portal;
use crate::problem::Refusal;
use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use twinlock_core::Error;

/// Layer: refuses what asks for another host.
pub async fn check(State(portal): State<Portal>, request: Request, next: Next) -> Response {
    if is_signed(request.headers()) || is_ours(&portal, &request) {
        return next.run(request).await;
    }
    let detail = "This portal does not answer under that name. Open it at its own address.";
    Refusal::from(Error::BadRequest).with_detail(detail).into_response()
}

/// Every name that the request bears, and one at least.
fn is_ours(portal: &Portal, request: &Request) -> bool {
    let in_headers = request.headers().get_all(header::HOST).iter().map(|value| value.to_str().unwrap_or_default());
    let mut names =
        request.uri().authority().map(|authority| authority.as_str()).into_iter().chain(in_headers).peekable();
    names.peek().is_some() && names.all(|name| portal.config.is_own_host(name))
}
