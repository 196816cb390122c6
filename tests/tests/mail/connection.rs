//! How the connection is protected, and what a wrong setting does.

use crate::server::{MailServer, serve_with, until};
use crate::support::program::free_port;
use crate::support::*;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_starttls_and_a_password_gets_mails_encrypted() {
    let world = World::new();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let file = |name: &str, content: &str| {
        let path = world.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let certificate = file("mail.pem", &made.cert.pem());
    let key = file("mail.key", &made.signing_key.serialize_pem());
    let password = file("mail.password", "correct horse\n");
    let server = MailServer::start_with(&json!({
        "port": free_port(), "certificate": certificate, "key": key, "user": "portal", "password": "correct horse"
    }));
    let settings = [
        ("TWINLOCK_MAIL__ROOTS", certificate.as_str()),
        ("TWINLOCK_MAIL__USER", "portal"),
        ("TWINLOCK_MAIL__PASSWORD_FILE", password.as_str()),
    ];
    let portal = serve_with(&world, server.port, &settings).await;
    let mut ada = portal.browser();
    ada.enforce().await;
    let mail = server.next().await;
    assert!(mail.is_encrypted);
    assert_eq!(mail.user.as_deref(), Some("portal"));
    ada.form("/admin/mail/test", &[]).await.expect(303);
    assert!(server.next().await.subject().starts_with("A test"));
    let page = ada.get("/admin/mail").await.text();
    assert!(page.contains(&format!("localhost:{}", server.port)) && !page.contains("correct horse"), "{page}");
    assert!(!portal.log().contains("correct horse"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_tls_gets_nothing_where_tls_is_set() {
    let (world, server) = (World::new(), MailServer::start());
    let portal = serve_with(&world, server.port, &[]).await;
    let mut ada = portal.browser();
    ada.enforce().await;
    until(&world, "SELECT CASE WHEN tries > 0 THEN 1 ELSE 0 END, state FROM outbox", "1|waiting").await;
    let page = ada.get("/admin/mail").await.text();
    assert!(page.contains("STARTTLS is not supported"), "{page}");
    server.expect_silence().await;
}

#[test]
fn clear_text_is_for_this_machine_alone() {
    let world = World::new();
    for (server, tls, from, said) in [
        ("mail.example.test", "none", "portal@example.test", "mail.tls"),
        ("127.0.0.1", "none", "portal", "mail.from"),
        ("mail.example.test", "ssl", "portal@example.test", "tls"),
    ] {
        let mut command = world.command(&["config", "check"]);
        command.env("TWINLOCK_MAIL__SERVER", server).env("TWINLOCK_MAIL__TLS", tls).env("TWINLOCK_MAIL__FROM", from);
        let output = program::run(command, "");
        let fault = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && fault.contains(said), "{fault}");
    }
}
