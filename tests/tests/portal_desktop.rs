//! A desktop at the portal: a device without a PIN, whose every session shows password and code.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod support;

use serde_json::{Value, json};
use support::phone::{By, new_key, spki};
use support::*;

/// A portal without a policy, Ada with her authenticator, and Bo with his.
async fn scene() -> (Portal, Browser, Authenticator) {
    let portal = Portal::start();
    let (mut ada, mut bo) = (portal.browser(), portal.browser());
    ada.sign_in(ADA).await;
    ada.set_up().await;
    bo.sign_in(BO).await;
    bo.set_up().await;
    portal.clock.pass(STEP_MS);
    (portal, ada, bo.authenticator.unwrap())
}

fn desktop(portal: &Portal) -> Phone {
    let mut desktop = portal.phone();
    desktop.surface = "desktop";
    desktop
}

fn sessions_of_desktops(portal: &Portal) -> String {
    portal.world.sql("SELECT count(*) FROM session WHERE surface = 'desktop'")
}

#[tokio::test(flavor = "multi_thread")]
async fn b54_a_member_without_two_step_registers_no_desktop_and_is_told_what_to_do() {
    let portal = Portal::start();
    let mut cy = desktop(&portal);
    // A wrong password learns nothing of it, and neither does a name that nobody has.
    cy.try_sign_in(CY, "not the password").await.expect_problem(401, "TL-3004");
    cy.try_sign_in("nobody@example.test", PASSWORD).await.expect_problem(401, "TL-3004");
    let refused = cy.try_sign_in(CY, PASSWORD).await;
    refused.expect_problem(403, "TL-3013");
    assert!(refused.text().contains("needs two-step"), "{}", refused.text());
    // Neither does an exception open it, nor a set-up that was never completed.
    let mut ada = portal.enforced().await;
    let until_ms = portal.clock.now_ms() + DAY_MS;
    let exception = json!({ "until_ms": until_ms, "reason": "a trip" });
    let member = portal.world.member(CY);
    portal.clock.pass(STEP_MS);
    ada.enter_code().await;
    ada.put(&format!("/v1/admin/members/{member}/exception"), &exception).await.expect(204);
    let mut web = portal.browser();
    web.sign_in(CY).await;
    web.get("/v1/files").await.expect(200);
    web.begin_set_up().await.expect(200);
    cy.try_sign_in(CY, PASSWORD).await.expect_problem(403, "TL-3013");
    assert_eq!(sessions_of_desktops(&portal), "0");
    let told = portal.world.audit_details("session.refused");
    assert_eq!(told, vec![json!({ "surface": "desktop", "reason": "TL-3013" }); 2]);
    // With an authenticator that was disabled the way is another one.
    web.set_up().await;
    portal.world.sql(&format!("UPDATE factor SET state = 'disabled' WHERE member = '{member}'"));
    cy.try_sign_in(CY, PASSWORD).await.expect_problem(403, "TL-2004");
    assert_eq!(sessions_of_desktops(&portal), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn b54_a_desktop_shows_a_code_waits_for_its_approval_and_then_shows_one_for_each_session() {
    let (portal, mut ada, authenticator) = scene().await;
    let mut bo = desktop(&portal);
    bo.authenticator = Some(authenticator);
    bo.facts = bo.facts.replace("\"software\"", "\"software\",\"key_place\":\"file\"");
    bo.sign_in(BO).await;
    assert_eq!(bo.step().await, "enter_code");
    bo.get(By::Session, "/v1/files").await.expect_problem(403, "TL-3001");
    bo.verify(&bo.code_now()).await.expect(200);
    bo.get(By::Session, "/v1/files").await.expect_problem(403, "TL-3001");
    bo.enroll().await;
    // Pending: not even names, with either key.
    assert_eq!(bo.step().await, "await_approval");
    bo.get(By::Session, "/v1/files").await.expect_problem(403, "TL-3001");
    let list: Value = ada.get("/v1/admin/devices").await.json();
    assert_eq!((&list["devices"][0]["surface"], &list["devices"][0]["key_place"]), (&json!("desktop"), &json!("file")));
    let page = ada.get("/admin/devices").await.text();
    assert!(page.contains("Desktop ·") && page.contains("software (a file)"), "{page}");
    ada.approve(&bo).await.expect(204);
    assert_eq!(bo.step().await, "ready");
    bo.get(By::Session, "/v1/files").await.expect(200);
    // Twelve hours later, in spite of daily use, the session is over; the device is the same, and no admin is asked again.
    portal.clock.pass(12 * HOUR_MS);
    bo.get(By::Session, "/v1/files").await.expect_problem(401, "TL-3005");
    assert_eq!(bo.get(By::Device, "/v1/devices/self").await.step(), "sign_in");
    bo.sign_in(BO).await;
    assert_eq!(bo.step().await, "enter_code");
    bo.get(By::Session, "/v1/files").await.expect_problem(403, "TL-3001");
    bo.verify(&bo.code_now()).await.expect(200);
    bo.get(By::Session, "/v1/files").await.expect(200);
    assert_eq!(portal.world.sql("SELECT count(*) FROM device"), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_desktops_key_sets_no_pin() {
    let (portal, mut ada, authenticator) = scene().await;
    let bo = portal.ready_desktop(&mut ada, BO, authenticator).await;
    for by in [By::Device, By::Session] {
        bo.post(by, "/v1/pin/prepare", &Value::Null).await.expect_problem(403, "TL-3001");
    }
    assert_eq!(portal.world.sql("SELECT count(*) FROM prepared_pin"), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_claimed_by_the_members_own_desktop_alone() {
    let (portal, mut ada, authenticator) = scene().await;
    let mut bo = portal.ready_desktop(&mut ada, BO, authenticator).await;
    let device = bo.device_id();
    let mut cy = portal.browser();
    cy.sign_in(CY).await;
    cy.set_up().await;
    let sign_in = |name: &str, surface: &str, claim: Value, key: &twinlock_core::proof::SigningKey| {
        json!({ "name": name, "password": PASSWORD, "surface": surface, "session_key": spki(key),
            "app_version": "1.0.0", "device": claim })
    };
    let before = sessions_of_desktops(&portal);
    // A signature over another session key, or by another key.
    let (key, other) = (new_key(), new_key());
    let stolen = bo.claim(&device, &spki(&other).0);
    bo.open_session(&sign_in(BO, "desktop", stolen, &key), &key).await.expect_problem(401, "TL-4010");
    let own = bo.device_key.clone();
    bo.device_key = new_key();
    let forged = bo.claim(&device, &spki(&key).0);
    bo.open_session(&sign_in(BO, "desktop", forged, &key), &key).await.expect_problem(401, "TL-4010");
    bo.device_key = own;
    // Another member's, and one that there is not.
    let right = bo.claim(&device, &spki(&key).0);
    bo.open_session(&sign_in(CY, "desktop", right.clone(), &key), &key).await.expect_problem(403, "TL-6001");
    let unknown = bo.claim("0000", &spki(&key).0);
    bo.open_session(&sign_in(BO, "desktop", unknown, &key), &key).await.expect_problem(403, "TL-6001");
    // A phone's session is opened by its PIN, and by no claim: neither does a phone claim one, nor is a phone claimed.
    bo.open_session(&sign_in(BO, "phone", right.clone(), &key), &key).await.expect_problem(400, "TL-4007");
    portal.world.sql("UPDATE device SET surface = 'phone'");
    bo.open_session(&sign_in(BO, "desktop", right.clone(), &key), &key).await.expect_problem(403, "TL-6001");
    portal.world.sql("UPDATE device SET surface = 'desktop'");
    assert_eq!(sessions_of_desktops(&portal), before);
    // A revoked one learns it after the right password, and not before.
    portal.clock.pass(STEP_MS);
    ada.decide(&device, "revoke").await.expect(204);
    bo.try_sign_in(BO, "not the password").await.expect_problem(401, "TL-3004");
    bo.try_sign_in(BO, PASSWORD).await.expect_problem(401, "TL-5007");
    bo.get(By::Session, "/v1/files").await.expect_problem(401, "TL-5007");
    assert_eq!(sessions_of_desktops(&portal), before);
}

/// There are no long-lived tokens and no basic authentication to be left over: a session is all there is, each is listed,
/// and what does not comply is cut at the switch.
#[tokio::test(flavor = "multi_thread")]
async fn b55_sessions_of_before_the_switch_are_listed_and_cut_at_enforcement() {
    let portal = Portal::start();
    let mut ada = portal.browser();
    ada.sign_in(ADA).await;
    let (mut web, mut phone, mut legacy) = (portal.browser(), portal.phone(), portal.phone());
    web.sign_in(CY).await;
    phone.sign_in(CY).await;
    legacy.sign_in(CY).await;
    web.get("/v1/files").await.expect(200);
    phone.get(By::Session, "/v1/files").await.expect(200);
    // As an older portal left it: a desktop's session without a code and without a device.
    let newest = portal.world.sql("SELECT id FROM session ORDER BY created_ms DESC, id DESC LIMIT 1");
    portal.world.sql(&format!("UPDATE session SET surface = 'desktop' WHERE id = '{newest}'"));
    legacy.get(By::Session, "/v1/files").await.expect_problem(403, "TL-3001");
    // The admin sees all three, and which of them is a desktop's.
    let member = portal.world.member(CY);
    let list: Value = ada.get(&format!("/v1/admin/members/{member}/sessions")).await.json();
    let mut surfaces: Vec<_> =
        list["sessions"].as_array().unwrap().iter().map(|session| session["surface"].as_str().unwrap()).collect();
    surfaces.sort_unstable();
    assert_eq!(surfaces, ["desktop", "phone", "web"]);
    // The switch: the next request of each is led to the set-up, and reaches no file.
    ada.require_two_step().await;
    web.get("/v1/files").await.expect_problem(403, "TL-3001");
    for session in [&phone, &legacy] {
        let refused = session.get(By::Session, "/v1/files").await;
        refused.expect_problem(403, "TL-3001");
        assert_eq!(refused.step(), "set_up_two_step");
    }
    // What other systems keep for old clients opens nothing here, before or after.
    let basic = data_encoding::BASE64.encode(format!("{CY}:{PASSWORD}").as_bytes());
    for authorisation in [format!("Basic {basic}"), "Bearer 0123456789abcdef".to_owned()] {
        let headers = [("authorization".to_owned(), authorisation)];
        portal.door.send("GET", "/v1/files", &headers, Vec::new()).await.expect_problem(401, "TL-3005");
    }
}
