//! The decision on a device: what the device sees of it, and what makes it void.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod support;

use serde_json::{Value, json};
use std::sync::Arc;
use support::phone::By;
use support::*;
use twinlock_core::Error;
use twinlock_core::engine::{Engine, EngineConfig, Ports};
use twinlock_core::pin::{Pin, PinDigits};
use twinlock_core::ports::{self, DeviceKey, PortFuture, Transport};
use twinlock_core::secret::{SecretBytes, SecretText};
use twinlock_core::step::{BlockedReason, Step};
use twinlock_core::testing::{MemoryDeviceKey, MemoryStore};

async fn pending(portal: &Portal, name: &str) -> Phone {
    portal.waiting_phone(name).await
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

#[tokio::test(flavor = "multi_thread")]
async fn f60_a_decision_stands_and_only_who_is_an_admin_now_makes_one() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let (bo, cy) = (pending(&portal, BO).await, pending(&portal, CY).await);
    let state =
        |phone: &Phone| portal.world.sql(&format!("SELECT state FROM device WHERE id = '{}'", phone.device_id()));
    // The role is taken away while the admin's session is open and its page is shown.
    ada.get("/admin/devices").await.expect(200);
    portal.world.sql("UPDATE member SET role = 'member' WHERE email = 'ada@example.test'");
    ada.approve(&bo).await.expect_problem(403, "TL-3006");
    ada.decide(&bo.device_id(), "deny").await.expect_problem(403, "TL-3006");
    let form = format!("/admin/devices/{}/approve", bo.device_id());
    ada.form(&form, &[("comparison_code", &bo.comparison_code())]).await.expect(403);
    portal.world.sql("UPDATE member SET role = 'auditor' WHERE email = 'ada@example.test'");
    ada.approve(&bo).await.expect_problem(403, "TL-3006");
    assert_eq!((state(&bo).as_str(), portal.world.audited("device.approved")), ("pending", 0));
    assert_eq!(portal.world.sql("SELECT max(wrong_codes) FROM device"), "0");
    portal.world.sql("UPDATE member SET role = 'admin' WHERE email = 'ada@example.test'");
    // Approved is approved, denied is denied, and nothing is told twice.
    ada.approve(&bo).await.expect(204);
    ada.decide(&cy.device_id(), "deny").await.expect(204);
    for phone in [&bo, &cy] {
        ada.approve(phone).await.expect_problem(409, "TL-6005");
        ada.decide(&phone.device_id(), "deny").await.expect_problem(409, "TL-6005");
    }
    assert_eq!((state(&bo).as_str(), state(&cy).as_str()), ("approved", "denied"));
    assert_eq!((portal.world.audited("device.approved"), portal.world.audited("device.denied")), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn b49_the_requests_of_a_suspended_member_are_void_for_good() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let (bo, cy) = (pending(&portal, BO).await, pending(&portal, CY).await);
    ada.post(&format!("/v1/admin/members/{}/suspend", bo.member), &Value::Null).await.expect(204);
    ada.approve(&bo).await.expect_problem(409, "TL-6005");
    bo.get(By::Device, "/v1/devices/self").await.expect_problem(403, "TL-6001");
    // Also after the suspension was lifted; nobody else's request is touched.
    portal.world.sql("UPDATE member SET state = 'active'");
    ada.approve(&bo).await.expect_problem(409, "TL-6005");
    bo.get(By::Device, "/v1/devices/self").await.expect_problem(403, "TL-6001");
    ada.approve(&cy).await.expect(204);
    assert_eq!(portal.world.audited("device.denied"), 1);
    let told = portal.world.sql(
        "SELECT json_extract(entry, '$.detail.reason') FROM audit_entry WHERE json_extract(entry, '$.action') = 'device.denied'",
    );
    assert_eq!(told, "the member was suspended");
}

/// The portal's router as the engine's way to the portal.
struct Way(Door);

impl Transport for Way {
    fn send(&self, request: ports::Request) -> PortFuture<'_, twinlock_core::Result<ports::Answer>> {
        Box::pin(async move {
            let headers: Vec<_> = request.headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            let body = request.body.expose().to_vec();
            let answer = self.0.send(request.method, &request.target, &headers, body).await;
            let header = |(name, value): (&axum::http::HeaderName, &axum::http::HeaderValue)| {
                (name.to_string(), value.to_str().unwrap().to_owned())
            };
            let (status, headers) = (answer.status.as_u16(), answer.headers.iter().map(header).collect());
            Ok(ports::Answer { status, headers, body: SecretBytes::new(answer.body) })
        })
    }
}

fn pin(digits: &str) -> Pin {
    let mut keypad = PinDigits::new();
    digits.bytes().for_each(|digit| keypad.push_digit(digit).unwrap());
    keypad.submit().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn b50_a_revoked_device_is_told_so_and_wipes_itself() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let (store, device_key) = (Arc::new(MemoryStore::new()), Arc::new(MemoryDeviceKey::new()));
    let ports = Ports {
        device_key: device_key.clone(),
        store: store.clone(),
        clock: portal.clock.clone(),
        transport: Arc::new(Way(portal.door.clone())),
    };
    let config = EngineConfig {
        account: "bo".to_owned(),
        authority: AUTHORITY.to_owned(),
        device_name: "Bo's phone".to_owned(),
        model: "Testfon 3".to_owned(),
        system: "Android 17".to_owned(),
        app_version: "1.0.0".to_owned(),
        surface: twinlock_core::policy::Surface::Phone,
    };
    let engine = Engine::new(config, ports);
    engine.open().unwrap();
    engine.sign_in(BO, SecretText::new(PASSWORD.to_owned())).await.unwrap();
    let authenticator = Authenticator::from_uri(engine.set_up_two_step().await.unwrap().uri.expose());
    let step = engine.submit_code(&authenticator.code_at(portal.clock.now_ms())).await.unwrap();
    let Step::AwaitApproval { comparison_code: Some(code) } = step else { panic!("{step:?}") };
    let device = portal.world.sql("SELECT id FROM device");
    ada.type_comparison(&device, &code).await.expect(204);
    engine.refresh().await.unwrap();
    engine.submit_pin(pin("493817")).await.unwrap();
    assert_eq!(engine.submit_pin(pin("493817")).await.unwrap(), Step::Ready);
    engine.vault_put("token", SecretBytes::new(b"kept on the phone".to_vec())).unwrap();
    assert_eq!(engine.files().await.unwrap().len(), 1);
    let kept = |what: &str| store.blobs().keys().any(|name| name.ends_with(what));
    assert!(kept(".pin.1") && kept(".vault"));
    ada.decide(&device, "revoke").await.expect(204);
    // The next request, whatever it is.
    assert_eq!(engine.files().await.unwrap_err(), Error::DeviceRevoked);
    assert_eq!(engine.step(), Step::Blocked { reason: BlockedReason::Revoked });
    assert!(!kept(".pin.1") && !kept(".vault"));
    assert!(device_key.level("bo").is_err());
    assert!(engine.vault_item("token").is_err());
    // The app started again knows it, too.
    assert_eq!(engine.open().unwrap(), Step::Blocked { reason: BlockedReason::Revoked });
}

#[tokio::test(flavor = "multi_thread")]
async fn b51_what_a_device_calls_itself_is_text_and_nothing_else() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let hostile = r#"<script>alert(1)</script>"'><img src=x onerror=y>&amp;"#;
    let mut bo = portal.phone();
    bo.sign_in(BO).await;
    bo.set_up().await;
    let facts = |name: &str| {
        serde_json::json!({
            "name": name, "model": "<b>M</b>", "system": "\"S\"", "app_version": "1.0.0", "key_level": "software",
        })
        .to_string()
    };
    // What could break a line or a header is no name, and neither is none.
    for name in ["a\r\nset-cookie: x=y", "a\nb", "a\u{0}b", "\u{1b}[2J", "", &"x".repeat(65)] {
        bo.facts = facts(name);
        let key = bo.device_key.clone();
        bo.try_enroll(&key).await.expect_problem(400, "TL-4007");
    }
    assert_eq!(portal.world.sql("SELECT count(*) FROM device"), "0");
    bo.facts = facts(hostile);
    bo.enroll().await;
    let mut web = portal.browser();
    web.sign_in(BO).await;
    portal.clock.pass(STEP_MS);
    web.code(&bo.code_now()).await.expect(303);
    let pages = |answer: Answer, target: &str| {
        let text = answer.expect(200).text();
        assert!(text.contains("&#60;script&#62;"), "{target}: {text}");
        for raw in ["<script>alert", "<img", "<b>M", "&amp;\"", "\"S\""] {
            assert!(!text.contains(raw), "{target}: {raw}");
        }
        for (name, value) in &answer.headers {
            assert!(!String::from_utf8_lossy(value.as_bytes()).contains("alert"), "{target}: {name}");
        }
    };
    pages(ada.get("/admin/devices").await, "devices, waiting");
    let form = format!("/admin/devices/{}/approve", bo.device_id());
    let mut refused = ada.form(&form, &[("comparison_code", "0")]).await;
    refused.expect(422);
    refused.status = axum::http::StatusCode::OK;
    pages(refused, "devices, refused");
    ada.approve(&bo).await.expect(204);
    pages(ada.get("/admin/devices").await, "devices, approved");
    pages(ada.get("/admin/audit").await, "audit");
    pages(web.get("/account").await, "account");
    // To a program it is what it is, and no browser takes that for a page.
    let answer = ada.get("/v1/admin/devices").await;
    assert_eq!(answer.value()["devices"][0]["name"], hostile);
    assert_eq!(
        (answer.header("content-type"), answer.header("x-content-type-options")),
        ("application/json", "nosniff")
    );
}

/// What the member reads out is typed once: a code that is asked for only afterwards would lose it.
#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_code_is_asked_for_before_a_comparison_code_is_typed() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let bo = pending(&portal, BO).await;
    let one = format!("/admin/devices/{}", bo.device_id());
    portal.clock.pass(10 * MINUTE_MS);
    for (target, next) in [
        ("/admin/devices", "%2Fadmin%2Fdevices"),
        ("/admin/devices?q=Bo&state=pending", "%2Fadmin%2Fdevices%3Fq%3DBo%26state%3Dpending"),
        (&one, &one.replace('/', "%2F")),
    ] {
        let stale = ada.get(target).await.expect(200).text();
        assert!(!stale.contains("name=\"comparison_code\"") && stale.contains("Bo Brandt"), "{stale}");
        assert!(stale.contains(&format!("href=\"/code?next={next}\"")), "{stale}");
    }
    ada.enter_code().await;
    for target in ["/admin/devices", &one] {
        let fresh = ada.get(target).await.expect(200).text();
        assert!(fresh.contains("name=\"comparison_code\"") && !fresh.contains("/code?next="), "{fresh}");
    }
}

/// A flood of devices is one mail; the member whose device it is knows, also where the member is an admin.
#[tokio::test(flavor = "multi_thread")]
async fn admins_are_told_that_a_device_waits_at_most_once_in_ten_minutes() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let [eve, fay, gil] = ["eve@example.test", "fay@example.test", "gil@example.test"];
    for (name, email, role) in [("Eve Ernst", eve, "admin"), ("Fay Frey", fay, "admin"), ("Gil Graf", gil, "member")] {
        portal.world.add_member(name, email, role);
    }
    let mails = |to: &str| {
        let to = portal.world.member(to);
        portal.world.sql(&format!("SELECT count(*) FROM outbox WHERE kind = 'device_waits' AND member = '{to}'"))
    };
    let told = || [ADA, eve, fay, BO].map(mails);
    pending(&portal, BO).await;
    assert_eq!(told(), ["1", "1", "1", "0"]);
    pending(&portal, CY).await;
    portal.clock.pass(9 * MINUTE_MS);
    pending(&portal, eve).await;
    assert_eq!(told(), ["1", "1", "1", "0"]);
    portal.clock.pass(2 * MINUTE_MS);
    pending(&portal, fay).await;
    assert_eq!(told(), ["2", "2", "1", "0"]);
    // Where nothing waits, nobody is told.
    ada.change_policy(json!({ "device_approval": "none" }), "").await.expect(200);
    portal.clock.pass(11 * MINUTE_MS);
    pending(&portal, gil).await;
    assert_eq!(told(), ["2", "2", "1", "0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn b48_the_same_device_asks_again_and_nobody_asks_without_end() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let mut bo = pending(&portal, BO).await;
    let (device, asked) = (bo.device_id(), portal.world.sql("SELECT created_ms FROM device"));
    portal.clock.pass(MINUTE_MS);
    bo.sign_in(BO).await;
    bo.verify(&bo.code_now()).await.expect(200);
    bo.enroll().await;
    assert_eq!((bo.device_id(), portal.world.sql("SELECT count(*) FROM device")), (device, "1".to_owned()));
    assert_ne!(portal.world.sql("SELECT created_ms FROM device"), asked, "it waits from now on");
    // What it shows now is what the admin types.
    ada.approve(&bo).await.expect(204);
    // A member begins a few runs and then waits, also with another session; another member does not.
    let cy = async |phone: &mut Phone| {
        phone.sign_in(CY).await;
        phone.set_up().await;
    };
    let mut first = portal.phone();
    cy(&mut first).await;
    let begin = async |phone: &Phone| phone.post(By::Session, "/v1/enrollments", &Value::Null).await;
    for _ in 0..10 {
        begin(&first).await.expect(200);
    }
    let runs = portal.world.sql("SELECT count(*) FROM enrollment");
    let answer = begin(&first).await;
    answer.expect_problem(429, "TL-4005");
    assert!(answer.value()["retry_after_ms"].as_u64().unwrap() > 0);
    portal.clock.pass(STEP_MS);
    let mut second = portal.phone();
    second.sign_in(CY).await;
    second.verify(&first.authenticator.as_ref().unwrap().code_at(portal.clock.now_ms())).await.expect(200);
    begin(&second).await.expect_problem(429, "TL-4005");
    assert_eq!(portal.world.sql("SELECT count(*) FROM enrollment"), runs);
    portal.world.add_member("Dee Dorn", "dee@example.test", "member");
    portal.waiting_phone("dee@example.test").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b48_lots_of_waiting_devices_are_searched_and_read_in_pages() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let bo = pending(&portal, BO).await;
    let columns = "organisation, id, member, state, spki, facts, name, opening, first_nonce, second_nonce, wrong_codes,
        address, created_ms, expires_ms, decided_ms, decided_by, finish_until_ms, code_at_ms, policy_key, surface";
    for n in 0..45 {
        let values = columns
            .replace(", id,", &format!(", '{n:032x}',"))
            .replace(", name,", &format!(", 'Phone {n:02} of 50%',"))
            .replace("created_ms", &format!("created_ms - {}", n + 1));
        let source = format!("SELECT {values} FROM device WHERE id = '{}'", bo.device_id());
        portal.world.sql(&format!("INSERT INTO device ({columns}) {source}"));
    }
    // Each is there once, over all pages, and the newest comes first.
    let (mut target, mut seen) = ("/admin/devices?state=pending".to_owned(), Vec::new());
    for page_number in 0.. {
        let page = ada.get(&target).await.expect(200).text();
        assert!(page.contains("46 devices are waiting."), "{page}");
        let ids = page.split("action=\"/admin/devices/").skip(1).map(|rest| rest.split('/').next().unwrap().to_owned());
        seen.extend(ids.filter(|id| id.len() == 32));
        let Some(next) = page.split("\" rel=\"next\"").next().filter(|head| head.len() < page.len()) else { break };
        target = next.rsplit("href=\"").next().unwrap().replace("&#38;", "&");
        assert!(page_number < 4, "{target}");
    }
    assert_eq!((seen.len(), &seen[0]), (46, &bo.device_id()));
    let once: std::collections::BTreeSet<_> = seen.iter().collect();
    assert_eq!(once.len(), 46);
    // Found by name, whatever the case; a wildcard is a character; by the member; and nothing.
    for (query, count) in [
        ("phone%2031", 1),
        ("of%2050%25", 45),
        ("%25%25", 0),
        ("bo%20brandt", 46),
        ("B%C3%B6%20BRANDT", 46),
        ("nobody", 0),
    ] {
        let page = ada.get(&format!("/admin/devices?q={query}&state=pending")).await.expect(200).text();
        match count {
            0 => assert!(page.contains("No device fits what you look for."), "{query}: {page}"),
            1 => assert!(page.contains("1 device is waiting."), "{query}: {page}"),
            count => assert!(page.contains(&format!("{count} devices are waiting.")), "{query}: {page}"),
        }
    }
    // What is decided on is listed by its state.
    ada.approve(&bo).await.expect(204);
    let page = ada.get("/admin/devices?state=approved").await.expect(200).text();
    assert!(page.contains(&format!("/admin/devices/{}/revoke", bo.device_id())), "{page}");
    assert!(!ada.get("/admin/devices?state=denied").await.text().contains("/revoke"));
    // Nonsense in the address is no fault.
    for nonsense in ["state=x", "after=x", "after=-1-", "after=99999999999999999999-x", "q=%00"] {
        let answer = ada.get(&format!("/admin/devices?{nonsense}")).await;
        assert!(answer.status.as_u16() < 500, "{nonsense}: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b51_a_device_is_renamed_by_an_admin_and_both_names_are_kept_in_the_log() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let bo = pending(&portal, BO).await;
    let page = format!("/admin/devices/{}", bo.device_id());
    let before = portal.world.sql("SELECT name FROM device");
    let hostile = "<b>Bo’s</b> \u{1f4f1}";
    ada.form(&page, &[("name", hostile)]).await.expect(303);
    let shown = ada.get(&page).await.expect(200).text();
    assert!(shown.contains("&#60;b&#62;Bo’s") && !shown.contains("<b>Bo"), "{shown}");
    let told = &portal.world.audit_details("device.renamed")[0];
    assert_eq!((&told["before"], &told["after"]), (&before.into(), &hostile.into()));
    for name in ["", " ", "a\nb", &"x".repeat(65)] {
        let refused = ada.form(&page, &[("name", name)]).await.expect(422).text();
        assert!(refused.contains("A name has 1 to 64 characters"), "{refused}");
    }
    assert_eq!(portal.world.audited("device.renamed"), 1);
    // The comparison code does not hang on the name.
    ada.approve(&bo).await.expect(204);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_denied_and_revoked_on_pages_that_say_what_follows() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let (bo, cy) = (pending(&portal, BO).await, pending(&portal, CY).await);
    let page = |phone: &Phone, act: &str| format!("/admin/devices/{}/{act}", phone.device_id());
    let asked = ada.get(&page(&cy, "deny")).await.expect(200).text();
    assert!(asked.contains("Deny ") && asked.contains("of Cy Castle?"), "{asked}");
    ada.form(&page(&cy, "deny"), &[("reason", "unknown <i>phone</i>")]).await.expect(303);
    assert_eq!(portal.world.audit_details("device.denied")[0]["reason"], "unknown <i>phone</i>");
    // What is decided on is not asked about.
    ada.get(&page(&cy, "deny")).await.expect(303);
    ada.get(&page(&bo, "revoke")).await.expect(303);
    ada.approve(&bo).await.expect(204);
    let asked = ada.get(&page(&bo, "revoke")).await.expect(200).text();
    assert!(asked.contains("Its PIN opens nothing any more."), "{asked}");
    let refused = ada.form(&page(&bo, "revoke"), &[("reason", " ")]).await.expect(422).text();
    assert!(refused.contains("<title>Error: Revoke") && refused.contains("role=\"alert\""), "{refused}");
    assert_eq!(portal.world.audited("device.revoked"), 0);
    let answer = ada.form(&page(&bo, "revoke"), &[("reason", "lost in a train")]).await;
    assert_eq!(answer.expect(303).header("location"), "/admin/devices?done=revoked");
    assert_eq!(portal.world.audit_details("device.revoked")[0]["reason"], "lost in a train");
    let log = ada.get(&format!("/admin/audit?target={}", cy.device_id())).await.text();
    assert!(log.contains("<q>unknown &#60;i&#62;phone&#60;/i&#62;</q>"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn b49_why_an_own_device_cannot_be_approved_stands_where_the_field_would_be() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    ada.change_policy(serde_json::json!({ "two_person": true }), "").await.expect(200);
    portal.clock.pass(STEP_MS);
    let mut phone = portal.phone();
    phone.authenticator = ada.authenticator.take();
    phone.sign_in(ADA).await;
    phone.verify(&phone.code_now()).await.expect(200);
    phone.enroll().await;
    for page in ["/admin/devices".to_owned(), format!("/admin/devices/{}", phone.device_id())] {
        let text = ada.get(&page).await.expect(200).text();
        assert!(text.contains("This is your own device.") && !text.contains("name=\"comparison_code\""), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b48_several_waiting_devices_are_denied_at_once_with_one_reason() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let (bo, cy) = (pending(&portal, BO).await, pending(&portal, CY).await);
    let (one, other) = (bo.device_id(), cy.device_id());
    let page = ada.get("/admin/devices").await.expect(200).text();
    assert!(page.contains(&format!("form=\"deny-many\" name=\"device\" value=\"{one}\"")), "{page}");
    let asked = ada.get(&format!("/admin/devices/deny?device={one}&device={other}&device=nobody")).await;
    let asked = asked.expect(200).text();
    assert!(asked.contains("<h1>Deny 2 requests?</h1>") && asked.contains("Cy Castle"), "{asked}");
    assert_eq!(portal.world.audited("device.denied"), 0);
    // Somebody else has denied one of them meanwhile: it is not told twice.
    ada.decide(&other, "deny").await.expect(204);
    let fields = [("device", one.as_str()), ("device", other.as_str()), ("reason", "a wave of spam")];
    let answer = ada.form("/admin/devices/deny", &fields).await;
    assert_eq!(answer.expect(303).header("location"), "/admin/devices?done=denied-many");
    let told = portal.world.audit_details("device.denied");
    assert_eq!((told.len(), &told[1]["reason"]), (2, &"a wave of spam".into()));
    ada.form("/admin/devices/deny", &fields).await.expect(409);
    ada.form("/admin/devices/deny", &[("reason", "nothing chosen")]).await.expect(400);
    assert_eq!(ada.get("/admin/devices/deny").await.expect(303).header("location"), "/admin/devices");
}
