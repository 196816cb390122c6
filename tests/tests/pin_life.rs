//! A PIN's life on a phone: changed, forgotten, asked again, replaced by a finger, and locked by itself. The portal is a
//! real one, in this process.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "support/handset.rs"]
mod handset;
mod support;

use handset::{Handset, PIN, Scene, WRONG_PIN};
use support::*;
use twinlock_core::Error;
use twinlock_core::pin::{Owner, ShareSeed};
use twinlock_core::ports::PortError;
use twinlock_core::secret::SecretBytes;
use twinlock_core::step::{PinRequest, Step};
use twinlock_core::testing::Fate;
use twinlock_portal::key_wrap::{FileKeyWrap, KeyWrap};

const LONG_PIN: &str = "83726194";
const NEW_PIN: &str = "520973";
const CHANGE_PIN: Step = Step::ChangePin(PinRequest { min_length: 6, max_length: 12, repeat: false });

fn keep_item(handset: &Handset, item: &[u8]) {
    handset.engine.vault_put("kept", SecretBytes::new(item.to_vec())).unwrap();
}

fn item(handset: &Handset) -> Option<Vec<u8>> {
    handset.engine.vault_item("kept").unwrap().map(|item| item.expose().to_vec())
}

/// Ada again, after so long that her session ended.
async fn ada_again(scene: &mut Scene) {
    let fresh = scene.portal.browser();
    let before = std::mem::replace(&mut scene.ada, fresh);
    scene.ada = scene.portal.browser_again(before).await;
}

async fn choose(handset: &Handset, pin: &str) -> twinlock_core::Result<Step> {
    handset.enter(pin).await?;
    handset.enter(pin).await
}

#[tokio::test(flavor = "multi_thread")]
async fn b35_a_raised_rule_asks_the_old_pin_first_and_then_a_new_one() {
    let mut scene = Scene::start().await;
    let mut handset = scene.ready().await;
    keep_item(&handset, b"before");
    scene.ada.change_policy(serde_json::json!({ "pin_min_length": 8 }), "").await.expect(200);
    assert_eq!(handset.engine.files().await.map(drop), Err(Error::StepRequired));
    handset.engine.lock();
    let Ok(Step::ChangePin(request)) = handset.enter(PIN).await else { panic!("{:?}", handset.engine.step()) };
    assert_eq!((request.min_length, request.repeat), (8, false));
    assert_eq!(handset.engine.files().await.map(drop), Err(Error::StepRequired), "nothing before the new PIN");
    assert!(matches!(handset.enter(NEW_PIN).await, Err(Error::PinRefused(_))), "six digits are too few now");
    handset.enter(LONG_PIN).await.unwrap();
    assert_eq!(handset.enter("83726195").await, Err(Error::PinMismatch));
    assert_eq!(choose(&handset, LONG_PIN).await, Ok(Step::Ready));
    assert_eq!(item(&handset), Some(b"before".to_vec()));
    handset.expect_only_pin(LONG_PIN, PIN).await;
    handset.restart().unwrap();
    handset.expect_only_pin(LONG_PIN, PIN).await;
    assert_eq!(item(&handset), Some(b"before".to_vec()));
}

#[tokio::test(flavor = "multi_thread")]
async fn b34_a_policy_switched_on_while_the_phone_is_offline_applies_at_its_next_contact() {
    let portal = Portal::start();
    let mut ada = portal.browser();
    ada.sign_in(ADA).await;
    let mut handset = Handset::new(&portal, BO, twinlock_core::ports::PinKeyKind::Mac);
    assert_eq!(handset.sign_in().await, Ok(Step::Ready), "nothing is asked for yet");
    handset.engine.files().await.unwrap();
    handset.transport.expect("/v1/files", Fate::Drop);
    ada.require_two_step().await;
    ada.set_up().await;
    assert_eq!(handset.engine.files().await.map(drop), Err(Error::Offline));
    // The next contact, and nothing but the way through the wizard to a PIN.
    assert_eq!(handset.engine.files().await.map(drop), Err(Error::StepRequired));
    assert_eq!(handset.engine.step(), Step::SetUpTwoStep);
    let Ok(Step::AwaitApproval { comparison_code }) = handset.set_up_two_step().await else { panic!() };
    let device = handset.account()["device"].as_str().unwrap().to_owned();
    ada.type_comparison(&device, &comparison_code.unwrap()).await.expect(204);
    assert!(matches!(handset.engine.refresh().await, Ok(Step::CreatePin(_))));
    assert_eq!(handset.engine.files().await.map(drop), Err(Error::StepRequired), "the PIN's set-up blocks");
    assert_eq!(handset.engine.vault_item("kept"), Err(Error::Locked));
    assert_eq!(choose(&handset, PIN).await, Ok(Step::Ready));
    assert!(handset.is_open().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn b43_a_change_keeps_the_vault_and_leaves_one_file_and_one_pin() {
    let mut scene = Scene::start().await;
    let mut handset = scene.ready().await;
    keep_item(&handset, b"mine");
    let old = handset.blobs()[&handset.blob("pin.1")].clone();
    assert_eq!(handset.engine.change_pin(), Ok(CHANGE_PIN));
    assert_eq!(choose(&handset, NEW_PIN).await, Ok(Step::Ready));
    assert!(handset.is_open().await, "the session that the change opened");
    let names: Vec<String> = handset.blobs().into_keys().collect();
    assert_eq!(names, ["account", "pin.2", "vault"].map(|what| handset.blob(what)));
    handset.expect_only_pin(NEW_PIN, PIN).await;
    assert_eq!(item(&handset), Some(b"mine".to_vec()));
    // The old file, kept by somebody: the portal has nothing left for it, and asking is not counted.
    let mut blobs = handset.store.blobs();
    blobs.insert(handset.blob("pin.1"), old);
    let mut account = handset.account();
    account["sealed_epochs"] = serde_json::json!([1]);
    account["pin_epoch"] = serde_json::json!(1);
    blobs.insert(handset.blob("account"), account.to_string().into_bytes());
    handset.store.restore(blobs);
    handset.restart().unwrap();
    assert_eq!(handset.enter(PIN).await, Err(Error::StaleEpoch));
    assert_eq!(scene.portal.world.sql("SELECT fails FROM pin"), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn b43_a_change_wants_the_pin_within_five_minutes() {
    let mut scene = Scene::start().await;
    let handset = scene.ready().await;
    scene.pass(5 * MINUTE_MS);
    assert!(matches!(handset.engine.change_pin(), Ok(Step::EnterPin { .. })));
    assert_eq!(handset.engine.vault_item("kept"), Err(Error::Locked));
    assert!(matches!(handset.enter(WRONG_PIN).await, Err(Error::WrongPin { .. })));
    assert_eq!(handset.enter(PIN).await, Ok(CHANGE_PIN), "and then it goes on");
    // Too late after all: it is asked again, and goes on again.
    handset.enter(NEW_PIN).await.unwrap();
    scene.pass(5 * MINUTE_MS);
    assert_eq!(handset.enter(NEW_PIN).await, Err(Error::StepRequired));
    assert_eq!(handset.enter(PIN).await, Ok(CHANGE_PIN));
    assert_eq!(choose(&handset, NEW_PIN).await, Ok(Step::Ready));
    // Given up: what comes next is what the portal says.
    handset.engine.change_pin().unwrap();
    assert_eq!(handset.engine.refresh().await, Ok(Step::Ready));
    handset.expect_only_pin(NEW_PIN, PIN).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b43_a_lost_answer_to_the_commit_leaves_the_new_pin_and_a_lost_request_the_old_one() {
    for (fate, opens, not) in [(Fate::DropAnswer, NEW_PIN, PIN), (Fate::Drop, PIN, NEW_PIN)] {
        let mut scene = Scene::start().await;
        let mut handset = scene.ready().await;
        keep_item(&handset, b"mine");
        handset.engine.change_pin().unwrap();
        handset.transport.expect("/v1/pin/commit", fate);
        assert_eq!(choose(&handset, NEW_PIN).await, Err(Error::Offline));
        assert!(matches!(handset.engine.step(), Step::EnterPin { .. }), "which one holds, the portal says");
        handset.expect_only_pin(opens, not).await;
        assert_eq!(item(&handset), Some(b"mine".to_vec()));
        handset.restart().unwrap();
        handset.expect_only_pin(opens, not).await;
        assert_eq!(handset.account()["sealed_epochs"].as_array().unwrap().len(), 1, "the other file is gone");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b43_a_forgotten_pin_is_a_new_enrollment_and_the_old_data_stays_sealed() {
    let mut scene = Scene::start().await;
    let mut handset = scene.ready().await;
    keep_item(&handset, b"sealed for ever");
    let before = handset.blobs();
    handset.engine.lock();
    // Full sign-in, code, approval by policy.
    assert_eq!(handset.sign_in().await, Ok(Step::EnterCode));
    assert_eq!(handset.engine.vault_item("kept"), Err(Error::Locked));
    scene.pass(STEP_MS);
    let Ok(Step::AwaitApproval { .. }) = handset.engine.submit_code(&handset.code()).await else {
        panic!("{:?}", handset.engine.step())
    };
    handset.pin = NEW_PIN.to_owned();
    scene.lead_to(&mut handset, &Step::Ready).await;
    assert_eq!(item(&handset), None, "a new vault");
    let seeds = scene.portal.world.sql("SELECT count(DISTINCT seed_sealed) FROM pin WHERE state = 'set'");
    assert_eq!(seeds, "2", "a new seed");
    let now = handset.blobs();
    assert!(before.values().all(|old| now.values().all(|new| old != new)), "nothing of before is left or used");
    handset.expect_only_pin(NEW_PIN, PIN).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b37_at_the_limit_the_phones_own_share_goes_too() {
    let mut scene = Scene::start().await;
    let mut handset = scene.ready().await;
    handset.engine.lock();
    for left in (1..8).rev() {
        let Err(Error::WrongPin { tries_left, .. }) = handset.enter(WRONG_PIN).await else { panic!() };
        assert_eq!(tries_left, left);
        scene.pass(HOUR_MS);
    }
    assert_eq!(handset.enter(WRONG_PIN).await, Err(Error::PinErased));
    assert_eq!(handset.engine.step(), Step::SignIn);
    assert_eq!(handset.blobs().into_keys().collect::<Vec<_>>(), [handset.blob("account")]);
    assert_eq!(handset.keys.keys(), 0);
    scene.pass(MINUTE_MS);
    scene.portal.state.sweep().await.unwrap();
    assert_eq!(scene.portal.world.sql("SELECT state || length(seed_sealed) FROM pin"), "erased0");
    ada_again(&mut scene).await;
    scene.lead_to(&mut handset, &Step::Ready).await;
    handset.expect_only_pin(PIN, WRONG_PIN).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f53_b36_a_phone_put_back_to_an_earlier_state_regains_no_try_and_still_opens() {
    let mut scene = Scene::start().await;
    let mut handset = scene.ready().await;
    handset.engine.lock();
    let snapshot = handset.store.blobs();
    for left in [7, 6, 5, 4, 3] {
        let Err(Error::WrongPin { tries_left, .. }) = handset.enter(WRONG_PIN).await else { panic!() };
        assert_eq!(tries_left, left);
        scene.pass(HOUR_MS);
        handset.store.restore(snapshot.clone());
        handset.restart().unwrap();
    }
    assert_eq!(scene.portal.world.sql("SELECT fails FROM pin"), "5");
    let Err(Error::WrongPin { tries_left: 2, .. }) = handset.enter(WRONG_PIN).await else { panic!() };
    // Nor by a clock that the user sets, nor by restarting the phone.
    assert!(matches!(handset.enter(PIN).await, Err(Error::PinWait { .. })));
    handset.restart().unwrap();
    assert!(matches!(handset.enter(PIN).await, Err(Error::PinWait { .. })));
    scene.pass(HOUR_MS);
    assert_eq!(handset.enter(PIN).await, Ok(Step::Ready));
}

#[tokio::test(flavor = "multi_thread")]
async fn f46_a_portal_with_another_key_is_not_a_wrong_pin() {
    let mut scene = Scene::start().await;
    let handset = scene.ready().await;
    keep_item(&handset, b"mine");
    handset.engine.lock();
    let world = &scene.portal.world;
    let good = world.sql("SELECT hex(seed_sealed) FROM pin");
    // Somebody with the portal's key file puts a seed of their own there.
    let wrap = FileKeyWrap::open_or_create(&world.key_file()).unwrap();
    let device = handset.account()["device"].as_str().unwrap().to_owned();
    let place = format!("twinlock/pin-seed/v1\0{}\0{device}\01", world.organisation);
    let (_, foreign) = wrap.seal(&[7; 32], place.as_bytes()).unwrap();
    world.overwrite("pin", "seed_sealed", &data_encoding::HEXLOWER.encode(&foreign));
    assert_eq!(handset.enter(PIN).await, Err(Error::ServerProofInvalid));
    assert_eq!(handset.engine.step(), Step::EnterPin { tries_left: 7 }, "it was counted, and nothing was lost");
    // The same with answers that no portal gives.
    let seed = ShareSeed::from_bytes(&[7; 32]).unwrap();
    let point = seed.derive_key(&Owner::new("any", "any").unwrap(), 1).unwrap().public_key().as_bytes().to_vec();
    for evaluation in [vec![0; 96], [point, vec![9; 64]].concat(), vec![7; 95], Vec::new()] {
        scene.pass(HOUR_MS);
        let text = data_encoding::BASE64URL_NOPAD.encode(&evaluation);
        let challenge = data_encoding::BASE64URL_NOPAD.encode(&[1; 32]);
        let body = serde_json::json!({
            "evaluation": text, "challenge": challenge, "tries_left": 5, "retry_after_ms": 0
        });
        let answer = twinlock_core::testing::answer(200, body.to_string().as_bytes());
        handset.transport.expect("/v1/pin/evaluate", Fate::Answer(answer));
        assert_eq!(handset.enter(PIN).await, Err(Error::ServerProofInvalid), "{evaluation:?}");
    }
    world.overwrite("pin", "seed_sealed", &good);
    assert_eq!(handset.enter(PIN).await, Ok(Step::Ready));
    assert_eq!(item(&handset), Some(b"mine".to_vec()));
}

/// What the PIN-activated key signs names the policy; a new one in between is signed for anew, and the try is not lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_changes_between_evaluate_and_prove_costs_nothing() {
    let mut scene = Scene::start().await;
    let handset = scene.ready().await;
    handset.engine.lock();
    handset.transport.expect("/v1/pin/evaluate", Fate::Hold);
    let engine = handset.engine.clone();
    let call = tokio::spawn(async move { engine.submit_pin(handset::pin(PIN)).await });
    handset.transport.arrived().await;
    scene.ada.change_policy(serde_json::json!({ "code_days": 20 }), "").await.expect(200);
    handset.transport.release();
    assert_eq!(call.await.unwrap(), Ok(Step::Ready));
    assert_eq!(scene.portal.world.sql("SELECT fails FROM pin"), "0");
    assert_eq!(scene.portal.world.audited("pin.accepted"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn b42_it_locks_by_the_policys_time_on_the_clock_that_runs_in_sleep() {
    let mut scene = Scene::start().await;
    let handset = scene.ready().await;
    keep_item(&handset, b"mine");
    // In use: each call begins the fifteen minutes anew. Asking for news does not.
    for _ in 0..4 {
        scene.pass(14 * MINUTE_MS);
        handset.engine.files().await.unwrap();
        assert_eq!(item(&handset), Some(b"mine".to_vec()));
    }
    scene.pass(14 * MINUTE_MS);
    assert_eq!(handset.engine.tick(), Ok(Step::Ready), "a short switch to the camera");
    handset.engine.refresh().await.unwrap();
    scene.pass(MINUTE_MS);
    assert_eq!(handset.engine.vault_item("kept"), Err(Error::Locked));
    assert!(matches!(handset.engine.step(), Step::EnterPin { .. }));
    assert_eq!(handset.engine.files().await.map(drop), Err(Error::SessionEnded));
    assert_eq!(handset.enter(PIN).await, Ok(Step::Ready));
    // A wall clock that is set back shortens and lengthens nothing.
    scene.portal.clock.set_back(HOUR_MS);
    assert_eq!(handset.engine.tick(), Ok(Step::Ready));
    scene.portal.clock.pass(15 * MINUTE_MS);
    assert!(matches!(handset.engine.tick(), Ok(Step::EnterPin { .. })));
    assert_eq!(handset.engine.vault_item("kept"), Err(Error::Locked));
    // Zero: as soon as the app is left, and not between two calls.
    ada_again(&mut scene).await;
    scene.ada.change_policy(serde_json::json!({ "idle_ms": 0 }), "").await.expect(200);
    scene.pass(HOUR_MS);
    assert_eq!(handset.enter(PIN).await, Ok(Step::Ready));
    scene.pass(1_000);
    assert_eq!(item(&handset), Some(b"mine".to_vec()));
    assert!(matches!(handset.engine.tick(), Ok(Step::EnterPin { .. })));
    assert_eq!(handset.engine.vault_item("kept"), Err(Error::Locked));
}

#[tokio::test(flavor = "multi_thread")]
async fn b40_a_biometric_is_counted_and_a_new_finger_ends_that_path_only() {
    let mut scene = Scene::start().await;
    let mut handset = scene.ready().await;
    keep_item(&handset, b"mine");
    handset.engine.lock();
    assert_eq!(handset.engine.unlock_with_biometric().await, Err(Error::BiometricLost), "never switched on");
    handset.engine.use_biometric(true).unwrap();
    // Only a PIN that is right is kept.
    assert!(matches!(handset.enter(WRONG_PIN).await, Err(Error::WrongPin { .. })));
    assert_eq!(handset.engine.has_biometric(), Ok(false));
    handset.enter(PIN).await.unwrap();
    assert_eq!(handset.engine.has_biometric(), Ok(true));
    handset.restart().unwrap();
    // Portal and chip take part, and the try is counted before it is answered.
    let counted = scene.portal.world.audited("pin.try_counted");
    handset.transport.expect("/v1/pin/evaluate", Fate::Drop);
    assert_eq!(handset.engine.unlock_with_biometric().await, Err(Error::Offline));
    assert_eq!(handset.engine.vault_item("kept"), Err(Error::Locked));
    assert_eq!(handset.engine.unlock_with_biometric().await, Ok(Step::Ready));
    assert_eq!(item(&handset), Some(b"mine".to_vec()));
    assert_eq!(scene.portal.world.audited("pin.try_counted"), counted + 1);
    // Cancelled: nothing is counted, and it can be tried again.
    handset.engine.lock();
    handset.keys.cancel_biometric(true);
    assert_eq!(handset.engine.unlock_with_biometric().await, Err(Error::BiometricCancelled));
    assert_eq!(scene.portal.world.audited("pin.try_counted"), counted + 1);
    handset.keys.cancel_biometric(false);
    handset.keys.fail_from(1, PortError::KeyUnavailable);
    assert_eq!(handset.engine.unlock_with_biometric().await, Err(Error::KeyUnavailable));
    handset.keys.repair();
    assert_eq!(handset.engine.unlock_with_biometric().await, Ok(Step::Ready));
    // A finger is added.
    handset.engine.lock();
    handset.keys.add_finger(&handset.account);
    assert_eq!(handset.engine.unlock_with_biometric().await, Err(Error::BiometricLost));
    assert_eq!(handset.engine.has_biometric(), Ok(false));
    assert!(matches!(handset.engine.step(), Step::EnterPin { tries_left: 8 }));
    assert_eq!(handset.enter(PIN).await, Ok(Step::Ready), "the PIN works as before");
    assert_eq!(item(&handset), Some(b"mine".to_vec()));
    // And the PIN does not let that finger in by itself.
    handset.engine.lock();
    assert_eq!(handset.engine.unlock_with_biometric().await, Err(Error::BiometricLost));
}

#[tokio::test(flavor = "multi_thread")]
async fn b40_the_pin_itself_is_asked_for_from_time_to_time() {
    let mut scene = Scene::start().await;
    let handset = scene.ready().await;
    handset.engine.use_biometric(true).unwrap();
    handset.engine.lock();
    handset.enter(PIN).await.unwrap();
    scene.pass(20 * DAY_MS);
    handset.engine.lock();
    handset.enter(PIN).await.unwrap();
    scene.pass(30 * DAY_MS - 1);
    assert_eq!(handset.engine.has_biometric(), Ok(true), "each PIN that opens begins the days anew");
    scene.pass(1);
    assert_eq!(handset.engine.has_biometric(), Ok(false));
    let counted = scene.portal.world.audited("pin.try_counted");
    handset.engine.tick().unwrap();
    assert_eq!(handset.engine.unlock_with_biometric().await, Err(Error::BiometricPaused));
    assert_eq!(scene.portal.world.audited("pin.try_counted"), counted);
    handset.enter(PIN).await.unwrap();
    handset.engine.lock();
    handset.engine.unlock_with_biometric().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn b40_a_biometric_opens_nothing_after_a_change_an_erasure_or_by_itself() {
    let mut scene = Scene::start().await;
    let mut handset = scene.handset();
    handset.engine.use_biometric(true).unwrap();
    scene.lead_to(&mut handset, &Step::CreatePin(PinRequest { min_length: 6, max_length: 12, repeat: false })).await;
    assert_eq!(handset.engine.unlock_with_biometric().await, Err(Error::StepRequired), "no PIN, no biometric");
    scene.lead_to(&mut handset, &Step::Ready).await;
    assert_eq!(handset.engine.has_biometric(), Ok(true), "wanted before the PIN was set");
    handset.engine.change_pin().unwrap();
    choose(&handset, NEW_PIN).await.unwrap();
    assert_eq!(handset.engine.has_biometric(), Ok(false));
    handset.engine.lock();
    assert_eq!(handset.engine.unlock_with_biometric().await, Err(Error::BiometricLost));
    handset.engine.use_biometric(true).unwrap();
    handset.enter(NEW_PIN).await.unwrap();
    handset.engine.lock();
    // The seed is erased: a finger opens nothing either.
    let device = handset.account()["device"].as_str().unwrap().to_owned();
    scene.ada.decide(&device, "revoke").await.expect(204);
    assert_eq!(handset.engine.unlock_with_biometric().await, Err(Error::DeviceRevoked));
    assert_eq!(handset.blobs().into_keys().collect::<Vec<_>>(), [handset.blob("account")]);
    // Switched off: what was kept is gone at once.
    scene.lead_to(&mut handset, &Step::Ready).await;
    handset.engine.use_biometric(true).unwrap();
    handset.engine.lock();
    handset.pin = PIN.to_owned();
    handset.enter(PIN).await.unwrap();
    handset.engine.use_biometric(false).unwrap();
    assert_eq!(handset.engine.has_biometric(), Ok(false));
    assert!(!handset.blobs().contains_key(&handset.blob("biometric")));
}
