//! Who calls, what they are let in to by the second table, and whose things they try.

use crate::support::phone::By;
use crate::support::*;
use crate::{BAD_REQUEST, DEVICE_REVOKED, FORBIDDEN, SESSION_ENDED, SIGNATURE_REFUSED, STEP_REQUIRED};
use serde_json::json;
use twinlock_portal::access::{Access, Audience, Declared};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    Stranger,
    /// A browser whose session was ended.
    Ended,
    /// A member without an authenticator, under the policy.
    Unset,
    /// A member who has an authenticator and has not shown its code.
    Uncoded,
    /// A session that a recovery code opened.
    Recovering,
    /// A phone's session with its code and without a device.
    Enrolling,
    /// A device's key, while it waits.
    Pending,
    /// A device's key, after it was revoked.
    Revoked,
    /// A device's key.
    Device,
    /// A phone's session that its PIN opened.
    Opened,
    /// The device key of a desktop.
    Desktop,
    /// A desktop's session with its code.
    AtDesk,
    /// A browser with everything done, of a member.
    Member,
    /// The same, of an auditor.
    Auditor,
    /// The same, of an admin.
    Admin,
    /// The same, of a member of another organisation.
    Foreigner,
    /// The same, of an admin of another organisation.
    ForeignAdmin,
}

pub use Who::*;

/// Whom the guard lets pass. A new access does not compile before it stands here.
pub fn lets_in(access: Access, who: Who) -> bool {
    let callers: &[Who] = match access {
        Access::Public => return true,
        Access::SignedIn => {
            &[Unset, Uncoded, Recovering, Enrolling, Opened, AtDesk, Member, Auditor, Admin, Foreigner, ForeignAdmin]
        }
        Access::SetUpTwoStep => &[Unset, Recovering],
        Access::ShowCode => &[Uncoded, Enrolling, Opened, AtDesk, Member, Auditor, Admin, Foreigner, ForeignAdmin],
        Access::Recover => &[Uncoded],
        Access::OwnTwoStep => &[Opened, AtDesk, Member, Auditor, Admin, Foreigner, ForeignAdmin],
        Access::Enroll => &[Enrolling],
        Access::Device => &[Pending, Device, Desktop],
        Access::ApprovedPhone => &[Device],
        Access::SetPin => &[Device, Opened],
        Access::Ready => &[Opened, AtDesk, Member, Auditor, Admin, Foreigner, ForeignAdmin],
        Access::Admin => &[Admin, ForeignAdmin],
        Access::Audit => &[Auditor, Admin, ForeignAdmin],
        // Who is no member: a key of its own, an address that the operator trusts.
        Access::BackEnd | Access::Proxy => &[],
    };
    callers.contains(&who)
}

/// Status and code with which a program is refused.
pub fn refused(access: Access, who: Who) -> (u16, &'static str) {
    match who {
        _ if access == Access::BackEnd => (401, SIGNATURE_REFUSED),
        _ if access == Access::Proxy => (403, FORBIDDEN),
        Stranger | Ended => (401, SESSION_ENDED),
        Revoked => (401, DEVICE_REVOKED),
        Opened | AtDesk | Member | Auditor | Foreigner if matches!(access, Access::Admin | Access::Audit) => {
            (403, FORBIDDEN)
        }
        _ => (403, STEP_REQUIRED),
    }
}

/// Where a browser is led, or the code of the page that it gets.
pub fn led(access: Access, who: Who) -> Result<&'static str, &'static str> {
    match who {
        Stranger | Ended => Ok("/sign-in"),
        Unset | Recovering => Ok("/set-up"),
        Uncoded => Ok("/code"),
        Member | Auditor | Admin | Foreigner | ForeignAdmin if access == Access::SetUpTwoStep => {
            Ok("/account?done=already")
        }
        Member | Auditor | Admin | Foreigner | ForeignAdmin if access == Access::Recover => Ok("/files"),
        Member | Auditor | Foreigner if matches!(access, Access::Admin | Access::Audit) => Err(FORBIDDEN),
        Enrolling | Pending | Revoked | Device | Opened | Desktop | AtDesk => Err(BAD_REQUEST),
        other => panic!("{other:?} is never refused at {access:?}"),
    }
}

/// How somebody sends.
pub enum Sender {
    Nobody,
    Cookie(String),
    Signed(Box<Phone>, By),
}

impl Sender {
    pub fn signs(&self) -> bool {
        matches!(self, Sender::Signed(..))
    }

    pub async fn send(&self, door: &Door, route: &Declared, target: &str, body: &str) -> Answer {
        let kind =
            if route.audience == Audience::People { "application/x-www-form-urlencoded" } else { "application/json" };
        let method = route.method.as_str();
        let body = if method == "GET" { Vec::new() } else { body.as_bytes().to_vec() };
        let mut headers = match self {
            Sender::Nobody => Vec::new(),
            Sender::Cookie(cookie) => vec![("cookie".to_owned(), format!("__Host-session={cookie}"))],
            Sender::Signed(phone, by) => phone.prepare(*by, method, target, &body).await,
        };
        headers.retain(|(name, _)| name != "content-type");
        headers.push(("content-type".to_owned(), kind.to_owned()));
        headers.push(("sec-fetch-site".to_owned(), "same-origin".to_owned()));
        door.send(method, target, &headers, body).await
    }
}

/// Ids that exist, in the first organisation.
pub struct Victims {
    pub member: String,
    pub device: String,
    pub comparison_code: String,
    pub session: String,
    pub enrollment: String,
    pub file: String,
    pub proposal: String,
    pub organisation: String,
    /// It failed, so that it could be tried again.
    pub mail: String,
    /// An entry of the audit log.
    pub entry: String,
}

impl Victims {
    pub fn target(&self, path: &str) -> String {
        let ids = [
            ("{member}", &self.member),
            ("{device}", &self.device),
            ("{session}", &self.session),
            ("{enrollment}", &self.enrollment),
            ("{file}", &self.file),
            ("{proposal}", &self.proposal),
            ("{organisation}", &self.organisation),
            ("{mail}", &self.mail),
            // Of pages that are public, which only those who sign are refused.
            ("{token}", &"A".repeat(43)),
            ("{entry}", &self.entry),
        ];
        let target = ids.iter().fold(path.to_owned(), |path, (name, id)| path.replace(name, id));
        assert!(!target.contains('{'), "{path}: an id of the first organisation has to stand for every parameter");
        target
    }

    /// What would have an effect if it were let through.
    pub fn body(&self, route: &Declared) -> String {
        let code = &self.comparison_code;
        match (route.audience, route.path.rsplit('/').next().unwrap()) {
            (Audience::Programs, "approve") => format!("{{\"comparison_code\":\"{code}\"}}"),
            (Audience::Programs, "verify" | "confirm") => "{\"code\":\"000000\"}".to_owned(),
            (Audience::Programs, _) => "{}".to_owned(),
            (Audience::People, "policies") => "version=3&reason=a+hole".to_owned(),
            (Audience::People, _) => format!("comparison_code={}&code=000000&next=", code.replace(' ', "+")),
        }
    }
}

pub struct Walk {
    pub portal: Portal,
    pub cast: Vec<(Who, Sender)>,
    pub victims: Victims,
    pub routes: Vec<Declared>,
}

impl Walk {
    pub async fn prepare() -> Self {
        let portal = Portal::start();
        let mut ada = portal.enforced().await;
        ada.change_policy(json!({ "two_person": true }), "").await.expect(200);
        let add = |name: &str, role| portal.world.add_member(name, &address(name), role);
        for (name, role) in [
            ("Dee", "member"),
            ("Eve", "member"),
            ("Fay", "member"),
            ("Gus", "member"),
            ("Hal", "member"),
            ("Ivy", "auditor"),
            ("Jon", "member"),
            ("Max", "member"),
        ] {
            add(name, role);
        }
        let phone = portal.ready_phone(&mut ada, BO).await;
        let pending = portal.waiting_phone(CY).await;
        let revoked = portal.ready_phone(&mut ada, &address("Fay")).await;
        ada.decide(&revoked.device_id(), "revoke").await.expect(204);
        let mut enrolling = portal.phone();
        enrolling.sign_in(&address("Gus")).await;
        enrolling.set_up().await;
        let started = enrolling.post(By::Session, "/v1/enrollments", &serde_json::Value::Null).await;
        let enrollment = started.expect(200).value()["enrollment"].as_str().unwrap().to_owned();
        let mut max = portal.browser();
        max.sign_in(&address("Max")).await;
        max.set_up().await;
        // Not by time passing: a session that is seen later is a row that changes.
        portal.world.sql("UPDATE factor SET last_step = 0");
        let authenticator = max.authenticator.unwrap();
        let desktop = portal.ready_desktop(&mut ada, &address("Max"), authenticator).await;
        let recovering = ready(&portal, "Eve").await;
        portal.world.sql(&format!("UPDATE session SET recovering = 1 WHERE member = '{}'", id_of(&portal, "Eve")));
        let unset = signed_in(&portal, &address("Dee")).await;
        let uncoded = signed_in(&portal, BO).await;
        let ended = signed_in(&portal, &address("Jon")).await;
        portal.world.sql(&format!("DELETE FROM session WHERE member = '{}'", id_of(&portal, "Jon")));
        let (member, auditor) = (ready(&portal, "Hal").await, ready(&portal, "Ivy").await);
        let (foreigner, foreign_admin) = other_organisation(&portal).await;
        let proposed = ada.change_policy(json!({ "two_step": false }), "a hole").await;
        let proposal = proposed.expect(202).value()["proposal"].as_str().unwrap().to_owned();
        let mail = portal.world.sql(&format!("SELECT min(id) FROM outbox WHERE member = '{}'", pending.member));
        portal.world.sql(&format!("UPDATE outbox SET state = 'failed', tries = 1 WHERE id = '{mail}'"));
        let victims = Victims {
            member: pending.member.clone(),
            device: pending.device_id(),
            comparison_code: pending.comparison_code(),
            session: portal.world.sql(&format!("SELECT id FROM session WHERE member = '{}'", pending.member)),
            enrollment,
            file: portal.world.file.clone(),
            proposal,
            organisation: portal.world.organisation.clone(),
            mail,
            entry: portal.world.sql("SELECT min(id) FROM audit_entry WHERE action = 'member.added'"),
        };
        let (twin, desktop_key) = (twin_of(&portal, &phone), twin_of(&portal, &desktop));
        let signed = |phone: Phone, by| Sender::Signed(Box::new(phone), by);
        let cast = vec![
            (Stranger, Sender::Nobody),
            (Ended, Sender::Cookie(ended)),
            (Unset, Sender::Cookie(unset)),
            (Uncoded, Sender::Cookie(uncoded)),
            (Recovering, Sender::Cookie(recovering)),
            (Enrolling, signed(enrolling, By::Session)),
            (Pending, signed(pending, By::Device)),
            (Revoked, signed(revoked, By::Device)),
            (Device, signed(twin, By::Device)),
            (Opened, signed(phone, By::Session)),
            (Desktop, signed(desktop_key, By::Device)),
            (AtDesk, signed(desktop, By::Session)),
            (Member, Sender::Cookie(member)),
            (Auditor, Sender::Cookie(auditor)),
            (Admin, Sender::Cookie(ada.cookie.unwrap())),
            (Foreigner, Sender::Cookie(foreigner)),
            (ForeignAdmin, Sender::Cookie(foreign_admin)),
        ];
        // An account is noted as used at the first request of a session that is done.
        portal.world.sql("UPDATE member SET used_ms = 1 WHERE used_ms = 0");
        let routes = twinlock_portal::app::declared(&portal.state).unwrap();
        Self { portal, cast, victims, routes }
    }

    /// Every table but what a refused request may leave: an audit entry, a spent nonce.
    pub fn written(&self) -> Vec<String> {
        self.portal.world.database.dump_all_but(&["audit_entry", "used_nonce"]).unwrap()
    }

    /// Nothing of the first organisation is in the answer.
    pub fn assert_tells_nothing(&self, case: &str, answer: &Answer) {
        let organisation = &self.portal.world.organisation;
        // With its "&": a time zone is called Coral_Harbour.
        let secrets =
            [FILE_NAME, FILE_CONTENT, "Cy Castle", "Ada Admin", "Bo Brandt", "Harbour &", organisation, "otpauth"];
        let text = answer.text();
        assert!(secrets.iter().all(|secret| !text.contains(secret)), "{case} tells: {text}");
    }
}

pub fn address(name: &str) -> String {
    format!("{}@example.test", name.to_lowercase())
}

pub fn id_of(portal: &Portal, name: &str) -> String {
    portal.world.sql(&format!("SELECT id FROM member WHERE email = '{}'", address(name)))
}

pub async fn signed_in(portal: &Portal, name: &str) -> String {
    let mut browser = portal.browser();
    browser.sign_in(name).await;
    browser.cookie.unwrap()
}

/// A browser with everything done.
pub async fn ready(portal: &Portal, name: &str) -> String {
    let mut browser = portal.browser();
    browser.sign_in(&address(name)).await;
    browser.set_up().await;
    assert_eq!(browser.step().await, "ready");
    browser.cookie.unwrap()
}

/// A member and an admin of another organisation, both done.
pub async fn other_organisation(portal: &Portal) -> (String, String) {
    let organisation = portal.world.run(&["admin", "create-organisation", "--name", "Elsewhere"], "");
    for (name, role) in [("Kim", "member"), ("Lou", "admin")] {
        let (email, of) = (address(name), organisation.as_str());
        let arguments =
            ["admin", "add-member", "--organisation", of, "--name", name, "--email", &email, "--role", role];
        portal.world.run(&arguments, PASSWORD);
    }
    let mut lou = portal.browser();
    lou.sign_in(&address("Lou")).await;
    lou.require_two_step().await;
    lou.set_up().await;
    (ready(portal, "Kim").await, lou.cookie.unwrap())
}

/// The same phone as its device key.
pub fn twin_of(portal: &Portal, phone: &Phone) -> Phone {
    let mut twin = portal.phone();
    twin.organisation.clone_from(&phone.organisation);
    twin.enrollment.clone_from(&phone.enrollment);
    twin.device_key = phone.device_key.clone();
    let version = phone.policy_version.load(std::sync::atomic::Ordering::SeqCst);
    twin.policy_version.store(version, std::sync::atomic::Ordering::SeqCst);
    twin
}
