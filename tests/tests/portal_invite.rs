//! Invitations: from the form to a member who is ready, and every way in which a link is void.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod support;

use data_encoding::HEXUPPER_PERMISSIVE;
use support::*;
use twinlock_portal::key_wrap::KeyWrap;

const DI: &str = "di@example.test";
const FORM: [(&str, &str); 4] = [("name", "Di Dorn"), ("email", DI), ("role", "auditor"), ("language", "de")];

/// The path in the newest invitation of the outbox, as its mail has it.
fn link(portal: &Portal) -> String {
    let row = "FROM outbox WHERE kind = 'invitation' ORDER BY id DESC LIMIT 1";
    let sealed = portal.world.sql(&format!("SELECT hex(link_sealed) {row}"));
    let version: i64 = portal.world.sql(&format!("SELECT link_key_version {row}")).parse().unwrap();
    let place = format!("twinlock/mail-link/v1\0{}", portal.world.organisation);
    let sealed = HEXUPPER_PERMISSIVE.decode(sealed.as_bytes()).unwrap();
    let wrap: &dyn KeyWrap = portal.state.key_wrap.as_ref();
    String::from_utf8(wrap.open(version, &sealed, place.as_bytes()).unwrap().expose().to_vec()).unwrap()
}

fn token(link: &str) -> &str {
    link.strip_prefix("/invitation?token=").unwrap()
}

async fn join(browser: &mut Browser, link: &str, password: &str) -> Answer {
    let fields = [("token", token(link)), ("password", password), ("repeated", password)];
    browser.form("/invitation", &fields).await
}

#[tokio::test(flavor = "multi_thread")]
async fn b09_an_invited_member_chooses_a_password_and_meets_the_wizard() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let page = ada.get("/admin/users/invite").await.expect(200).text();
    assert!(page.contains("No mail server is set"), "{page}");
    let answer = ada.form("/admin/users/invite", &FORM).await;
    let profile = answer.expect(303).header("location").to_owned();
    assert!(profile.ends_with("?done=invited-waits"), "{profile}");
    let shown = ada.get(&profile).await.expect(200).text();
    assert!(shown.contains("Invited by Ada Admin on 20") && shown.contains("it waits in Mail"), "{shown}");
    let link = link(&portal);
    assert!(!portal.world.dump("invitation").contains(token(&link)), "only the hash is kept");
    assert_eq!(portal.world.sql(&format!("SELECT language FROM member WHERE email = '{DI}'")), "de");
    // Nobody signs in before a password is chosen.
    for password in ["", PASSWORD] {
        assert_eq!(portal.browser().try_sign_in(DI, password).await.status.as_u16(), 401);
    }
    let mut di = portal.browser();
    let page = di.get(&link).await.expect(200).text();
    assert!(page.contains("Di Dorn, you have an account at Harbour") && page.contains(DI), "{page}");
    assert!(page.contains("At least 8 characters"), "two-step is required: {page}");
    di.get(&link).await.expect(200);
    let fields = [("token", token(&link)), ("password", "long enough"), ("repeated", "another one")];
    assert!(di.form("/invitation", &fields).await.expect(422).text().contains("The two passwords differ."));
    assert!(join(&mut di, &link, "short").await.expect(422).text().contains("role=\"alert\""));
    assert_eq!(join(&mut di, &link, "tall ships at dawn").await.expect(303).header("location"), "/files");
    assert_eq!(di.get("/files").await.expect(303).header("location"), "/set-up?next=%2Ffiles");
    di.set_up().await;
    di.get("/files").await.expect(200);
    assert_eq!(portal.world.sql(&format!("SELECT role FROM member WHERE email = '{DI}'")), "auditor");
    assert_eq!((portal.world.audited("member.invited"), portal.world.audited("member.joined")), (1, 1));
    // Once.
    let mut thief = portal.browser();
    thief.get(&link).await.expect(404);
    join(&mut thief, &link, "another long password").await.expect(404);
    assert!(thief.cookie.is_none());
    portal.browser().try_sign_in(DI, "tall ships at dawn").await.expect(303);
    // Nothing is left to send again.
    let form = format!("{}/invitation", profile.split('?').next().unwrap());
    ada.form(&form, &[]).await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn f56_a_link_is_void_when_it_is_old_replaced_withdrawn_or_for_a_suspended_account() {
    let portal = Portal::start();
    let mut ada = portal.browser();
    ada.sign_in(ADA).await;
    ada.set_up().await;
    let answer = ada.form("/admin/users/invite", &FORM).await;
    let profile = answer.expect(303).header("location").split('?').next().unwrap().to_owned();
    let first = link(&portal);
    let page = portal.browser().get(&first).await.expect(200).text();
    assert!(page.contains("At least 15 characters"), "two-step is not required: {page}");
    ada.form(&format!("{profile}/invitation"), &[]).await.expect(303);
    let second = link(&portal);
    let mut guest = portal.browser();
    guest.get(&first).await.expect(404);
    guest.get(&second).await.expect(200);
    // Somebody else's link, cut, or none.
    for hostile in ["/invitation", "/invitation?token=", "/invitation?token=x_y", &second[..second.len() - 1]] {
        let page = guest.get(hostile).await.expect(404).text();
        assert!(page.contains("This link does not work any more") && !page.contains("Di Dorn"), "{hostile}");
    }
    portal.world.sql(&format!("UPDATE member SET state = 'suspended' WHERE email = '{DI}'"));
    guest.get(&second).await.expect(404);
    join(&mut guest, &second, "tall ships sail at dawn").await.expect(404);
    portal.world.sql(&format!("UPDATE member SET state = 'active' WHERE email = '{DI}'"));
    let answer = ada.form(&format!("{profile}/invitation/withdraw"), &[]).await;
    assert!(answer.expect(303).header("location").ends_with("?done=invitation-withdrawn"));
    guest.get(&second).await.expect(404);
    ada.form(&format!("{profile}/invitation/withdraw"), &[]).await.expect(404);
    ada.form(&format!("{profile}/invitation"), &[]).await.expect(303);
    let third = link(&portal);
    portal.clock.pass(7 * DAY_MS - 1);
    guest.get(&third).await.expect(200);
    portal.clock.pass(1);
    guest.get(&third).await.expect(404);
    join(&mut guest, &third, "tall ships sail at dawn").await.expect(404);
    assert_eq!(portal.world.audited("member.joined"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_form_keeps_what_was_typed_and_says_what_is_wrong() {
    let portal = Portal::start();
    let mut ada = portal.enforced().await;
    let with = |name: &'static str, email: &'static str| [("name", name), ("email", email), ("role", "member")];
    for (fields, fault) in [
        (with(" ", DI), "name-fault"),
        (with("Di\u{202e}\u{7}", DI), "name-fault"),
        (with("Di Dorn", "nobody"), "email-fault"),
        (with("Di Dorn", "a@b.test\r\nBcc: x@evil.example"), "email-fault"),
        (with("<b>Di</b>", BO), "email-fault"),
    ] {
        let page = ada.form("/admin/users/invite", &fields).await.expect(422).text();
        assert!(page.contains(&format!("id=\"{fault}\"")) && page.contains("<title>Error: "), "{fields:?} {page}");
        assert!(!page.contains("<b>Di"), "{page}");
    }
    ada.form("/admin/users/invite", &[("name", "Di"), ("email", DI), ("role", "owner")]).await.expect(400);
    let before = portal.world.sql("SELECT count(*) FROM member");
    portal.clock.pass(10 * MINUTE_MS);
    for answer in [ada.get("/admin/users/invite").await, ada.form("/admin/users/invite", &FORM).await] {
        assert_eq!(answer.expect(303).header("location"), "/code?next=%2Fadmin%2Fusers%2Finvite");
    }
    assert_eq!(portal.world.sql("SELECT count(*) FROM member"), before);
}
