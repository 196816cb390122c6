//! A mail server that is away, refuses, or comes back; and two portals that send by one.

use crate::server::{MailServer, serve, until};
use crate::support::program::free_port;
use crate::support::*;
use serde_json::json;
use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;
use twinlock_tests::database::SERVER;

#[tokio::test(flavor = "multi_thread")]
async fn b67_an_outage_blocks_nothing_and_the_mail_comes_once_also_after_a_restart() {
    let world = World::new();
    let port = free_port();
    let portal = serve(&world, port).await;
    let mut bo = portal.browser();
    bo.sign_in(BO).await;
    bo.set_up().await;
    bo.get("/files").await.expect(200);
    until(&world, "SELECT state, CASE WHEN tries > 0 THEN 1 ELSE 0 END FROM outbox", "waiting|1").await;
    let mut ada = portal.browser();
    ada.enforce().await;
    let page = ada.get("/admin/mail").await.text();
    assert!(page.contains("Last error,"), "{page}");
    portal.kill();
    let server = MailServer::start_with(&json!({ "port": port }));
    let portal = serve(&world, port).await;
    // The third try comes at the latest forty seconds after the second.
    let mut receivers = Vec::new();
    for _ in 0..2 {
        receivers.push(server.next_within(Duration::from_secs(60)).await.expect("a mail comes").receivers[0].clone());
    }
    receivers.sort();
    assert_eq!(receivers, [ADA, BO]);
    server.expect_silence().await;
    until(&world, "SELECT count(*) FROM outbox WHERE state = 'sent'", "2").await;
    drop(portal);
}

#[tokio::test(flavor = "multi_thread")]
async fn b59_an_address_that_bounces_is_visible_and_a_temporary_refusal_is_tried_again() {
    let (world, mut server) = (World::new(), MailServer::start());
    let portal = serve(&world, server.port).await;
    server.answer(&json!({ BO: "550 5.1.1 no such mailbox", CY: "451 4.2.0 come back later" }));
    for name in [BO, CY] {
        let mut browser = portal.browser();
        browser.sign_in(name).await;
        browser.set_up().await;
    }
    let of = |name: &str, column: &str| format!("SELECT {column} FROM outbox WHERE member = '{}'", world.member(name));
    until(&world, &of(BO, "state"), "bounced").await;
    assert_eq!(
        world.sql(&format!("SELECT CASE WHEN bounced_ms > 0 THEN 1 ELSE 0 END FROM member WHERE email = '{BO}'")),
        "1"
    );
    until(&world, &of(CY, "state, CASE WHEN tries > 0 THEN 1 ELSE 0 END"), "waiting|1").await;
    let mut ada = portal.browser();
    ada.enforce().await;
    server.next_to(ADA).await;
    let page = ada.get("/admin/mail?state=bounced").await.text();
    assert!(page.contains("Bo Brandt") && page.contains("no such mailbox") && page.contains("✕ Bounced"), "{page}");
    assert!(!page.contains("Cy Castle"), "{page}");
    server.answer(&json!({}));
    // By itself for Cy; for Bo when an admin says so, who knows that the address was mended.
    assert_eq!(server.next_within(Duration::from_secs(45)).await.unwrap().receivers, [CY]);
    let id = world.sql(&of(BO, "id"));
    ada.form(&format!("/admin/mail/{id}/retry"), &[]).await.expect(303);
    assert_eq!(server.next().await.receivers, [BO]);
    until(&world, &format!("SELECT bounced_ms FROM member WHERE email = '{BO}'"), "0").await;
    assert_eq!(world.audited("mail.retried"), 1);
    // What was sent is not sent again.
    ada.form(&format!("/admin/mail/{id}/retry"), &[]).await.expect(404);
}

/// True where a PostgreSQL is named. Elsewhere the test is run again with one, in a process of its own.
fn is_on_postgres(test: &str) -> bool {
    if std::env::var_os(SERVER).is_some() {
        return true;
    }
    let mut again = Command::new(env!("CARGO_BIN_EXE_twinlock-on-postgres"));
    again.arg(std::env::current_exe().unwrap()).args(["--exact", test]);
    let output = again.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&output.stderr));
    false
}

#[tokio::test(flavor = "multi_thread")]
async fn two_portals_on_one_postgresql_send_each_mail_once() {
    if !is_on_postgres("outage::two_portals_on_one_postgresql_send_each_mail_once") {
        return;
    }
    let (world, server) = (World::new(), MailServer::start());
    for number in 0..30 {
        world.sql(&format!(
            "INSERT INTO member (organisation, id, name, email, role, state, password, password_fails, created_ms)
            SELECT organisation, 'm{number}', 'Member {number}', 'm{number}@example.test', 'member', 'active', '', 0, 1
            FROM member WHERE email = '{BO}'"
        ));
    }
    let (left, _right) = tokio::join!(serve(&world, server.port), serve(&world, server.port));
    let mut ada = left.browser();
    ada.enforce().await;
    server.next_to(ADA).await;
    ada.form("/admin/policies/announce", &[]).await.expect(303);
    let mut counted: BTreeMap<String, u32> = BTreeMap::new();
    while counted.len() < 32 {
        *counted.entry(server.next().await.receivers[0].clone()).or_default() += 1;
    }
    server.expect_silence().await;
    assert!(counted.values().all(|count| *count == 1), "{counted:?}");
    assert_eq!(world.sql("SELECT count(*) FROM outbox WHERE state = 'sent' AND tries = 1"), "33");
}
