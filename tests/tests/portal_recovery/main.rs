//! Recovery codes at the portal: once, counted, and the way to a new authenticator alone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "../support/mod.rs"]
mod support;

mod cost;
mod issue;

use serde_json::{Value, json};
use std::sync::Arc;
use support::phone::{By, entry};
use support::program::Served;
use support::*;
use twinlock_core::wire::{RecoveryCodesIssued, RecoveryCodesState, TwoStepConfirmed};

const MALFORMED: &str = "TL-2001";
const CODE_REFUSED: &str = "TL-2002";
const CODE_WAIT: &str = "TL-2003";
const DISABLED: &str = "TL-2004";
const REFUSED: &str = "TL-2010";
const STEP_REQUIRED: &str = "TL-3001";
const SESSION_ENDED: &str = "TL-3005";

/// Bo on a phone with code and recovery codes.
async fn bo(portal: &Portal) -> Phone {
    let mut bo = portal.phone();
    bo.sign_in(BO).await;
    bo.set_up().await;
    bo
}

/// Another session of Bo's that has shown the password.
async fn again(portal: &Portal) -> Phone {
    let mut phone = portal.phone();
    phone.sign_in(BO).await;
    phone
}

/// A code with the selector of a right one, and another one for each `n`.
fn wrong(right: &str, n: usize) -> String {
    let symbol = |place: u32| char::from(b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"[n / 32_usize.pow(place) % 32]);
    format!("{}-{}{}00-0000-0000-0000", &right[..2], symbol(1), symbol(0))
}

/// A code with a selector that no code of the set has.
fn unknown(codes: &[String]) -> String {
    let selectors: Vec<&str> = codes.iter().map(|code| &code[..2]).collect();
    let free = ["00", "01", "02", "03", "04", "05", "06", "07", "08", "09", "0A"];
    let free = free.into_iter().find(|free| !selectors.contains(free)).unwrap();
    format!("{free}{}", &codes[0][2..])
}

fn fails(portal: &Portal) -> String {
    portal.world.sql("SELECT max(fails) FROM recovery")
}

#[tokio::test(flavor = "multi_thread")]
async fn f74_a_recovery_code_works_once_and_ends_all_other_sessions() {
    let portal = Portal::start();
    portal.enforced().await;
    let mut bo = portal.browser();
    bo.sign_in(BO).await;
    bo.set_up().await;
    let codes = bo.recovery_codes.clone();
    assert_eq!(codes.len(), 10);
    let mut lost = portal.browser();
    lost.sign_in(BO).await;
    let mut before = lost.tab();
    // From the code page, by the portal's own link.
    let page = lost.get("/code?next=%2Faccount").await.text();
    assert!(page.contains("href=\"/recovery?next=%2Faccount\""), "{page}");
    assert!(lost.get("/recovery").await.expect(200).text().contains("action=\"/recovery\""));
    // As a person types it.
    let typed = codes[0].to_lowercase().replace('-', " ").replace('0', "o").replace('1', "l");
    let answer = lost.recover(&typed).await;
    assert_eq!(answer.expect(303).header("location"), "/set-up?next=%2Ffiles");
    assert!(lost.get("/set-up").await.expect(200).text().contains("Set up a new authenticator"));
    assert_eq!(lost.step().await, "set_up_two_step");
    // Another token, and nobody else is in.
    assert_ne!(lost.cookie, before.cookie);
    before.get("/v1/step").await.expect_problem(401, SESSION_ENDED);
    bo.get("/v1/step").await.expect_problem(401, SESSION_ENDED);
    // Not by the same session and not by another one.
    lost.post("/v1/recovery", &json!({ "code": codes[1] })).await.expect_problem(403, STEP_REQUIRED);
    let next = again(&portal).await;
    next.recover(&codes[0]).await.expect_problem(422, REFUSED);
    next.recover(&codes[1]).await.expect(200);
    let left = portal.world.sql(
        "SELECT json_extract(entry, '$.detail.left') FROM audit_entry
        WHERE json_extract(entry, '$.action') = 'recovery.used' ORDER BY id",
    );
    assert_eq!(left, "9\n8");
}

/// Ada is an admin, so that nothing is refused for her role.
#[tokio::test(flavor = "multi_thread")]
async fn f74_a_recovering_session_reaches_the_set_up_and_nothing_else() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let bo = portal.ready_phone(&mut ada, BO).await;
    portal.clock.pass(STEP_MS);
    let code = ada.authenticator.as_ref().unwrap().code_at(portal.clock.now_ms());
    let mut web = portal.browser();
    web.sign_in(ADA).await;
    web.recover(&ada.recovery_codes[0]).await.expect(303);
    let mut phone = portal.phone();
    phone.sign_in(BO).await;
    phone.recover(&bo.recovery_codes[0]).await.expect(200);
    const OPEN: [(&str, &str); 18] = [
        ("GET", "/v1/nonce"),
        ("GET", "/v1/step"),
        ("GET", "/v1/policy"),
        ("POST", "/v1/sessions"),
        ("DELETE", "/v1/sessions/self"),
        ("GET", "/sign-in"),
        ("POST", "/sign-in"),
        ("GET", "/sign-in/sso"),
        ("GET", "/sign-in/sso/0"),
        ("GET", "/sign-in/sso/callback"),
        ("GET", "/auth/start"),
        ("GET", "/auth/landing"),
        ("POST", "/sign-out"),
        ("GET", "/set-up"),
        ("POST", "/language"),
        ("POST", "/appearance"),
        ("GET", "/invitation"),
        ("POST", "/invitation"),
    ];
    // What pages are drawn with, and what a token opens that this session has not.
    const ASIDE: [&str; 4] = ["/assets/", "/first-run/", "/not-me/", "/confirm-set-up/"];
    // The one thing it can do.
    const SET_UP: [&str; 4] = ["/v1/two-step/set-up", "/v1/two-step/confirm", "/set-up", "/set-up/confirm"];
    let document = portal.door.get("/v1/openapi.json").await.value();
    let mut routes = pages(&portal);
    for (path, methods) in document["paths"].as_object().unwrap() {
        routes.extend(methods.as_object().unwrap().keys().map(|method| (method.to_uppercase(), path.clone())));
    }
    let before = [portal.world.dump("factor"), portal.world.dump("recovery_code"), portal.world.dump("device")];
    let mut asked = 0;
    for (method, path) in &routes {
        let is_aside = ASIDE.iter().any(|start| path.starts_with(start));
        if is_aside || OPEN.contains(&(method, path)) || SET_UP.contains(&path.as_str()) {
            continue;
        }
        let path = path.replace("/files/0", "/files/{file}").replace("{file}", &portal.world.file);
        let path = path.replace("/0/", "/{device}/").replace("{device}", &bo.device_id());
        let fields = [("code", code.as_str()), ("version", "2"), ("comparison_code", "1234 5678"), ("issued_ms", "1")];
        let answers = match (method.as_str(), path.starts_with("/v1/")) {
            ("GET", false) => vec![web.get(&path).await],
            (_, false) => vec![web.form(&path, &fields).await],
            ("GET", true) => vec![web.get(&path).await, phone.get(By::Session, &path).await],
            ("PUT", true) => vec![web.put(&path, &json!({ "code": code })).await],
            ("POST", true) => vec![
                web.post(&path, &json!({ "code": code })).await,
                phone.post(By::Session, &path, &json!({ "code": bo.code_now() })).await,
            ],
            (method, true) => vec![phone.call(By::Session, method, &path, &Value::Null).await],
        };
        for answer in answers {
            let text = answer.text();
            let is_led = answer.status.as_u16() == 303 && answer.header("location").starts_with("/set-up");
            // A proxy and a back end are nobody's session, whatever its step.
            let refused = match path.as_str() {
                "/v1/introspection" => "TL-4010",
                path if path.starts_with("/v1/forward-auth") => "TL-3006",
                _ => STEP_REQUIRED,
            };
            assert!(is_led || answer.code() == refused, "{method} {path}: {} {text}", answer.status);
            assert!(!text.contains(FILE_CONTENT) && !text.contains(FILE_NAME) && !text.contains("Cy Castle"));
            asked += 1;
        }
    }
    assert!(asked >= 60, "{asked}");
    assert_eq!((web.step().await.as_str(), phone.step().await.as_str()), ("set_up_two_step", "set_up_two_step"));
    let after = [portal.world.dump("factor"), portal.world.dump("recovery_code"), portal.world.dump("device")];
    assert_eq!(after, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn f74_the_new_authenticator_takes_the_place_of_the_old_one() {
    let portal = Portal::start();
    portal.enforced().await;
    let old = bo(&portal).await;
    let lost = again(&portal).await;
    lost.recover(&old.recovery_codes[3]).await.expect(200);
    let set_up = lost.begin_set_up().await;
    // A name of its own, should the old entry still be in the app.
    assert!(set_up.uri.expose().contains("bo%40example.test%20%282"), "{}", set_up.uri.expose());
    // Begun and not proven: the old one goes on.
    portal.clock.pass(STEP_MS);
    let other = again(&portal).await;
    other.verify(&old.code_now()).await.expect(200);
    let new = Authenticator::from_uri(set_up.uri.expose());
    lost.confirm(&new.wrong_code(portal.clock.now_ms(), 1)).await.expect_problem(422, CODE_REFUSED);
    let answer = lost.confirm(&new.code_at(portal.clock.now_ms())).await;
    assert_eq!(answer.expect(200).step(), "await_approval", "the code counts as this session's");
    let confirmed: TwoStepConfirmed = answer.json();
    assert_eq!(portal.world.sql("SELECT count(*) FROM session WHERE recovering = 1"), "0");
    assert_eq!(portal.world.audited("two_step.recovered"), 1);
    // The old authenticator and the old set are gone.
    portal.clock.pass(STEP_MS);
    let next = again(&portal).await;
    next.verify(&old.code_now()).await.expect_problem(422, CODE_REFUSED);
    next.recover(&old.recovery_codes[4]).await.expect_problem(422, REFUSED);
    next.verify(&new.code_at(portal.clock.now_ms())).await.expect(200);
    let fresh: Vec<&str> = confirmed.recovery_codes.iter().map(|code| code.expose()).collect();
    assert_eq!(fresh.len(), 10);
    again(&portal).await.recover(fresh[0]).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn f74_b20_a_new_set_voids_the_old_one() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let mut bo = portal.ready_phone(&mut ada, BO).await;
    portal.clock.pass(10 * MINUTE_MS);
    bo.post(By::Session, "/v1/recovery-codes", &Value::Null).await.expect_problem(403, "TL-3003");
    bo.verify(&bo.code_now()).await.expect(200);
    let issued: RecoveryCodesIssued = bo.post(By::Session, "/v1/recovery-codes", &Value::Null).await.json();
    let new: Vec<&str> = issued.recovery_codes.iter().map(|code| code.expose()).collect();
    assert_eq!(new.len(), 10);
    let state: RecoveryCodesState = bo.get(By::Session, "/v1/recovery-codes").await.json();
    assert_eq!((state.left, state.issued_ms, state.saved_ms), (10, portal.clock.now_ms(), 0));
    let next = again(&portal).await;
    next.recover(&bo.recovery_codes[0]).await.expect_problem(422, REFUSED);
    next.recover(new[9]).await.expect(200);
    bo.recovery_codes.clear();
    assert_eq!(portal.world.sql("SELECT count(*) FROM recovery_code WHERE used_ms > 0"), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn f74_two_portals_at_once_take_a_recovery_code_once() {
    let world = World::new();
    let (left, right) = tokio::join!(Served::start(&world), Served::start(&world));
    let mut ada = left.browser();
    ada.sign_in(ADA).await;
    ada.require_two_step().await;
    let mut bo = left.phone();
    bo.sign_in(BO).await;
    bo.set_up().await;
    // The winner ends the loser's session; here it stays, so that the code itself has to be taken once.
    world.database.keep_rows("session").unwrap();
    let mut won_at_left = 0;
    for (round, code) in bo.recovery_codes.iter().enumerate() {
        let (mut at_left, mut at_right) = (left.phone(), right.phone());
        at_left.sign_in(BO).await;
        at_right.sign_in(BO).await;
        world.sql("UPDATE recovery SET fails = 0, wait_until_ms = 0");
        let body = json!({ "code": code }).to_string().into_bytes();
        let to_left = at_left.prepare(By::Session, "POST", "/v1/recovery", &body).await;
        let to_right = at_right.prepare(By::Session, "POST", "/v1/recovery", &body).await;
        let send = |door: Door, headers: phone::Headers| {
            let body = body.clone();
            tokio::spawn(async move { door.send("POST", "/v1/recovery", &headers, body).await })
        };
        let (first, second) = tokio::join!(send(left.door.clone(), to_left), send(right.door.clone(), to_right));
        let (first, second) = (first.unwrap(), second.unwrap());
        won_at_left += u32::from(first.status.is_success());
        let (won, lost) = if first.status.is_success() { (&first, &second) } else { (&second, &first) };
        assert_eq!(won.status.as_u16(), 200, "round {round}: {} {}", first.text(), second.text());
        lost.expect_problem(422, REFUSED);
    }
    println!("{won_at_left} of 10 were won at the first portal");
    assert_eq!(world.audited("recovery.used"), 10);
    assert_eq!(world.audited("recovery.refused"), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn b27_b28_recovery_codes_have_the_limits_and_waits_of_codes() {
    let portal = Portal::start();
    portal.enforced().await;
    let bo = bo(&portal).await;
    let right = &bo.recovery_codes[0];
    let mut waits = Vec::new();
    for n in 1..=9 {
        // A session of its own each, and an unknown selector counts as a wrong code does.
        let phone = again(&portal).await;
        let guess = if n % 2 == 0 { unknown(&bo.recovery_codes) } else { wrong(right, n) };
        phone.recover(&guess).await.expect_problem(422, REFUSED);
        assert_eq!(fails(&portal), n.to_string());
        if n >= 3 {
            // Also the right code has to wait, and costs nothing.
            let answer = phone.recover(right).await;
            waits.push(answer.expect_problem(429, CODE_WAIT).value()["retry_after_ms"].as_u64().unwrap());
            assert_eq!(fails(&portal), n.to_string());
            portal.clock.pass(*waits.last().unwrap());
        }
    }
    assert_eq!(waits[..4], [30_000, MINUTE_MS, 5 * MINUTE_MS, 15 * MINUTE_MS]);
    let last = again(&portal).await;
    let answer = last.recover(&wrong(right, 10)).await;
    assert!(answer.expect_problem(403, DISABLED).text().contains("An admin of your organisation"));
    // Neither time nor the right code brings them back.
    portal.clock.pass(30 * DAY_MS);
    let phone = again(&portal).await;
    phone.recover(right).await.expect_problem(403, DISABLED);
    assert_eq!(portal.world.audited("recovery.disabled"), 1);
    // The authenticator has a count of its own.
    phone.verify(&bo.code_now()).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn f74_every_try_is_counted_before_it_is_looked_at() {
    let portal = Portal::start();
    portal.enforced().await;
    let bo = bo(&portal).await;
    portal.world.database.keep_at("recovery", "wait_until_ms", 0).unwrap();
    let phone = Arc::new(again(&portal).await);
    let tries: Vec<_> = (0..40)
        .map(|n| {
            let (phone, guess) = (phone.clone(), wrong(&bo.recovery_codes[0], n));
            tokio::spawn(async move { phone.recover(&guess).await.code() })
        })
        .collect();
    let mut codes = Vec::new();
    for one in tries {
        codes.push(one.await.unwrap());
    }
    let refused = codes.iter().filter(|code| *code == REFUSED).count();
    let disabled = codes.iter().filter(|code| *code == DISABLED).count();
    assert_eq!((refused, disabled), (9, 31), "{codes:?}");
    assert_eq!(portal.world.audited("recovery.refused"), 10);
    assert_eq!(fails(&portal), "10");
    // A count below zero is nobody's.
    portal.world.database.loosen("recovery", "member").unwrap();
    portal.world.sql("UPDATE recovery SET fails = -3");
    phone.recover(&bo.recovery_codes[0]).await.expect_problem(403, DISABLED);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_a_recovery_code_costs_no_try() {
    let portal = Portal::start();
    portal.enforced().await;
    let bo = bo(&portal).await;
    let phone = again(&portal).await;
    for typed in ["", "123456", "K7", "U7-0000-0000-0000-0000", "K7_0000_0000_0000_0000", &"0".repeat(10_000)] {
        phone.recover(typed).await.expect_problem(400, MALFORMED);
    }
    let mut web = portal.browser();
    web.sign_in(BO).await;
    assert!(web.recover("K7-12").await.expect(422).text().contains("looks like K7-XXXX"));
    assert_eq!(fails(&portal), "0");
    assert_eq!(portal.world.audited("recovery.refused"), 0);
    phone.recover(&bo.recovery_codes[0]).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_authenticator_leads_to_the_recovery_code() {
    let portal = Portal::start();
    portal.enforced().await;
    let bo = bo(&portal).await;
    portal.world.sql("UPDATE factor SET state = 'disabled' WHERE member <> '' AND confirmed_ms > 0");
    let mut web = portal.browser();
    web.sign_in(BO).await;
    web.get("/v1/files").await.expect_problem(403, DISABLED);
    assert!(web.get("/files").await.expect(303).header("location").starts_with("/recovery"));
    assert!(web.get("/recovery").await.expect(200).text().contains("was disabled"));
    let phone = again(&portal).await;
    phone.post(By::Session, "/v1/two-step/set-up", &Value::Null).await.expect_problem(403, DISABLED);
    assert_eq!(phone.recover(&bo.recovery_codes[0]).await.expect(200).step(), "set_up_two_step");
    let new = Authenticator::from_uri(phone.begin_set_up().await.uri.expose());
    phone.confirm(&new.code_at(portal.clock.now_ms())).await.expect(200);
    assert_eq!(portal.world.sql("SELECT count(*) FROM factor WHERE state = 'disabled'"), "1", "Ada's");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_session_that_has_shown_the_password_is_recovered() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let mut bo = portal.ready_phone(&mut ada, BO).await;
    let code = bo.recovery_codes[0].clone();
    // With everything done there is nothing to recover.
    bo.recover(&code).await.expect_problem(403, STEP_REQUIRED);
    // The PIN opens a session without a password.
    portal.clock.pass(31 * DAY_MS);
    bo.try_pin(true).await.expect(200);
    assert_eq!(bo.step().await, "enter_code");
    bo.recover(&code).await.expect_problem(403, STEP_REQUIRED);
    bo.post(By::Device, "/v1/recovery", &json!({ "code": code })).await.expect_problem(403, STEP_REQUIRED);
    portal.door.send("POST", "/v1/recovery", &[], Vec::new()).await.expect_problem(401, SESSION_ENDED);
    assert_eq!(fails(&portal), "0");
    // Without an authenticator there is one to set up, not one to recover.
    let mut cy = portal.phone();
    cy.sign_in(CY).await;
    cy.recover(&code).await.expect_problem(403, STEP_REQUIRED);
    // A suspended member stays outside.
    portal.world.sql("UPDATE member SET state = 'suspended' WHERE email = 'bo@example.test'");
    bo.recover(&code).await.expect_problem(403, "TL-3009");
}
