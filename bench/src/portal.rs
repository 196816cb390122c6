//! A code check over HTTP: the whole router with signatures, policy, group commit and audit, on a database of its own.
//!
//! A code works once and a member has one a step, so many members send one code each in every round, and a clock made by
//! hand moves on a step between two rounds. The requests of a round are signed before it is timed.

use crate::Result;
use crate::database::SERVER;
use crate::report::{Budget, Report, median, quantile};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use axum::response::Response;
use ring::rand::SystemRandom;
use serde::Serialize;
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use tower::ServiceExt;
use twinlock_core::code::{CodeKey, OneTimeCode};
use twinlock_core::ports::{Clock, PortError};
use twinlock_core::proof::{KeyId, RequestHead, RequestParts, SigningKey, Stamp, sign_request};
use twinlock_core::secret::SecretText;
use twinlock_core::wire::{CodeEntry, NONCE_HEADER, SignIn, SignedIn, TwoStepSetUp};
use twinlock_portal::app::app;
use twinlock_portal::config::Config;
use twinlock_portal::key_wrap::FileKeyWrap;
use twinlock_portal::portal::{Portal, PortalState};
use twinlock_portal::store::{Address, Options, Store};

pub const AUTHORITY: &str = "portal.example";
pub const PASSWORD: &str = "quiet-harbour-lantern-47";
const CALLERS: usize = 64;
/// Members that each caller speaks for, one after the other.
const MEMBERS_EACH: usize = 2;
const ROUNDS: usize = 60;
const STEP_MS: u64 = 30_000;
const SECTION: &str = "Code check over HTTP, SQLite `FULL`";

/// Moves when it is told to.
pub struct ManualClock(AtomicU64);

impl ManualClock {
    /// At the beginning of the next step of codes.
    pub fn start() -> Result<Arc<Self>> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
        Ok(Arc::new(Self(AtomicU64::new(u64::try_from(now)? / STEP_MS * STEP_MS + STEP_MS))))
    }

    /// Milliseconds since 1970.
    pub fn now_ms(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    fn pass(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn wall_ms(&self) -> std::result::Result<u64, PortError> {
        Ok(self.now_ms())
    }

    fn boot_ms(&self) -> std::result::Result<u64, PortError> {
        Ok(self.now_ms())
    }
}

/// Seeds a portal, then measures rounds.
pub fn measure(report: &mut Report) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let names: Vec<String> = (0..CALLERS * MEMBERS_EACH).map(|index| format!("member{index}@example.org")).collect();
    seed(folder.path(), &names)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(rounds(folder.path(), names, report))
}

/// The operator's command line makes an organisation, an admin and the members.
pub fn seed(folder: &Path, names: &[String]) -> Result<()> {
    seed_on(folder, None, names).map(drop)
}

/// The same on a database, which is SQLite's in the folder if there is no address; the organisation's id.
pub fn seed_on(folder: &Path, database: Option<&str>, names: &[String]) -> Result<String> {
    let operator = |arguments: &[&str], input: &str| operator(folder, database, arguments, input);
    let organisation = operator(&["create-organisation", "--name", "Benchmark"], "")?;
    let add = |name: &str, role: &str| {
        let arguments =
            ["add-member", "--organisation", &organisation, "--name", "Somebody", "--email", name, "--role", role];
        operator(&arguments, PASSWORD).map(|_| ())
    };
    add("admin@example.org", "admin")?;
    names.iter().try_for_each(|name| add(name, "member"))?;
    Ok(organisation)
}

fn operator(folder: &Path, database: Option<&str>, arguments: &[&str], input: &str) -> Result<String> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .arg("admin")
        .args(arguments)
        // The portal refuses settings that it does not know.
        .env_remove(SERVER)
        .env("TWINLOCK_DATA", folder.join("data"))
        .env("TWINLOCK_KEY_FILE", folder.join("kek"))
        .env("TWINLOCK_PUBLIC_URL", format!("https://{AUTHORITY}"))
        .env("TWINLOCK_TRUSTED_PROXIES", "[127.0.0.2/32]")
        .envs(database.map(|address| ("TWINLOCK_DATABASE", address)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn()?;
    // Taken and dropped, so that the operator sees the end of its input; one that reads none may be gone already.
    if let Some(mut stdin) = child.stdin.take() {
        let _ = stdin.write_all(input.as_bytes());
    }
    let done = child.wait_with_output()?;
    if !done.status.success() {
        return Err(format!("{arguments:?}: {}", String::from_utf8_lossy(&done.stderr).trim()).into());
    }
    Ok(String::from_utf8(done.stdout)?.trim().to_owned())
}

/// The portal over what was seeded in `folder`.
pub fn open(folder: &Path, clock: &Arc<ManualClock>) -> Result<Portal> {
    open_on(folder, None, clock)
}

/// The same on the database that [`seed_on`] had.
pub fn open_on(folder: &Path, database: Option<&str>, clock: &Arc<ManualClock>) -> Result<Portal> {
    let data = folder.join("data");
    let config = Config {
        data: data.clone(),
        public_url: format!("https://{AUTHORITY}"),
        sign_ins_a_minute: 1_000_000,
        requests_a_second: 1_000_000,
        ..Config::default()
    };
    let options = Options::at(i64::try_from(clock.now_ms())?);
    let store = match database {
        Some(address) => Store::open_postgres(&Address::parse(address)?, &options)?,
        None => Store::open_sqlite(&data.join("portal.db"), options)?,
    };
    let key_wrap = FileKeyWrap::open_or_create(&folder.join("kek"))?;
    Ok(PortalState::new(config, store, clock.clone(), Arc::new(key_wrap)))
}

async fn rounds(folder: &Path, names: Vec<String>, report: &mut Report) -> Result<()> {
    let clock = ManualClock::start()?;
    let portal = open(folder, &clock)?;
    let router = app(portal.clone());
    require_two_step(&router, json!({})).await?;
    let mut members = Vec::new();
    for name in names {
        members.push(Member::set_up(&router, &clock, &name).await?);
    }
    let (mut rates, mut took) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let (rate, each) = measure_round(&router, &clock, &mut members).await?;
        // The first round warms up.
        if round > 0 {
            rates.push(rate);
            took.extend(each);
        }
    }
    portal.store.close().await;
    let checks = took.len();
    let rate = median(rates);
    let (p50, p99) = (quantile(took.clone(), 0.5), quantile(took, 0.99));
    report.line(SECTION, "accepted codes a second, 64 callers", rate, "/s", Budget::at_least(rate, 1e4, "≥ 10,000/s"));
    report.line(SECTION, "50th percentile", p50, "ms", None);
    report.line(SECTION, "99th percentile", p99, "ms", Budget::at_most(p99, 10.0, "≤ 10 ms"));
    report.note(format!(
        "Code check over HTTP: {checks} codes accepted in {ROUNDS} rounds of {}, in the process without a socket; P-256 \
         request signature and single-use nonce verified, factor counted and moved, session raised, audit row chained, \
         durable commit. Callers and portal share the cores.",
        CALLERS * MEMBERS_EACH
    ));
    report
        .note("Code check over HTTP: the 200 × of privacyIDEA is not measured here; its run belongs to a later round.");
    Ok(())
}

/// One step forward: every member is seen, every request is signed, and then the clock of the benchmark starts.
async fn measure_round(router: &Router, clock: &ManualClock, members: &mut [Member]) -> Result<(f64, Vec<f64>)> {
    clock.pass(STEP_MS);
    // Somebody who types a code has just been seen; otherwise each check would also write that down.
    for member in members.iter_mut() {
        member.look(router, clock).await?;
    }
    let mut turns: Vec<Vec<Request<Body>>> = Vec::new();
    for (index, member) in members.iter_mut().enumerate() {
        if index.is_multiple_of(MEMBERS_EACH) {
            turns.push(Vec::new());
        }
        let request = member.code_request(clock)?;
        turns.last_mut().ok_or("no turn")?.push(request);
    }
    let started = Instant::now();
    let callers: Vec<_> = turns.into_iter().map(|turn| tokio::spawn(call(router.clone(), turn))).collect();
    let mut answers = Vec::new();
    for caller in callers {
        answers.extend(caller.await??);
    }
    let rate = answers.len() as f64 / started.elapsed().as_secs_f64();
    for (member, (_, nonce)) in members.iter_mut().zip(&answers) {
        member.nonce.clone_from(nonce);
    }
    Ok((rate, answers.into_iter().map(|(took, _)| took).collect()))
}

/// Sends one after the other; milliseconds and the next nonce of each.
async fn call(router: Router, requests: Vec<Request<Body>>) -> Result<Vec<(f64, String)>> {
    let mut answers = Vec::new();
    for request in requests {
        let started = Instant::now();
        let answer = router.clone().oneshot(request).await?;
        let took = started.elapsed().as_secs_f64() * 1e3;
        let nonce = header(&answer, NONCE_HEADER)?;
        read(answer).await?;
        answers.push((took, nonce));
    }
    Ok(answers)
}

/// The body of an answer that went well.
pub async fn read(answer: Response) -> Result<Vec<u8>> {
    let status = answer.status();
    let body = to_bytes(answer.into_body(), 1 << 20).await?;
    if !status.is_success() && !status.is_redirection() {
        return Err(format!("{status}: {}", String::from_utf8_lossy(&body)).into());
    }
    Ok(body.to_vec())
}

fn header(answer: &Response, name: &str) -> Result<String> {
    let value = answer.headers().get(name).ok_or_else(|| format!("{}: no {name}", answer.status()))?;
    Ok(value.to_str()?.to_owned())
}

/// The admin's browser switches two-step on, for everybody, at once, and sets these rules with it.
pub async fn require_two_step(router: &Router, rules: Value) -> Result<()> {
    let browser = |method: &str, target: &str| {
        Request::builder().method(method).uri(target).header("host", AUTHORITY).header("sec-fetch-site", "same-origin")
    };
    let form = format!("name=admin%40example.org&password={PASSWORD}&next=");
    let request = browser("POST", "/sign-in").header("content-type", "application/x-www-form-urlencoded");
    let answer = router.clone().oneshot(request.body(Body::from(form))?).await?;
    let cookie = header(&answer, "set-cookie")?;
    let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
    let request = browser("GET", "/v1/admin/policy").header("cookie", &cookie).body(Body::empty())?;
    let mut policy: Value = serde_json::from_slice(&read(router.clone().oneshot(request).await?).await?)?;
    let requires = policy.get_mut("requires").and_then(Value::as_object_mut).ok_or("the policy demands nothing")?;
    requires.insert("two_step".to_owned(), json!(true));
    requires.extend(rules.as_object().cloned().unwrap_or_default());
    let body = json!({ "version": policy.get("version"), "requires": policy.get("requires"), "reason": "" });
    let request =
        browser("PUT", "/v1/admin/policy").header("cookie", &cookie).header("content-type", "application/json");
    read(router.clone().oneshot(request.body(Body::from(body.to_string()))?).await?).await?;
    Ok(())
}

/// A member's phone with a session and an authenticator.
struct Member {
    token: String,
    key: SigningKey,
    factor: CodeKey,
    nonce: String,
}

/// The policy's version after two-step was switched on.
const POLICY_VERSION: u64 = 2;

impl Member {
    async fn set_up(router: &Router, clock: &ManualClock, name: &str) -> Result<Self> {
        let key = SigningKey::generate(&SystemRandom::new())?;
        let sign_in = SignIn {
            name: name.to_owned(),
            password: SecretText::new(PASSWORD.to_owned()),
            surface: twinlock_core::policy::Surface::Phone,
            device: None,
            session_key: key.public_key()?.spki().into(),
            app_version: "1.0.0".to_owned(),
        };
        let first = Request::get("/v1/nonce").header("host", AUTHORITY).body(Body::empty())?;
        let mut nonce = header(&router.clone().oneshot(first).await?, NONCE_HEADER)?;
        let body = serde_json::to_vec(&sign_in)?;
        let request = signed("POST", "/v1/sessions", body, &nonce, KeyId::Enclosed, &key, clock)?;
        let answer = router.clone().oneshot(request).await?;
        nonce = header(&answer, NONCE_HEADER).unwrap_or_default();
        let signed_in: SignedIn = serde_json::from_slice(&read(answer).await?)?;
        let token = signed_in.session.expose().to_owned();
        if nonce.is_empty() {
            let next = Request::get("/v1/nonce").header("host", AUTHORITY).body(Body::empty())?;
            nonce = header(&router.clone().oneshot(next).await?, NONCE_HEADER)?;
        }
        let key_id = || KeyId::Session(token.clone());
        let request = signed("POST", "/v1/two-step/set-up", Vec::new(), &nonce, key_id(), &key, clock)?;
        let answer = router.clone().oneshot(request).await?;
        nonce = header(&answer, NONCE_HEADER)?;
        let set_up: TwoStepSetUp = serde_json::from_slice(&read(answer).await?)?;
        let factor = OneTimeCode::parse_uri(set_up.uri.expose())?.key().clone();
        let mut member = Self { token, key, factor, nonce };
        let body = member.code(clock)?;
        let request = member.request("POST", "/v1/two-step/confirm", body, clock)?;
        let answer = router.clone().oneshot(request).await?;
        member.nonce = header(&answer, NONCE_HEADER)?;
        read(answer).await?;
        Ok(member)
    }

    async fn look(&mut self, router: &Router, clock: &ManualClock) -> Result<()> {
        let request = self.request("GET", "/v1/step", Vec::new(), clock)?;
        let answer = router.clone().oneshot(request).await?;
        self.nonce = header(&answer, NONCE_HEADER)?;
        read(answer).await.map(|_| ())
    }

    fn code_request(&mut self, clock: &ManualClock) -> Result<Request<Body>> {
        let body = self.code(clock)?;
        self.request("POST", "/v1/two-step/verify", body, clock)
    }

    fn code(&self, clock: &ManualClock) -> Result<Vec<u8>> {
        let code = self.factor.derive_code(self.factor.step_at(clock.now_ms())?)?.to_text();
        json_bytes(&CodeEntry { code })
    }

    fn request(&self, method: &'static str, target: &str, body: Vec<u8>, clock: &ManualClock) -> Result<Request<Body>> {
        signed(method, target, body, &self.nonce, KeyId::Session(self.token.clone()), &self.key, clock)
    }
}

fn json_bytes(message: &impl Serialize) -> Result<Vec<u8>> {
    Ok(serde_json::to_vec(message)?)
}

fn signed(
    method: &'static str,
    target: &str,
    body: Vec<u8>,
    nonce: &str,
    key_id: KeyId,
    key: &SigningKey,
    clock: &ManualClock,
) -> Result<Request<Body>> {
    let parts = RequestParts {
        head: RequestHead { method, authority: AUTHORITY, path: target, query: None, policy_version: POLICY_VERSION },
        body: &body,
    };
    let stamp = Stamp { created_s: clock.now_ms() / 1_000, nonce: nonce.to_owned(), key_id };
    let mut request = Request::builder().method(method).uri(target).header("host", AUTHORITY);
    for (name, value) in sign_request(&parts, &stamp, |base| Ok(key.sign(base)))? {
        request = request.header(name, value);
    }
    if !body.is_empty() {
        request = request.header("content-type", "application/json");
    }
    Ok(request.body(Body::from(body))?)
}
