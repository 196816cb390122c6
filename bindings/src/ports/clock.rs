use super::HostError;
use std::sync::Arc;
use twinlock_core::ports::{self, PortError};

/// The host's clocks.
#[uniffi::export(foreign)]
pub trait Clock: Send + Sync {
    /// Wall time, milliseconds since 1970-01-01 UTC.
    fn wall_ms(&self) -> Result<u64, HostError>;

    /// Milliseconds since the device booted, running in sleep.
    fn boot_ms(&self) -> Result<u64, HostError>;
}

pub(crate) struct HostClock(pub(crate) Arc<dyn Clock>);

impl ports::Clock for HostClock {
    fn wall_ms(&self) -> Result<u64, PortError> {
        Ok(self.0.wall_ms()?)
    }

    fn boot_ms(&self) -> Result<u64, PortError> {
        Ok(self.0.boot_ms()?)
    }
}
