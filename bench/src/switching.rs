//! The policy's price: what every request pays for it, and what the switch costs in organisations of growing size.

use crate::Result;
use crate::portal::{AUTHORITY, ManualClock, PASSWORD, open, read, seed};
use crate::report::{Budget, Report, median};
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::time::Instant;
use tower::ServiceExt;
use twinlock_core::code::OneTimeCode;
use twinlock_core::policy::{FactorState, Facts, MemberState, Rules, SessionFact, Surface, decide};

const SECTION: &str = "Policy: the check of every request, and the switch";
const MEMBER: &str = "member0@example.org";
const SIZES: [u64; 3] = [1_000, 100_000, 1_000_000];
const SWITCHES: usize = 40;
const REQUESTS: usize = 2_000;

/// Seeds portals of each size and throws their switch.
pub fn measure(report: &mut Report) -> Result<()> {
    check(report)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut first = 0.0;
    for members in SIZES {
        let folder = tempfile::tempdir()?;
        seed(folder.path(), &[MEMBER.to_owned()])?;
        fill(folder.path(), members)?;
        let took = runtime.block_on(switch(folder.path(), members, report))?;
        if first == 0.0 {
            first = took;
        } else if Some(&members) == SIZES.last() {
            let ratio = took / first;
            let budget = Budget::at_most(ratio, 2.0, "independent of the size");
            report.line(SECTION, "the switch: 1,000,000 ÷ 1,000 members", ratio, "×", budget);
        }
    }
    report.note(
        "The switch: two-step switched on by an admin's browser over the whole router, on SQLite `FULL`, and back off between \
         two measurements; then the next request of a session that was open all the time, which has to be led to the wizard. \
         It writes one row of the organisation, the signed document and an audit entry, for any number of members.",
    );
    Ok(())
}

/// The rules as they lie in the organisation's row, and a decision by them.
fn check(report: &mut Report) -> Result<()> {
    let text = serde_json::to_string(&Rules { two_step: true, ..Rules::defaults() })?;
    let facts = Facts {
        member: MemberState::Active,
        factor: FactorState::Active,
        session: Some(SessionFact { code_at_ms: Some(1), pin_proved: false, recovering: false, sso_mfa: false }),
        device: None,
        app_outdated: false,
        required_from_ms: 0,
    };
    let mut took = Vec::new();
    for _ in 0..REQUESTS {
        let started = Instant::now();
        let rules: Rules = serde_json::from_str(black_box(&text))?;
        black_box(decide(&rules, black_box(&facts), Surface::Web, 2));
        took.push(started.elapsed().as_secs_f64() * 1e6);
    }
    let each = median(took);
    report.line(SECTION, "rules read and decided", each, "µs", Budget::at_most(each, 20.0, "≤ 20 µs"));
    Ok(())
}

/// Members as rows: a million of them by the command line would hash a million passwords.
fn fill(folder: &Path, members: u64) -> Result<()> {
    let rows = format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {members})
         INSERT INTO member (organisation, id, name, email, role, state, password, password_fails, created_ms)
         SELECT (SELECT id FROM organisation), printf('%032x', i), 'Somebody', 'row' || i || '@example.org', 'member',
             'active', '', 0, 1 FROM n;
         INSERT INTO member_count (organisation, shelf, part, members)
         VALUES ((SELECT id FROM organisation), 30, 99, {members})"
    );
    let done = Command::new("sqlite3").arg(folder.join("data/portal.db")).arg(rows).output()?;
    if done.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&done.stderr).into_owned().into()) }
}

async fn switch(folder: &Path, members: u64, report: &mut Report) -> Result<f64> {
    let clock = ManualClock::start()?;
    let portal = open(folder, &clock)?;
    let router = twinlock_portal::app::app(portal.clone());
    let mut admin = Browser::sign_in(&router, "admin@example.org").await?;
    admin.set_up(&clock).await?;
    let member = Browser::sign_in(&router, MEMBER).await?;
    let (mut saved, mut bound) = (Vec::new(), Vec::new());
    for round in 0..=SWITCHES {
        let started = Instant::now();
        admin.save(true).await?;
        let saving = started.elapsed().as_secs_f64() * 1e3;
        let started = Instant::now();
        let next = member.send("GET", "/files", None).await?;
        let binding = started.elapsed().as_secs_f64() * 1e3;
        if next.status().as_u16() != 303 {
            return Err(format!("the switch did not bind an open session: {}", next.status()).into());
        }
        admin.save(false).await?;
        // The first round warms up.
        if round > 0 {
            saved.push(saving);
            bound.push(binding);
        }
    }
    portal.store.close().await;
    let saved = median(saved);
    let size = format!("{members} members");
    report.line(SECTION, format!("the switch, {size}: saved"), saved, "ms", None);
    report.line(SECTION, format!("the switch, {size}: the next request of an open session"), median(bound), "ms", None);
    Ok(saved)
}

/// A browser with a session.
pub struct Browser {
    router: Router,
    cookie: String,
}

impl Browser {
    /// By password.
    pub async fn sign_in(router: &Router, name: &str) -> Result<Self> {
        let mut browser = Self { router: router.clone(), cookie: String::new() };
        let form = format!("name={}&password={}&next=", name.replace('@', "%40"), PASSWORD);
        let request = browser.request("POST", "/sign-in");
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(Body::from(form))?;
        browser.keep_cookie(&router.clone().oneshot(request).await?)?;
        Ok(browser)
    }

    /// Sets two-step up.
    pub async fn set_up(&mut self, clock: &ManualClock) -> Result<()> {
        let begun = self.send("POST", "/v1/two-step/set-up", Some(json!({}))).await?;
        let begun: Value = serde_json::from_slice(&read(begun).await?)?;
        let uri = begun.get("uri").and_then(Value::as_str).ok_or("no set-up URI")?;
        let factor = OneTimeCode::parse_uri(uri)?;
        let code = factor.key().derive_code(factor.key().step_at(clock.now_ms())?)?.to_text();
        let confirmed = self.send("POST", "/v1/two-step/confirm", Some(json!({ "code": code.expose() }))).await?;
        self.keep_cookie(&confirmed)?;
        read(confirmed).await.map(drop)
    }

    /// Saves the policy with two-step on or off.
    async fn save(&mut self, two_step: bool) -> Result<()> {
        let now = self.send("GET", "/v1/admin/policy", None).await?;
        let mut policy: Value = serde_json::from_slice(&read(now).await?)?;
        let rules = policy.get_mut("requires").and_then(Value::as_object_mut).ok_or("the policy demands nothing")?;
        rules.insert("two_step".to_owned(), json!(two_step));
        let change =
            json!({ "version": policy.get("version"), "requires": policy.get("requires"), "reason": "a benchmark" });
        read(self.send("PUT", "/v1/admin/policy", Some(change)).await?).await.map(drop)
    }

    /// One request, with the session's cookie.
    pub async fn send(&self, method: &str, target: &str, body: Option<Value>) -> Result<axum::response::Response> {
        let request = self.request(method, target);
        let request = match body {
            Some(body) => request.header("content-type", "application/json").body(Body::from(body.to_string()))?,
            None => request.body(Body::empty())?,
        };
        Ok(self.router.clone().oneshot(request).await?)
    }

    fn request(&self, method: &str, target: &str) -> axum::http::request::Builder {
        let request = Request::builder().method(method).uri(target).header("host", AUTHORITY);
        request.header("sec-fetch-site", "same-origin").header("cookie", &self.cookie)
    }

    fn keep_cookie(&mut self, answer: &axum::response::Response) -> Result<()> {
        let cookie = answer.headers().get("set-cookie").ok_or_else(|| format!("{}: no cookie", answer.status()))?;
        self.cookie = cookie.to_str()?.split(';').next().unwrap_or_default().to_owned();
        Ok(())
    }
}
