//! Signed requests at the portal: what they may ask for, and how often they count.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod support;

use serde_json::json;
use support::phone::{By, Headers};
use support::*;

const BAD_REQUEST: &str = "TL-4007";
const NONCE_REFUSED: &str = "TL-4011";

/// The headers of a signed form.
async fn sign_form(phone: &Phone, by: By, method: &str, target: &str, body: &str) -> Headers {
    let mut headers = phone.prepare(by, method, target, body.as_bytes()).await;
    headers.retain(|(name, _)| name != "content-type");
    headers.push(("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()));
    headers
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_refuses_a_signed_caller_before_anything_is_counted_or_changed() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let bo = portal.ready_phone(&mut ada, BO).await;
    let mut cy = portal.phone();
    cy.sign_in(CY).await;
    let set_up = cy.begin_set_up().await;
    portal.clock.pass(MINUTE_MS);
    let now_ms = portal.clock.now_ms();
    let right = Authenticator::from_uri(set_up.uri.expose()).code_at(now_ms);
    let tables = ["factor", "session", "device", "member", "used_nonce", "audit_entry"];
    let state = || tables.map(|table| portal.world.dump(table));
    let (before, pages) = (state(), pages(&portal));
    for (phone, by) in [(&cy, By::Session), (&bo, By::Session), (&bo, By::Device)] {
        for (method, target) in &pages {
            let codes = if method == "GET" { vec![] } else { vec![right.clone(), bo.code_now(), bo.wrong_code(1)] };
            let bodies = codes.iter().map(|code| format!("code={code}&next=&comparison_code=1&version=2"));
            for body in bodies.chain((method == "GET").then(String::new)) {
                let headers = sign_form(phone, by, method, target, &body).await;
                let answer = portal.door.send(method, target, &headers, body.clone().into_bytes()).await;
                answer.expect_problem(400, BAD_REQUEST);
                assert!(answer.value()["detail"].as_str().unwrap().contains("/v1/"), "{}", answer.text());
            }
        }
    }
    assert!(state() == before, "a refused request left a trace");
    // A cookie beside the signature does not help.
    let mut headers = sign_form(&bo, By::Session, "GET", "/files", "").await;
    headers.push(("cookie".to_owned(), format!("__Host-session={}", ada.cookie.as_ref().unwrap())));
    portal.door.send("GET", "/files", &headers, Vec::new()).await.expect_problem(400, BAD_REQUEST);
    // A signature that nobody looks at is one all the same.
    let headers = [("signature".to_owned(), "sig=::".to_owned())];
    portal.door.send("GET", "/sign-in", &headers, Vec::new()).await.expect_problem(400, BAD_REQUEST);
    cy.confirm(&right).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn f62_a_replayed_download_has_one_effect() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let bo = portal.ready_phone(&mut ada, BO).await;
    let file = format!("/v1/files/{}", portal.world.file);
    let headers = bo.prepare(By::Session, "GET", &file, &[]).await;
    let again = || portal.door.send("GET", &file, &headers, Vec::new());
    let (left, right) = tokio::join!(again(), again());
    let mut answers = [left, right];
    answers.sort_by_key(|answer| answer.status.as_u16());
    assert_eq!(answers[0].expect(200).text(), FILE_CONTENT);
    answers[1].expect_problem(401, NONCE_REFUSED);
    // For as long as the signature lives.
    portal.clock.pass(MINUTE_MS);
    again().await.expect_problem(401, NONCE_REFUSED);
    portal.clock.pass(1_000);
    again().await.expect_problem(401, "TL-4006");
    assert_eq!(portal.world.audited("file.downloaded"), 1);
    // What has no effect may be asked for again, and nothing is written down about it.
    bo.get(By::Session, "/v1/step").await.expect(200);
    let written = portal.world.sql("SELECT count(*) FROM used_nonce");
    let headers = bo.prepare(By::Session, "GET", "/v1/files", &[]).await;
    for _ in 0..2 {
        portal.door.send("GET", "/v1/files", &headers, Vec::new()).await.expect(200);
    }
    assert_eq!(portal.world.sql("SELECT count(*) FROM used_nonce"), written);
    // Another download is another request.
    bo.get(By::Session, &file).await.expect(200);
    assert_eq!(portal.world.audited("file.downloaded"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn f65_requests_of_one_device_may_overtake_each_other_and_a_nonce_works_once() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let bo = portal.ready_phone(&mut ada, BO).await;
    let file = format!("/v1/files/{}", portal.world.file);
    let mut reads = Vec::new();
    for _ in 0..6 {
        reads.push(bo.prepare(By::Session, "GET", &file, &[]).await);
    }
    // The last one first, one by one; then the others at once.
    portal.door.send("GET", &file, &reads.pop().unwrap(), Vec::new()).await.expect(200);
    let sends = reads.into_iter().rev().map(|headers| {
        let (door, file) = (portal.door.clone(), file.clone());
        tokio::spawn(async move { door.send("GET", &file, &headers, Vec::new()).await })
    });
    for send in sends.collect::<Vec<_>>() {
        assert_eq!(send.await.unwrap().expect(200).text(), FILE_CONTENT);
    }
    assert_eq!(portal.world.audited("file.downloaded"), 6);
    let target = "/v1/two-step/verify";
    let bodies = [1, 2].map(|n| json!({ "code": bo.wrong_code(n) }).to_string().into_bytes());
    let mut changes = Vec::new();
    for body in &bodies {
        changes.push((bo.prepare(By::Session, "POST", target, body).await, body.clone()));
    }
    for (headers, body) in changes.into_iter().rev() {
        portal.door.send("POST", target, &headers, body).await.expect_problem(422, "TL-2002");
    }
    assert_eq!(portal.world.audited("code.refused"), 2);
    // One nonce in two different requests: whichever comes first has the effect.
    let nonce = portal.door.nonce().await;
    let (key_id, key) = bo.key_of(By::Session);
    let sends = bodies.map(|body| {
        let headers = bo.sign("POST", target, &body, nonce.clone(), key_id.clone(), &key);
        let door = portal.door.clone();
        tokio::spawn(async move { door.send("POST", target, &headers, body).await.code() })
    });
    let mut codes = Vec::new();
    for send in sends {
        codes.push(send.await.unwrap());
    }
    codes.sort();
    assert_eq!(codes, ["TL-2002", NONCE_REFUSED]);
    assert_eq!(portal.world.audited("code.refused"), 3);
}
