//! Admin → Users: the list by its filters, its search, its orders and its pages; the file; reminders to many.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod support;

use serde_json::{Value, json};
use support::*;

/// Names in the rows of a page, from top to bottom.
fn names(page: &str) -> Vec<String> {
    page.split("<td data-label=\"Name\"><a href=\"/admin/users/")
        .skip(1)
        .map(|rest| rest.split('>').nth(1).unwrap().split('<').next().unwrap().to_owned())
        .collect()
}

/// The address behind a link of the paging.
fn link(page: &str, rel: &str) -> Option<String> {
    let (_, rest) = page.split_once(&format!("rel=\"{rel}\" href=\""))?;
    Some(rest.split('"').next().unwrap().replace("&#38;", "&").replace("&amp;", "&"))
}

async fn list(ada: &mut Browser, query: &str) -> String {
    ada.get(&format!("/admin/users{query}")).await.expect(200).text()
}

async fn listed(ada: &mut Browser, query: &str) -> Vec<String> {
    names(&list(ada, query).await)
}

/// Members without a password, as many as wanted: `Member 0001` …
fn add_many(portal: &Portal, from: usize, to: usize) {
    // A statement has to fit onto a command line.
    if to - from > 300 {
        add_many(portal, from, from + 300);
        return add_many(portal, from + 300, to);
    }
    let values: Vec<String> = (from..to)
        .map(|n| {
            let organisation = &portal.world.organisation;
            format!(
                "('{organisation}', 'm{n:05}', 'Member {n:05}', 'm{n:05}@example.test', 'member', 'active', '', 0, 1,
                'member {n:05}', 'member {n:05} m{n:05}@example.test')"
            )
        })
        .collect();
    portal.world.sql(&format!(
        "INSERT INTO member (organisation, id, name, email, role, state, password, password_fails, created_ms, sort_name,
            search_text) VALUES {}",
        values.join(",")
    ));
    portal.world.keep_counts();
}

/// Everybody in a state of their own: name, filter, status in the interface, what the page says.
const CAST: [(&str, &str, &str, &str); 7] = [
    ("Bo Brandt", "set-up", "set_up", "✓ Set up"),
    ("Cy Castle", "not-set-up", "not_set_up", "○ Not set up"),
    ("Di Dorn", "setting-up", "setting_up", "◷ Setting up"),
    ("Ed Ernst", "reset", "reset", "↺ Reset, waiting"),
    ("Fy Faber", "locked", "locked", "✕ Locked"),
    ("Gus Graf", "exception", "exception", "◷ Exception until 20"),
    ("Hal Haas", "suspended", "not_set_up", "✕ Suspended"),
];

async fn cast(portal: &Portal) -> Browser {
    let mut ada = portal.enforced().await;
    for (name, email) in [
        ("Di Dorn", "di@example.test"),
        ("Ed Ernst", "ed@example.test"),
        ("Fy Faber", "fy@example.test"),
        ("Gus Graf", "gus@example.test"),
        ("Hal Haas", "hal@example.test"),
    ] {
        portal.world.add_member(name, email, "member");
    }
    for name in [BO, "ed@example.test", "fy@example.test"] {
        let mut browser = portal.browser();
        browser.sign_in(name).await;
        browser.set_up().await;
    }
    let mut di = portal.browser();
    di.sign_in("di@example.test").await;
    di.begin_set_up().await.expect(200);
    let id = |name: &str| portal.world.member(name);
    let reset = json!({ "identity_check": "video", "reference": "ticket 1" });
    ada.post(&format!("/v1/admin/members/{}/reset", id("ed@example.test")), &reset).await.expect(204);
    // Ten wrong codes, and their waits.
    let mut fy = portal.browser();
    fy.sign_in("fy@example.test").await;
    portal.world.sql(&format!("UPDATE factor SET fails = 9 WHERE member = '{}'", id("fy@example.test")));
    fy.code("000000").await;
    let until_ms = portal.clock.now_ms() + 5 * DAY_MS;
    let exception = json!({ "until_ms": until_ms, "reason": "on leave" });
    ada.put(&format!("/v1/admin/members/{}/exception", id("gus@example.test")), &exception).await.expect(204);
    ada.post(&format!("/v1/admin/members/{}/suspend", id("hal@example.test")), &Value::Null).await.expect(204);
    ada
}

#[tokio::test(flavor = "multi_thread")]
async fn b57_a_status_is_a_fact_with_an_icon_and_words() {
    let portal = Portal::start();
    let mut ada = cast(&portal).await;
    let everybody: Value = ada.get("/v1/admin/members").await.json();
    let page = list(&mut ada, "").await;
    for (name, filter, status, shown) in CAST {
        let row = everybody["members"].as_array().unwrap().iter().find(|row| row["name"] == name).unwrap();
        assert_eq!(row["two_step"], status, "{name}");
        let cell = page.split(&format!(">{name}</a>")).nth(1).unwrap().split("</tr>").next().unwrap();
        assert!(cell.contains(shown), "{name}: {cell}");
        let found = listed(&mut ada, &format!("?status={filter}")).await;
        let expected: &[&str] = if filter == "set-up" { &["Ada Admin", name] } else { &[name] };
        assert_eq!(found, expected, "{filter}");
    }
    let open = listed(&mut ada, "?status=non-compliant").await;
    assert_eq!(open, ["Cy Castle", "Di Dorn", "Ed Ernst", "Fy Faber"]);
    // "Show all" beside the first whom the policy leads to the set-up shows exactly those.
    let policies = ada.get("/admin/policies").await.expect(200).text();
    let led = policies.split("Led to the set-up:").nth(1).unwrap().split("</li>").next().unwrap();
    let without = listed(&mut ada, "?status=no-authenticator").await;
    assert_eq!(without, ["Cy Castle", "Di Dorn", "Ed Ernst", "Gus Graf"]);
    assert_eq!(led.matches("<a href=\"/admin/users/").count(), without.len(), "{led}");
    assert!(without.iter().all(|name| led.contains(&format!(">{name}</a>"))), "{led}");
    assert!(led.contains("href=\"/admin/users?status=no-authenticator\""), "{led}");
    assert_eq!(listed(&mut ada, "?status=suspended&sort=seen").await, ["Hal Haas"]);
    assert_eq!(listed(&mut ada, "?status=locked&sort=status-down").await, ["Fy Faber"]);
    assert_eq!(listed(&mut ada, "?role=admin").await, ["Ada Admin"]);
    // A deadline, and time that passes by itself.
    let answer = ada.change_policy(json!({ "grace_days": 3 }), "").await;
    answer.expect(200);
    assert!(listed(&mut ada, "?status=grace").await.contains(&"Cy Castle".to_owned()));
    assert!(list(&mut ada, "?status=grace").await.contains("◷ In grace until 20"));
    portal.clock.pass(4 * DAY_MS);
    let mut ada = portal.browser_again(ada).await;
    assert!(listed(&mut ada, "?status=grace").await.is_empty());
    assert!(listed(&mut ada, "?status=setting-up").await.is_empty(), "a set-up is void after ten minutes");
    assert!(listed(&mut ada, "?status=not-set-up").await.contains(&"Di Dorn".to_owned()));
    portal.clock.pass(2 * DAY_MS);
    let mut ada = portal.browser_again(ada).await;
    assert!(listed(&mut ada, "?status=exception").await.is_empty());
    assert!(listed(&mut ada, "?status=not-set-up").await.contains(&"Gus Graf".to_owned()));
    // What was not finished leaves nothing, and the index says what the facts say.
    portal.state.sweep().await.unwrap();
    assert_eq!(portal.world.sql("SELECT count(*) FROM factor WHERE state = 'pending'"), "0");
    let by_facts = "SELECT count(*) FROM member m WHERE place <> CASE WHEN state = 'suspended' THEN 6
        WHEN EXISTS (SELECT 1 FROM factor f WHERE f.member = m.id AND f.state = 'active') THEN 5
        WHEN EXISTS (SELECT 1 FROM factor f WHERE f.member = m.id AND f.state = 'disabled') THEN 1
        WHEN EXISTS (SELECT 1 FROM factor f WHERE f.member = m.id AND f.state = 'pending') THEN 4
        WHEN reset_ms > 0 THEN 2 ELSE 3 END";
    assert_eq!(portal.world.sql(by_facts), "0");
    // Set up again: a reset is over.
    let mut ed = portal.browser();
    ed.sign_in("ed@example.test").await;
    ed.set_up().await;
    assert!(listed(&mut ada, "?status=reset").await.is_empty());
    assert_eq!(listed(&mut ada, "?status=set-up").await, ["Ada Admin", "Bo Brandt", "Ed Ernst"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn b58_pages_neither_repeat_nor_miss_anybody_while_members_come() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    add_many(&portal, 100, 260);
    let everybody = 160 + MEMBERS.len();
    for sort in ["", "&sort=name-down", "&sort=status", "&sort=status-down", "&sort=seen", "&sort=seen-down"] {
        let mut page = list(&mut ada, &format!("?role={sort}")).await;
        assert!(page.contains("Showing 1–50 of 163"), "{page}");
        assert!(link(&page, "prev").is_none());
        let (mut seen, mut pages) = (names(&page), vec![names(&page)]);
        while let Some(next) = link(&page, "next") {
            page = ada.get(&next).await.expect(200).text();
            seen.extend(names(&page));
            pages.push(names(&page));
        }
        assert!(page.contains("Showing 151–163 of 163"), "{sort}: {page}");
        assert_eq!(seen.len(), everybody, "{sort}");
        let mut distinct = seen.clone();
        distinct.sort();
        if sort.is_empty() {
            assert_eq!(distinct, seen, "in the order of names");
        }
        distinct.dedup();
        assert_eq!(distinct.len(), everybody, "{sort}: somebody is there twice");
        // And back.
        for before in pages.iter().rev().skip(1) {
            page = ada.get(&link(&page, "prev").unwrap()).await.expect(200).text();
            assert_eq!(&names(&page), before, "{sort}");
        }
        assert!(link(&page, "prev").is_none(), "{sort}");
    }
    // Somebody comes before the place where the reader is.
    let first = list(&mut ada, "").await;
    let shown = names(&first);
    add_many(&portal, 0, 20);
    let second = ada.get(&link(&first, "next").unwrap()).await.text();
    assert!(names(&second).iter().all(|name| !shown.contains(name)), "nobody twice");
    assert_eq!(names(&second)[0], "Member 00147");
    let back = ada.get(&link(&second, "prev").unwrap()).await.text();
    assert_eq!(names(&back).last(), shown.last(), "the page before ends where it ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn b58_many_are_counted_where_their_number_is_kept_and_else_up_to_a_limit() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    add_many(&portal, 0, 1_200);
    assert!(list(&mut ada, "?status=not-set-up").await.contains("Showing 1–50 of 1,202"));
    assert!(list(&mut ada, "?q=m").await.contains("Showing 1–50 of more than 1,000"));
    assert!(list(&mut ada, "?q=m0011").await.contains("Showing 1–10 of 10"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_search_takes_any_text_for_text() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let name = "Zoë <b>'; DROP TABLE member; --";
    portal.world.add_member(name, "100%_zoe@example.test", "member");
    let search = async |ada: &mut Browser, text: &str| {
        let escaped: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
        ada.get(&format!("/admin/users?q={escaped}")).await
    };
    for (text, found) in [
        ("zoe", 1),
        ("ZOË", 1),
        ("  zoe   drop ", 1),
        ("100%_", 1),
        ("%", 1),
        ("_", 1),
        ("bo bra", 1),
        ("brandt cy", 0),
        ("' OR '1'='1", 0),
        ("\\", 0),
        ("<script>alert(1)</script>", 0),
        ("example", 4),
        ("\u{202e}\u{0}", 0),
    ] {
        let page = search(&mut ada, text).await.expect(200).text();
        let is_everything = text.contains('\u{0}');
        assert_eq!(names(&page).len(), if is_everything { names(&page).len() } else { found }, "{text}");
        assert!(!page.contains("<script>alert") && !page.contains("<b>"), "{page}");
        if found == 0 && !is_everything {
            assert!(page.contains("Nobody matches these filters."), "{text}");
        }
    }
    search(&mut ada, &"x".repeat(101)).await.expect(400);
    for hostile in ["?status=owner", "?role=owner", "?sort=id", "?after=x", "?after=AAAA", "?before=%00", "?first=x"] {
        assert_eq!(ada.get(&format!("/admin/users{hostile}")).await.status.as_u16(), 400, "{hostile}");
    }
    assert_eq!(portal.world.sql("SELECT count(*) FROM member"), "4");
}

#[tokio::test(flavor = "multi_thread")]
async fn b58_the_file_has_the_filter_and_no_formulas_and_is_recorded() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    add_many(&portal, 0, 1_150);
    portal.world.add_member("=HYPERLINK(\"https://evil.example\")", "evil@example.test", "auditor");
    portal.world.add_member("@SUM(A1), \"quoted\"", "sum@example.test", "auditor");
    let answer = ada.get("/admin/users.csv?role=auditor").await;
    let text = answer.expect(200).text();
    assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8");
    assert!(answer.header("content-disposition").starts_with("attachment; filename=\"users-20"));
    let lines: Vec<&str> = text.split("\r\n").collect();
    assert_eq!(lines.len(), 4, "{text}");
    assert!(lines[0].starts_with("id,name,email,role,account,two_step_status"), "{text}");
    assert!(lines[1].contains(",\"'=HYPERLINK(\"\"https://evil.example\"\")\",evil@example.test,auditor,active,"));
    assert!(lines[2].contains(",\"'@SUM(A1), \"\"quoted\"\"\",sum@example.test,"), "{text}");
    // More than is read at once, in the order of the page.
    let text = ada.get("/admin/users.csv?q=member&sort=name-down").await.expect(200).text();
    let rows: Vec<&str> = text.lines().skip(1).collect();
    assert_eq!(rows.len(), 1_150);
    assert!(rows[0].contains("Member 01149") && rows[1_149].contains("Member 00000"));
    let told = portal.world.audit_details("members.exported");
    assert_eq!(told[0], json!({ "status": "", "role": "auditor", "search": "" }));
    assert_eq!(told[1]["search"], "member");
    ada.get("/admin/users.csv?role=owner").await.expect(400);
    // What cannot be recorded is not handed out.
    portal.world.database.refuse("INSERT", "audit_entry").unwrap();
    let refused = ada.get("/admin/users.csv").await;
    assert!(refused.status.as_u16() == 503 && !refused.text().contains("Member 0"));
}

#[tokio::test(flavor = "multi_thread")]
async fn b59_reminders_go_to_a_selection_and_say_whom_they_passed_over() {
    let portal = Portal::start();
    let mut ada = cast(&portal).await;
    let id = |email: &str| portal.world.member(email);
    let (bo, cy, hal) = (id(BO), id(CY), id("hal@example.test"));
    let chosen = [("member", bo.as_str()), ("member", &cy), ("member", &hal), ("member", "nobody")];
    let page = ada.form("/admin/users/remind", &chosen).await.expect(200).text();
    assert!(page.contains("1 reminder is on its way."), "{page}");
    assert!(page.contains("Bo Brandt</a>: complies already") && page.contains("Hal Haas</a>: is suspended"), "{page}");
    assert_eq!(portal.world.audited("member.reminded"), 1);
    // Again: too soon. Nobody chosen: said.
    let page = ada.form("/admin/users/remind", &[("member", &cy)]).await.expect(200).text();
    assert!(page.contains("No reminder was sent.") && page.contains("Cy Castle</a>: was reminded at 20"), "{page}");
    let answer = ada.form("/admin/users/remind", &[]).await;
    assert!(ada.get(answer.expect(303).header("location")).await.text().contains("Nobody is chosen."));
    let profile = ada.get(&format!("/admin/users/{cy}")).await.text();
    assert!(profile.contains("Just now"), "last reminded");
    let answer = ada.form(&format!("/admin/users/{cy}/remind"), &[]).await;
    assert!(answer.expect(303).header("location").ends_with("?done=reminded-before"));
    let answer: Value = ada.post(&format!("/v1/admin/members/{cy}/reminder"), &Value::Null).await.json();
    assert_eq!(answer["outcome"], "too_soon");
    ada.post("/v1/admin/members/nobody/reminder", &Value::Null).await.expect_problem(404, "TL-4009");
    portal.clock.pass(DAY_MS);
    let mut ada = portal.browser_again(ada).await;
    let answer: Value = ada.post(&format!("/v1/admin/members/{cy}/reminder"), &Value::Null).await.json();
    assert_eq!(answer["outcome"], "sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn b59_all_that_match_are_reminded_only_if_they_are_as_many_as_was_said() {
    let portal = Portal::start();
    let mut ada = cast(&portal).await;
    let page = ada.get("/admin/users/remind?status=non-compliant").await.expect(200).text();
    assert!(page.contains("Send a reminder to 4 members?") && page.contains("<li>Cy Castle</li>"), "{page}");
    assert!(page.contains("name=\"expected\" value=\"4\""), "{page}");
    let form = |expected: &'static str| [("status", "non-compliant"), ("role", ""), ("q", ""), ("expected", expected)];
    // One more came between.
    portal.world.add_member("Ida Ilg", "ida@example.test", "member");
    let page = ada.form("/admin/users/remind", &form("4")).await.expect(409).text();
    assert!(page.contains("have changed meanwhile") && page.contains("value=\"5\""), "{page}");
    assert_eq!(portal.world.audited("member.reminded"), 0);
    let page = ada.form("/admin/users/remind", &form("5")).await.expect(200).text();
    assert!(page.contains("5 reminders are on their way."), "{page}");
    assert_eq!(portal.world.audited("member.reminded"), 5);
    for hostile in ["0", "18446744073709551615"] {
        ada.form("/admin/users/remind", &form(hostile)).await.expect(409);
    }
    ada.form("/admin/users/remind", &[("status", "owner"), ("expected", "5")]).await.expect(400);
    // More than one act takes.
    add_many(&portal, 0, 5_001);
    let page = ada.get("/admin/users/remind?status=not-set-up").await.expect(200).text();
    assert!(page.contains("at most 5,000 members") && !page.contains("name=\"expected\""), "{page}");
    ada.form("/admin/users/remind", &[("status", "not-set-up"), ("expected", "5001")]).await.expect(409);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_organisations_members_are_nobody() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let elsewhere = portal.world.run(&["admin", "create-organisation", "--name", "Elsewhere"], "");
    let add = ["admin", "add-member", "--organisation", &elsewhere, "--name", "Kim", "--email", "kim@example.test"];
    let kim = portal.world.run(&add, PASSWORD);
    assert_eq!(listed(&mut ada, "").await.len(), MEMBERS.len());
    assert!(!ada.get("/admin/users.csv").await.text().contains("kim@example.test"));
    for page in ["", "/reset", "/sessions"] {
        ada.get(&format!("/admin/users/{kim}{page}")).await.expect(404);
    }
    let reset = [("identity_check", "video"), ("reference", "x")];
    for (act, fields) in [("reset", &reset[..]), ("suspend", &[]), ("reinstate", &[]), ("remind", &[])] {
        assert_eq!(ada.form(&format!("/admin/users/{kim}/{act}"), fields).await.status.as_u16(), 404, "{act}");
    }
    let page = ada.form("/admin/users/remind", &[("member", &kim)]).await.expect(200).text();
    assert!(page.contains("No reminder was sent.") && !page.contains("Kim"));
    assert_eq!(portal.world.sql(&format!("SELECT state FROM member WHERE id = '{kim}'")), "active");
    assert_eq!(portal.world.sql(&format!("SELECT reminded_ms FROM member WHERE id = '{kim}'")), "0");
}
