//! Two portals, each a process of its own, on one PostgreSQL: what one of them decides holds at the other within one request.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod support;

use serde_json::json;
use std::process::Command;
use support::phone::{By, entry};
use support::program::Served;
use support::*;
use twinlock_core::secret::SecretText;
use twinlock_core::wire::RecoveryEntry;
use twinlock_tests::database::SERVER;

const DEVICE_REVOKED: &str = "TL-5007";
const SESSION_ENDED: &str = "TL-3005";
const STEP_REQUIRED: &str = "TL-3001";

/// True where a PostgreSQL is named. Elsewhere the test is run again with one, in a process of its own.
fn is_on_postgres(test: &str) -> bool {
    if std::env::var_os(SERVER).is_some() {
        return true;
    }
    let mut again = Command::new(env!("CARGO_BIN_EXE_twinlock-on-postgres"));
    again.arg(std::env::current_exe().unwrap()).args(["--exact", test]);
    let output = again.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&output.stderr));
    false
}

struct Pair {
    world: World,
    left: Served,
    right: Served,
    /// At the left portal, where two-step is required by now.
    ada: Browser,
}

impl Pair {
    async fn start() -> Self {
        let world = World::new();
        assert!(world.database.address().is_some());
        let (left, right) = tokio::join!(Served::start(&world), Served::start(&world));
        let mut ada = left.browser();
        ada.enforce().await;
        Self { world, left, right, ada }
    }

    /// A phone at the right portal, approved at the left one.
    async fn ready_phone(&mut self, name: &str) -> Phone {
        let mut phone = self.right.phone();
        phone.make_ready(name, &mut self.ada).await;
        phone
    }
}

/// Sends the same thing to both at once; how many were let through.
async fn at_both(doors: [(Door, phone::Headers); 2], target: &'static str, body: &[u8]) -> usize {
    let send = |(door, headers): (Door, phone::Headers)| {
        let body = body.to_vec();
        tokio::spawn(async move { door.send("POST", target, &headers, body).await })
    };
    let [left, right] = doors.map(send);
    let answers = [left.await.unwrap(), right.await.unwrap()];
    for answer in &answers {
        assert!(answer.status.is_success() || answer.status.is_client_error(), "{}", answer.text());
    }
    answers.iter().filter(|answer| answer.status.is_success()).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn b04_the_switch_and_an_exception_bind_open_sessions_at_the_other_portal() {
    if !is_on_postgres("b04_the_switch_and_an_exception_bind_open_sessions_at_the_other_portal") {
        return;
    }
    let mut pair = Pair::start().await;
    let mut bo = pair.right.browser();
    bo.sign_in(BO).await;
    bo.get("/files").await.expect(303);
    pair.ada.change_policy(json!({ "two_step": false }), "a test").await.expect(200);
    bo.get("/files").await.expect(200);
    pair.ada.change_policy(json!({ "two_step": true }), "").await.expect(200);
    assert_eq!(bo.get("/files").await.expect(303).header("location"), "/set-up?next=%2Ffiles");
    let exception = format!("/v1/admin/members/{}/exception", pair.world.member(BO));
    let until_ms = system_now_ms() + DAY_MS;
    pair.ada.put(&exception, &json!({ "until_ms": until_ms, "reason": "a test" })).await.expect(204);
    bo.get("/files").await.expect(200);
    pair.ada.delete(&exception).await.expect(204);
    bo.get("/files").await.expect(303);
}

#[tokio::test(flavor = "multi_thread")]
async fn f63_a_device_revoked_and_a_session_ended_at_one_portal_are_refused_at_the_other() {
    if !is_on_postgres("f63_a_device_revoked_and_a_session_ended_at_one_portal_are_refused_at_the_other") {
        return;
    }
    let mut pair = Pair::start().await;
    let bo = pair.ready_phone(BO).await;
    bo.get(By::Session, "/v1/files").await.expect(200);
    pair.ada.decide(&bo.device_id(), "revoke").await.expect(204);
    bo.get(By::Session, "/v1/files").await.expect_problem(401, DEVICE_REVOKED);
    let mut cy = pair.right.browser();
    cy.sign_in(CY).await;
    cy.get("/v1/step").await.expect(200);
    pair.ada.delete(&format!("/v1/admin/members/{}/sessions", pair.world.member(CY))).await.expect(204);
    cy.get("/v1/step").await.expect_problem(401, SESSION_ENDED);
}

#[tokio::test(flavor = "multi_thread")]
async fn f36_tries_at_a_pin_are_one_count() {
    if !is_on_postgres("f36_tries_at_a_pin_are_one_count") {
        return;
    }
    let mut pair = Pair::start().await;
    let mut bo = pair.ready_phone(BO).await;
    for tries_left in (0..8).rev() {
        bo.door = if tries_left % 2 == 0 { pair.left.door.clone() } else { pair.right.door.clone() };
        let answer = bo.try_pin(false).await;
        assert_eq!(answer.value()["tries_left"], json!(tries_left), "{}", answer.text());
        pair.world.sql("UPDATE pin SET wait_until_ms = 0");
    }
    for door in [&pair.left.door, &pair.right.door] {
        bo.door = door.clone();
        assert!(!bo.try_pin(true).await.status.is_success(), "the right PIN opens nothing any more");
    }
    assert_eq!(pair.world.sql("SELECT state FROM pin"), "erased");
}

#[tokio::test(flavor = "multi_thread")]
async fn f31_f74_a_code_and_a_recovery_code_at_both_at_once_are_accepted_once() {
    if !is_on_postgres("f31_f74_a_code_and_a_recovery_code_at_both_at_once_are_accepted_once") {
        return;
    }
    let pair = Pair::start().await;
    let mut first = pair.left.phone();
    first.sign_in(BO).await;
    first.set_up().await;
    let codes = first.recovery_codes.clone();
    let factor = first.authenticator.as_ref().map(|known| known.0.to_uri()).unwrap();
    for code in codes.iter().take(5) {
        let (mut left, mut right) = (pair.left.phone(), pair.right.phone());
        left.sign_in(BO).await;
        right.sign_in(BO).await;
        left.authenticator = Some(Authenticator::from_uri(factor.expose()));
        pair.world.sql("UPDATE factor SET last_step = 0, fails = 0, wait_until_ms = 0");
        let body = serde_json::to_vec(&entry(&left.code_now())).unwrap();
        let target = "/v1/two-step/verify";
        let doors = [
            (pair.left.door.clone(), left.prepare(By::Session, "POST", target, &body).await),
            (pair.right.door.clone(), right.prepare(By::Session, "POST", target, &body).await),
        ];
        assert_eq!(at_both(doors, target, &body).await, 1, "one code");
        let (mut left, mut right) = (pair.left.phone(), pair.right.phone());
        left.sign_in(BO).await;
        right.sign_in(BO).await;
        let body = serde_json::to_vec(&RecoveryEntry { code: SecretText::new(code.clone()) }).unwrap();
        let target = "/v1/recovery";
        let doors = [
            (pair.left.door.clone(), left.prepare(By::Session, "POST", target, &body).await),
            (pair.right.door.clone(), right.prepare(By::Session, "POST", target, &body).await),
        ];
        assert_eq!(at_both(doors, target, &body).await, 1, "one recovery code");
        pair.world.sql("UPDATE recovery SET fails = 0, wait_until_ms = 0");
    }
    assert_eq!(pair.world.audited("recovery.used"), 5);
    assert_eq!(pair.world.audited("code.accepted"), 5);
    // A set that was issued at one portal voids the other's.
    let mut last = pair.right.phone();
    last.sign_in(BO).await;
    last.recover(&codes[9]).await.expect(200);
    last.get(By::Session, "/v1/files").await.expect_problem(403, STEP_REQUIRED);
    last.set_up().await;
    let mut old = pair.left.phone();
    old.sign_in(BO).await;
    old.recover(&codes[8]).await.expect_problem(422, "TL-2010");
}
