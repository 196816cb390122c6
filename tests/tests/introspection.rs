//! An application's own back end has a phone's authorised request checked by the portal.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "support/handset.rs"]
mod handset;
mod support;

use handset::{Handset, PIN, Scene};
use serde_json::{Value, json};
use std::process::{Command, Stdio};
use std::sync::Arc;
use support::program::{Running, Served};
use support::*;
use twinlock_core::Error;
use twinlock_core::step::Step;
use twinlock_core::testing::{MemoryDeviceKey, MemoryStore};

const OWN: &str = "https://api.example.test:8443";
const ORDERS: &str = "https://api.example.test:8443/orders?from=phone%20";
const BODY: &[u8] = b"{\"cranes\":2}";

fn add_back_end(world: &World, name: &str, url: &str) -> String {
    world.run(&["admin", "add-back-end", "--organisation", &world.organisation, "--name", name, "--url", url], "")
}

/// What a back end asks about a request.
fn question(method: &str, url: &str, headers: &[(&'static str, String)]) -> Value {
    let headers: serde_json::Map<_, _> =
        headers.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    json!({ "method": method, "url": url, "headers": headers })
}

async fn ask(door: &Door, key: &str, question: &Value) -> Answer {
    let headers = [
        ("authorization".to_owned(), format!("Bearer {key}")),
        ("content-type".to_owned(), "application/json".to_owned()),
    ];
    door.send("POST", "/v1/introspection", &headers, question.to_string().into_bytes()).await
}

/// Not active, for this reason.
#[track_caller]
fn assert_refused(answer: &Answer, code: &str, step: &str) {
    let said = answer.expect(200).value();
    assert_eq!((said["active"].as_bool(), said["code"].as_str()), (Some(false), Some(code)), "{said}");
    assert_eq!(said["step"]["kind"].as_str().unwrap_or_default(), step, "{said}");
    for name in ["member", "device", "assurance", "content_digest", "policy_version"] {
        assert!(said[name].is_null(), "{name} of somebody who is refused: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_back_end_learns_member_device_assurance_and_digest_once() {
    let mut scene = Scene::start().await;
    let key = add_back_end(&scene.portal.world, "orders", OWN);
    let bo = scene.ready().await;
    let headers = bo.engine.authorise("POST", ORDERS, BODY).await.unwrap();
    let question = question("POST", ORDERS, &headers);
    let said = ask(&scene.portal.door, &key, &question).await.expect(200).value();
    assert_eq!(said["active"], true, "{said}");
    assert_eq!((said["member"]["email"].as_str(), said["member"]["role"].as_str()), (Some(BO), Some("member")));
    assert_eq!(said["member"]["id"], bo.account()["member"]);
    assert_eq!(said["device"]["id"], bo.account()["device"]);
    assert_eq!(said["device"]["key_level"], "software");
    assert_eq!((said["surface"].as_str(), said["assurance"].as_str()), (Some("phone"), Some("aal2")), "{said}");
    // Computed by the system's own tools, not by ours.
    let mut command = Command::new("sh");
    command.args(["-c", "printf %s \"$1\" | openssl dgst -sha256 -binary | base64", "sh", "{\"cranes\":2}"]);
    let digest = command.output().unwrap();
    assert_eq!(said["content_digest"], format!("sha-256=:{}:", String::from_utf8(digest.stdout).unwrap().trim()));
    assert_eq!(said["policy_version"].as_u64(), scene.ada.policy().await["version"].as_u64());
    // Whoever caught the request and asks again, or sends it to the back end again, gets nothing by it.
    assert_refused(&ask(&scene.portal.door, &key, &question).await, "TL-4011", "");
    // It opens nothing at the portal either: the signature is for another host.
    let at_portal: Vec<_> = headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    scene.portal.door.send("GET", "/v1/files", &at_portal, Vec::new()).await.expect_problem(401, "TL-4010");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_of_the_request_is_refused() {
    let mut scene = Scene::start().await;
    let key = add_back_end(&scene.portal.world, "orders", OWN);
    let bo = scene.ready().await;
    let headers = bo.engine.authorise("POST", ORDERS, BODY).await.unwrap();
    let whole = question("POST", ORDERS, &headers);
    let with = |change: &dyn Fn(&mut Value)| {
        let mut other = whole.clone();
        change(&mut other);
        other
    };
    let zero = format!("sha-256=:{}:", data_encoding::BASE64.encode(&[0; 32]));
    let changes: [(&str, Value); 9] = [
        ("method", with(&|q| q["method"] = json!("DELETE"))),
        ("path", with(&|q| q["url"] = json!(ORDERS.replace("orders", "refunds")))),
        ("query", with(&|q| q["url"] = json!(ORDERS.replace("phone", "home")))),
        ("digest", with(&|q| q["headers"]["content-digest"] = json!(zero))),
        ("no digest", with(&|q| drop(q["headers"].as_object_mut().unwrap().remove("content-digest")))),
        ("a digest that is none", with(&|q| q["headers"]["content-digest"] = json!("sha-256=:AAAA:"))),
        ("two of one name", with(&|q| q["headers"]["Content-Digest"] = json!(zero))),
        ("policy version", with(&|q| q["headers"]["x-policy-version"] = json!("1"))),
        ("signature", with(&|q| q["headers"]["signature"] = json!(format!("sig=:{}:", "A".repeat(86) + "==")))),
    ];
    for (what, changed) in changes {
        let answer = ask(&scene.portal.door, &key, &changed).await;
        assert_eq!(answer.value()["active"], false, "{what}: {}", answer.text());
        assert_refused(&answer, "TL-4010", "");
    }
    for url in ["https://other.example.test/orders", "http://api.example.test:8443/orders", "/orders"] {
        let other = with(&|q| q["url"] = json!(url));
        ask(&scene.portal.door, &key, &other).await.expect_problem(400, "TL-4007");
    }
    // None of it took the nonce: the request itself is still good. A header's name may be in any case.
    let mut cased = whole.clone();
    let value = cased["headers"].as_object_mut().unwrap().remove("signature").unwrap();
    cased["headers"]["Signature"] = value;
    assert_eq!(ask(&scene.portal.door, &key, &cased).await.value()["active"], true);
    // Too old, though nobody has asked about it.
    let old = question("POST", ORDERS, &bo.engine.authorise("POST", ORDERS, BODY).await.unwrap());
    scene.pass(2 * MINUTE_MS);
    assert_refused(&ask(&scene.portal.door, &key, &old).await, "TL-4006", "");
}

/// The answer is the portal's of this moment: what changed since the request was signed counts.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_policy_says_now_holds_also_for_other_applications() {
    let mut scene = Scene::start().await;
    let key = add_back_end(&scene.portal.world, "orders", OWN);
    let bo = scene.ready().await;
    let door = scene.portal.door.clone();
    let signed = || async { question("POST", ORDERS, &bo.engine.authorise("POST", ORDERS, BODY).await.unwrap()) };

    let before = signed().await;
    scene.ada.change_policy(json!({ "pin_min_length": 8 }), "").await.expect(200);
    assert_refused(&ask(&door, &key, &before).await, "TL-3001", "change_pin");
    scene.ada.change_policy(json!({ "pin_min_length": 6 }), "a shorter PIN is enough").await.expect(200);
    assert_refused(&ask(&door, &key, &signed().await).await, "TL-3010", "ready");
    bo.engine.refresh().await.unwrap();
    assert_eq!(ask(&door, &key, &signed().await).await.value()["active"], true);

    let at_the_end = signed().await;
    bo.engine.sign_out().await.unwrap();
    assert_refused(&ask(&door, &key, &at_the_end).await, "TL-3005", "");
    assert_eq!(bo.engine.authorise("POST", ORDERS, BODY).await, Err(Error::SessionEnded), "locked");

    bo.enter(PIN).await.unwrap();
    let before = signed().await;
    let device = bo.account()["device"].as_str().unwrap().to_owned();
    scene.pass(STEP_MS);
    scene.ada.enter_code().await;
    scene.ada.decide(&device, "revoke").await.expect(204);
    let said = ask(&door, &key, &before).await.expect(200).value();
    assert_eq!(said["active"], false, "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_for_one_back_end_of_one_organisation() {
    let mut scene = Scene::start().await;
    let world = &scene.portal.world;
    let (key, other) = (add_back_end(world, "orders", OWN), add_back_end(world, "stock", "https://stock.example.test"));
    assert!(!world.dump("back_end").contains(&key), "a key is stored as a hash");
    let foreign = world.run(&["admin", "create-organisation", "--name", "Elsewhere"], "");
    let theirs = world.run(&["admin", "add-back-end", "--organisation", &foreign, "--name", "x", "--url", OWN], "");
    let door = scene.portal.door.clone();
    let bo = scene.ready().await;
    let about = question("POST", ORDERS, &bo.engine.authorise("POST", ORDERS, BODY).await.unwrap());
    for wrong in
        ["", "nonsense", &format!("{key}x"), &key[1..], &format!("{foreign}_{}", key.split_once('_').unwrap().1)]
    {
        ask(&door, wrong, &about).await.expect_problem(401, "TL-4010");
    }
    ask(&door, &other, &about).await.expect_problem(400, "TL-4007");
    assert_refused(&ask(&door, &theirs, &about).await, "TL-3005", "");
    // Ada's cookie and a phone's signature are not a back end's key.
    let cookie = [("cookie".to_owned(), format!("__Host-session={}", scene.ada.cookie.as_ref().unwrap()))];
    door.send("POST", "/v1/introspection", &cookie, about.to_string().into_bytes())
        .await
        .expect_problem(401, "TL-4010");
    assert_eq!(ask(&door, &key, &about).await.value()["active"], true, "nothing of it took the nonce");

    let world = &scene.portal.world;
    world.run(&["admin", "remove-back-end", "--organisation", &world.organisation, "--name", "orders"], "");
    let about = question("POST", ORDERS, &bo.engine.authorise("POST", ORDERS, BODY).await.unwrap());
    ask(&door, &key, &about).await.expect_problem(401, "TL-4010");
    assert_eq!(world.audited("back_end.added"), 3);
    assert_eq!(world.audited("back_end.removed"), 1);
}

/// What the app cannot have signed: nothing for the portal itself, nothing before the PIN, nothing malformed.
#[tokio::test(flavor = "multi_thread")]
async fn an_app_signs_only_for_its_own_back_ends_and_only_when_ready() {
    let mut scene = Scene::start().await;
    let mut bo = scene.handset();
    assert_eq!(bo.engine.authorise("GET", OWN, b"").await, Err(Error::SessionEnded));
    bo.enroll(&mut scene.ada).await;
    assert_eq!(bo.engine.authorise("GET", OWN, b"").await, Err(Error::StepRequired));
    scene.lead_to(&mut bo, &Step::Ready).await;
    assert_eq!(bo.engine.authorise("GET", OWN, b"").await.unwrap().len(), 4);
    let at_portal = format!("https://{AUTHORITY}/v1/files");
    for (method, url) in
        [("GET", at_portal.as_str()), ("get", OWN), ("", OWN), ("GET", "http://api.example.test/"), ("G T", OWN)]
    {
        assert_eq!(bo.engine.authorise(method, url, b"").await, Err(Error::BadRequest), "{method} {url}");
    }
    scene.pass(16 * MINUTE_MS);
    assert_eq!(bo.engine.authorise("GET", OWN, b"").await, Err(Error::SessionEnded), "locked by its idle time");
}

/// The real portal over TLS, core's engine, and the 40 lines of `examples/back_end.rs`.
#[tokio::test(flavor = "multi_thread")]
async fn the_example_back_end_serves_an_authorised_request_and_no_other() {
    let world = World::new();
    let served = Served::start(&world).await;
    let key_file = world.folder.path().join("back-end.key");
    std::fs::write(&key_file, add_back_end(&world, "orders", OWN)).unwrap();
    let mut ada = served.browser();
    ada.enforce().await;
    let (keys, store) = (Arc::new(MemoryDeviceKey::new()), Arc::new(MemoryStore::new()));
    let mut bo = Handset::over(served.door.clone(), Arc::new(SystemTimeClock), "account", BO, keys, store);
    bo.enroll(&mut ada).await;
    bo.enter(PIN).await.unwrap();
    assert_eq!(bo.enter(PIN).await, Ok(Step::Ready));

    let port = support::program::free_port();
    let tests = std::env::current_exe().unwrap();
    let example = tests.parent().and_then(|deps| deps.parent()).unwrap().join("examples/back_end");
    let mut command = Command::new(&example);
    command.args([&format!("127.0.0.1:{port}"), OWN, &format!("https://localhost:{}", served.port)]);
    command.args([world.folder.path().join("tls.pem"), key_file]).stdin(Stdio::null());
    let _running = Running(command.spawn().unwrap_or_else(|fault| panic!("{}: {fault}", example.display())));
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("http://127.0.0.1:{port}/orders?from=phone%20");
    support::program::wait_for(port).await;

    let send = |headers: Vec<(&'static str, String)>, body: &'static [u8]| {
        let (client, url) = (client.clone(), url.clone());
        async move {
            let request =
                headers.into_iter().fold(client.post(url), |request, (name, value)| request.header(name, value));
            let answer = request.body(body).send().await.unwrap();
            (answer.status().as_u16(), answer.text().await.unwrap())
        }
    };
    let headers = bo.engine.authorise("POST", ORDERS, BODY).await.unwrap();
    let (status, said) = send(headers.clone(), BODY).await;
    assert_eq!((status, said.as_str()), (200, r#""bo@example.test" ("aal2") ordered {"cranes":2}"#));
    assert_eq!(send(headers, BODY).await.0, 401, "the same once more");
    let headers = bo.engine.authorise("POST", ORDERS, BODY).await.unwrap();
    assert_eq!(send(headers, b"{\"cranes\":9}").await.0, 401, "the portal has not seen the body; the back end has");
    assert_eq!(send(Vec::new(), BODY).await.0, 401, "nobody");
}
