//! What a device remembers of its account: no secret, one atomic blob.

use crate::policy::{DeviceState, Rules, SeenPolicy};
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
    /// From when two-step is demanded of this member, epoch milliseconds.
    pub(super) required_from_ms: u64,
    /// Until when the rules hold, by the last statement; without a valid one the strict profile does.
    pub(super) rules_until_ms: u64,
    /// The version of the app that could not read a field which it has to obey; empty if it could. A newer app tries again.
    #[serde(default)]
    pub(super) outdated_app: String,
    /// Empty before enrollment.
    pub(super) device: String,
    /// The device key that was enrolled, SubjectPublicKeyInfo; another one under the same name is no key of this device.
    pub(super) device_key: Bytes,
    pub(super) state: Option<DeviceState>,
    /// Kept after the approval, for an approval that is asked for again.
    pub(super) comparison_code: Option<String>,
    /// The epoch that the portal holds, or that it was asked to commit while its answer got lost.
    pub(super) pin_epoch: Option<u32>,
    /// Every epoch whose sealed file may lie in the store; noted before the file is written.
    pub(super) sealed_epochs: Vec<u32>,
    pub(super) tries_left: u32,
    /// The last PIN attempt's number.
    pub(super) attempt: u64,
}

impl Account {
    /// The rules that hold: the organisation's while a statement about them is valid, or else the strict profile.
    pub(super) fn rules_at(&self, now_ms: u64) -> Rules {
        if now_ms < self.rules_until_ms { self.rules.clone() } else { self.rules.tightened() }
    }

    /// From when two-step is demanded, as far as a statement says so.
    pub(super) fn required_from_at(&self, now_ms: u64) -> u64 {
        if now_ms < self.rules_until_ms { self.required_from_ms } else { 0 }
    }

    /// Whether a wipe began and did not come to its end.
    pub(super) fn is_half_wiped(&self) -> bool {
        !self.needs_keys() && self.pin_epoch.is_none() && !self.sealed_epochs.is_empty()
    }

    /// Whether the device is on its way or enrolled, so that its keys have to exist.
    pub(super) fn needs_keys(&self) -> bool {
        matches!(self.state, Some(DeviceState::Pending | DeviceState::Approved))
    }
}
