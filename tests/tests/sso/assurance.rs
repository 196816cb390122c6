//! What counts: only what the provider asserted for this very sign-in.

use crate::provider::{ACR, Stage, person};
use crate::support::*;
use serde_json::{Value, json};

/// The file in both ways that there are; none of it may be reached before everything is done.
async fn files_are_open(browser: &mut Browser, stage: &Stage) -> bool {
    let program = browser.get(&format!("/v1/files/{}", stage.world.file)).await;
    let page = browser.get("/files").await;
    let is_open = page.status == 200;
    assert_eq!(program.status == 200 && program.text() == FILE_CONTENT, is_open, "{}", program.text());
    assert_eq!(page.text().contains(FILE_NAME), is_open);
    if !is_open {
        assert!(!program.text().contains(FILE_CONTENT), "{}", program.text());
        assert_eq!(program.code(), "TL-3001");
    }
    is_open
}

#[tokio::test(flavor = "multi_thread")]
async fn b10_mfa_that_the_provider_asserted_by_amr_is_the_second_factor() {
    let stage = Stage::start(&json!({ "bo-at-idp": person(BO, &["pwd", "otp", "mfa"]) }), &[]).await;
    let mut ada = stage.enforced().await;
    let (tab, answer) = stage.sign_in("bo-at-idp").await;
    assert_eq!(answer.expect(303).header("location"), "/files");
    let mut bo = tab.browser();
    assert_eq!(bo.step().await, "ready");
    assert!(files_are_open(&mut bo, &stage).await);
    let status = stage.status(&mut ada, BO).await;
    assert_eq!(status["two_step"], "sso_mfa");
    assert!(system_now_ms() - status["sso_at_ms"].as_u64().unwrap() < 10 * MINUTE_MS, "{status}");
    assert!(ada.get("/admin/users").await.text().contains("✓ SSO with MFA, 20"));
    let policies = ada.get("/admin/policies").await.text();
    assert!(policies.contains("1 active members are set up; 2 are led to the set-up"), "{policies}");
    assert!(policies.contains("Of those, 1 signed in with SSO and MFA last"), "{policies}");
    assert_eq!(stage.status(&mut ada, CY).await["two_step"], "not_set_up", "who did not come is as before");
    let opened = stage.world.audit_details("session.opened");
    assert_eq!(opened.last().unwrap(), &json!({ "surface": "web", "by": "sso", "mfa_asserted": true }));
    let linked = stage.world.audit_details("sso.linked");
    assert_eq!(linked, [json!({ "issuer": stage.provider.issuer, "subject": "bo-at-idp" })]);
}

#[tokio::test(flavor = "multi_thread")]
async fn b10_mfa_that_the_provider_asserted_by_acr_is_the_second_factor_and_is_asked_for() {
    let of = |acr: &str| json!({ "email": BO, "email_verified": true, "amr": ["pwd"], "acr": acr });
    let users = json!({ "right": of(ACR) });
    let mut stage = Stage::start(&users, &["--mfa-acr", ACR]).await;
    stage.enforced().await;
    let mut tab = stage.tab();
    let url = tab.leave(&stage.entrance()).await;
    let form = tab.see_form(url).await;
    assert!(form.contains(&format!("<p id=\"acr\">{ACR}</p>")), "{form}");
    assert!(form.contains("<p id=\"max_age\">43200</p>"), "whoever authenticated before that does it again: {form}");
    let (tab, answer) = stage.sign_in("right").await;
    answer.expect(303);
    assert!(files_are_open(&mut tab.browser(), &stage).await);
    for other in ["urn:example:two-factors-not", "URN:EXAMPLE:TWO-FACTORS", "0"] {
        stage.provider.change_users(&json!({ "right": of(other) }));
        let (tab, answer) = stage.sign_in("right").await;
        answer.expect(303);
        assert!(!files_are_open(&mut tab.browser(), &stage).await, "{other}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b10_without_the_assertion_it_is_a_password_and_leads_to_the_wizard() {
    let mut stage = Stage::start(&json!({}), &[]).await;
    let mut ada = stage.enforced().await;
    let unsaid = json!({ "email": BO, "email_verified": true });
    let unknown = ["pwd"].as_slice();
    for user in [unsaid, person(BO, &[]), person(BO, unknown), person(BO, &["MFA", "mfa2", "otp", "hwk"])] {
        stage.provider.change_users(&json!({ "bo-at-idp": user }));
        let (tab, answer) = stage.sign_in("bo-at-idp").await;
        answer.expect(303);
        let mut bo = tab.browser();
        assert_eq!(bo.step().await, "set_up_two_step", "{user}");
        assert!(!files_are_open(&mut bo, &stage).await, "{user}");
        assert!(bo.get("/files").await.expect(303).header("location").starts_with("/set-up?next=%2Ffiles"));
        let status = stage.status(&mut ada, BO).await;
        assert_eq!(status["two_step"], "sso_without_mfa", "{user}");
    }
    assert!(ada.get("/admin/users").await.text().contains("✕ SSO without MFA, 20"));
    let (tab, _) = stage.sign_in("bo-at-idp").await;
    let mut bo = tab.browser();
    bo.set_up().await;
    assert!(files_are_open(&mut bo, &stage).await);
    assert_eq!(stage.status(&mut ada, BO).await["two_step"], "set_up");
    // From now on the code is asked for, as after a password.
    let (tab, _) = stage.sign_in("bo-at-idp").await;
    let mut again = tab.browser();
    assert_eq!(again.step().await, "enter_code");
    assert!(!files_are_open(&mut again, &stage).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn b10_mfa_yesterday_is_nothing_today() {
    let mut stage = Stage::start(&json!({ "bo-at-idp": person(BO, &["mfa"]) }), &[]).await;
    let mut ada = stage.enforced().await;
    let (yesterday, _) = stage.sign_in("bo-at-idp").await;
    assert!(files_are_open(&mut yesterday.browser(), &stage).await);
    stage.provider.change_users(&json!({ "bo-at-idp": person(BO, &["pwd"]) }));
    let (today, _) = stage.sign_in("bo-at-idp").await;
    assert!(!files_are_open(&mut today.browser(), &stage).await);
    assert_eq!(stage.status(&mut ada, BO).await["two_step"], "sso_without_mfa");
    // A password says nothing of what the provider asserted either.
    stage.provider.change_users(&json!({ "bo-at-idp": person(BO, &["mfa"]) }));
    stage.sign_in("bo-at-idp").await.1.expect(303);
    let mut by_password = stage.portal.browser();
    by_password.sign_in(BO).await;
    assert_eq!(by_password.step().await, "set_up_two_step");
    assert!(files_are_open(&mut yesterday.browser(), &stage).await, "each session is what was asserted for it");
}

#[tokio::test(flavor = "multi_thread")]
async fn b10_without_the_policy_nothing_is_asked_but_of_those_who_have_an_authenticator() {
    let mut stage = Stage::start(&json!({ "bo-at-idp": person(BO, &["pwd"]) }), &[]).await;
    let (tab, _) = stage.sign_in("bo-at-idp").await;
    let mut bo = tab.browser();
    assert!(files_are_open(&mut bo, &stage).await);
    bo.set_up().await;
    let (tab, _) = stage.sign_in("bo-at-idp").await;
    assert_eq!(tab.browser().step().await, "enter_code", "set up by choice, and asked for");
    stage.provider.change_users(&json!({ "bo-at-idp": person(BO, &["mfa"]) }));
    let (tab, _) = stage.sign_in("bo-at-idp").await;
    assert_eq!(tab.browser().step().await, "ready", "the provider's second factor is one");
    // Somebody guessed until the authenticator was disabled; that is not settled by the provider.
    stage.world.sql("UPDATE factor SET state = 'disabled'");
    let (tab, _) = stage.sign_in("bo-at-idp").await;
    let mut blocked = tab.browser();
    assert_eq!(blocked.get("/v1/step").await.code(), "TL-2004");
    assert!(blocked.get("/files").await.expect(303).header("location").starts_with("/recovery"));
}

#[tokio::test(flavor = "multi_thread")]
async fn b10_weighty_acts_want_a_code_of_our_own_and_say_so() {
    let users = json!({ "ada-at-idp": person(ADA, &["mfa"]) });
    let stage = Stage::start(&users, &[]).await;
    stage.enforced().await;
    stage.world.sql("DELETE FROM factor");
    let (tab, _) = stage.sign_in("ada-at-idp").await;
    let mut ada = tab.browser();
    assert_eq!(ada.step().await, "ready");
    let bo = stage.world.member(BO);
    let role = format!("/v1/admin/members/{bo}/role");
    let refused = ada.post(&role, &json!({ "role": "auditor" })).await;
    refused.expect_problem(403, "TL-3003");
    let detail = refused.value()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("your organisation's sign-in does not count"), "{detail}");
    // The page leads to the set-up, whose first code is a fresh one, and from there back.
    let page = ada.form(&format!("/admin/users/{bo}/role"), &[("role", "auditor")]).await;
    let to_code = page.expect(303).header("location").to_owned();
    assert!(to_code.starts_with("/code?next="), "{to_code}");
    let to_set_up = ada.get(&to_code).await.expect(303).header("location").to_owned();
    assert_eq!(to_set_up, to_code.replace("/code", "/set-up"));
    assert!(
        ada.get(&to_set_up).await.expect(200).text().contains("asks for a code of an authenticator app of your own")
    );
    ada.set_up().await;
    ada.post(&role, &json!({ "role": "auditor" })).await.expect(204);
    // With an authenticator of her own she signs in by the provider alone, and shows a code only for what is weighty.
    let (tab, _) = stage.sign_in("ada-at-idp").await;
    let mut later = tab.browser();
    assert_eq!(later.step().await, "ready");
    later.post(&role, &json!({ "role": "member" })).await.expect_problem(403, "TL-3003");
    let change = later.change_policy(json!({ "two_step": false }), "because").await;
    assert_eq!(change.code(), "TL-3003", "{}", change.text());
    let list: Value = later.get("/v1/admin/members").await.json();
    assert_eq!(list["members"].as_array().unwrap().len(), 3);
}
