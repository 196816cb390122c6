//! The pages, found by following every link and every form of the portal.

use super::MARK;
use super::body::TOO_LONG;
use super::route::UNKNOWN;
use super::support::*;
use super::verdict::*;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// Where a form goes and what its fields are called.
type Forms = BTreeMap<String, BTreeSet<String>>;

#[derive(Default)]
struct Map {
    links: BTreeSet<String>,
    forms: Forms,
}

fn attributes(html: &str, name: &str) -> Vec<String> {
    let start = format!(" {name}=\"");
    html.split(&start).skip(1).map(|rest| rest.split('"').next().unwrap().replace("&#38;", "&")).collect()
}

impl Map {
    /// Follows links and redirections; sends no form.
    async fn explore(&mut self, browser: &mut Browser, from: &str) {
        let mut open = vec![from.to_owned()];
        let mut seen = BTreeSet::new();
        // A list's filters lead on and on: so many addresses of one path show what there is.
        let mut of_path = BTreeMap::<String, usize>::new();
        while let Some(target) = open.pop().filter(|_| seen.len() < 500) {
            if !seen.insert(target.clone()) {
                continue;
            }
            let known = of_path.entry(target.split('?').next().unwrap().to_owned()).or_default();
            *known += 1;
            if *known > 20 {
                continue;
            }
            let answer = browser.get(&target).await;
            open.extend(Some(answer.header("location").to_owned()).filter(|target| !target.is_empty()));
            if answer.header("content-type").starts_with("text/html") {
                let links = attributes(&answer.text(), "href").into_iter().filter(|link| link.starts_with('/'));
                // What stands behind `#` is the browser's own and is never sent.
                open.extend(links.map(|link| link.split('#').next().unwrap().to_owned()));
                self.read_forms(&answer.text());
            }
            self.links.insert(target);
        }
    }

    fn read_forms(&mut self, html: &str) {
        for form in html.split("<form method=\"post\"").skip(1) {
            let form = form.split("</form>").next().unwrap();
            let action = attributes(form, "action").remove(0);
            self.forms.entry(action).or_default().extend(attributes(form, "name"));
        }
    }
}

/// Pages in all states: an exception and a proposal, a suspended member, a device that waits and one that is approved, somebody at the set-up, somebody at the code.
async fn lay() -> (Portal, Vec<(&'static str, Browser)>, Map) {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    portal.ready_phone(&mut ada, BO).await;
    portal.waiting_phone(CY).await;
    portal.world.add_member("Dee Dorn", "dee@example.test", "member");
    let fee = portal.world.add_member("Fee Falk", "fee@example.test", "admin");
    let gil = portal.world.add_member("Gil Gray", "gil@example.test", "member");
    portal.world.sql(&format!("UPDATE member SET state = 'suspended' WHERE id = '{gil}'"));
    let exception = json!({ "until_ms": portal.clock.now_ms() + DAY_MS, "reason": "on leave" });
    ada.put(&format!("/v1/admin/members/{gil}/exception"), &exception).await.expect(204);
    ada.change_policy(json!({ "two_person": true }), "").await.expect(200);
    ada.change_policy(json!({ "two_step": false }), "a pilot ends").await.expect(202);
    portal.world.sql(&format!("UPDATE proposal SET made_by = '{fee}'"));
    let mut dee = portal.browser();
    dee.sign_in("dee@example.test").await;
    let mut asked = portal.browser();
    asked.sign_in(ADA).await;
    let mut map = Map::default();
    let mut browsers =
        [("an admin", ada), ("at the set-up", dee), ("at the code", asked), ("a stranger", portal.browser())];
    for (_, browser) in &mut browsers {
        for from in ["/", "/set-up", "/code"] {
            map.explore(browser, from).await;
        }
    }
    map.read_forms(&browsers[1].1.form("/set-up", &[("next", "")]).await.text());
    map.read_forms(&browsers[0].1.form("/account/two-step/renew", &[]).await.text());
    map.read_forms(&browsers[0].1.form("/account/recovery-codes", &[]).await.text());
    (portal, browsers.into(), map)
}

/// What is read here is noted in the log, by design.
const LEAVES_A_TRACE: [&str; 2] = ["/files/", "/admin/users.csv"];

#[tokio::test(flavor = "multi_thread")]
async fn the_map_shows_every_page() {
    let (_, _, map) = lay().await;
    let links: Vec<&str> = map.links.iter().map(String::as_str).collect();
    for page in [
        "/sign-in",
        "/set-up",
        "/code",
        "/recovery",
        "/account",
        "/account/recovery-codes",
        "/account/two-step/renew",
        "/admin/users",
        "/admin/devices",
        "/admin/policies",
        "/admin/audit",
    ] {
        assert!(links.iter().any(|link| link.split('?').next() == Some(page)), "{page} is in no link: {links:?}");
    }
    let forms: BTreeSet<String> = map.forms.keys().map(|action| general(action)).collect();
    let expected = [
        "/account/preferences",
        "/account/recovery-codes",
        "/account/recovery-codes/download",
        "/account/recovery-codes/saved",
        "/account/sessions/ID/end",
        "/account/two-step/renew",
        "/account/two-step/renew/confirm",
        "/admin/devices/ID",
        "/admin/devices/ID/approve",
        "/admin/devices/ID/deny",
        "/admin/devices/ID/revoke",
        "/admin/mail/test",
        "/admin/policies",
        "/admin/policies/announce",
        "/admin/proposals/ID/confirm",
        "/admin/proposals/ID/withdraw",
        "/admin/users/ID/exception",
        "/admin/users/ID/exception/end",
        "/admin/users/ID/reinstate",
        "/admin/users/ID/remind",
        "/admin/users/ID/reset",
        "/admin/users/ID/role",
        "/admin/users/ID/sessions/ID/end",
        "/admin/users/ID/sessions/end",
        "/admin/users/ID/suspend",
        "/admin/users/invite",
        "/admin/users/remind",
        "/appearance",
        "/code",
        "/files/ID/delete",
        "/files/upload",
        "/language",
        "/recovery",
        "/set-up",
        "/set-up/confirm",
        "/sign-in",
        "/sign-out",
    ];
    assert_eq!(forms.iter().map(String::as_str).collect::<Vec<_>>(), expected);
}

/// The action with `ID` for what is one.
fn general(action: &str) -> String {
    let is_id = |part: &&str| part.len() == 32 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    action.split('/').map(|part| if is_id(&part) { "ID" } else { part }).collect::<Vec<_>>().join("/")
}

async fn post(browser: &Browser, action: &str, kind: Option<&str>, body: Vec<u8>) -> Answer {
    let mut headers: phone::Headers = vec![("sec-fetch-site".to_owned(), "same-origin".to_owned())];
    headers.extend(browser.cookie.iter().map(|cookie| ("cookie".to_owned(), format!("__Host-session={cookie}"))));
    headers.extend(kind.map(|kind| ("content-type".to_owned(), kind.to_owned())));
    browser.door.send("POST", action, &headers, body).await
}

const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test(flavor = "multi_thread")]
async fn no_form_takes_what_no_browser_sends() {
    let (portal, browsers, map) = lay().await;
    let start = everything(&portal.world);
    let hostile = |fields: &BTreeSet<String>| {
        let all = |value: &str| fields.iter().map(|name| format!("{name}={value}")).collect::<Vec<_>>().join("&");
        let mark: String = MARK.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let mut bodies: Vec<(Option<&str>, Vec<u8>)> = vec![
            (Some(FORM), all(&mark).into_bytes()),
            (Some(FORM), all("%FF%FE").into_bytes()),
            (Some(FORM), all("%00").into_bytes()),
            (Some(FORM), all("%zz").into_bytes()),
            (Some(FORM), format!("{}&{}", all("1"), all("2")).into_bytes()),
            (Some(FORM), all(&"9".repeat(10_000)).into_bytes()),
            (Some(FORM), vec![0xFF, 0xFE, b'=', 0x80, b'&', b'=', b'&']),
            (Some(FORM), all("1").replace('=', "[]=").into_bytes()),
            (Some(FORM), vec![b'a'; TOO_LONG]),
            (Some("application/json"), format!("{{\"code\":\"{MARK}\"}}").into_bytes()),
            (Some("multipart/form-data; boundary=x"), b"--x\r\n".to_vec()),
            (Some(MARK), all("1").into_bytes()),
            (None, all("1").into_bytes()),
        ];
        if !fields.is_empty() && fields.iter().any(|name| name != "next") {
            bodies.push((Some(FORM), Vec::new()));
        }
        bodies
    };
    for (action, fields) in &map.forms {
        for (who, browser) in &browsers {
            let is_somebody = browser.cookie.is_some();
            // Without fields there is nothing to refuse; signing out is what it says.
            let has_no_fields = [
                "/sign-out",
                "/account/recovery-codes",
                "/account/two-step/renew",
                "/admin/mail/test",
                "/admin/policies/announce",
            ]
            .contains(&&**action);
            if is_somebody && has_no_fields {
                continue;
            }
            let action = action.split('/').map(|part| if part.len() == 32 { UNKNOWN } else { part });
            let action = action.collect::<Vec<_>>().join("/");
            for (kind, body) in hostile(fields) {
                let answer = post(browser, &action, kind, body.clone()).await;
                let case = format!("{who}, {action}, {kind:?}, {:.60}", body.escape_ascii().to_string());
                // The set-up has one field, which may be anything: it begins, and that is all.
                let begins = action == "/set-up" && answer.status.as_u16() == 200;
                assert!(!begins || kind == Some(FORM), "{case}");
                if !begins {
                    assert_page_refused(&case, &answer);
                }
            }
        }
    }
    let voided = |dump: &[String]| -> Vec<String> {
        let is_set_up = |line: &&String| line.contains("INTO factor") || line.contains("two_step.set_up_started");
        dump.iter().filter(|line| !is_set_up(line)).cloned().collect()
    };
    assert_same("a hostile form", &voided(&start), &voided(&everything(&portal.world)));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_breaks_over_its_address() {
    let (portal, browsers, map) = lay().await;
    let start = everything(&portal.world);
    let mark: String = MARK.bytes().map(|byte| format!("%{byte:02X}")).collect();
    for (who, browser) in browsers {
        for link in map
            .links
            .iter()
            .filter(|link| !LEAVES_A_TRACE.iter().any(|start| link.starts_with(start)) && !link.starts_with("/assets/"))
        {
            let page = link.split('?').next().unwrap();
            for query in
                ["next=//evil.example", "next=%FF", "done=%00", "before=%FF", "after=1&after=2", "done=1&done=2"]
            {
                let answer = browser.tab().get(&format!("{page}?{query}")).await;
                assert!(answer.status.as_u16() < 500, "{who} {page} {query}: {}", answer.text());
                assert!(!answer.header("location").starts_with("//"), "{who} {page} {query}");
                if answer.status.as_u16() >= 400 {
                    assert_page_refused(&format!("{who} {page} {query}"), &answer);
                }
            }
            for name in ["next", "done", "before", "after"] {
                let answer = browser.tab().get(&format!("{page}?{name}={mark}")).await;
                assert!(answer.status.as_u16() < 500 && !answer.text().contains(MARK), "{who} {page} {name}");
            }
            for method in ["PUT", "DELETE", "PATCH", "FROB"] {
                let answer = browser.door.send(method, page, &[], Vec::new()).await;
                assert_page_refused(&format!("{who} {method} {page}"), &answer);
            }
            for suffix in [&*format!("/{mark}"), "%00", "/", "/../..", "%FF"] {
                let answer = browser.tab().get(&format!("{page}{suffix}")).await;
                assert_page_refused(&format!("{who} {page}{suffix}"), &answer);
            }
            // A signature that is none, beside the cookie.
            let cookie = browser.cookie.clone().unwrap_or_default();
            let headers =
                [("cookie".to_owned(), format!("__Host-session={cookie}")), ("signature".to_owned(), MARK.to_owned())];
            let answer = browser.door.send("GET", page, &headers, Vec::new()).await;
            assert_refused(&format!("{who} {page}, signature"), &answer);
            assert_eq!(answer.status.as_u16(), 400, "{who} {page}");
            // Another site's form.
            let headers = [
                ("cookie".to_owned(), format!("__Host-session={cookie}")),
                ("sec-fetch-site".to_owned(), "cross-site".to_owned()),
                ("content-type".to_owned(), FORM.to_owned()),
            ];
            let answer = browser.door.send("POST", page, &headers, b"version=2&reason=x".to_vec()).await;
            assert_page_refused(&format!("{who} {page}, cross-site"), &answer);
            assert!(answer.text().contains("TL-4012"), "{who} {page}: {}", answer.text());
        }
    }
    assert_same("a hostile address", &start, &everything(&portal.world));
}
