//! Blobs in a map, and the faults of storage.

use crate::ports::{PortError, Store};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Blobs in memory. It outlives the engine that writes to it: a second engine on the same store is a restart.
#[derive(Default)]
pub struct MemoryStore {
    state: Mutex<State>,
}

/// What is left of the change at which the storage stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The old blob: it failed before it took effect.
    Lost,
    /// The new blob: it took effect, and nobody was told.
    Kept,
}

#[derive(Default)]
struct State {
    blobs: BTreeMap<String, Vec<u8>>,
    changes: u64,
    stop: Option<Stop>,
}

struct Stop {
    at: u64,
    change: Change,
}

impl MemoryStore {
    /// Nothing stored, nothing broken.
    pub fn new() -> Self {
        Self::default()
    }

    /// The `nth` write or removal from now (1 is the next) fails as `change` says, and after it everything fails until
    /// [`MemoryStore::repair`]: to whoever looks at the store afterwards, the process was killed at that moment.
    pub fn stop_at(&self, nth: u64, change: Change) {
        let mut state = self.state();
        let at = state.changes.saturating_add(nth);
        state.stop = Some(Stop { at, change });
    }

    /// Works again. True if it had stopped: the n-th change was reached.
    pub fn repair(&self) -> bool {
        let mut state = self.state();
        let has_stopped = state.has_stopped();
        state.stop = None;
        has_stopped
    }

    /// What is stored, by name: a backup.
    pub fn blobs(&self) -> BTreeMap<String, Vec<u8>> {
        self.state().blobs.clone()
    }

    /// Puts back a backup.
    pub fn restore(&self, blobs: BTreeMap<String, Vec<u8>>) {
        self.state().blobs = blobs;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut BTreeMap<String, Vec<u8>>)) -> Result<(), PortError> {
        let mut state = self.state();
        state.changes += 1;
        match &state.stop {
            Some(stop) if state.changes > stop.at => return Err(PortError::StoreFailed),
            Some(stop) if state.changes == stop.at && stop.change == Change::Lost => {
                return Err(PortError::StoreFailed);
            }
            _ => change(&mut state.blobs),
        }
        if state.has_stopped() { Err(PortError::StoreFailed) } else { Ok(()) }
    }
}

impl State {
    fn has_stopped(&self) -> bool {
        self.stop.as_ref().is_some_and(|stop| self.changes >= stop.at)
    }
}

impl Store for MemoryStore {
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, PortError> {
        let state = self.state();
        if state.has_stopped() { Err(PortError::StoreFailed) } else { Ok(state.blobs.get(name).cloned()) }
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), PortError> {
        self.change(|blobs| {
            blobs.insert(name.to_owned(), bytes.to_vec());
        })
    }

    fn remove(&self, name: &str) -> Result<(), PortError> {
        self.change(|blobs| {
            blobs.remove(name);
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stops_at_the_nth_change_before_or_after_it_took_effect() {
        for (change, left) in [(Change::Lost, None), (Change::Kept, Some(b"2".to_vec()))] {
            let store = MemoryStore::new();
            store.stop_at(2, change);
            store.write("a", b"1").unwrap();
            assert_eq!(store.write("b", b"2"), Err(PortError::StoreFailed));
            assert_eq!(store.remove("a"), Err(PortError::StoreFailed));
            assert_eq!(store.read("a"), Err(PortError::StoreFailed));
            assert!(store.repair());
            assert_eq!((store.read("a"), store.read("b")), (Ok(Some(b"1".to_vec())), Ok(left)));
            store.remove("a").unwrap();
            assert_eq!(store.read("a"), Ok(None));
            assert!(!store.repair());
        }
    }
}
