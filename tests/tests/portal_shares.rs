//! The portal's part of a PIN: counted before evaluated, one element for one number, and nothing left of what was erased.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod support;

use serde_json::{Value, json};
use std::sync::Arc;
use support::phone::{By, element, new_key, spki};
use support::*;
use twinlock_core::wire::{Bytes, PinEvaluate, PinEvaluated, PinPrepareEvaluate, PinPrepareEvaluated, PinPrepared};

const STEP_REQUIRED: &str = "TL-3001";
const STALE_EPOCH: &str = "TL-5006";
const DAY_MS: u64 = 24 * HOUR_MS;

fn fails(portal: &Portal) -> String {
    portal.world.sql("SELECT fails FROM pin")
}

#[tokio::test(flavor = "multi_thread")]
async fn f37_an_attempt_is_good_for_one_element_one_device_and_one_minute() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let bo = portal.ready_phone(&mut ada, BO).await;
    let cy = portal.ready_phone(&mut ada, CY).await;
    let fails =
        |phone: &Phone| portal.world.sql(&format!("SELECT fails FROM pin WHERE device = '{}'", phone.device_id()));
    let (attempt, key) = (bo.next_attempt(), new_key());
    let evaluated: PinEvaluated = bo.evaluate(attempt, &key).await.json();
    // Another element under the same number.
    bo.evaluate(attempt, &new_key()).await.expect_problem(400, "TL-4007");
    assert_eq!(fails(&bo), "1");
    // Another device: its own attempt was never counted, and the answer is not for it.
    let stolen = cy.proof(&evaluated, attempt, &key, &bo.activated);
    cy.post(By::Device, "/v1/pin/prove", &stolen).await.expect_problem(403, STEP_REQUIRED);
    let other: PinEvaluated = cy.evaluate(attempt, &key).await.json();
    let crossed = cy.proof(&evaluated, attempt, &key, &cy.activated);
    cy.post(By::Device, "/v1/pin/prove", &crossed).await.expect_problem(422, "TL-1003");
    assert_ne!(other.evaluation, evaluated.evaluation, "another device has another seed");
    assert_eq!(fails(&cy), "1");
    // A minute later; the answer that is given again begins the minute anew.
    portal.clock.pass(MINUTE_MS);
    bo.prove(&evaluated, attempt, &key, &bo.activated).await.expect_problem(403, STEP_REQUIRED);
    let again: PinEvaluated = bo.evaluate(attempt, &key).await.json();
    portal.clock.pass(MINUTE_MS - 1);
    bo.prove(&again, attempt, &key, &bo.activated).await.expect(200);
    bo.prove(&again, attempt, &key, &bo.activated).await.expect_problem(403, STEP_REQUIRED);
    bo.evaluate(attempt, &key).await.expect_problem(400, "TL-4007");
}

#[tokio::test(flavor = "multi_thread")]
async fn f39_the_same_try_again_is_the_stored_answer_and_costs_nothing() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let mut bo = portal.ready_phone(&mut ada, BO).await;
    let (attempt, key) = (bo.next_attempt(), new_key());
    let first: PinEvaluated = bo.evaluate(attempt, &key).await.json();
    for _ in 0..20 {
        let again: PinEvaluated = bo.evaluate(attempt, &key).await.json();
        assert_eq!((again.evaluation, again.challenge), (first.evaluation.clone(), first.challenge.clone()));
        portal.clock.pass(MINUTE_MS);
    }
    assert_eq!((fails(&portal).as_str(), portal.world.audited("pin.try_counted")), ("1", 1));
    bo.evaluate(attempt, &new_key()).await.expect_problem(400, "TL-4007");
    bo.try_pin(true).await.expect(200);
}

/// A seed that is being set evaluates one element; otherwise setting a PIN would answer guesses that nobody counts.
#[tokio::test(flavor = "multi_thread")]
async fn f39_a_prepared_seed_evaluates_one_element_only() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let mut bo = portal.phone();
    bo.sign_in(BO).await;
    bo.set_up().await;
    bo.enroll().await;
    ada.approve(&bo).await.expect(204);
    let by = By::Device;
    let prepared: PinPrepared = bo.post(by, "/v1/pin/prepare", &Value::Null).await.json();
    // Nothing is committed that was never evaluated.
    bo.commit_pin(by, &prepared).await.expect_problem(409, STALE_EPOCH);
    let prepared: PinPrepared = bo.post(by, "/v1/pin/prepare", &Value::Null).await.json();
    let key = new_key();
    let first: PinPrepareEvaluated = bo.evaluate_prepared(by, prepared.epoch, &key).await.json();
    let again: PinPrepareEvaluated = bo.evaluate_prepared(by, prepared.epoch, &key).await.json();
    assert_eq!(first.evaluation, again.evaluation);
    bo.evaluate_prepared(by, prepared.epoch, &new_key()).await.expect_problem(409, STALE_EPOCH);
    assert_eq!(portal.world.sql("SELECT count(*) FROM prepared_pin"), "0", "the second one discards the seed");
    bo.evaluate_prepared(by, prepared.epoch, &key).await.expect_problem(409, STALE_EPOCH);
    bo.commit_pin(by, &prepared).await.expect_problem(409, STALE_EPOCH);
    // Each preparation has a number and a key of its own, and is void when the next one begins or ten minutes are over.
    let old: PinPrepared = bo.post(by, "/v1/pin/prepare", &Value::Null).await.json();
    let new: PinPrepared = bo.post(by, "/v1/pin/prepare", &Value::Null).await.json();
    assert!(new.epoch > old.epoch && old.epoch > prepared.epoch && new.portal_key != old.portal_key);
    bo.evaluate_prepared(by, old.epoch, &key).await.expect_problem(409, STALE_EPOCH);
    let late = bo.prepare_pin(by).await;
    portal.clock.pass(10 * MINUTE_MS);
    bo.commit_pin(by, &late).await.expect_problem(409, STALE_EPOCH);
    bo.create_pin().await;
    assert_eq!(bo.step().await, "ready");
}

#[tokio::test(flavor = "multi_thread")]
async fn f47_what_is_no_element_is_refused_and_not_counted() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let bo = portal.ready_phone(&mut ada, BO).await;
    let good = element(&new_key()).0;
    let mut above = [0xff; 32];
    above[31] = 0x7f;
    let mut wrong: Vec<Vec<u8>> = vec![vec![0; 32], vec![0xff; 32], above.to_vec(), vec![], good[..31].to_vec()];
    wrong.extend([[&good[..], &[0]].concat(), good.repeat(2)]);
    let before = portal.world.dump("pin");
    for bytes in wrong {
        let body = PinEvaluate { epoch: 1, attempt: 7, element: Bytes(bytes.clone()) };
        bo.post(By::Device, "/v1/pin/evaluate", &body).await.expect_problem(400, "TL-4007");
        // The signature comes first: a stranger is not told whether it was a point.
        let text = serde_json::to_vec(&body).unwrap();
        let stranger = bo.prepare(By::Device, "POST", "/v1/pin/prove", &text).await;
        let answer = portal.door.send("POST", "/v1/pin/evaluate", &stranger, text).await;
        answer.expect_problem(401, "TL-4010");
        let body = PinPrepareEvaluate { epoch: 1, element: Bytes(bytes) };
        bo.post(By::Session, "/v1/pin/prepare/evaluate", &body).await.expect_problem(400, "TL-4007");
    }
    let huge = PinEvaluate { epoch: 1, attempt: 7, element: Bytes(vec![7; 1 << 20]) };
    bo.post(By::Device, "/v1/pin/evaluate", &huge).await.expect_problem(413, "TL-4008");
    assert_eq!(portal.world.dump("pin"), before);
    assert_eq!(portal.world.audited("pin.try_counted"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn f48_a_count_that_is_missing_negative_or_null_evaluates_nothing() {
    for (damage, status, code) in [
        ("UPDATE pin SET fails = -1", 503, "TL-4013"),
        ("UPDATE pin SET fails = -9223372036854775808", 503, "TL-4013"),
        ("DELETE FROM pin", 409, "TL-1006"),
        ("UPDATE pin SET fails = NULL", 503, "TL-4013"),
    ] {
        let portal = Portal::start();
        let mut ada = portal.enforced().await;
        let bo = portal.ready_phone(&mut ada, BO).await;
        portal.world.loosen("pin");
        portal.world.sql(damage);
        for _ in 0..3 {
            let answer = bo.evaluate(bo.next_attempt(), &new_key()).await;
            answer.expect_problem(status, code);
            assert!(!answer.text().contains("evaluation"), "{damage}");
        }
        assert_eq!(portal.world.audited("pin.try_counted"), 0, "{damage}");
    }
}

/// What the portal keeps on its disk. On PostgreSQL the rows alone: it has old ones for a while (decision 0011).
fn disk(portal: &Portal) -> Vec<u8> {
    if portal.world.database.address().is_some() {
        let rows =
            portal.world.sql("SELECT hex(seed_sealed) FROM pin UNION ALL SELECT hex(seed_sealed) FROM prepared_pin");
        return rows.lines().flat_map(|row| data_encoding::HEXUPPER.decode(row.as_bytes()).unwrap()).collect();
    }
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(portal.world.data()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            bytes.extend(std::fs::read(path).unwrap());
        }
    }
    bytes
}

fn holds(disk: &[u8], needle: &[u8]) -> bool {
    !needle.is_empty() && disk.windows(needle.len()).any(|window| window == needle)
}

/// The sealed seed as it lies in the database.
fn seed(portal: &Portal) -> Vec<u8> {
    data_encoding::HEXUPPER.decode(portal.world.sql("SELECT hex(seed_sealed) FROM pin").as_bytes()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn f51_after_eight_wrong_pins_the_seed_is_gone_from_the_disk_and_a_new_device_works() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let mut bo = portal.ready_phone(&mut ada, BO).await;
    let seed = seed(&portal);
    assert_eq!(seed.len(), 12 + 32 + 16 + 12 + 32 + 16);
    assert!(holds(&disk(&portal), &seed));
    for _ in 0..8 {
        bo.try_pin(false).await.expect_problem(422, "TL-1003");
        portal.clock.pass(HOUR_MS);
    }
    assert_eq!(portal.world.sql("SELECT state || length(seed_sealed) || length(attempt_answer) FROM pin"), "erased00");
    assert!(!holds(&disk(&portal), &seed), "neither the database nor its log has the seed any more");
    bo.try_pin(true).await.expect_problem(403, "TL-1005");
    portal.clock.pass(40 * DAY_MS);
    bo.try_pin(true).await.expect_problem(403, "TL-1005");
    for path in ["/v1/pin/prepare", "/v1/pin/commit"] {
        assert!(!bo.post(By::Device, path, &Value::Null).await.status.is_success());
    }
    assert_eq!((portal.world.audited("pin.erased"), portal.world.audited("pin.accepted")), (1, 0));
    // The way back is a new enrollment, with code and approval.
    bo.sign_in(BO).await;
    bo.verify(&bo.code_now()).await.expect(200);
    bo.device_key = new_key();
    bo.enroll().await;
    let mut ada = portal.browser_again(ada).await;
    ada.approve(&bo).await.expect(204);
    bo.activated = new_key();
    bo.create_pin().await;
    assert_eq!(bo.step().await, "ready");
    bo.try_pin(true).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn b37_the_last_try_ends_the_devices_sessions_also_if_nobody_comes_back() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let bo = portal.ready_phone(&mut ada, BO).await;
    let seed = seed(&portal);
    bo.get(By::Session, "/v1/files").await.expect(200);
    for _ in 0..8 {
        bo.evaluate(bo.next_attempt(), &new_key()).await.expect(200);
        portal.clock.pass(30 * MINUTE_MS);
        bo.get(By::Session, "/v1/step").await;
        portal.clock.pass(30 * MINUTE_MS - MINUTE_MS);
        portal.state.sweep().await.unwrap();
        portal.clock.pass(MINUTE_MS);
    }
    assert_eq!(portal.world.sql("SELECT state FROM pin"), "erased", "a minute after the last try");
    assert!(!holds(&disk(&portal), &seed));
    assert_eq!(portal.world.sql("SELECT count(*) FROM session WHERE device <> ''"), "0");
    assert_eq!(portal.world.audited("pin.erased"), 1);
    bo.evaluate(bo.next_attempt(), &new_key()).await.expect_problem(403, "TL-1005");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sweep_leaves_a_last_try_alone_that_may_still_be_proven() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let bo = portal.ready_phone(&mut ada, BO).await;
    for _ in 0..7 {
        bo.evaluate(bo.next_attempt(), &new_key()).await.expect(200);
        portal.clock.pass(HOUR_MS);
        portal.state.sweep().await.unwrap();
    }
    let (attempt, key) = (bo.next_attempt(), new_key());
    let evaluated: PinEvaluated = bo.evaluate(attempt, &key).await.json();
    assert_eq!(evaluated.tries_left, 0);
    portal.clock.pass(MINUTE_MS - 1);
    portal.state.sweep().await.unwrap();
    bo.prove(&evaluated, attempt, &key, &bo.activated).await.expect(200);
    assert_eq!(portal.world.sql("SELECT state || fails FROM pin"), "set0");
}

/// Another element at the limit ends it at once, in the transaction that refuses it.
#[tokio::test(flavor = "multi_thread")]
async fn a_ninth_element_erases_the_seed_even_within_the_minute() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let bo = portal.ready_phone(&mut ada, BO).await;
    portal.world.sql("UPDATE pin SET fails = 7");
    let (attempt, key) = (bo.next_attempt(), new_key());
    let evaluated: PinEvaluated = bo.evaluate(attempt, &key).await.json();
    bo.evaluate(bo.next_attempt(), &new_key()).await.expect_problem(403, "TL-1005");
    assert_eq!(portal.world.sql("SELECT state || length(seed_sealed) FROM pin"), "erased0");
    bo.prove(&evaluated, attempt, &key, &bo.activated).await.expect_problem(403, STEP_REQUIRED);
}

#[tokio::test(flavor = "multi_thread")]
async fn f52_thirty_failures_in_thirty_days_ask_for_a_code_which_settles_them() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let mut bo = portal.ready_phone(&mut ada, BO).await;
    let unlock = async |bo: &mut Phone, portal: &Portal, failures: u32| {
        for _ in 0..failures {
            bo.try_pin(false).await.expect_problem(422, "TL-1003");
            portal.clock.pass(HOUR_MS);
        }
        assert_eq!(bo.try_pin(true).await.expect(200).value()["failures_before"], failures);
        bo.step().await
    };
    // 29 in a month: each success clears what is in a row, and nothing else.
    for _ in 0..4 {
        assert_eq!(unlock(&mut bo, &portal, 7).await, "ready");
    }
    assert_eq!(unlock(&mut bo, &portal, 1).await, "ready");
    assert_eq!(portal.world.sql("SELECT count(*) || '' || (SELECT fails FROM pin) FROM pin_failure"), "290");
    // The thirtieth.
    assert_eq!(unlock(&mut bo, &portal, 1).await, "enter_code");
    bo.get(By::Session, "/v1/files").await.expect_problem(403, STEP_REQUIRED);
    assert_eq!(unlock(&mut bo, &portal, 0).await, "enter_code", "another unlock does not settle it");
    bo.verify(&bo.code_now()).await.expect(200);
    assert_eq!(bo.step().await, "ready");
    assert_eq!(portal.world.sql("SELECT count(*) FROM pin_failure"), "0");
    assert_eq!(unlock(&mut bo, &portal, 7).await, "ready");
    assert_eq!(portal.world.audited("pin.erased"), 0, "nothing is erased by it");
}

#[tokio::test(flavor = "multi_thread")]
async fn f52_failures_older_than_thirty_days_do_not_count() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let mut bo = portal.ready_phone(&mut ada, BO).await;
    // The policy's own interval for codes is out of the way.
    portal.world.sql("UPDATE device SET code_at_ms = 9000000000000");
    for _ in 0..6 {
        for _ in 0..6 {
            bo.try_pin(false).await.expect_problem(422, "TL-1003");
            portal.clock.pass(HOUR_MS);
        }
        bo.try_pin(true).await.expect(200);
        portal.clock.pass(8 * DAY_MS);
    }
    assert_eq!(bo.try_pin(true).await.expect(200).value()["step"]["kind"], "ready");
}

#[tokio::test(flavor = "multi_thread")]
async fn b43_a_change_needs_a_fresh_unlock_and_erases_the_old_seed() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let mut bo = portal.ready_phone(&mut ada, BO).await;
    let (old_seed, old_epoch, old_key) = (seed(&portal), bo.epoch, bo.activated.clone());
    // The device key alone changes nothing.
    bo.post(By::Device, "/v1/pin/prepare", &Value::Null).await.expect_problem(403, STEP_REQUIRED);
    bo.try_pin(true).await.expect(200);
    portal.clock.pass(5 * MINUTE_MS);
    bo.post(By::Session, "/v1/pin/prepare", &Value::Null).await.expect_problem(403, STEP_REQUIRED);
    bo.try_pin(true).await.expect(200);
    let prepared = bo.prepare_pin(By::Session).await;
    // Prepared is not changed: the old PIN opens, and the new one does not yet.
    bo.evaluate(bo.next_attempt(), &new_key()).await.expect(200);
    bo.activated = new_key();
    // The proof comes too late.
    portal.clock.pass(5 * MINUTE_MS);
    let answer = bo.commit_pin(By::Session, &prepared).await;
    answer.expect_problem(403, STEP_REQUIRED);
    bo.activated = old_key.clone();
    bo.try_pin(true).await.expect(200);
    let prepared = bo.prepare_pin(By::Session).await;
    bo.activated = new_key();
    let before = (bo.session.clone(), bo.activated.clone());
    bo.commit_pin(By::Session, &prepared).await.expect(200);
    assert!(bo.epoch > old_epoch);
    assert_eq!(bo.step().await, "ready");
    assert!(!holds(&disk(&portal), &old_seed), "the old seed is gone from database and log");
    assert_eq!(portal.world.audited("pin.changed"), 1);
    let session = std::mem::replace(&mut bo.session, before.0);
    bo.get(By::Session, "/v1/step").await.expect_problem(401, "TL-3005");
    bo.session = session;
    // The old epoch is stale, and asking for it costs nothing; the new PIN opens.
    let new_epoch = std::mem::replace(&mut bo.epoch, old_epoch);
    bo.evaluate(bo.next_attempt(), &new_key()).await.expect_problem(409, STALE_EPOCH);
    bo.epoch = new_epoch;
    assert_eq!(fails(&portal), "0");
    bo.try_pin(true).await.expect(200);
    bo.activated = old_key;
    bo.try_pin(true).await.expect_problem(422, "TL-1003");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_is_good_for_one_epoch_one_key_and_one_time() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let mut bo = portal.phone();
    bo.sign_in(BO).await;
    bo.set_up().await;
    bo.enroll().await;
    ada.approve(&bo).await.expect(204);
    let prepared = bo.prepare_pin(By::Device).await;
    // Signed by another key than the one that is enclosed.
    let enclosed = bo.activated.clone();
    bo.activated = new_key();
    let mut forged = json!({
        "epoch": prepared.epoch, "activated_key": spki(&enclosed), "session_key": spki(&new_key()),
        "activated_signature": Bytes(bo.activated.sign(b"anything")),
    });
    bo.post(By::Device, "/v1/pin/commit", &forged).await.expect_problem(401, "TL-4010");
    forged["epoch"] = json!(prepared.epoch + 1);
    bo.post(By::Device, "/v1/pin/commit", &forged).await.expect_problem(409, STALE_EPOCH);
    // A proof that failed has spent what was prepared.
    bo.activated = enclosed;
    bo.commit_pin(By::Device, &prepared).await.expect_problem(409, STALE_EPOCH);
    let prepared = bo.prepare_pin(By::Device).await;
    bo.commit_pin(By::Device, &prepared).await.expect(200);
    bo.commit_pin(By::Device, &prepared).await.expect_problem(409, STALE_EPOCH);
    assert_eq!(portal.world.audited("pin.created"), 1);
}

/// A portal whose key file was swapped evaluates nothing, counts nothing, and comes back with the right one.
#[tokio::test(flavor = "multi_thread")]
async fn a_seed_that_cannot_be_opened_costs_no_try() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let mut bo = portal.ready_phone(&mut ada, BO).await;
    let good = portal.world.sql("SELECT hex(seed_sealed) FROM pin");
    for damaged in [format!("00{}", &good[2..]), good[..20].to_owned(), String::new()] {
        portal.world.overwrite("pin", "seed_sealed", &damaged);
        bo.evaluate(bo.next_attempt(), &new_key()).await.expect_problem(503, "TL-4013");
        assert_eq!(fails(&portal), "0");
    }
    portal.world.overwrite("pin", "seed_sealed", &good);
    bo.try_pin(true).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn sealed_seeds_of_two_devices_cannot_be_swapped() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let bo = portal.ready_phone(&mut ada, BO).await;
    let cy = Arc::new(portal.ready_phone(&mut ada, CY).await);
    let (bo_id, cy_id) = (bo.device_id(), cy.device_id());
    portal.world.sql(&format!(
        "UPDATE pin SET seed_sealed = (SELECT seed_sealed FROM pin WHERE device = '{bo_id}') WHERE device = '{cy_id}'"
    ));
    cy.evaluate(cy.next_attempt(), &new_key()).await.expect_problem(503, "TL-4013");
    // Nor can a seed of the device's own past be put back.
    portal.world.sql(&format!("UPDATE pin SET epoch = epoch + 1 WHERE device = '{bo_id}'"));
    let moved = PinEvaluate { epoch: bo.epoch + 1, ..bo.try_of(bo.next_attempt(), &new_key()) };
    bo.post(By::Device, "/v1/pin/evaluate", &moved).await.expect_problem(503, "TL-4013");
}
