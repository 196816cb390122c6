use super::HostError;
use std::sync::Arc;
use twinlock_core::ports::{self, PortError};

/// Small named blobs, device-only, never in a backup.
#[uniffi::export(foreign)]
pub trait Store: Send + Sync {
    /// The blob, or nothing if there is none with that name.
    fn read(&self, name: String) -> Result<Option<Vec<u8>>, HostError>;

    /// Writes the blob whole or not at all; after a power loss the old or the new one is there.
    fn write(&self, name: String, bytes: Vec<u8>) -> Result<(), HostError>;

    /// Removes the blob. Not an error if there is none.
    fn remove(&self, name: String) -> Result<(), HostError>;
}

pub(crate) struct HostStore(pub(crate) Arc<dyn Store>);

impl ports::Store for HostStore {
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, PortError> {
        Ok(self.0.read(name.to_owned())?)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), PortError> {
        Ok(self.0.write(name.to_owned(), bytes.to_vec())?)
    }

    fn remove(&self, name: &str) -> Result<(), PortError> {
        Ok(self.0.remove(name.to_owned())?)
    }
}
