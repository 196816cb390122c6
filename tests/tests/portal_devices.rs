//! Devices at the portal: signatures, enrollment, revocation, PIN tries.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod support;

use data_encoding::BASE64;
use serde_json::{Value, json};
use std::sync::Arc;
use support::forgery;
use support::phone::{By, Headers, new_key, spki};
use support::*;
use twinlock_core::wire::{PinEvaluated, PinProve};

const SIGNATURE_REFUSED: &str = "TL-4010";
const STEP_REQUIRED: &str = "TL-3001";

async fn pending(portal: &Portal, name: &str) -> Phone {
    portal.waiting_phone(name).await
}

#[tokio::test(flavor = "multi_thread")]
async fn f57_three_wrong_comparison_codes_end_the_request() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let bo = pending(&portal, BO).await;
    let device = bo.device_id();
    let wrong = if bo.comparison_code() == "0000 0000" { "0000 0001" } else { "0000 0000" };
    for typed in [wrong, "", "٠"] {
        ada.type_comparison(&device, typed).await.expect_problem(422, "TL-6002");
    }
    ada.approve(&bo).await.expect_problem(409, "TL-6005");
    assert_eq!(portal.world.sql("SELECT state FROM device"), "denied");
    bo.get(By::Device, "/v1/devices/self").await.expect_problem(403, "TL-6001");
    assert_eq!(portal.world.audited("device.denied"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn f57_two_right_codes_of_swapped_devices_do_not_fit() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let (bo, cy) = (pending(&portal, BO).await, pending(&portal, CY).await);
    assert_ne!(bo.comparison_code(), cy.comparison_code());
    ada.type_comparison(&bo.device_id(), &cy.comparison_code()).await.expect_problem(422, "TL-6002");
    ada.type_comparison(&cy.device_id(), &bo.comparison_code()).await.expect_problem(422, "TL-6002");
    ada.approve(&bo).await.expect(204);
    ada.approve(&cy).await.expect(204);
}

#[tokio::test(flavor = "multi_thread")]
async fn f57_a_key_changed_after_the_commitment_aborts() {
    let portal = Portal::start();
    portal.enforced().await;
    let mut bo = portal.phone();
    bo.sign_in(BO).await;
    bo.set_up().await;
    bo.try_enroll(&new_key()).await.expect_problem(422, "TL-6004");
    assert_eq!(portal.world.sql("SELECT count(*) FROM device"), "0");
    assert_eq!(portal.world.sql("SELECT count(*) FROM enrollment"), "0", "one reveal for one commitment");
    assert_eq!(portal.world.audited("device.commitment_broken"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn b47_one_decision_one_event() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let bo = pending(&portal, BO).await;
    let device = bo.device_id();
    let (mut other, mut third) = (ada.tab(), ada.tab());
    // Two admins at once, and a third who denies.
    let (left, right, denial) = tokio::join!(ada.approve(&bo), other.approve(&bo), third.decide(&device, "deny"));
    let mut statuses = [left.status.as_u16(), right.status.as_u16(), denial.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 409, 409]);
    assert_eq!(portal.world.audited("device.approved") + portal.world.audited("device.denied"), 1);
    ada.approve(&bo).await.expect_problem(409, "TL-6005");
    ada.decide(&device, "deny").await.expect_problem(409, "TL-6005");
    // Approve after deny.
    let cy = pending(&portal, CY).await;
    ada.decide(&cy.device_id(), "deny").await.expect(204);
    ada.approve(&cy).await.expect_problem(409, "TL-6005");
    ada.decide(&cy.device_id(), "revoke").await.expect_problem(409, "TL-6005");
    // Approve what has expired.
    let mut late = portal.phone();
    late.sign_in(CY).await;
    portal.clock.pass(STEP_MS);
    late.authenticator = cy.authenticator;
    late.verify(&late.code_now()).await.expect(200);
    late.enroll().await;
    portal.clock.pass(7 * 24 * HOUR_MS);
    ada.sign_in(ADA).await;
    ada.enter_code().await;
    ada.approve(&late).await.expect_problem(409, "TL-6005");
    ada.type_comparison("0123456789abcdef", "0000 0000").await.expect_problem(404, "TL-4009");
    assert_eq!(portal.world.audited("device.approved") + portal.world.audited("device.denied"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn f54_a_device_without_its_key_is_nobody_and_enrolls_again() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let mut bo = portal.ready_phone(&mut ada, BO).await;
    // The restored copy knows all ids and has another key.
    let original = std::mem::replace(&mut bo.device_key, new_key());
    bo.get(By::Device, "/v1/devices/self").await.expect_problem(401, SIGNATURE_REFUSED);
    bo.evaluate(1, &new_key()).await.expect_problem(401, SIGNATURE_REFUSED);
    assert_eq!(portal.world.sql("SELECT fails FROM pin"), "0");
    let first = bo.device_id();
    portal.clock.pass(STEP_MS);
    bo.sign_in(BO).await;
    assert_eq!(bo.step().await, "enter_code");
    bo.verify(&bo.code_now()).await.expect(200);
    assert_eq!(bo.step().await, "await_approval");
    bo.enroll().await;
    assert_ne!(bo.device_id(), first);
    // The old one still is what it was.
    bo.enrollment.as_mut().unwrap().device = first;
    bo.device_key = original;
    bo.get(By::Device, "/v1/devices/self").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn f61_every_change_of_a_signed_request_is_refused() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let bo = portal.ready_phone(&mut ada, BO).await;
    let target = "/v1/pin/evaluate";
    let body = serde_json::to_vec(&bo.try_of(7, &new_key())).unwrap();
    let before = portal.world.dump("pin");
    let changes = forgery::changes(By::Device);
    for (name, change) in &changes {
        let headers = bo.prepare(By::Device, "POST", target, &body).await;
        let changed = change(&headers);
        assert_ne!(changed, headers, "{name}");
        let answer = portal.door.send("POST", target, &changed, body.clone()).await;
        answer.expect_problem(401, forgery::code(name));
    }
    // The request itself changed under its signature.
    let headers = bo.prepare(By::Device, "POST", target, &body).await;
    let other = String::from_utf8(body.clone()).unwrap().replace(":7", ":8").into_bytes();
    portal.door.send("POST", target, &headers, other.clone()).await.expect_problem(401, SIGNATURE_REFUSED);
    // The digest made to fit the changed body.
    let digest = format!("sha-256=:{}:", BASE64.encode(ring::digest::digest(&ring::digest::SHA256, &other).as_ref()));
    let fitted = forgery::replace(&headers, "content-digest", |_| digest.clone());
    portal.door.send("POST", target, &fitted, other).await.expect_problem(401, SIGNATURE_REFUSED);
    for path in ["/v1/pin/evaluate?a=1", "/v1/pin/prove"] {
        portal.door.send("POST", path, &headers, body.clone()).await.expect_problem(401, SIGNATURE_REFUSED);
    }
    portal.door.send("POST", "/v1/pin/%65valuate", &headers, body.clone()).await.expect_problem(404, "TL-4009");
    // Re-encoded: the same to the router, another request to the signature.
    let file = &portal.world.file;
    for (by, signed, sent) in [
        (By::Device, "/v1/devices/self?a=1".to_owned(), "/v1/devices/self?a=%31".to_owned()),
        (By::Device, "/v1/devices/self?a=1&b=2".to_owned(), "/v1/devices/self?b=2&a=1".to_owned()),
        (By::Session, format!("/v1/files/{file}"), format!("/v1/files/%{:02x}{}", file.as_bytes()[0], &file[1..])),
    ] {
        let headers = bo.prepare(by, "GET", &signed, &[]).await;
        portal.door.send("GET", &sent, &headers, Vec::new()).await.expect_problem(401, SIGNATURE_REFUSED);
        portal.door.send("GET", &signed, &headers, Vec::new()).await.expect(200);
    }
    // Signed for another host, too old, too new.
    let signed_at = |offset_s: i64, authority: &str| {
        use twinlock_core::proof::{RequestHead, RequestParts, Stamp, sign_request};
        let (key_id, key) = bo.key_of(By::Device);
        let version = bo.policy_version.load(std::sync::atomic::Ordering::SeqCst);
        let parts = RequestParts {
            head: RequestHead {
                method: "GET",
                authority,
                path: "/v1/devices/self",
                query: None,
                policy_version: version,
            },
            body: &[],
        };
        let created_s = (bo.now_ms() / 1_000).checked_add_signed(offset_s).unwrap();
        let stamp = Stamp { created_s, nonce: "0123456789abcdef".to_owned(), key_id };
        let signed = sign_request(&parts, &stamp, |base| Ok(key.sign(base))).unwrap();
        signed.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Headers>()
    };
    for (offset_s, authority, expected) in [
        (0, AUTHORITY, ""),
        (60, AUTHORITY, ""),
        (-60, AUTHORITY, ""),
        (61, AUTHORITY, "TL-4006"),
        (-61, AUTHORITY, "TL-4006"),
        (0, "other.test", SIGNATURE_REFUSED),
        (0, "portal.test:443", SIGNATURE_REFUSED),
    ] {
        let headers = signed_at(offset_s, authority);
        let answer = portal.door.send("GET", "/v1/devices/self", &headers, Vec::new()).await;
        assert_eq!(answer.code(), expected, "{offset_s} {authority}");
        // Method changed: the signature is for GET.
        if expected.is_empty() {
            portal
                .door
                .send("GET", "/v1/devices/self/policy", &headers, Vec::new())
                .await
                .expect_problem(401, SIGNATURE_REFUSED);
        }
    }
    let headers = bo.prepare(By::Session, "GET", "/v1/sessions/self", &[]).await;
    portal.door.send("DELETE", "/v1/sessions/self", &headers, Vec::new()).await.expect_problem(401, SIGNATURE_REFUSED);
    // A nonce of the phone's own, an old one, and a cookie beside a bad signature.
    let (key_id, key) = bo.key_of(By::Device);
    let own = bo.sign("POST", target, &body, "0123456789abcdef".to_owned(), key_id.clone(), &key);
    portal.door.send("POST", target, &own, body.clone()).await.expect_problem(401, "TL-4011");
    let nonce = portal.door.nonce().await;
    portal.clock.pass(5 * MINUTE_MS + 1);
    let old = bo.sign("POST", target, &body, nonce, key_id, &key);
    portal.door.send("POST", target, &old, body.clone()).await.expect_problem(401, "TL-4011");
    let cookie = ("cookie".to_owned(), format!("__Host-session={}", ada.cookie.as_ref().unwrap()));
    let beside = vec![cookie, ("signature".to_owned(), "sig=::".to_owned())];
    portal.door.send("GET", "/v1/files", &beside, Vec::new()).await.expect_problem(401, SIGNATURE_REFUSED);
    assert_eq!(portal.world.dump("pin"), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn f62_the_same_signed_request_twice_has_one_effect() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let bo = Arc::new(portal.ready_phone(&mut ada, BO).await);
    let body = serde_json::to_vec(&bo.try_of(1, &new_key())).unwrap();
    let headers = bo.prepare(By::Device, "POST", "/v1/pin/evaluate", &body).await;
    let sends = (0..8).map(|_| {
        let (door, headers, body) = (portal.door.clone(), headers.clone(), body.clone());
        tokio::spawn(async move { door.send("POST", "/v1/pin/evaluate", &headers, body).await })
    });
    let mut codes = Vec::new();
    for send in sends.collect::<Vec<_>>() {
        codes.push(send.await.unwrap().code());
    }
    codes.sort();
    assert_eq!(codes[0], "");
    assert!(codes[1..].iter().all(|code| code == "TL-4011"), "{codes:?}");
    assert_eq!(portal.world.sql("SELECT fails FROM pin"), "1");
    // The same with a sign-in: one session.
    let sessions = portal.world.audited("session.opened");
    let key = new_key();
    let body = json!({ "name": CY, "password": PASSWORD, "surface": "phone", "session_key": spki(&key), "app_version": "1.0.0" });
    let body = body.to_string().into_bytes();
    let nonce = portal.door.nonce().await;
    let headers = bo.sign("POST", "/v1/sessions", &body, nonce, twinlock_core::proof::KeyId::Enclosed, &key);
    portal.door.send("POST", "/v1/sessions", &headers, body.clone()).await.expect(200);
    portal.door.send("POST", "/v1/sessions", &headers, body).await.expect_problem(401, "TL-4011");
    assert_eq!(portal.world.audited("session.opened"), sessions + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn f63_a_revoked_device_is_refused_at_its_next_request() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let bo = portal.ready_phone(&mut ada, BO).await;
    let file = format!("/v1/files/{}", portal.world.file);
    assert_eq!(bo.get(By::Session, &file).await.text(), FILE_CONTENT);
    ada.decide(&bo.device_id(), "revoke").await.expect(204);
    for (by, method, target) in [
        (By::Session, "GET", file.as_str()),
        (By::Session, "GET", "/v1/files"),
        (By::Session, "GET", "/v1/step"),
        (By::Session, "POST", "/v1/enrollments"),
        (By::Device, "GET", "/v1/devices/self"),
        (By::Device, "GET", "/v1/devices/self/policy"),
        (By::Device, "POST", "/v1/pin/prepare"),
    ] {
        let answer = bo.send(by, method, target, &Value::Null).await;
        answer.expect_problem(401, "TL-5007");
        assert_eq!(answer.value()["step"], json!({ "kind": "blocked", "reason": "revoked" }));
    }
    bo.evaluate(1, &new_key()).await.expect_problem(401, "TL-5007");
    // Also where the policy changed meanwhile: revoked comes first, and no policy goes out.
    ada.change_policy(json!({ "pin_min_length": 8 }), "").await.expect(200);
    for (by, target) in [(By::Session, "/v1/files"), (By::Device, "/v1/devices/self")] {
        let answer = bo.send(by, "GET", target, &Value::Null).await;
        answer.expect_problem(401, "TL-5007");
        assert_eq!(answer.value()["policy"], Value::Null);
    }
    assert_eq!(portal.world.sql("SELECT state FROM pin"), "erased");
}

#[tokio::test(flavor = "multi_thread")]
async fn f36_two_hundred_parallel_tries_are_at_most_eight() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let bo = Arc::new(portal.ready_phone(&mut ada, BO).await);
    let mut counted = 0;
    let mut attempt = 0;
    for _ in 0..10 {
        let tasks: Vec<_> = (0..20)
            .map(|_| {
                attempt += 1;
                let (bo, attempt) = (bo.clone(), attempt);
                tokio::spawn(async move { bo.evaluate(attempt, &new_key()).await })
            })
            .collect();
        for task in tasks {
            let answer = task.await.unwrap();
            counted += usize::from(answer.status.is_success());
            // Waiting, erased, or a number that was overtaken.
            assert!(["", "TL-1004", "TL-1005", "TL-4007"].contains(&answer.code().as_str()), "{}", answer.text());
        }
        portal.clock.pass(HOUR_MS);
    }
    assert!((1..=8).contains(&counted), "{counted}");
    assert_eq!(portal.world.audited("pin.try_counted"), counted);
    assert!(portal.world.sql("SELECT fails FROM pin").parse::<u64>().unwrap() <= 8);
    assert_eq!(portal.world.sql("SELECT state FROM pin"), "erased");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_try_is_counted_before_it_is_answered_and_only_a_proof_resets() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let mut bo = portal.ready_phone(&mut ada, BO).await;
    let fails = || portal.world.sql("SELECT fails FROM pin");
    let (key, attempt) = (new_key(), bo.next_attempt());
    let first: PinEvaluated = bo.evaluate(attempt, &key).await.json();
    assert_eq!((fails().as_str(), first.tries_left), ("1", 7));
    // Sent again: the stored answer, not counted.
    let again: PinEvaluated = bo.evaluate(attempt, &key).await.json();
    assert_eq!((again.challenge.0, again.tries_left), (first.challenge.0.clone(), 7));
    assert_eq!(fails(), "1");
    // The same number with another element, and a number of the past.
    bo.evaluate(attempt, &new_key()).await.expect_problem(400, "TL-4007");
    bo.evaluate(0, &key).await.expect_problem(400, "TL-4007");
    assert_eq!(fails(), "1");
    // A proof with another key is a wrong PIN; the attempt is spent.
    let answer = bo.prove(&first, attempt, &key, &new_key()).await;
    answer.expect_problem(422, "TL-1003");
    assert_eq!(answer.value()["tries_left"], 7);
    let right = bo.activated.clone();
    bo.prove(&first, attempt, &key, &right).await.expect_problem(403, STEP_REQUIRED);
    assert_eq!(fails(), "1");
    // A proof that is a minute late.
    let attempt = bo.next_attempt();
    let second: PinEvaluated = bo.evaluate(attempt, &key).await.json();
    portal.clock.pass(MINUTE_MS);
    bo.prove(&second, attempt, &key, &right).await.expect_problem(403, STEP_REQUIRED);
    assert_eq!(fails(), "2");
    // A proof for the session key of somebody else.
    let attempt = bo.next_attempt();
    let third: PinEvaluated = bo.evaluate(attempt, &key).await.json();
    let proof = PinProve { session_key: spki(&new_key()), ..bo.proof(&third, attempt, &key, &right) };
    bo.post(By::Device, "/v1/pin/prove", &proof).await.expect_problem(422, "TL-1003");
    assert_eq!(third.retry_after_ms, 30_000);
    let answer = bo.evaluate(bo.next_attempt(), &key).await;
    answer.expect_problem(429, "TL-1004");
    assert_eq!(fails(), "3");
    portal.clock.pass(30_000);
    let answer = bo.try_pin(true).await;
    assert_eq!(answer.expect(200).value()["failures_before"], 3);
    assert_eq!(fails(), "0");
    bo.get(By::Session, "/v1/files").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_eight_wrong_pins_the_right_one_never_works_again() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let mut bo = portal.ready_phone(&mut ada, BO).await;
    for left in (0..8_u32).rev() {
        let answer = bo.try_pin(false).await;
        answer.expect_problem(422, "TL-1003");
        assert_eq!(answer.value()["tries_left"], left);
        portal.clock.pass(HOUR_MS);
    }
    assert_eq!(portal.world.sql("SELECT state FROM pin"), "erased");
    bo.try_pin(true).await.expect_problem(403, "TL-1005");
    portal.clock.pass(40 * 24 * HOUR_MS);
    bo.try_pin(true).await.expect_problem(403, "TL-1005");
    bo.post(By::Device, "/v1/pin/prepare", &Value::Null).await.expect_problem(403, STEP_REQUIRED);
    assert_eq!(portal.world.audited("pin.erased"), 1);
    assert_eq!(portal.world.audited("pin.accepted"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_eighth_try_may_still_be_right() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let mut bo = portal.ready_phone(&mut ada, BO).await;
    for _ in 0..7 {
        bo.try_pin(false).await.expect_problem(422, "TL-1003");
        portal.clock.pass(HOUR_MS);
    }
    assert_eq!(bo.try_pin(true).await.expect(200).value()["failures_before"], 7);
    assert_eq!(portal.world.sql("SELECT state || fails FROM pin"), "set0");
}

/// Every path of the interface's own description and every page that reads something, with the file's id.
async fn reading_routes(portal: &Portal) -> Vec<String> {
    let described = portal.door.get("/v1/openapi.json").await.value();
    let paths = described["paths"].as_object().unwrap();
    let read = paths.iter().filter(|(_, methods)| methods.get("get").is_some());
    let mut routes: Vec<String> = read.map(|(path, _)| path.replace("{file}", &portal.world.file)).collect();
    assert!(routes.iter().any(|path| path == "/v1/files") && routes.len() >= 9, "{routes:?}");
    routes.extend(
        ["/", "/files", "/account", "/admin/users", "/admin/devices", "/admin/policies", "/admin/audit"]
            .map(str::to_owned),
    );
    routes.push(format!("/files/{}", portal.world.file));
    routes
}

/// Walks every route that reads with this key; only the named ones may answer.
async fn assert_reads_only(portal: &Portal, phone: &Phone, by: By, allowed: &[&str]) {
    for route in reading_routes(portal).await {
        let answer = phone.get(by, &route).await;
        let is_open = allowed.contains(&route.as_str()) || route == "/v1/nonce";
        assert_eq!(answer.status.is_success(), is_open, "{by:?} {route}: {} {}", answer.status, answer.text());
        for secret in [FILE_NAME, FILE_CONTENT, "Cy Castle", "Ada Admin"] {
            assert!(!answer.text().contains(secret), "{by:?} {route}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b33_nothing_is_readable_before_the_pin_exists() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let mut bo = portal.phone();
    bo.sign_in(BO).await;
    assert_eq!(bo.step().await, "set_up_two_step");
    assert_reads_only(&portal, &bo, By::Session, &["/v1/step", "/v1/policy"]).await;
    bo.set_up().await;
    assert_eq!(bo.step().await, "await_approval");
    assert_reads_only(&portal, &bo, By::Session, &["/v1/step", "/v1/policy"]).await;
    bo.enroll().await;
    // Before approval the device asks for its own state.
    assert_eq!(bo.get(By::Device, "/v1/devices/self").await.step(), "await_approval");
    assert_reads_only(&portal, &bo, By::Session, &["/v1/step", "/v1/policy"]).await;
    assert_reads_only(&portal, &bo, By::Device, &["/v1/devices/self", "/v1/devices/self/policy"]).await;
    bo.post(By::Device, "/v1/pin/prepare", &Value::Null).await.expect_problem(403, STEP_REQUIRED);
    bo.evaluate(1, &new_key()).await.expect_problem(403, STEP_REQUIRED);
    ada.approve(&bo).await.expect(204);
    assert_eq!(bo.step().await, "create_pin");
    assert_reads_only(&portal, &bo, By::Session, &["/v1/step", "/v1/policy"]).await;
    assert_reads_only(&portal, &bo, By::Device, &["/v1/devices/self", "/v1/devices/self/policy"]).await;
    bo.evaluate(1, &new_key()).await.expect_problem(409, "TL-1006");
    bo.create_pin().await;
    assert_eq!(bo.step().await, "ready");
    let file = format!("/v1/files/{}", portal.world.file);
    assert_eq!(bo.get(By::Session, &file).await.text(), FILE_CONTENT);
    // The device key alone reads nothing even now.
    assert_reads_only(&portal, &bo, By::Device, &["/v1/devices/self", "/v1/devices/self/policy"]).await;
    // A new sign-in on the same phone is not the session that the PIN opened.
    portal.clock.pass(STEP_MS);
    bo.sign_in(BO).await;
    assert_reads_only(&portal, &bo, By::Session, &["/v1/step", "/v1/policy"]).await;
}
