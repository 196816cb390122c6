//! What the command remembers of its registration; no secret.

use crate::failure::Failure;
use serde::{Deserialize, Serialize};
use twinlock_core::Error;
use twinlock_core::ports::Store;

/// With whom this desktop is registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// `https://host` or `https://host:port`.
    pub portal: String,
    /// The member's sign-in name.
    pub name: String,
    /// What this desktop is called.
    pub device_name: String,
    /// The certificates to trust instead of the system's, PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roots_pem: Option<String>,
}

const NAME: &str = "registration";

impl Registration {
    /// The one that is kept, if there is one.
    pub fn read(store: &dyn Store) -> Result<Option<Self>, Failure> {
        let Some(bytes) = store.read(NAME).map_err(Error::from)? else { return Ok(None) };
        Ok(Some(serde_json::from_slice(&bytes).map_err(|_| Error::Corrupt)?))
    }

    /// Keeps it.
    pub fn keep(&self, store: &dyn Store) -> Result<(), Failure> {
        let bytes = serde_json::to_vec(self).map_err(|_| Error::Internal)?;
        Ok(store.write(NAME, &bytes).map_err(Error::from)?)
    }

    /// Forgets it.
    pub fn forget(store: &dyn Store) -> Result<(), Failure> {
        Ok(store.remove(NAME).map_err(Error::from)?)
    }

    /// Whether another one is of the same member at the same portal.
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.portal == other.portal && self.name == other.name
    }
}
