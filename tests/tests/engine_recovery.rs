//! A member who has lost the authenticator, on a phone: the engine's way back, and what it hands out once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "support/handset.rs"]
mod handset;
mod support;

use handset::{Handset, Scene};
use support::*;
use twinlock_core::Error;
use twinlock_core::ports::PinKeyKind;
use twinlock_core::secret::SecretText;
use twinlock_core::step::{BlockedReason, Step};
use twinlock_core::testing::Fate;

fn shown(codes: &[SecretText]) -> Vec<String> {
    codes.iter().map(|code| code.expose().to_owned()).collect()
}

/// Bo's phone after its set-up, and the recovery codes that came with it.
async fn set_up(scene: &Scene) -> (Handset, Vec<String>) {
    let mut handset = scene.handset();
    handset.sign_in().await.unwrap();
    assert_eq!(handset.engine.take_recovery_codes(), Ok(None));
    assert!(matches!(handset.set_up_two_step().await, Ok(Step::AwaitApproval { .. })));
    let codes = handset.engine.take_recovery_codes().unwrap().expect("the set-up issues codes");
    (handset, shown(&codes))
}

fn new_phone(scene: &Scene) -> Handset {
    Handset::new(&scene.portal, BO, PinKeyKind::Agreement)
}

#[tokio::test(flavor = "multi_thread")]
async fn b20_a_lost_authenticator_is_replaced_on_a_new_phone() {
    let mut scene = Scene::start().await;
    let (old, codes) = set_up(&scene).await;
    assert_eq!(codes.len(), 10);
    assert_eq!(old.engine.take_recovery_codes(), Ok(None), "once");
    let mut lost = new_phone(&scene);
    assert_eq!(lost.engine.submit_recovery_code(&codes[0]).await, Err(Error::StepRequired));
    assert_eq!(lost.sign_in().await, Ok(Step::EnterCode));
    // What cannot be a code does not even leave the phone.
    lost.transport.expect("/v1/recovery", Fate::Drop);
    for typed in ["", "123456", "K7-XXXX", "U7-0000-0000-0000-0000"] {
        assert_eq!(lost.engine.submit_recovery_code(typed).await, Err(Error::CodeMalformed), "{typed}");
    }
    assert!(!lost.transport.is_done());
    assert_eq!(lost.engine.submit_recovery_code(&codes[0]).await, Err(Error::Offline));
    let wrong = format!("{}-0000-0000-0000-0000", &codes[0][..2]);
    assert_eq!(lost.engine.submit_recovery_code(&wrong).await, Err(Error::RecoveryCodeRefused));
    assert_eq!(lost.engine.step(), Step::EnterCode);
    assert_eq!(lost.engine.submit_recovery_code(&codes[0].to_lowercase()).await, Ok(Step::SetUpTwoStep));
    assert_eq!(lost.engine.files().await.unwrap_err(), Error::StepRequired);
    assert_eq!(lost.engine.new_recovery_codes().await, Err(Error::StepRequired));
    // The set-up counts as this session's code, and the phone goes on as any new one does.
    assert!(matches!(lost.set_up_two_step().await, Ok(Step::AwaitApproval { .. })));
    let new = shown(&lost.engine.take_recovery_codes().unwrap().unwrap());
    assert!(new.len() == 10 && new.iter().all(|code| !codes.contains(code)));
    scene.lead_to(&mut lost, &Step::Ready).await;
    assert!(lost.is_open().await);
    let next = new_phone(&scene);
    next.sign_in().await.unwrap();
    assert_eq!(next.engine.submit_recovery_code(&codes[1]).await, Err(Error::RecoveryCodeRefused), "an old set");
    assert_eq!(next.engine.submit_recovery_code(&new[1]).await, Ok(Step::SetUpTwoStep));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_authenticator_is_replaced_too() {
    let scene = Scene::start().await;
    let (_, codes) = set_up(&scene).await;
    scene.portal.world.sql("UPDATE factor SET state = 'disabled'");
    let mut lost = new_phone(&scene);
    assert_eq!(lost.sign_in().await, Ok(Step::Blocked { reason: BlockedReason::AuthenticatorDisabled }));
    assert_eq!(lost.engine.submit_recovery_code(&codes[9]).await, Ok(Step::SetUpTwoStep));
    assert!(matches!(lost.set_up_two_step().await, Ok(Step::AwaitApproval { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn new_recovery_codes_need_a_fresh_code() {
    let mut scene = Scene::start().await;
    let mut handset = scene.ready().await;
    scene.pass(10 * MINUTE_MS);
    assert_eq!(handset.engine.new_recovery_codes().await, Err(Error::FreshCodeRequired));
    assert_eq!(handset.engine.submit_code("000").await, Err(Error::CodeMalformed));
    assert_eq!(handset.engine.submit_code(&handset.code()).await, Ok(Step::Ready));
    let codes = shown(&handset.engine.new_recovery_codes().await.unwrap());
    assert_eq!(codes.len(), 10);
    assert_eq!(handset.engine.take_recovery_codes(), Ok(None), "those of the set-up are void");
    assert!(handset.is_open().await);
    let lost = new_phone(&scene);
    lost.sign_in().await.unwrap();
    assert_eq!(lost.engine.submit_recovery_code(&codes[0]).await, Ok(Step::SetUpTwoStep));
    // The recovery ended this phone's session; its PIN opens another one, which asks for nothing that is lost.
    assert_eq!(handset.engine.files().await.unwrap_err(), Error::SessionEnded);
    handset.restart().unwrap();
    scene.lead_to(&mut handset, &Step::Ready).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_that_nobody_took_are_gone_with_the_lock() {
    let scene = Scene::start().await;
    let mut handset = scene.handset();
    handset.sign_in().await.unwrap();
    handset.set_up_two_step().await.unwrap();
    handset.engine.lock();
    assert_eq!(handset.engine.take_recovery_codes(), Ok(None));
    handset.engine.close();
    assert_eq!(handset.engine.take_recovery_codes(), Err(Error::Closed));
}
