//! The announcement: to whom, how often, and only where it is still needed.

use crate::server::{MailServer, serve};
use crate::support::program::free_port;
use crate::support::*;
use serde_json::json;
use std::time::Duration;

const PAGE: &str = "/admin/policies/announce";

#[tokio::test(flavor = "multi_thread")]
async fn an_announcement_goes_to_whoever_is_not_set_up_once_in_24_hours() {
    let portal = Portal::start();
    let mut ada = portal.browser();
    ada.sign_in(ADA).await;
    ada.set_up().await;
    let page = ada.get(PAGE).await.expect(200).text();
    assert!(page.contains("2 members get it.") && page.contains("Google Authenticator"), "{page}");
    assert!(page.contains("No mail server is set"), "{page}");
    assert_eq!(ada.form(PAGE, &[]).await.expect(303).header("location"), "/admin/policies?done=announced");
    assert_eq!(portal.world.audit_details("policy.announced"), [json!({ "receivers": 2 })]);
    let page = ada.form(PAGE, &[]).await.expect(429).text();
    assert!(page.contains("It can be sent again from") && page.contains("role=\"alert\""), "{page}");
    let count = "SELECT count(*) FROM outbox WHERE kind = 'announcement'";
    assert_eq!(portal.world.sql(count), "2");
    portal.clock.pass(DAY_MS);
    let mut ada = portal.browser_again(ada).await;
    ada.form(PAGE, &[]).await.expect(303);
    assert_eq!(portal.world.sql(count), "4");
}

/// Asked again at the moment of sending: who has set it up meanwhile is left in peace.
#[tokio::test(flavor = "multi_thread")]
async fn b59_who_complies_by_the_time_of_sending_gets_no_mail() {
    let world = World::new();
    let port = free_port();
    let portal = serve(&world, port).await;
    let mut ada = portal.browser();
    ada.sign_in(ADA).await;
    ada.set_up().await;
    ada.form(PAGE, &[]).await.expect(303);
    let mut bo = portal.browser();
    bo.sign_in(BO).await;
    bo.set_up().await;
    let server = MailServer::start_with(&json!({ "port": port }));
    let mut subjects = Vec::new();
    while let Some(mail) = server.next_within(Duration::from_secs(if subjects.len() < 3 { 60 } else { 3 })).await {
        subjects.push((mail.receivers[0].clone(), mail.subject().split(" · ").next().unwrap().to_owned()));
    }
    subjects.sort();
    let expected = [
        (ADA, "Two-step authentication is set up"),
        (BO, "Two-step authentication is set up"),
        (CY, "Two-step authentication is coming"),
    ];
    assert_eq!(subjects, expected.map(|(name, subject)| (name.to_owned(), subject.to_owned())));
    assert_eq!(world.sql("SELECT member FROM outbox WHERE state = 'void'"), world.member(BO));
}
