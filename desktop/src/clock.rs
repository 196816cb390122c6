//! The system's clocks.

use std::time::{Instant, SystemTime, UNIX_EPOCH};
use twinlock_core::ports::{Clock, PortError};

/// The system's clock. "Boot" is the start of the command: nothing that is measured with it outlives one.
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// Starts counting now.
    #[allow(clippy::disallowed_methods, reason = "this is the port")]
    pub fn start() -> Self {
        Self { started: Instant::now() }
    }
}

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "this is the port")]
    fn wall_ms(&self) -> Result<u64, PortError> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|_| PortError::Host)?;
        u64::try_from(since.as_millis()).map_err(|_| PortError::Host)
    }

    fn boot_ms(&self) -> Result<u64, PortError> {
        u64::try_from(self.started.elapsed().as_millis()).map_err(|_| PortError::Host)
    }
}
