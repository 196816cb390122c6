//! From nothing to the first step: the engine of an enrolled device is made and opened, with its ports in memory.

use crate::Result;
use crate::report::{Budget, Report, median, quantile};
use ring::digest::{SHA256, digest};
use serde_json::json;
use std::sync::Arc;
use std::time::Instant;
use twinlock_core::Error;
use twinlock_core::engine::{Engine, EngineConfig, Ports};
use twinlock_core::policy::Rules;
use twinlock_core::ports::{Answer, Clock, DeviceKey, PortError, PortFuture, Request, Store, Transport};
use twinlock_core::step::Step;
use twinlock_core::testing::{MemoryDeviceKey, MemoryStore};

const OPENINGS: usize = 2_000;
const SECTION: &str = "Engine open to first step, ports in memory";

struct StandingClock;

impl Clock for StandingClock {
    fn wall_ms(&self) -> std::result::Result<u64, PortError> {
        Ok(1_800_000_000_000)
    }

    fn boot_ms(&self) -> std::result::Result<u64, PortError> {
        Ok(1)
    }
}

/// Opening needs no network; whoever tries finds none.
struct NoNetwork;

impl Transport for NoNetwork {
    fn send(&self, _: Request) -> PortFuture<'_, twinlock_core::Result<Answer>> {
        Box::pin(async { Err(Error::Offline) })
    }
}

/// Opens again and again; each engine is new.
pub fn measure(report: &mut Report) -> Result<()> {
    let device_key = Arc::new(MemoryDeviceKey::new());
    device_key.generate("account")?;
    let store = Arc::new(MemoryStore::new());
    // What an enrolled device with a PIN has kept (core/src/engine/account.rs).
    let account = json!({
        "organisation": "organisation", "member": "member", "policy_key": "", "seen": null,
        "rules": Rules::strict(), "required_from_ms": 0, "rules_until_ms": u64::MAX, "device": "device", "device_key": "", "state": "approved", "comparison_code": null,
        "pin_epoch": 1, "sealed_epochs": [1], "tries_left": 10, "attempt": 3,
    });
    // Names of blobs begin with the digest of the account's name (core/src/engine/shelf.rs).
    let digest = digest(&SHA256, b"account");
    let prefix: String = digest.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    store.write(&format!("{prefix}.account"), account.to_string().as_bytes())?;
    let ports = Ports { device_key, store, clock: Arc::new(StandingClock), transport: Arc::new(NoNetwork) };
    let config = EngineConfig {
        account: "account".to_owned(),
        authority: "portal.example".to_owned(),
        device_name: "Device".to_owned(),
        model: "Model".to_owned(),
        system: "System 1".to_owned(),
        app_version: "1.0.0".to_owned(),
        surface: twinlock_core::policy::Surface::Phone,
    };
    let mut took = Vec::new();
    for _ in 0..OPENINGS {
        let (config, ports) = (config.clone(), ports.clone());
        let started = Instant::now();
        let step = Engine::new(config, ports).open()?;
        took.push(started.elapsed().as_secs_f64() * 1e3);
        if !matches!(step, Step::EnterPin { .. }) {
            return Err(format!("the engine opened with {step:?}, not with EnterPin").into());
        }
    }
    let (middle, slow) = (median(took.clone()), quantile(took, 0.99));
    report.line(SECTION, "median", middle, "ms", Budget::at_most(middle, 5.0, "≤ 5 ms"));
    report.line(SECTION, "99th percentile", slow, "ms", None);
    report.note("Engine open: keys and storage of a phone are not in it; they take what the platform takes.");
    Ok(())
}
