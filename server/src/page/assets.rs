//! What pages are drawn with: it is inside the program, and says nothing about anybody.

use crate::access::{Access, Pages, get};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

pub(super) fn routes(pages: Pages) -> Pages {
    pages
        .route(Access::Public, "/assets/style.css", get(style))
        .route(Access::Public, "/assets/icon.svg", get(icon))
        .route(Access::Public, "/assets/portal.js", get(portal))
        .route(Access::Public, "/assets/portal-devices.js", get(devices))
}

async fn style() -> Response {
    asset("text/css; charset=utf-8", include_str!("../../assets/style.css"))
}

async fn icon() -> Response {
    asset("image/svg+xml", include_str!("../../assets/icon.svg"))
}

async fn portal() -> Response {
    asset("text/javascript; charset=utf-8", include_str!("../../assets/portal.js"))
}

async fn devices() -> Response {
    asset("text/javascript; charset=utf-8", include_str!("../../assets/portal-devices.js"))
}

fn asset(kind: &'static str, text: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600")),
    ];
    (headers, text).into_response()
}
