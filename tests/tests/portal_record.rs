//! What the portal records, what it shows of waiting devices, and what it does when it can record nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod support;

use serde_json::{Value, json};
use support::phone::By;
use support::*;

fn entries(portal: &Portal) -> Vec<Value> {
    let all = portal.world.sql("SELECT entry FROM audit_entry ORDER BY id");
    all.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn entry<'a>(entries: &'a [Value], action: &str) -> &'a Value {
    let found: Vec<_> = entries.iter().filter(|entry| entry["action"] == action).collect();
    assert!(!found.is_empty(), "no {action}");
    found[found.len() - 1]
}

#[tokio::test(flavor = "multi_thread")]
async fn b64_an_entry_says_who_what_where_and_under_which_policy() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let mut bo = portal.ready_phone(&mut ada, BO).await;
    bo.try_pin(false).await.expect_problem(422, "TL-1003");
    portal.clock.pass(STEP_MS);
    let wrong = bo.wrong_code(1);
    bo.verify(&wrong).await.expect_problem(422, "TL-2002");
    ada.change_policy(json!({ "two_step": false }), "a pilot ends").await.expect(200);
    let file = format!("/v1/files/{}", portal.world.file);
    let answer = bo.get(By::Session, &file).await;
    let request_id = answer.expect(200).header("x-request-id").to_owned();
    portal.world.run(&["admin", "create-organisation", "--name", "Elsewhere"], "");
    let entries = entries(&portal);
    for entry in &entries {
        for field in ["id", "at_ms", "actor", "action", "target", "detail", "address", "request_id", "policy_version"] {
            assert!(!entry[field].is_null(), "{field}: {entry}");
        }
        let is_system = entry["actor"]["kind"] == "system";
        let names = if is_system { &["name"][..] } else { &["id", "name"][..] };
        assert!(names.iter().all(|name| !entry["actor"][name].as_str().unwrap().is_empty()), "{entry}");
        assert_eq!(entry["request_id"] == "", is_system, "{entry}");
        assert_eq!(entry["address"], if is_system { "" } else { "127.0.0.1" }, "{entry}");
    }
    let ada_id = portal.world.sql("SELECT id FROM member WHERE email = 'ada@example.test'");
    let off = entry(&entries, "policy.two_step_not_required");
    assert_eq!(off["actor"], json!({ "kind": "member", "id": ada_id, "name": "Ada Admin" }));
    assert_eq!(off["detail"]["reason"], "a pilot ends");
    assert_eq!(
        (&off["detail"]["before"]["two_step"], &off["detail"]["after"]["two_step"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(off["policy_version"], 3);
    assert_eq!(entry(&entries, "pin.try_counted")["policy_version"], 2);
    let read = entry(&entries, "file.downloaded");
    assert_eq!((&read["request_id"], &read["target"]), (&json!(request_id), &json!(portal.world.file)));
    assert_eq!(entry(&entries, "member.added")["actor"], json!({ "kind": "system", "name": "operator" }));
    // Nothing that opens anything.
    let all = serde_json::to_string(&entries).unwrap();
    let key = bo.authenticator.as_ref().unwrap().0.grouped_key().expose().replace(' ', "");
    let session = bo.session.as_ref().unwrap().0.clone();
    for secret in
        [PASSWORD, &wrong, &bo.code_now(), &key, &session, ada.cookie.as_ref().unwrap(), &bo.comparison_code()]
    {
        assert!(!all.contains(secret), "an entry holds a secret");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b64_only_trusted_proxies_say_where_somebody_is() {
    for (trusted, forwarded, expected) in [
        ("10.0.0.0/8", "203.0.113.9", "127.0.0.1"),
        ("127.0.0.0/8", "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        ("127.0.0.0/8", "198.51.100.1, nonsense", "127.0.0.1"),
    ] {
        let portal = Portal::start_with(|config, _| config.trusted_proxies = vec![trusted.parse().unwrap()]);
        let headers = [
            ("x-forwarded-for".to_owned(), forwarded.to_owned()),
            ("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
        ];
        let form = format!("name={BO}&password={PASSWORD}").into_bytes();
        portal.door.send("POST", "/sign-in", &headers, form).await.expect(303);
        assert_eq!(entry(&entries(&portal), "session.opened")["address"], expected, "{trusted} {forwarded}");
        assert_eq!(portal.world.sql("SELECT address FROM session"), expected);
    }
}

/// Nobody was told by mail: the portal shows the request, and the device goes on asking.
#[tokio::test(flavor = "multi_thread")]
async fn b52_a_waiting_device_is_seen_without_any_mail() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let bo = portal.waiting_phone(BO).await;
    portal.clock.pass(6 * 24 * HOUR_MS);
    ada.sign_in(ADA).await;
    ada.enter_code().await;
    let listed = ada.get("/v1/admin/devices").await.value()["devices"][0].clone();
    assert_eq!((&listed["id"], &listed["state"]), (&json!(bo.device_id()), &json!("pending")));
    let page = ada.get("/admin/devices").await.text();
    assert!(page.contains(&format!("/admin/devices/{}/approve", bo.device_id())), "{page}");
    // The code is the device's own and still the one that fits; no answer of the portal has it.
    let answer = bo.get(By::Device, "/v1/devices/self").await;
    assert_eq!(answer.step(), "await_approval");
    let code = bo.comparison_code();
    for text in [answer.text(), page, listed.to_string()] {
        assert!(!text.contains(&code) && !text.contains(&code.replace(' ', "")));
    }
    ada.approve(&bo).await.expect(204);
    assert_eq!(bo.get(By::Device, "/v1/devices/self").await.step(), "create_pin");
}

/// Of entry 48 of the behaviours: one place for one device, and three for a member. The search over them comes later.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_device_asking_again_keeps_its_place() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let mut bo = portal.waiting_phone(BO).await;
    let (device, first) = (bo.device_id(), bo.comparison_code());
    ada.type_comparison(&device, "0000 0000").await.expect_problem(422, "TL-6002");
    for _ in 0..5 {
        portal.clock.pass(STEP_MS);
        bo.sign_in(BO).await;
        bo.verify(&bo.code_now()).await.expect(200);
        bo.enroll().await;
        assert_eq!(bo.device_id(), device);
        assert_ne!(bo.comparison_code(), first, "each run has its own");
    }
    assert_eq!(portal.world.sql("SELECT count(*) || ' ' || max(wrong_codes) FROM device"), "1 1");
    assert_eq!((portal.world.audited("device.enrolled"), portal.world.audited("device.asked_again")), (1, 5));
    // Asking again is no fresh start for who guesses the code.
    ada.type_comparison(&device, &first).await.expect_problem(422, "TL-6002");
    ada.approve(&bo).await.expect(204);
    // Other devices of the member have places of their own, up to three.
    for n in 0..4 {
        portal.clock.pass(STEP_MS);
        bo.sign_in(BO).await;
        bo.verify(&bo.code_now()).await.expect(200);
        bo.device_key = phone::new_key();
        let key = bo.device_key.clone();
        let answer = bo.try_enroll(&key).await;
        if n < 3 {
            answer.expect(200);
        } else {
            answer.expect_problem(409, "TL-6003");
        }
    }
    assert_eq!(portal.world.sql("SELECT count(*) FROM device WHERE state = 'pending'"), "3");
}

#[tokio::test(flavor = "multi_thread")]
async fn b68_a_full_database_lets_nobody_in_and_says_so() {
    let portal = Portal::start_with(|_, options| options.max_pages = Some(400));
    let mut ada = portal.enforced().await;
    let mut bo = portal.phone();
    bo.sign_in(BO).await;
    bo.set_up().await;
    portal.clock.pass(STEP_MS);
    // Her session is noted as seen before the comparison begins.
    assert_eq!(ada.step().await, "ready");
    portal.management.get("/readyz").await.expect(200);
    // Something else fills the disk.
    portal.world.sql("CREATE TABLE ballast (x); INSERT INTO ballast VALUES (zeroblob(2000000))");
    let mut refused = None;
    for _ in 0..200 {
        let answer = portal.browser().try_sign_in(BO, PASSWORD).await;
        if answer.status.as_u16() != 303 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("the database never got full");
    assert!(refused.expect(503).text().contains("TL-4013"), "{}", refused.text());
    assert!(refused.headers.get("set-cookie").is_none());
    // A password that was counted stays counted, and that it was right may still find room in the log.
    let tables = ["factor", "device", "organisation", "policy_version", "session"];
    let events = ["session.opened", "policy.changed", "file.downloaded"];
    let state = || (tables.map(|table| portal.world.dump(table)), events.map(|event| portal.world.audited(event)));
    let before = state();
    let answer = ada.change_policy(json!({ "pin_min_length": 8 }), &"because ".repeat(100)).await;
    answer.expect_problem(503, "TL-4013");
    portal.phone().try_sign_in(BO, PASSWORD).await.expect_problem(503, "TL-4013");
    ada.get(&format!("/v1/files/{}", portal.world.file)).await.expect_problem(503, "TL-4013");
    assert!(state() == before, "something was kept of what was refused");
    // Whoever runs it is told; the process itself is well.
    let ready = portal.management.get("/readyz").await;
    let said = ready.expect(503).value();
    assert_eq!((&said["ready"], &said["database"]), (&json!(false), &json!(false)));
    assert!(said["warnings"].to_string().contains("full"), "{said}");
    portal.management.get("/healthz").await.expect(200);
    // Room again: the first change that is kept turns it green.
    portal.world.sql("DROP TABLE ballast");
    portal.management.get("/readyz").await.expect(503);
    bo.verify(&bo.code_now()).await.expect(200);
    portal.management.get("/readyz").await.expect(200);
}

/// A try that cannot be counted is no try.
#[tokio::test(flavor = "multi_thread")]
async fn b68_what_cannot_be_counted_is_not_checked() {
    let portal = Portal::start();
    portal.enforced().await;
    let mut bo = portal.phone();
    bo.sign_in(BO).await;
    bo.set_up().await;
    portal.clock.pass(STEP_MS);
    let code = bo.code_now();
    for table in ["factor", "member"] {
        portal.world.database.refuse("UPDATE", table).unwrap();
    }
    bo.verify(&code).await.expect_problem(503, "TL-4013");
    portal.browser().try_sign_in(BO, PASSWORD).await.expect(503);
    assert_eq!(portal.world.audited("code.accepted"), 0);
    portal.world.database.allow("factor").unwrap();
    bo.verify(&code).await.expect(200);
}

/// Told to whoever can do something about it, and never to a member as a wrong code.
#[tokio::test(flavor = "multi_thread")]
async fn b29_f30_a_clock_that_is_wrong_is_told_to_the_operator_and_to_admins() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let mut bo = portal.phone();
    bo.sign_in(BO).await;
    bo.set_up().await;
    // Whether this machine's clock is kept right is not ours to say; a clock that is not is no reason to refuse.
    let said = portal.management.get("/readyz").await.expect(200).value();
    let warnings = said["warnings"].as_array().unwrap().clone();
    assert_eq!(said["clock"] == "unsynchronised", !warnings.is_empty(), "{said}");
    for page in ["/admin/users", "/admin/audit"] {
        let text = ada.get(page).await.expect(200).text();
        assert_eq!(text.contains("not known to be synchronised"), !warnings.is_empty(), "{page}: {text}");
        assert!(!text.contains("behind the newest"), "{page}");
    }
    portal.clock.pass(MINUTE_MS);
    bo.verify(&bo.code_now()).await.expect(200);
    let fails = portal.world.sql("SELECT max(fails) FROM factor");
    portal.clock.set_back(MINUTE_MS + 10_000);
    let said = portal.management.get("/readyz").await.expect(503).value();
    assert_eq!((&said["clock"], &said["database"]), (&json!("behind"), &json!(true)));
    for page in ["/admin/users", "/admin/audit"] {
        let text = ada.get(page).await.expect(200).text();
        assert!(text.contains("the clock is behind the newest accepted code"), "{page}: {text}");
    }
    // A right code and a wrong one are told the same: that it is the portal, and when to come back.
    for code in [bo.code_now(), bo.wrong_code(1)] {
        bo.verify(&code).await.expect_problem(503, "TL-2009");
    }
    assert_eq!(portal.world.sql("SELECT max(fails) FROM factor"), fails);
}

/// The entries that a page of the log lists, as their ids.
fn listed(page: &str) -> Vec<String> {
    let ids = page.split("<a href=\"/admin/audit/").skip(1);
    ids.map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_narrowed_by_what_who_whom_when_and_why() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let bo = portal.waiting_phone(BO).await;
    ada.approve(&bo).await.expect(204);
    let exception = json!({ "until_ms": portal.clock.now_ms() + DAY_MS, "reason": "Größe ist 100% ÜBERALL" });
    let cy = portal.world.member(CY);
    ada.put(&format!("/v1/admin/members/{cy}/exception"), &exception).await.expect(204);
    let entries = entries(&portal);
    let expected = |fits: &dyn Fn(&Value) -> bool| -> Vec<String> {
        let mut ids: Vec<_> =
            entries.iter().filter(|entry| fits(entry)).map(|e| e["id"].as_str().unwrap().to_owned()).collect();
        ids.reverse();
        ids
    };
    let today = date(portal.clock.now_ms(), "%Y-%m-%d");
    let tomorrow = date(portal.clock.now_ms() + DAY_MS, "%Y-%m-%d");
    let (device, ada_id) = (bo.device_id(), portal.world.member(ADA));
    let starts = |entry: &Value, start: &str| entry["action"].as_str().unwrap().starts_with(start);
    type Fits<'a> = Box<dyn Fn(&Value) -> bool + 'a>;
    let cases: Vec<(String, Fits<'_>)> = vec![
        (String::new(), Box::new(|_| true)),
        ("kind=device".into(), Box::new(|entry| starts(entry, "device."))),
        ("kind=device.approved".into(), Box::new(|entry| entry["action"] == "device.approved")),
        (format!("actor={ada_id}"), Box::new(|entry| entry["actor"]["id"] == ada_id.as_str())),
        ("actor=ADA%40example.test".into(), Box::new(|entry| entry["actor"]["id"] == ada_id.as_str())),
        ("actor=operator".into(), Box::new(|entry| entry["actor"]["name"] == "operator")),
        (format!("target={device}"), Box::new(|entry| entry["target"] == device.as_str())),
        (format!("actor={ada_id}&target={device}&kind=device"), Box::new(|entry| entry["action"] == "device.approved")),
        ("q=gr%C3%B6%C3%9Fe".into(), Box::new(|entry| entry["action"] == "exception.granted")),
        ("q=100%25+%C3%BCber".into(), Box::new(|entry| entry["action"] == "exception.granted")),
        ("q=%25%25".into(), Box::new(|_| false)),
        (format!("from={tomorrow}"), Box::new(|_| false)),
        (format!("from={today}&to={today}&kind=exception"), Box::new(|entry| starts(entry, "exception."))),
        ("kind=dev".into(), Box::new(|_| false)),
        ("kind=%27%3B".into(), Box::new(|_| false)),
    ];
    for (query, fits) in &cases {
        let page = ada.get(&format!("/admin/audit?{query}")).await.expect(200).text();
        let wanted = expected(fits.as_ref());
        assert_eq!(listed(&page), wanted, "{query}");
        assert_eq!(
            page.contains("No entry fits what you look for."),
            wanted.is_empty() && !query.is_empty(),
            "{query}"
        );
    }
    // What narrows it is said, and can be taken away one by one; the address holds all of it.
    let page = ada.get(&format!("/admin/audit?kind=device&actor={ada_id}&q=lost")).await.text();
    for (chip, without) in [
        ("What: Devices", format!("/admin/audit?actor={ada_id}&#38;q=lost")),
        ("Who: Ada Admin", "/admin/audit?kind=device&#38;q=lost".to_owned()),
        ("In the reason: lost", format!("/admin/audit?kind=device&#38;actor={ada_id}")),
    ] {
        assert!(
            page.contains(&format!("<a href=\"{without}\" aria-label=\"Remove the filter {chip}\">")),
            "{chip}: {page}"
        );
    }
    let page = ada.get("/admin/audit?from=soon").await.expect(200).text();
    assert!(page.contains("Write a day as year, month and day"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_read_in_pages_that_miss_and_repeat_nothing() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    for n in 0..60 {
        let length = 6 + n % 2;
        ada.change_policy(json!({ "pin_min_length": length, "code_days": 1 + n }), "").await.expect(200);
    }
    let (mut target, mut seen) = ("/admin/audit?kind=policy".to_owned(), Vec::new());
    loop {
        let page = ada.get(&target).await.expect(200).text();
        seen.extend(listed(&page));
        // Somebody goes on changing meanwhile.
        ada.change_policy(json!({ "pin_max_tries": 3 + seen.len() % 5 }), "").await.expect(200);
        let Some((head, _)) = page.split_once("\" rel=\"next\"") else { break };
        target = head.rsplit("href=\"").next().unwrap().replace("&#38;", "&");
        assert!(target.contains("kind=policy"), "{target}");
    }
    let once: std::collections::BTreeSet<_> = seen.iter().collect();
    assert_eq!((seen.len(), once.len()), (61, 61));
    assert!(seen.is_sorted_by(|one, other| one > other), "the newest first");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_has_an_address_names_who_what_whom_and_why_and_hostile_reasons_are_text() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let bo = portal.waiting_phone(BO).await;
    ada.approve(&bo).await.expect(204);
    let hostile = "</q><script>alert(1)</script>\"'";
    let revoke = format!("/admin/devices/{}/revoke", bo.device_id());
    ada.form(&revoke, &[("reason", hostile)]).await.expect(303);
    ada.change_policy(json!({ "session_ms": 24 * HOUR_MS }), hostile).await.expect(200);
    let entries = entries(&portal);
    for (action, said) in [
        (
            "device.revoked",
            vec![
                "Device revoked".to_owned(),
                format!("href=\"/admin/devices/{}\"", bo.device_id()),
                "Bo Brandt".to_owned(),
            ],
        ),
        ("policy.changed", vec!["Policy changed".to_owned(), "Sessions last: 12 hours → 24 hours".to_owned()]),
    ] {
        let entry = entry(&entries, action);
        let page = ada.get(&format!("/admin/audit/{}", entry["id"].as_str().unwrap())).await.expect(200).text();
        let at = date(entry["at_ms"].as_u64().unwrap(), "%Y-%m-%d %H:%M:%S UTC");
        let who = format!("href=\"/admin/users/{}\">Ada Admin</a>", portal.world.member(ADA));
        for said in
            said.iter().chain([&at, &who, &"127.0.0.1".to_owned(), &entry["request_id"].as_str().unwrap().to_owned()])
        {
            assert!(page.contains(said), "{action} {said}: {page}");
        }
        let list = ada.get("/admin/audit").await.text();
        for page in [page, list] {
            assert!(page.contains("<q>&#60;/q&#62;&#60;script&#62;alert(1)"), "{page}");
            assert!(!page.contains("<script>alert"), "{page}");
        }
    }
    ada.get("/admin/audit/0123456789abcdef").await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn auditors_read_the_log_and_nothing_else_of_the_administration() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    portal.world.add_member("Ivy Iden", "ivy@example.test", "auditor");
    let mut ivy = portal.browser();
    ivy.sign_in("ivy@example.test").await;
    ivy.set_up().await;
    let page = ivy.get("/admin/audit").await.expect(200).text();
    assert!(page.contains("Two-step authentication required"), "{page}");
    let entry = listed(&page)[0].clone();
    let one = ivy.get(&format!("/admin/audit/{entry}")).await.expect(200).text();
    for text in [&page, &one] {
        assert!(text.contains("<a href=\"/admin/audit\" aria-current=\"page\">Audit</a>"), "{text}");
        for closed in ["/admin/users", "/admin/devices", "/admin/policies", "href=\"/admin\""] {
            assert!(!text.contains(closed), "{closed}: {text}");
        }
    }
    ivy.get("/v1/admin/audit").await.expect(200);
    for closed in
        ["/admin", "/admin/users", "/admin/devices", "/admin/policies", "/admin/policies/off", "/admin/devices/events"]
    {
        ivy.get(closed).await.expect(403);
    }
    // The role ends, and so does the reading.
    let role = format!("/v1/admin/members/{}/role", portal.world.member("ivy@example.test"));
    ada.post(&role, &json!({ "role": "member" })).await.expect(204);
    ivy.get("/admin/audit").await.expect(403);
}
