//! Whom a provider's subject is.

use crate::provider::{Stage, person};
use crate::support::*;
use serde_json::json;

const REFUSED: &str = "did not confirm you";

fn reasons(stage: &Stage) -> Vec<String> {
    let details = stage.world.audit_details("sso.refused");
    details.iter().map(|detail| detail["reason"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_first_time_on_the_subject_alone_decides() {
    let mut stage = Stage::start(&json!({ "first": person("  BO@Example.test ", &["mfa"]) }), &[]).await;
    let (tab, answer) = stage.sign_in("first").await;
    answer.expect(303);
    assert!(
        tab.browser().get("/account").await.text().contains("Bo Brandt"),
        "found as at the sign-in with a password"
    );
    // Bo's account there is renamed to Cy: it stays Bo's here.
    stage.provider.change_users(&json!({ "first": person(CY, &["mfa"]), "second": person(BO, &["mfa"]) }));
    let (tab, answer) = stage.sign_in("first").await;
    answer.expect(303);
    assert!(tab.browser().get("/account").await.text().contains("Bo Brandt"));
    // Somebody else gets Bo's address there: he does not become Bo.
    let before = stage.sessions();
    let (tab, answer) = stage.sign_in("second").await;
    assert!(answer.expect(403).text().contains(REFUSED), "{}", answer.text());
    assert!(!tab.cookies.contains_key("__Host-session"));
    assert_eq!(stage.sessions(), before);
    assert_eq!(reasons(&stage), ["second_subject"]);
    assert_eq!(stage.world.sql("SELECT count(*) FROM sso_link"), "1");
    // The operator may forget the link: then the name decides again, once.
    let organisation = stage.world.organisation.clone();
    stage.world.run(&["admin", "sso", "unlink", &organisation, "--email", BO], "");
    stage.world.expect_kept_counts();
    stage.sign_in("second").await.1.expect(303);
    assert_eq!(stage.world.audited("sso.unlinked"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_created_and_an_address_has_to_be_verified() {
    let users = json!({
        "stranger": person("zoe@example.test", &["mfa"]),
        "unverified": { "email": BO, "email_verified": false, "amr": ["mfa"] },
        "unsaid": { "email": BO, "amr": ["mfa"] },
        "nameless": { "preferred_username": BO, "amr": ["mfa"] },
    });
    let stage = Stage::start(&users, &[]).await;
    let members = stage.world.sql("SELECT count(*) FROM member");
    let expected = [
        ("stranger", "no_member"),
        ("unverified", "email_unverified"),
        ("unsaid", "email_unverified"),
        ("nameless", "no_name_claim"),
    ];
    for (login, _) in expected {
        let (tab, answer) = stage.sign_in(login).await;
        let text = answer.expect(403).text();
        assert!(text.contains(REFUSED) && text.contains("Try again"), "{login}: {text}");
        assert!(!text.contains("email") && !text.contains("claim"), "no detail of the protocol: {text}");
        assert!(!tab.cookies.contains_key("__Host-session"), "{login}");
    }
    assert_eq!(reasons(&stage), expected.map(|(_, reason)| reason));
    let counts = ["session", "sso_link"].map(|table| stage.world.sql(&format!("SELECT count(*) FROM {table}")));
    assert_eq!(counts, ["0", "0"]);
    assert_eq!(stage.world.sql("SELECT count(*) FROM member"), members);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_of_another_organisation_is_not_found_by_name() {
    let stage = Stage::start(&json!({ "kim": person("kim@example.test", &["mfa"]) }), &[]).await;
    let elsewhere = stage.world.run(&["admin", "create-organisation", "--name", "Elsewhere"], "");
    let arguments =
        ["admin", "add-member", "--organisation", &elsewhere, "--name", "Kim", "--email", "kim@example.test"];
    stage.world.run(&arguments, PASSWORD);
    let (_, answer) = stage.sign_in("kim").await;
    answer.expect(403);
    assert_eq!((stage.sessions().as_str(), reasons(&stage)), ("0", vec!["no_member".to_owned()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preferred_username_counts_where_the_operator_says_so_and_in_the_token_too() {
    // Providers that put all claims into the ID token, and those that keep to Core 5.4.
    for in_token in [true, false] {
        let user = json!({ "preferred_username": "Bo@example.test", "amr": ["mfa"], "in_token": in_token });
        let stage = Stage::start(&json!({ "bo": user }), &["--name-claim", "preferred_username"]).await;
        let (tab, answer) = stage.sign_in("bo").await;
        answer.expect(303);
        assert!(tab.browser().get("/account").await.text().contains("Bo Brandt"), "{in_token}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_member_is_refused_as_with_the_password() {
    let stage = Stage::start(&json!({ "bo": person(BO, &["mfa"]), "cy": person(CY, &["mfa"]) }), &[]).await;
    stage.sign_in("bo").await.1.expect(303);
    stage.world.sql("UPDATE member SET state = 'suspended' WHERE role = 'member'");
    let before = stage.sessions();
    // Linked before, and never seen.
    for login in ["bo", "cy"] {
        let (tab, answer) = stage.sign_in(login).await;
        assert!(answer.expect(403).text().contains("This account is suspended"), "{}", answer.text());
        assert!(!tab.cookies.contains_key("__Host-session"));
    }
    assert_eq!(reasons(&stage), ["suspended", "suspended"]);
    assert_eq!((stage.sessions(), stage.world.sql("SELECT count(*) FROM sso_link")), (before, "1".to_owned()));
}
