//! Every declared route for everybody: what comes out is compared with a table that was written down a second time, by hand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod support;

use serde_json::json;
use std::fmt::Write;
use support::phone::By;
use support::*;
use twinlock_portal::access::{Access, Audience, Declared};

const SESSION_ENDED: &str = "TL-3005";
const STEP_REQUIRED: &str = "TL-3001";
const FORBIDDEN: &str = "TL-3006";
const DEVICE_REVOKED: &str = "TL-5007";
const BAD_REQUEST: &str = "TL-4007";
/// An id that nobody has.
const UNKNOWN: &str = "0123456789abcdef";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Stranger,
    /// A browser whose session was ended.
    Ended,
    /// A member without an authenticator, under the policy.
    Unset,
    /// A member who has an authenticator and has not shown its code.
    Uncoded,
    /// A session that a recovery code opened.
    Recovering,
    /// A phone's session with its code and without a device.
    Enrolling,
    /// A device's key, while it waits.
    Pending,
    /// A device's key, after it was revoked.
    Revoked,
    /// A device's key.
    Device,
    /// A phone's session that its PIN opened.
    Opened,
    /// A browser with everything done, of a member.
    Member,
    /// The same, of an auditor.
    Auditor,
    /// The same, of an admin.
    Admin,
    /// The same, of a member of another organisation.
    Foreigner,
    /// The same, of an admin of another organisation.
    ForeignAdmin,
}

use Who::*;

/// Whom the guard lets pass. A new access does not compile before it stands here.
fn lets_in(access: Access, who: Who) -> bool {
    let callers: &[Who] = match access {
        Access::Public => return true,
        Access::SignedIn => {
            &[Unset, Uncoded, Recovering, Enrolling, Opened, Member, Auditor, Admin, Foreigner, ForeignAdmin]
        }
        Access::SetUpTwoStep => &[Unset, Recovering],
        Access::ShowCode => &[Uncoded, Enrolling, Opened, Member, Auditor, Admin, Foreigner, ForeignAdmin],
        Access::Recover => &[Uncoded],
        Access::OwnTwoStep => &[Opened, Member, Auditor, Admin, Foreigner, ForeignAdmin],
        Access::Enroll => &[Enrolling],
        Access::Device => &[Pending, Device],
        Access::ApprovedDevice => &[Device],
        Access::SetPin => &[Device, Opened],
        Access::Ready => &[Opened, Member, Auditor, Admin, Foreigner, ForeignAdmin],
        Access::Admin => &[Admin, ForeignAdmin],
    };
    callers.contains(&who)
}

/// Status and code with which a program is refused.
fn refused(access: Access, who: Who) -> (u16, &'static str) {
    match who {
        Stranger | Ended => (401, SESSION_ENDED),
        Revoked => (401, DEVICE_REVOKED),
        Opened | Member | Auditor | Foreigner if access == Access::Admin => (403, FORBIDDEN),
        _ => (403, STEP_REQUIRED),
    }
}

/// Where a browser is led, or the code of the page that it gets.
fn led(access: Access, who: Who) -> Result<&'static str, &'static str> {
    match who {
        Stranger | Ended => Ok("/sign-in"),
        Unset | Recovering => Ok("/set-up"),
        Uncoded => Ok("/code"),
        Member | Auditor | Admin | Foreigner | ForeignAdmin if access == Access::SetUpTwoStep => {
            Ok("/account?done=already")
        }
        Member | Auditor | Admin | Foreigner | ForeignAdmin if access == Access::Recover => Ok("/files"),
        Member | Auditor | Foreigner if access == Access::Admin => Err(FORBIDDEN),
        Enrolling | Pending | Revoked | Device | Opened => Err(BAD_REQUEST),
        other => panic!("{other:?} is never refused at {access:?}"),
    }
}

/// How somebody sends.
enum Sender {
    Nobody,
    Cookie(String),
    Signed(Box<Phone>, By),
}

impl Sender {
    fn signs(&self) -> bool {
        matches!(self, Sender::Signed(..))
    }

    async fn send(&self, door: &Door, route: &Declared, target: &str, body: &str) -> Answer {
        let kind =
            if route.audience == Audience::People { "application/x-www-form-urlencoded" } else { "application/json" };
        let method = route.method.as_str();
        let body = if method == "GET" { Vec::new() } else { body.as_bytes().to_vec() };
        let mut headers = match self {
            Sender::Nobody => Vec::new(),
            Sender::Cookie(cookie) => vec![("cookie".to_owned(), format!("__Host-session={cookie}"))],
            Sender::Signed(phone, by) => phone.prepare(*by, method, target, &body).await,
        };
        headers.retain(|(name, _)| name != "content-type");
        headers.push(("content-type".to_owned(), kind.to_owned()));
        headers.push(("sec-fetch-site".to_owned(), "same-origin".to_owned()));
        door.send(method, target, &headers, body).await
    }
}

/// Ids that exist, in the first organisation.
struct Victims {
    member: String,
    device: String,
    comparison_code: String,
    session: String,
    enrollment: String,
    file: String,
    proposal: String,
}

impl Victims {
    fn target(&self, path: &str) -> String {
        let ids = [
            ("{member}", &self.member),
            ("{device}", &self.device),
            ("{session}", &self.session),
            ("{enrollment}", &self.enrollment),
            ("{file}", &self.file),
            ("{proposal}", &self.proposal),
        ];
        let target = ids.iter().fold(path.to_owned(), |path, (name, id)| path.replace(name, id));
        assert!(!target.contains('{'), "{path}: an id of the first organisation has to stand for every parameter");
        target
    }

    /// What would have an effect if it were let through.
    fn body(&self, route: &Declared) -> String {
        let code = &self.comparison_code;
        match (route.audience, route.path.rsplit('/').next().unwrap()) {
            (Audience::Programs, "approve") => format!("{{\"comparison_code\":\"{code}\"}}"),
            (Audience::Programs, "verify" | "confirm") => "{\"code\":\"000000\"}".to_owned(),
            (Audience::Programs, _) => "{}".to_owned(),
            (Audience::People, "policies") => "version=3&reason=a+hole".to_owned(),
            (Audience::People, _) => format!("comparison_code={}&code=000000&next=", code.replace(' ', "+")),
        }
    }
}

struct Walk {
    portal: Portal,
    cast: Vec<(Who, Sender)>,
    victims: Victims,
    routes: Vec<Declared>,
}

impl Walk {
    async fn prepare() -> Self {
        let portal = Portal::start();
        let mut ada = portal.enforced().await;
        ada.change_policy(json!({ "two_person": true }), "").await.expect(200);
        let add = |name: &str, role| portal.world.add_member(name, &address(name), role);
        for (name, role) in [
            ("Dee", "member"),
            ("Eve", "member"),
            ("Fay", "member"),
            ("Gus", "member"),
            ("Hal", "member"),
            ("Ivy", "auditor"),
            ("Jon", "member"),
        ] {
            add(name, role);
        }
        let phone = portal.ready_phone(&mut ada, BO).await;
        let pending = portal.waiting_phone(CY).await;
        let revoked = portal.ready_phone(&mut ada, &address("Fay")).await;
        ada.decide(&revoked.device_id(), "revoke").await.expect(204);
        let mut enrolling = portal.phone();
        enrolling.sign_in(&address("Gus")).await;
        enrolling.set_up().await;
        let started = enrolling.post(By::Session, "/v1/enrollments", &serde_json::Value::Null).await;
        let enrollment = started.expect(200).value()["enrollment"].as_str().unwrap().to_owned();
        let recovering = ready(&portal, "Eve").await;
        portal.world.sql(&format!("UPDATE session SET recovering = 1 WHERE member = '{}'", id_of(&portal, "Eve")));
        let unset = signed_in(&portal, &address("Dee")).await;
        let uncoded = signed_in(&portal, BO).await;
        let ended = signed_in(&portal, &address("Jon")).await;
        portal.world.sql(&format!("DELETE FROM session WHERE member = '{}'", id_of(&portal, "Jon")));
        let (member, auditor) = (ready(&portal, "Hal").await, ready(&portal, "Ivy").await);
        let (foreigner, foreign_admin) = other_organisation(&portal).await;
        let proposed = ada.change_policy(json!({ "two_step": false }), "a hole").await;
        let proposal = proposed.expect(202).value()["proposal"].as_str().unwrap().to_owned();
        let victims = Victims {
            member: pending.member.clone(),
            device: pending.device_id(),
            comparison_code: pending.comparison_code(),
            session: portal.world.sql(&format!("SELECT id FROM session WHERE member = '{}'", pending.member)),
            enrollment,
            file: portal.world.file.clone(),
            proposal,
        };
        let twin = twin_of(&portal, &phone);
        let signed = |phone: Phone, by| Sender::Signed(Box::new(phone), by);
        let cast = vec![
            (Stranger, Sender::Nobody),
            (Ended, Sender::Cookie(ended)),
            (Unset, Sender::Cookie(unset)),
            (Uncoded, Sender::Cookie(uncoded)),
            (Recovering, Sender::Cookie(recovering)),
            (Enrolling, signed(enrolling, By::Session)),
            (Pending, signed(pending, By::Device)),
            (Revoked, signed(revoked, By::Device)),
            (Device, signed(twin, By::Device)),
            (Opened, signed(phone, By::Session)),
            (Member, Sender::Cookie(member)),
            (Auditor, Sender::Cookie(auditor)),
            (Admin, Sender::Cookie(ada.cookie.unwrap())),
            (Foreigner, Sender::Cookie(foreigner)),
            (ForeignAdmin, Sender::Cookie(foreign_admin)),
        ];
        let routes = twinlock_portal::app::declared(&portal.state).unwrap();
        Self { portal, cast, victims, routes }
    }

    /// Every table but what a refused request may leave: an audit entry, a spent nonce.
    fn written(&self) -> Vec<String> {
        self.portal.world.database.dump_all_but(&["audit_entry", "used_nonce"]).unwrap()
    }

    /// Nothing of the first organisation is in the answer.
    fn assert_tells_nothing(&self, case: &str, answer: &Answer) {
        let organisation = &self.portal.world.organisation;
        let secrets =
            [FILE_NAME, FILE_CONTENT, "Cy Castle", "Ada Admin", "Bo Brandt", "Harbour", organisation, "otpauth"];
        let text = answer.text();
        assert!(secrets.iter().all(|secret| !text.contains(secret)), "{case} tells: {text}");
    }
}

fn address(name: &str) -> String {
    format!("{}@example.test", name.to_lowercase())
}

fn id_of(portal: &Portal, name: &str) -> String {
    portal.world.sql(&format!("SELECT id FROM member WHERE email = '{}'", address(name)))
}

async fn signed_in(portal: &Portal, name: &str) -> String {
    let mut browser = portal.browser();
    browser.sign_in(name).await;
    browser.cookie.unwrap()
}

/// A browser with everything done.
async fn ready(portal: &Portal, name: &str) -> String {
    let mut browser = portal.browser();
    browser.sign_in(&address(name)).await;
    browser.set_up().await;
    assert_eq!(browser.step().await, "ready");
    browser.cookie.unwrap()
}

/// A member and an admin of another organisation, both done.
async fn other_organisation(portal: &Portal) -> (String, String) {
    let organisation = portal.world.run(&["admin", "create-organisation", "--name", "Elsewhere"], "");
    for (name, role) in [("Kim", "member"), ("Lou", "admin")] {
        let (email, of) = (address(name), organisation.as_str());
        let arguments =
            ["admin", "add-member", "--organisation", of, "--name", name, "--email", &email, "--role", role];
        portal.world.run(&arguments, PASSWORD);
    }
    let mut lou = portal.browser();
    lou.sign_in(&address("Lou")).await;
    lou.require_two_step().await;
    lou.set_up().await;
    (ready(portal, "Kim").await, lou.cookie.unwrap())
}

/// The same phone as its device key.
fn twin_of(portal: &Portal, phone: &Phone) -> Phone {
    let mut twin = portal.phone();
    twin.organisation.clone_from(&phone.organisation);
    twin.enrollment.clone_from(&phone.enrollment);
    twin.device_key = phone.device_key.clone();
    let version = phone.policy_version.load(std::sync::atomic::Ordering::SeqCst);
    twin.policy_version.store(version, std::sync::atomic::Ordering::SeqCst);
    twin
}

#[tokio::test(flavor = "multi_thread")]
async fn b05_whoever_is_not_meant_is_refused_by_every_route_and_changes_nothing() {
    let walk = Walk::prepare().await;
    let (before, mut combinations, mut report) = (walk.written(), 0, String::new());
    for route in &walk.routes {
        for (who, sender) in &walk.cast {
            let is_page_for_a_program = route.audience == Audience::People && sender.signs();
            if lets_in(route.access, *who) && !is_page_for_a_program {
                continue;
            }
            let case = format!("{who:?} at {} {} ({:?})", route.method, route.path, route.access);
            let (target, body) = (walk.victims.target(&route.path), walk.victims.body(route));
            let answer = sender.send(&walk.portal.door, route, &target, &body).await;
            let status = answer.status.as_u16();
            walk.assert_tells_nothing(&case, &answer);
            if route.audience == Audience::Programs {
                let expected = refused(route.access, *who);
                assert_eq!((status, answer.code().as_str()), expected, "{case}: {}", answer.text());
            } else {
                match led(route.access, *who) {
                    Ok(page) => {
                        assert_eq!(status, 303, "{case}: {}", answer.text());
                        let next = answer.header("location").strip_prefix(page);
                        assert!(
                            next.is_some_and(|rest| rest.is_empty() || rest.starts_with("?next=%2F")),
                            "{case}: {:?}",
                            answer.headers
                        );
                    }
                    Err(code) => {
                        assert!(status == 400 || status == 403, "{case}: {status}");
                        assert!(answer.text().contains(code), "{case}: {}", answer.text());
                    }
                }
            }
            let after = walk.written();
            let changed: Vec<_> = after.iter().filter(|line| !before.contains(line)).collect();
            assert!(before == after, "{case} changed {changed:#?}");
            combinations += 1;
            writeln!(report, "{case}: {status} {}", answer.code()).unwrap();
        }
    }
    println!(
        "{combinations} combinations of {} routes and {} callers were refused",
        walk.routes.len(),
        walk.cast.len()
    );
    assert!(combinations > 400, "{report}");
}

/// What ends the caller's own session comes last.
fn ends_the_session(route: &Declared) -> bool {
    ["/sign-out", "/v1/sessions/self"].contains(&route.path.as_str())
}

#[tokio::test(flavor = "multi_thread")]
async fn b05_whoever_is_meant_gets_past_the_guard() {
    let walk = Walk::prepare().await;
    let mut routes: Vec<&Declared> = walk.routes.iter().collect();
    routes.sort_by_key(|route| ends_the_session(route));
    let mut combinations = 0;
    for route in routes {
        for (who, sender) in &walk.cast {
            if !lets_in(route.access, *who) || (route.audience == Audience::People && sender.signs()) {
                continue;
            }
            let case = format!("{who:?} at {} {} ({:?})", route.method, route.path, route.access);
            // Ids of nobody: what is admitted here is not meant to succeed.
            let target = route.path.split('/').map(|part| if part.starts_with('{') { UNKNOWN } else { part });
            let target = target.collect::<Vec<_>>().join("/");
            let answer = sender.send(&walk.portal.door, route, &target, "{}").await;
            let status = answer.status.as_u16();
            assert!(status < 500, "{case}: {status} {}", answer.text());
            // The guard's refusals name the step, a handler's do not.
            let is_guards = status >= 400 && !answer.value()["step"].is_null();
            assert!(!is_guards, "{case}: {}", answer.text());
            let is_led = status == 303
                && !ends_the_session(route)
                && led_to_step(*who).is_some_and(|page| answer.header("location").starts_with(page));
            assert!(!is_led, "{case}: {}", answer.header("location"));
            assert!(!answer.text().contains(FORBIDDEN), "{case}: {}", answer.text());
            combinations += 1;
        }
    }
    println!("{combinations} combinations were admitted");
    assert!(combinations > 200, "{combinations}");
}

fn led_to_step(who: Who) -> Option<&'static str> {
    match who {
        Stranger | Ended => Some("/sign-in"),
        Unset | Recovering => Some("/set-up"),
        Uncoded => Some("/code"),
        _ => None,
    }
}

/// The guard lets the other organisation's people in; what they name is not theirs.
#[tokio::test(flavor = "multi_thread")]
async fn another_organisations_ids_lead_nowhere() {
    let walk = Walk::prepare().await;
    let (before, mut combinations) = (walk.written(), 0);
    for route in walk.routes.iter().filter(|route| !ends_the_session(route) && route.access != Access::Public) {
        for (who, sender) in walk.cast.iter().filter(|(who, _)| matches!(who, Foreigner | ForeignAdmin)) {
            if !lets_in(route.access, *who) {
                continue;
            }
            let case = format!("{who:?} at {} {}", route.method, route.path);
            let (target, body) = (walk.victims.target(&route.path), walk.victims.body(route));
            let has_id = target != route.path;
            // Without an id it is the caller's own organisation that is changed; here only what is read is of interest.
            if !has_id && route.method != "GET" {
                continue;
            }
            let answer = sender.send(&walk.portal.door, route, &target, &body).await;
            let status = answer.status.as_u16();
            walk.assert_tells_nothing(&case, &answer);
            assert!(!has_id || (400..500).contains(&status), "{case}: {status} {}", answer.text());
            let after = walk.written();
            let changed: Vec<_> = after.iter().filter(|line| !before.contains(line)).collect();
            assert!(before == after, "{case} changed {changed:#?}");
            combinations += 1;
        }
    }
    println!("{combinations} combinations with the other organisation's ids");
    assert!(combinations > 25, "{combinations}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_served_that_was_not_declared() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let routes = twinlock_portal::app::declared(&portal.state).unwrap();
    let named = |method: &str, path: &str| {
        let found = routes.iter().find(|route| route.method == method && route.path == path);
        found.unwrap_or_else(|| panic!("{method} {path} is not declared")).access
    };
    assert_eq!(named("GET", "/v1/openapi.json"), Access::Public);
    assert_eq!(named("GET", "/assets/style.css"), Access::Public);
    let public: Vec<_> =
        routes.iter().filter(|route| route.access == Access::Public).map(|route| route.path.as_str()).collect();
    let mut expected =
        vec!["/v1/nonce", "/v1/openapi.json", "/v1/sessions", "/assets/style.css", "/sign-in", "/sign-in"];
    let mut found = public.clone();
    expected.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, expected, "who else may be public is decided here");
    let methods = ["GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "FROB"];
    let elsewhere = ["/healthz", "/readyz", "/metrics", "/v1", "/v1/", "/v1/nowhere", "/admin", "/assets/", "/files/"];
    for path in elsewhere.into_iter().chain(routes.iter().map(|route| route.path.as_str())) {
        for method in methods {
            if routes.iter().any(|route| route.method == method && matches(&route.path, path)) {
                continue;
            }
            let headers = [
                ("cookie".to_owned(), format!("__Host-session={}", ada.cookie.as_ref().unwrap())),
                ("sec-fetch-site".to_owned(), "same-origin".to_owned()),
            ];
            let answer = portal.door.send(method, &path.replace(['{', '}'], ""), &headers, Vec::new()).await;
            let status = answer.status.as_u16();
            // A declared path with another method meets its guard first.
            let is_elsewhere = !routes.iter().any(|route| matches(&route.path, path));
            assert!(status == 404 || (!is_elsewhere && status >= 300), "{method} {path}: {status} {}", answer.text());
        }
    }
    ada.get("/files").await.expect(200);
}

/// Whether a declared path takes another one.
fn matches(declared: &str, path: &str) -> bool {
    let (left, right): (Vec<_>, Vec<_>) = (declared.split('/').collect(), path.split('/').collect());
    left.len() == right.len() && left.iter().zip(&right).all(|(a, b)| a.starts_with('{') || a == b)
}

/// No route comes into the portal but with its access: in the source, every call of `route` names one.
#[test]
fn every_route_names_its_access() {
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../server/src");
    let mut named = 0;
    let mut folders = vec![source.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            // The collectors themselves, and the operator's probes on their own listener.
            if ["access.rs", "health.rs"].iter().any(|own| path.ends_with(own)) {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for call in text.split(".route(").skip(1) {
                let argument = call.trim_start().trim_start_matches("crate::access::");
                assert!(argument.starts_with("Access::"), "{}: .route({}", path.display(), &call[..40.min(call.len())]);
                named += 1;
            }
            for other in [".route_service(", ".nest(", ".nest_service(", ".fallback_service("] {
                assert!(!text.contains(other), "{}: {other}", path.display());
            }
        }
    }
    assert!(named > 40, "{named}");
}
