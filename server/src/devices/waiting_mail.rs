//! Admins are told by mail that a device waits: at once, and at most once in ten minutes, so that many are one mail.

use crate::caller::Caller;
use crate::mail::outbox::{self, Kind, Message};
use crate::store::{StoreError, Tx};

crate::statements! {
    TAKE_TURN = "UPDATE organisation SET approvals_told_ms = $2
        WHERE id = $1 AND (approvals_told_ms <= $3 OR approvals_told_ms > $2)";
}

const PAUSE_MS: u64 = 10 * 60_000;

/// Writes a mail for each admin but the device's own member, who knows. Another transaction of this moment that took the
/// turn leaves none.
pub(super) fn put(tx: &mut Tx<'_>, caller: &Caller, device: &str) -> Result<(), StoreError> {
    let (organisation, now_ms) = (&caller.organisation, caller.now_ms);
    let values = [organisation.into(), now_ms.into(), now_ms.saturating_sub(PAUSE_MS).into()];
    if tx.exec(TAKE_TURN, &values)? == 0 {
        return Ok(());
    }
    let message = Message::to(organisation, "", Kind::DeviceWaits, now_ms)
        .with("who", caller.name.as_str())
        .with("device", device)
        .with("address", caller.origin.address.as_str());
    outbox::put_for_admins(tx, &message, &caller.member)
}
