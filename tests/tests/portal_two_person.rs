//! The two-person rule: what weakens the policy takes a second admin.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod support;

use serde_json::{Value, json};
use support::*;

/// Ada and Cy, both admins with a fresh code, under the two-person rule.
async fn two_admins(portal: &Portal) -> (Browser, Browser) {
    let mut ada = portal.enforced().await;
    let role = format!("/v1/admin/members/{}/role", portal.world.member(CY));
    ada.post(&role, &json!({ "role": "admin" })).await.expect(204);
    let mut cy = portal.browser();
    cy.sign_in(CY).await;
    cy.set_up().await;
    ada.change_policy(json!({ "two_person": true }), "").await.expect(200);
    (ada, cy)
}

fn proposal(answer: &Answer) -> String {
    answer.expect(202).value()["proposal"].as_str().unwrap().to_owned()
}

async fn decide(admin: &mut Browser, proposal: &str, what: &str) -> Answer {
    admin.post(&format!("/v1/admin/proposals/{proposal}/{what}"), &Value::Null).await
}

async fn open(admin: &mut Browser) -> Vec<Value> {
    admin.get("/v1/admin/proposals").await.json::<Value>()["proposals"].as_array().unwrap().clone()
}

/// What a refusal must leave as it is.
fn state(portal: &Portal) -> [String; 4] {
    ["organisation", "policy_version", "two_step_exception", "proposal"].map(|table| portal.world.dump(table))
}

#[tokio::test(flavor = "multi_thread")]
async fn b08_f68_off_takes_a_reason_a_fresh_code_and_another_admin() {
    let portal = Portal::start();
    let (mut ada, mut cy) = two_admins(&portal).await;
    let before = state(&portal);
    let off = || json!({ "two_step": false });
    ada.change_policy(off(), " ").await.expect_problem(400, "TL-3008");
    portal.clock.pass(10 * MINUTE_MS);
    ada.change_policy(off(), "a pilot ends").await.expect_problem(403, "TL-3003");
    assert!(state(&portal) == before);
    ada.enter_code().await;

    // With both, it is a proposal: nothing changes, and whoever made it does not confirm it.
    let answer = ada.change_policy(off(), "a pilot ends").await;
    let id = proposal(&answer);
    assert_eq!(ada.policy().await["requires"]["two_step"], true);
    assert_eq!(proposal(&ada.change_policy(off(), "a pilot ends").await), id, "the same again is the one that is open");
    let proposed = state(&portal);
    decide(&mut ada, &id, "confirm").await.expect_problem(403, "TL-3012");
    // Cy's code is not fresh any more.
    decide(&mut cy, &id, "confirm").await.expect_problem(403, "TL-3003");
    let mut bo = portal.browser();
    bo.sign_in(BO).await;
    bo.set_up().await;
    decide(&mut bo, &id, "confirm").await.expect_problem(403, "TL-3006");
    decide(&mut bo, &id, "withdraw").await.expect_problem(403, "TL-3006");
    assert!(state(&portal)[..3] == proposed[..3]);
    assert_eq!(open(&mut cy).await[0]["content"]["reason"], "a pilot ends");

    cy.enter_code().await;
    decide(&mut cy, &id, "confirm").await.expect(204);
    assert_eq!(cy.policy().await["requires"]["two_step"], false);
    decide(&mut cy, &id, "confirm").await.expect_problem(404, "TL-4009");
    // The log has both admins, the reason, and the rules before and after.
    let told = &portal.world.audit_details("policy.two_step_not_required")[0];
    assert_eq!((&told["before"]["two_step"], &told["after"]["two_step"]), (&json!(true), &json!(false)));
    assert_eq!((&told["reason"], &told["proposal"]["id"]), (&json!("a pilot ends"), &json!(id)));
    assert_eq!(told["proposal"]["made_by"], portal.world.member(ADA));
    let (made, confirmed) = (portal.world.audited("proposal.made"), portal.world.audited("proposal.confirmed"));
    assert_eq!((made, confirmed), (1, 1));
    // On again takes one admin, and is a new period with its own time.
    portal.clock.pass(MINUTE_MS);
    ada.change_policy(json!({ "two_step": true }), "").await.expect(200);
    let times = portal.world.sql(
        "SELECT count(DISTINCT at_ms) FROM audit_entry WHERE json_extract(entry, '$.action') = 'policy.two_step_required'",
    );
    assert_eq!(times, "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn f68_every_weakening_is_a_proposal_and_every_tightening_is_not() {
    let portal = Portal::start();
    let (mut ada, mut cy) = two_admins(&portal).await;
    let before = ada.policy().await;
    let weaker = [
        json!({ "two_person": false }),
        json!({ "grace_days": 90 }),
        json!({ "device_approval": "none" }),
        json!({ "code_days": 90 }),
        json!({ "pin_max_tries": 10 }),
        // One rule tightened beside it does not make up for it.
        json!({ "session_ms": 24 * HOUR_MS, "pin_min_length": 12 }),
    ];
    for rules in weaker {
        ada.change_policy(rules.clone(), "").await.expect_problem(400, "TL-3008");
        let id = proposal(&ada.change_policy(rules, "because").await);
        assert_eq!(ada.policy().await, before);
        decide(&mut cy, &id, "withdraw").await.expect(204);
    }
    assert_eq!(portal.world.audited("proposal.withdrawn"), 6);
    ada.change_policy(json!({ "pin_min_length": 8 }), "").await.expect(200);
    // The rule itself goes only with both.
    let id = proposal(&ada.change_policy(json!({ "two_person": false }), "one of us leaves").await);
    decide(&mut cy, &id, "confirm").await.expect(204);
    ada.change_policy(json!({ "two_step": false }), "alone").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn f68_an_exception_takes_another_admin_who_is_not_the_member() {
    let portal = Portal::start();
    let (mut ada, mut cy) = two_admins(&portal).await;
    let (bo, cys) = (portal.world.member(BO), portal.world.member(CY));
    let until_ms = portal.clock.now_ms() + 30 * DAY_MS;
    let exception = |until_ms: u64| json!({ "until_ms": until_ms, "reason": "on leave" });
    let address = |member: &str| format!("/v1/admin/members/{member}/exception");
    let id = proposal(&ada.put(&address(&bo), &exception(until_ms)).await);
    assert_eq!(portal.world.sql("SELECT count(*) FROM two_step_exception"), "0");
    decide(&mut ada, &id, "confirm").await.expect_problem(403, "TL-3012");
    decide(&mut cy, &id, "confirm").await.expect(204);
    assert_eq!(portal.world.sql("SELECT until_ms FROM two_step_exception"), until_ms.to_string());
    assert_eq!(portal.world.audit_details("exception.granted")[0]["proposal"]["id"], json!(id));
    // A shorter one and none at all are stricter: one admin does it.
    ada.put(&address(&bo), &exception(until_ms - DAY_MS)).await.expect(204);
    let renewal = proposal(&ada.put(&address(&bo), &exception(until_ms)).await);
    cy.delete(&address(&bo)).await.expect(204);
    // What it was made on is gone: void, and it does not come back.
    decide(&mut cy, &renewal, "confirm").await.expect_problem(409, "TL-3007");
    decide(&mut cy, &renewal, "confirm").await.expect_problem(404, "TL-4009");
    assert_eq!(portal.world.sql("SELECT count(*) FROM two_step_exception"), "0");
    assert_eq!(portal.world.audited("proposal.void"), 1);
    // Cy does not exempt himself by confirming.
    let own = proposal(&ada.put(&address(&cys), &exception(until_ms)).await);
    decide(&mut cy, &own, "confirm").await.expect_problem(403, "TL-3006");
    assert_eq!(portal.world.sql("SELECT count(*) FROM two_step_exception"), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn f68_a_proposal_is_void_when_its_base_its_week_or_its_admin_is_gone() {
    let portal = Portal::start();
    let (mut ada, mut cy) = two_admins(&portal).await;
    // Another policy meanwhile.
    let id = proposal(&ada.change_policy(json!({ "two_step": false }), "why").await);
    cy.change_policy(json!({ "pin_min_length": 7 }), "").await.expect(200);
    decide(&mut cy, &id, "confirm").await.expect_problem(409, "TL-3007");
    assert_eq!(cy.policy().await["requires"]["two_step"], true);
    // Of two who confirm at once, one does.
    let id = proposal(&ada.change_policy(json!({ "code_days": 31 }), "why").await);
    let mut tab = cy.tab();
    let (left, right) = tokio::join!(decide(&mut cy, &id, "confirm"), decide(&mut tab, &id, "confirm"));
    assert_eq!([left.status.as_u16(), right.status.as_u16()].iter().filter(|status| **status == 204).count(), 1);
    assert_eq!(portal.world.audited("proposal.confirmed"), 1);
    // The admin who proposed it is none any more: one admin alone is left behind it.
    let id = proposal(&cy.change_policy(json!({ "two_step": false }), "why").await);
    let role = format!("/v1/admin/members/{}/role", portal.world.member(CY));
    ada.post(&role, &json!({ "role": "member" })).await.expect(204);
    decide(&mut ada, &id, "confirm").await.expect_problem(404, "TL-4009");
    ada.post(&role, &json!({ "role": "admin" })).await.expect(204);
    decide(&mut ada, &id, "confirm").await.expect_problem(404, "TL-4009");
    // Also where only the row says so.
    let id = proposal(&cy.change_policy(json!({ "two_step": false }), "why").await);
    portal.world.sql("UPDATE member SET state = 'suspended' WHERE email = 'cy@example.test'");
    assert_eq!(open(&mut ada).await.len(), 0);
    decide(&mut ada, &id, "confirm").await.expect_problem(404, "TL-4009");
    portal.world.sql("UPDATE member SET state = 'active' WHERE email = 'cy@example.test'");
    // A week, to the millisecond.
    portal.clock.pass(7 * DAY_MS);
    let mut ada = portal.browser_again(ada).await;
    decide(&mut ada, &id, "confirm").await.expect_problem(404, "TL-4009");
    portal.state.sweep().await.unwrap();
    assert_eq!(
        (portal.world.audited("proposal.expired"), portal.world.sql("SELECT count(*) FROM proposal")),
        (1, "0".to_owned())
    );
    assert_eq!(ada.policy().await["requires"]["two_step"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn f60_b49_nobody_approves_his_own_device_under_the_two_person_rule() {
    let portal = Portal::start();
    let (mut ada, mut cy) = two_admins(&portal).await;
    portal.clock.pass(STEP_MS);
    let mut phone = portal.phone();
    phone.authenticator = ada.authenticator.take();
    phone.sign_in(ADA).await;
    phone.verify(&phone.code_now()).await.expect(200);
    phone.enroll().await;
    ada.approve(&phone).await.expect_problem(403, "TL-3012");
    let form = format!("/admin/devices/{}/approve", phone.device_id());
    ada.form(&form, &[("comparison_code", &phone.comparison_code())]).await.expect(403);
    assert_eq!(portal.world.sql("SELECT state || wrong_codes FROM device"), "pending0");
    cy.approve(&phone).await.expect(204);
}

#[tokio::test(flavor = "multi_thread")]
async fn b49_a_changed_role_voids_what_was_asked_for_in_the_former_one() {
    let portal = Portal::start();
    let (mut ada, mut cy) = two_admins(&portal).await;
    let bo = portal.waiting_phone(BO).await;
    let role = format!("/v1/admin/members/{}/role", bo.member);
    ada.post(&role, &json!({ "role": "auditor" })).await.expect(204);
    cy.approve(&bo).await.expect_problem(409, "TL-6005");
    assert_eq!(portal.world.sql("SELECT state FROM device"), "denied");
    let told = &portal.world.audit_details("member.role_changed")[1];
    assert_eq!((&told["before"], &told["after"]), (&json!("member"), &json!("auditor")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_policies_page_shows_what_is_proposed_and_another_admin_confirms_it_there() {
    let portal = Portal::start();
    let (mut ada, mut cy) = two_admins(&portal).await;
    let version = ada.policy().await["version"].to_string();
    let fields =
        [("version", version.as_str()), ("two_person", "on"), ("grace_days", "14"), ("reason", "<i>pilot</i>")];
    // Whoever unchecks the box sees first what that does; what else was typed comes along.
    let asked = ada.form("/admin/policies", &fields).await.expect(200).text();
    assert!(
        asked.contains("name=\"grace_days\" value=\"14\"") && asked.contains("another admin has confirmed"),
        "{asked}"
    );
    let fields: Vec<_> = fields.into_iter().chain([("off", "on")]).collect();
    let answer = ada.form("/admin/policies", &fields).await;
    assert_eq!(answer.expect(303).header("location"), "/admin/policies?done=proposed");
    let (own, other) = (ada.get("/admin/policies").await.text(), cy.get("/admin/policies").await.text());
    for page in [&own, &other] {
        for said in ["Ada Admin proposes", "Require Two-Step Authentication: on → off", "Days to set it up: 0 → 14"]
        {
            assert!(page.contains(said), "{said}: {page}");
        }
        assert!(!page.contains("Two-person rule: "), "what stays is not said to change");
        assert!(page.contains("&#60;i&#62;pilot") && !page.contains("<i>pilot"));
    }
    assert!(!own.contains("Confirm what") && other.contains("Confirm what Ada Admin proposes"));
    let id = open(&mut cy).await[0]["id"].as_str().unwrap().to_owned();
    let answer = cy.form(&format!("/admin/proposals/{id}/confirm"), &[]).await;
    assert_eq!(answer.expect(303).header("location"), "/admin/policies?done=confirmed");
    assert_eq!(cy.policy().await["requires"]["two_step"], false);
    assert!(!cy.get("/admin/policies").await.text().contains("proposes"));
}
