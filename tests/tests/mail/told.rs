//! Who is told of what, in which words, and what no mail holds.

use crate::server::{MailServer, serve};
use crate::support::phone::By;
use crate::support::*;
use serde_json::{Value, json};

/// Nothing of a set-up stands in a mail: neither secret nor code, and no way to sign in.
fn assert_opens_nothing(mail: &crate::server::Mail, browser: &Browser) {
    let everything = format!("{}\n{}\n{}", mail.raw, mail.text, mail.html);
    let code = browser.authenticator.as_ref().unwrap().code_at(browser.now_ms());
    for secret in
        browser.recovery_codes.iter().map(String::as_str).chain([code.as_str(), PASSWORD, "otpauth", "sign-in"])
    {
        assert!(!mail.text.contains(secret) && !mail.html.contains(secret), "{secret} in {everything}");
    }
    let links: Vec<&str> = mail.text.split_whitespace().filter(|word| word.contains("://")).collect();
    assert!(links.iter().all(|link| link.contains("/not-me/")), "{links:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn b22_whoever_sets_two_step_up_is_told_at_once_in_the_members_language() {
    let (world, server) = (World::new(), MailServer::start());
    let portal = serve(&world, server.port).await;
    world.sql(&format!("UPDATE member SET language = 'de', zone = 'Europe/Berlin' WHERE email = '{BO}'"));
    let mut bo = portal.browser();
    bo.sign_in(BO).await;
    bo.set_up().await;
    let mail = server.next().await;
    assert_eq!((mail.sender.as_str(), mail.receivers.as_slice()), ("portal@example.test", &[BO.to_owned()][..]));
    assert_eq!(mail.subject(), "Die Zwei-Schritt-Anmeldung ist eingerichtet · Harbour & Söhne");
    assert!(mail.text.contains("Guten Tag Bo Brandt,") && mail.text.contains("Das war ich nicht"), "{}", mail.text);
    assert!(mail.text.contains("Von der Adresse: 127.0.0.1"), "{}", mail.text);
    assert_eq!(mail.headers["auto-submitted"], "auto-generated");
    assert_eq!(mail.headers["to"], format!("Bo Brandt <{BO}>"));
    assert!(!mail.names.contains(&"list-unsubscribe".to_owned()), "{:?}", mail.names);
    assert_opens_nothing(&mail, &bo);
    mail.freeze_path();
    // What opens something is nowhere at rest: the table has the hash alone, and the message no link.
    let token = mail.freeze_path().split_once("_").unwrap().1.to_owned();
    for table in ["outbox", "freeze_link", "audit_entry"] {
        assert!(!world.dump(table).contains(&token), "{table}");
    }
    server.expect_silence().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b20_a_used_recovery_code_and_new_codes_are_told() {
    let (world, server) = (World::new(), MailServer::start());
    let portal = serve(&world, server.port).await;
    let mut bo = portal.browser();
    bo.sign_in(BO).await;
    bo.set_up().await;
    assert!(server.next().await.subject().starts_with("Two-step authentication is set up"));
    bo.post("/v1/recovery-codes", &Value::Null).await.expect(200);
    assert!(server.next().await.subject().starts_with("You have new recovery codes"));
    let codes: Value = bo.post("/v1/recovery-codes", &Value::Null).await.value();
    server.next().await;
    let mut again = portal.browser();
    again.sign_in(BO).await;
    again.recover(codes["recovery_codes"][0].as_str().unwrap()).await.expect(303);
    let mail = server.next().await;
    assert!(mail.subject().starts_with("A recovery code was used"), "{}", mail.subject());
    assert!(mail.text.contains("9 are left"), "{}", mail.text);
    again.recovery_codes.clone_from(&bo.recovery_codes);
    again.authenticator = bo.authenticator.take();
    assert_opens_nothing(&mail, &again);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_devices_life_and_an_admins_acts_are_told_to_the_member() {
    let (world, server) = (World::new(), MailServer::start());
    let portal = serve(&world, server.port).await;
    let mut ada = portal.browser();
    ada.enforce().await;
    let mut phone = portal.phone();
    phone.sign_in(BO).await;
    phone.set_up().await;
    phone.enroll().await;
    let subject = |mail: crate::server::Mail| mail.subject().split(" · ").next().unwrap().to_owned();
    assert_eq!(subject(server.next_to(BO).await), "Two-step authentication is set up");
    let asked = server.next_to(BO).await;
    assert!(asked.text.contains("Device, as it calls itself: “"), "{}", asked.text);
    assert_eq!(subject(asked), "A device waits for approval");
    ada.approve(&phone).await.expect(204);
    let approved = server.next_to(BO).await;
    assert!(approved.text.contains("Done by: Ada Admin"), "{}", approved.text);
    assert_eq!(subject(approved), "A device is approved");
    ada.decide(&phone.device_id(), "revoke").await.expect(204);
    assert_eq!(subject(server.next_to(BO).await), "A device is revoked");
    let member = world.member(BO);
    ada.post(&format!("/v1/admin/members/{member}/role"), &json!({ "role": "auditor" })).await.expect(204);
    let role = server.next_to(BO).await;
    assert!(role.text.contains("Your new role: auditor."), "{}", role.text);
    let reset = json!({ "identity_check": "in_person", "reference": "badge 7" });
    ada.post(&format!("/v1/admin/members/{member}/reset"), &reset).await.expect(204);
    let mail = server.next_to(BO).await;
    assert!(!mail.text.contains("badge 7"), "{}", mail.text);
    assert_eq!(subject(mail), "Two-step authentication is reset");
    ada.post(&format!("/v1/admin/members/{member}/suspend"), &Value::Null).await.expect(204);
    let suspended = server.next_to(BO).await;
    assert!(!suspended.text.contains("/not-me/"), "{}", suspended.text);
    assert_eq!(subject(suspended), "Your account is suspended");
    ada.post(&format!("/v1/admin/members/{member}/reinstate"), &Value::Null).await.expect(204);
    assert_eq!(subject(server.next_to(BO).await), "Your account is open again");
    server.expect_silence().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_wrong_codes_and_pins_are_told() {
    let (world, server) = (World::new(), MailServer::start());
    let portal = serve(&world, server.port).await;
    let mut ada = portal.browser();
    ada.enforce().await;
    let mut phone = portal.phone();
    phone.make_ready(BO, &mut ada).await;
    ada.change_policy(json!({ "pin_max_tries": 3 }), "a test").await;
    world.sql("UPDATE pin SET fails = 7, wait_until_ms = 0");
    phone.try_pin(false).await;
    phone.get(By::Session, "/v1/files").await;
    // The seed goes when the last try is over, at the latest in the next sweep.
    let erased = loop {
        let mail = server.next_within(std::time::Duration::from_secs(130)).await.expect("a mail comes");
        if mail.receivers == [BO] && mail.subject().starts_with("A PIN was typed wrong too often") {
            break mail;
        }
    };
    erased.freeze_path();
    let mut bo = portal.browser();
    bo.sign_in(BO).await;
    world.sql(&format!("UPDATE factor SET fails = 9 WHERE member = '{}'", world.member(BO)));
    bo.code("000000").await;
    assert!(server.next_to(BO).await.subject().starts_with("Your authenticator is disabled"));
}

/// Without a mail server nothing is lost: an admin reads what was written, and no link.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_mail_server_mails_are_kept_and_shown_without_their_links() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let list = ada.get("/admin/mail").await.expect(200).text();
    for text in ["Not set", "Two-step authentication is set up", "Waiting"] {
        assert!(list.contains(text), "{text}: {list}");
    }
    let id = portal.world.sql("SELECT id FROM outbox");
    let one = ada.get(&format!("/admin/mail/{id}")).await.expect(200).text();
    assert!(one.contains("a link that only the receiver sees") && !one.contains("/not-me/"), "{one}");
    assert!(one.contains("Hello Ada Admin,"), "{one}");
    let sent = ada.form("/admin/mail/test", &[]).await;
    assert_eq!(sent.expect(303).header("location"), "/admin/mail?done=mail-kept");
    assert!(ada.get("/admin/mail?state=waiting").await.text().contains("A test"));
    assert!(ada.get("/admin/mail?state=bounced").await.text().contains("No mail is in this state."));
    assert_eq!(portal.world.sql("SELECT count(*) FROM freeze_link"), "0");
    // Of another organisation's mails nobody learns anything.
    ada.get("/admin/mail/0123456789abcdef").await.expect(404);
    ada.form("/admin/mail/0123456789abcdef/retry", &[]).await.expect(404);
}
