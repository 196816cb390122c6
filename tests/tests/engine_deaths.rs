//! The engine when its phone dies, or its storage or network fails, in the middle of anything. The portal is a real one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "support/handset.rs"]
mod handset;
mod support;

use handset::{Handset, PIN, Scene, WRONG_PIN};
use support::*;
use twinlock_core::Error;
use twinlock_core::step::{BlockedReason, PinRequest, Step};
use twinlock_core::testing::{Change, Fate};

const CREATE_PIN: Step = Step::CreatePin(PinRequest { min_length: 6, max_length: 12, repeat: false });
const REVOKED: Step = Step::Blocked { reason: BlockedReason::Revoked };

/// What happens around the n-th change of the store.
#[derive(Clone, Copy, Debug)]
enum Death {
    /// The process is killed before or after the change took effect.
    Killed(Change),
    /// The change fails, and the same engine goes on once storage works again.
    Failed(Change),
}

const DEATHS: [Death; 4] = [
    Death::Killed(Change::Lost),
    Death::Killed(Change::Kept),
    Death::Failed(Change::Lost),
    Death::Failed(Change::Kept),
];

/// Arms the store; after `act` was tried, says whether the n-th change was reached, and lets the phone go on.
fn arm(handset: &Handset, nth: u64, death: Death) {
    let (Death::Killed(change) | Death::Failed(change)) = death;
    handset.store.stop_at(nth, change);
}

fn survive(handset: &mut Handset, death: Death) -> bool {
    let was_reached = handset.store.repair();
    if matches!(death, Death::Killed(_)) {
        handset.restart().unwrap();
    }
    was_reached
}

#[tokio::test(flavor = "multi_thread")]
async fn f54_enrollment_survives_a_death_at_every_write() {
    for death in DEATHS {
        let mut nth = 0;
        loop {
            nth += 1;
            let mut scene = Scene::start().await;
            let mut handset = scene.handset();
            scene.lead_to(&mut handset, &Step::SetUpTwoStep).await;
            arm(&handset, nth, death);
            let set_up = handset.set_up_two_step().await;
            let was_reached = survive(&mut handset, death);
            assert_eq!(set_up.is_err(), was_reached, "{death:?} {nth}: {set_up:?}");
            if !was_reached {
                break;
            }
            assert_eq!(set_up, Err(Error::StoreFailed));
            scene.lead_to(&mut handset, &Step::Ready).await;
            handset.expect_only_pin(PIN, WRONG_PIN).await;
        }
        assert!(nth > 1, "enrollment wrote nothing");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn enrolling_again_survives_a_death_at_every_write() {
    for death in DEATHS {
        let mut nth = 0;
        loop {
            nth += 1;
            let mut scene = Scene::start().await;
            let mut handset = scene.ready().await;
            handset.sign_in().await.unwrap();
            scene.pass(STEP_MS);
            arm(&handset, nth, death);
            let enrolled = handset.engine.submit_code(&handset.code()).await;
            if !survive(&mut handset, death) {
                assert!(matches!(enrolled, Ok(Step::AwaitApproval { .. })), "{enrolled:?}");
                break;
            }
            assert_eq!(enrolled, Err(Error::StoreFailed), "{death:?} {nth}");
            scene.lead_to(&mut handset, &Step::Ready).await;
            handset.expect_only_pin(PIN, WRONG_PIN).await;
            assert_eq!(handset.account()["sealed_epochs"], serde_json::json!([1]));
        }
        assert!(nth > 3, "the former device was not cleared");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f45_creating_a_pin_survives_a_death_at_every_write() {
    for death in DEATHS {
        let mut nth = 0;
        loop {
            nth += 1;
            let mut scene = Scene::start().await;
            let mut handset = scene.handset();
            scene.lead_to(&mut handset, &CREATE_PIN).await;
            handset.enter(PIN).await.unwrap();
            arm(&handset, nth, death);
            let created = handset.enter(PIN).await;
            if !survive(&mut handset, death) {
                assert_eq!(created, Ok(Step::Ready));
                break;
            }
            assert_eq!(created, Err(Error::StoreFailed), "{death:?} {nth}");
            scene.lead_to(&mut handset, &Step::Ready).await;
            handset.expect_only_pin(PIN, WRONG_PIN).await;
            assert_eq!(scene.portal.world.sql("SELECT count(*) FROM device"), "1", "no second enrollment was needed");
        }
        assert!(nth > 4, "{nth}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f38_unlocking_survives_a_death_at_every_write() {
    let mut scene = Scene::start().await;
    let mut handset = scene.ready().await;
    for death in DEATHS {
        let mut nth = 0;
        loop {
            nth += 1;
            handset.engine.lock();
            arm(&handset, nth, death);
            let unlocked = handset.enter(PIN).await;
            if !survive(&mut handset, death) {
                assert_eq!(unlocked, Ok(Step::Ready));
                break;
            }
            assert_eq!(unlocked, Err(Error::StoreFailed), "{death:?} {nth}");
            scene.lead_to(&mut handset, &Step::Ready).await;
            handset.expect_only_pin(PIN, WRONG_PIN).await;
        }
        assert!(nth > 2, "{nth}");
    }
}

/// Every request of the whole way, by the end of its target.
const REQUESTS: [&str; 12] = [
    "/v1/nonce",
    "/v1/sessions",
    "/v1/two-step/set-up",
    "/v1/two-step/confirm",
    "/v1/enrollments",
    "/commit",
    "/reveal",
    "/v1/devices/self",
    "/v1/pin/prepare",
    "/v1/pin/commit",
    "/v1/pin/evaluate",
    "/v1/pin/prove",
];

#[tokio::test(flavor = "multi_thread")]
async fn f45_a_network_that_drops_any_request_or_any_answer_leaves_one_pin() {
    for target in REQUESTS {
        for fate in [Fate::Drop, Fate::DropAnswer] {
            let mut scene = Scene::start().await;
            let mut handset = scene.handset();
            handset.transport.expect(target, fate.clone());
            scene.lead_to(&mut handset, &Step::Ready).await;
            handset.restart().unwrap();
            scene.lead_to(&mut handset, &Step::Ready).await;
            handset.expect_only_pin(PIN, WRONG_PIN).await;
            assert!(handset.transport.is_done(), "{target} was never sent");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b50_a_wipe_that_dies_at_any_change_is_finished_at_the_next_opening() {
    for change in [Change::Lost, Change::Kept] {
        let mut nth = 0;
        loop {
            nth += 1;
            let mut scene = Scene::start().await;
            let mut handset = scene.ready().await;
            let device = handset.account()["device"].as_str().unwrap().to_owned();
            scene.ada.decide(&device, "revoke").await.expect(204);
            handset.store.stop_at(nth, change);
            let refreshed = handset.engine.refresh().await;
            assert_eq!(handset.engine.step(), REVOKED, "{change:?} {nth}");
            assert_eq!(handset.engine.vault_item("item"), Err(Error::Locked));
            if !handset.store.repair() {
                assert_eq!(refreshed, Err(Error::DeviceRevoked));
                break;
            }
            if handset.restart() != Ok(REVOKED) {
                // It died before anything was noted; the portal says it again.
                assert_eq!(handset.enter(PIN).await, Err(Error::DeviceRevoked));
            }
            assert_eq!(handset.blobs().into_keys().collect::<Vec<_>>(), [handset.blob("account")]);
            assert_eq!(handset.keys.keys(), 0);
        }
        assert!(nth > 4, "{nth}");
    }
}
