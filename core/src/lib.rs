//! The rules of Twinlock, shared by phones, desktops and the portal.
//!
//! Pure Rust: no platform, no FFI, no web framework, no ambient clock or randomness. What a module needs from the
//! world comes in through [`ports`]. The portal uses the crate without features; phones and desktops switch on
//! `client`, which adds the engine and its HTTP transport.

pub mod code;
#[cfg(feature = "client")]
pub mod engine;
pub mod enrollment;
pub mod error;
mod framing;
#[cfg(feature = "client")]
pub mod http;
pub mod pin;
pub mod policy;
pub mod ports;
pub mod proof;
pub mod sealed;
pub mod secret;
pub mod step;
#[cfg(feature = "testing")]
pub mod testing;
pub mod vault;
pub mod wire;

pub use error::{Error, ErrorCode, Result};
