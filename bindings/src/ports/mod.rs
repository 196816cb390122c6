//! The host's ports: synchronous, each method returns `Result`, and none is called while a lock is held, so that a port
//! may call back into the engine. Each comes with the adapter that makes it a port of the core.

mod clock;
mod device_key;
mod host_error;
mod store;

pub use clock::Clock;
pub use device_key::{DeviceKey, KeyLevel, PinKeyKind};
pub use host_error::HostError;
pub use store::Store;

pub(crate) use clock::HostClock;
pub(crate) use device_key::HostDeviceKey;
pub(crate) use store::HostStore;
