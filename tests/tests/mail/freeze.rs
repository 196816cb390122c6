//! "This was not me".

use crate::server::{Mail, MailServer, serve};
use crate::support::program::Served;
use crate::support::*;
use serde_json::Value;

struct Stage {
    world: World,
    server: MailServer,
    portal: Served,
    bo: Browser,
    mail: Mail,
}

/// Bo has set two-step up, and has the mail that says so.
async fn stage() -> Stage {
    let (world, server) = (World::new(), MailServer::start());
    let portal = serve(&world, server.port).await;
    let mut bo = portal.browser();
    bo.sign_in(BO).await;
    bo.set_up().await;
    let mail = server.next().await;
    Stage { world, server, portal, bo, mail }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_link_freezes_the_account_once_and_an_admin_opens_it_again() {
    let Stage { world, server, portal, mut bo, mail } = stage().await;
    let path = mail.freeze_path();
    let mut anybody = portal.browser();
    // Programs that read mails open every address in them.
    for _ in 0..2 {
        let page = anybody.get(&path).await.expect(200).text();
        assert!(page.contains("Freeze your account?") && page.contains(&format!("action=\"{path}\"")), "{page}");
    }
    bo.get("/files").await.expect(200);

    let page = anybody.form(&path, &[]).await.expect(200).text();
    assert!(page.contains("The account is frozen"), "{page}");
    assert_eq!(bo.get("/files").await.expect(303).header("location"), "/sign-in?next=%2Ffiles");
    portal.browser().try_sign_in(BO, PASSWORD).await.expect(403);
    let bo_id = world.member(BO);
    assert_eq!(world.sql(&format!("SELECT state FROM member WHERE id = '{bo_id}'")), "suspended");
    world.expect_kept_counts();
    assert_eq!(world.audit_details("member.frozen"), [serde_json::json!({ "sessions": 1 })]);
    // The factor is kept: nothing but sign-in is taken away.
    assert_eq!(world.sql(&format!("SELECT state FROM factor WHERE member = '{bo_id}'")), "active");
    let told = [server.next().await, server.next().await];
    assert!(told.iter().any(|mail| mail.receivers == [BO] && mail.subject().starts_with("Your account is frozen")));
    let admins = told.iter().find(|mail| mail.receivers == [ADA]).unwrap();
    assert!(admins.text.contains("Bo Brandt said") && !admins.text.contains("/not-me/"), "{}", admins.text);

    // Again: nothing more happens, and nobody is told twice.
    anybody.form(&path, &[]).await.expect(200);
    server.expect_silence().await;
    let mut ada = portal.browser();
    ada.enforce().await;
    ada.post(&format!("/v1/admin/members/{bo_id}/reinstate"), &Value::Null).await.expect(204);
    portal.browser().try_sign_in(BO, PASSWORD).await.expect(303);
    let page = anybody.form(&path, &[]).await.expect(404).text();
    assert!(page.contains("This link is not valid any more"), "{page}");
    assert_eq!(world.sql(&format!("SELECT state FROM member WHERE id = '{bo_id}'")), "active");
    assert_eq!(world.audited("member.frozen"), 1);
    // The log knows the page and not the token.
    let token = path.strip_prefix("/not-me/").unwrap();
    let log = portal.log();
    assert!(log.contains("\"/not-me/\"") && !log.contains(token), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_old_or_another_organisations_or_invented_freezes_nobody() {
    let Stage { world, portal, mail, .. } = stage().await;
    let path = mail.freeze_path();
    let mut anybody = portal.browser();
    let (_, random) = path.strip_prefix("/not-me/").unwrap().split_once('_').unwrap();
    let other = world.run(&["admin", "create-organisation", "--name", "Elsewhere"], "");
    let invented = format!("/not-me/{}_{}", world.organisation, "A".repeat(random.len()));
    for wrong in [format!("/not-me/{other}_{random}"), invented, "/not-me/x".to_owned(), format!("{path}x")] {
        anybody.get(&wrong).await.expect(404);
        anybody.form(&wrong, &[]).await.expect(404);
    }
    world.sql(&format!("UPDATE freeze_link SET expires_ms = {}", system_now_ms()));
    anybody.form(&path, &[]).await.expect(404);
    assert_eq!(world.audited("member.frozen"), 0);
    assert_eq!(world.sql(&format!("SELECT state FROM member WHERE email = '{BO}'")), "active");
}

/// Another site cannot send the form for somebody.
#[tokio::test(flavor = "multi_thread")]
async fn another_site_cannot_freeze() {
    let Stage { world, portal, mail, .. } = stage().await;
    let headers = [("sec-fetch-site".to_owned(), "cross-site".to_owned())];
    portal.door.send("POST", &mail.freeze_path(), &headers, Vec::new()).await.expect(403);
    assert_eq!(world.audited("member.frozen"), 0);
}
