//! The engine when its phone forgets, breaks or is handed on. The portal is a real one, in this process.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "support/handset.rs"]
mod handset;
mod support;

use handset::{Handset, PIN, Scene, WRONG_PIN};
use support::*;
use twinlock_core::Error;
use twinlock_core::ports::{PinKeyKind, PortError};
use twinlock_core::secret::SecretBytes;
use twinlock_core::step::{BlockedReason, PinRequest, Step};
use twinlock_core::testing::{Change, Fate, MemoryDeviceKey};

const AWAIT_APPROVAL: Step = Step::AwaitApproval { comparison_code: None };
const CREATE_PIN: Step = Step::CreatePin(PinRequest { min_length: 6, max_length: 12, repeat: false });
const KEY_LOST: Step = Step::Blocked { reason: BlockedReason::KeyLost };
const REVOKED: Step = Step::Blocked { reason: BlockedReason::Revoked };

#[tokio::test(flavor = "multi_thread")]
async fn f54_b39_a_restored_backup_has_no_keys_and_is_enrolled_again() {
    for wanted in [AWAIT_APPROVAL, CREATE_PIN, Step::Ready] {
        let mut scene = Scene::start().await;
        let mut old = scene.handset();
        scene.lead_to(&mut old, &wanted).await;
        let mut new = old.on_new_phone(&scene.portal);
        assert_eq!(new.engine.open(), Ok(KEY_LOST));
        assert_eq!(new.enter(PIN).await, Err(Error::StepRequired));
        assert_eq!(new.engine.refresh().await, Err(Error::KeyLost));
        assert_eq!(new.engine.step(), KEY_LOST);
        assert_eq!(new.keys.keys(), 0, "no new identity without the member");
        let devices = scene.portal.world.sql("SELECT count(*) FROM device");
        assert_eq!(devices, "1");

        scene.lead_to(&mut new, &Step::Ready).await;
        new.expect_only_pin(PIN, WRONG_PIN).await;
        assert_eq!(scene.portal.world.sql("SELECT count(*) FROM device"), "2");
        // The old phone is what it was: nobody took its identity.
        scene.lead_to(&mut old, &Step::Ready).await;
        old.expect_only_pin(PIN, WRONG_PIN).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b39_another_key_under_the_same_name_is_no_key_of_this_device() {
    let mut scene = Scene::start().await;
    let mut handset = scene.ready().await;
    twinlock_core::ports::DeviceKey::generate(handset.keys.as_ref(), &handset.account).unwrap();
    handset.restart().unwrap();
    assert_eq!(handset.enter(PIN).await, Err(Error::KeyLost));
    assert_eq!(handset.engine.step(), KEY_LOST);
    scene.lead_to(&mut handset, &Step::Ready).await;
    handset.expect_only_pin(PIN, WRONG_PIN).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f55_b41_a_key_that_fails_at_any_use_is_a_typed_state() {
    for (error, expected) in [(PortError::KeyLost, Error::KeyLost), (PortError::KeyUnavailable, Error::KeyUnavailable)]
    {
        let mut scene = Scene::start().await;
        let mut handset = scene.ready().await;
        let mut nth = 0;
        loop {
            nth += 1;
            scene.pass(HOUR_MS);
            handset.restart().unwrap();
            handset.keys.fail_from(nth, error);
            let unlocked = handset.enter(PIN).await;
            handset.keys.repair();
            match unlocked {
                Ok(step) => {
                    assert_eq!(step, Step::Ready);
                    break;
                }
                Err(found) => assert_eq!(found, expected, "{nth}"),
            }
            let is_blocked = handset.engine.step() == KEY_LOST;
            assert_eq!(is_blocked, error == PortError::KeyLost, "{nth}: {:?}", handset.engine.step());
            assert_eq!(handset.engine.vault_item("item"), Err(Error::Locked));
        }
        assert!(nth > 4, "{nth}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b41_a_lost_key_costs_no_try_and_ends_in_a_new_enrollment() {
    for lose in [MemoryDeviceKey::lose_pin_key, MemoryDeviceKey::lose] {
        let mut scene = Scene::start().await;
        let mut handset = scene.ready().await;
        handset.engine.lock();
        lose(&handset.keys, &handset.account);
        assert_eq!(handset.enter(PIN).await, Err(Error::KeyLost));
        assert_eq!(handset.engine.step(), KEY_LOST);
        assert_eq!(scene.portal.world.sql("SELECT fails FROM pin"), "0");
        assert_eq!(handset.restart(), Ok(KEY_LOST));
        scene.lead_to(&mut handset, &Step::Ready).await;
        handset.expect_only_pin(PIN, WRONG_PIN).await;
        let facts = scene.portal.world.sql("SELECT json_extract(facts, '$.key_level') FROM device LIMIT 1");
        assert_eq!(facts, "software", "how hard the key is held is among the device's facts");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f55_hardware_that_does_not_answer_when_the_app_opens_is_no_lost_key() {
    let mut scene = Scene::start().await;
    let handset = scene.ready().await;
    let mut again = handset.twin(&scene.portal);
    again.keys.fail_from(1, PortError::KeyUnavailable);
    assert_eq!(again.engine.open(), Err(Error::KeyUnavailable));
    assert!(matches!(again.restart(), Ok(Step::EnterPin { tries_left: 8 })));
    assert_eq!(again.enter(PIN).await, Ok(Step::Ready));
}

#[tokio::test(flavor = "multi_thread")]
async fn f45_a_file_of_another_epoch_is_stale_and_the_device_is_enrolled_again() {
    let mut scene = Scene::start().await;
    let mut handset = scene.ready().await;
    // Old file, new epoch at the portal.
    scene.portal.world.sql("UPDATE pin SET epoch = 2");
    handset.engine.lock();
    assert_eq!(handset.enter(PIN).await, Err(Error::StaleEpoch));
    assert_eq!(handset.engine.step(), KEY_LOST);
    // The same bytes under the new epoch's name: the header gives it away, before a try is spent.
    let fails = scene.portal.world.sql("SELECT fails FROM pin");
    let mut blobs = handset.store.blobs();
    let mut account = handset.account();
    account["sealed_epochs"] = serde_json::json!([2]);
    account["pin_epoch"] = serde_json::json!(2);
    let file = blobs.remove(&handset.blob("pin.1")).unwrap();
    blobs.insert(handset.blob("pin.2"), file);
    blobs.insert(handset.blob("account"), account.to_string().into_bytes());
    handset.store.restore(blobs);
    handset.restart().unwrap();
    assert_eq!(handset.enter(PIN).await, Err(Error::StaleEpoch));
    assert_eq!(scene.portal.world.sql("SELECT fails FROM pin"), fails);
    scene.lead_to(&mut handset, &Step::Ready).await;
    handset.expect_only_pin(PIN, WRONG_PIN).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f40_f41_a_damaged_or_missing_file_costs_no_try_and_is_enrolled_again() {
    let mut scene = Scene::start().await;
    let mut handset = scene.ready().await;
    let good = handset.store.blobs();
    for (bytes, expected) in
        [(Some(vec![7; 90]), Error::Corrupt), (Some(Vec::new()), Error::Corrupt), (None, Error::KeyLost)]
    {
        let mut blobs = good.clone();
        match bytes {
            Some(bytes) => blobs.insert(handset.blob("pin.1"), bytes),
            None => blobs.remove(&handset.blob("pin.1")),
        };
        handset.store.restore(blobs);
        handset.restart().unwrap();
        assert_eq!(handset.enter(PIN).await, Err(expected));
        assert_eq!(handset.engine.step(), KEY_LOST);
        assert_eq!(scene.portal.world.sql("SELECT fails FROM pin"), "0");
    }
    scene.lead_to(&mut handset, &Step::Ready).await;
    handset.expect_only_pin(PIN, WRONG_PIN).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f41_a_damaged_account_is_typed_and_a_new_enrollment_follows() {
    let mut scene = Scene::start().await;
    let mut handset = scene.ready().await;
    let mut blobs = handset.store.blobs();
    blobs.insert(handset.blob("account"), b"{".to_vec());
    handset.store.restore(blobs);
    assert_eq!(handset.restart(), Err(Error::Corrupt));
    assert_eq!(handset.engine.step(), Step::SignIn);
    scene.lead_to(&mut handset, &Step::Ready).await;
    handset.expect_only_pin(PIN, WRONG_PIN).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b44_each_reason_why_nothing_opens_has_its_own_error() {
    let mut scene = Scene::start().await;
    let mut handset = scene.handset();
    let mut errors = vec![handset.enter(PIN).await.unwrap_err()];
    assert_eq!(errors, [Error::StepRequired], "not registered");
    scene.lead_to(&mut handset, &Step::Ready).await;

    handset.engine.lock();
    errors.push(handset.engine.vault_item("item").unwrap_err());
    errors.push(handset.engine.files().await.unwrap_err());
    handset.transport.expect("/v1/pin/evaluate", Fate::Drop);
    errors.push(handset.enter(PIN).await.unwrap_err());
    assert_eq!(errors[1..], [Error::Locked, Error::SessionEnded, Error::Offline]);
    for _ in 0..3 {
        let found = handset.enter(WRONG_PIN).await.unwrap_err();
        assert!(matches!(found, Error::WrongPin { .. }));
        errors.push(found);
    }
    let found = handset.enter(PIN).await.unwrap_err();
    assert!(matches!(found, Error::PinWait { retry_after_ms: 1.. }), "{found:?}");
    errors.push(found);
    handset.keys.fail_from(1, PortError::KeyUnavailable);
    errors.push(handset.enter(PIN).await.unwrap_err());
    handset.keys.repair();
    let keyless = handset.on_new_phone(&scene.portal);
    keyless.engine.open().unwrap();
    errors.push(keyless.engine.refresh().await.unwrap_err());
    assert_eq!(errors[8..], [Error::KeyUnavailable, Error::KeyLost]);

    for _ in 0..4 {
        scene.pass(HOUR_MS);
        handset.enter(WRONG_PIN).await.unwrap_err();
    }
    scene.pass(HOUR_MS);
    errors.push(handset.enter(WRONG_PIN).await.unwrap_err());
    assert_eq!(errors.last(), Some(&Error::PinErased));
    assert_eq!(handset.engine.step(), Step::SignIn);
    let mut codes: Vec<u16> = errors.iter().map(|error| error.code().number()).collect();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), 9, "{errors:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn f38_b44_a_try_that_was_cancelled_or_killed_stays_counted_until_the_next_success() {
    let mut scene = Scene::start().await;
    let mut handset = scene.ready().await;
    let fails = |scene: &Scene| scene.portal.world.sql("SELECT fails FROM pin");
    for is_killed in [false, true] {
        handset.engine.lock();
        handset.transport.expect("/v1/pin/evaluate", Fate::Hold);
        let engine = handset.engine.clone();
        let call = tokio::spawn(async move { engine.submit_pin(handset::pin(PIN)).await });
        handset.transport.arrived().await;
        call.abort();
        assert!(call.await.unwrap_err().is_cancelled());
        if is_killed {
            handset.restart().unwrap();
        }
        assert_eq!(fails(&scene), "1", "counted, though nobody saw the answer");
        // Between the count and the proof.
        handset.transport.expect("/v1/pin/prove", Fate::Drop);
        assert_eq!(handset.enter(PIN).await, Err(Error::Offline));
        // Whoever still knows the question asks it again, and is not counted again.
        assert_eq!(fails(&scene), if is_killed { "2" } else { "1" });
        assert_eq!(handset.enter(PIN).await, Ok(Step::Ready));
        assert_eq!(fails(&scene), "0");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b45_two_accounts_on_one_phone_know_nothing_of_each_other() {
    let mut scene = Scene::start().await;
    let bo = scene.ready().await;
    let mut cy = Handset::on("cy/../account", CY, &scene.portal, bo.keys.clone(), bo.store.clone());
    cy.pin = WRONG_PIN.to_owned();
    scene.lead_to(&mut cy, &Step::Ready).await;
    assert_eq!(bo.keys.keys(), 2);
    for name in bo.store.blobs().keys() {
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'.'), "{name}");
    }
    // Each opens with its own PIN, and counts its own failures.
    bo.expect_only_pin(PIN, WRONG_PIN).await;
    cy.expect_only_pin(WRONG_PIN, PIN).await;
    bo.engine.vault_put("whose", SecretBytes::new(b"bo".to_vec())).unwrap();
    assert_eq!(cy.engine.vault_item("whose"), Ok(None));

    // Cy's device is revoked: nothing of Cy's is left, and all of Bo's.
    let before = bo.blobs();
    let device = cy.account()["device"].as_str().unwrap().to_owned();
    scene.ada.decide(&device, "revoke").await.expect(204);
    assert_eq!(cy.engine.refresh().await, Err(Error::DeviceRevoked));
    assert_eq!(cy.engine.step(), REVOKED);
    assert_eq!(cy.blobs().into_keys().collect::<Vec<_>>(), [cy.blob("account")]);
    assert_eq!(bo.keys.keys(), 1);
    assert_eq!(bo.blobs(), before);
    bo.expect_only_pin(PIN, WRONG_PIN).await;
    assert_eq!(cy.restart(), Ok(REVOKED));
    scene.lead_to(&mut cy, &Step::Ready).await;
    bo.expect_only_pin(PIN, WRONG_PIN).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b45_a_phone_that_is_handed_over_keeps_nothing_of_who_had_it_before() {
    let mut scene = Scene::start().await;
    let bo = scene.ready().await;
    bo.engine.vault_put("whose", SecretBytes::new(b"bo".to_vec())).unwrap();
    let left = bo.blobs();
    // Signing out clears also where the portal cannot be reached.
    bo.transport.expect("/v1/sessions/self", Fate::Drop);
    assert_eq!(bo.engine.sign_out().await, Err(Error::Offline));
    assert_eq!(bo.engine.vault_item("whose"), Err(Error::Locked));
    assert_eq!(bo.engine.files().await.err(), Some(Error::SessionEnded));

    let mut cy = Handset::on("account", CY, &scene.portal, bo.keys.clone(), bo.store.clone());
    cy.engine.open().unwrap();
    cy.sign_in().await.unwrap();
    scene.lead_to(&mut cy, &AWAIT_APPROVAL).await;
    let now = cy.blobs();
    assert_eq!(now.keys().collect::<Vec<_>>(), [&cy.blob("account")], "Bo's files are gone before Cy is approved");
    assert!(!left.values().any(|bytes| now.values().any(|other| other == bytes)));
    scene.lead_to(&mut cy, &Step::Ready).await;
    assert_eq!(cy.engine.vault_item("whose"), Ok(None));
    cy.expect_only_pin(PIN, WRONG_PIN).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b42_locking_drops_everything_and_no_call_under_way_brings_it_back() {
    let mut scene = Scene::start().await;
    let handset = scene.ready().await;
    assert!(handset.is_open().await);
    handset.engine.lock();
    assert_eq!(handset.engine.vault_item("item"), Err(Error::Locked));
    assert_eq!(handset.engine.vault_put("item", SecretBytes::new(vec![1])), Err(Error::Locked));
    assert_eq!(handset.engine.files().await.err(), Some(Error::SessionEnded));
    assert!(matches!(handset.engine.step(), Step::EnterPin { .. }));

    // The app locks while an unlock waits for the portal.
    handset.transport.expect("/v1/pin/prove", Fate::Hold);
    let engine = handset.engine.clone();
    let call = tokio::spawn(async move { engine.submit_pin(handset::pin(PIN)).await });
    handset.transport.arrived().await;
    assert_eq!(handset.enter(PIN).await, Err(Error::Busy));
    handset.engine.lock();
    handset.transport.release();
    assert_eq!(call.await.unwrap(), Err(Error::Locked));
    assert_eq!(handset.engine.vault_item("item"), Err(Error::Locked));
    assert_eq!(handset.engine.files().await.err(), Some(Error::SessionEnded));
    assert_eq!(handset.enter(PIN).await, Ok(Step::Ready));

    handset.engine.close();
    assert_eq!(handset.engine.vault_item("item"), Err(Error::Closed));
    assert_eq!(handset.enter(PIN).await, Err(Error::Closed));
}

#[tokio::test(flavor = "multi_thread")]
async fn b42_the_first_of_two_new_pins_does_not_outlive_a_lock() {
    let mut scene = Scene::start().await;
    let mut handset = scene.handset();
    scene.lead_to(&mut handset, &CREATE_PIN).await;
    handset.enter(PIN).await.unwrap();
    handset.engine.lock();
    let Ok(Step::CreatePin(PinRequest { repeat: true, .. })) = handset.enter(WRONG_PIN).await else {
        panic!("{:?}", handset.engine.step())
    };
    assert_eq!(handset.enter(PIN).await, Err(Error::PinMismatch));
    scene.lead_to(&mut handset, &Step::Ready).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_key_that_agrees_does_what_a_mac_key_does() {
    let mut scene = Scene::start().await;
    let mut handset = Handset::new(&scene.portal, BO, PinKeyKind::Agreement);
    scene.lead_to(&mut handset, &Step::Ready).await;
    handset.expect_only_pin(PIN, WRONG_PIN).await;
    handset.restart().unwrap();
    handset.expect_only_pin(PIN, WRONG_PIN).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_device_starts_again() {
    let mut scene = Scene::start().await;
    let mut handset = scene.handset();
    scene.lead_to(&mut handset, &AWAIT_APPROVAL).await;
    let device = handset.account()["device"].as_str().unwrap().to_owned();
    scene.ada.decide(&device, "deny").await.expect(204);
    assert_eq!(handset.engine.refresh().await, Err(Error::EnrollmentClosed));
    assert_eq!(handset.engine.step(), Step::SignIn);
    assert_eq!(handset.restart(), Ok(Step::SignIn));
    scene.lead_to(&mut handset, &Step::Ready).await;
    handset.expect_only_pin(PIN, WRONG_PIN).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b50_a_pin_file_that_nobody_committed_is_wiped_too() {
    for change in [Change::Lost, Change::Kept] {
        for nth in 1..=4 {
            let mut scene = Scene::start().await;
            let mut handset = scene.handset();
            scene.lead_to(&mut handset, &CREATE_PIN).await;
            handset.enter(PIN).await.unwrap();
            handset.store.stop_at(nth, change);
            assert_eq!(handset.enter(PIN).await, Err(Error::StoreFailed));
            handset.restart().unwrap();
            let device = handset.account()["device"].as_str().unwrap().to_owned();
            scene.ada.decide(&device, "revoke").await.expect(204);
            assert_eq!(handset.engine.refresh().await, Err(Error::DeviceRevoked));
            assert_eq!(handset.blobs().into_keys().collect::<Vec<_>>(), [handset.blob("account")], "{change:?} {nth}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_portal_that_has_no_pin_is_given_a_new_one() {
    let mut scene = Scene::start().await;
    let mut handset = scene.ready().await;
    assert!(handset.is_open().await, "a vault of the old PIN lies in the store");
    scene.portal.world.sql("DELETE FROM pin");
    handset.restart().unwrap();
    assert_eq!(handset.enter(PIN).await, Err(Error::NoPin));
    assert!(matches!(handset.engine.step(), Step::CreatePin(_)));
    scene.lead_to(&mut handset, &Step::Ready).await;
    handset.restart().unwrap();
    handset.expect_only_pin(PIN, WRONG_PIN).await;
}
