//! Who attacks: nobody, somebody at each step of the way, and an admin whose browser was taken over.

use super::support::phone::{By, Headers, new_key};
use super::support::*;
use std::sync::{Arc, LazyLock};
use twinlock_core::proof::{KeyId, SigningKey};

/// The key that comes with a sign-in; sampled bodies name it.
pub static SESSION_KEY: LazyLock<Arc<SigningKey>> = LazyLock::new(new_key);

/// Sends requests as somebody.
pub enum Caller {
    Stranger,
    /// A cookie.
    Browser(String),
    /// Another application's back end, by its key.
    BackEnd(String),
    Signed(Box<Phone>, By),
    /// Signs with a key that comes with the request.
    Enclosed(Box<Phone>),
}

/// The callers, by name.
pub type Cast = Vec<(&'static str, Caller)>;

impl Caller {
    pub fn is_somebody(&self) -> bool {
        matches!(self, Caller::Browser(_) | Caller::Signed(..))
    }

    pub fn signs(&self) -> bool {
        matches!(self, Caller::Signed(..) | Caller::Enclosed(_))
    }

    pub async fn headers(&self, door: &Door, method: &str, target: &str, body: &[u8]) -> Headers {
        let plain: Headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        match self {
            Caller::Stranger => plain,
            Caller::Browser(cookie) => {
                let site = ("sec-fetch-site".to_owned(), "same-origin".to_owned());
                [plain, vec![site, ("cookie".to_owned(), format!("__Host-session={cookie}"))]].concat()
            }
            Caller::BackEnd(key) => [plain, vec![("authorization".to_owned(), format!("Bearer {key}"))]].concat(),
            Caller::Signed(phone, by) => with_type(phone.prepare(*by, method, target, body).await),
            Caller::Enclosed(phone) => {
                let nonce = door.nonce().await;
                with_type(phone.sign(method, target, body, nonce, KeyId::Enclosed, &SESSION_KEY))
            }
        }
    }

    pub async fn send(&self, door: &Door, method: &str, target: &str, body: Vec<u8>) -> Answer {
        let headers = self.headers(door, method, target, &body).await;
        door.send(method, target, &headers, body).await
    }
}

/// Also where the body is empty.
fn with_type(mut headers: Headers) -> Headers {
    if !headers.iter().any(|(name, _)| name == "content-type") {
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
    }
    headers
}

/// One caller for each kind of access that a route may ask for.
pub async fn cast(portal: &Portal) -> Cast {
    let mut ada = portal.enforced().await;
    let (member, device) = twins(portal, &mut ada, BO).await;
    let mut enrolling = portal.phone();
    enrolling.sign_in(CY).await;
    enrolling.set_up().await;
    portal.world.add_member("Dee Dorn", "dee@example.test", "member");
    let mut fresh = portal.phone();
    fresh.sign_in("dee@example.test").await;
    fresh.begin_set_up().await;
    let mut asked = portal.phone();
    asked.sign_in(CY).await;
    let enclosed = portal.phone();
    enclosed.policy_version.store(2, std::sync::atomic::Ordering::SeqCst);
    let world = &portal.world;
    let add = ["admin", "add-back-end", "--organisation", &world.organisation, "--name", "orders"];
    let key = world.run(&[add.as_slice(), &["--url", "https://orders.test"]].concat(), "");
    vec![
        ("a stranger", Caller::Stranger),
        ("a back end", Caller::BackEnd(key)),
        ("a stranger with a key", Caller::Enclosed(Box::new(enclosed))),
        ("an admin's browser", Caller::Browser(ada.cookie.unwrap())),
        ("a member", Caller::Signed(Box::new(member), By::Session)),
        ("a device", Caller::Signed(Box::new(device), By::Device)),
        ("a member without a device", Caller::Signed(Box::new(enrolling), By::Session)),
        ("a member at the code", Caller::Signed(Box::new(asked), By::Session)),
        ("a member without two-step", Caller::Signed(Box::new(fresh), By::Session)),
    ]
}

/// One phone as two callers: its session and its device key.
async fn twins(portal: &Portal, ada: &mut Browser, name: &str) -> (Phone, Phone) {
    let member = portal.ready_phone(ada, name).await;
    let mut device = portal.phone();
    device.organisation.clone_from(&member.organisation);
    device.enrollment.clone_from(&member.enrollment);
    device.device_key = member.device_key.clone();
    let version = member.policy_version.load(std::sync::atomic::Ordering::SeqCst);
    device.policy_version.store(version, std::sync::atomic::Ordering::SeqCst);
    (member, device)
}
