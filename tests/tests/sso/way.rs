//! The way to the provider and back: one browser, once, to a page of ours.

use crate::provider::{CLIENT_SECRET, Stage, person};
use crate::support::*;
use serde_json::json;

fn bo() -> serde_json::Value {
    json!({ "bo": person(BO, &["mfa"]) })
}

#[tokio::test(flavor = "multi_thread")]
async fn b32_a_sign_in_that_was_begun_in_another_browser_signs_nobody_in() {
    let stage = Stage::start(&bo(), &[]).await;
    // Somebody signs in as himself as far as the last step, and hands that link to another person (login CSRF).
    let mut attacker = stage.tab();
    let url = attacker.leave(&stage.entrance()).await;
    let back = attacker.authenticate(url, "bo").await;
    let mut victim = stage.tab();
    victim.open(&back).await.expect(403);
    // Also one who has a sign-in of her own under way.
    victim.leave(&stage.entrance()).await;
    victim.open(&back).await.expect(403);
    assert!(!victim.cookies.contains_key("__Host-session"));
    assert_eq!(stage.sessions(), "0");
    // It was not used up by that: the one who began it finishes it, once.
    assert_eq!(attacker.open(&back).await.expect(303).header("location"), "/files");
    assert_eq!(stage.sessions(), "1");
    attacker.open(&back).await.expect(403);
    assert_eq!(stage.sessions(), "1", "a callback is worth one session");
    assert_eq!(stage.world.sql("SELECT count(*) FROM sso_attempt WHERE next = '/files'"), "1", "the victim's own");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tabs_of_one_browser_may_both_finish_and_two_at_once_make_one_session() {
    let stage = Stage::start(&bo(), &[]).await;
    let mut tab = stage.tab();
    let (first, second) = (tab.leave(&stage.entrance()).await, tab.leave(&stage.entrance()).await);
    let first = tab.authenticate(first, "bo").await;
    let cookie = tab.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
    let headers = [("cookie".to_owned(), cookie)];
    let (one, other) = tokio::join!(
        stage.portal.door.send("GET", &first, &headers, Vec::new()),
        stage.portal.door.send("GET", &first, &headers, Vec::new())
    );
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!((statuses, stage.sessions()), ([303, 403], "1".to_owned()));
    let second = tab.authenticate(second, "bo").await;
    tab.open(&second).await.expect(303);
    assert_eq!(stage.sessions(), "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn b06_it_leads_to_the_page_first_asked_for_and_never_to_another_site() {
    let stage = Stage::start(&bo(), &[]).await;
    let mut tab = stage.tab();
    let led = tab.open("/account?done=codes").await.expect(303).header("location").to_owned();
    let page = tab.open(&led).await.text();
    let link = page.split("class=\"button\" href=\"").nth(1).unwrap().split('"').next().unwrap();
    let link = link.replace("&amp;", "&").replace("&#38;", "&");
    let answer = tab.sign_in(&link, "bo").await;
    assert_eq!(answer.expect(303).header("location"), "/account?done=codes");
    for hostile in ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"] {
        let mut tab = stage.tab();
        let answer = tab.sign_in(&format!("{}?next={hostile}", stage.entrance()), "bo").await;
        assert_eq!(answer.expect(303).header("location"), "/files", "{hostile}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_passes_by_is_neither_logged_nor_kept() {
    let stage = Stage::start(&bo(), &[]).await;
    let mut tab = stage.tab();
    let url = tab.leave(&stage.entrance()).await;
    let in_query = |name: &str| url.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned();
    assert_eq!((in_query("response_type"), in_query("code_challenge_method")), ("code".to_owned(), "S256".to_owned()));
    let (state, nonce) = (in_query("state"), in_query("nonce"));
    let kept = stage.world.dump("sso_attempt");
    for secret in [&state, &nonce, &tab.cookies["__Host-sso"]] {
        assert!(!kept.contains(secret.as_str()), "{kept}");
    }
    let back = tab.authenticate(url, "bo").await;
    let code = back.split("code=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    assert!(code.len() > 20);
    tab.open(&back).await.expect(303);
    tab.open(&back).await.expect(403);
    let all = stage.portal.log() + &stage.world.database.dump_all_but(&[]).unwrap().join("\n");
    assert!(all.contains("/sign-in/sso/callback"));
    let session = &tab.cookies["__Host-session"];
    for secret in [&state, &nonce, &code, session, &tab.cookies["__Host-sso"], &CLIENT_SECRET.to_owned()] {
        assert!(!all.contains(secret.as_str()), "{secret} is in the log or in the database");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn new_signing_keys_of_the_provider_hold_without_a_restart() {
    let mut stage = Stage::start(&bo(), &[]).await;
    stage.sign_in("bo").await.1.expect(303);
    stage.provider.rotate_keys();
    stage.sign_in("bo").await.1.expect(303);
    stage.sign_in("bo").await.1.expect(303);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_at_the_provider_ends_on_a_page_that_says_what_to_do() {
    let stage = Stage::start(&bo(), &[]).await;
    let mut tab = stage.tab();
    let answer = tab.sign_in(&format!("{}?next=/account", stage.entrance()), "").await;
    let text = answer.expect(403).text();
    assert!(text.contains("href=\"/sign-in?next=%2Faccount\""), "the page first asked for is not lost: {text}");
    assert!(
        text.contains("did not confirm you") && text.contains(&format!("{}?next=%2Faccount", stage.entrance())),
        "{text}"
    );
    assert!(!text.contains("access_denied"), "{text}");
    assert!(!tab.cookies.contains_key("__Host-session"));
    assert_eq!(stage.world.audit_details("sso.refused"), [json!({ "reason": "provider_error" })]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_down_is_named_so_and_the_password_still_works() {
    let mut stage = Stage::start(&bo(), &[]).await;
    let mut tab = stage.tab();
    let url = tab.leave(&stage.entrance()).await;
    let back = tab.authenticate(url, "bo").await;
    stage.provider.stop();
    let text = tab.open(&back).await.expect(503).text();
    assert!(text.contains("does not answer"), "{text}");
    let mut bo = stage.portal.browser();
    bo.sign_in(BO).await;
    bo.get("/files").await.expect(200);
    // And where the portal has not heard of it yet.
    let roots = stage.world.folder.path().join("provider-roots.pem");
    let settings = [("TWINLOCK_PROVIDER_ROOTS", roots.to_str().unwrap())];
    let fresh = program::Served::start_with(&stage.world, &settings).await;
    let answer = fresh.door.get(&stage.entrance()).await;
    assert!(answer.expect(503).text().contains("sign in with your password"), "{}", answer.text());
    assert_eq!(stage.world.sql("SELECT count(*) FROM sso_attempt"), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_whose_certificate_is_of_no_known_root_is_not_asked() {
    let stage = Stage::start(&bo(), &[]).await;
    let roots = stage.world.folder.path().join("other-roots.pem");
    std::fs::write(&roots, crate::provider::Certificates::make().root).unwrap();
    let settings = [("TWINLOCK_PROVIDER_ROOTS", roots.to_str().unwrap())];
    let portal = program::Served::start_with(&stage.world, &settings).await;
    portal.door.get(&stage.entrance()).await.expect(503);
}
