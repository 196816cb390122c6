//! PIN tries at the portal: damaged counters, the end of a PIN, clocks, and what each refusal is called.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod support;

use serde_json::{Value, json};
use std::sync::Arc;
use support::phone::{By, new_key};
use support::*;
use twinlock_core::ports::{Clock, PortError};
use twinlock_core::wire::PinEvaluated;

const FILES: &str = "/v1/files";

#[tokio::test(flavor = "multi_thread")]
async fn f48_a_damaged_counter_gives_no_try() {
    for damage in ["UPDATE pin SET fails = -100", "UPDATE pin SET fails = NULL", "DELETE FROM pin"] {
        let portal = Portal::start();
        let mut ada = portal.enforced().await;
        let mut bo = portal.ready_phone(&mut ada, BO).await;
        // A try that was counted before the damage, and could be proven.
        let (key, attempt) = (new_key(), bo.next_attempt());
        let evaluated: PinEvaluated = bo.evaluate(attempt, &key).await.json();
        let counted = portal.world.audited("pin.try_counted");
        portal.world.loosen("pin");
        portal.world.sql(damage);
        for _ in 0..3 {
            let answer = bo.try_pin(true).await;
            assert!(!answer.status.is_success(), "{damage}: {}", answer.text());
        }
        assert_eq!(portal.world.audited("pin.try_counted"), counted, "{damage}: a try was given");
        if !damage.contains("-100") {
            let right = bo.activated.clone();
            assert!(!bo.prove(&evaluated, attempt, &key, &right).await.status.is_success(), "{damage}");
            assert_eq!(portal.world.audited("pin.accepted"), 0, "{damage}");
        }
        // No tries are shown that are not there.
        let answer = bo.get(By::Device, "/v1/devices/self").await;
        assert!(answer.value()["step"]["tries_left"].as_u64().unwrap_or(0) == 0, "{damage}: {}", answer.text());
    }
}

/// A row that is gone is no fresh start: whoever only holds the phone sets no PIN of his own.
#[tokio::test(flavor = "multi_thread")]
async fn f48_without_its_row_a_device_opens_nothing() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let mut bo = portal.ready_phone(&mut ada, BO).await;
    portal.clock.pass(25 * HOUR_MS);
    portal.world.sql("DELETE FROM pin");
    assert_eq!(bo.get(By::Device, "/v1/devices/self").await.step(), "sign_in");
    bo.post(By::Device, "/v1/pin/prepare", &Value::Null).await.expect_problem(403, "TL-3001");
    bo.try_pin(true).await.expect_problem(409, "TL-1006");
    bo.get(By::Session, FILES).await.expect_problem(401, "TL-3005");
}

#[tokio::test(flavor = "multi_thread")]
async fn f51_after_eight_wrong_pins_only_a_new_enrollment_helps() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let mut bo = portal.ready_phone(&mut ada, BO).await;
    let lost = bo.device_id();
    for left in (0..8_u32).rev() {
        let answer = bo.try_pin(false).await;
        answer.expect_problem(422, "TL-1003");
        assert_eq!(answer.value()["tries_left"], left);
        portal.clock.pass(HOUR_MS);
    }
    assert_eq!(portal.world.audited("pin.erased"), 1);
    for _ in 0..3 {
        bo.try_pin(true).await.expect_problem(403, "TL-1005");
        portal.clock.pass(24 * HOUR_MS);
    }
    // Not by a new PIN on the same device, and not by a sign-in alone.
    bo.post(By::Device, "/v1/pin/prepare", &Value::Null).await.expect_problem(403, "TL-3001");
    bo.sign_in(BO).await;
    bo.verify(&bo.code_now()).await.expect(200);
    bo.post(By::Device, "/v1/pin/prepare", &Value::Null).await.expect_problem(403, "TL-3001");
    bo.get(By::Session, FILES).await.expect_problem(403, "TL-3001");
    assert_eq!(portal.world.audited("pin.accepted"), 0);
    // An admin binds the phone anew.
    ada.sign_in(ADA).await;
    ada.enter_code().await;
    ada.decide(&lost, "revoke").await.expect(204);
    bo.device_key = new_key();
    bo.activated = new_key();
    bo.enroll().await;
    ada.approve(&bo).await.expect(204);
    bo.create_pin().await;
    assert_eq!(bo.try_pin(true).await.expect(200).value()["failures_before"], 0);
    bo.get(By::Session, FILES).await.expect(200);
    assert_eq!(portal.world.sql("SELECT state || fails FROM pin ORDER BY state"), "erased8\nset0");
}

/// The app and its extension are two clients with one key.
#[tokio::test(flavor = "multi_thread")]
async fn b36_app_and_extension_share_one_count_that_no_clock_shortens() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let mut app = portal.ready_phone(&mut ada, BO).await;
    let mut extension = portal.phone();
    extension.organisation.clone_from(&app.organisation);
    extension.enrollment.clone_from(&app.enrollment);
    extension.device_key = app.device_key.clone();
    extension.epoch = app.epoch;
    extension.policy_version.store(2, std::sync::atomic::Ordering::SeqCst);
    for _ in 0..3 {
        // Numbers are the device's, whoever of the two asks.
        extension.next_attempt();
    }
    let left = |answer: &Answer| answer.value()["tries_left"].as_u64();
    assert_eq!(left(&app.try_pin(false).await), Some(7));
    assert_eq!(left(&extension.try_pin(false).await), Some(6));
    for _ in 0..4 {
        app.next_attempt();
    }
    // Counted before it is checked: the answer to `evaluate` has it.
    assert_eq!(left(&app.evaluate(app.next_attempt(), &new_key()).await), Some(5));
    assert_eq!(portal.world.sql("SELECT fails FROM pin"), "3");
    for phone in [&mut app, &mut extension] {
        phone.try_pin(true).await.expect_problem(429, "TL-1004");
    }
    // The portal's clock set back makes the wait longer, and the phone's is not asked.
    portal.clock.set_back(10_000);
    let answer = app.try_pin(true).await;
    answer.expect_problem(429, "TL-1004");
    assert_eq!(answer.value()["retry_after_ms"], 40_000);
    portal.clock.pass(10_000);
    let ahead = Arc::new(ManualClockAhead(portal.clock.clone()));
    let mut cheat = Phone::new(portal.door.clone(), ahead);
    cheat.organisation.clone_from(&app.organisation);
    cheat.enrollment.clone_from(&app.enrollment);
    cheat.device_key = app.device_key.clone();
    cheat.epoch = app.epoch;
    cheat.policy_version.store(2, std::sync::atomic::Ordering::SeqCst);
    cheat.evaluate(20, &new_key()).await.expect_problem(401, "TL-4006");
    portal.clock.pass(30_000);
    app.try_pin(true).await.expect(200);
}

/// A phone whose clock was set an hour ahead.
struct ManualClockAhead(Arc<ManualClock>);

impl Clock for ManualClockAhead {
    fn wall_ms(&self) -> Result<u64, PortError> {
        Ok(self.0.now_ms() + HOUR_MS)
    }

    fn boot_ms(&self) -> Result<u64, PortError> {
        self.0.boot_ms()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b44_each_reason_that_a_pin_does_not_open_has_its_own_code() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let mut bo = portal.waiting_phone(BO).await;
    let mut codes = Vec::new();
    let mut see = |answer: &Answer| codes.push(answer.code());
    // Not approved, no PIN, wrong, waiting.
    see(&bo.evaluate(1, &new_key()).await);
    ada.approve(&bo).await.expect(204);
    see(&bo.evaluate(1, &new_key()).await);
    bo.create_pin().await;
    see(&bo.try_pin(false).await);
    for _ in 0..2 {
        bo.try_pin(false).await.expect_problem(422, "TL-1003");
    }
    see(&bo.try_pin(true).await);
    // Erased.
    for _ in 0..5 {
        portal.clock.pass(HOUR_MS);
        bo.try_pin(false).await.expect_problem(422, "TL-1003");
    }
    portal.clock.pass(HOUR_MS);
    see(&bo.try_pin(true).await);
    // The key is another one, the device is revoked, the member suspended, the session over.
    let key = std::mem::replace(&mut bo.device_key, new_key());
    see(&bo.try_pin(true).await);
    bo.device_key = key;
    ada.sign_in(ADA).await;
    ada.enter_code().await;
    let member = bo.member.clone();
    ada.decide(&bo.device_id(), "revoke").await.expect(204);
    see(&bo.try_pin(true).await);
    ada.post(&format!("/v1/admin/members/{member}/suspend"), &json!(null)).await.expect(204);
    see(&bo.try_pin(true).await);
    portal.clock.pass(24 * HOUR_MS);
    see(&bo.get(By::Session, FILES).await);
    let expected = ["TL-3001", "TL-1006", "TL-1003", "TL-1004", "TL-1005", "TL-4010", "TL-5007", "TL-3009", "TL-3005"];
    assert_eq!(codes, expected);
}
