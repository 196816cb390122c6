//! After a backup was put back: what members did since then is forgotten, so nobody may gain by it. Every device waits for
//! approval again and has two tries at most, and every session is over.

use crate::audit::{self, Event};
use crate::devices::PENDING_MS;
use crate::mail::sending;
use crate::store::{StoreError, Tx};
use serde_json::json;
use std::collections::BTreeMap;
use twinlock_core::policy::Rules;

crate::statements! {
    END_ALL_SESSIONS = "DELETE FROM session";
    ASK_AGAIN = "UPDATE device SET state = 'pending', wrong_codes = 0, expires_ms = $1, decided_ms = 0, decided_by = '',
            finish_until_ms = 0
        WHERE state = 'approved' RETURNING organisation, id";
    LIST_RULES = "SELECT id, rules FROM organisation ORDER BY id";
    LEAVE_TWO_TRIES = "UPDATE pin SET fails = $2 WHERE organisation = $1 AND state = 'set' AND fails < $2";
    VOID_RECOVERY_CODES = "UPDATE recovery_code SET used_ms = $2 WHERE organisation = $1 AND used_ms = 0";
}

/// What is left of a PIN's tries.
const TRIES_LEFT: u32 = 2;

/// Makes a database that came out of a backup safe to serve from. Returns how many devices wait in each organisation.
pub fn settle(tx: &mut Tx<'_>, now_ms: u64, reason: &str) -> Result<BTreeMap<String, u64>, StoreError> {
    tx.exec(END_ALL_SESSIONS, &[])?;
    sending::hold(tx, now_ms)?;
    let mut waiting = BTreeMap::new();
    for row in tx.query(ASK_AGAIN, &[(now_ms + PENDING_MS).into()])? {
        *waiting.entry(row.text(0)?.to_owned()).or_insert(0) += 1;
    }
    for row in tx.query(LIST_RULES, &[])? {
        let organisation = row.text(0)?;
        let rules: Rules = serde_json::from_str(row.text(1)?).unwrap_or_else(|_| Rules::strict());
        let fails = rules.pin_max_tries.saturating_sub(TRIES_LEFT);
        tx.exec(LEAVE_TWO_TRIES, &[organisation.into(), fails.into()])?;
        // Nobody knows which of them were used since.
        tx.exec(VOID_RECOVERY_CODES, &[organisation.into(), now_ms.into()])?;
        let devices = *waiting.entry(organisation.to_owned()).or_insert(0);
        let detail = json!({ "reason": reason, "devices": devices });
        audit::record(tx, organisation, &Event::by_operator(now_ms, "backup.restored", organisation, detail))?;
    }
    Ok(waiting)
}
