//! A phone that runs core's engine over ports in memory, and a member who does what its step says.
#![allow(dead_code)]

use super::support::{AUTHORITY, Answer, Authenticator, BO, Browser, Door, HOUR_MS, PASSWORD, Portal, STEP_MS};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use twinlock_core::engine::{Engine, EngineConfig, Ports};
use twinlock_core::pin::{Pin, PinDigits};
use twinlock_core::policy::Surface;
use twinlock_core::ports::{self, Clock, PinKeyKind, PortFuture, Request, Transport};
use twinlock_core::secret::{SecretBytes, SecretText};
use twinlock_core::step::{BlockedReason, Step};
use twinlock_core::testing::{MemoryDeviceKey, MemoryStore, ScriptedTransport};
use twinlock_core::{Error, Result};

pub const PIN: &str = "837261";
pub const WRONG_PIN: &str = "938174";

/// A portal in this process, its admin, and a member's phone.
pub struct Scene {
    pub portal: Portal,
    pub ada: Browser,
}

impl Scene {
    /// Two-step is required; only Ada has it so far.
    pub async fn start() -> Self {
        let portal = Portal::start();
        let ada = portal.enforced().await;
        Self { portal, ada }
    }

    /// Bo's phone, new.
    pub fn handset(&self) -> Handset {
        Handset::new(&self.portal, BO, PinKeyKind::Mac)
    }

    /// Bo's phone with everything done.
    pub async fn ready(&mut self) -> Handset {
        let mut handset = self.handset();
        self.lead_to(&mut handset, &Step::Ready).await;
        handset
    }

    /// The member and the admin do what the step asks for, again and again, whatever goes wrong, until it is `wanted`.
    pub async fn lead_to(&mut self, handset: &mut Handset, wanted: &Step) {
        for _ in 0..24 {
            let step = handset.engine.step();
            if std::mem::discriminant(&step) == std::mem::discriminant(wanted) {
                return;
            }
            self.act(handset, step).await.ok();
        }
        panic!("{:?}, and never {wanted:?}", handset.engine.step());
    }

    async fn act(&mut self, handset: &mut Handset, step: Step) -> Result<Step> {
        match step {
            Step::SignIn | Step::Blocked { reason: BlockedReason::KeyLost | BlockedReason::Revoked } => {
                handset.sign_in().await
            }
            Step::SetUpTwoStep => handset.set_up_two_step().await,
            Step::EnterCode => {
                self.pass(STEP_MS);
                handset.engine.submit_code(&handset.code()).await
            }
            Step::AwaitApproval { comparison_code } => {
                let device = handset.account()["device"].as_str().unwrap_or_default().to_owned();
                self.ada.type_comparison(&device, &comparison_code.unwrap_or_default()).await;
                handset.engine.refresh().await
            }
            Step::CreatePin(_) | Step::ChangePin(_) => handset.engine.submit_pin(pin(&handset.pin)).await,
            Step::EnterPin { .. } => handset.engine.submit_pin(pin(&handset.pin)).await,
            Step::Wait { .. } => {
                self.pass(HOUR_MS);
                handset.engine.submit_pin(pin(&handset.pin)).await
            }
            Step::Ready => Ok(Step::Ready),
            Step::Blocked { reason } => panic!("{reason:?}"),
        }
    }

    /// Time passes.
    pub fn pass(&self, ms: u64) {
        self.portal.clock.pass(ms);
    }
}

/// One account on a phone. Keys and storage outlive the engine; they may be shared by several accounts.
pub struct Handset {
    pub account: String,
    pub name: &'static str,
    pub pin: String,
    pub keys: Arc<MemoryDeviceKey>,
    pub store: Arc<MemoryStore>,
    pub transport: Arc<ScriptedTransport>,
    pub clock: Arc<dyn Clock>,
    pub engine: Engine,
    authenticator: Option<Arc<Authenticator>>,
}

impl Handset {
    pub fn new(portal: &Portal, name: &'static str, kind: PinKeyKind) -> Self {
        let keys = Arc::new(MemoryDeviceKey::with_kind(kind));
        Self::on("account", name, portal, keys, Arc::new(MemoryStore::new()))
    }

    /// One more account on a phone that exists.
    pub fn on(
        account: &str,
        name: &'static str,
        portal: &Portal,
        keys: Arc<MemoryDeviceKey>,
        store: Arc<MemoryStore>,
    ) -> Self {
        Self::over(portal.door.clone(), portal.clock.clone(), account, name, keys, store)
    }

    /// An account on a phone that reaches the portal through `door`.
    pub fn over(
        door: Door,
        clock: Arc<dyn Clock>,
        account: &str,
        name: &'static str,
        keys: Arc<MemoryDeviceKey>,
        store: Arc<MemoryStore>,
    ) -> Self {
        let transport = Arc::new(ScriptedTransport::new(Arc::new(DoorTransport(door))));
        let engine = engine(account, &keys, &store, &transport, &clock);
        let (account, pin) = (account.to_owned(), PIN.to_owned());
        Self { account, name, pin, keys, store, transport, clock, engine, authenticator: None }
    }

    /// The process ends, whatever it was doing, and the app starts again. Storage works again too.
    pub fn restart(&mut self) -> Result<Step> {
        self.store.repair();
        self.keys.repair();
        self.engine = engine(&self.account, &self.keys, &self.store, &self.transport, &self.clock);
        self.engine.open()
    }

    /// The portal is somewhere else now; the app is started again for it.
    pub fn reach(&mut self, door: Door) {
        self.transport = Arc::new(ScriptedTransport::new(Arc::new(DoorTransport(door))));
        self.restart().unwrap();
    }

    /// From nothing to the step that asks for a new PIN.
    pub async fn enroll(&mut self, ada: &mut Browser) {
        self.sign_in().await.unwrap();
        let Ok(Step::AwaitApproval { comparison_code }) = self.set_up_two_step().await else {
            panic!("{:?}", self.engine.step())
        };
        let device = self.account()["device"].as_str().unwrap_or_default().to_owned();
        ada.type_comparison(&device, &comparison_code.unwrap_or_default()).await.expect(204);
        assert!(matches!(self.engine.refresh().await, Ok(Step::CreatePin(_))));
    }

    /// A backup of this phone's storage on a new one, which has no keys.
    pub fn on_new_phone(&self, portal: &Portal) -> Self {
        let store = Arc::new(MemoryStore::new());
        store.restore(self.store.blobs());
        let mut other = Self::on(&self.account, self.name, portal, Arc::new(MemoryDeviceKey::new()), store);
        other.authenticator = self.authenticator.clone();
        other
    }

    /// Another process of the same app on the same phone.
    pub fn twin(&self, portal: &Portal) -> Self {
        let mut other = Self::on(&self.account, self.name, portal, self.keys.clone(), self.store.clone());
        other.authenticator = self.authenticator.clone();
        other
    }

    /// What lies in the store under this account's name.
    pub fn blobs(&self) -> BTreeMap<String, Vec<u8>> {
        let own = self.blob("");
        self.store.blobs().into_iter().filter(|(name, _)| name.starts_with(&own)).collect()
    }

    pub async fn sign_in(&self) -> Result<Step> {
        self.engine.sign_in(self.name, SecretText::new(PASSWORD.to_owned())).await
    }

    pub async fn set_up_two_step(&mut self) -> Result<Step> {
        let set_up = self.engine.set_up_two_step().await?;
        self.authenticator = Some(Arc::new(Authenticator::from_uri(set_up.uri.expose())));
        self.engine.submit_code(&self.code()).await
    }

    /// The present code of the member's authenticator app; the portal's clock is the right one.
    pub fn code(&self) -> String {
        self.authenticator.as_ref().unwrap().code_at(self.clock.wall_ms().unwrap())
    }

    pub async fn enter(&self, digits: &str) -> Result<Step> {
        self.engine.submit_pin(pin(digits)).await
    }

    /// What the phone remembers, as it lies in the store; null if nothing does.
    pub fn account(&self) -> Value {
        let blobs = self.store.blobs();
        let blob = blobs.iter().find(|(name, _)| **name == self.blob("account"));
        blob.map_or(Value::Null, |(_, bytes)| serde_json::from_slice(bytes).unwrap())
    }

    /// The name of one of this account's blobs.
    pub fn blob(&self, what: &str) -> String {
        let digest = ring::digest::digest(&ring::digest::SHA256, self.account.as_bytes());
        format!("{}.{what}", &data_encoding::HEXLOWER.encode(digest.as_ref())[..32])
    }

    /// The files are there and the vault works.
    pub async fn is_open(&self) -> bool {
        let secret = || SecretBytes::new(b"a secret of the app's".to_vec());
        self.engine.files().await.is_ok()
            && self.engine.vault_put("item", secret()).is_ok()
            && self.engine.vault_item("item") == Ok(Some(secret()))
    }

    /// One PIN opens and another does not.
    pub async fn expect_only_pin(&self, right: &str, wrong: &str) {
        self.engine.lock();
        assert!(matches!(self.enter(wrong).await, Err(Error::WrongPin { .. })), "the wrong PIN");
        assert_eq!(self.enter(right).await, Ok(Step::Ready), "the right PIN");
        assert!(self.is_open().await);
    }
}

pub fn pin(digits: &str) -> Pin {
    let mut keypad = PinDigits::new();
    digits.bytes().for_each(|digit| keypad.push_digit(digit).unwrap());
    keypad.submit().unwrap()
}

fn engine(
    account: &str,
    keys: &Arc<MemoryDeviceKey>,
    store: &Arc<MemoryStore>,
    transport: &Arc<ScriptedTransport>,
    clock: &Arc<dyn Clock>,
) -> Engine {
    let config = EngineConfig {
        account: account.to_owned(),
        authority: AUTHORITY.to_owned(),
        device_name: "Bo's phone".to_owned(),
        model: "Testfon 3".to_owned(),
        system: "Android 17".to_owned(),
        app_version: "1.0.0".to_owned(),
        surface: Surface::Phone,
    };
    let ports =
        Ports { device_key: keys.clone(), store: store.clone(), clock: clock.clone(), transport: transport.clone() };
    Engine::new(config, ports)
}

/// The portal's router itself, as the engine's network.
struct DoorTransport(Door);

impl Transport for DoorTransport {
    fn send(&self, request: Request) -> PortFuture<'_, Result<ports::Answer>> {
        Box::pin(async move {
            let headers: Vec<(String, String)> =
                request.headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            let body = request.body.expose().to_vec();
            let sent = self.0.try_send(request.method, &request.target, &headers, body).await;
            let Answer { status, headers, body } = sent.map_err(|_| Error::Offline)?;
            let headers = headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
            Ok(ports::Answer { status: status.as_u16(), headers: headers.collect(), body: SecretBytes::new(body) })
        })
    }
}
