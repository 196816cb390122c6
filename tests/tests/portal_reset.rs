//! *Reset Two-Step Authentication*: what it clears, who may do it, and what dies with it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod support;

use serde_json::{Value, json};
use support::phone::By;
use support::*;

const SESSION_ENDED: &str = "TL-3005";
const FORBIDDEN: &str = "TL-3006";
const DEVICE_REVOKED: &str = "TL-5007";

fn page(member: &str) -> String {
    format!("/admin/users/{member}/reset")
}

const CHECKED: [(&str, &str); 2] = [("identity_check", "known_phone"), ("reference", "ticket 4711, called back")];

#[tokio::test(flavor = "multi_thread")]
async fn b60_a_reset_clears_everything_that_opened_the_account_and_the_requirement_stays() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let mut bo = portal.ready_phone(&mut ada, BO).await;
    let member = bo.member.clone();
    let of_bo = |what: &str| portal.world.sql(&what.replace("BO", &format!("'{member}'")));

    // The page says what will happen, and asks how the person was checked.
    let shown = ada.get(&page(&member)).await.expect(200).text();
    for told in ["of Bo Brandt?", "1 device is revoked", "The requirement stays", "told by mail", "In a video call"] {
        assert!(shown.contains(told), "{told}: {shown}");
    }
    for (fields, fault) in [
        (&[("reference", "ticket")][..], "Choose how you checked"),
        (&[("identity_check", "horoscope"), ("reference", "ticket")], "Choose how you checked"),
        (&[("identity_check", "video"), ("reference", " ")], "Write down the ticket"),
    ] {
        let refused = ada.form(&page(&member), fields).await.expect(422).text();
        assert!(refused.contains(fault) && refused.contains("role=\"alert\""), "{refused}");
    }
    assert_eq!(of_bo("SELECT count(*) FROM factor WHERE member = BO"), "1");

    let answer = ada.form(&page(&member), &CHECKED).await;
    assert!(answer.expect(303).header("location").ends_with("?done=reset"));
    for table in ["factor", "recovery", "recovery_code", "session", "enrollment"] {
        assert_eq!(of_bo(&format!("SELECT count(*) FROM {table} WHERE member = BO")), "0", "{table}");
    }
    assert_eq!(of_bo("SELECT state FROM device WHERE member = BO"), "revoked");
    let pin = "SELECT state FROM pin WHERE device IN (SELECT id FROM device WHERE member = BO)";
    assert_eq!(of_bo(pin), "erased");
    let seeds = "SELECT count(*) FROM pin WHERE length(seed_sealed) > 0 AND device IN (SELECT id FROM device WHERE member = BO)";
    assert_eq!(of_bo(seeds), "0", "the PIN's share is gone");
    assert_eq!(of_bo("SELECT count(*) FROM outbox WHERE kind = 'reset' AND member = BO"), "1", "the member is told");
    let told = &portal.world.audit_details("two_step.reset")[0];
    assert_eq!((&told["identity_check"], &told["reference"]), (&json!("known_phone"), &json!(CHECKED[1].1)));
    assert_eq!((&told["devices"], &told["factors"]), (&json!(1), &json!(1)));
    // The phone is out, with its PIN too.
    bo.get(By::Device, "/v1/devices/self").await.expect_problem(401, DEVICE_REVOKED);
    assert_eq!(bo.try_pin(true).await.status.as_u16(), 401);
    // The member is asked to set it up again; the rule stays for everybody.
    let mut web = portal.browser();
    web.sign_in(BO).await;
    assert_eq!(web.step().await, "set_up_two_step");
    assert_eq!(web.get("/files").await.expect(303).header("location"), "/set-up?next=%2Ffiles");
    assert_eq!(ada.policy().await["requires"]["two_step"], true);
    let profile = ada.get(&format!("/admin/users/{member}")).await.text();
    assert!(profile.contains("↺ Reset, waiting"), "{profile}");
    web.set_up().await;
    web.get("/files").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn b60_nobody_resets_himself_nor_without_a_fresh_code_nor_without_being_an_admin() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let (own, bo) = (portal.world.member(ADA), portal.world.member(BO));
    portal.world.add_member("Ivy", "ivy@example.test", "auditor");
    for name in [CY, "ivy@example.test"] {
        let mut other = portal.browser();
        other.sign_in(name).await;
        other.set_up().await;
        for target in [&own, &bo] {
            let body = json!({ "identity_check": "video", "reference": "x" });
            other.post(&format!("/v1/admin/members/{target}/reset"), &body).await.expect_problem(403, FORBIDDEN);
            other.form(&page(target), &CHECKED).await.expect(403);
            other.get(&page(target)).await.expect(403);
        }
    }
    assert_eq!(ada.get(&page(&own)).await.expect(303).header("location"), format!("/admin/users/{own}"));
    ada.form(&page(&own), &CHECKED).await.expect(403);
    portal.clock.pass(10 * MINUTE_MS);
    // Asked before the form is filled in.
    for answer in [ada.get(&page(&bo)).await, ada.form(&page(&bo), &CHECKED).await] {
        assert!(answer.expect(303).header("location").starts_with("/code?next=%2Fadmin%2Fusers%2F"));
    }
    assert_eq!(portal.world.audited("two_step.reset"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn b61_what_was_under_way_dies_with_the_reset() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let (bo, cy) = (portal.world.member(BO), portal.world.member(CY));
    // Bo stands at the code page, another session of his is recovering, a phone is enrolling.
    let mut first = portal.browser();
    first.sign_in(BO).await;
    first.set_up().await;
    let mut at_code = portal.browser();
    at_code.sign_in(BO).await;
    let mut enrolling = portal.phone();
    enrolling.sign_in(BO).await;
    portal.clock.pass(STEP_MS);
    let code = first.authenticator.as_ref().unwrap().code_at(portal.clock.now_ms());
    enrolling.verify(&code).await.expect(200);
    enrolling.post(By::Session, "/v1/enrollments", &Value::Null).await.expect(200);
    // Cy stands in the middle of the wizard.
    let mut in_wizard = portal.browser();
    in_wizard.sign_in(CY).await;
    let shown = in_wizard.form("/set-up", &[("next", "")]).await.expect(200).text();
    let pending = Browser::typed_key(&shown);
    for member in [&bo, &cy] {
        ada.form(&page(member), &CHECKED).await.expect(303);
    }
    portal.clock.pass(STEP_MS);
    let old = first.authenticator.as_ref().unwrap().code_at(portal.clock.now_ms());
    assert_eq!(at_code.code(&old).await.expect(303).header("location"), "/sign-in");
    at_code.get("/v1/step").await.expect_problem(401, SESSION_ENDED);
    first.get("/v1/step").await.expect_problem(401, SESSION_ENDED);
    enrolling.get(By::Session, "/v1/step").await.expect_problem(401, SESSION_ENDED);
    assert_eq!(portal.world.sql("SELECT count(*) FROM enrollment"), "0");
    let confirm = [("code", pending.code_at(portal.clock.now_ms())), ("next", String::new())];
    let confirm: Vec<(&str, &str)> = confirm.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(in_wizard.form("/set-up/confirm", &confirm).await.expect(303).header("location"), "/sign-in");
    // Signed in again, the secret from before confirms nothing.
    in_wizard.sign_in(CY).await;
    let answer = in_wizard.form("/set-up/confirm", &confirm).await;
    assert!(!answer.text().contains("class=\"codes"), "{}", answer.text());
    assert_eq!(portal.world.sql(&format!("SELECT count(*) FROM factor WHERE member IN ('{bo}', '{cy}')")), "0");
    // And the old code of Bo opens nothing.
    let mut again = portal.browser();
    again.sign_in(BO).await;
    assert_eq!(again.step().await, "set_up_two_step");
}
