//! How a set of codes comes to its member: shown once, confirmed as saved, counted, hashed at rest.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn b20_recovery_codes_are_shown_once_saved_counted_and_hashed_at_rest() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let mut bo = portal.browser();
    bo.sign_in(BO).await;
    let set_up: twinlock_core::wire::TwoStepSetUp = bo.begin_set_up().await.json();
    let authenticator = Authenticator::from_uri(set_up.uri.expose());
    let code = authenticator.code_at(portal.clock.now_ms());
    let page = bo.form("/set-up/confirm", &[("code", &code), ("next", "/account")]).await;
    assert_eq!(page.expect(200).header("cache-control"), "no-store");
    let codes = Browser::shown_codes(&page.text());
    assert_eq!(codes.len(), 10);
    // Not saved yet: the account's page says so. Shown nowhere again, to nobody.
    assert!(bo.get("/account").await.text().contains("Not saved"));
    let download: Vec<(&str, &str)> = codes.iter().map(|code| ("code", code.as_str())).collect();
    let file = bo.form("/account/recovery-codes/download", &download).await;
    assert!(file.expect(200).header("content-disposition").starts_with("attachment"));
    assert_eq!((file.header("content-type"), file.header("cache-control")), ("text/plain; charset=utf-8", "no-store"));
    assert!(codes.iter().all(|code| file.text().contains(code)));
    bo.form("/account/recovery-codes/download", &[("code", "<script>")]).await.expect(400);
    let answer = bo.save_codes(&page).await;
    assert_eq!(bo.finish(&answer).await, "/account");
    let account = bo.get("/account").await.text();
    assert!(account.contains("10 left") && !account.contains("Not saved"), "{account}");
    for answer in [
        bo.get("/account").await,
        bo.get("/account/recovery-codes").await,
        bo.get("/v1/recovery-codes").await,
        ada.get("/admin/audit").await,
        ada.get("/v1/admin/members").await,
    ] {
        assert!(codes.iter().all(|code| !answer.expect(200).text().contains(code)));
    }
    // As rows, and on SQLite in its files as well.
    let mut kept = portal.world.dump("recovery_code").into_bytes();
    for entry in std::fs::read_dir(portal.world.data()).unwrap() {
        kept.extend(std::fs::read(entry.unwrap().path()).unwrap_or_default());
    }
    for code in &codes {
        for text in [code[3..].to_owned(), code[3..].replace('-', "")] {
            assert!(!kept.windows(text.len()).any(|window| window == text.as_bytes()));
        }
    }
    // A hash belongs to its row: in another member's it opens nothing.
    portal.world.sql(&format!(
        "DELETE FROM recovery_code WHERE member <> (SELECT id FROM member WHERE email = '{BO}');
        INSERT INTO recovery_code SELECT organisation, (SELECT id FROM member WHERE email = '{ADA}'), selector, hash, used_ms
        FROM recovery_code"
    ));
    assert_eq!(portal.world.sql("SELECT count(*) FROM recovery_code"), "20");
    let mut other = portal.browser();
    other.sign_in(ADA).await;
    other.post("/v1/recovery", &json!({ "code": codes[0] })).await.expect_problem(422, REFUSED);
    again(&portal).await.recover(&codes[0]).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn b20_the_remaining_count_is_visible_and_few_are_warned_of() {
    let portal = Portal::start();
    portal.enforced().await;
    let mut bo = portal.browser();
    bo.sign_in(BO).await;
    bo.set_up().await;
    for (used, words) in [(6, "✓ 4 left"), (7, "! 3 left"), (10, "! 0 left")] {
        portal.world.sql(&format!(
            "UPDATE recovery_code SET used_ms = 1 WHERE selector IN (SELECT selector FROM recovery_code
            WHERE member = (SELECT id FROM member WHERE email = '{BO}') ORDER BY selector LIMIT {used})"
        ));
        let page = bo.get("/account").await.text();
        assert!(page.contains(words), "{used} used: {page}");
    }
    // A session without a fresh code is led to the code, and back.
    portal.clock.pass(10 * MINUTE_MS);
    let to_code = "/code?next=%2Faccount%2Frecovery%2Dcodes";
    assert_eq!(bo.get("/account/recovery-codes").await.expect(303).header("location"), to_code);
    assert_eq!(bo.form("/account/recovery-codes", &[]).await.expect(303).header("location"), to_code);
    bo.enter_code().await;
    let page = bo.form("/account/recovery-codes", &[]).await;
    assert_eq!(bo.save_codes(&page).await.expect(303).header("location"), "/account?done=codes");
    assert!(bo.get("/account").await.text().contains("✓ 10 left"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_is_issued_with_the_authenticator_or_not_at_all() {
    let portal = Portal::start();
    portal.enforced().await;
    let bo = again(&portal).await;
    let set_up = Authenticator::from_uri(bo.begin_set_up().await.uri.expose());
    portal.world.database.refuse("INSERT", "recovery_code").unwrap();
    let answer = bo.confirm(&set_up.code_at(portal.clock.now_ms())).await;
    assert_eq!(answer.status.as_u16(), 503, "{}", answer.text());
    assert_eq!(portal.world.sql("SELECT count(*) FROM factor WHERE state = 'active'"), "1", "Ada's");
    assert_eq!(portal.world.audited("two_step.set_up"), 1);
    portal.world.database.allow("recovery_code").unwrap();
    // That code is used up; the next one does it.
    bo.confirm(&set_up.code_at(portal.clock.now_ms())).await.expect_problem(422, CODE_REFUSED);
    portal.clock.pass(STEP_MS);
    let answer = bo.post(By::Session, "/v1/two-step/confirm", &entry(&set_up.code_at(portal.clock.now_ms()))).await;
    assert_eq!(answer.expect(200).value()["recovery_codes"].as_array().unwrap().len(), 10);
}
