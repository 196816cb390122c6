//! The link that confirms the first authenticator of an account that was used before.

use crate::server::{MailServer, serve};
use crate::support::*;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn b22_the_link_in_the_mail_confirms_the_sign_in_that_asked() {
    let (world, server) = (World::new(), MailServer::start());
    let portal = serve(&world, server.port).await;
    let mut bo = portal.browser();
    bo.sign_in(BO).await;
    bo.get("/files").await.expect(200);
    let mut ada = portal.browser();
    ada.enforce().await;
    server.next_to(ADA).await;
    ada.change_policy(json!({ "first_factor": "mail" }), "").await.expect(200);

    assert!(bo.get("/set-up").await.expect(200).text().contains("Send me the link"));
    bo.form("/set-up", &[]).await.expect(303);
    let mail = server.next_to(BO).await;
    assert!(mail.subject().starts_with("Confirm that you set up two-step authentication"), "{}", mail.subject());
    let path = mail.path_of("/confirm-set-up/");
    mail.freeze_path();
    assert!(bo.get("/set-up").await.expect(200).text().contains("A mail with a link is on its way"));
    // Nothing of the token is kept, nor shown to an admin.
    let (_, token) = path.rsplit_once('_').unwrap();
    for table in ["outbox", "set_up_request", "audit_entry"] {
        assert!(!world.dump(table).contains(token), "{table}");
    }

    // Programs that read mails open every address in them.
    let mut anybody = portal.browser();
    for _ in 0..2 {
        let page = anybody.get(&path).await.expect(200).text();
        assert!(
            page.contains("Is it you who sets up two-step authentication?") && page.contains("127.0.0.1"),
            "{page}"
        );
    }
    bo.form("/set-up", &[]).await.expect(303);
    let page = anybody.form(&path, &[]).await.expect(200).text();
    assert!(page.contains("It is confirmed"), "{page}");
    anybody.form(&path, &[]).await.expect(200);
    assert_eq!(world.audited("two_step.confirmation_given"), 1);
    bo.set_up().await;
    bo.get("/files").await.expect(200);

    // It did one thing, once: it is void now, and so is whatever looks like it.
    for wrong in [path.clone(), format!("{path}x"), "/confirm-set-up/x".to_owned()] {
        let page = anybody.form(&wrong, &[]).await.expect(404).text();
        assert!(page.contains("This link does nothing any more"), "{page}");
    }
    let log = portal.log();
    assert!(log.contains("\"/confirm-set-up/\"") && !log.contains(token), "{log}");
}
