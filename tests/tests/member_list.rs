//! Admin → Users: every filter in every order is what a reader of everybody would list, and the kept counts are what counting
//! would say.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod support;

use serde_json::{Value, json};
use support::*;

const ROWS: u64 = 360;
const FILTERS: [(&str, &[&str]); 13] = [
    ("", &[]),
    ("non-compliant", &["not_set_up", "setting_up", "reset", "locked", "sso_without_mfa"]),
    ("no-authenticator", &["not_set_up", "setting_up", "reset", "sso_without_mfa", "sso_mfa", "exception", "grace"]),
    ("not-set-up", &["not_set_up"]),
    ("setting-up", &["setting_up"]),
    ("reset", &["reset"]),
    ("locked", &["locked"]),
    ("grace", &["grace"]),
    ("exception", &["exception"]),
    ("sso", &["sso_mfa"]),
    ("sso-without-mfa", &["sso_without_mfa"]),
    ("set-up", &["set_up"]),
    ("suspended", &["suspended"]),
];
const SORTS: [&str; 6] = ["name", "name-down", "status", "status-down", "seen", "seen-down"];

/// Members with every mixture of facts; also those whose exception or set-up is over without that anybody has noted it.
fn seed(portal: &Portal) {
    let (organisation, now_ms) = (&portal.world.organisation, portal.clock.now_ms());
    let sql = |statement: String| drop(portal.world.sql(&statement));
    sql(format!(
        "INSERT INTO identity_provider (organisation, issuer, client_id, secret_sealed, secret_key_version, mfa_amr, mfa_acr,
            name_claim, folded_name, set_ms)
        VALUES ('{organisation}', 'https://id.example', 'portal', '', 1, '[]', '[]', 'email', 'harbour', {})",
        now_ms - 100 * DAY_MS
    ));
    portal.world.overwrite("identity_provider", "secret_sealed", "00");
    let [mut members, mut factors, mut exceptions, mut links] = [const { Vec::<String>::new() }; 4];
    for n in 0..ROWS {
        // Mixed well (splitmix64), so that every fact meets every other.
        let mut h = (n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        h = (h ^ (h >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        h = (h ^ (h >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        h ^= h >> 31;
        let mut draw = |of: u64| {
            let drawn = h % of;
            h /= of;
            drawn
        };
        let id = format!("m{n:05}");
        let (factor, began) = (draw(6), [MINUTE_MS, 10 * MINUTE_MS + 30_000, 12 * MINUTE_MS][draw(3) as usize]);
        let (exception, link, is_reset) = (draw(5), draw(5), draw(3) == 0 && factor != 2);
        let created_ms = now_ms - [2, 20, 300][draw(3) as usize] * DAY_MS;
        let seen_ms = [0, now_ms - HOUR_MS, now_ms - 5 * DAY_MS][draw(3) as usize];
        let state = if draw(8) == 0 { "suspended" } else { "active" };
        let role = ["member", "member", "member", "auditor", "admin"][draw(5) as usize];
        let name = format!("{} {:02}", ["Ada", "Bo", "Cy"][draw(3) as usize], draw(20));
        let reset_ms = if is_reset { now_ms - DAY_MS } else { 0 };
        let folded = name.to_lowercase();
        members.push(format!(
            "('{organisation}', '{id}', '{name}', '{id}@example.test', '{role}', '{state}', '', 0, {created_ms}, '{folded}',
            '{folded} {id}@example.test', {reset_ms}, {seen_ms})"
        ));
        if let Some(state) = [None, None, Some("active"), Some("disabled"), Some("pending"), None][factor as usize] {
            factors
                .push(format!("('{organisation}', '{id}', '{id}', '{state}', '', 1, 0, 0, 0, {}, 0)", now_ms - began));
        }
        if let Some((until_ms, is_over)) =
            [None, None, Some((now_ms + DAY_MS, 0)), Some((now_ms - 1, 0)), Some((now_ms - DAY_MS, 1))]
                [exception as usize]
        {
            exceptions.push(format!("('{organisation}', '{id}', {until_ms}, 'a test', '', 1, {is_over})"));
        }
        if let Some((mfa, days)) = [None, None, Some((1, 9)), Some((0, 9)), Some((1, 200))][link as usize] {
            let at_ms = now_ms - days * DAY_MS;
            links.push(format!("('{organisation}', 'https://id.example', '{id}', '{id}', {mfa}, {at_ms}, 1)"));
        }
    }
    let member = "member (organisation, id, name, email, role, state, password, password_fails, created_ms, sort_name,
        search_text, reset_ms, seen_ms)";
    let factor = "factor (organisation, member, id, state, seed_sealed, key_version, fails, wait_until_ms, last_step,
        created_ms, confirmed_ms)";
    let exception = "two_step_exception (organisation, member, until_ms, reason, made_by, made_ms, is_over)";
    let link = "sso_link (organisation, issuer, subject, member, mfa, signed_in_ms, linked_ms)";
    for (table, rows) in [(member, members), (factor, factors), (exception, exceptions), (link, links)] {
        for some in rows.chunks(100) {
            sql(format!("INSERT INTO {table} VALUES {}", some.join(",")));
        }
    }
    portal.world.keep_counts();
}

/// Somebody, as one reads who reads everybody.
#[derive(Debug)]
struct Person {
    row: Value,
    place: u64,
    sort_name: String,
}

impl Person {
    fn text(&self, field: &str) -> &str {
        self.row[field].as_str().unwrap_or_default()
    }

    fn status(&self) -> &str {
        if self.text("state") == "suspended" { "suspended" } else { self.text("two_step") }
    }

    fn key(&self, sort: &str) -> (u64, &str, &str) {
        let number = match sort {
            "name" | "name-down" => 0,
            "status" | "status-down" => self.place,
            _ => self.row["seen_ms"].as_u64().unwrap(),
        };
        (number, &self.sort_name, self.text("id"))
    }

    /// A line of the file.
    fn line(&self) -> Vec<String> {
        let until_ms = self.row["until_ms"].as_u64();
        let until = until_ms.map(|ms| date(ms, "%Y-%m-%dT%H:%M:%SZ")).unwrap_or_default();
        let devices = self.row["devices"].to_string();
        let texts = ["id", "name", "email", "role", "state", "two_step"].map(|field| self.text(field).to_owned());
        texts.into_iter().chain([until, devices]).collect()
    }
}

async fn everybody(portal: &Portal, ada: &mut Browser) -> Vec<Person> {
    let mut people = Vec::new();
    let mut address = "/v1/admin/members".to_owned();
    loop {
        let page = ada.get(&address).await.value();
        people.extend(page["members"].as_array().unwrap().iter().cloned());
        let Some(next) = page["next"].as_str() else { break };
        address = format!("/v1/admin/members?after={next}");
    }
    let order = portal.world.sql("SELECT id, place, sort_name FROM member");
    let of = |row: Value| {
        let id = row["id"].as_str().unwrap();
        let line = order.lines().find(|line| line.starts_with(&format!("{id}|"))).unwrap();
        let mut cells = line.split('|').skip(1);
        let place = cells.next().unwrap().parse().unwrap();
        Person { place, sort_name: cells.next().unwrap().to_owned(), row }
    };
    people.into_iter().map(of).collect()
}

fn expected<'a>(people: &'a [Person], (status, sort, role, q): (&str, &str, &str, &str)) -> Vec<&'a Person> {
    let (_, statuses) = FILTERS.iter().find(|(word, _)| *word == status).unwrap();
    let fits = |person: &&Person| {
        let text = format!("{} {}", person.text("name"), person.text("email")).to_lowercase();
        (statuses.is_empty() || statuses.contains(&person.status()))
            && (role.is_empty() || person.text("role") == role)
            && text.contains(q)
    };
    let mut people: Vec<&Person> = people.iter().filter(fits).collect();
    people.sort_by(|a, b| a.key(sort).cmp(&b.key(sort)));
    if sort.ends_with("-down") {
        people.reverse();
    }
    people
}

fn ids(page: &str) -> Vec<String> {
    let cells = page.split("<td data-label=\"Name\"><a href=\"/admin/users/").skip(1);
    cells.map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

fn link(page: &str, rel: &str) -> Option<String> {
    let (_, rest) = page.split_once(&format!("rel=\"{rel}\" href=\""))?;
    Some(rest.split('"').next().unwrap().replace("&#38;", "&").replace("&amp;", "&"))
}

async fn compare_files(ada: &mut Browser, people: &[Person], what: &str) {
    for (status, _) in FILTERS {
        for sort in SORTS {
            for (role, q) in [("", ""), ("admin", ""), ("member", "1"), ("", "cy")] {
                let query = format!("?status={status}&sort={sort}&role={role}&q={q}");
                let file = ada.get(&format!("/admin/users.csv{query}")).await.expect(200).text();
                let told: Vec<Vec<&str>> = file.lines().skip(1).map(|line| line.split(',').take(8).collect()).collect();
                let wanted: Vec<Vec<String>> =
                    expected(people, (status, sort, role, q)).into_iter().map(Person::line).collect();
                assert_eq!(told, wanted, "{what}: {query}");
            }
        }
    }
}

async fn compare_pages(ada: &mut Browser, people: &[Person], what: &str) {
    for (status, _) in FILTERS {
        for sort in SORTS {
            let query = format!("?status={status}&sort={sort}");
            let wanted: Vec<&str> =
                expected(people, (status, sort, "", "")).into_iter().map(|person| person.text("id")).collect();
            let mut page = ada.get(&format!("/admin/users{query}")).await.expect(200).text();
            if !wanted.is_empty() {
                let said = format!("of {}", wanted.len());
                assert!(page.contains(&said), "{what}: {query}: not {said}");
            }
            let mut read = vec![ids(&page)];
            while let Some(next) = link(&page, "next") {
                page = ada.get(&next).await.expect(200).text();
                read.push(ids(&page));
            }
            assert_eq!(read.concat(), wanted, "{what}: {query}");
            for before in read.iter().rev().skip(1) {
                page = ada.get(&link(&page, "prev").unwrap()).await.expect(200).text();
                assert_eq!(&ids(&page), before, "{what}: {query}, backwards");
            }
        }
    }
}

/// What the overview and the list say of the same status.
async fn compare_tiles(ada: &mut Browser, people: &[Person], what: &str) {
    let page = ada.get("/admin").await.expect(200).text();
    for (status, statuses) in FILTERS {
        let tile = format!("href=\"/admin/users?status={status}\"");
        if let Some((_, rest)) = page.split_once(&tile).filter(|_| !status.is_empty()) {
            let number = people.iter().filter(|person| statuses.contains(&person.status())).count();
            let text = rest.split_once("</a>").unwrap().0;
            let shown: String =
                text.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
            assert_eq!(shown, number.to_string(), "{what}: {status}: {text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b58_every_filter_in_every_order_is_what_a_reader_of_everybody_lists() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    seed(&portal);
    portal.world.expect_kept_counts();
    let people = everybody(&portal, &mut ada).await;
    assert_eq!(people.len() as u64, ROWS + MEMBERS.len() as u64);
    compare_files(&mut ada, &people, "no deadline").await;
    compare_pages(&mut ada, &people, "no deadline").await;
    // A deadline that runs for everybody, since the rule is new.
    ada.change_policy(json!({ "grace_days": 14 }), "").await.expect(200);
    let people = everybody(&portal, &mut ada).await;
    compare_files(&mut ada, &people, "a deadline for all").await;
    compare_tiles(&mut ada, &people, "a deadline for all").await;
    // And one for those who came lately.
    portal.world.sql(&format!("UPDATE organisation SET required_ms = {}", portal.clock.now_ms() - 90 * DAY_MS));
    let people = everybody(&portal, &mut ada).await;
    for (status, statuses) in FILTERS {
        let has_some = people.iter().any(|person| statuses.contains(&person.status()));
        assert!(has_some || status.is_empty(), "nobody is {status}");
    }
    compare_files(&mut ada, &people, "a deadline for the new").await;
    compare_pages(&mut ada, &people, "a deadline for the new").await;
    compare_tiles(&mut ada, &people, "a deadline for the new").await;
    // Time is noted.
    portal.state.sweep().await.unwrap();
    portal.world.expect_kept_counts();
    assert_eq!(
        portal.world.sql(&format!(
            "SELECT count(*) FROM two_step_exception WHERE is_over = 0 AND until_ms <= {}",
            portal.clock.now_ms()
        )),
        "0"
    );
    let people = everybody(&portal, &mut ada).await;
    compare_pages(&mut ada, &people, "after the sweep").await;
    compare_tiles(&mut ada, &people, "after the sweep").await;
    // What the identity provider asserted counts for nothing any more.
    portal.world.run(&["admin", "sso", "remove", &portal.world.organisation], "");
    portal.world.expect_kept_counts();
    let people = everybody(&portal, &mut ada).await;
    assert!(people.iter().all(|person| !person.status().starts_with("sso")));
    compare_tiles(&mut ada, &people, "without a provider").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kept_counts_follow_whoever_comes_changes_and_goes() {
    let portal = Portal::start();
    let kept = || portal.world.expect_kept_counts();
    kept();
    let mut ada = portal.enforced().await;
    kept();
    let invited = [("name", "Di Dorn"), ("email", "di@example.test"), ("role", "member"), ("language", "en")];
    ada.form("/admin/users/invite", &invited).await.expect(303);
    portal.world.add_member("Ed Ernst", "ed@example.test", "member");
    kept();
    // Begun and left, and swept.
    let mut bo = portal.browser();
    bo.sign_in(BO).await;
    bo.begin_set_up().await.expect(200);
    kept();
    portal.clock.pass(12 * MINUTE_MS);
    portal.state.sweep().await.unwrap();
    kept();
    assert_eq!(portal.world.sql("SELECT count(*) FROM member WHERE shelf = 40"), "0");
    let mut bo = portal.browser();
    bo.sign_in(BO).await;
    bo.set_up().await;
    kept();
    let bos = portal.world.member(BO);
    // Disabled, reset, set up again.
    portal.world.sql(&format!("UPDATE factor SET fails = 9 WHERE member = '{bos}'"));
    let mut again = portal.browser();
    again.sign_in(BO).await;
    again.code("000000").await;
    assert_eq!(portal.world.sql(&format!("SELECT shelf FROM member WHERE id = '{bos}'")), "10");
    kept();
    let mut ada = portal.browser_again(ada).await;
    let act = |what: &str| format!("/v1/admin/members/{bos}/{what}");
    ada.post(&act("reset"), &json!({ "identity_check": "video", "reference": "1" })).await.expect(204);
    kept();
    // An exception that begins, is renewed, ends by itself, and one that is ended.
    let until = |days: u64| json!({ "until_ms": portal.clock.now_ms() + days * DAY_MS, "reason": "on leave" });
    ada.put(&act("exception"), &until(1)).await.expect(204);
    assert_eq!(portal.world.sql(&format!("SELECT shelf FROM member WHERE id = '{bos}'")), "22");
    kept();
    ada.put(&act("exception"), &until(2)).await.expect(204);
    kept();
    portal.clock.pass(3 * DAY_MS);
    portal.state.sweep().await.unwrap();
    kept();
    assert_eq!(portal.world.sql(&format!("SELECT shelf FROM member WHERE id = '{bos}'")), "20");
    let mut ada = portal.browser_again(ada).await;
    ada.put(&act("exception"), &until(2)).await.expect(204);
    assert_eq!(portal.world.sql(&format!("SELECT shelf FROM member WHERE id = '{bos}'")), "22", "it runs again");
    kept();
    ada.delete(&act("exception")).await.expect(204);
    kept();
    ada.post(&act("suspend"), &Value::Null).await.expect(204);
    kept();
    ada.post(&act("reinstate"), &Value::Null).await.expect(204);
    kept();
    ada.post(&act("suspend"), &Value::Null).await.expect(204);
    portal.world.run(&["rescue", "reinstate", "--email", BO, "--reason", "a test"], "");
    kept();
    let mut bo = portal.browser();
    bo.sign_in(BO).await;
    bo.set_up().await;
    portal.world.run(&["rescue", "reset-two-step", "--email", BO, "--reason", "a test"], "");
    kept();
    let everybody: u64 = portal.world.sql("SELECT CAST(sum(members) AS BIGINT) FROM member_count").parse().unwrap();
    assert_eq!(everybody, MEMBERS.len() as u64 + 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn kept_counts_bear_changes_of_the_same_members_at_once() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let second = portal.second();
    let members: Vec<String> = [BO, CY].iter().map(|email| portal.world.member(email)).collect();
    let mut other = Browser::new(second, portal.clock.clone());
    other.cookie.clone_from(&ada.cookie);
    let until = json!({ "until_ms": portal.clock.now_ms() + DAY_MS, "reason": "on leave" });
    for round in 0..12 {
        let [one, two] = [&members[round % 2], &members[(round / 2) % 2]];
        let act = |member: &str, what: &str| format!("/v1/admin/members/{member}/{what}");
        let (suspend, reinstate, exception) = (act(one, "suspend"), act(two, "reinstate"), act(two, "exception"));
        let mut bo = portal.browser();
        let mut third = ada.tab();
        let sign_in = async {
            if bo.try_sign_in(BO, PASSWORD).await.status.as_u16() == 303 {
                bo.get("/set-up").await;
                bo.form("/set-up", &[("next", "/files")]).await;
            }
        };
        let answers = tokio::join!(
            ada.post(&suspend, &Value::Null),
            other.post(&reinstate, &Value::Null),
            third.put(&exception, &until),
            sign_in
        );
        for answer in [answers.0, answers.1, answers.2] {
            assert!(answer.status.as_u16() < 500, "{round}: {}", answer.text());
        }
        portal.world.expect_kept_counts();
        for member in &members {
            ada.post(&act(member, "reinstate"), &Value::Null).await;
            ada.delete(&act(member, "exception")).await;
        }
        portal.world.expect_kept_counts();
    }
}
