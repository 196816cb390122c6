//! The phone dies at every write of setting, opening and changing a PIN, and the portal dies at every request of it: exactly
//! one PIN opens afterwards, the vault is what it was, and nobody got a try back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "support/handset.rs"]
mod handset;
mod support;

use handset::{Handset, PIN, Scene, WRONG_PIN};
use std::sync::Arc;
use support::program::Served;
use support::*;
use twinlock_core::Error;
use twinlock_core::secret::SecretBytes;
use twinlock_core::step::{PinRequest, Step};
use twinlock_core::testing::{Change, Fate, MemoryDeviceKey, MemoryStore};

const NEW_PIN: &str = "520973";
const CREATE_PIN: Step = Step::CreatePin(PinRequest { min_length: 6, max_length: 12, repeat: false });

/// Which of the PINs opens; the others do not, and the vault has what was put in.
async fn the_one_that_opens<'a>(handset: &mut Handset, pins: &[&'a str], world: &World) -> &'a str {
    handset.restart().unwrap();
    let mut opening = Vec::new();
    for pin in pins {
        handset.engine.lock();
        match handset.enter(pin).await {
            Ok(Step::Ready) => opening.push(*pin),
            Err(Error::WrongPin { .. }) => {}
            other => panic!("{pin}: {other:?}"),
        }
        no_wait(world);
    }
    let [only] = opening[..] else { panic!("{opening:?} open, not one") };
    handset.engine.lock();
    assert_eq!(handset.enter(only).await, Ok(Step::Ready));
    assert_eq!(handset.engine.vault_item("kept"), Ok(Some(SecretBytes::new(b"mine".to_vec()))));
    only
}

/// An hour goes by.
fn no_wait(world: &World) {
    world.sql("UPDATE pin SET wait_until_ms = 0");
}

#[tokio::test(flavor = "multi_thread")]
async fn f45_b43_changing_a_pin_survives_a_death_at_every_write() {
    let mut scene = Scene::start().await;
    let mut handset = scene.ready().await;
    handset.engine.vault_put("kept", SecretBytes::new(b"mine".to_vec())).unwrap();
    let (mut now, mut next) = (PIN, NEW_PIN);
    for change in [Change::Lost, Change::Kept] {
        let (mut nth, mut outcomes) = (0, [false, false]);
        loop {
            nth += 1;
            handset.engine.change_pin().unwrap();
            handset.enter(next).await.unwrap();
            handset.store.stop_at(nth, change);
            let changed = handset.enter(next).await;
            let was_reached = handset.store.repair();
            assert_eq!(changed.is_err(), was_reached, "{change:?} {nth}: {changed:?}");
            let opens = the_one_that_opens(&mut handset, &[now, next], &scene.portal.world).await;
            outcomes[usize::from(opens == next)] = true;
            assert_eq!(handset.account()["sealed_epochs"].as_array().unwrap().len(), 1, "one file is left");
            if opens == next {
                (now, next) = (next, now);
            }
            if !was_reached {
                assert_eq!(changed, Ok(Step::Ready));
                break;
            }
        }
        assert_eq!(outcomes, [true, true], "it died before and after the commit");
        assert!(nth > 5, "{nth}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f45_setting_a_pin_survives_a_death_at_every_write() {
    for change in [Change::Lost, Change::Kept] {
        let mut nth = 0;
        loop {
            nth += 1;
            let mut scene = Scene::start().await;
            let mut handset = scene.handset();
            scene.lead_to(&mut handset, &CREATE_PIN).await;
            handset.enter(PIN).await.unwrap();
            handset.store.stop_at(nth, change);
            let created = handset.enter(PIN).await;
            if !handset.store.repair() {
                assert_eq!(created, Ok(Step::Ready));
                break;
            }
            assert_eq!(created, Err(Error::StoreFailed), "{change:?} {nth}");
            handset.restart().unwrap();
            scene.lead_to(&mut handset, &Step::Ready).await;
            handset.engine.vault_put("kept", SecretBytes::new(b"mine".to_vec())).unwrap();
            assert_eq!(the_one_that_opens(&mut handset, &[WRONG_PIN, PIN], &scene.portal.world).await, PIN);
            assert_eq!(scene.portal.world.sql("SELECT count(*) FROM device"), "1", "no second enrollment was needed");
        }
        assert!(nth > 4, "{nth}");
    }
}

/// Wrong PINs, and a death at every write of each: what the portal counted stays counted until the right one.
#[tokio::test(flavor = "multi_thread")]
async fn f38_unlocking_with_a_death_at_every_write_regains_no_try() {
    let mut scene = Scene::start().await;
    let mut handset = scene.ready().await;
    handset.engine.vault_put("kept", SecretBytes::new(b"mine".to_vec())).unwrap();
    for change in [Change::Lost, Change::Kept] {
        let (mut nth, mut before) = (0, 0);
        loop {
            nth += 1;
            handset.engine.lock();
            handset.store.stop_at(nth, change);
            let entered = handset.enter(WRONG_PIN).await;
            let was_reached = handset.store.repair();
            handset.restart().unwrap();
            let fails: u32 = scene.portal.world.sql("SELECT fails FROM pin").parse().unwrap();
            assert!(fails >= before, "{change:?} {nth}: {fails} after {before}");
            before = fails;
            no_wait(&scene.portal.world);
            if !was_reached {
                assert!(matches!(entered, Err(Error::WrongPin { .. })), "{entered:?}");
                break;
            }
        }
        assert!((1..8).contains(&before), "{before}");
        let counted = scene.portal.world.audited("pin.try_counted");
        assert_eq!(the_one_that_opens(&mut handset, &[PIN, WRONG_PIN], &scene.portal.world).await, PIN);
        assert_eq!(scene.portal.world.audited("pin.try_counted"), counted + 3, "each try once");
    }
}

/// A portal that is a process of its own, and a phone that finds its successor.
struct Mortal {
    world: World,
    served: Option<Served>,
    handset: Handset,
}

impl Mortal {
    async fn start() -> Self {
        let world = World::new();
        let served = Served::start(&world).await;
        let mut ada = served.browser();
        ada.enforce().await;
        let (keys, store) = (Arc::new(MemoryDeviceKey::new()), Arc::new(MemoryStore::new()));
        let mut handset = Handset::over(served.door.clone(), Arc::new(StandingClock), "account", BO, keys, store);
        handset.enroll(&mut ada).await;
        Self { world, served: Some(served), handset }
    }

    /// The portal gets SIGKILL when it has acted upon the next request to `target` and before anybody has the answer.
    async fn enter_and_kill_at(&mut self, target: &str, pin: &'static str) {
        self.handset.transport.expect(target, Fate::Hold);
        let engine = self.handset.engine.clone();
        let call = tokio::spawn(async move { engine.submit_pin(handset::pin(pin)).await });
        self.handset.transport.arrived().await;
        self.served.take().unwrap().kill();
        // The phone dies with it: the answer reaches nobody.
        call.abort();
        assert!(call.await.is_err());
        self.restart().await;
    }

    /// The portal gets SIGKILL while the call is under way, wherever that is.
    async fn enter_and_kill_meanwhile(&mut self, pin: &'static str, after: usize) {
        let engine = self.handset.engine.clone();
        let (transport, before) = (self.handset.transport.clone(), self.handset.transport.sent().len());
        let call = tokio::spawn(async move { engine.submit_pin(handset::pin(pin)).await });
        while transport.sent().len() < before + after && !call.is_finished() {
            tokio::task::yield_now().await;
        }
        self.served.take().unwrap().kill();
        let _ = call.await.unwrap();
        self.restart().await;
    }

    async fn restart(&mut self) {
        let served = Served::start(&self.world).await;
        self.handset.reach(served.door.clone());
        self.served = Some(served);
    }
}

/// Time since boot stands still: calibration takes the default, and the portal's answers say what time it is.
struct StandingClock;

impl twinlock_core::ports::Clock for StandingClock {
    fn wall_ms(&self) -> Result<u64, twinlock_core::ports::PortError> {
        Ok(system_now_ms())
    }

    fn boot_ms(&self) -> Result<u64, twinlock_core::ports::PortError> {
        Ok(1)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f45_f38_a_portal_killed_at_every_request_leaves_one_pin_and_no_regained_try() {
    let mut mortal = Mortal::start().await;
    for target in ["/v1/pin/prepare", "/v1/pin/prepare/evaluate", "/v1/pin/commit"] {
        if matches!(mortal.handset.engine.step(), Step::CreatePin(_)) {
            mortal.handset.enter(PIN).await.unwrap();
            mortal.enter_and_kill_at(target, PIN).await;
        }
    }
    // The commit was durable before its answer left.
    assert_eq!(mortal.handset.enter(PIN).await, Ok(Step::Ready));
    mortal.handset.engine.vault_put("kept", SecretBytes::new(b"mine".to_vec())).unwrap();

    let (mut now, mut next) = (PIN, NEW_PIN);
    for target in ["/v1/pin/prepare", "/v1/pin/prepare/evaluate", "/v1/pin/commit"] {
        mortal.handset.engine.change_pin().unwrap();
        mortal.handset.enter(next).await.unwrap();
        mortal.enter_and_kill_at(target, next).await;
        let opens = the_one_that_opens(&mut mortal.handset, &[now, next], &mortal.world).await;
        assert_eq!(opens == next, target == "/v1/pin/commit", "{target}");
        if opens == next {
            (now, next) = (next, now);
        }
    }
    for after in 1..6 {
        mortal.handset.engine.change_pin().unwrap();
        mortal.handset.enter(next).await.unwrap();
        mortal.enter_and_kill_meanwhile(next, after).await;
        if the_one_that_opens(&mut mortal.handset, &[now, next], &mortal.world).await == next {
            (now, next) = (next, now);
        }
    }

    // Tries: counted before the answer, whenever it dies.
    let mut before = 0;
    for target in ["/v1/pin/evaluate", "/v1/pin/evaluate", "/v1/pin/prove"] {
        mortal.handset.engine.lock();
        let pin = if target == "/v1/pin/prove" { now } else { WRONG_PIN };
        mortal.enter_and_kill_at(target, pin).await;
        let fails: u32 = mortal.world.sql("SELECT fails FROM pin").parse().unwrap();
        // The proof had arrived: only the right PIN gives tries back.
        assert_eq!(fails, if target == "/v1/pin/prove" { 0 } else { before + 1 }, "{target}");
        before = fails;
        no_wait(&mortal.world);
    }
    assert_eq!(the_one_that_opens(&mut mortal.handset, &[now, next], &mortal.world).await, now);
    assert_eq!(mortal.world.audited("pin.erased"), 0);
}
