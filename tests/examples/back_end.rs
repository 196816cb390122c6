//! A back end that trusts authorised requests, whole: `back_end LISTEN OWN_URL PORTAL_URL ROOT_PEM KEY_FILE`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use data_encoding::BASE64;
use ring::digest::{SHA256, digest};
use serde_json::{Map, Value, json};
use std::{env, fs, sync::Arc};

struct Portal {
    client: reqwest::Client,
    url: String,
    key: String,
    own_url: String,
}

async fn answer(State(portal): State<Arc<Portal>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, 1 << 20).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let text =
        |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let signed = ["content-digest", "x-policy-version", "signature-input", "signature"];
    let headers: Map<String, Value> = signed.map(|name| (name.to_owned(), text(name).into())).into_iter().collect();
    let url = format!("{}{}", portal.own_url, parts.uri);
    let question = json!({ "method": parts.method.as_str(), "url": url, "headers": headers });
    let asked = portal.client.post(format!("{}/v1/introspection", portal.url)).bearer_auth(&portal.key);
    let Ok(answered) = asked.json(&question).send().await else { return StatusCode::BAD_GATEWAY.into_response() };
    let Ok(said) = answered.json::<Value>().await else { return StatusCode::BAD_GATEWAY.into_response() };
    let body_digest = format!("sha-256=:{}:", BASE64.encode(digest(&SHA256, &body).as_ref()));
    if said["active"] != true || said["content_digest"] != body_digest.as_str() {
        return (StatusCode::UNAUTHORIZED, said.to_string()).into_response();
    }
    let (who, surely) = (&said["member"]["email"], &said["assurance"]);
    format!("{who} ({surely}) ordered {}", String::from_utf8_lossy(&body)).into_response()
}

#[tokio::main]
async fn main() {
    rustls::crypto::ring::default_provider().install_default().unwrap();
    let [listen, own_url, url, root, key] = env::args().skip(1).collect::<Vec<_>>().try_into().unwrap();
    let root = reqwest::Certificate::from_pem(&fs::read(root).unwrap()).unwrap();
    let client = reqwest::Client::builder().tls_certs_only([root]).no_proxy().build().unwrap();
    let portal = Portal { client, url, key: fs::read_to_string(key).unwrap().trim().to_owned(), own_url };
    let service = axum::Router::new().fallback(answer).with_state(Arc::new(portal));
    axum::serve(tokio::net::TcpListener::bind(listen).await.unwrap(), service).await.unwrap();
}
