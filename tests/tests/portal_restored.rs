//! A backup is put back: the real program, its real file, and a phone that knows more than the portal does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "support/handset.rs"]
mod handset;
mod support;

use handset::{Handset, PIN, WRONG_PIN};
use std::sync::Arc;
use support::program::Served;
use support::*;
use twinlock_core::Error;
use twinlock_core::step::Step;
use twinlock_core::testing::{MemoryDeviceKey, MemoryStore};

#[tokio::test(flavor = "multi_thread")]
async fn f49_after_a_restore_a_device_has_two_tries_and_waits_for_approval_again() {
    let world = World::new();
    let served = Served::start(&world).await;
    let mut ada = served.browser();
    ada.enforce().await;
    let (keys, store) = (Arc::new(MemoryDeviceKey::new()), Arc::new(MemoryStore::new()));
    let clock = Arc::new(SystemTimeClock);
    let mut bo = Handset::over(served.door.clone(), clock, "account", BO, keys, store);
    bo.enroll(&mut ada).await;
    bo.enter(PIN).await.unwrap();
    assert_eq!(bo.enter(PIN).await, Ok(Step::Ready));

    let backup = world.folder.path().join("backup.db");
    world.sql(&format!("VACUUM INTO '{}'", backup.display()));
    bo.engine.lock();
    for _ in 0..5 {
        assert!(matches!(bo.enter(WRONG_PIN).await, Err(Error::WrongPin { .. })));
        world.sql("UPDATE pin SET wait_until_ms = 0");
    }
    served.kill();
    for ending in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{ending}", world.database_file().display()));
    }
    std::fs::copy(&backup, world.database_file()).unwrap();
    assert_eq!(world.sql("SELECT fails FROM pin"), "0", "the backup knows of no failure");
    let said = world.run(&["rescue", "restored", "--reason", "the disk died"], "");
    assert!(said.contains(r#":1}"#), "one device waits: {said}");
    assert_eq!(world.audited("backup.restored"), 1);
    assert_eq!(world.sql("SELECT count(*) FROM session"), "0");

    let served = Served::start(&world).await;
    bo.reach(served.door.clone());
    // The right PIN opens nothing before the approval, and the phone shows the code that it showed before.
    assert_eq!(bo.enter(PIN).await, Err(Error::StepRequired));
    let Ok(Step::AwaitApproval { comparison_code: Some(code) }) = bo.engine.refresh().await else { panic!() };
    assert_eq!(bo.restart(), Ok(Step::AwaitApproval { comparison_code: Some(code.clone()) }));
    let mut again = served.browser();
    again.authenticator = ada.authenticator;
    world.sql("UPDATE factor SET last_step = 0");
    again.sign_in(ADA).await;
    // A recovery code that was used since the backup would be good again: none of them is.
    let code_of_ada = serde_json::json!({ "code": ada.recovery_codes[0] });
    again.post("/v1/recovery", &code_of_ada).await.expect_problem(422, "TL-2010");
    again.enter_code().await;
    let device = bo.account()["device"].as_str().unwrap().to_owned();
    again.type_comparison(&device, &code).await.expect(204);
    assert!(matches!(bo.engine.refresh().await, Ok(Step::EnterPin { .. })));
    // Two tries, not eight and not three.
    let Err(Error::WrongPin { tries_left: 1, .. }) = bo.enter(WRONG_PIN).await else { panic!() };
    world.sql("UPDATE pin SET wait_until_ms = 0");
    assert_eq!(bo.enter(PIN).await, Ok(Step::Ready), "the second one is the member's");
    bo.engine.lock();
    assert!(matches!(bo.enter(WRONG_PIN).await, Err(Error::WrongPin { tries_left: 7, .. })));
}

#[test]
fn a_restore_wants_a_reason() {
    let output = support::program::run(World::new().command(&["rescue", "restored", "--reason", " "]), "");
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("a reason is required"));
}
