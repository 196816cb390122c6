//! What Kotlin and Swift see of Twinlock's core.
//!
//! Hand-written shells in `android/` and `ios/` are the public API; what is here is their internal glue. Every type is
//! the core's with the shape that UniFFI needs, every function forwards. No decision is taken here.
//!
//! Secrets come in as borrowed bytes into wiping objects ([`PinEntry`], [`Password`]) and go out in three documented
//! places: [`Engine::set_up_two_step`], recovery codes ([`Engine::take_recovery_codes`], [`Engine::new_recovery_codes`])
//! and [`Engine::vault_item`]. Everything freed is wiped first, whoever freed it.

#![deny(unsafe_code)]

mod code;
mod config;
mod engine;
mod error;
mod panic;
mod password;
mod pin_entry;
mod ports;
mod step;
#[cfg(feature = "testing")]
mod testing;

pub use code::{CodeMatch, OneTimeCode};
pub use config::EngineConfig;
pub use engine::{Engine, FileEntry, TwoStepSetUp};
pub use error::{EngineError, PinFault};
pub use password::Password;
pub use pin_entry::PinEntry;
pub use ports::{Clock, DeviceKey, HostError, KeyLevel, PinKeyKind, Store};
pub use step::{BlockedReason, Step};
#[cfg(feature = "testing")]
pub use testing::*;

/// UniFFI copies strings and byte arrays on their way in and never wipes them; this wipes whatever is freed.
#[global_allocator]
static ALLOCATOR: zeroizing_alloc::ZeroAlloc<std::alloc::System> = zeroizing_alloc::ZeroAlloc(std::alloc::System);

uniffi::setup_scaffolding!();
