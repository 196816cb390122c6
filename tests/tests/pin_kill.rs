//! PIN tries and SIGKILL: what was answered stays counted, whenever the portal dies.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod support;

use std::sync::Arc;
use support::phone::{By, Headers, new_key};
use support::program::Served;
use support::*;
use tokio::task::JoinSet;
use twinlock_core::wire::PinEvaluated;

/// The policy's default.
const LIMIT: u64 = 8;
const EVALUATE: &str = "/v1/pin/evaluate";

/// A portal that dies and comes back on the same folder, and a phone that does not notice.
struct Mortal {
    world: World,
    served: Option<Served>,
    kills: u32,
}

impl Mortal {
    async fn start() -> (Self, Phone) {
        let world = World::new();
        let served = Served::start(&world).await;
        let mut ada = served.browser();
        ada.enforce().await;
        let mut bo = served.phone();
        bo.make_ready(BO, &mut ada).await;
        (Self { world, served: Some(served), kills: 0 }, bo)
    }

    fn kill(&mut self) {
        self.served.take().unwrap().kill();
        self.kills += 1;
    }

    async fn restart(&mut self, phone: &mut Phone) {
        let served = Served::start(&self.world).await;
        phone.door = served.door.clone();
        self.served = Some(served);
    }

    /// An hour goes by: the wait after a wrong PIN is over.
    fn wait_out(&self) {
        assert_eq!(self.world.sql("UPDATE pin SET wait_until_ms = 0 RETURNING 1"), "1");
    }
}

/// The tries that the portal shows to the device once its wait is over.
async fn tries_left(mortal: &Mortal, phone: &Phone) -> u64 {
    mortal.wait_out();
    let answer = phone.get(By::Device, "/v1/devices/self").await;
    answer.expect(200);
    answer.value()["step"]["tries_left"].as_u64().unwrap_or_else(|| panic!("{}", answer.text()))
}

async fn assert_right_pin_resets(mortal: &Mortal, phone: &mut Phone, wrong: u64) {
    mortal.wait_out();
    assert_eq!(phone.try_pin(true).await.expect(200).value()["failures_before"], wrong);
    assert_eq!(tries_left(mortal, phone).await, LIMIT);
    assert_eq!(mortal.world.sql("SELECT state || fails || wait_until_ms FROM pin"), "set00");
    phone.get(By::Session, "/v1/files").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn f38_a_try_that_was_answered_survives_sigkill() {
    let (mut mortal, mut bo) = Mortal::start().await;
    for answered in 1..LIMIT {
        mortal.wait_out();
        let evaluated: PinEvaluated = bo.evaluate(bo.next_attempt(), &new_key()).await.json();
        mortal.kill();
        assert_eq!(u64::from(evaluated.tries_left), LIMIT - answered);
        mortal.restart(&mut bo).await;
        // The wait survives as well: it stands in the same row.
        let step = bo.get(By::Device, "/v1/devices/self").await.step();
        assert_eq!(step, if answered < 3 { "enter_pin" } else { "wait" });
        assert_eq!(tries_left(&mortal, &bo).await, LIMIT - answered);
    }
    assert_right_pin_resets(&mortal, &mut bo, LIMIT - 1).await;
}

/// The portal dies between the answer to `evaluate` and the proof; the proof then comes to its successor.
#[tokio::test(flavor = "multi_thread")]
async fn f38_killed_between_evaluate_and_success() {
    let (mut mortal, mut bo) = Mortal::start().await;
    for is_right in [false, true, false, false, true] {
        mortal.wait_out();
        let (key, attempt) = (new_key(), bo.next_attempt());
        let before = tries_left(&mortal, &bo).await;
        let evaluated: PinEvaluated = bo.evaluate(attempt, &key).await.json();
        mortal.kill();
        mortal.restart(&mut bo).await;
        assert_eq!(tries_left(&mortal, &bo).await, before - 1);
        let activated = if is_right { bo.activated.clone() } else { new_key() };
        let answer = bo.prove(&evaluated, attempt, &key, &activated).await;
        if is_right {
            answer.expect(200);
            assert_eq!(tries_left(&mortal, &bo).await, LIMIT);
        } else {
            answer.expect_problem(422, "TL-1003");
            assert_eq!(tries_left(&mortal, &bo).await, before - 1);
        }
    }
}

/// Everything of one try, signed beforehand.
async fn signed_try(bo: &Phone) -> (Headers, Vec<u8>) {
    let body = serde_json::to_vec(&bo.try_of(bo.next_attempt(), &new_key())).unwrap();
    (bo.prepare(By::Device, "POST", EVALUATE, &body).await, body)
}

/// Requests are under way when the portal dies: after the first answer, after the second, and before any.
#[tokio::test(flavor = "multi_thread")]
async fn f38_killed_with_tries_in_flight() {
    const IN_FLIGHT: usize = 6;
    let (mut mortal, mut bo) = Mortal::start().await;
    let mut cut_off = 0;
    for wanted in [1, 0, 2, 1, 0, 1, 2, 0, 1, 0] {
        let before = tries_left(&mortal, &bo).await;
        let mut tries = Vec::new();
        for _ in 0..IN_FLIGHT {
            tries.push(signed_try(&bo).await);
        }
        let mut under_way = JoinSet::new();
        for (headers, body) in tries {
            let door = bo.door.clone();
            under_way.spawn(async move { door.try_send("POST", EVALUATE, &headers, body).await });
        }
        let mut answers = Vec::new();
        // One that was overtaken by a higher number is refused, so there may be fewer.
        while answers.iter().filter(|counted| **counted).count() < wanted
            && let Some(answer) = under_way.join_next().await
        {
            answers.push(answer.unwrap().unwrap().status.is_success());
        }
        mortal.kill();
        for rest in under_way.join_all().await {
            match rest {
                Ok(answer) => answers.push(answer.status.is_success()),
                Err(_) => cut_off += 1,
            }
        }
        let counted = answers.iter().filter(|counted| **counted).count() as u64;
        mortal.restart(&mut bo).await;
        let left = tries_left(&mortal, &bo).await;
        assert!(left <= before - counted, "{counted} answers, {before} tries before and {left} after");
        // What was counted is in the log as well, or neither is.
        let (fails, audited) = (LIMIT - left, mortal.world.audited("pin.try_counted") as u64);
        assert_eq!(mortal.world.sql("SELECT fails FROM pin"), fails.to_string());
        let wrong = fails;
        assert_right_pin_resets(&mortal, &mut bo, wrong).await;
        assert_eq!(mortal.world.audited("pin.try_counted") as u64, audited + 1);
    }
    assert_eq!(mortal.kills, 10);
    assert!(cut_off > 0, "the portal never died under a request");
}

/// The proof is under way when the portal dies: either it has reset the count or the try stays counted.
#[tokio::test(flavor = "multi_thread")]
async fn f38_killed_with_the_proof_in_flight() {
    let (mut mortal, mut bo) = Mortal::start().await;
    for round in 0..6 {
        let session = new_key();
        let (attempt, opened) = (bo.next_attempt(), mortal.world.audited("pin.accepted"));
        let evaluated: PinEvaluated = bo.evaluate(attempt, &session).await.json();
        let body = serde_json::to_vec(&bo.proof(&evaluated, attempt, &session, &bo.activated)).unwrap();
        let headers = bo.prepare(By::Device, "POST", "/v1/pin/prove", &body).await;
        let door = bo.door.clone();
        let sent = Arc::new(tokio::sync::Barrier::new(2));
        let gate = sent.clone();
        let under_way = tokio::spawn(async move {
            gate.wait().await;
            door.try_send("POST", "/v1/pin/prove", &headers, body).await
        });
        sent.wait().await;
        mortal.kill();
        let answer = under_way.await.unwrap();
        mortal.restart(&mut bo).await;
        let has_reset = mortal.world.audited("pin.accepted") - opened;
        assert_eq!(tries_left(&mortal, &bo).await, if has_reset == 1 { LIMIT } else { LIMIT - 1 }, "round {round}");
        // An answer is a promise.
        assert!(!answer.is_ok_and(|answer| answer.status.is_success()) || has_reset == 1);
        assert_right_pin_resets(&mortal, &mut bo, if has_reset == 1 { 0 } else { 1 }).await;
    }
}
