//! The policy switch at the portal.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "../support/mod.rs"]
mod support;

mod page;

use serde_json::{Value, json};
use support::phone::By;
use support::*;

async fn admin(portal: &Portal) -> Browser {
    let mut ada = portal.browser();
    ada.sign_in(ADA).await;
    ada
}

#[tokio::test(flavor = "multi_thread")]
async fn b01_saving_the_same_again_changes_and_records_nothing() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let before = ada.policy().await;
    assert_eq!(portal.world.audited("policy.two_step_required"), 1);
    for _ in 0..3 {
        ada.change_policy(json!({ "two_step": true }), "").await.expect(200);
    }
    assert_eq!(ada.policy().await, before);
    assert_eq!(portal.world.audited("policy.two_step_required") + portal.world.audited("policy.changed"), 1);
    assert_eq!(portal.world.sql("SELECT count(*) FROM policy_version"), "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn b02_of_two_admins_who_save_at_once_one_gets_a_conflict() {
    let portal = Portal::start();
    let mut first = admin(&portal).await;
    let mut second = first.tab();
    let seen = first.policy().await;
    let change = |field: &str, value: u64| {
        let mut wanted = seen["requires"].clone();
        wanted[field] = value.into();
        json!({ "version": seen["version"], "requires": wanted, "reason": "" })
    };
    let (longer, fewer) = (change("pin_min_length", 8), change("pin_max_tries", 5));
    let (left, right) = tokio::join!(first.put("/v1/admin/policy", &longer), second.put("/v1/admin/policy", &fewer));
    let (won, lost) = if left.status.is_success() { (left, right) } else { (right, left) };
    lost.expect_problem(409, "TL-3007");
    assert_eq!(first.policy().await, won.value());
    assert_eq!(won.value()["version"], seen["version"].as_u64().unwrap() + 1);
    // The same with the page.
    let version = seen["version"].to_string();
    let answer = first.form("/admin/policies", &[("version", &version), ("two_step", "on"), ("reason", "")]).await;
    assert!(answer.expect(422).text().contains("Somebody else changed the policy"), "{}", answer.text());
    assert_eq!(first.policy().await, won.value());
}

#[tokio::test(flavor = "multi_thread")]
async fn b04_the_very_next_request_of_open_sessions_meets_the_switch() {
    let portal = Portal::start();
    let mut ada = admin(&portal).await;
    let mut web = portal.browser();
    web.sign_in(BO).await;
    web.get("/v1/files").await.expect(200);
    web.get("/files").await.expect(200);
    let mut phone = portal.phone();
    phone.sign_in(CY).await;
    phone.get(By::Session, "/v1/files").await.expect(200);
    ada.require_two_step().await;
    let answer = web.get("/v1/files").await;
    answer.expect_problem(403, "TL-3001");
    assert_eq!(answer.step(), "set_up_two_step");
    let page = web.get("/files").await;
    page.expect(303);
    assert_eq!(page.header("location"), "/set-up?next=%2Ffiles");
    // A phone with the old policy gets the new one and the next step, and nothing else.
    let answer = phone.send(By::Session, "GET", "/v1/files", &Value::Null).await;
    answer.expect_problem(409, "TL-3010");
    assert_eq!(answer.step(), "set_up_two_step");
    assert!(!answer.text().contains(FILE_NAME));
    let answer = phone.get(By::Session, "/v1/files").await;
    answer.expect_problem(403, "TL-3001");
    // The admin's own session too.
    ada.get("/v1/admin/members").await.expect_problem(403, "TL-3001");
    ada.set_up().await;
    ada.get("/v1/admin/members").await.expect(200);
}

/// Every path of the interface's own description and every page, with ids that exist.
async fn routes(portal: &Portal) -> Vec<(String, String)> {
    let described = portal.door.get("/v1/openapi.json").await.value();
    let mut routes = Vec::new();
    for (path, methods) in described["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            let path = path.replace("{file}", &portal.world.file);
            let path = ["{device}", "{member}", "{enrollment}", "{session}", "{proposal}"]
                .iter()
                .fold(path, |path, name| path.replace(name, "0123456789abcdef"));
            routes.push((method.to_uppercase(), path));
        }
    }
    assert!(routes.len() >= 25, "{routes:?}");
    for page in ["/", "/files", "/account", "/admin/users", "/admin/devices", "/admin/policies", "/admin/audit"] {
        routes.push(("GET".to_owned(), page.to_owned()));
    }
    routes.push(("GET".to_owned(), format!("/files/{}", portal.world.file)));
    for page in ["/admin/policies", "/admin/devices/0/approve", "/admin/devices/0/deny", "/admin/devices/0/revoke"] {
        routes.push(("POST".to_owned(), page.to_owned()));
    }
    routes
}

/// What a caller who has still to set two-step up may get an answer from.
const OPEN: [&str; 10] = [
    "/v1/nonce",
    "/v1/step",
    "/v1/policy",
    "/v1/sessions",
    "/v1/sessions/self",
    "/v1/two-step/set-up",
    "/v1/two-step/confirm",
    "/sign-in",
    "/set-up",
    "/sign-out",
];

#[tokio::test(flavor = "multi_thread")]
async fn b05_before_the_set_up_no_route_gives_anything() {
    let portal = Portal::start();
    let mut ada = admin(&portal).await;
    ada.require_two_step().await;
    for (method, path) in routes(&portal).await {
        if OPEN.contains(&path.as_str()) {
            continue;
        }
        // An admin in a browser, a member in a browser, a member with a phone, a stranger.
        let answers = [
            admin_again(&portal, &method, &path, ADA).await,
            admin_again(&portal, &method, &path, BO).await,
            phone_again(&portal, &method, &path).await,
            portal.door.send(&method, &path, &[], Vec::new()).await,
        ];
        for (who, answer) in answers.iter().enumerate() {
            let status = answer.status.as_u16();
            let is_led_away =
                status == 303 && ["/set-up", "/sign-in"].iter().any(|page| answer.header("location").starts_with(page));
            let is_refused = (400..500).contains(&status);
            assert!(is_led_away || is_refused, "{who} {method} {path}: {status} {}", answer.text());
            for secret in [FILE_CONTENT, FILE_NAME, "Cy Castle"] {
                assert!(!answer.text().contains(secret), "{who} {method} {path}");
            }
        }
    }
}

async fn admin_again(portal: &Portal, method: &str, path: &str, name: &str) -> Answer {
    let mut browser = portal.browser();
    browser.sign_in(name).await;
    match method {
        "GET" => browser.get(path).await,
        "PUT" => browser.put(path, &json!({})).await,
        "POST" if !path.starts_with("/v1/") => browser.form(path, &[("version", "1"), ("comparison_code", "1")]).await,
        _ => browser.post(path, &json!({})).await,
    }
}

async fn phone_again(portal: &Portal, method: &str, path: &str) -> Answer {
    let mut phone = portal.phone();
    phone.sign_in(CY).await;
    phone.call(By::Session, method, path, &json!({})).await
}

#[tokio::test(flavor = "multi_thread")]
async fn b07_off_removes_the_requirement_and_nobodys_second_factor() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let mut bo = portal.browser();
    bo.sign_in(BO).await;
    bo.set_up().await;
    let mut cy = portal.browser();
    cy.sign_in(CY).await;
    assert_eq!(cy.step().await, "set_up_two_step");
    ada.change_policy(json!({ "two_step": false }), "a pilot ends").await.expect(200);
    assert_eq!(cy.step().await, "ready");
    // Bo is asked all the same.
    let mut next = portal.browser();
    next.sign_in(BO).await;
    assert_eq!(next.step().await, "enter_code");
    next.get("/v1/files").await.expect_problem(403, "TL-3001");
    portal.clock.pass(STEP_MS);
    let code = bo.authenticator.as_ref().unwrap().code_at(portal.clock.now_ms());
    next.code(&code).await.expect(303);
    next.get("/v1/files").await.expect(200);
    assert_eq!(portal.world.sql("SELECT count(*) FROM factor WHERE state = 'active'"), "2");
    assert_eq!(portal.world.sql("SELECT reason FROM policy_version ORDER BY version DESC LIMIT 1"), "a pilot ends");
}

#[tokio::test(flavor = "multi_thread")]
async fn off_needs_a_reason_and_a_fresh_code() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    ada.change_policy(json!({ "two_step": false }), " \t").await.expect_problem(400, "TL-3008");
    ada.change_policy(json!({ "two_step": false }), &"x".repeat(1_001)).await.expect_problem(400, "TL-4007");
    let version = ada.policy().await["version"].to_string();
    // The page says so in its own form.
    let answer = ada.form("/admin/policies", &[("version", &version), ("reason", "")]).await;
    assert!((400..500).contains(&answer.status.as_u16()));
    assert!(answer.text().contains("name=\"reason\""), "{}", answer.text());
    portal.clock.pass(10 * MINUTE_MS);
    ada.change_policy(json!({ "two_step": false }), "a pilot ends").await.expect_problem(403, "TL-3003");
    assert_eq!(ada.policy().await["requires"]["two_step"], true);
    ada.enter_code().await;
    ada.change_policy(json!({ "two_step": false }), "a pilot ends").await.expect(200);
    // No rule leaves its range, and nobody but an admin saves.
    for rule in [
        json!({ "pin_min_length": 5 }),
        json!({ "pin_max_tries": 11 }),
        json!({ "code_max_tries": 11 }),
        json!({ "session_ms": 0 }),
    ] {
        ada.change_policy(rule, "").await.expect_problem(400, "TL-4007");
    }
    let mut bo = portal.browser();
    bo.sign_in(BO).await;
    bo.get("/v1/admin/policy").await.expect_problem(403, "TL-3006");
}

#[tokio::test(flavor = "multi_thread")]
async fn b63_what_cannot_be_recorded_does_not_happen() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let bo = portal.waiting_phone(BO).await;
    portal.clock.pass(STEP_MS);
    let code = bo.code_now();
    let tables = [
        "member",
        "factor",
        "device",
        "pin",
        "organisation",
        "policy_version",
        "session",
        "file",
        "used_nonce",
        "enrollment",
    ];
    let state = || tables.map(|table| portal.world.dump(table));
    portal.world.database.refuse("INSERT", "audit_entry").unwrap();
    // Both sessions are noted as seen before the comparison begins.
    assert_eq!((ada.step().await, bo.step().await), ("ready".to_owned(), "await_approval".to_owned()));
    let before = state();
    ada.change_policy(json!({ "pin_min_length": 8 }), "").await.expect_problem(503, "TL-4013");
    ada.change_policy(json!({ "two_step": false }), "why").await.expect_problem(503, "TL-4013");
    ada.approve(&bo).await.expect_problem(503, "TL-4013");
    ada.decide(&bo.device_id(), "deny").await.expect_problem(503, "TL-4013");
    ada.post(&format!("/v1/admin/members/{}/suspend", bo.member), &Value::Null).await.expect_problem(503, "TL-4013");
    bo.verify(&code).await.expect_problem(503, "TL-4013");
    let file = format!("/v1/files/{}", portal.world.file);
    let answer = ada.get(&file).await;
    answer.expect_problem(503, "TL-4013");
    assert!(!answer.text().contains(FILE_CONTENT));
    assert!(state() == before, "something changed that could not be recorded");
    portal.world.database.allow("audit_entry").unwrap();
    bo.verify(&code).await.expect(200);
    ada.approve(&bo).await.expect(204);
    ada.get(&file).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn f67_switched_on_mid_session_asks_who_has_a_factor_and_enrolls_who_has_none() {
    let portal = Portal::start();
    let mut ada = admin(&portal).await;
    // Two sessions of Bo before he chose two-step in one of them; Cy has none.
    let (mut bo, mut elsewhere, mut cy) = (portal.browser(), portal.browser(), portal.browser());
    bo.sign_in(BO).await;
    elsewhere.sign_in(BO).await;
    cy.sign_in(CY).await;
    bo.set_up().await;
    for session in [&mut bo, &mut cy] {
        session.get("/v1/files").await.expect(200);
    }
    ada.require_two_step().await;
    // A code was shown in this session, and in this one none.
    bo.get("/v1/files").await.expect(200);
    let answer = elsewhere.get("/v1/files").await;
    assert_eq!(answer.expect_problem(403, "TL-3001").step(), "enter_code");
    assert_eq!(elsewhere.get("/files").await.expect(303).header("location"), "/code?next=%2Ffiles");
    let answer = cy.get("/v1/files").await;
    assert_eq!(answer.expect_problem(403, "TL-3001").step(), "set_up_two_step");
    // Cy's session does nothing but set up; a code of nobody's leads nowhere.
    cy.post("/v1/two-step/verify", &json!({ "code": "123456" })).await.expect_problem(403, "TL-3001");
    cy.set_up().await;
    cy.get("/v1/files").await.expect(200);
    portal.clock.pass(STEP_MS);
    let code = bo.authenticator.as_ref().unwrap().code_at(portal.clock.now_ms());
    elsewhere.code(&code).await.expect(303);
    elsewhere.get("/v1/files").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn b06_after_the_set_up_comes_the_page_first_asked_for() {
    let portal = Portal::start();
    admin(&portal).await.require_two_step().await;
    let file = format!("/files/{}", portal.world.file);
    // From the sign-in through the set-up to the file, by the addresses that the portal itself gives.
    let mut bo = portal.browser();
    let to_sign_in = bo.get(&file).await.expect(303).header("location").to_owned();
    assert_eq!(to_sign_in, format!("/sign-in?next={}", file.replace('/', "%2F")));
    let hidden = format!("name=\"next\" value=\"{file}\"");
    assert!(bo.get(&to_sign_in).await.text().contains(&hidden));
    let fields = [("name", BO), ("password", PASSWORD), ("next", file.as_str())];
    assert_eq!(bo.form("/sign-in", &fields).await.expect(303).header("location"), file);
    let to_set_up = bo.get(&file).await.expect(303).header("location").to_owned();
    assert!(bo.get(&to_set_up).await.text().contains(&hidden));
    let page = bo.form("/set-up", &[("next", &file)]).await;
    assert!(page.text().contains(&hidden));
    let code = Browser::typed_key(&page.text()).code_at(portal.clock.now_ms());
    let answer = bo.form("/set-up/confirm", &[("code", &code), ("next", &file)]).await;
    let saved = bo.save_codes(&answer).await;
    assert_eq!(bo.finish(&saved).await, file);
    assert_eq!(bo.get(&file).await.expect(200).text(), FILE_CONTENT);
    // Another site's address is not followed from any of the forms.
    for hostile in ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"] {
        let mut cy = portal.browser();
        let fields = [("name", CY), ("password", PASSWORD), ("next", hostile)];
        assert_eq!(cy.form("/sign-in", &fields).await.expect(303).header("location"), "/files", "{hostile}");
        let page = cy.form("/set-up", &[("next", hostile)]).await;
        assert!(!page.expect(200).text().contains("evil"), "{hostile}");
    }
}
