//! What a device remembers of its account: no secret, one atomic blob in the store.

use crate::error::{Error, Result};
use crate::policy::{DeviceState, Rules, SeenPolicy};
use crate::ports::Store;
use crate::wire::Bytes;
use serde::{Deserialize, Serialize};

/// The account as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Account {
    pub(super) organisation: String,
    pub(super) member: String,
    pub(super) policy_key: Bytes,
    pub(super) seen: Option<SeenPolicy>,
    pub(super) rules: Rules,
    /// Empty before enrollment.
    pub(super) device: String,
    pub(super) state: Option<DeviceState>,
    pub(super) comparison_code: Option<String>,
    /// The epoch of the committed PIN file.
    pub(super) pin_epoch: Option<u32>,
    pub(super) tries_left: u32,
    /// The last PIN attempt's number.
    pub(super) attempt: u64,
}

const NAME: &str = "account";

impl Account {
    pub(super) fn load(store: &dyn Store) -> Result<Option<Self>> {
        let Some(bytes) = store.read(NAME)? else { return Ok(None) };
        serde_json::from_slice(&bytes).map(Some).map_err(|_| Error::Corrupt)
    }

    pub(super) fn save(&self, store: &dyn Store) -> Result<()> {
        let bytes = serde_json::to_vec(self).map_err(|_| Error::Internal)?;
        Ok(store.write(NAME, &bytes)?)
    }
}

/// The name of the sealed file of an epoch.
pub(super) fn pin_file(epoch: u32) -> String {
    format!("pin.{epoch}")
}

/// The name of the vault.
pub(super) const VAULT: &str = "vault";
