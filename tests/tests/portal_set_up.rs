//! Setting up two-step at the portal: what is shown once, what counts, who may begin.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod support;

use support::*;

const CODE_REFUSED: &str = "TL-2002";

#[tokio::test(flavor = "multi_thread")]
async fn b15_only_a_proven_secret_counts_and_a_pending_one_expires() {
    let portal = Portal::start();
    portal.enforced().await;
    let mut bo = portal.phone();
    bo.sign_in(BO).await;
    let first = bo.begin_set_up().await;
    let second = bo.begin_set_up().await;
    assert_ne!(first.uri.expose(), second.uri.expose());
    let (old, new) = (Authenticator::from_uri(first.uri.expose()), Authenticator::from_uri(second.uri.expose()));
    // The first QR code is void.
    bo.confirm(&old.code_at(portal.clock.now_ms())).await.expect_problem(422, CODE_REFUSED);
    assert_eq!(bo.step().await, "set_up_two_step");
    // An abandoned set-up leaves nothing that signs in.
    bo.verify(&new.code_at(portal.clock.now_ms())).await.expect_problem(403, "TL-3001");
    portal.clock.pass(10 * MINUTE_MS);
    bo.confirm(&new.code_at(portal.clock.now_ms())).await.expect_problem(409, "TL-2006");
    let third = Authenticator::from_uri(bo.begin_set_up().await.uri.expose());
    bo.confirm(&third.code_at(portal.clock.now_ms())).await.expect(200);
    assert_eq!(portal.world.sql(&format!("SELECT count(*) FROM factor WHERE member = '{}'", bo.member)), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn b16_the_confirming_code_is_the_second_factor_and_works_once() {
    let portal = Portal::start();
    portal.enforced().await;
    let mut bo = portal.browser();
    bo.sign_in(BO).await;
    bo.set_up().await;
    // Done in this session: no second code is asked for.
    assert_eq!(bo.step().await, "ready");
    let code = bo.authenticator.as_ref().unwrap().code_at(portal.clock.now_ms());
    let mut next = portal.browser();
    next.sign_in(BO).await;
    assert_eq!(next.step().await, "enter_code");
    next.code(&code).await.expect(422);
    assert_eq!(next.step().await, "enter_code");
}

#[tokio::test(flavor = "multi_thread")]
async fn b18_the_issued_uri_is_what_every_app_reads() {
    let portal = Portal::start();
    portal.enforced().await;
    let mut bo = portal.phone();
    bo.sign_in(BO).await;
    let set_up = bo.begin_set_up().await;
    let uri = set_up.uri.expose();
    assert!(uri.starts_with("otpauth://totp/Harbour%20%26%20S%C3%B6hne:bo%40example.test?"), "{uri}");
    assert!(uri.contains("issuer=Harbour%20%26%20S%C3%B6hne"), "{uri}");
    let secret = uri.split("secret=").nth(1).unwrap().split('&').next().unwrap();
    assert_eq!(secret.len(), 32, "20 bytes without padding");
    assert!(secret.bytes().all(|b| b.is_ascii_uppercase() || (b'2'..=b'7').contains(&b)));
    assert_eq!(set_up.key.expose().replace(' ', ""), secret);
    assert!(set_up.key.expose().split(' ').all(|group| group.len() == 4));
    for other in ["SHA256", "SHA512", "digits=8", "period=60"] {
        assert!(!uri.contains(other));
    }
    // Somebody else's program agrees about the code.
    let now_s = portal.clock.now_ms() / 1_000;
    let output = std::process::Command::new("oathtool")
        .args(["--totp", "--base32", "--now", &format!("@{now_s}"), secret])
        .output()
        .expect("the program oathtool has to be installed for this test");
    let code = String::from_utf8(output.stdout).unwrap().trim().to_owned();
    assert_eq!(code.len(), 6, "{}", String::from_utf8_lossy(&output.stderr));
    bo.confirm(&code).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn b19_the_secret_is_shown_once_and_nowhere_kept() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let mut bo = portal.browser();
    bo.sign_in(BO).await;
    let page = bo.form("/set-up", &[("next", "")]).await;
    page.expect(200);
    assert_eq!(page.header("cache-control"), "no-store");
    assert_eq!(page.header("location"), "");
    let authenticator = Browser::typed_key(&page.text());
    let grouped = authenticator.0.grouped_key().expose().to_owned();
    let plain = grouped.replace(' ', "");
    let shows = |text: &str| text.contains(&grouped) || text.contains(&plain) || text.contains("otpauth");
    assert!(page.text().contains("<svg") && page.text().contains("aria-label"));
    for target in ["/set-up", "/v1/step", "/code", "/"] {
        let again = bo.get(target).await;
        assert!(!shows(&again.text()) && !shows(again.header("location")), "{target}");
    }
    let answer =
        bo.form("/set-up/confirm", &[("code", &authenticator.code_at(portal.clock.now_ms())), ("next", "")]).await;
    assert!(!shows(&answer.expect(200).text()) && !shows(answer.header("location")));
    for target in ["/account", "/files", "/set-up"] {
        assert!(!shows(&bo.get(target).await.text()), "{target}");
    }
    for target in ["/admin/users", "/v1/admin/members", "/v1/admin/audit", "/admin/audit"] {
        let answer = ada.get(target).await;
        answer.expect(200);
        assert!(!shows(&answer.text()), "{target}");
    }
    // Sealed at rest: neither the text nor the bytes.
    let hex = data_encoding::HEXUPPER.encode(authenticator.0.secret().expose());
    assert_eq!(
        portal.world.sql(&format!("SELECT count(*) FROM factor WHERE instr(hex(seed_sealed), '{hex}') > 0")),
        "0"
    );
    assert_eq!(portal.world.sql(&format!("SELECT count(*) FROM audit_entry WHERE instr(entry, '{plain}') > 0")), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn b21_two_tabs_one_secret_wins() {
    let portal = Portal::start();
    portal.enforced().await;
    let mut first = portal.browser();
    first.sign_in(BO).await;
    let mut second = portal.browser();
    second.sign_in(BO).await;
    let void = Browser::typed_key(&first.form("/set-up", &[("next", "")]).await.text());
    let valid = Browser::typed_key(&second.form("/set-up", &[("next", "")]).await.text());
    let now_ms = portal.clock.now_ms();
    let answer = first.form("/set-up/confirm", &[("code", &void.code_at(now_ms)), ("next", "")]).await;
    answer.expect(422);
    assert!(answer.text().contains("not accepted"), "{}", answer.text().split("<h1>").nth(1).unwrap());
    second.form("/set-up/confirm", &[("code", &valid.code_at(now_ms)), ("next", "")]).await.expect(200);
    // The other tab is told to show a code; going back makes no second secret.
    let answer = first.form("/set-up", &[("next", "")]).await;
    answer.expect(303);
    assert!(answer.header("location").starts_with("/code"), "{}", answer.header("location"));
    assert_eq!(
        portal
            .world
            .sql("SELECT count(*) FROM factor f JOIN member m ON m.id = f.member WHERE m.email = 'bo@example.test'"),
        "1"
    );
    // Two devices finishing in the same moment.
    let mut left = portal.phone();
    left.sign_in(CY).await;
    let mut right = portal.phone();
    right.sign_in(CY).await;
    left.begin_set_up().await;
    let cy = Authenticator::from_uri(right.begin_set_up().await.uri.expose());
    let code = cy.code_at(now_ms);
    let (left, right) = tokio::join!(left.confirm(&code), right.confirm(&code));
    let mut statuses = [left.status.as_u16(), right.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses[0], 200);
    assert!((400..500).contains(&statuses[1]), "{statuses:?} {} {}", left.text(), right.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browsers_json_call_brings_the_new_token_of_its_session() {
    let portal = Portal::start();
    portal.enforced().await;
    let mut bo = portal.browser();
    bo.sign_in(BO).await;
    let set_up: twinlock_core::wire::TwoStepSetUp = bo.begin_set_up().await.json();
    let authenticator = Authenticator::from_uri(set_up.uri.expose());
    for target in ["/v1/two-step/confirm", "/v1/two-step/verify"] {
        portal.clock.pass(STEP_MS);
        let mut before = bo.tab();
        let code = authenticator.code_at(portal.clock.now_ms());
        assert_eq!(bo.post(target, &serde_json::json!({ "code": code })).await.expect(200).step(), "ready");
        // The token is another one, the session goes on, and the old token is worth nothing.
        assert_ne!(bo.cookie, before.cookie, "{target}");
        bo.get("/v1/files").await.expect(200);
        before.get("/v1/step").await.expect_problem(401, "TL-3005");
    }
    // A phone's session keeps its token, which is bound to a key, and gets no cookie.
    let mut phone = portal.phone();
    phone.sign_in(BO).await;
    portal.clock.pass(STEP_MS);
    let answer = phone.verify(&authenticator.code_at(portal.clock.now_ms())).await;
    assert_eq!(answer.expect(200).header("set-cookie"), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn b07_who_chose_it_without_a_policy_is_asked_at_sign_in() {
    let portal = Portal::start();
    let mut bo = portal.browser();
    bo.sign_in(BO).await;
    let mut elsewhere = portal.browser();
    elsewhere.sign_in(BO).await;
    assert_eq!((bo.step().await.as_str(), elsewhere.step().await.as_str()), ("ready", "ready"));
    // The account's page offers it, and the pages do not say that anybody demands it.
    assert!(bo.get("/account").await.expect(200).text().contains("action=\"/set-up\""));
    let page = bo.get("/set-up?next=%2Faccount").await;
    assert!(!page.expect(200).text().contains("Your organisation asks"), "{}", page.text());
    // Begun and left alone it changes nothing.
    bo.form("/set-up", &[("next", "/account")]).await.expect(200);
    bo.get("/files").await.expect(200);
    let page = bo.form("/set-up", &[("next", "/account")]).await;
    let authenticator = Browser::typed_key(&page.expect(200).text());
    let code = authenticator.code_at(portal.clock.now_ms());
    let answer = bo.form("/set-up/confirm", &[("code", &code), ("next", "/account")]).await;
    let answer = bo.save_codes(&answer).await;
    assert_eq!(bo.finish(&answer).await, "/account");
    assert_eq!(bo.step().await, "ready");
    // The open session elsewhere and the next sign-in are asked.
    elsewhere.get("/v1/files").await.expect_problem(403, "TL-3001");
    let mut next = portal.browser();
    next.sign_in(BO).await;
    for session in [&mut elsewhere, &mut next] {
        assert_eq!(session.step().await, "enter_code");
        portal.clock.pass(STEP_MS);
        session.code(&authenticator.code_at(portal.clock.now_ms())).await.expect(303);
        session.get("/v1/files").await.expect(200);
    }
    // A phone chooses it over the interface, and then has a device to enroll.
    let mut cy = portal.phone();
    cy.sign_in(CY).await;
    assert_eq!(cy.step().await, "ready");
    cy.set_up().await;
    assert_eq!(cy.step().await, "await_approval");
    cy.sign_in(CY).await;
    assert_eq!(cy.step().await, "enter_code");
}

#[tokio::test(flavor = "multi_thread")]
async fn b15_a_chosen_set_up_begins_anew_and_never_replaces_a_proven_one() {
    let portal = Portal::start();
    let mut bo = portal.browser();
    bo.sign_in(BO).await;
    let first: twinlock_core::wire::TwoStepSetUp = bo.begin_set_up().await.json();
    let second: twinlock_core::wire::TwoStepSetUp = bo.begin_set_up().await.json();
    let (old, new) = (Authenticator::from_uri(first.uri.expose()), Authenticator::from_uri(second.uri.expose()));
    let confirm = |code: String| serde_json::json!({ "code": code });
    let now_ms = portal.clock.now_ms();
    bo.post("/v1/two-step/confirm", &confirm(old.code_at(now_ms))).await.expect_problem(422, CODE_REFUSED);
    bo.get("/v1/files").await.expect(200);
    bo.post("/v1/two-step/confirm", &confirm(new.code_at(now_ms))).await.expect(200);
    // With a proven authenticator there is nothing to set up, and the refusal says so.
    let before = portal.world.dump("factor");
    for (target, body) in [("set-up", serde_json::Value::Null), ("confirm", confirm(new.code_at(now_ms + STEP_MS)))] {
        let answer = bo.post(&format!("/v1/two-step/{target}"), &body).await;
        answer.expect_problem(403, "TL-3001");
        assert!(answer.value()["detail"].as_str().unwrap_or_default().contains("set up already"), "{}", answer.text());
    }
    for answer in [bo.get("/set-up").await, bo.form("/set-up", &[("next", "/files")]).await] {
        assert_eq!(answer.expect(303).header("location"), "/account?done=already");
    }
    assert!(bo.get("/account?done=already").await.expect(200).text().contains("is set up already"));
    assert_eq!(portal.world.dump("factor"), before);
}

/// The names of the wizard's steps on a page, and which of them is the present one.
fn wizard_step(page: &str) -> usize {
    let list = page.split("<ol class=\"wizard\"").nth(1).expect("the wizard shows its steps");
    let list = list.split("</ol>").next().unwrap();
    assert_eq!(list.matches("<li").count(), 5, "{list}");
    assert_eq!(list.matches("aria-current=\"step\"").count(), 1, "{list}");
    list.split("<li").skip(1).position(|item| item.contains("aria-current")).unwrap() + 1
}

#[tokio::test(flavor = "multi_thread")]
async fn b20_the_wizard_goes_on_only_when_the_codes_are_said_to_be_saved() {
    let portal = Portal::start();
    portal.enforced().await;
    let mut bo = portal.browser();
    bo.sign_in(BO).await;
    let page = bo.get("/set-up?next=%2Faccount").await.expect(200).text();
    assert_eq!(wizard_step(&page), 1);
    for app in ["Google Authenticator", "Microsoft Authenticator", "Authy", "Any other app"] {
        assert!(page.contains(app), "{app}");
    }
    let page = bo.form("/set-up", &[("app", "google"), ("next", "/account")]).await.expect(200).text();
    assert_eq!(wizard_step(&page), 2);
    assert!(page.contains("In Google Authenticator") && page.contains("SHA-1") && page.contains("bo@example.test"));
    let authenticator = Browser::typed_key(&page);
    let wrong = authenticator.wrong_code(portal.clock.now_ms(), 1);
    let page = bo.form("/set-up/confirm", &[("code", &wrong), ("next", "/account")]).await;
    assert_eq!(wizard_step(&page.expect(422).text()), 3);
    let code = authenticator.code_at(portal.clock.now_ms());
    let page = bo.form("/set-up/confirm", &[("code", &code), ("next", "/account")]).await;
    let text = page.expect(200).text();
    assert_eq!(wizard_step(&text), 4);
    let (codes, fields) = (Browser::shown_codes(&text), Browser::saved_fields(&text));
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    // Without the box the same codes are shown once more, and nothing is noted.
    for saved in [None, Some(("saved", "no")), Some(("saved", ""))] {
        let fields: Vec<_> = fields.iter().copied().chain(saved).collect();
        let again = bo.form("/account/recovery-codes/saved", &fields).await;
        assert_eq!(again.expect(422).header("cache-control"), "no-store");
        assert_eq!(Browser::shown_codes(&again.text()), codes);
        assert!(again.text().contains("role=\"alert\"") && again.text().contains("aria-invalid=\"true\""));
        assert_eq!((wizard_step(&again.text()), again.header("location")), (4, ""));
    }
    let saved_ms = format!("SELECT saved_ms FROM recovery WHERE member = '{}'", portal.world.member(BO));
    assert_eq!((portal.world.sql(&saved_ms), portal.world.audited("recovery.saved")), ("0".to_owned(), 1));
    // What is no code is shown to nobody.
    for hostile in ["<script>alert(1)</script>", "K7-0000", ""] {
        let fields = [("issued_ms", "1"), ("code", hostile)];
        let answer = bo.form("/account/recovery-codes/saved", &fields).await;
        assert!(!answer.expect(400).text().contains("<script>alert"), "{hostile}");
    }
    let saved = bo.save_codes(&page).await;
    let done = saved.header("location").to_owned();
    assert_eq!(wizard_step(&bo.get(&done).await.expect(200).text()), 5);
    assert_eq!(bo.finish(&saved).await, "/account");
    assert_ne!(portal.world.sql(&saved_ms), "0");
    // The last page leads nowhere else.
    for hostile in ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"] {
        let address = hostile.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
        let page = bo.get(&format!("/set-up/done?next={address}")).await.expect(200).text();
        assert!(!page.contains("href=\"https://evil") && !page.contains("href=\"//evil"), "{hostile}: {page}");
        assert!(page.contains("<a class=\"button primary\" href=\"/files\">"), "{hostile}: {page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b15_an_expired_set_up_says_so_on_its_page_and_begins_anew() {
    let portal = Portal::start();
    portal.enforced().await;
    let mut bo = portal.browser();
    bo.sign_in(BO).await;
    let void = Browser::typed_key(&bo.form("/set-up", &[("next", "")]).await.expect(200).text());
    portal.clock.pass(10 * MINUTE_MS);
    let code = void.code_at(portal.clock.now_ms());
    let answer = bo.form("/set-up/confirm", &[("code", &code), ("next", "")]).await;
    let text = answer.expect(409).text();
    assert!(text.contains("The set-up expired or was replaced.") && text.contains("Start the set-up again"), "{text}");
    assert_eq!(bo.get("/").await.expect(303).header("location"), "/set-up");
    let valid = Browser::typed_key(&bo.form("/set-up", &[("next", "")]).await.expect(200).text());
    let code = valid.code_at(portal.clock.now_ms());
    let page = bo.form("/set-up/confirm", &[("code", &code), ("next", "")]).await;
    bo.save_codes(&page).await.expect(303);
    assert_eq!(bo.step().await, "ready");
}

#[tokio::test(flavor = "multi_thread")]
async fn b21_the_back_button_and_a_refresh_make_no_second_secret() {
    let portal = Portal::start();
    portal.enforced().await;
    let mut bo = portal.browser();
    bo.sign_in(BO).await;
    let page = bo.form("/set-up", &[("next", "")]).await;
    let code = Browser::typed_key(&page.expect(200).text()).code_at(portal.clock.now_ms());
    let fields = [("code", code.as_str()), ("next", "")];
    let codes = bo.form("/set-up/confirm", &fields).await;
    codes.expect(200);
    let before = portal.world.dump("factor");
    // The page with the codes, sent again; the page with the QR code; the beginning.
    let again =
        [bo.form("/set-up/confirm", &fields).await, bo.form("/set-up", &[("next", "")]).await, bo.get("/set-up").await];
    for answer in again {
        assert_eq!(answer.expect(303).header("location"), "/account?done=already");
    }
    assert!(bo.get("/account?done=already").await.expect(200).text().contains("is set up already"));
    assert_eq!(portal.world.dump("factor"), before);
    // Saying twice that the codes are saved changes nothing.
    bo.save_codes(&codes).await.expect(303);
    let noted = portal.world.dump("recovery");
    bo.save_codes(&codes).await.expect(303);
    assert_eq!(portal.world.dump("recovery"), noted);
}
