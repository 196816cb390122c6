//! Ports in memory, for tests and the demo. Never in a shipped artefact.

mod clock;
mod device_key;
mod store;
#[cfg(feature = "client")]
mod transport;

pub use clock::ManualClock;
pub use device_key::MemoryDeviceKey;
pub use store::{Change, MemoryStore};
#[cfg(feature = "client")]
pub use transport::{Fate, NoNetwork, ScriptedTransport, answer};
