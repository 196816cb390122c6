//! Limits on codes, as users and as strangers meet them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod support;

use serde_json::{Value, json};
use support::phone::{By, entry, new_key};
use support::*;
use twinlock_core::wire::PinEvaluated;

const SESSION_ENDED: &str = "TL-3005";
const CODE_REFUSED: &str = "TL-2002";
const CODE_WAIT: &str = "TL-2003";
const VERIFY: &str = "/v1/two-step/verify";

/// Bo with two-step set up, a step ago.
async fn bo(portal: &Portal) -> Phone {
    let mut bo = portal.phone();
    bo.sign_in(BO).await;
    bo.set_up().await;
    portal.clock.pass(2 * STEP_MS);
    bo
}

/// Another session of Bo's, with the same authenticator.
async fn again(portal: &Portal, of: &Phone) -> Phone {
    let mut bo = portal.phone();
    bo.sign_in(BO).await;
    let known = of.authenticator.as_ref().unwrap();
    bo.authenticator = Some(Authenticator::from_uri(known.0.to_uri().expose()));
    bo
}

/// A browser of Bo's that has shown its password.
async fn browser(portal: &Portal) -> Browser {
    let mut browser = portal.browser();
    browser.sign_in(BO).await;
    browser
}

fn fails(portal: &Portal) -> String {
    portal.world.sql("SELECT fails FROM factor f JOIN member m ON m.id = f.member WHERE m.email = 'bo@example.test'")
}

#[tokio::test(flavor = "multi_thread")]
async fn b26_while_locked_the_right_code_fails_and_nothing_is_counted() {
    let portal = Portal::start();
    portal.enforced().await;
    let bo = bo(&portal).await;
    for n in 0..3 {
        bo.verify(&bo.wrong_code(n)).await.expect_problem(422, CODE_REFUSED);
    }
    // Right ones and wrong ones, all the wait long: the end does not move.
    for pass in [0, 10_000, 19_999] {
        portal.clock.pass(pass);
        for code in [bo.code_now(), bo.wrong_code(7)] {
            let answer = bo.verify(&code).await;
            answer.expect_problem(429, CODE_WAIT);
            assert_eq!(answer.value()["retry_after_ms"], 30_000 - waited_ms(&portal));
            assert_eq!(answer.header("retry-after"), (30_000 - waited_ms(&portal)).div_ceil(1_000).to_string());
        }
        assert_eq!(fails(&portal), "3");
    }
    portal.clock.pass(1);
    bo.verify(&bo.code_now()).await.expect(200);
    assert_eq!(fails(&portal), "0");
}

/// Milliseconds since the wait of 30 s began.
fn waited_ms(portal: &Portal) -> u64 {
    let until: u64 = portal.world.sql("SELECT max(wait_until_ms) FROM factor").parse().unwrap();
    portal.clock.now_ms() + 30_000 - until
}

/// One count for the account: whichever session, surface or challenge it is, and whoever has the password.
#[tokio::test(flavor = "multi_thread")]
async fn b27_all_challenges_of_an_account_share_one_count() {
    let portal = Portal::start();
    portal.enforced().await;
    let bo = bo(&portal).await;
    let authenticator = bo.authenticator.as_ref().unwrap();
    let wrong = |n| authenticator.wrong_code(portal.clock.now_ms(), n);
    let (mut first, mut second) = (browser(&portal).await, browser(&portal).await);
    bo.verify(&wrong(1)).await.expect_problem(422, CODE_REFUSED);
    first.code(&wrong(2)).await.expect(422);
    assert_eq!(fails(&portal), "2");
    // The password was right again, and that changes nothing.
    let mut third = browser(&portal).await;
    assert_eq!(fails(&portal), "2");
    third.code(&wrong(3)).await.expect(422);
    assert_eq!(fails(&portal), "3");
    // All of them wait now, and a new session waits too.
    let right = authenticator.code_at(portal.clock.now_ms());
    for browser in [&mut first, &mut second, &mut third, &mut browser(&portal).await] {
        browser.code(&right).await.expect(429);
    }
    bo.verify(&right).await.expect_problem(429, CODE_WAIT);
    assert_eq!(fails(&portal), "3");
    // Somebody else does not.
    let mut cy = portal.phone();
    cy.sign_in(CY).await;
    cy.set_up().await;
}

/// Per network: sign-ins, and all requests; whatever the account and the session.
#[tokio::test(flavor = "multi_thread")]
async fn b27_a_network_has_limits_of_its_own() {
    let portal = Portal::start_with(|config, _| {
        config.sign_ins_a_minute = 5;
        config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    });
    let from = |address: &'static str, name: String| {
        let headers = [
            ("x-forwarded-for".to_owned(), address.to_owned()),
            ("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
        ];
        let door = portal.door.clone();
        async move { door.send("POST", "/sign-in", &headers, format!("name={name}&password=x").into_bytes()).await }
    };
    for n in 0..5 {
        from("203.0.113.5", format!("nobody{n}")).await.expect(401);
    }
    for name in [BO, "nobody"] {
        let answer = from("203.0.113.5", name.to_owned()).await;
        assert!(answer.expect(429).text().contains("Too many sign-ins"), "{}", answer.text());
    }
    assert_eq!(portal.world.audited("session.password_refused"), 0);
    from("203.0.113.6", BO.to_owned()).await.expect(401);
    let portal = Portal::start_with(|config, _| config.requests_a_second = 1);
    let mut answers = Vec::new();
    for _ in 0..50 {
        answers.push(portal.door.send("POST", VERIFY, &[], Vec::new()).await);
    }
    answers[0].expect_problem(401, SESSION_ENDED);
    let throttled = answers.iter().find(|answer| answer.status.as_u16() == 429).expect("no limit");
    throttled.expect_problem(429, "TL-4005");
    assert!(throttled.value()["retry_after_ms"].as_u64().unwrap() > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn b28_nobody_without_the_password_makes_a_member_wait() {
    let portal = Portal::start();
    portal.enforced().await;
    let bo = bo(&portal).await;
    let body = serde_json::to_vec(&entry("123456")).unwrap();
    let json = [("content-type".to_owned(), "application/json".to_owned())];
    for n in 0..40 {
        // No session, a session that never was, a form without a cookie, and a wrong password.
        portal.door.send("POST", VERIFY, &json, body.clone()).await.expect_problem(401, SESSION_ENDED);
        let mut stranger = portal.browser();
        stranger.cookie = Some(format!("{}_{:043}", portal.world.organisation, n));
        stranger.post(VERIFY, &json!({ "code": "123456" })).await.expect_problem(401, SESSION_ENDED);
        assert_eq!(portal.browser().code("123456").await.expect(303).header("location"), "/sign-in");
        if n < 5 {
            portal.browser().try_sign_in(BO, "not-the-password").await.expect(401);
        }
    }
    assert_eq!(fails(&portal), "0");
    bo.verify(&bo.code_now()).await.expect(200);
    // With the password the waits grow and end by themselves, up to the end.
    let mut waits = Vec::new();
    for n in 1..=9 {
        let bo = again(&portal, &bo).await;
        bo.verify(&bo.wrong_code(n)).await.expect_problem(422, CODE_REFUSED);
        assert_eq!(fails(&portal), n.to_string());
        if n >= 3 {
            let answer = bo.verify(&bo.wrong_code(n)).await;
            answer.expect_problem(429, CODE_WAIT);
            waits.push(answer.value()["retry_after_ms"].as_u64().unwrap());
            portal.clock.pass(*waits.last().unwrap());
        }
    }
    let last = again(&portal, &bo).await;
    last.verify(&last.wrong_code(10)).await.expect_problem(403, "TL-2004");
    assert!(
        waits.is_sorted() && waits.first() == Some(&30_000) && waits.last() == Some(&(15 * MINUTE_MS)),
        "{waits:?}"
    );
    // Disabled: no time and no code brings it back.
    portal.clock.pass(HOUR_MS);
    let bo = again(&portal, &bo).await;
    bo.verify(&bo.code_now()).await.expect_problem(403, "TL-2004");
}

/// What an answer says, without the name of the request.
fn said(answer: &Answer) -> (u16, Value, Vec<String>) {
    let mut value = answer.value();
    value["request_id"] = Value::Null;
    let mut names: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
    names.sort();
    (answer.status.as_u16(), value, names)
}

#[tokio::test(flavor = "multi_thread")]
async fn b31_used_expired_and_wrong_look_the_same() {
    let portal = Portal::start();
    portal.enforced().await;
    let bo = bo(&portal).await;
    portal.clock.pass(10 * STEP_MS);
    let step = portal.clock.now_ms() / STEP_MS;
    let authenticator = bo.authenticator.as_ref().unwrap();
    let used = bo.code_now();
    bo.verify(&used).await.expect(200);
    let codes = [used, authenticator.code_of_step(step - 1), authenticator.code_of_step(step - 4), bo.wrong_code(1)];
    let mut seen = Vec::new();
    for code in &codes {
        // The waits are another test's.
        portal.world.sql("UPDATE factor SET wait_until_ms = 0, fails = 0");
        let answer = bo.verify(code).await;
        answer.expect_problem(422, CODE_REFUSED);
        assert!(answer.value()["title"].as_str().unwrap().contains("wait for the next one"), "{}", answer.text());
        seen.push(said(&answer));
    }
    assert!(seen.windows(2).all(|two| two[0] == two[1]), "{seen:#?}");
    let mut strangers = Vec::new();
    for code in &codes {
        let body = serde_json::to_vec(&entry(code)).unwrap();
        let answer = portal.door.send("POST", VERIFY, &[], body).await;
        answer.expect_problem(401, SESSION_ENDED);
        assert!(!answer.text().contains("code is"), "{}", answer.text());
        strangers.push(said(&answer));
    }
    assert!(strangers.windows(2).all(|two| two[0] == two[1]), "{strangers:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn b32_finishing_in_one_browser_finishes_in_no_other() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let bo = bo(&portal).await;
    let (mut left, mut right) = (browser(&portal).await, browser(&portal).await);
    assert_eq!((left.step().await.as_str(), right.step().await.as_str()), ("enter_code", "enter_code"));
    let mut fixed = left.tab();
    let code = bo.code_now();
    left.code(&code).await.expect(303);
    left.get("/v1/files").await.expect(200);
    // The other browser still has to, and not with that code.
    assert_eq!(right.step().await, "enter_code");
    right.get("/v1/files").await.expect_problem(403, "TL-3001");
    right.code(&code).await.expect(422);
    // The token from before the code is nobody's any more.
    fixed.get("/v1/files").await.expect_problem(401, SESSION_ENDED);
    // A try of one device is no try of another, and is proven once.
    let mut mine = portal.waiting_phone(CY).await;
    ada.approve(&mine).await.expect(204);
    mine.create_pin().await;
    let other = portal.ready_phone(&mut ada, "dee@example.test");
    portal.world.add_member("Dee Dorn", "dee@example.test", "member");
    let other = other.await;
    let (key, attempt) = (new_key(), mine.next_attempt());
    let evaluated: PinEvaluated = mine.evaluate(attempt, &key).await.json();
    other.prove(&evaluated, attempt, &key, &mine.activated).await.expect_problem(403, "TL-3001");
    other.prove(&evaluated, attempt, &key, &other.activated).await.expect_problem(403, "TL-3001");
    mine.prove(&evaluated, attempt, &key, &mine.activated).await.expect(200);
    mine.prove(&evaluated, attempt, &key, &mine.activated).await.expect_problem(403, "TL-3001");
    mine.get(By::Device, "/v1/devices/self").await.expect(200);
}

/// The authenticator's own counter, damaged: nothing is accepted, and nothing is gained.
#[tokio::test(flavor = "multi_thread")]
async fn f48_a_damaged_count_of_codes_accepts_nothing() {
    for damage in ["UPDATE factor SET fails = -5", "UPDATE factor SET fails = NULL", "DELETE FROM factor"] {
        let portal = Portal::start();
        portal.enforced().await;
        let bo = bo(&portal).await;
        portal.world.loosen("factor");
        portal.world.sql(damage);
        for code in [bo.code_now(), bo.wrong_code(1)] {
            let answer = bo.verify(&code).await;
            assert!(!answer.status.is_success(), "{damage}: {}", answer.text());
        }
        assert_eq!(portal.world.audited("code.accepted"), 0, "{damage}");
        assert_eq!(portal.world.audited("code.refused"), 0, "{damage}: evaluated");
    }
}
