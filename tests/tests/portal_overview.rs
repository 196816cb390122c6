//! Admin → Overview: are we compliant, who is not, what changed, what waits; every number leads to its list.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod support;

use serde_json::json;
use support::*;

/// The text of a page without its tags, in one line.
fn plain(html: &str) -> String {
    let text: Vec<&str> = html.split('<').map(|part| part.split_once('>').map_or(part, |(_, text)| text)).collect();
    text.join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The tile that leads to this list.
fn tile(page: &str, link: &str) -> String {
    let (_, rest) =
        page.split_once(&format!("href=\"/admin/users?status={link}\"")).unwrap_or_else(|| panic!("{link}: {page}"));
    plain(&format!("<a {}", rest.split("</a>").next().unwrap()))
}

#[tokio::test(flavor = "multi_thread")]
async fn b58_the_overview_counts_what_the_facts_say_and_each_number_leads_to_its_list() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    portal.waiting_phone(BO).await;
    let cy = portal.world.member(CY);
    let dee = portal.world.add_member("Dee Dorn", "dee@example.test", "member");
    let eve = portal.world.add_member("Eve Ernst", "eve@example.test", "member");
    portal.world.sql(&format!("UPDATE member SET state = 'suspended' WHERE id = '{eve}'"));
    portal.world.keep_counts();
    let exception = json!({ "until_ms": portal.clock.now_ms() + DAY_MS, "reason": "on <b>leave</b>" });
    ada.put(&format!("/v1/admin/members/{dee}/exception"), &exception).await.expect(204);
    let page = ada.get("/admin").await.expect(200).text();
    assert!(plain(&page).contains("50% 2 of 4 active members have a second factor."), "{}", plain(&page));
    for (link, said) in [
        ("set-up", "2 ✓ Set up"),
        ("sso", "0 ✓ SSO with MFA"),
        ("exception", "1 ◷ Exception"),
        ("grace", "0 ◷ In grace"),
        ("non-compliant", "1 ✕ Without a second factor"),
    ] {
        assert_eq!(tile(&page, link), said);
    }
    // The list of members says the same of each.
    let listed = ada.get("/v1/admin/members").await.value();
    let status =
        |id: &str| listed["members"].as_array().unwrap().iter().find(|m| m["id"] == id).unwrap()["two_step"].clone();
    assert_eq!((status(&cy), status(&dee)), (json!("not_set_up"), json!("exception")));
    // What waits, and what changed, with who did it and why.
    assert!(page.contains("<a href=\"/admin/devices?state=pending\">1 device waits for approval</a>"), "{page}");
    for said in ["Two-step authentication required", "Exception granted", "Device asked for approval", "Dee Dorn"] {
        assert!(page.contains(said), "{said}: {page}");
    }
    assert!(page.contains("<q>on &#60;b&#62;leave&#60;/b&#62;</q>") && !page.contains("<b>leave"), "{page}");
    assert!(page.contains(&format!("href=\"/admin/users/{}\">Ada Admin</a>", portal.world.member(ADA))), "{page}");
    let links: Vec<&str> =
        page.split("href=\"/admin/audit/").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(links.len() >= 3, "{page}");
    for link in links {
        ada.get(&format!("/admin/audit/{link}")).await.expect(200);
    }
    // A deadline is no exception, and a week later it is history.
    ada.change_policy(json!({ "grace_days": 14 }), "").await.expect(200);
    let page = ada.get("/admin").await.text();
    assert_eq!(
        (tile(&page, "grace"), tile(&page, "non-compliant")),
        ("1 ◷ In grace".into(), "0 ✕ Without a second factor".into())
    );
    portal.clock.pass(8 * DAY_MS);
    let mut ada = portal.browser_again(ada).await;
    let page = ada.get("/admin").await.expect(200).text();
    assert!(page.contains("Nothing was changed in the last seven days."), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_admin_proposes_and_a_mail_that_failed_wait_for_an_admin() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    portal.world.sql("UPDATE member SET role = 'admin' WHERE email = 'cy@example.test'");
    let mut cy = portal.browser();
    cy.sign_in(CY).await;
    cy.set_up().await;
    ada.change_policy(json!({ "two_person": true }), "").await.expect(200);
    ada.change_policy(json!({ "two_step": false }), "a pilot ends").await.expect(202);
    let (own, other) = (ada.get("/admin").await.text(), cy.get("/admin").await.text());
    let said = "<a href=\"/admin/policies#proposals\">1 proposal of another admin waits for you</a>";
    assert!(!own.contains(said) && other.contains(said), "{other}");
    assert!(cy.get("/admin/policies").await.text().contains("id=\"proposals\""));
    portal.world.sql("UPDATE outbox SET state = 'failed' WHERE id = (SELECT min(id) FROM outbox)");
    let page = ada.get("/admin").await.text();
    assert!(page.contains("<a href=\"/admin/mail\">1 mail could not be delivered</a>"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_days_are_noted_by_the_running_portal_and_shown_as_a_chart_and_as_a_table() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let days =
        || portal.world.sql("SELECT active || ' ' || compliant || ' ' || exceptions FROM compliance_day ORDER BY day");
    assert_eq!(days(), "");
    portal.state.sweep().await.unwrap();
    portal.state.sweep().await.unwrap();
    assert_eq!(days(), "3 1 0", "once a day");
    assert!(!ada.get("/admin").await.text().contains("<svg"), "a day alone is no development");
    // The policy changes: today is counted anew.
    let mut bo = portal.browser();
    bo.sign_in(BO).await;
    bo.set_up().await;
    ada.change_policy(json!({ "pin_min_length": 8 }), "").await.expect(200);
    portal.state.sweep().await.unwrap();
    assert_eq!(days(), "3 2 0");
    for _ in 0..2 {
        portal.clock.pass(DAY_MS);
        portal.state.sweep().await.unwrap();
    }
    assert_eq!(days().lines().count(), 3);
    let mut ada = portal.browser_again(ada).await;
    let page = ada.get("/admin").await.expect(200).text();
    assert_eq!(page.matches("<rect class=\"part\"").count(), 3, "{page}");
    assert!(!page.contains("style="), "the policy of content forbids it");
    let table = plain(page.split("<details>").nth(1).unwrap().split("</details>").next().unwrap());
    let today = date(portal.clock.now_ms(), "%Y-%m-%d");
    assert!(table.contains(&format!("{today} 3 2 0 66%")), "{table}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_overview_speaks_german_and_is_for_admins() {
    let portal = Portal::start();
    let ada = portal.enforced().await;
    let cookie = format!("__Host-session={}; __Host-language=de", ada.cookie.as_ref().unwrap());
    let headers = [("cookie".to_owned(), cookie), ("sec-fetch-site".to_owned(), "same-origin".to_owned())];
    for (page, said) in [
        ("/admin", "1 von 3 aktiven Mitgliedern haben einen zweiten Faktor."),
        ("/admin/policies", "Zwei-Schritt-Anmeldung verlangen"),
        ("/admin/policies/off", "Die Zwei-Schritt-Anmeldung nicht mehr verlangen?"),
        ("/admin/devices", "Kein Gerät wartet."),
        ("/admin/audit", "Zwei-Schritt-Anmeldung verlangt"),
    ] {
        let answer = portal.door.send("GET", page, &headers, Vec::new()).await;
        let text = answer.expect(200).text();
        assert!(text.contains("<html lang=\"de\"") && text.contains(said), "{page}: {text}");
    }
    portal.world.add_member("Ivy Iden", "ivy@example.test", "auditor");
    let mut ivy = portal.browser();
    ivy.sign_in("ivy@example.test").await;
    ivy.set_up().await;
    ivy.get("/admin").await.expect(403);
}
