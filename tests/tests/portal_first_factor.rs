//! Whoever knows nothing but the password must not become the one who holds the second factor of an account that was used.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "support/handset.rs"]
mod handset;
mod support;

use handset::Handset;
use serde_json::{Value, json};
use support::phone::By;
use support::*;
use twinlock_core::Error;
use twinlock_core::ports::PinKeyKind;
use twinlock_core::step::Step;

const UNCONFIRMED: &str = "TL-3014";
const CHECKED: [(&str, &str); 2] = [("identity_check", "known_phone"), ("reference", "called back")];

/// Bo has reached the files with a password alone; now two-step is required, and `first_factor` holds.
async fn stage(first_factor: &str) -> (Portal, Browser) {
    let portal = Portal::start();
    let mut bo = portal.browser();
    bo.sign_in(BO).await;
    bo.get("/files").await.expect(200);
    let mut ada = portal.enforced().await;
    ada.change_policy(json!({ "first_factor": first_factor }), "").await.expect(200);
    (portal, ada)
}

async fn signed_in(portal: &Portal, name: &str) -> Browser {
    let mut browser = portal.browser();
    browser.sign_in(name).await;
    browser
}

async fn waiting(ada: &mut Browser) -> Vec<Value> {
    let list: Value = ada.get("/v1/admin/set-ups").await.expect(200).json();
    list["requests"].as_array().unwrap().clone()
}

fn allow_page(request: &Value) -> String {
    format!("/admin/users/{}/set-ups/{}", request["member"].as_str().unwrap(), request["session"].as_str().unwrap())
}

fn factors(portal: &Portal) -> String {
    let bo = portal.world.member(BO);
    portal.world.sql(&format!("SELECT count(*) FROM factor WHERE member = '{bo}'"))
}

#[tokio::test(flavor = "multi_thread")]
async fn b22_an_admin_lets_one_sign_in_go_on_and_no_other() {
    let (portal, mut ada) = stage("admin").await;
    // Somebody with the password alone, on a phone; and Bo.
    let mut thief = portal.phone();
    thief.sign_in(BO).await;
    thief.post(By::Session, "/v1/two-step/set-up", &Value::Null).await.expect_problem(403, UNCONFIRMED);
    assert_eq!(thief.step().await, "set_up_two_step");
    let mut bo = signed_in(&portal, BO).await;
    let page = bo.get("/set-up?next=%2Ffiles").await.expect(200).text();
    assert!(page.contains("First confirm that it is you") && page.contains("Ask the admins"), "{page}");
    assert!(!page.contains("Show the QR code"), "{page}");
    assert_eq!(waiting(&mut ada).await.len(), 1, "looking asks nobody");
    let asked = bo.form("/set-up", &[("next", "/files")]).await;
    assert_eq!(asked.expect(303).header("location"), "/set-up?next=%2Ffiles");
    let page = bo.get("/set-up").await.expect(200).text();
    assert!(page.contains("The admins of your organisation see that you wait"), "{page}");
    // Again: neither a request nor a mail more.
    bo.form("/set-up", &[]).await.expect(303);
    assert_eq!(factors(&portal), "0");

    let open = waiting(&mut ada).await;
    assert_eq!(open.len(), 2);
    let of_bo = open.iter().find(|request| request["surface"] == "web").unwrap();
    let overview = ada.get("/admin").await.expect(200).text();
    assert!(
        overview.contains("2 sign-ins wait to set up") && overview.contains("href=\"/admin/set-ups\""),
        "{overview}"
    );
    let list = ada.get("/admin/set-ups").await.expect(200).text();
    assert!(list.contains(&allow_page(of_bo)) && list.contains("Bo Brandt"), "{list}");
    let profile = ada.get(&format!("/admin/users/{}", of_bo["member"].as_str().unwrap())).await.expect(200).text();
    assert!(profile.contains(&allow_page(of_bo)), "{profile}");
    let question = ada.get(&allow_page(of_bo)).await.expect(200).text();
    assert!(question.contains("Let Bo Brandt set up two-step authentication?"), "{question}");
    for (fields, fault) in [
        (&[("reference", "ticket")][..], "Choose how you checked"),
        (&[("identity_check", "video"), ("reference", " ")], "Write down the ticket"),
    ] {
        assert!(ada.form(&allow_page(of_bo), fields).await.expect(422).text().contains(fault));
    }
    bo.form("/set-up", &[]).await.expect(303);
    let allowed = ada.form(&allow_page(of_bo), &CHECKED).await;
    assert!(allowed.expect(303).header("location").ends_with("?done=set-up-allowed"));
    let told = portal.world.audit_details("two_step.confirmation_given");
    assert_eq!((&told[0]["identity_check"], &told[0]["session"]), (&json!("known_phone"), &of_bo["session"]));

    thief.post(By::Session, "/v1/two-step/set-up", &Value::Null).await.expect_problem(403, UNCONFIRMED);
    signed_in(&portal, BO).await.form("/set-up", &[]).await.expect(303);
    bo.set_up().await;
    bo.get("/files").await.expect(200);
    let bo_id = portal.world.member(BO);
    let mails = |kind: &str, who: &str| {
        portal.world.sql(&format!("SELECT count(*) FROM outbox WHERE kind = '{kind}' AND member = '{who}'"))
    };
    assert_eq!(mails("set_up_asked", &bo_id), "3", "one for each sign-in that asked");
    assert_eq!(mails("set_up_asked_for_admins", &portal.world.member(ADA)), "3");
    assert_eq!(mails("set_up", &bo_id), "1");
    assert_eq!(portal.world.sql("SELECT count(*) FROM set_up_request"), "0");
    assert!(waiting(&mut ada).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn b22_a_new_account_is_not_asked_and_a_used_one_is_after_a_reset_too() {
    let (portal, mut ada) = stage("admin").await;
    let mut cy = signed_in(&portal, CY).await;
    cy.set_up().await;
    cy.get("/files").await.expect(200);
    let member = portal.world.member(CY);
    ada.form(&format!("/admin/users/{member}/reset"), &CHECKED).await.expect(303);
    let mut cy = signed_in(&portal, CY).await;
    assert!(cy.get("/set-up").await.expect(200).text().contains("First confirm that it is you"));
    // The operator, where no admin is there to ask.
    portal.world.run(&["rescue", "reset-two-step", "--email", CY, "--reason", "the only admin"], "");
    let mut cy = signed_in(&portal, CY).await;
    cy.set_up().await;
    assert_eq!(portal.world.sql(&format!("SELECT set_up_until_ms FROM member WHERE id = '{member}'")), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn b22_a_secret_that_is_older_than_the_rule_is_not_confirmed_either() {
    let (portal, mut ada) = stage("free").await;
    let mut thief = portal.phone();
    thief.sign_in(BO).await;
    let authenticator = Authenticator::from_uri(thief.begin_set_up().await.uri.expose());
    ada.change_policy(json!({ "first_factor": "mail" }), "").await.expect(200);
    let code = authenticator.code_at(portal.clock.now_ms());
    thief.confirm(&code).await.expect_problem(403, UNCONFIRMED);
    assert_eq!(thief.step().await, "set_up_two_step");
    let active = "SELECT count(*) FROM factor WHERE state = 'active' AND member = 'BO'";
    assert_eq!(portal.world.sql(&active.replace("BO", &portal.world.member(BO))), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn b22_what_is_allowed_ends_with_its_hour_its_session_and_a_stricter_rule() {
    let (portal, mut ada) = stage("mail").await;
    let mut bo = signed_in(&portal, BO).await;
    bo.form("/set-up", &[]).await.expect(303);
    // As the link of the mail does it.
    portal.world.sql(&format!("UPDATE set_up_request SET allowed_ms = {}", portal.clock.now_ms()));
    assert!(bo.get("/set-up").await.expect(200).text().contains("Show the QR code"));
    ada.change_policy(json!({ "first_factor": "admin" }), "").await.expect(200);
    assert!(bo.get("/set-up").await.expect(200).text().contains("Ask the admins"));
    bo.form("/set-up", &[]).await.expect(303);
    let open = waiting(&mut ada).await;
    ada.form(&allow_page(&open[0]), &CHECKED).await.expect(303);
    assert!(bo.get("/set-up").await.expect(200).text().contains("Show the QR code"));
    for _ in 0..7 {
        portal.clock.pass(9 * MINUTE_MS);
        bo.get("/set-up").await.expect(200);
    }
    assert!(bo.get("/set-up").await.expect(200).text().contains("Ask the admins"), "an hour is over");

    // A session that is over is no request any more.
    bo.form("/set-up", &[]).await.expect(303);
    let mut ada = portal.browser_again(ada).await;
    assert_eq!(waiting(&mut ada).await.len(), 1);
    bo.delete("/v1/sessions/self").await.expect(204);
    assert!(waiting(&mut ada).await.is_empty());
    ada.get(&allow_page(&open[0])).await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn b22_who_asks_too_often_fills_nobodys_mail_box() {
    let (portal, _ada) = stage("mail").await;
    for _ in 0..5 {
        signed_in(&portal, BO).await.form("/set-up", &[]).await.expect(303);
    }
    let mut phone = portal.phone();
    phone.sign_in(BO).await;
    phone.post(By::Session, "/v1/two-step/set-up", &Value::Null).await.expect_problem(429, "TL-4005");
    assert_eq!(portal.world.sql("SELECT count(*) FROM outbox WHERE kind = 'confirm_set_up'"), "5");
}

#[tokio::test(flavor = "multi_thread")]
async fn b22_nobody_allows_his_own_and_nobody_locks_himself_out() {
    let portal = Portal::start();
    let mut ada = portal.browser();
    ada.sign_in(ADA).await;
    ada.get("/files").await.expect(200);
    // Without an authenticator the only admin would wait for himself.
    ada.change_policy(json!({ "first_factor": "admin" }), "").await.expect_problem(403, "TL-3003");
    ada.change_policy(json!({ "first_factor": "mail" }), "").await.expect(200);
    ada.form("/set-up", &[]).await.expect(303);
    let own = waiting(&mut ada).await[0].clone();
    let target = format!("/v1{}", allow_page(&own).replace("/users/", "/members/"));
    let checked = json!({ "identity_check": "in_person", "reference": "me" });
    ada.post(&target, &checked).await.expect_problem(403, "TL-3006");
    portal.world.sql(&format!("UPDATE set_up_request SET allowed_ms = {}", portal.clock.now_ms()));
    ada.set_up().await;
    ada.change_policy(json!({ "first_factor": "admin" }), "").await.expect(200);
    ada.post("/v1/admin/members/0123456789abcdef/set-ups/0123456789abcdef", &checked)
        .await
        .expect_problem(404, "TL-4009");
}

#[tokio::test(flavor = "multi_thread")]
async fn b22_an_app_is_told_to_wait_and_begins_again_once_it_is_allowed() {
    let (portal, mut ada) = stage("admin").await;
    let mut handset = Handset::new(&portal, BO, PinKeyKind::Mac);
    handset.sign_in().await.unwrap();
    assert_eq!(handset.set_up_two_step().await.unwrap_err(), Error::SetUpUnconfirmed);
    assert_eq!(handset.engine.step(), Step::SetUpTwoStep);
    let request = waiting(&mut ada).await.remove(0);
    assert_eq!(request["surface"], "phone");
    ada.form(&allow_page(&request), &CHECKED).await.expect(303);
    let step = handset.set_up_two_step().await.unwrap();
    assert!(matches!(step, Step::AwaitApproval { .. }), "{step:?}");
}
