//! A host whose ports refuse every call, and what it says of itself.

use twinlock_bindings::{Clock, DeviceKey, EngineConfig, HostError, KeyLevel, PinKeyKind, Store};

/// Ports of a host that throws at each call.
pub struct Broken(pub HostError);

impl Store for Broken {
    fn read(&self, _: String) -> Result<Option<Vec<u8>>, HostError> {
        Err(self.0)
    }

    fn write(&self, _: String, _: Vec<u8>) -> Result<(), HostError> {
        Err(self.0)
    }

    fn remove(&self, _: String) -> Result<(), HostError> {
        Err(self.0)
    }
}

impl DeviceKey for Broken {
    fn generate(&self, _: String) -> Result<Vec<u8>, HostError> {
        Err(self.0)
    }

    fn sign(&self, _: String, _: Vec<u8>) -> Result<Vec<u8>, HostError> {
        Err(self.0)
    }

    fn pin_key_kind(&self, _: String) -> Result<PinKeyKind, HostError> {
        Err(self.0)
    }

    fn bind_guess(&self, _: String, _: Vec<u8>) -> Result<Vec<u8>, HostError> {
        Err(self.0)
    }

    fn seal_for_biometric(&self, _: String, _: Vec<u8>) -> Result<Vec<u8>, HostError> {
        Err(self.0)
    }

    fn open_by_biometric(&self, _: String, _: Vec<u8>) -> Result<Vec<u8>, HostError> {
        Err(self.0)
    }

    fn delete(&self, _: String) -> Result<(), HostError> {
        Err(self.0)
    }

    fn level(&self, _: String) -> Result<KeyLevel, HostError> {
        Err(self.0)
    }
}

impl Clock for Broken {
    fn wall_ms(&self) -> Result<u64, HostError> {
        Err(self.0)
    }

    fn boot_ms(&self) -> Result<u64, HostError> {
        Err(self.0)
    }
}

/// With roots that hold no certificate.
pub fn config(portal_url: &str) -> EngineConfig {
    EngineConfig {
        portal_url: portal_url.to_owned(),
        roots_pem: b"no certificate".to_vec(),
        account: "a".to_owned(),
        device_name: "d".to_owned(),
        model: "m".to_owned(),
        system: "s".to_owned(),
        app_version: "1.0.0".to_owned(),
    }
}
