//! What the operator sets, and what follows from changing it.

use crate::provider::{CLIENT_ID, CLIENT_SECRET, Stage, person, set};
use crate::support::*;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_sets_shows_and_removes_a_provider_and_each_is_audited_without_the_secret() {
    let world = World::new();
    let organisation = world.organisation.clone();
    let said: Value = serde_json::from_str(&set(&world, "https://idp.example/tenant", &[])).unwrap();
    assert_eq!(said["redirect_uri"], "https://portal.test/sign-in/sso/callback");
    assert_eq!(said["sign_in_link"], format!("https://portal.test/sign-in/sso/{organisation}"));
    assert_eq!(
        (&said["mfa_amr"], &said["mfa_acr"], &said["name_claim"]),
        (&json!(["mfa"]), &json!([]), &json!("email"))
    );
    let more = ["--mfa-amr", "hwk, swk", "--mfa-acr", "urn:a,urn:b", "--name-claim", "preferred_username"];
    set(&world, "https://idp.example/other", &more);
    let shown: Value = serde_json::from_str(&world.run(&["admin", "sso", "show", &organisation], "")).unwrap();
    let after = json!({
        "issuer": "https://idp.example/other", "client_id": CLIENT_ID, "mfa_amr": ["hwk", "swk"],
        "mfa_acr": ["urn:a", "urn:b"], "name_claim": "preferred_username",
    });
    for (name, value) in after.as_object().unwrap() {
        assert_eq!(shown[name], *value);
    }
    let changes = world.audit_details("sso.set");
    assert_eq!(changes[0]["before"], Value::Null);
    assert_eq!(changes[1]["before"]["issuer"], "https://idp.example/tenant");
    assert_eq!(changes[1]["after"], after);
    world.run(&["admin", "sso", "remove", &organisation], "");
    assert_eq!(world.audit_details("sso.removed"), [json!({ "before": after })]);
    let all = world.database.dump_all_but(&[]).unwrap().join("\n");
    assert!(!all.contains(CLIENT_SECRET) && !shown.to_string().contains(CLIENT_SECRET));
    for missing in [["show", organisation.as_str()], ["remove", &organisation], ["show", "nobody"]] {
        let output = program::run(world.command(&[&["admin", "sso"], &missing[..]].concat()), "");
        assert!(!output.status.success(), "{missing:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_cannot_be_right_are_refused_by_name() {
    let world = World::new();
    let secret = world.folder.path().join("secret");
    std::fs::write(&secret, "x").unwrap();
    let (empty, none) = (world.folder.path().join("empty"), world.folder.path().join("none"));
    std::fs::write(&empty, "\n").unwrap();
    let refused = |organisation: &str, issuer: &str, secret: &std::path::Path| {
        let mut arguments = vec!["admin", "sso", "set", organisation, "--issuer", issuer, "--client-id", "id"];
        arguments.extend(["--client-secret-file", secret.to_str().unwrap()]);
        let output = program::run(world.command(&arguments), "");
        assert!(!output.status.success(), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let own = &world.organisation;
    for issuer in
        ["http://idp.example", "https://idp.example?a=b", "https://idp.example#a", "https://u:p@idp.example", "x"]
    {
        let said = refused(own, issuer, &secret);
        assert!(said.contains("--issuer"), "{issuer}: {said}");
    }
    assert!(refused(own, "https://idp.example", &empty).contains("holds no secret"));
    assert!(refused(own, "https://idp.example", &none).contains("none"));
    assert!(refused("nobody", "https://idp.example", &secret).contains("nothing of that kind"));
    assert_eq!(world.sql("SELECT count(*) FROM identity_provider"), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn b10_what_was_asserted_counts_no_more_once_the_operator_changes_or_removes_the_provider() {
    let stage = Stage::start(&json!({ "bo": person(BO, &["mfa"]) }), &[]).await;
    let mut ada = stage.enforced().await;
    let (tab, _) = stage.sign_in("bo").await;
    let mut bo = tab.browser();
    assert_eq!(bo.step().await, "ready");
    set(&stage.world, &stage.provider.issuer, &["--mfa-amr", "hwk"]);
    assert_eq!(bo.step().await, "set_up_two_step", "the next request of an open session");
    assert_eq!(stage.status(&mut ada, BO).await["two_step"], "not_set_up", "by the former settings is no status");
    stage.world.expect_kept_counts();
    let (tab, _) = stage.sign_in("bo").await;
    assert_eq!(tab.browser().step().await, "set_up_two_step");
    set(&stage.world, &stage.provider.issuer, &[]);
    let (tab, _) = stage.sign_in("bo").await;
    let mut bo = tab.browser();
    assert_eq!(bo.step().await, "ready");
    stage.world.expect_kept_counts();
    assert_eq!(stage.world.sql(&format!("SELECT shelf FROM member WHERE email = '{BO}'")), "33");
    // A sign-in that is under way while the settings change.
    let mut under_way = stage.tab();
    let url = under_way.leave(&stage.entrance()).await;
    let back = under_way.authenticate(url, "bo").await;
    let organisation = stage.world.organisation.clone();
    stage.world.run(&["admin", "sso", "remove", &organisation], "");
    stage.world.expect_kept_counts();
    assert_eq!(bo.step().await, "set_up_two_step");
    under_way.open(&back).await.expect(403);
    assert_eq!(stage.world.audit_details("sso.refused"), [json!({ "reason": "settings_changed" })]);
    stage.tab().open(&stage.entrance()).await.expect(404);
    assert_eq!(stage.status(&mut ada, BO).await["two_step"], "not_set_up");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sign_in_page_offers_what_there_is() {
    let portal = Portal::start();
    let offers = async || portal.door.get("/sign-in?next=%2Faccount").await.text();
    assert!(!offers().await.contains("Sign in with your organisation"));
    set(&portal.world, "https://idp.example", &[]);
    let own = portal.world.organisation.clone();
    assert!(offers().await.contains(&format!("href=\"/sign-in/sso/{own}?next=%2Faccount\"")), "{}", offers().await);
    // With a second organisation the member says which; neither is listed to strangers.
    portal.world.run(&["admin", "create-organisation", "--name", "Elsewhere"], "");
    let page = offers().await;
    assert!(page.contains("href=\"/sign-in/sso?next=%2Faccount\"") && !page.contains(&own), "{page}");
    let asked = async |name: &str| portal.door.get(&format!("/sign-in/sso?next=%2Faccount&organisation={name}")).await;
    let found = asked("%20harbour%20%26%20S%C3%96HNE").await;
    assert!(
        found.expect(200).text().contains(&format!("href=\"/sign-in/sso/{own}?next=%2Faccount\"")),
        "{}",
        found.text()
    );
    for unknown in ["Elsewhere", "Harbour", "%25", "x%3Cscript%3E"] {
        let text = asked(unknown).await.expect(404).text();
        assert!(text.contains("No organisation of this name") && !text.contains(&own), "{text}");
        assert!(!text.contains("x<script"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b27_sign_ins_by_the_provider_share_the_limit_of_a_network() {
    let portal = Portal::start_with(|config, _| config.sign_ins_a_minute = 3);
    set(&portal.world, "https://localhost:1", &[]);
    let entrance = format!("/sign-in/sso/{}", portal.world.organisation);
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(portal.door.get(&entrance).await.status.as_u16());
    }
    assert_eq!(statuses, [503, 503, 503, 429, 429]);
    let mut bo = portal.browser();
    bo.try_sign_in(BO, PASSWORD).await.expect(429);
}
