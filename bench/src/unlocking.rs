//! A whole unlock: the engine over loopback TLS against the portal in this process, from the typed PIN to the open vault.

use crate::Result;
use crate::portal::{AUTHORITY, ManualClock, PASSWORD, require_two_step, seed};
use crate::report::{Budget, Report, median, quantile};
use axum_server::tls_rustls::RustlsConfig;
use serde_json::json;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use twinlock_core::code::OneTimeCode;
use twinlock_core::engine::{Engine, EngineConfig, Ports};
use twinlock_core::http::{HttpConfig, HttpTransport};
use twinlock_core::pin::{Owner, Pin, PinDigits, SALT_LEN, StretchMemory, StretchParameters};
use twinlock_core::ports::{Answer, DeviceKey, KeyLevel, PinKeyKind, PortError, PortFuture, Request, Transport};
use twinlock_core::secret::{SecretBytes, SecretText};
use twinlock_core::step::Step;
use twinlock_core::testing::{MemoryDeviceKey, MemoryStore};
use twinlock_portal::app::app;
use twinlock_portal::config::Config;
use twinlock_portal::key_wrap::FileKeyWrap;
use twinlock_portal::portal::PortalState;
use twinlock_portal::store::{Options, Store};

const UNLOCKS: usize = 60;
const MEMBER: &str = "member@example.org";
const SECTION: &str = "Whole unlock over loopback TLS, 46 MiB, 2 passes";

/// Milliseconds spent in one place since it was last asked.
#[derive(Default)]
struct Spent(Mutex<f64>);

impl Spent {
    fn add(&self, since: Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += milliseconds(since);
    }

    fn take(&self) -> f64 {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

struct TimedTransport {
    inner: HttpTransport,
    spent: Arc<Spent>,
}

impl Transport for TimedTransport {
    fn send(&self, request: Request) -> PortFuture<'_, twinlock_core::Result<Answer>> {
        Box::pin(async move {
            let started = Instant::now();
            let answer = self.inner.send(request).await;
            self.spent.add(started);
            answer
        })
    }
}

struct TimedKey {
    inner: MemoryDeviceKey,
    spent: Arc<Spent>,
}

impl TimedKey {
    fn timed<T>(&self, act: impl FnOnce(&MemoryDeviceKey) -> T) -> T {
        let started = Instant::now();
        let done = act(&self.inner);
        self.spent.add(started);
        done
    }
}

type Ported<T> = std::result::Result<T, PortError>;

impl DeviceKey for TimedKey {
    fn generate(&self, account: &str) -> Ported<Vec<u8>> {
        self.timed(|key| key.generate(account))
    }

    fn sign(&self, account: &str, message: &[u8]) -> Ported<Vec<u8>> {
        self.timed(|key| key.sign(account, message))
    }

    fn pin_key_kind(&self, account: &str) -> Ported<PinKeyKind> {
        self.timed(|key| key.pin_key_kind(account))
    }

    fn bind_guess(&self, account: &str, guess: &[u8]) -> Ported<SecretBytes> {
        self.timed(|key| key.bind_guess(account, guess))
    }

    fn delete(&self, account: &str) -> Ported<()> {
        self.timed(|key| key.delete(account))
    }

    fn level(&self, account: &str) -> Ported<KeyLevel> {
        self.timed(|key| key.level(account))
    }
}

/// Sets a phone up and unlocks it again and again.
pub fn measure(report: &mut Report) -> Result<()> {
    let folder = tempfile::tempdir()?;
    seed(folder.path(), &[MEMBER.to_owned()])?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(unlock_again_and_again(folder.path(), report))
}

async fn unlock_again_and_again(folder: &Path, report: &mut Report) -> Result<()> {
    // It stands: calibration then takes the default, which the budget is about.
    let clock = ManualClock::start()?;
    let (base_url, root) = serve(folder, &clock).await?;
    let (trips, chip) = (Arc::new(Spent::default()), Arc::new(Spent::default()));
    let config = EngineConfig {
        account: "account".to_owned(),
        authority: HttpConfig::authority(&base_url)?,
        device_name: "Device".to_owned(),
        model: "Model".to_owned(),
        system: "System 1".to_owned(),
        app_version: "1.0.0".to_owned(),
        surface: twinlock_core::policy::Surface::Phone,
    };
    let inner = HttpTransport::new(&HttpConfig { base_url, roots_pem: root.into_bytes(), pins: Vec::new() })?;
    let ports = Ports {
        device_key: Arc::new(TimedKey { inner: MemoryDeviceKey::new(), spent: chip.clone() }),
        store: Arc::new(MemoryStore::new()),
        clock: clock.clone(),
        transport: Arc::new(TimedTransport { inner, spent: trips.clone() }),
    };
    let engine = Engine::new(config, ports);
    engine.open()?;
    engine.sign_in(MEMBER, SecretText::new(PASSWORD.to_owned())).await?;
    let authenticator = OneTimeCode::parse_uri(engine.set_up_two_step().await?.uri.expose())?;
    let key = authenticator.key();
    engine.submit_code(key.derive_code(key.step_at(clock.now_ms())?)?.to_text().expose()).await?;
    engine.submit_pin(pin()?).await?;
    let step = engine.submit_pin(pin()?).await?;
    if step != Step::Ready {
        return Err(format!("the phone is not ready but at {step:?}").into());
    }
    let mut took = [const { Vec::new() }; 5];
    for _ in 0..UNLOCKS {
        engine.lock();
        let argon2 = stretch_alone()?;
        trips.take();
        chip.take();
        let started = Instant::now();
        engine.submit_pin(pin()?).await?;
        let whole = milliseconds(started);
        let (trips, chip) = (trips.take(), chip.take());
        let opening = (whole - argon2 - trips - chip).max(0.0);
        for (list, value) in took.iter_mut().zip([whole, argon2, trips, chip, opening]) {
            list.push(value);
        }
    }
    let [whole, argon2, trips, chip, opening] = took;
    let without: Vec<f64> = whole.iter().zip(&argon2).map(|(whole, argon2)| whole - argon2).collect();
    let rest = median(without);
    report.line(SECTION, "median", median(whole.clone()), "ms", None);
    report.line(SECTION, "99th percentile", quantile(whole, 0.99), "ms", None);
    report.line(SECTION, "of it: Argon2id, allocation included", median(argon2), "ms", None);
    report.line(SECTION, "of it: two round trips", median(trips), "ms", None);
    report.line(SECTION, "of it: the key port, in software", median(chip), "ms", None);
    report.line(SECTION, "of it: blinding, proof, opening, storing", median(opening), "ms", None);
    report.line(SECTION, "unlock without Argon2id", rest, "ms", Budget::at_most(rest, 3.0, "≤ 3 ms"));
    report.note(
        "Whole unlock: one kept TLS 1.3 connection over loopback, phone and portal in one process on the same cores, SQLite \
         `FULL`, keys in software. Argon2id is measured beside each unlock, with the same parameters and new memory.",
    );
    Ok(())
}

/// Serves the portal over TLS, without approval of devices; returns its address and its root.
async fn serve(folder: &Path, clock: &Arc<ManualClock>) -> Result<(String, String)> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    listener.set_nonblocking(true)?;
    let base_url = format!("https://localhost:{}", listener.local_addr()?.port());
    let data = folder.join("data");
    let config = Config {
        data: data.clone(),
        public_url: base_url.clone(),
        // The admin's browser of this benchmark calls it so.
        other_hosts: vec![AUTHORITY.to_owned()],
        sign_ins_a_minute: 1_000_000,
        requests_a_second: 1_000_000,
        ..Config::default()
    };
    let store = Store::open_sqlite(&data.join("portal.db"), Options::at(i64::try_from(clock.now_ms())?))?;
    let key_wrap = FileKeyWrap::open_or_create(&folder.join("kek"))?;
    let portal = PortalState::new(config, store, clock.clone(), Arc::new(key_wrap));
    let router = app(portal);
    require_two_step(&router, json!({ "device_approval": "none" })).await?;
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])?;
    // An error means that it was installed before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let tls = RustlsConfig::from_pem(certificate.clone().into_bytes(), key.into_bytes()).await?;
    let server = axum_server::from_tcp_rustls(listener, tls)?;
    tokio::spawn(server.serve(router.into_make_service_with_connect_info::<SocketAddr>()));
    Ok((base_url, certificate))
}

fn stretch_alone() -> Result<f64> {
    let (pin, owner) = (pin()?, Owner::new("organisation", "device")?);
    let started = Instant::now();
    let parameters = StretchParameters::DEFAULT;
    std::hint::black_box(StretchMemory::allocate(parameters)?.stretch(&pin, &owner, 1, &[7; SALT_LEN], parameters)?);
    Ok(milliseconds(started))
}

fn pin() -> Result<Pin> {
    let mut digits = PinDigits::new();
    b"837261".iter().try_for_each(|digit| digits.push_digit(*digit))?;
    Ok(digits.submit()?)
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}
