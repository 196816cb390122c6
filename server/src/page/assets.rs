//! What pages are drawn with: it is inside the program, and says nothing about anybody.

use crate::access::{Access, Pages, get};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use data_encoding::HEXLOWER;
use ring::digest::{SHA256, digest};
use std::sync::LazyLock;

const STYLE: &str = include_str!("../../assets/style.css");
const ICON: &str = include_str!("../../assets/icon.svg");
const PORTAL: &str = include_str!("../../assets/portal.js");
const DEVICES: &str = include_str!("../../assets/portal-devices.js");

/// Another text for every other style or script.
pub(super) static VERSION: LazyLock<String> = LazyLock::new(|| {
    let digest = digest(&SHA256, [STYLE, PORTAL, DEVICES].concat().as_bytes());
    HEXLOWER.encode(digest.as_ref()).chars().take(12).collect()
});

pub(super) fn routes(pages: Pages) -> Pages {
    pages
        .route(Access::Public, "/assets/style.css", get(style))
        .route(Access::Public, "/assets/icon.svg", get(icon))
        .route(Access::Public, "/assets/portal.js", get(portal))
        .route(Access::Public, "/assets/portal-devices.js", get(devices))
}

async fn style() -> Response {
    asset("text/css; charset=utf-8", STYLE)
}

async fn icon() -> Response {
    asset("image/svg+xml", ICON)
}

async fn portal() -> Response {
    asset("text/javascript; charset=utf-8", PORTAL)
}

async fn devices() -> Response {
    asset("text/javascript; charset=utf-8", DEVICES)
}

fn asset(kind: &'static str, text: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600")),
    ];
    (headers, text).into_response()
}
