//! A portal in this process or as the real program, and clients for it: a phone that signs and a browser.
#![allow(dead_code, clippy::disallowed_methods)]

pub mod browser;
pub mod forgery;
pub mod phone;
pub mod program;
mod world;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use tower::ServiceExt;
use twinlock_core::code::{CodeKey, OneTimeCode};
use twinlock_core::ports::{Clock, PortError};
use twinlock_portal::access::Audience;
use twinlock_portal::config::Config;
use twinlock_portal::key_wrap::FileKeyWrap;
use twinlock_portal::portal::PortalState;
use twinlock_portal::store::Options;

pub use browser::Browser;
pub use phone::Phone;
pub use world::*;

/// Host of every portal under test; signatures are bound to it.
pub const AUTHORITY: &str = "portal.test";
/// Password of every seeded member.
pub const PASSWORD: &str = "quiet-harbour-lantern-47";
/// What the seeded file holds; it must never reach a caller who is not done.
pub const FILE_CONTENT: &str = "the content that is being protected";
pub const FILE_NAME: &str = "harbour-plan.txt";
pub const STEP_MS: u64 = 30_000;
pub const MINUTE_MS: u64 = 60_000;
pub const HOUR_MS: u64 = 3_600_000;
pub const DAY_MS: u64 = 24 * HOUR_MS;

/// A time in UTC, written by the system's own `date`.
pub fn date(ms: u64, format: &str) -> String {
    let mut command = Command::new("date");
    let output = command.args(["-u", "-d", &format!("@{}", ms / 1_000), &format!("+{format}")]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Milliseconds since 1970, by the system.
pub fn system_now_ms() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// A clock that only tests move.
pub struct ManualClock {
    wall_ms: AtomicU64,
    boot_ms: AtomicU64,
}

impl ManualClock {
    /// One second into the step after the system's present one.
    pub fn start() -> Arc<Self> {
        let wall_ms = (system_now_ms() / STEP_MS + 1) * STEP_MS + 1_000;
        Arc::new(Self { wall_ms: AtomicU64::new(wall_ms), boot_ms: AtomicU64::new(1) })
    }

    pub fn now_ms(&self) -> u64 {
        self.wall_ms.load(Ordering::SeqCst)
    }

    pub fn set(&self, wall_ms: u64) {
        self.wall_ms.store(wall_ms, Ordering::SeqCst);
    }

    /// Time passes.
    pub fn pass(&self, ms: u64) {
        self.wall_ms.fetch_add(ms, Ordering::SeqCst);
        self.boot_ms.fetch_add(ms, Ordering::SeqCst);
    }

    /// The wall clock is set back.
    pub fn set_back(&self, ms: u64) {
        self.wall_ms.fetch_sub(ms, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn wall_ms(&self) -> Result<u64, PortError> {
        Ok(self.now_ms())
    }

    fn boot_ms(&self) -> Result<u64, PortError> {
        Ok(self.boot_ms.load(Ordering::SeqCst))
    }
}

/// The system's clock, for clients of the real program.
pub struct SystemTimeClock;

impl Clock for SystemTimeClock {
    fn wall_ms(&self) -> Result<u64, PortError> {
        Ok(system_now_ms())
    }

    fn boot_ms(&self) -> Result<u64, PortError> {
        Ok(system_now_ms())
    }
}

/// Where requests go.
#[derive(Clone)]
pub enum Door {
    /// Into the router, without a socket.
    Here(Router),
    /// To the real program over TLS.
    There { client: reqwest::Client, base: String },
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn value(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The body, where success was expected.
    pub fn json<T: DeserializeOwned>(&self) -> T {
        assert!(self.status.is_success(), "{} {}", self.status, self.text());
        serde_json::from_slice(&self.body).unwrap_or_else(|fault| panic!("{fault}: {}", self.text()))
    }

    /// `TL-…` of a problem document, or empty.
    pub fn code(&self) -> String {
        self.value()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// `kind` of the step in a step answer or in a problem document, or empty.
    pub fn step(&self) -> String {
        self.value()["step"]["kind"].as_str().unwrap_or_default().to_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    #[track_caller]
    pub fn expect(&self, status: u16) -> &Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        self
    }

    /// A problem document with this status and code, complete and not to be cached.
    #[track_caller]
    pub fn expect_problem(&self, status: u16, code: &str) -> &Self {
        assert_eq!((self.status.as_u16(), self.code().as_str()), (status, code), "{}", self.text());
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.header("cache-control"), "no-store");
        assert!(!self.value()["request_id"].as_str().unwrap_or_default().is_empty(), "{}", self.text());
        self
    }
}

impl Door {
    pub async fn send(&self, method: &str, target: &str, headers: &[(String, String)], body: Vec<u8>) -> Answer {
        self.try_send(method, target, headers, body).await.unwrap_or_else(|fault| panic!("{target}: {fault:?}"))
    }

    /// Fails where the portal ends before it has answered.
    pub async fn try_send(
        &self,
        method: &str,
        target: &str,
        headers: &[(String, String)],
        body: Vec<u8>,
    ) -> reqwest::Result<Answer> {
        match self {
            Door::Here(router) => {
                let mut request = Request::builder().method(method).uri(target).header("host", AUTHORITY);
                for (name, value) in headers {
                    request = request.header(name, value);
                }
                let answer = router.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
                let (parts, body) = answer.into_parts();
                // A stream of events has no end; that it begins is all that is asked here.
                let is_stream = parts.headers.get("content-type").is_some_and(|kind| kind == "text/event-stream");
                let body = if is_stream { Body::empty() } else { body };
                let body = axum::body::to_bytes(body, 16 << 20).await.unwrap().to_vec();
                Ok(Answer { status: parts.status, headers: parts.headers, body })
            }
            Door::There { client, base } => {
                let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
                let mut request = client.request(method, format!("{base}{target}")).body(body);
                for (name, value) in headers {
                    request = request.header(name, value);
                }
                let answer = request.send().await?;
                let (status, headers) = (answer.status(), answer.headers().clone());
                Ok(Answer { status, headers, body: answer.bytes().await?.to_vec() })
            }
        }
    }

    pub async fn get(&self, target: &str) -> Answer {
        self.send("GET", target, &[], Vec::new()).await
    }

    /// A fresh nonce for a call that changes something.
    pub async fn nonce(&self) -> String {
        let answer = self.get("/v1/nonce").await;
        let nonce = answer.expect(204).header("x-twinlock-nonce").to_owned();
        assert!(nonce.len() >= 16);
        nonce
    }
}

/// An authenticator app.
pub struct Authenticator(pub OneTimeCode);

impl Authenticator {
    pub fn from_uri(uri: &str) -> Self {
        Self(OneTimeCode::parse_uri(uri).unwrap())
    }

    pub fn key(&self) -> &CodeKey {
        self.0.key()
    }

    pub fn code_of_step(&self, step: u64) -> String {
        self.key().derive_code(step).unwrap().to_text().expose().to_owned()
    }

    pub fn code_at(&self, now_ms: u64) -> String {
        self.code_of_step(now_ms / STEP_MS)
    }

    /// Six digits that no step near `now_ms` has; another `n` gives others.
    pub fn wrong_code(&self, now_ms: u64, n: u64) -> String {
        let step = now_ms / STEP_MS;
        let near: Vec<String> = (step.saturating_sub(4)..=step + 4).map(|step| self.code_of_step(step)).collect();
        (0..).map(|k| format!("{:06}", (n * 7 + 13 + k) % 1_000_000)).find(|code| !near.contains(code)).unwrap()
    }
}

/// Every page of the portal, with its method; ids need not exist.
pub fn pages(portal: &Portal) -> Vec<(String, String)> {
    let declared = twinlock_portal::app::declared(&portal.state).unwrap();
    let pages = declared.into_iter().filter(|route| route.audience == Audience::People);
    let pages: Vec<_> = pages
        .map(|page| {
            let parts = page.path.split('/').map(|part| if part.starts_with('{') { "0" } else { part });
            (page.method.to_string(), parts.collect::<Vec<_>>().join("/"))
        })
        .collect();
    assert!(pages.len() >= 40, "{pages:?}");
    pages
}

/// A portal in this process with a clock of the test's.
pub struct Portal {
    pub world: World,
    pub clock: Arc<ManualClock>,
    pub door: Door,
    /// The operator's probes.
    pub management: Door,
    pub state: twinlock_portal::portal::Portal,
}

impl Portal {
    pub fn start() -> Self {
        Self::start_with(|_, _| {})
    }

    /// With other settings of the operator's, or another database.
    pub fn start_with(change: impl FnOnce(&mut Config, &mut Options)) -> Self {
        let world = World::new();
        let clock = ManualClock::start();
        let mut config = Config {
            data: world.data(),
            key_file: world.key_file(),
            public_url: format!("https://{AUTHORITY}"),
            requests_a_second: 1_000_000,
            sign_ins_a_minute: 1_000_000,
            ..Config::default()
        };
        let key_wrap = Arc::new(FileKeyWrap::open_or_create(&world.key_file()).unwrap());
        let mut options = Options::at(i64::try_from(clock.now_ms()).unwrap());
        change(&mut config, &mut options);
        let state = PortalState::new(config, world.open(options), clock.clone(), key_wrap);
        let management = Door::Here(twinlock_portal::health::router(state.clone()));
        Self { world, clock, door: Door::Here(twinlock_portal::app::app(state.clone())), management, state }
    }

    /// Another portal of the same organisation, on the same database.
    pub fn second(&self) -> Door {
        let store = self.world.open(Options::at(i64::try_from(self.clock.now_ms()).unwrap()));
        let own = &self.state;
        let second = PortalState::new(own.config.clone(), store, self.clock.clone(), own.key_wrap.clone());
        Door::Here(twinlock_portal::app::app(second))
    }

    pub fn phone(&self) -> Phone {
        Phone::new(self.door.clone(), self.clock.clone())
    }

    pub fn browser(&self) -> Browser {
        Browser::new(self.door.clone(), self.clock.clone())
    }

    /// Ada, signed in, with two-step required from everybody and her own set up.
    pub async fn enforced(&self) -> Browser {
        let mut ada = self.browser();
        ada.enforce().await;
        ada
    }

    /// Ada again, after so long that her session ended.
    pub async fn browser_again(&self, before: Browser) -> Browser {
        self.clock.pass(STEP_MS);
        let mut ada = self.browser();
        ada.authenticator = before.authenticator;
        ada.sign_in(ADA).await;
        ada.enter_code().await;
        ada
    }

    /// A desktop of a member who has an authenticator, with everything done: code, device, approval.
    pub async fn ready_desktop(&self, ada: &mut Browser, name: &str, authenticator: Authenticator) -> Phone {
        let mut desktop = self.phone();
        (desktop.surface, desktop.authenticator) = ("desktop", Some(authenticator));
        desktop.sign_in(name).await;
        desktop.verify(&desktop.code_now()).await.expect(200);
        desktop.enroll().await;
        ada.approve(&desktop).await.expect(204);
        desktop
    }

    /// A phone of a member that has its code and waits for the approval.
    pub async fn waiting_phone(&self, name: &str) -> Phone {
        let mut phone = self.phone();
        phone.sign_in(name).await;
        phone.set_up().await;
        phone.enroll().await;
        phone
    }

    /// A phone of a member with everything done: code, device, approval, PIN.
    pub async fn ready_phone(&self, ada: &mut Browser, name: &str) -> Phone {
        let mut phone = self.phone();
        phone.make_ready(name, ada).await;
        phone
    }
}
