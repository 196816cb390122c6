//! Everybody at once, and a network that loses every answer: the limit holds, and the right PIN is never used up.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "support/handset.rs"]
mod handset;
mod support;

use handset::{Handset, PIN, Scene};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use support::phone::new_key;
use support::program::Served;
use support::*;
use twinlock_core::Error;
use twinlock_core::ports::{Clock, PinKeyKind, PortError};
use twinlock_core::secret::SecretBytes;
use twinlock_core::step::Step;
use twinlock_core::testing::Fate;

/// Evaluations that run at the same time.
const PARALLEL: usize = 200;
/// The policy's default.
const LIMIT: usize = 8;

/// A phone with a PIN at `served`, and a database in which nobody has to wait: all tries race for the limit alone.
async fn contested(world: &World, served: &Served) -> Phone {
    let mut ada = served.browser();
    ada.enforce().await;
    let mut bo = served.phone();
    bo.make_ready(BO, &mut ada).await;
    world.database.keep_at("pin", "wait_until_ms", 0).unwrap();
    bo
}

/// Two hundred callers, each of whom tries until it got an evaluation or the PIN is gone. Returns the evaluations.
async fn race(bo: &Arc<Phone>, doors: &[Door]) -> usize {
    let begin = Arc::new(tokio::sync::Barrier::new(PARALLEL));
    let callers: Vec<_> = (0..PARALLEL)
        .map(|n| {
            let (bo, door, begin) = (bo.clone(), doors[n % doors.len()].clone(), begin.clone());
            tokio::spawn(async move {
                begin.wait().await;
                loop {
                    let body = serde_json::to_vec(&bo.try_of(bo.next_attempt(), &new_key())).unwrap();
                    let headers = bo.prepare(support::phone::By::Device, "POST", "/v1/pin/evaluate", &body).await;
                    let answer = door.send("POST", "/v1/pin/evaluate", &headers, body).await;
                    match answer.code().as_str() {
                        "" => return 1,
                        // Overtaken by a higher number: the next one.
                        "TL-4007" => {}
                        "TL-1005" => return 0,
                        _ => panic!("{}", answer.text()),
                    }
                }
            })
        })
        .collect();
    let mut evaluated = 0;
    for caller in callers {
        evaluated += caller.await.unwrap();
    }
    evaluated
}

fn assert_limit(world: &World, evaluated: usize) {
    assert_eq!(evaluated, LIMIT);
    assert_eq!(world.audited("pin.try_counted"), LIMIT);
    assert_eq!(world.audited("pin.erased"), 1);
    assert_eq!(world.sql("SELECT state || fails || length(seed_sealed) FROM pin"), "erased80");
}

#[tokio::test(flavor = "multi_thread")]
async fn f36_of_two_hundred_parallel_evaluations_eight_are_answered() {
    let world = World::new();
    let served = Served::start(&world).await;
    let bo = Arc::new(contested(&world, &served).await);
    let evaluated = race(&bo, std::slice::from_ref(&served.door)).await;
    assert_limit(&world, evaluated);
}

#[tokio::test(flavor = "multi_thread")]
async fn f36_of_two_hundred_parallel_evaluations_at_two_portals_eight_are_answered() {
    let world = World::new();
    let (one, two) = (Served::start(&world).await, Served::start(&world).await);
    let bo = Arc::new(contested(&world, &one).await);
    let evaluated = race(&bo, &[one.door.clone(), two.door.clone()]).await;
    assert_limit(&world, evaluated);
}

/// What one portal answered the other one answers too, and does not count again.
#[tokio::test(flavor = "multi_thread")]
async fn f39_two_portals_hold_the_same_numbers() {
    let world = World::new();
    let (one, two) = (Served::start(&world).await, Served::start(&world).await);
    let mut bo = contested(&world, &one).await;
    let (attempt, key) = (bo.next_attempt(), new_key());
    let first = bo.evaluate(attempt, &key).await;
    bo.door = two.door.clone();
    let again = bo.evaluate(attempt, &key).await;
    assert_eq!(first.value()["evaluation"], again.value()["evaluation"]);
    assert_eq!(world.sql("SELECT fails FROM pin"), "1");
    bo.evaluate(attempt, &new_key()).await.expect_problem(400, "TL-4007");
    let activated = bo.activated.clone();
    bo.prove(&again.json(), attempt, &key, &activated).await.expect(200);
    bo.door = one.door.clone();
    bo.prove(&first.json(), attempt, &key, &activated).await.expect_problem(403, "TL-3001");
    assert_eq!(world.sql("SELECT fails FROM pin"), "0");
}

/// A phone on which a second goes by whenever somebody looks at the clock, until the PIN is set: calibration finds it slow.
struct SlowPhone {
    inner: Arc<dyn Clock>,
    extra_ms: AtomicU64,
    is_slow: AtomicBool,
}

impl Clock for SlowPhone {
    fn wall_ms(&self) -> Result<u64, PortError> {
        self.inner.wall_ms()
    }

    fn boot_ms(&self) -> Result<u64, PortError> {
        let step_ms = if self.is_slow.load(Ordering::SeqCst) { 1_000 } else { 0 };
        Ok(self.inner.boot_ms()? + self.extra_ms.fetch_add(step_ms, Ordering::SeqCst))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_lost_answers_to_the_right_pin_cost_one_try_at_a_time_and_never_the_vault() {
    let mut scene = Scene::start().await;
    let clock = Arc::new(SlowPhone {
        inner: scene.portal.clock.clone(),
        extra_ms: AtomicU64::new(0),
        is_slow: AtomicBool::new(true),
    });
    let mut handset = Handset::new(&scene.portal, BO, PinKeyKind::Mac);
    handset.clock = clock.clone();
    handset.restart().unwrap();
    scene.lead_to(&mut handset, &Step::Ready).await;
    clock.is_slow.store(false, Ordering::SeqCst);
    let file = &handset.blobs()[&handset.blob("pin.1")];
    let memory_kib = twinlock_core::sealed::SealedFile::parse(file).unwrap().header().parameters().memory_kib();
    assert_eq!(memory_kib, 19 * 1024, "calibrated to a slow phone, and not below the floor");

    handset.engine.vault_put("kept", SecretBytes::new(b"mine".to_vec())).unwrap();
    handset.engine.lock();
    for lost in 0..1_000 {
        let (target, fate) = match lost % 8 {
            3 => ("/v1/pin/evaluate", Fate::Drop),
            5 => ("/v1/pin/prove", Fate::Drop),
            7 => ("/v1/pin/prove", Fate::DropAnswer),
            _ => ("/v1/pin/evaluate", Fate::DropAnswer),
        };
        handset.transport.expect(target, fate);
        assert_eq!(handset.enter(PIN).await, Err(Error::Offline), "{lost}");
        if lost % 25 == 0 {
            // Hours go by, so that no answer is ever taken up within its minute.
            scene.pass(HOUR_MS);
            let fails: u32 = scene.portal.world.sql("SELECT fails FROM pin").parse().unwrap();
            assert!(fails <= 1, "{lost}: {fails}");
        }
    }
    assert_eq!(handset.enter(PIN).await, Ok(Step::Ready));
    assert_eq!(handset.engine.vault_item("kept"), Ok(Some(SecretBytes::new(b"mine".to_vec()))));
    assert_eq!(scene.portal.world.audited("pin.erased"), 0);
    // One for each proof that arrived, and one for the last.
    assert_eq!(scene.portal.world.audited("pin.try_counted"), 1_000 / 8 + 1);
}
