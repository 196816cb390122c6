//! The policy's own page: what a save would do, faults beside their fields, two admins at once, and switching off.

use super::*;

/// The form of the policy as the page shows it, as a browser would send it.
fn filled_in(page: &str) -> Vec<(String, String)> {
    let form =
        page.split("<form method=\"post\" action=\"/admin/policies\"").nth(1).unwrap().split("</form>").next().unwrap();
    let value = |tag: &str, name: &str| {
        tag.split(&format!(" {name}=\"")).nth(1).map(|rest| rest.split('"').next().unwrap().to_owned())
    };
    let mut fields = Vec::new();
    for tag in form.split("<input").skip(1).map(|rest| rest.split('>').next().unwrap()) {
        let is_sent = !tag.contains("type=\"checkbox\"") || tag.contains(" checked");
        if is_sent {
            fields.push((value(tag, "name").unwrap(), value(tag, "value").unwrap()));
        }
    }
    for select in form.split("<select").skip(1) {
        let chosen = select.split("<option").find(|option| option.split('>').next().unwrap().contains(" selected"));
        fields.push((value(select, "name").unwrap(), value(chosen.unwrap(), "value").unwrap()));
    }
    fields
}

fn set(fields: &mut Vec<(String, String)>, name: &str, value: Option<&str>) {
    fields.retain(|(of, _)| of != name);
    fields.extend(value.map(|value| (name.to_owned(), value.to_owned())));
}

async fn send(browser: &mut Browser, fields: &[(String, String)]) -> Answer {
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    browser.form("/admin/policies", &fields).await
}

#[tokio::test(flavor = "multi_thread")]
async fn b01_the_page_saved_as_it_is_changes_nothing_and_saved_with_changes_all_of_them() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    // Times that are no whole minutes are not rounded by looking at them.
    ada.change_policy(json!({ "idle_ms": 90_500, "min_app": "1.2.0" }), "").await.expect(200);
    let before = ada.policy().await;
    let mut fields = filled_in(&ada.get("/admin/policies").await.expect(200).text());
    assert_eq!(send(&mut ada, &fields).await.expect(303).header("location"), "/admin/policies?done=saved");
    assert_eq!(ada.policy().await, before);
    for (name, value) in [
        ("grace_days", "7"),
        ("pin_min_length", "8"),
        ("pin_max_tries", "5"),
        ("code_max_tries", "6"),
        ("code_days", "14"),
        ("idle_minutes", "30"),
        ("session_hours", "8"),
        ("device_approval", "first_free"),
        ("first_factor", "mail"),
        ("min_app", "2.0.0"),
        ("two_person", "on"),
    ] {
        set(&mut fields, name, Some(value));
    }
    send(&mut ada, &fields).await.expect(303);
    let wanted = json!({
        "two_step": true, "grace_days": 7, "pin_min_length": 8, "pin_max_tries": 5, "code_max_tries": 6, "code_days": 14,
        "idle_ms": 30 * MINUTE_MS, "session_ms": 8 * HOUR_MS, "device_approval": "first_free", "min_app": "2.0.0",
        "two_person": true, "first_factor": "mail",
    });
    assert_eq!(ada.policy().await["requires"], wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_out_of_range_is_said_beside_its_field_and_nothing_typed_is_lost() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let before = ada.policy().await;
    let shown = filled_in(&ada.get("/admin/policies").await.text());
    for (name, value, said) in [
        ("pin_min_length", "4", "From 6 to 12."),
        ("session_hours", "25", "From 1 to 24."),
        ("idle_minutes", "soon", "From 0 to 60."),
        ("min_app", "new\"><b>", "Write a version as three numbers"),
    ] {
        let mut fields = shown.clone();
        set(&mut fields, name, Some(value));
        set(&mut fields, "reason", Some("kept & safe"));
        let page = send(&mut ada, &fields).await.expect(422).text();
        assert!(page.contains("<title>Error: Security policy"), "{page}");
        let field = page.split(&format!("id=\"{name}\"")).nth(1).unwrap().split('>').next().unwrap();
        assert!(field.contains("aria-invalid=\"true\"") && field.contains(" fault\""), "{name}: {field}");
        let fault = page.split("id=\"fault\">").nth(1).unwrap().split('<').next().unwrap();
        assert!(fault.contains(said), "{name}: {fault}");
        assert!(page.contains("kept &#38; safe</textarea>") && !page.contains("<b>"), "{page}");
    }
    assert_eq!(ada.policy().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn b02_the_second_admin_sees_what_changed_and_by_whom_and_keeps_what_was_typed() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    portal.world.sql("UPDATE member SET role = 'admin' WHERE email = 'cy@example.test'");
    let mut cy = portal.browser();
    cy.sign_in(CY).await;
    cy.set_up().await;
    // Both open the page; Cy saves first.
    let mut of_ada = filled_in(&ada.get("/admin/policies").await.text());
    cy.change_policy(json!({ "grace_days": 7, "pin_max_tries": 5 }), "a <pilot>").await.expect(200);
    set(&mut of_ada, "pin_min_length", Some("8"));
    set(&mut of_ada, "pin_max_tries", Some("4"));
    set(&mut of_ada, "reason", Some("mine"));
    let page = send(&mut ada, &of_ada).await.expect(422).text();
    assert!(page.contains("Somebody else changed the policy meanwhile."), "{page}");
    let (meanwhile, unsaved) = page.split_once("Your changes, not saved yet").unwrap();
    for said in ["Cy Castle, ", "Days to set it up: 0 → 7", "Wrong PINs in a row: 8 → 5", "<q>a &#60;pilot&#62;</q>"]
    {
        assert!(meanwhile.contains(said), "{said}: {page}");
    }
    let unsaved = unsaved.split("</ul>").next().unwrap();
    assert!(unsaved.contains("Digits of a PIN at least: 6 → 8"), "{unsaved}");
    assert!(unsaved.contains("Wrong PINs in a row: 5 → 4") && !unsaved.contains("Days"), "{unsaved}");
    assert!(page.contains(">mine</textarea>"), "{page}");
    // The form now holds both; saved again, nobody's change is lost.
    let mut merged = filled_in(&page);
    set(&mut merged, "reason", Some("mine"));
    send(&mut ada, &merged).await.expect(303);
    let requires = ada.policy().await["requires"].clone();
    let rules = ["grace_days", "pin_min_length", "pin_max_tries"].map(|rule| requires[rule].as_u64().unwrap());
    assert_eq!(rules, [7, 8, 4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn b08_off_is_a_page_with_its_consequences_that_takes_a_reason_and_a_fresh_code() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    portal.clock.pass(11 * MINUTE_MS);
    // The code is asked for before anything is typed, and leads back.
    let answer = ada.get("/admin/policies/off").await;
    assert_eq!(answer.expect(303).header("location"), "/code?next=%2Fadmin%2Fpolicies%2Foff");
    ada.enter_code().await;
    let page = ada.get("/admin/policies/off").await.expect(200).text();
    for said in [
        "This opens a gap unless another second factor is in place",
        "2 members no longer have to set it up",
        "Bo Brandt",
        "1 member who set it up is still asked",
        "/admin/users?status=no-authenticator",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
    let mut fields = filled_in(&page);
    set(&mut fields, "reason", Some(" "));
    let refused = send(&mut ada, &fields).await.expect(422).text();
    assert!(refused.contains("This opens a gap. Write down why") && refused.contains("name=\"off\""), "{refused}");
    set(&mut fields, "reason", Some("SSO with MFA is in place"));
    send(&mut ada, &fields).await.expect(303);
    assert_eq!(ada.policy().await["requires"]["two_step"], false);
    let told = &portal.world.audit_details("policy.two_step_not_required")[0];
    assert_eq!((&told["before"]["two_step"], &told["after"]["two_step"]), (&json!(true), &json!(false)));
    assert_eq!(told["reason"], "SSO with MFA is in place");
    // There is nothing to turn off any more.
    assert_eq!(ada.get("/admin/policies/off").await.expect(303).header("location"), "/admin/policies");
}

#[tokio::test(flavor = "multi_thread")]
async fn b03_what_a_save_would_do_is_said_before_it() {
    let portal = Portal::start();
    let mut ada = admin(&portal).await;
    for n in 0..12 {
        portal.world.add_member(&format!("Zoe {n:02}"), &format!("zoe{n}@example.test"), "member");
    }
    portal.world.sql("UPDATE member SET email = 'nobody' WHERE name = 'Zoe 03'");
    let page = ada.get("/admin/policies").await.expect(200).text();
    for said in [
        "0 active members are set up; 15 are led to the set-up",
        "You are not set up yourself: saving leads you to the set-up at once",
        "1 member cannot be reached by mail.",
        ">Bo Brandt</a>",
        "and 5 more",
        "href=\"/admin/users?status=no-authenticator\"",
        "href=\"/admin/policies/announce\"",
        "There is 1 active admin.",
        "the operator has to add another first",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
    assert!(!page.contains("/admin/policies/off"), "there is nothing to turn off");
    ada.require_two_step().await;
    ada.set_up().await;
    let page = ada.get("/admin/policies").await.text();
    assert!(page.contains("You are set up yourself and stay in.") && page.contains("/admin/policies/off"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_shows_the_exceptions_that_end_first_and_leads_to_all() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let (organisation, until_ms) = (&portal.world.organisation, portal.clock.now_ms() + DAY_MS);
    let add = |numbers: std::ops::Range<u64>| {
        for n in numbers {
            portal.world.sql(&format!(
                "INSERT INTO member (organisation, id, name, email, role, state, password, password_fails, created_ms)
                VALUES ('{organisation}', 'x{n}', 'Member {n}', 'x{n}@example.test', 'member', 'active', '', 0, 1);
                INSERT INTO two_step_exception (organisation, member, until_ms, reason, made_by, made_ms)
                VALUES ('{organisation}', 'x{n}', {until_ms} + {n}, 'why', '', 1)"
            ));
        }
        portal.world.keep_counts();
    };
    let exceptions = |page: &str| page.split("id=\"exceptions\"").nth(1).unwrap().to_owned();
    let all = "href=\"/admin/users?status=exception\"";
    add(0..50);
    let shown = exceptions(&ada.get("/admin/policies").await.expect(200).text());
    assert!(shown.contains("/admin/users/x0\"") && shown.contains("/admin/users/x49\"") && !shown.contains(all));
    add(50..51);
    let shown = exceptions(&ada.get("/admin/policies").await.expect(200).text());
    assert!(shown.contains("/admin/users/x49\"") && !shown.contains("/admin/users/x50\"") && shown.contains(all));
}
