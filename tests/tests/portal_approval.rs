//! The decision on a device: what the device sees of it, and what makes it void.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod support;

use serde_json::Value;
use support::phone::By;
use support::*;

async fn pending(portal: &Portal, name: &str) -> Phone {
    let mut phone = portal.phone();
    phone.sign_in(name).await;
    phone.set_up().await;
    phone.enroll().await;
    phone
}

/// Everything of an answer that is not bound to the moment or to the request.
fn seen(answer: &Answer) -> (u16, Value, Vec<(String, String)>) {
    let mut body = answer.value();
    body["request_id"] = Value::Null;
    let headers =
        answer.headers.iter().filter(|(name, _)| !["x-request-id", "x-twinlock-nonce"].contains(&name.as_str()));
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    (answer.status.as_u16(), body, headers.collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn b46_a_denied_and_an_expired_device_see_the_same_with_either_key() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let (denied, expired) = (pending(&portal, BO).await, pending(&portal, CY).await);
    let calls = [
        (By::Device, "GET", "/v1/devices/self"),
        (By::Device, "GET", "/v1/devices/self/policy"),
        (By::Device, "POST", "/v1/pin/prepare"),
        (By::Session, "GET", "/v1/step"),
        (By::Session, "GET", "/v1/policy"),
        (By::Session, "GET", "/v1/files"),
        (By::Session, "POST", "/v1/enrollments"),
        (By::Session, "DELETE", "/v1/sessions/self"),
    ];
    // While they wait, no call gives a name or a file, and both see the same.
    for (by, method, target) in &calls[..7] {
        let (left, right) = (
            denied.send(*by, method, target, &Value::Null).await,
            expired.send(*by, method, target, &Value::Null).await,
        );
        assert_eq!(left.status, right.status, "{target}");
        for secret in [FILE_NAME, FILE_CONTENT, "Cy Castle", "Ada Admin", "Bo Brandt"] {
            assert!(!left.text().contains(secret), "{target}");
        }
    }
    ada.decide(&denied.device_id(), "deny").await.expect(204);
    // Sessions end long before seven days do, so that the week is taken from the row.
    portal.world.sql(&format!(
        "UPDATE device SET expires_ms = {} WHERE id = '{}'",
        portal.clock.now_ms(),
        expired.device_id()
    ));
    for (by, method, target) in calls {
        let (left, right) =
            (denied.send(by, method, target, &Value::Null).await, expired.send(by, method, target, &Value::Null).await);
        left.expect_problem(403, "TL-6001");
        assert_eq!(seen(&left), seen(&right), "{by:?} {method} {target}");
    }
    // Both begin anew in the same way.
    portal.clock.pass(STEP_MS);
    for (mut phone, name) in [(denied, BO), (expired, CY)] {
        phone.sign_in(name).await;
        phone.verify(&phone.code_now()).await.expect(200);
        phone.enroll().await;
        assert_eq!(phone.get(By::Device, "/v1/devices/self").await.step(), "await_approval");
    }
}
