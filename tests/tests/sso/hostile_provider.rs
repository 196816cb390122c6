//! A provider that says whatever a test wants: its tokens are made here, claim by claim.

use crate::provider::{Certificates, set};
use crate::support::*;
use crate::tab::Tab;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use data_encoding::BASE64URL_NOPAD;
use reqwest::Url;
use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

/// A signing key of the provider's, or of somebody who would like to be it.
pub struct Key {
    pair: EcdsaKeyPair,
    pub kid: String,
}

impl Key {
    pub fn generate(kid: &str) -> Self {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap();
        Self { pair, kid: kid.to_owned() }
    }

    /// RFC 7517.
    pub fn public(&self) -> Value {
        let point = self.pair.public_key().as_ref();
        let [x, y] = [&point[1..33], &point[33..65]].map(|part| BASE64URL_NOPAD.encode(part));
        json!({ "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.kid, "x": x, "y": y })
    }
}

/// Who signs a token.
pub enum Signer<'a> {
    Key(&'a Key),
    /// HMAC-SHA256 under these bytes.
    Mac(Vec<u8>),
    Nobody,
}

/// A JWT (RFC 7515 §7.1).
pub fn token(header: &Value, claims: &Value, signer: &Signer<'_>) -> String {
    let encode = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    let signed = format!("{}.{}", encode(header), encode(claims));
    let signature = match signer {
        Signer::Key(key) => key.pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap().as_ref().to_vec(),
        Signer::Mac(key) => hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), signed.as_bytes()).as_ref().to_vec(),
        Signer::Nobody => Vec::new(),
    };
    format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature))
}

/// What the provider says when it is asked, and what it was asked.
#[derive(Default)]
pub struct Said {
    pub metadata: Value,
    pub keys: Value,
    /// Status, body and `location` of the token endpoint's answer.
    pub answer: (u16, String, String),
    pub discovered: usize,
    pub keys_asked: usize,
    /// `authorization` and body of each request to the token endpoint.
    pub exchanges: Vec<(String, String)>,
    /// What somebody else does while the portal waits for the token.
    pub meanwhile: Option<Box<dyn FnOnce() + Send>>,
}

pub type Shared = Arc<Mutex<Said>>;

/// A portal in this process that takes the forging provider for its organisation's.
pub struct Forge {
    pub portal: Portal,
    pub issuer: String,
    pub key: Key,
    pub said: Shared,
    /// The same provider in plain HTTP, for whoever lets himself be led there.
    pub plain: String,
    root: String,
    handle: Handle<SocketAddr>,
}

impl Forge {
    pub async fn start() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (certificates, said, handle) = (Certificates::make(), Shared::default(), Handle::new());
        let tls = RustlsConfig::from_pem(certificates.chain.into_bytes(), certificates.key.into_bytes()).await.unwrap();
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(describe))
            .route("/keys", get(keys))
            .route("/token", post(exchange))
            .with_state(said.clone());
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let plain = format!("http://localhost:{}", listener.local_addr().unwrap().port());
        tokio::spawn(axum::serve(listener, router.clone()).into_future());
        let server = axum_server::bind_rustls(SocketAddr::from(([127, 0, 0, 1], 0)), tls).handle(handle.clone());
        tokio::spawn(server.serve(router.into_make_service()));
        let issuer = format!("https://localhost:{}", handle.listening().await.unwrap().port());
        let key = Key::generate("key-1");
        {
            let mut said = said.lock().unwrap();
            said.keys = json!({ "keys": [key.public()] });
            // It offers what no client must take, too.
            said.metadata = json!({
                "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"),
                "token_endpoint": format!("{issuer}/token"), "jwks_uri": format!("{issuer}/keys"),
                "response_types_supported": ["code"], "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["ES256", "HS256", "none"],
            });
        }
        let root = certificates.root;
        let portal = Portal::start_with(|config, _| {
            let roots = config.data.with_file_name("provider-roots.pem");
            std::fs::write(&roots, &root).unwrap();
            config.provider_roots = Some(roots);
        });
        set(&portal.world, &issuer, &[]);
        Self { portal, issuer, key, said, plain, root, handle }
    }

    /// A browser that has left for the provider, and what it took along.
    pub async fn leave(&self) -> (Tab, Url) {
        let mut tab = Tab::new(self.portal.door.clone(), &self.root);
        let url = tab.leave(&format!("/sign-in/sso/{}", self.portal.world.organisation)).await;
        (tab, url)
    }

    /// What an honest provider says of Bo now.
    pub fn claims(&self, url: &Url) -> Value {
        let now = self.portal.clock.now_ms() / 1_000;
        json!({
            "iss": self.issuer, "aud": crate::provider::CLIENT_ID, "sub": "bo-at-idp", "nonce": asked(url, "nonce"),
            "iat": now, "exp": now + 300, "auth_time": now, "amr": ["mfa"], "email": BO, "email_verified": true,
        })
    }

    pub fn header(&self) -> Value {
        json!({ "alg": "ES256", "kid": self.key.kid, "typ": "JWT" })
    }

    /// The token endpoint hands this token out.
    pub fn hand_out(&self, id_token: &str) {
        let body = json!({ "access_token": "a", "token_type": "Bearer", "expires_in": 60, "id_token": id_token });
        self.said.lock().unwrap().answer = (200, body.to_string(), String::new());
    }

    /// Comes back from the provider in this browser.
    pub async fn come_back(&self, tab: &mut Tab, url: &Url) -> Answer {
        tab.open(&format!("/sign-in/sso/callback?code=c0de&state={}", asked(url, "state"))).await
    }

    /// A whole sign-in with a token that `forge` makes of an honest one.
    pub async fn sign_in(&self, forge: impl FnOnce(&Self, Value, Value) -> String) -> Answer {
        let (mut tab, url) = self.leave().await;
        self.hand_out(&forge(self, self.header(), self.claims(&url)));
        self.come_back(&mut tab, &url).await
    }

    pub fn sessions(&self) -> String {
        self.portal.world.sql("SELECT count(*) FROM session")
    }
}

impl Drop for Forge {
    fn drop(&mut self) {
        self.handle.shutdown();
    }
}

/// A parameter of the request that the portal sends to the provider.
pub fn asked(url: &Url, name: &str) -> String {
    url.query_pairs().find(|(key, _)| key == name).unwrap_or_else(|| panic!("{name}: {url}")).1.into_owned()
}

async fn describe(State(said): State<Shared>) -> Json<Value> {
    let mut said = said.lock().unwrap();
    said.discovered += 1;
    Json(said.metadata.clone())
}

async fn keys(State(said): State<Shared>) -> Json<Value> {
    let mut said = said.lock().unwrap();
    said.keys_asked += 1;
    Json(said.keys.clone())
}

async fn exchange(State(said): State<Shared>, headers: axum::http::HeaderMap, body: String) -> Response {
    let mut said = said.lock().unwrap();
    let authorization = headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
    said.exchanges.push((authorization.unwrap_or_default(), body));
    if let Some(meanwhile) = said.meanwhile.take() {
        meanwhile();
    }
    let (status, body, location) = said.answer.clone();
    let headers = [("content-type", "application/json".to_owned()), ("location", location)];
    (axum::http::StatusCode::from_u16(status).unwrap(), headers, body).into_response()
}
