//! Exceptions and the deadline: from when two-step is demanded of one member.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod support;

use serde_json::{Value, json};
use support::phone::By;
use support::*;

const REASON: &str = "on leave without a phone";

async fn signed_in(portal: &Portal, name: &str) -> Browser {
    let mut browser = portal.browser();
    browser.sign_in(name).await;
    browser
}

async fn grant(ada: &mut Browser, member: &str, until_ms: u64, reason: &str) -> Answer {
    let wanted = json!({ "until_ms": until_ms, "reason": reason });
    ada.put(&format!("/v1/admin/members/{member}/exception"), &wanted).await
}

async fn row_of(ada: &mut Browser, member: &str) -> Value {
    let list: Value = ada.get("/v1/admin/members").await.json();
    list["members"].as_array().unwrap().iter().find(|row| row["id"] == member).unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn b12_an_exception_ends_at_its_moment_and_says_so_beforehand() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let member = portal.world.member(BO);
    let until_ms = portal.clock.now_ms() + 8 * DAY_MS;
    grant(&mut ada, &member, until_ms, REASON).await.expect(204);
    let listed: Value = ada.get("/v1/admin/exceptions").await.json();
    let exception = &listed["exceptions"][0];
    assert_eq!((exception["until_ms"].as_u64(), exception["reason"].as_str()), (Some(until_ms), Some(REASON)));
    assert_eq!((&exception["made_by_name"], &exception["member_name"]), (&json!("Ada Admin"), &json!("Bo Brandt")));
    let row = row_of(&mut ada, &member).await;
    assert_eq!((row["two_step"].as_str(), row["until_ms"].as_u64()), (Some("exception"), Some(until_ms)));
    assert!(ada.get("/admin/users").await.text().contains("Exception until"));

    // More than seven days away nobody is bothered; the answer of the interface says it all the same.
    let file = format!("/v1/files/{}", portal.world.file);
    let mut bo = signed_in(&portal, BO).await;
    let step: Value = bo.get("/v1/step").await.json();
    assert_eq!((step["step"]["kind"].as_str(), step["required_from_ms"].as_u64()), (Some("ready"), Some(until_ms)));
    assert!(!bo.get("/files").await.text().contains("requires two-step authentication from"));
    // A phone: no PIN and no approval is demanded either, and the statement says until when.
    let mut phone = portal.phone();
    phone.sign_in(BO).await;
    assert_eq!(phone.get(By::Session, &file).await.text(), FILE_CONTENT);

    portal.clock.set(until_ms - 7 * DAY_MS);
    let mut bo = signed_in(&portal, BO).await;
    let page = bo.get("/files").await.text();
    assert!(page.contains("requires two-step authentication from") && page.contains("href=\"/set-up"), "{page}");
    // The last millisecond and the first: the open session itself meets the wizard.
    portal.clock.set(until_ms - 30_000);
    let mut bo = signed_in(&portal, BO).await;
    portal.clock.set(until_ms - 1);
    assert_eq!(bo.get(&file).await.expect(200).text(), FILE_CONTENT);
    portal.clock.set(until_ms);
    assert_eq!(bo.get(&file).await.expect_problem(403, "TL-3001").step(), "set_up_two_step");
    assert_eq!(bo.get("/files").await.expect(303).header("location"), "/set-up?next=%2Ffiles");
    assert!(bo.get("/v1/step").await.value()["required_from_ms"].is_null());
    bo.set_up().await;
    bo.get(&file).await.expect(200);
    let mut ada = portal.browser_again(ada).await;
    let listed: Value = ada.get("/v1/admin/exceptions").await.json();
    assert_eq!(listed["exceptions"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn b12_granting_renewing_and_ending_is_recorded_and_has_its_limits() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let (bo, own) = (portal.world.member(BO), portal.world.member(ADA));
    let now_ms = portal.clock.now_ms();
    let later = |days: u64| now_ms + days * DAY_MS;
    grant(&mut ada, &own, later(1), REASON).await.expect_problem(403, "TL-3006");
    grant(&mut ada, &bo, later(1), " \n").await.expect_problem(400, "TL-3008");
    grant(&mut ada, &bo, later(1), &"x".repeat(1_001)).await.expect_problem(400, "TL-4007");
    for until_ms in [0, now_ms, later(365) + 1, u64::MAX] {
        grant(&mut ada, &bo, until_ms, REASON).await.expect_problem(400, "TL-4007");
    }
    grant(&mut ada, "nobody", later(1), REASON).await.expect_problem(404, "TL-4009");
    ada.delete(&format!("/v1/admin/members/{bo}/exception")).await.expect_problem(404, "TL-4009");
    assert_eq!(portal.world.sql("SELECT count(*) FROM two_step_exception"), "0");
    let mut cy = signed_in(&portal, CY).await;
    cy.set_up().await;
    grant(&mut cy, &bo, later(1), REASON).await.expect_problem(403, "TL-3006");

    grant(&mut ada, &bo, later(365), REASON).await.expect(204);
    grant(&mut ada, &bo, later(365), REASON).await.expect(204);
    grant(&mut ada, &bo, later(2), "back earlier").await.expect(204);
    ada.delete(&format!("/v1/admin/members/{bo}/exception")).await.expect(204);
    let value = |until_ms: u64, reason: &str| json!({ "until_ms": until_ms, "reason": reason });
    let told = |action| {
        let detail = &portal.world.audit_details(action)[0];
        (portal.world.audited(action), detail["before"].clone(), detail["after"].clone())
    };
    assert_eq!(told("exception.granted"), (1, Value::Null, value(later(365), REASON)));
    assert_eq!(told("exception.renewed"), (1, value(later(365), REASON), value(later(2), "back earlier")));
    assert_eq!(told("exception.ended"), (1, value(later(2), "back earlier"), Value::Null));
    // A code that is ten minutes old is not fresh.
    portal.clock.pass(10 * MINUTE_MS);
    grant(&mut ada, &bo, later(3), REASON).await.expect_problem(403, "TL-3003");
    ada.delete(&format!("/v1/admin/members/{bo}/exception")).await.expect_problem(403, "TL-3003");
}

#[tokio::test(flavor = "multi_thread")]
async fn b12_the_page_grants_and_ends_and_repeats_what_was_refused() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let page = format!("/admin/users/{}", portal.world.member(BO));
    let (form, end) = (format!("{page}/exception"), format!("{page}/exception/end"));
    let day = |days: i64| date(portal.clock.now_ms() + DAY_MS * days.unsigned_abs(), "%Y-%m-%d");
    for (until, reason) in
        [("yesterday", REASON), ("2020-01-01", REASON), (day(400).as_str(), REASON), (day(2).as_str(), "")]
    {
        let answer = ada.form(&form, &[("until", until), ("reason", reason)]).await;
        assert!(answer.expect(422).text().contains("role=\"alert\""), "{until} {reason}");
        assert!(answer.text().contains(&format!("value=\"{until}\"")), "what was typed is kept");
    }
    let answer = ada.form(&form, &[("until", &day(2)), ("reason", "<b>leave</b>")]).await;
    assert_eq!(answer.expect(303).header("location"), format!("{page}?done=granted"));
    let shown = ada.get(&page).await.text();
    assert!(
        shown.contains("Exception until") && shown.contains("&#60;b&#62;leave") && !shown.contains("<b>leave"),
        "{shown}"
    );
    assert!(ada.get("/admin/users").await.text().contains("Exception until"));
    assert_eq!(ada.form(&end, &[]).await.expect(303).header("location"), format!("{page}?done=ended"));
    assert!(!ada.get(&page).await.text().contains("Exception until"));
    portal.clock.pass(10 * MINUTE_MS);
    let answer = ada.form(&form, &[("until", &day(2)), ("reason", REASON)]).await;
    assert!(answer.expect(303).header("location").starts_with("/code?next="));
    // The code is asked for before anything is filled in, and leads back to the form.
    let stale = ada.get(&page).await.text();
    assert!(!stale.contains("name=\"until\"") && !stale.contains("name=\"role\""), "{stale}");
    let first = format!("href=\"/code?next={}\"", page.replace('/', "%2F"));
    assert_eq!(stale.matches(&first).count(), 2, "{stale}");
    ada.enter_code().await;
    let fresh = ada.get(&page).await.text();
    assert!(fresh.contains("name=\"until\"") && fresh.contains("name=\"role\""), "{fresh}");
}

#[tokio::test(flavor = "multi_thread")]
async fn b11_the_deadline_runs_once_from_when_the_rule_first_applied() {
    let portal = Portal::start();
    let mut ada = portal.browser();
    ada.sign_in(ADA).await;
    ada.set_up().await;
    let first_ms = portal.clock.now_ms();
    ada.change_policy(json!({ "two_step": true, "grace_days": 10 }), "").await.expect(200);
    let member = portal.world.member(BO);
    let mut bo = signed_in(&portal, BO).await;
    let from = |answer: Answer| answer.value()["required_from_ms"].as_u64();
    assert_eq!(from(bo.get("/v1/step").await), Some(first_ms + 10 * DAY_MS));
    assert!(
        bo.get("/files").await.text().contains("requires two-step authentication from"),
        "during the whole deadline"
    );
    let row = row_of(&mut ada, &member).await;
    assert_eq!((row["two_step"].as_str(), row["until_ms"].as_u64()), (Some("grace"), Some(first_ms + 10 * DAY_MS)));
    assert!(ada.get("/admin/users").await.text().contains("In grace until"));

    // Neither a reset nor switching off and on begins it again.
    portal.clock.pass(5 * DAY_MS);
    let mut ada = portal.browser_again(ada).await;
    let reset = json!({ "identity_check": "in_person", "reference": "badge 7" });
    ada.post(&format!("/v1/admin/members/{member}/reset"), &reset).await.expect(204);
    ada.change_policy(json!({ "two_step": false }), "a pause").await.expect(200);
    let mut bo = signed_in(&portal, BO).await;
    assert_eq!((bo.step().await.as_str(), from(bo.get("/v1/step").await)), ("ready", None));
    ada.change_policy(json!({ "two_step": true }), "").await.expect(200);
    assert_eq!(from(bo.get("/v1/step").await), Some(first_ms + 10 * DAY_MS));
    // Whoever is added later has his own days.
    portal.world.sql(&format!("UPDATE member SET created_ms = {} WHERE email = '{CY}'", portal.clock.now_ms()));
    let mut cy = signed_in(&portal, CY).await;
    assert_eq!(from(cy.get("/v1/step").await), Some(portal.clock.now_ms() + 10 * DAY_MS));
    // Shortening hits those who are in it; lengthening moves the same beginning.
    ada.change_policy(json!({ "grace_days": 4 }), "").await.expect(200);
    assert_eq!(bo.get("/v1/files").await.expect_problem(403, "TL-3001").step(), "set_up_two_step");
    assert_eq!(from(cy.get("/v1/step").await), Some(portal.clock.now_ms() + 4 * DAY_MS));
    ada.change_policy(json!({ "grace_days": 6 }), "").await.expect(200);
    assert_eq!(from(bo.get("/v1/step").await), Some(first_ms + 6 * DAY_MS));
    // The end of the deadline, in the open session.
    portal.clock.set(first_ms + 6 * DAY_MS - 1);
    let mut bo = signed_in(&portal, BO).await;
    bo.get("/v1/files").await.expect(200);
    portal.clock.set(first_ms + 6 * DAY_MS);
    assert_eq!(bo.get("/v1/files").await.expect_problem(403, "TL-3001").step(), "set_up_two_step");
    // Nothing was written for anybody.
    assert_eq!(portal.world.sql("SELECT count(*) FROM two_step_exception"), "0");
    assert_eq!(portal.world.sql("SELECT required_ms FROM organisation"), first_ms.to_string());
}
