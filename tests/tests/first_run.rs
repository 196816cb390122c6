//! The first run: from an empty folder to an admin with two-step authentication; and how the operator lets somebody in again.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod support;

use support::program::Served;
use support::*;
use tempfile::TempDir;
use twinlock_tests::database::Database;

const FORM: [(&str, &str); 5] = [
    ("organisation", "Harbour & Söhne"),
    ("name", "Ada Admin"),
    ("email", ADA),
    ("password", PASSWORD),
    ("repeated", PASSWORD),
];

/// A folder in which nothing is.
fn empty() -> World {
    let folder: TempDir = tempfile::tempdir().unwrap();
    let database = Database::empty(folder.path().join("data").join("portal.db")).unwrap();
    World { database, folder, organisation: String::new(), file: String::new() }
}

/// The path of the link that the portal printed.
fn printed(text: &str) -> String {
    let start = format!("https://{AUTHORITY}");
    let link = text.split_whitespace().find(|word| word.starts_with(&format!("{start}/first-run/")));
    link.unwrap_or_else(|| panic!("no link: {text}")).strip_prefix(&start).unwrap().to_owned()
}

fn with(name: &str, value: &'static str) -> Vec<(&'static str, &'static str)> {
    FORM.iter().map(|(field, typed)| (*field, if *field == name { value } else { *typed })).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_folder_becomes_a_portal_with_an_admin_who_is_set_up() {
    let world = empty();
    let portal = Served::start(&world).await;
    let path = printed(&portal.errors());
    let mut ada = portal.browser();
    let page = ada.get(&path).await.expect(200).text();
    assert!(page.contains("Welcome to Twinlock") && page.contains(&format!("action=\"{path}\"")), "{page}");
    // What was typed stays, but for the password; and nothing was made.
    for (field, value, said) in [
        ("organisation", " ", "Give it a name"),
        ("name", " ", "Type your name"),
        ("email", "nobody", "no e-mail address"),
        ("password", "short", "it needs at least 15"),
        ("password", "aaaaaaaaaaaaaaaa", "too easy to guess"),
        ("repeated", "another quiet lantern", "The two passwords differ"),
    ] {
        let page = ada.form(&path, &with(field, value)).await.expect(422).text();
        assert!(page.contains(said) && page.contains("role=\"alert\"") && !page.contains(PASSWORD), "{field}: {page}");
        assert_eq!(world.sql("SELECT count(*) FROM organisation"), "0");
    }
    let answer = ada.form(&path, &FORM).await;
    assert_eq!(answer.expect(303).header("location"), "/set-up?next=%2Fadmin");
    ada.get("/set-up?next=%2Fadmin").await.expect(200);
    ada.set_up().await;
    ada.get("/admin").await.expect(200);
    ada.require_two_step().await;
    assert_eq!(world.sql("SELECT role, state FROM member"), "admin|active");
    assert_eq!(world.audited("organisation.created"), 1);

    // Once, and for nobody else.
    let mut eve = portal.browser();
    eve.get(&path).await.expect(404);
    let page = eve.form(&path, &with("email", "eve@example.test")).await.expect(404).text();
    assert!(page.contains("This link is over"), "{page}");
    assert_eq!(world.sql("SELECT count(*) FROM member"), "1");
    let refused = program::run(world.command(&["admin", "first-run-link"]), "");
    assert!(!refused.status.success(), "{refused:?}");
    // Neither the link nor the password is in the log or at rest.
    let token = path.strip_prefix("/first-run/").unwrap();
    for text in [portal.log(), world.dump("first_run_link"), world.dump("audit_entry")] {
        assert!(!text.contains(token) && !text.contains(PASSWORD), "{text}");
    }
    assert!(portal.log().contains("\"/first-run/\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_works_for_fifteen_minutes_and_a_new_one_voids_it() {
    let world = empty();
    let portal = Served::start(&world).await;
    let first = printed(&portal.errors());
    let second = printed(&world.run(&["admin", "first-run-link"], ""));
    let mut somebody = portal.browser();
    somebody.get(&first).await.expect(404);
    somebody.form(&first, &FORM).await.expect(404);
    somebody.get(&second).await.expect(200);
    assert!(!world.dump("first_run_link").contains(second.strip_prefix("/first-run/").unwrap()));
    let left_ms = world.sql("SELECT expires_ms FROM first_run_link").parse::<u64>().unwrap() - system_now_ms();
    assert!(left_ms <= 15 * MINUTE_MS && left_ms > 14 * MINUTE_MS, "{left_ms}");
    world.sql(&format!("UPDATE first_run_link SET expires_ms = {}", system_now_ms()));
    somebody.get(&second).await.expect(404);
    somebody.form(&second, &FORM).await.expect(404);
    assert_eq!(world.sql("SELECT count(*) FROM organisation"), "0");
}

/// Two who send the form at once: one organisation.
#[tokio::test(flavor = "multi_thread")]
async fn two_at_once_make_one_organisation() {
    let world = empty();
    let portal = Served::start(&world).await;
    let path = printed(&portal.errors());
    let (mut ada, mut eve) = (portal.browser(), portal.browser());
    let form = with("email", "eve@example.test");
    let (left, right) = tokio::join!(ada.form(&path, &FORM), eve.form(&path, &form));
    let mut statuses = [left.status.as_u16(), right.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 404]);
    assert_eq!(world.sql("SELECT count(*) FROM organisation"), "1");
    assert_eq!(world.sql("SELECT count(*) FROM member"), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_portal_with_an_organisation_prints_no_link() {
    let world = World::new();
    let portal = Served::start(&world).await;
    assert!(!portal.errors().contains("/first-run/"), "{}", portal.errors());
}

#[tokio::test(flavor = "multi_thread")]
async fn b62_the_operator_resets_and_reinstates_the_only_admin_and_both_are_audited() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    portal.clock.pass(STEP_MS);
    let authenticator = ada.authenticator.take().unwrap();
    let desktop = portal.ready_desktop(&mut ada, ADA, authenticator).await;
    let rescue = |what: &str, email: &str| {
        let arguments = ["rescue", what, "--email", email, "--reason", "phone lost; seen in person"];
        program::run(portal.world.command(&arguments), "")
    };
    assert!(!rescue("reset-two-step", "nobody@example.test").status.success());
    assert!(rescue("reset-two-step", ADA).status.success());
    assert_eq!(ada.get("/files").await.expect(303).header("location"), "/sign-in?next=%2Ffiles");
    let detail = &portal.world.audit_details("two_step.reset")[0];
    assert_eq!(detail["reason"], "phone lost; seen in person");
    assert_eq!((&detail["factors"], &detail["devices"]), (&1.into(), &1.into()));
    assert_eq!(portal.world.sql(&format!("SELECT state FROM device WHERE id = '{}'", desktop.device_id())), "revoked");
    assert_eq!(portal.world.sql("SELECT count(*) FROM outbox WHERE kind = 'reset'"), "1");
    // The requirement stays: the way leads to the set-up.
    let mut again = portal.browser();
    again.sign_in(ADA).await;
    assert_eq!(again.step().await, "set_up_two_step");

    assert!(!rescue("reinstate", ADA).status.success(), "nothing is to be lifted");
    portal.world.sql(&format!("UPDATE member SET state = 'suspended' WHERE email = '{ADA}'"));
    portal.browser().try_sign_in(ADA, PASSWORD).await.expect(403);
    assert!(rescue("reinstate", ADA).status.success());
    portal.browser().try_sign_in(ADA, PASSWORD).await.expect(303);
    assert_eq!(portal.world.audit_details("member.reinstated")[0]["reason"], "phone lost; seen in person");
    let no_reason = ["rescue", "reinstate", "--email", ADA, "--reason", " "];
    assert!(!program::run(portal.world.command(&no_reason), "").status.success());
}
