//! A clock that only tests move.

use crate::ports::{Clock, PortError};
use std::sync::atomic::{AtomicU64, Ordering};

/// Wall time and time since boot, each moved by itself.
pub struct ManualClock {
    wall_ms: AtomicU64,
    boot_ms: AtomicU64,
}

impl ManualClock {
    /// Booted a millisecond ago, at this wall time.
    pub fn new(wall_ms: u64) -> Self {
        Self { wall_ms: AtomicU64::new(wall_ms), boot_ms: AtomicU64::new(1) }
    }

    /// Time passes, on both clocks.
    pub fn pass(&self, ms: u64) {
        self.wall_ms.fetch_add(ms, Ordering::SeqCst);
        self.boot_ms.fetch_add(ms, Ordering::SeqCst);
    }

    /// The user sets the wall clock; time since boot does not notice.
    pub fn set_wall(&self, wall_ms: u64) {
        self.wall_ms.store(wall_ms, Ordering::SeqCst);
    }

    /// The device restarts.
    pub fn reboot(&self) {
        self.boot_ms.store(1, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn wall_ms(&self) -> Result<u64, PortError> {
        Ok(self.wall_ms.load(Ordering::SeqCst))
    }

    fn boot_ms(&self) -> Result<u64, PortError> {
        Ok(self.boot_ms.load(Ordering::SeqCst))
    }
}
