//! Whoever comes, comes back or loses a factor meets the wizard, and an admin always gets in.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod support;

use serde_json::{Value, json};
use support::*;

fn reset() -> Value {
    json!({ "identity_check": "video", "reference": "ticket 4711" })
}

#[tokio::test(flavor = "multi_thread")]
async fn b03_the_admin_who_switches_it_on_goes_straight_into_the_wizard() {
    let portal = Portal::start();
    let mut ada = portal.browser();
    ada.sign_in(ADA).await;
    let session = ada.cookie.clone();
    let version = ada.policy().await["version"].to_string();
    let saved = ada.form("/admin/policies", &[("version", &version), ("two_step", "on"), ("reason", "")]).await;
    let policies = saved.expect(303).header("location").to_owned();
    let wizard = ada.get(&policies).await.expect(303).header("location").to_owned();
    assert!(wizard.starts_with("/set-up?next=%2Fadmin%2Fpolicies"), "{wizard}");
    assert_eq!(ada.cookie, session, "the same session");
    ada.get(&wizard).await.expect(200);
    let page = ada.form("/set-up", &[("next", &policies)]).await.text();
    let code = Browser::typed_key(&page).code_at(portal.clock.now_ms());
    let answer = ada.form("/set-up/confirm", &[("code", &code), ("next", &policies)]).await;
    let saved = ada.save_codes(&answer).await;
    assert_eq!(ada.finish(&saved).await, policies);
    ada.get(&policies).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn b03_the_last_admin_keeps_role_and_account() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let (own, cys) = (portal.world.member(ADA), portal.world.member(CY));
    let role = |member: &str| format!("/v1/admin/members/{member}/role");
    let member = || json!({ "role": "member" });
    ada.post(&role(&own), &member()).await.expect_problem(403, "TL-3006");
    for act in ["suspend", "reset"] {
        ada.post(&format!("/v1/admin/members/{own}/{act}"), &reset()).await.expect_problem(403, "TL-3006");
    }
    ada.post(&role("nobody"), &member()).await.expect_problem(404, "TL-4009");
    ada.post(&role(&cys), &json!({ "role": "operator" })).await.expect_problem(400, "TL-4007");
    // Two admins who take each other's role, and each other's account, at once.
    for round in 0..20 {
        portal.world.sql("UPDATE member SET role = 'admin', state = 'active' WHERE email <> 'bo@example.test'");
        portal.world.sql("DELETE FROM factor WHERE member IN (SELECT id FROM member WHERE email = 'cy@example.test')");
        let mut cy = portal.browser();
        cy.sign_in(CY).await;
        cy.set_up().await;
        let what = if round % 2 == 0 { "role" } else { "suspend" };
        let body = if round % 2 == 0 { member() } else { Value::Null };
        let address = |member: &str| format!("/v1/admin/members/{member}/{what}");
        let (to_cy, to_ada) = (address(&cys), address(&own));
        let (mine, his) = tokio::join!(ada.post(&to_cy, &body), cy.post(&to_ada, &body));
        let admins = portal.world.sql("SELECT count(*) FROM member WHERE role = 'admin' AND state = 'active'");
        assert_eq!(admins, "1", "{round}: {} {}", mine.status, his.status);
    }
    portal.world.sql("UPDATE member SET role = 'member', state = 'active' WHERE email = 'cy@example.test'");
    portal.world.sql("UPDATE member SET role = 'admin', state = 'active' WHERE email = 'ada@example.test'");
    portal.clock.pass(10 * MINUTE_MS);
    ada.post(&role(&cys), &member()).await.expect_problem(403, "TL-3003");
}

#[tokio::test(flavor = "multi_thread")]
async fn b09_added_and_reinstated_members_meet_the_wizard() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    portal.world.add_member("Di Dorn", "di@example.test", "member");
    let bo = portal.world.member(BO);
    let mut open = portal.browser();
    open.sign_in(BO).await;
    let act = |what: &str| format!("/v1/admin/members/{bo}/{what}");
    ada.post(&act("reinstate"), &Value::Null).await.expect_problem(404, "TL-4009");
    ada.post(&act("suspend"), &Value::Null).await.expect(204);
    open.get("/v1/files").await.expect_problem(403, "TL-3009");
    ada.post(&act("reinstate"), &Value::Null).await.expect(204);
    assert_eq!(portal.world.audited("member.reinstated"), 1);
    // The session from before, new sessions, web and phone, a promoted one: the wizard, and no file.
    assert_eq!(open.get("/v1/files").await.expect_problem(403, "TL-3001").step(), "set_up_two_step");
    let role = format!("/v1/admin/members/{}/role", portal.world.member(CY));
    ada.post(&role, &json!({ "role": "admin" })).await.expect(204);
    for name in [BO, CY, "di@example.test"] {
        let mut web = portal.browser();
        web.sign_in(name).await;
        assert_eq!(web.get("/v1/files").await.expect_problem(403, "TL-3001").step(), "set_up_two_step");
        assert_eq!(web.get("/files").await.expect(303).header("location"), "/set-up?next=%2Ffiles");
        web.get("/v1/admin/members").await.expect_problem(403, "TL-3001");
        let mut phone = portal.phone();
        phone.sign_in(name).await;
        assert_eq!(phone.step().await, "set_up_two_step");
    }
    portal.clock.pass(10 * MINUTE_MS);
    ada.post(&act("suspend"), &Value::Null).await.expect(204);
    ada.post(&act("reinstate"), &Value::Null).await.expect_problem(403, "TL-3003");
}

#[tokio::test(flavor = "multi_thread")]
async fn b13_a_withdrawn_factor_leads_to_the_wizard_and_never_to_a_lock_out() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let bo = portal.ready_phone(&mut ada, BO).await;
    let member = bo.member.clone();
    let target = format!("/v1/admin/members/{member}/reset");
    // Wrong codes have disabled the authenticator, codes for recovery exist, and another set-up waits.
    portal.world.sql(&format!(
        "UPDATE factor SET state = 'disabled' WHERE member = '{member}';
        INSERT INTO factor SELECT organisation, member, 'pending', 'pending', seed_sealed, key_version, 0, 0, 0, created_ms, 0
            FROM factor WHERE member = '{member}'"
    ));
    let others = portal.world.sql(&format!("SELECT count(*) FROM factor WHERE member <> '{member}'"));
    for (request, status, code) in [
        (json!({ "identity_check": "video", "reference": " " }), 400, "TL-3008"),
        (json!({ "identity_check": "video", "reference": "x".repeat(1_001) }), 400, "TL-4007"),
        (json!({ "identity_check": "horoscope", "reference": "ticket" }), 400, "TL-4007"),
        (json!({ "reference": "ticket" }), 400, "TL-4007"),
    ] {
        ada.post(&target, &request).await.expect_problem(status, code);
    }
    ada.post("/v1/admin/members/nobody/reset", &reset()).await.expect_problem(404, "TL-4009");
    assert_eq!(portal.world.sql(&format!("SELECT count(*) FROM factor WHERE member = '{member}'")), "2");

    ada.post(&target, &reset()).await.expect(204);
    for table in ["factor", "recovery", "recovery_code", "session"] {
        let left = portal.world.sql(&format!("SELECT count(*) FROM {table} WHERE member = '{member}'"));
        assert_eq!(left, "0", "{table}");
    }
    assert_eq!(portal.world.sql(&format!("SELECT max(code_at_ms) FROM device WHERE member = '{member}'")), "0");
    assert_eq!(portal.world.sql(&format!("SELECT count(*) FROM factor WHERE member <> '{member}'")), others);
    let told = &portal.world.audit_details("two_step.reset")[0];
    assert_eq!((&told["identity_check"], &told["reference"]), (&json!("video"), &json!("ticket 4711")));
    // The wizard, from any surface, and then everything again.
    let mut web = portal.browser();
    web.sign_in(BO).await;
    assert_eq!(web.step().await, "set_up_two_step");
    web.get("/v1/files").await.expect_problem(403, "TL-3001");
    web.set_up().await;
    web.get("/v1/files").await.expect(200);
    portal.clock.pass(10 * MINUTE_MS);
    ada.post(&target, &reset()).await.expect_problem(403, "TL-3003");
}

#[tokio::test(flavor = "multi_thread")]
async fn b13_what_cannot_be_recorded_is_not_reset() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let bo = portal.ready_phone(&mut ada, BO).await;
    let tables =
        ["factor", "recovery", "recovery_code", "session", "device", "member", "two_step_exception", "proposal"];
    let state = || tables.map(|table| portal.world.dump(table));
    portal.world.database.refuse("INSERT", "audit_entry").unwrap();
    assert_eq!(ada.step().await, "ready");
    let before = state();
    let act = |what: &str| format!("/v1/admin/members/{}/{what}", bo.member);
    ada.post(&act("reset"), &reset()).await.expect_problem(503, "TL-4013");
    ada.post(&act("role"), &json!({ "role": "admin" })).await.expect_problem(503, "TL-4013");
    let until_ms = portal.clock.now_ms() + DAY_MS;
    let exception = json!({ "until_ms": until_ms, "reason": "why" });
    ada.put(&act("exception"), &exception).await.expect_problem(503, "TL-4013");
    assert!(state() == before, "something changed that could not be recorded");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_members_page_resets_changes_roles_and_reinstates() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let page = format!("/admin/users/{}", portal.world.member(BO));
    let form = |what: &str| format!("{page}/{what}");
    let answer = ada.form(&form("reset"), &[("identity_check", "other"), ("reference", "")]).await;
    assert!(answer.expect(422).text().contains("id=\"check-fault\""));
    type Act<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);
    let steps: [Act<'_>; 4] = [
        ("reset", &[("identity_check", "known_phone"), ("reference", "call 3")], "reset"),
        ("role", &[("role", "auditor")], "role"),
        ("suspend", &[], "suspended"),
        ("reinstate", &[], "reinstated"),
    ];
    for (what, fields, done) in steps {
        let answer = ada.form(&form(what), fields).await;
        assert!(answer.expect(303).header("location").ends_with(&format!("?done={done}")), "{what}");
        let shown = ada.get(answer.header("location")).await;
        assert!(shown.expect(200).text().contains("role=\"status\""), "{what} tells what was done");
    }
    // Not for oneself, not for nobody.
    let own = format!("/admin/users/{}", portal.world.member(ADA));
    assert!(!ada.get(&own).await.expect(200).text().contains("<select"));
    ada.get("/admin/users/nobody").await.expect(404);
}
