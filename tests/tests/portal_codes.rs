//! Codes at the portal: clocks, replay, limits.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod support;

use std::sync::Arc;
use support::*;

const REFUSED: &str = "TL-2001";
const CODE_REFUSED: &str = "TL-2002";

async fn member_with_code(portal: &Portal) -> Phone {
    let mut bo = portal.phone();
    bo.sign_in(BO).await;
    bo.set_up().await;
    bo
}

/// Another session of the same member, with the same authenticator.
async fn again(portal: &Portal, of: &Phone) -> Phone {
    let mut phone = portal.phone();
    phone.sign_in(BO).await;
    phone.authenticator = of.authenticator.as_ref().map(|a| Authenticator(support_clone(a)));
    phone
}

fn support_clone(authenticator: &Authenticator) -> twinlock_core::code::OneTimeCode {
    twinlock_core::code::OneTimeCode::parse_uri(authenticator.0.to_uri().expose()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn f25_a_clock_set_back_an_hour_accepts_no_code_again() {
    let portal = Portal::start();
    portal.enforced().await;
    let bo = member_with_code(&portal).await;
    portal.clock.pass(STEP_MS);
    let used = bo.code_now();
    let bo = again(&portal, &bo).await;
    bo.verify(&used).await.expect(200);
    portal.clock.set_back(HOUR_MS);
    let bo = again(&portal, &bo).await;
    for code in [used, bo.code_now()] {
        bo.verify(&code).await.expect_problem(503, "TL-2009");
    }
    assert_eq!(portal.world.audited("code.refused"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn f26_a_clock_that_ran_ahead_blocks_codes_until_it_is_repaired() {
    let portal = Portal::start();
    portal.enforced().await;
    let first = member_with_code(&portal).await;
    portal.clock.pass(24 * HOUR_MS);
    let bo = again(&portal, &first).await;
    bo.verify(&bo.code_now()).await.expect(200);
    portal.clock.set_back(24 * HOUR_MS);
    let bo = again(&portal, &first).await;
    for n in 0..12 {
        bo.verify(&bo.wrong_code(n)).await.expect_problem(503, "TL-2009");
    }
    bo.verify(&bo.code_now()).await.expect_problem(503, "TL-2009");
    assert_eq!(portal.world.audited("code.refused"), 0);
    assert_eq!(portal.world.sql("SELECT max(fails) FROM factor"), "0");
    let said = portal.world.run(&["rescue", "clock", "--reason", "NTP was wrong"], "");
    assert!(said.contains(&portal.world.organisation), "{said}");
    assert_eq!(portal.world.audited("clock.repaired"), 1);
    portal.clock.set(system_now_ms() + 2 * STEP_MS);
    let bo = again(&portal, &bo).await;
    bo.verify(&bo.code_now()).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn f30_behind_the_mark_codes_are_refused_and_not_counted() {
    let portal = Portal::start();
    portal.enforced().await;
    let bo = member_with_code(&portal).await;
    portal.clock.set_back(10_000);
    bo.verify(&bo.wrong_code(1)).await.expect_problem(503, "TL-2009");
    assert_eq!(portal.world.sql("SELECT max(fails) FROM factor"), "0");
    // A correction of less than the tolerance goes unnoticed.
    portal.clock.pass(6_000);
    bo.verify(&bo.wrong_code(1)).await.expect_problem(422, CODE_REFUSED);
    assert_eq!(portal.world.sql("SELECT max(fails) FROM factor"), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn f32_after_a_step_the_step_before_is_refused() {
    let portal = Portal::start();
    portal.enforced().await;
    let bo = member_with_code(&portal).await;
    portal.clock.pass(4 * STEP_MS);
    let step = portal.clock.now_ms() / STEP_MS;
    let authenticator = bo.authenticator.as_ref().unwrap();
    bo.verify(&authenticator.code_of_step(step)).await.expect(200);
    bo.verify(&authenticator.code_of_step(step - 1)).await.expect_problem(422, CODE_REFUSED);
    bo.verify(&authenticator.code_of_step(step + 1)).await.expect(200);
    bo.verify(&authenticator.code_of_step(step)).await.expect_problem(422, CODE_REFUSED);
}

#[tokio::test(flavor = "multi_thread")]
async fn f33_a_code_is_refused_in_the_next_step() {
    let portal = Portal::start();
    portal.enforced().await;
    let bo = member_with_code(&portal).await;
    portal.clock.pass(2 * STEP_MS);
    let code = bo.code_now();
    bo.verify(&code).await.expect(200);
    bo.verify(&code).await.expect_problem(422, CODE_REFUSED);
    portal.clock.pass(STEP_MS);
    again(&portal, &bo).await.verify(&code).await.expect_problem(422, CODE_REFUSED);
    assert_eq!(portal.world.audited("code.replayed"), 2);
}

/// The window at the portal: the step before, the present one and the next, and nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn one_step_on_either_side_is_accepted_and_no_more() {
    for (offset, is_accepted) in [(-2_i64, false), (-1, true), (0, true), (1, true), (2, false)] {
        let portal = Portal::start();
        portal.enforced().await;
        let bo = member_with_code(&portal).await;
        portal.clock.pass(10 * STEP_MS);
        let step = (portal.clock.now_ms() / STEP_MS).checked_add_signed(offset).unwrap();
        let code = bo.authenticator.as_ref().unwrap().code_of_step(step);
        assert_eq!(bo.verify(&code).await.status.is_success(), is_accepted, "offset {offset}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f34_two_hundred_parallel_wrong_codes_are_ten_tries() {
    let portal = Portal::start();
    portal.enforced().await;
    let first = Arc::new(member_with_code(&portal).await);
    let mut answers = Vec::new();
    // Each round from a new session: a session is no fresh start.
    for round in 0..10_u64 {
        let Some(phone) = try_again(&portal, &first).await else { break };
        let phone = Arc::new(phone);
        let tasks: Vec<_> = (0..20)
            .map(|n| {
                let phone = phone.clone();
                tokio::spawn(async move { phone.verify(&phone.wrong_code(round * 20 + n)).await.code() })
            })
            .collect();
        for task in tasks {
            answers.push(task.await.unwrap());
        }
        portal.clock.pass(15 * MINUTE_MS);
    }
    assert_eq!(answers.len(), 200);
    assert!(answers.iter().all(|code| [CODE_REFUSED, "TL-2003", "TL-2004"].contains(&code.as_str())), "{answers:?}");
    assert_eq!(portal.world.audited("code.refused"), 10);
    assert_eq!(portal.world.audited("two_step.disabled"), 1);
    assert_eq!(portal.world.sql("SELECT fails FROM factor WHERE state = 'disabled'"), "10");
}

async fn try_again(portal: &Portal, of: &Phone) -> Option<Phone> {
    let phone = again(portal, of).await;
    phone.session.is_some().then_some(phone)
}

#[tokio::test(flavor = "multi_thread")]
async fn f34_waits_grow_and_cost_no_try() {
    let portal = Portal::start();
    portal.enforced().await;
    let first = member_with_code(&portal).await;
    for (fails, wait_ms) in [(1, 0), (2, 0), (3, 30_000), (4, MINUTE_MS), (5, 5 * MINUTE_MS), (6, 15 * MINUTE_MS)] {
        let bo = again(&portal, &first).await;
        bo.verify(&bo.wrong_code(fails)).await.expect_problem(422, CODE_REFUSED);
        assert_eq!(portal.world.sql("SELECT max(fails) FROM factor"), fails.to_string());
        if wait_ms > 0 {
            portal.clock.pass(wait_ms - 1);
            let bo = again(&portal, &first).await;
            // Even the right one, and it does not make the wait longer.
            let answer = bo.verify(&bo.code_now()).await;
            answer.expect_problem(429, "TL-2003");
            assert_eq!(answer.value()["retry_after_ms"], 1);
            assert_eq!(answer.header("retry-after"), "1");
            portal.clock.pass(1);
        }
    }
    assert_eq!(portal.world.sql("SELECT max(fails) FROM factor"), "6");
    let bo = again(&portal, &first).await;
    bo.verify(&bo.code_now()).await.expect(200);
    assert_eq!(portal.world.sql("SELECT max(fails) FROM factor"), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn f35_the_right_code_comes_too_late_as_the_eleventh() {
    let portal = Portal::start();
    portal.enforced().await;
    let first = Arc::new(member_with_code(&portal).await);
    for n in 0..9 {
        portal.clock.pass(15 * MINUTE_MS);
        let bo = again(&portal, &first).await;
        bo.verify(&bo.wrong_code(n)).await.expect_problem(422, CODE_REFUSED);
    }
    portal.clock.pass(15 * MINUTE_MS);
    let bo = Arc::new(again(&portal, &first).await);
    // The tenth is wrong and answered; then ten right ones at once.
    bo.verify(&bo.wrong_code(10)).await.expect_problem(403, "TL-2004");
    let tasks: Vec<_> = (0..10)
        .map(|_| {
            let bo = bo.clone();
            tokio::spawn(async move { bo.verify(&bo.code_now()).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().expect_problem(403, "TL-2004");
    }
    assert_eq!(portal.world.audited("code.accepted"), 0);
    // Time heals nothing, and neither does a new session.
    portal.clock.pass(48 * HOUR_MS);
    let bo = again(&portal, &first).await;
    bo.verify(&bo.code_now()).await.expect_problem(403, "TL-2004");
    bo.get(phone::By::Session, "/v1/files").await.expect_problem(403, "TL-2004");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_a_code_costs_no_try() {
    let portal = Portal::start();
    portal.enforced().await;
    let bo = member_with_code(&portal).await;
    for text in ["", "12345", "1234567", "abcdef", "+12345", "12\t3456", &"1".repeat(10_000)] {
        bo.verify(text).await.expect_problem(400, REFUSED);
    }
    assert_eq!(portal.world.sql("SELECT max(fails) FROM factor"), "0");
    portal.clock.pass(STEP_MS);
    let code = bo.code_now();
    bo.verify(&format!("{} {}", &code[..3], &code[3..])).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn b26_the_right_code_during_a_wait_is_refused_and_does_not_lengthen_it() {
    let portal = Portal::start();
    portal.enforced().await;
    let first = member_with_code(&portal).await;
    let bo = again(&portal, &first).await;
    for n in 0..3 {
        bo.verify(&bo.wrong_code(n)).await.expect_problem(422, CODE_REFUSED);
    }
    for (left_ms, pass_ms) in [(30_000, 10_000), (20_000, 10_000), (10_000, 9_999), (1, 1)] {
        for code in [bo.code_now(), bo.wrong_code(9)] {
            let answer = bo.verify(&code).await;
            answer.expect_problem(429, "TL-2003");
            assert_eq!(answer.value()["retry_after_ms"], left_ms);
        }
        assert_eq!(portal.world.sql("SELECT max(fails) FROM factor"), "3");
        portal.clock.pass(pass_ms);
    }
    bo.verify(&bo.code_now()).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn b31_a_wrong_a_used_and_an_expired_code_get_one_answer() {
    let portal = Portal::start();
    portal.enforced().await;
    let first = member_with_code(&portal).await;
    portal.clock.pass(10 * STEP_MS);
    let bo = again(&portal, &first).await;
    let used = bo.code_now();
    bo.verify(&used).await.expect(200);
    let step = portal.clock.now_ms() / STEP_MS;
    let expired = bo.authenticator.as_ref().unwrap().code_of_step(step - 3);
    let mut told = Vec::new();
    for code in [used.clone(), expired, bo.wrong_code(1)] {
        // A success in between, so that no wait tells them apart.
        portal.clock.pass(STEP_MS);
        let answer = bo.verify(&code).await;
        answer.expect_problem(422, CODE_REFUSED);
        let mut body = answer.value();
        body["request_id"] = serde_json::Value::Null;
        told.push(body);
        bo.verify(&bo.code_now()).await.expect(200);
    }
    assert!(told.iter().all(|body| *body == told[0]), "{told:?}");
    assert!(told[0]["title"].as_str().unwrap().contains("wait for the next one"), "{told:?}");
    // Without the first factor no code is looked at.
    for code in [used, bo.code_now()] {
        let body = serde_json::json!({ "code": code });
        portal.browser().post("/v1/two-step/verify", &body).await.expect_problem(401, "TL-3005");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b32_a_code_shown_in_one_browser_signs_no_other_one_in() {
    let portal = Portal::start();
    portal.enforced().await;
    let bo = member_with_code(&portal).await;
    let (mut here, mut there) = (portal.browser(), portal.browser());
    here.sign_in(BO).await;
    there.sign_in(BO).await;
    portal.clock.pass(STEP_MS);
    here.code(&bo.code_now()).await.expect(303);
    assert_eq!((here.step().await.as_str(), there.step().await.as_str()), ("ready", "enter_code"));
    there.get("/v1/files").await.expect_problem(403, "TL-3001");
    there.code(&bo.code_now()).await.expect(422);
    assert_eq!(there.step().await, "enter_code");
}
