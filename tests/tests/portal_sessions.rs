//! Open sessions: who sees them, who ends them, and what keeps one alive.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod support;

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use std::time::Duration;
use support::phone::{By, new_key};
use support::*;
use tokio::io::AsyncWriteExt;
use tokio_util::io::ReaderStream;
use tower::ServiceExt;

const BAD_REQUEST: &str = "TL-4007";
const FORBIDDEN: &str = "TL-3006";
const NOT_FOUND: &str = "TL-4009";
const SESSION_ENDED: &str = "TL-3005";
const SIGNATURE_REFUSED: &str = "TL-4010";

async fn own(browser: &mut Browser) -> Vec<Value> {
    browser.get("/v1/sessions").await.expect(200).value()["sessions"].as_array().unwrap().clone()
}

async fn of(ada: &mut Browser, member: &str) -> Vec<Value> {
    let answer = ada.get(&format!("/v1/admin/members/{member}/sessions")).await;
    answer.expect(200).value()["sessions"].as_array().unwrap().clone()
}

fn id(session: &Value) -> String {
    let id = session["id"].as_str().unwrap().to_owned();
    assert_eq!(id.len(), 32, "{id}");
    id
}

async fn delete(browser: &Browser, target: &str) -> Answer {
    let headers = [
        ("sec-fetch-site".to_owned(), "same-origin".to_owned()),
        ("cookie".to_owned(), format!("__Host-session={}", browser.cookie.as_ref().unwrap())),
    ];
    browser.door.send("DELETE", target, &headers, Vec::new()).await
}

/// Bo's browser, signed in from a program that calls itself `agent`.
async fn browser_of_bo(portal: &Portal, agent: &str) -> Browser {
    let mut browser = portal.browser();
    let headers = [
        ("user-agent".to_owned(), agent.to_owned()),
        ("sec-fetch-site".to_owned(), "same-origin".to_owned()),
        ("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
    ];
    let body = format!("name={BO}&password={PASSWORD}&next=").into_bytes();
    let answer = portal.door.send("POST", "/sign-in", &headers, body).await;
    let cookie = answer.expect(303).header("set-cookie").strip_prefix("__Host-session=").unwrap();
    browser.cookie = cookie.split(';').next().map(str::to_owned);
    browser
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_sees_the_own_sessions_and_ends_one() {
    let portal = Portal::start();
    let mut first = browser_of_bo(&portal, "Firefox <b>130</b>").await;
    portal.clock.pass(MINUTE_MS);
    let mut second = browser_of_bo(&portal, &"x".repeat(300)).await;
    let mut cy = portal.browser();
    cy.sign_in(CY).await;
    let sessions = own(&mut second).await;
    assert_eq!(sessions.len(), 2, "{sessions:?}");
    assert_eq!((&sessions[0]["is_current"], &sessions[1]["is_current"]), (&json!(true), &json!(false)));
    assert_eq!(sessions[0]["agent"], "x".repeat(200));
    assert_eq!(sessions[1]["agent"], "Firefox <b>130</b>");
    assert_eq!((&sessions[1]["surface"], &sessions[1]["address"]), (&json!("web"), &json!("127.0.0.1")));
    assert!(sessions[0]["created_ms"].as_u64().unwrap() >= sessions[1]["created_ms"].as_u64().unwrap() + MINUTE_MS);
    let page = second.get("/account").await;
    assert!(page.expect(200).text().contains("This session"), "{}", page.text());
    assert!(!page.text().contains("<b>130"), "not escaped");
    // Somebody else's session is nobody's.
    let of_cy = id(&own(&mut cy).await[0]);
    delete(&second, &format!("/v1/sessions/{of_cy}")).await.expect_problem(404, NOT_FOUND);
    second.form(&format!("/account/sessions/{of_cy}/end"), &[]).await.expect(404);
    cy.get("/v1/step").await.expect(200);
    // The other one ends at once, and once.
    let target = format!("/v1/sessions/{}", id(&sessions[1]));
    delete(&second, &target).await.expect(204);
    first.get("/v1/step").await.expect_problem(401, SESSION_ENDED);
    delete(&second, &target).await.expect_problem(404, NOT_FOUND);
    assert_eq!(portal.world.audited("session.ended"), 1);
    second.form(&format!("/account/sessions/{}/end", id(&sessions[0])), &[]).await.expect(303);
    second.get("/v1/step").await.expect_problem(401, SESSION_ENDED);
    assert_eq!(portal.world.audited("session.ended"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn b04_an_admin_sees_and_ends_the_sessions_of_every_surface() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let bo = portal.ready_phone(&mut ada, BO).await;
    let browser = browser_of_bo(&portal, "Firefox").await;
    let path = format!("/v1/admin/members/{}/sessions", bo.member);
    let sessions = of(&mut ada, &bo.member).await;
    let kinds: Vec<&str> = sessions.iter().map(|session| session["surface"].as_str().unwrap()).collect();
    assert!(kinds.contains(&"phone") && kinds.contains(&"web"), "{kinds:?}");
    let of_phone = |session: &&Value| session["surface"] == "phone" && session["agent"] == "Bo's phone";
    // One from before the enrollment, which has its name since, and one that the PIN opened.
    assert_eq!(sessions.iter().filter(of_phone).count(), 2, "{sessions:?}");
    let page = ada.get(&format!("/admin/users/{}/sessions", bo.member)).await;
    assert!(page.expect(200).text().contains("Sessions of Bo Brandt"), "{}", page.text());
    // Neither token nor hash is anywhere in an answer.
    let hashes = portal.world.sql("SELECT lower(hex(token_hash)) FROM session");
    let tokens = [bo.session.as_ref().unwrap().0.clone(), browser.cookie.clone().unwrap()];
    let all = format!("{}{}", page.text(), ada.get(&path).await.text()).to_lowercase();
    assert!(hashes.lines().map(str::to_owned).chain(tokens).all(|secret| !all.contains(&secret.to_lowercase())));
    let web = sessions.iter().find(|session| session["surface"] == "web").unwrap();
    delete(&ada, &format!("{path}/{}", id(web))).await.expect(204);
    browser.tab().get("/v1/step").await.expect_problem(401, SESSION_ENDED);
    bo.get(By::Session, "/v1/files").await.expect(200);
    // All of them; the device keeps its PIN, and opens a new session with it.
    delete(&ada, &path).await.expect(204);
    bo.get(By::Session, "/v1/files").await.expect_problem(401, SESSION_ENDED);
    assert!(of(&mut ada, &bo.member).await.is_empty());
    bo.get(By::Device, "/v1/devices/self").await.expect(200);
    assert_eq!((portal.world.audited("session.ended"), portal.world.audited("session.all_ended")), (1, 1));
    delete(&ada, "/v1/admin/members/0123456789abcdef/sessions").await.expect_problem(404, NOT_FOUND);
    ada.get("/v1/admin/members/0123456789abcdef/sessions").await.expect_problem(404, NOT_FOUND);
    // By form too, and the admin's own last.
    let form = format!("/admin/users/{}/sessions/end", bo.member);
    ada.form(&form, &[]).await.expect(303);
    let me = portal.world.sql("SELECT id FROM member WHERE role = 'admin'");
    ada.form(&format!("/admin/users/{me}/sessions/end"), &[]).await.expect(303);
    ada.get("/v1/step").await.expect_problem(401, SESSION_ENDED);
    assert_eq!(portal.world.audited("session.all_ended"), 3);
}

/// Whoever found a token and has not its key must not keep the session alive with it.
#[tokio::test(flavor = "multi_thread")]
async fn f61_a_forged_request_does_not_keep_a_session_alive() {
    let portal = Portal::start();
    let mut bo = portal.phone();
    bo.sign_in(BO).await;
    let seen = || portal.world.sql("SELECT seen_ms FROM session");
    let before = seen();
    portal.clock.pass(10 * MINUTE_MS);
    let (token, key) = bo.session.clone().unwrap();
    bo.session = Some((token.clone(), new_key()));
    for (method, target) in [("GET", "/v1/step"), ("DELETE", "/v1/sessions/self")] {
        bo.send(By::Session, method, target, &Value::Null).await.expect_problem(401, SIGNATURE_REFUSED);
    }
    assert_eq!(seen(), before);
    bo.session = Some((token, key));
    portal.clock.pass(5 * MINUTE_MS - 1);
    bo.get(By::Session, "/v1/step").await.expect(200);
    assert_eq!(seen(), portal.clock.now_ms().to_string(), "its own key does");
}

/// The guard has looked, and the body is still on its way: what is done then is asked again where it is done.
#[tokio::test(flavor = "multi_thread")]
async fn f60_a_role_taken_away_between_the_guard_and_the_act_decides_nothing() {
    let changes = [
        ("UPDATE member SET role = 'member' WHERE role = 'admin'", 403, FORBIDDEN),
        ("UPDATE member SET role = 'auditor' WHERE role = 'admin'", 403, FORBIDDEN),
        ("UPDATE member SET state = 'suspended' WHERE role = 'admin'", 403, "TL-3009"),
        ("DELETE FROM session", 401, SESSION_ENDED),
        ("UPDATE factor SET state = 'disabled'", 403, "TL-2004"),
    ];
    for (change, status, code) in changes {
        let portal = Portal::start();
        let ada = portal.enforced().await;
        let bo = portal.waiting_phone(BO).await;
        let target = format!("/v1/admin/devices/{}/approve", bo.device_id());
        let body = json!({ "comparison_code": bo.comparison_code() }).to_string();
        let answer = slowly(&portal, &ada, &target, body, || portal.world.sql(change)).await;
        assert_eq!(answer.status.as_u16(), status, "{change}: {}", answer.text());
        assert_eq!(answer.code(), code, "{change}");
        let state = portal.world.sql("SELECT state || wrong_codes FROM device");
        assert_eq!((state.as_str(), portal.world.audited("device.approved")), ("pending0", 0), "{change}");
    }
    let portal = Portal::start();
    let ada = portal.enforced().await;
    let bo = portal.waiting_phone(BO).await;
    let target = format!("/v1/admin/devices/{}/approve", bo.device_id());
    let body = json!({ "comparison_code": bo.comparison_code() }).to_string();
    slowly(&portal, &ada, &target, body, String::new).await.expect(204);
}

/// Sends a request whose body comes after `meanwhile`.
async fn slowly(
    portal: &Portal,
    ada: &Browser,
    target: &str,
    body: String,
    meanwhile: impl FnOnce() -> String,
) -> Answer {
    let Door::Here(router) = &portal.door else { panic!("a portal in this process") };
    let (mut sender, receiver) = tokio::io::duplex(1 << 16);
    let request = Request::post(target)
        .header("host", AUTHORITY)
        .header("sec-fetch-site", "same-origin")
        .header("content-type", "application/json")
        .header("cookie", format!("__Host-session={}", ada.cookie.as_ref().unwrap()))
        .body(Body::from_stream(ReaderStream::new(receiver)))
        .unwrap();
    let router = router.clone();
    let asked = tokio::spawn(async move { router.oneshot(request).await.unwrap() });
    // The guard needs no body; it is done long before.
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!asked.is_finished());
    meanwhile();
    sender.write_all(body.as_bytes()).await.unwrap();
    drop(sender);
    let (parts, body): (_, Body) = asked.await.unwrap().into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap().to_vec();
    Answer { status: parts.status, headers: parts.headers, body }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_unsigned_request_is_answered_under_another_name() {
    let portal = Portal::start_with(|config, _| config.other_hosts = vec!["inside.test:8080".to_owned()]);
    let Door::Here(router) = &portal.door else { panic!("a portal in this process") };
    let ask = |target: &str, hosts: &[&str]| {
        let mut request = Request::get(target);
        for host in hosts {
            request = request.header("host", *host);
        }
        let answer = router.clone().oneshot(request.body(Body::empty()).unwrap());
        async move { answer.await.unwrap().status().as_u16() }
    };
    for ours in [AUTHORITY, "PORTAL.test", "portal.test:443", "inside.test:8080"] {
        assert_eq!(ask("/sign-in", &[ours]).await, 200, "{ours}");
    }
    let others =
        ["evil.example", "portal.test.evil.example", "portal.test:8443", "inside.test", "", "portal.test@evil"];
    for target in ["/sign-in", "/v1/nonce", "/v1/openapi.json", "/assets/style.css", "/nowhere"] {
        for other in others {
            assert_eq!(ask(target, &[other]).await, 400, "{target} {other}");
            assert_eq!(ask(target, &[AUTHORITY, other]).await, 400, "{target} {other} as the second");
        }
        assert_eq!(ask(target, &[]).await, 400, "{target} without a name");
        assert_eq!(ask(&format!("https://evil.example{target}"), &[AUTHORITY]).await, 400, "{target} as a whole");
    }
    let headers = [("host".to_owned(), "evil.example".to_owned())];
    portal.door.send("GET", "/v1/nonce", &headers, Vec::new()).await.expect_problem(400, BAD_REQUEST);
    // A signature names the host itself, whatever a proxy writes into the header.
    let mut bo = portal.phone();
    bo.sign_in(BO).await;
    let headers = bo.prepare(By::Session, "GET", "/v1/step", &[]).await;
    portal
        .door
        .send("GET", "/v1/step", &[headers, vec![("host".into(), "proxy.test".into())]].concat(), vec![])
        .await
        .expect(200);
}

/// Nothing is remembered of a caller between two requests, so what one portal ends is over on all of them.
#[tokio::test(flavor = "multi_thread")]
async fn f63_what_one_portal_ended_is_refused_by_every_other_at_the_next_request() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let mut bo = portal.ready_phone(&mut ada, BO).await;
    let browser = browser_of_bo(&portal, "Firefox").await;
    bo.door = portal.second();
    let mut elsewhere = browser.tab();
    elsewhere.door = bo.door.clone();
    bo.get(By::Session, "/v1/files").await.expect(200);
    elsewhere.get("/v1/step").await.expect(200);
    let web = of(&mut ada, &bo.member).await.into_iter().find(|session| session["surface"] == "web").unwrap();
    delete(&ada, &format!("/v1/admin/members/{}/sessions/{}", bo.member, id(&web))).await.expect(204);
    elsewhere.get("/v1/step").await.expect_problem(401, SESSION_ENDED);
    ada.decide(&bo.device_id(), "revoke").await.expect(204);
    bo.get(By::Session, "/v1/files").await.expect_problem(401, "TL-5007");
    bo.get(By::Device, "/v1/devices/self").await.expect_problem(401, "TL-5007");
}
