//! Ports in memory, for tests and the demo. Never in a shipped artefact.

mod device_key;

pub use device_key::MemoryDeviceKey;

use crate::ports::{PortError, Store};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Blobs in a map.
#[derive(Default)]
pub struct MemoryStore {
    blobs: Mutex<HashMap<String, Vec<u8>>>,
}

impl MemoryStore {
    /// Nothing stored.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Store for MemoryStore {
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, PortError> {
        Ok(self.blobs.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned())
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), PortError> {
        self.blobs.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), bytes.to_vec());
        Ok(())
    }

    fn remove(&self, name: &str) -> Result<(), PortError> {
        self.blobs.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        Ok(())
    }
}
