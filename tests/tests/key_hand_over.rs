//! The operator gives an organisation a new policy key while phones are in use.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "support/handset.rs"]
mod handset;
mod support;

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use handset::{Handset, PIN, Scene};
use serde_json::json;
use std::sync::Arc;
use support::program::Served;
use support::*;
use twinlock_core::step::Step;
use twinlock_core::testing::{MemoryDeviceKey, MemoryStore};

/// Runs the command; the new public key as a phone keeps it.
fn hand_over(world: &World) -> String {
    let arguments = ["keys", "hand-over", "--organisation", &world.organisation, "--reason", "yearly change"];
    BASE64URL_NOPAD.encode(&HEXLOWER.decode(world.run(&arguments, "").as_bytes()).unwrap())
}

fn refused(world: &World, arguments: &[&str]) -> String {
    let output = program::run(world.command(arguments), "");
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

fn pinned(handset: &Handset) -> String {
    handset.account()["policy_key"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn phones_of_the_real_program_follow_to_the_new_key() {
    let world = World::new();
    let served = Served::start(&world).await;
    let mut ada = served.browser();
    ada.enforce().await;
    let phone = |name| {
        let (keys, store) = (Arc::new(MemoryDeviceKey::new()), Arc::new(MemoryStore::new()));
        Handset::over(served.door.clone(), Arc::new(SystemTimeClock), "account", name, keys, store)
    };
    let mut bo = phone(BO);
    bo.enroll(&mut ada).await;
    bo.enter(PIN).await.unwrap();
    assert_eq!(bo.enter(PIN).await, Ok(Step::Ready));
    let first = pinned(&bo);
    let before = ["policy_version", "policy_hash", "rules"]
        .map(|column| world.sql(&format!("SELECT {column} FROM organisation")));

    for nonsense in [
        vec!["keys", "hand-over", "--organisation", "nobody", "--reason", "why"],
        vec!["keys", "hand-over", "--organisation", &world.organisation, "--reason", " "],
    ] {
        refused(&world, &nonsense);
    }
    assert_eq!(world.sql("SELECT count(*) FROM policy_handover"), "0");
    let (second, third) = (hand_over(&world), hand_over(&world));
    assert!(first != second && second != third);
    let after = ["policy_version", "policy_hash", "rules"]
        .map(|column| world.sql(&format!("SELECT {column} FROM organisation")));
    assert_eq!(before, after, "no device sees another policy");
    assert_eq!(world.audited("policy.key_handed_over"), 2);
    assert_eq!(world.audit_details("policy.key_handed_over")[0]["reason"], "yearly change");

    // What was accepted before holds; a phone that enrolls now pins the newest key.
    bo.engine.lock();
    assert_eq!(bo.enter(PIN).await, Ok(Step::Ready));
    assert_eq!(pinned(&bo), first);
    let mut cy = phone(CY);
    cy.enroll(&mut ada).await;
    assert_eq!(pinned(&cy), third);
    cy.enter(PIN).await.unwrap();
    assert_eq!(cy.enter(PIN).await, Ok(Step::Ready));
    // The next document is signed by it, and the phone follows over both notes.
    ada.change_policy(json!({ "pin_max_tries": 7 }), "").await.expect(200);
    bo.engine.lock();
    assert_eq!(bo.enter(PIN).await, Ok(Step::Ready));
    assert_eq!((pinned(&bo), bo.account()["rules"]["pin_max_tries"].as_u64()), (third.clone(), Some(7)));
    cy.engine.refresh().await.unwrap();
    assert!(cy.is_open().await && bo.is_open().await);
    assert_eq!(pinned(&cy), third);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_follows_when_it_renews_its_statement_and_a_waiting_one_keeps_its_code() {
    let mut scene = Scene::start().await;
    let bo = scene.ready().await;
    let mut cy = Handset::new(&scene.portal, CY, twinlock_core::ports::PinKeyKind::Mac);
    cy.sign_in().await.unwrap();
    let Ok(Step::AwaitApproval { comparison_code: Some(code) }) = cy.set_up_two_step().await else { panic!() };
    let device = cy.account()["device"].as_str().unwrap().to_owned();
    assert_eq!(scene.portal.world.sql("SELECT count(*) FROM device WHERE policy_key IS NULL"), "0");
    // One that was written down before keys were kept beside it.
    let dee_name = "dee@example.test";
    scene.portal.world.add_member("Dee Dorn", dee_name, "member");
    let mut dee = Handset::new(&scene.portal, dee_name, twinlock_core::ports::PinKeyKind::Mac);
    dee.sign_in().await.unwrap();
    let Ok(Step::AwaitApproval { comparison_code: Some(older) }) = dee.set_up_two_step().await else { panic!() };
    let old_device = dee.account()["device"].as_str().unwrap().to_owned();
    scene.portal.world.sql(&format!("UPDATE device SET policy_key = NULL WHERE id = '{old_device}'"));
    let next = hand_over(&scene.portal.world);
    // Each code was made with the key of then.
    scene.ada.type_comparison(&device, &code).await.expect(204);
    scene.ada.type_comparison(&old_device, &older).await.expect(204);
    scene.pass(13 * HOUR_MS);
    for handset in [&bo, &cy] {
        handset.engine.refresh().await.unwrap();
        assert_eq!(pinned(handset), next);
        assert!(handset.account()["rules_until_ms"].as_u64().unwrap() > scene.portal.clock.now_ms() + 23 * HOUR_MS);
    }
    // The next document comes from the new key.
    let mut ada = scene.portal.browser();
    ada.authenticator = scene.ada.authenticator.take();
    ada.sign_in(ADA).await;
    ada.enter_code().await;
    ada.change_policy(json!({ "pin_max_tries": 6 }), "").await.expect(200);
    assert_eq!(bo.enter(PIN).await, Ok(Step::Ready));
    assert_eq!(bo.account()["rules"]["pin_max_tries"], 6);
}
