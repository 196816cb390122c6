//! Account Settings at the portal: a new authenticator, none at all, and one's own devices.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod support;

use serde_json::{Value, json};
use support::phone::By;
use support::*;
use twinlock_core::wire::{TwoStepConfirmed, TwoStepSetUp};

const CODE_REFUSED: &str = "TL-2002";
const REFUSED: &str = "TL-2010";
const STEP_REQUIRED: &str = "TL-3001";
const FRESH_CODE: &str = "TL-3003";
const SESSION_ENDED: &str = "TL-3005";
const REQUIRED: &str = "TL-3011";

/// Bo in a browser with two-step and everything done.
async fn bo(portal: &Portal) -> Browser {
    let mut bo = portal.browser();
    bo.sign_in(BO).await;
    bo.set_up().await;
    bo
}

async fn asked(portal: &Portal) -> Browser {
    let mut bo = portal.browser();
    bo.sign_in(BO).await;
    bo
}

async fn delete(browser: &Browser, target: &str) -> Answer {
    let cookie = format!("__Host-session={}", browser.cookie.as_ref().unwrap());
    let headers = [("cookie".to_owned(), cookie), ("sec-fetch-site".to_owned(), "same-origin".to_owned())];
    browser.door.send("DELETE", target, &headers, Vec::new()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn b17_the_old_authenticator_works_until_the_new_one_is_proven() {
    let portal = Portal::start();
    portal.enforced().await;
    let mut bo = bo(&portal).await;
    let (old_codes, old) = (bo.recovery_codes.clone(), bo.authenticator.take().unwrap());
    let now = |portal: &Portal| portal.clock.now_ms();
    let set_up: TwoStepSetUp = bo.post("/v1/two-step/renewal", &Value::Null).await.json();
    // The app would overwrite an entry of the same name.
    let (day, time) = (date(now(&portal), "%Y-%m-%d"), date(now(&portal), "%H.%M"));
    let label = format!("bo%40example.test%20%28{day}%20{time}%20UTC%29");
    assert!(set_up.uri.expose().contains(&label), "{} has no {label}", set_up.uri.expose());
    let new = Authenticator::from_uri(set_up.uri.expose());
    // The old one is asked for at every sign-in, and the new one opens nothing.
    portal.clock.pass(STEP_MS);
    let mut elsewhere = asked(&portal).await;
    elsewhere.code(&new.code_at(now(&portal))).await.expect(422);
    elsewhere.code(&old.code_at(now(&portal))).await.expect(303);
    // Neither the old one nor a wrong code proves the new one, and an abandoned renewal leaves everything as it was.
    portal.clock.pass(STEP_MS);
    let target = "/v1/two-step/renewal/confirm";
    bo.post(target, &json!({ "code": old.code_at(now(&portal)) })).await.expect_problem(422, CODE_REFUSED);
    portal.clock.pass(10 * MINUTE_MS);
    bo.post(target, &json!({ "code": new.code_at(now(&portal)) })).await.expect_problem(409, "TL-2006");
    bo.post("/v1/two-step/renewal", &Value::Null).await.expect_problem(403, FRESH_CODE);
    bo.code(&old.code_at(now(&portal))).await.expect(303);
    let set_up: TwoStepSetUp = bo.post("/v1/two-step/renewal", &Value::Null).await.json();
    let new = Authenticator::from_uri(set_up.uri.expose());
    let confirmed: TwoStepConfirmed = bo.post(target, &json!({ "code": new.code_at(now(&portal)) })).await.json();
    assert_eq!((confirmed.recovery_codes.len(), portal.world.audited("two_step.renewed")), (10, 1));
    bo.get("/v1/files").await.expect(200);
    // The old one is gone, and so are its recovery codes.
    portal.clock.pass(STEP_MS);
    let mut next = asked(&portal).await;
    next.code(&old.code_at(now(&portal))).await.expect(422);
    next.post("/v1/recovery", &json!({ "code": old_codes[0] })).await.expect_problem(422, REFUSED);
    next.code(&new.code_at(now(&portal))).await.expect(303);
    let count = "SELECT count(*) FROM factor f JOIN member m ON m.id = f.member WHERE m.email = 'bo@example.test'";
    assert_eq!(portal.world.sql(count), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn b17_the_pages_of_a_renewal_lead_from_the_account_and_back() {
    let portal = Portal::start();
    portal.enforced().await;
    let mut bo = bo(&portal).await;
    assert!(bo.get("/account").await.text().contains("href=\"/account/two-step/renew\""));
    portal.clock.pass(10 * MINUTE_MS);
    let to_code = "/code?next=%2Faccount%2Ftwo%2Dstep%2Frenew";
    assert_eq!(bo.get("/account/two-step/renew").await.expect(303).header("location"), to_code);
    assert_eq!(bo.form("/account/two-step/renew", &[]).await.expect(303).header("location"), to_code);
    // A fresh code is no lost authenticator.
    assert!(!bo.get(to_code).await.expect(200).text().contains("/recovery"));
    bo.enter_code().await;
    assert!(bo.get("/account/two-step/renew").await.expect(200).text().contains("goes on working"));
    let page = bo.form("/account/two-step/renew", &[]).await;
    let text = page.expect(200).text();
    assert!(text.contains("action=\"/account/two-step/renew/confirm\"") && text.contains("<svg"));
    let new = Browser::typed_key(&text);
    let wrong = new.wrong_code(portal.clock.now_ms(), 1);
    let again = bo.form("/account/two-step/renew/confirm", &[("code", &wrong), ("next", "/account")]).await;
    assert!(again.expect(422).text().contains("action=\"/account/two-step/renew/confirm\""), "{}", again.text());
    let code = new.code_at(portal.clock.now_ms());
    let page = bo.form("/account/two-step/renew/confirm", &[("code", &code), ("next", "/account")]).await;
    assert_eq!(bo.save_codes(&page).await.expect(303).header("location"), "/account?done=renewed");
    assert!(bo.get("/account?done=renewed").await.text().contains("role=\"status\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_step_is_not_turned_off_where_the_policy_demands_it() {
    let portal = Portal::start();
    portal.enforced().await;
    let mut bo = bo(&portal).await;
    let before = [portal.world.dump("factor"), portal.world.dump("recovery"), portal.world.dump("session")];
    let refused = delete(&bo, "/v1/two-step").await;
    assert!(refused.expect_problem(403, REQUIRED).text().contains("can grant you an exception"), "{}", refused.text());
    for page in [bo.get("/account/two-step/off").await, bo.form("/account/two-step/off", &[]).await] {
        let text = page.expect(403).text();
        assert!(text.contains(REQUIRED) && text.contains("can grant you an exception"), "{text}");
    }
    let account = bo.get("/account").await.text();
    assert!(!account.contains("/account/two-step/off") && account.contains("An admin can grant you an exception"));
    let after = [portal.world.dump("factor"), portal.world.dump("recovery"), portal.world.dump("session")];
    assert_eq!(after, before);
    // The exception of an admin lifts it for this member, until it ends.
    let until_ms = portal.clock.now_ms() + DAY_MS;
    portal.world.sql(&format!(
        "INSERT INTO two_step_exception (organisation, member, until_ms, reason, made_by, made_ms)
        SELECT organisation, id, {until_ms}, 'a broken phone', id, 1 FROM member WHERE email = '{BO}'"
    ));
    bo.form("/account/two-step/off", &[]).await.expect(303);
    assert_eq!(bo.step().await, "ready");
    portal.clock.set(until_ms);
    assert_eq!(asked(&portal).await.step().await, "set_up_two_step");
}

#[tokio::test(flavor = "multi_thread")]
async fn turning_two_step_off_takes_a_fresh_code_and_leaves_nothing_of_it() {
    let portal = Portal::start();
    let mut bo = bo(&portal).await;
    let codes = bo.recovery_codes.clone();
    portal.clock.pass(10 * MINUTE_MS);
    delete(&bo, "/v1/two-step").await.expect_problem(403, FRESH_CODE);
    let to_code = "/code?next=%2Faccount%2Ftwo%2Dstep%2Foff";
    assert_eq!(bo.get("/account/two-step/off").await.expect(303).header("location"), to_code);
    assert_eq!(bo.form("/account/two-step/off", &[]).await.expect(303).header("location"), to_code);
    assert_eq!(portal.world.sql("SELECT count(*) FROM factor"), "1");
    let mut elsewhere = asked(&portal).await;
    elsewhere.code(&bo.authenticator.as_ref().unwrap().code_at(portal.clock.now_ms())).await.expect(303);
    portal.clock.pass(STEP_MS);
    bo.enter_code().await;
    assert!(bo.get("/account/two-step/off").await.expect(200).text().contains("Turn off two-step authentication?"));
    let answer = bo.form("/account/two-step/off", &[]).await;
    assert_eq!(answer.expect(303).header("location"), "/account?done=off");
    for table in ["factor", "recovery", "recovery_code"] {
        assert_eq!(portal.world.sql(&format!("SELECT count(*) FROM {table}")), "0", "{table}");
    }
    assert_eq!(portal.world.audited("two_step.turned_off"), 1);
    elsewhere.get("/v1/step").await.expect_problem(401, SESSION_ENDED);
    // This session goes on, and the next sign-in asks for nothing more than the password.
    assert!(bo.get("/account?done=off").await.expect(200).text().contains("Not set up"));
    let mut next = asked(&portal).await;
    assert_eq!(next.step().await, "ready");
    next.post("/v1/recovery", &json!({ "code": codes[0] })).await.expect_problem(403, STEP_REQUIRED);
    delete(&next, "/v1/two-step").await.expect_problem(403, STEP_REQUIRED);
    next.post("/v1/recovery-codes", &Value::Null).await.expect_problem(403, STEP_REQUIRED);
    next.post("/v1/two-step/renewal", &Value::Null).await.expect_problem(403, STEP_REQUIRED);
}

#[tokio::test(flavor = "multi_thread")]
async fn b53_a_new_phone_stands_beside_the_old_one_until_its_owner_revokes_it() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let old = portal.ready_phone(&mut ada, BO).await;
    portal.clock.pass(STEP_MS);
    let mut new = portal.phone();
    new.facts = new.facts.replace("Bo's phone", "Bo's new phone");
    new.sign_in(BO).await;
    new.verify(&old.code_now()).await.expect(200);
    new.enroll().await;
    // Asked for, approved and in use: the old one works all the time.
    old.get(By::Session, "/v1/files").await.expect(200);
    portal.clock.pass(STEP_MS);
    ada.enter_code().await;
    ada.approve(&new).await.expect(204);
    new.create_pin().await;
    old.get(By::Session, "/v1/files").await.expect(200);
    new.get(By::Session, "/v1/files").await.expect(200);
    let mut bo = asked(&portal).await;
    portal.clock.pass(STEP_MS);
    bo.code(&old.code_now()).await.expect(303);
    let page = bo.get("/account").await.text();
    assert!(page.contains("Bo&#39;s phone") && page.contains("Bo&#39;s new phone"), "{page}");
    let listed = bo.get("/v1/account/devices").await.value();
    assert_eq!(listed["devices"].as_array().unwrap().len(), 2);
    // Nobody else's, whoever asks.
    let mut cy = portal.browser();
    cy.sign_in(CY).await;
    cy.set_up().await;
    for target in ["/v1/account/devices/{}/revoke", "/account/devices/{}/revoke"] {
        let target = target.replace("{}", &old.device_id());
        let answer =
            if target.starts_with("/v1") { cy.post(&target, &Value::Null).await } else { cy.form(&target, &[]).await };
        assert!(answer.expect(404).text().contains("TL-4009"));
    }
    old.get(By::Session, "/v1/files").await.expect(200);
    let target = format!("/account/devices/{}/revoke", old.device_id());
    // A page of its own says what that means.
    assert!(page.contains(&format!("href=\"{target}\"")));
    let ask = bo.get(&target).await.expect(200).text();
    assert!(ask.contains("Revoke Bo&#39;s phone?") && ask.contains(&format!("action=\"{target}\"")), "{ask}");
    cy.get(&target).await.expect(404);
    assert_eq!(bo.form(&target, &[]).await.expect(303).header("location"), "/account?done=revoked");
    old.get(By::Session, "/v1/files").await.expect_problem(401, "TL-5007");
    new.get(By::Session, "/v1/files").await.expect(200);
    bo.post(&format!("/v1{target}"), &Value::Null).await.expect_problem(409, "TL-6005");
    assert_eq!(portal.world.audited("device.revoked"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn language_and_zone_are_the_members_own_and_only_what_is_offered_is_kept() {
    let portal = Portal::start();
    let mut bo = bo(&portal).await;
    let page = bo.get("/account").await.expect(200).text();
    assert!(page.contains("<html lang=\"en\"") && page.contains("<option>Europe/Berlin</option>"), "{page}");
    let kept = format!("SELECT language || '|' || zone FROM member WHERE email = '{BO}'");
    for (language, zone) in [("fr", ""), ("de", "Mars/Olympus"), ("de", "../../etc/passwd"), ("<script>", "UTC")] {
        let fields = [("language", language), ("zone", zone)];
        bo.form("/account/preferences", &fields).await.expect(400);
    }
    assert_eq!(portal.world.sql(&kept), "|");
    let saved = bo.form("/account/preferences", &[("language", "de"), ("zone", "Europe/Berlin")]).await;
    assert_eq!(saved.expect(303).header("location"), "/account?done=preferences");
    // What this browser had chosen before does not hide it.
    let forgotten: Vec<_> = saved.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
    for name in ["__Host-language=;", "__Host-zone=;"] {
        assert!(forgotten.iter().any(|value| value.starts_with(name) && value.contains("Max-Age=0")), "{forgotten:?}");
    }
    assert_eq!(portal.world.sql(&kept), "de|Europe/Berlin");
    let page = bo.get("/account?done=preferences").await.expect(200).text();
    assert!(page.contains("<html lang=\"de\"") && page.contains("Kontoeinstellungen"), "{page}");
    assert!(page.contains("Sprache und Zeitzone sind gespeichert.") && page.contains(" CE"), "{page}");
    // A refusal on a page is in the reader's language, to a program it stays as documented.
    let refused = bo.get("/admin/users").await;
    assert!(refused.expect(403).text().contains("Mit dieser Rolle nicht erlaubt."), "{}", refused.text());
    let refused = bo.get("/v1/admin/members").await;
    assert_eq!(refused.expect_problem(403, "TL-3006").value()["title"], "Not allowed for this role.");
    // Another browser speaks it as soon as it is known who sits there, and not before.
    let mut other = portal.browser();
    assert!(other.get("/sign-in").await.text().contains("<html lang=\"en\""));
    other.sign_in(BO).await;
    assert!(other.get("/code").await.expect(200).text().contains("<h1>Code eingeben</h1>"));
}
