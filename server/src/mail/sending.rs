//! From the outbox to the mail server: who has a mail in hand, what became of it, and when it is tried again.

use crate::act::Outcome;
use crate::key_wrap::KeyWrap;
use crate::mail::kind::Kind;
use crate::mail::outbox::{SealedLink, WORTH_MS};
use crate::store::{Row, StoreError, Tx, Value};
use serde_json::Map;
use twinlock_core::Error;
use twinlock_core::secret::SecretText;

crate::statements! {
    FIND_DUE = "SELECT id FROM outbox WHERE state IN ('waiting', 'sending') AND due_ms <= $1 AND expires_ms > $1
        ORDER BY due_ms, id LIMIT 1";
    CLAIM_MESSAGE = "UPDATE outbox SET state = 'sending', tries = tries + 1, due_ms = $2
        WHERE state IN ('waiting', 'sending') AND due_ms <= $1 AND (organisation, id) IN (SELECT o.organisation, o.id FROM outbox o
            WHERE o.state IN ('waiting', 'sending') AND o.due_ms <= $1 AND o.expires_ms > $1
            ORDER BY o.due_ms, o.id LIMIT 1)
        RETURNING organisation, id, member, kind, facts, link_sealed, link_key_version, tries, created_ms";
    SETTLE_MESSAGE = "UPDATE outbox SET state = $4, settled_ms = $5, fault = $6, fault_ms = $7,
            link_sealed = CASE WHEN $4 IN ('sent', 'void') THEN NULL ELSE link_sealed END
        WHERE organisation = $1 AND id = $2 AND tries = $3 AND state = 'sending'";
    PUT_OFF_MESSAGE = "UPDATE outbox SET fault = $5, fault_ms = $4,
            due_ms = $4 + (CAST(5000 AS BIGINT) << CAST(CASE WHEN tries < 10 THEN tries ELSE 10 END AS INTEGER)),
            state = CASE WHEN tries < $6 THEN 'waiting' ELSE 'failed' END,
            settled_ms = CASE WHEN tries < $6 THEN 0 ELSE $4 END
        WHERE organisation = $1 AND id = $2 AND tries = $3 AND state = 'sending'";
    NOTE_BOUNCE = "UPDATE member SET bounced_ms = $3 WHERE organisation = $1 AND id = $2";
    FORGET_BOUNCE = "UPDATE member SET bounced_ms = 0 WHERE organisation = $1 AND id = $2 AND bounced_ms <> 0";
    RETRY_MESSAGE = "UPDATE outbox SET state = 'waiting', tries = 0, due_ms = $3, expires_ms = $4, settled_ms = 0
        WHERE organisation = $1 AND id = $2 AND state IN ('waiting', 'failed', 'bounced') AND tries > 0";
    EXPIRE_MESSAGES = "UPDATE outbox SET state = 'failed', settled_ms = $1, fault = 'expired', fault_ms = $1,
            tries = CASE WHEN tries > 0 THEN tries ELSE 1 END
        WHERE state IN ('waiting', 'sending') AND expires_ms <= $1 AND due_ms <= $1";
    HOLD_MESSAGES = "UPDATE outbox SET state = 'failed', settled_ms = $1, fault = 'restored', fault_ms = $1,
            tries = CASE WHEN tries > 0 THEN tries ELSE 1 END
        WHERE state IN ('waiting', 'sending')";
    FORGET_MESSAGES = "DELETE FROM outbox WHERE state IN ('sent', 'void') AND settled_ms < $1";
}

/// How long a mail that is gone can be looked at.
const KEPT_MS: u64 = 30 * 86_400_000;
/// How long a portal has a mail in hand: longer than all its time-outs together, so that nobody sends it a second time.
const IN_HAND_MS: u64 = 5 * 60_000;
/// After so many tries, a day about, it is left to an admin.
const TRIES: u32 = 22;
/// What a mail server says is kept up to this many characters.
const MAX_FAULT: usize = 300;

/// True if a mail is due; writes nothing.
pub fn is_due(tx: &mut Tx<'_>, now_ms: u64) -> Result<bool, StoreError> {
    Ok(tx.query_one(FIND_DUE, &[now_ms.into()])?.is_some())
}

/// A mail that this portal has in hand.
pub struct InHand {
    /// The organisation's id.
    pub organisation: String,
    /// The mail's id.
    pub id: String,
    /// The receiver's id.
    pub member: String,
    /// What it is about; `None` for a kind that this program does not know.
    pub kind: Option<Kind>,
    /// Plain values.
    pub facts: Map<String, serde_json::Value>,
    /// The link of an invitation.
    pub link: Option<SealedLink>,
    /// When it happened, epoch milliseconds.
    pub at_ms: u64,
    tries: u64,
}

impl InHand {
    /// The link's path, if the mail has one.
    pub fn open_link(&self, wrap: &dyn KeyWrap) -> twinlock_core::Result<Option<SecretText>> {
        self.link.as_ref().map(|link| link.open(wrap, &self.organisation)).transpose()
    }
}

/// Takes the mail that is due first: by one conditional UPDATE, so that of two portals one has it.
pub fn claim(tx: &mut Tx<'_>, now_ms: u64) -> Result<Option<InHand>, StoreError> {
    let claimed = tx.query_one(CLAIM_MESSAGE, &[now_ms.into(), now_ms.saturating_add(IN_HAND_MS).into()])?;
    claimed.map(|row| read_in_hand(&row)).transpose()
}

fn read_in_hand(row: &Row) -> Result<InHand, StoreError> {
    let sealed = row.opt_blob(5)?.map(<[u8]>::to_vec);
    let key_version = row.int(6)?;
    Ok(InHand {
        organisation: row.text(0)?.to_owned(),
        id: row.text(1)?.to_owned(),
        member: row.text(2)?.to_owned(),
        kind: Kind::of_name(row.text(3)?),
        facts: serde_json::from_str(row.text(4)?).unwrap_or_default(),
        link: sealed.map(|sealed| SealedLink::stored(key_version, sealed)),
        tries: row.unsigned(7)?,
        at_ms: row.unsigned(8)?,
    })
}

/// What became of a mail that was in hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sending {
    /// The mail server took it.
    Sent,
    /// Not needed any more: the receiver complies, or is gone.
    Void,
    /// The mail server refuses the receiver's address, with its words.
    Bounced(String),
    /// The mail server refuses the mail itself, for good.
    Refused(String),
    /// It may go another time: no connection, a time-out, a temporary refusal, a wrong password.
    Later(String),
}

/// Writes down what became of a mail. The waits between tries double from ten seconds to an hour and a half.
pub fn settle(tx: &mut Tx<'_>, mail: &InHand, sending: &Sending, now_ms: u64) -> Result<(), StoreError> {
    let (state, fault) = match sending {
        Sending::Sent => ("sent", ""),
        Sending::Void => ("void", ""),
        Sending::Bounced(fault) => ("bounced", fault.as_str()),
        Sending::Refused(fault) => ("failed", fault.as_str()),
        Sending::Later(fault) => ("waiting", fault.as_str()),
    };
    let fault: String = fault.chars().filter(|c| !c.is_control()).take(MAX_FAULT).collect();
    let key: [Value<'_>; 3] = [(&mail.organisation).into(), (&mail.id).into(), mail.tries.into()];
    let [organisation, id, tries] = key;
    if state == "waiting" {
        let values = [organisation, id, tries, now_ms.into(), fault.into(), TRIES.into()];
        tx.exec(PUT_OFF_MESSAGE, &values)?;
        return Ok(());
    }
    let fault_ms = if fault.is_empty() { 0 } else { now_ms };
    tx.exec(SETTLE_MESSAGE, &[organisation, id, tries, state.into(), now_ms.into(), fault.into(), fault_ms.into()])?;
    let member = [(&mail.organisation).into(), (&mail.member).into()];
    match sending {
        Sending::Bounced(_) => {
            let [organisation, member] = member;
            tx.exec(NOTE_BOUNCE, &[organisation, member, now_ms.into()])?;
        }
        Sending::Sent => {
            tx.exec(FORGET_BOUNCE, &member)?;
        }
        _ => {}
    }
    Ok(())
}

/// Has a mail tried again at once; [`Error::NotFound`] if it was sent, or was not tried yet.
pub fn retry(tx: &mut Tx<'_>, organisation: &str, id: &str, now_ms: u64) -> Outcome<()> {
    let values = [organisation.into(), id.into(), now_ms.into(), now_ms.saturating_add(WORTH_MS).into()];
    Ok(if tx.exec(RETRY_MESSAGE, &values)? == 1 { Ok(()) } else { Err(Error::NotFound) })
}

/// Gives up what is too old to be worth sending, and forgets what was sent long ago. `is_sending` is false where no mail
/// server is set: what waits there is kept.
pub fn sweep(tx: &mut Tx<'_>, is_sending: bool, now_ms: u64) -> Result<(), StoreError> {
    if is_sending {
        tx.exec(EXPIRE_MESSAGES, &[now_ms.into()])?;
    }
    tx.exec(FORGET_MESSAGES, &[now_ms.saturating_sub(KEPT_MS).into()])?;
    Ok(())
}

/// After a backup was put back: what waits in it may have been sent since, so an admin decides.
pub fn hold(tx: &mut Tx<'_>, now_ms: u64) -> Result<u64, StoreError> {
    tx.exec(HOLD_MESSAGES, &[now_ms.into()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::outbox::{self, Message};
    use crate::store::{Options, Store};

    crate::statements! {
        SEED_ORGANISATION = "INSERT INTO organisation (id, name, policy_key_sealed, policy_key_version, policy_public,
                policy_version, policy_hash, rules, clock_mark_ms, created_ms)
            VALUES ('o', 'Harbour', $1, 1, $1, 1, '', '{}', 0, 0)";
        SEED_MEMBER = "INSERT INTO member (organisation, id, name, email, role, state, password, password_fails, created_ms)
            VALUES ('o', 'bo', 'Bo', 'bo@example.test', 'member', 'active', '', 0, 0)";
        FIND_STATE = "SELECT state, due_ms, fault, id FROM outbox";
        FIND_BOUNCED = "SELECT bounced_ms FROM member";
    }

    const NOW_MS: u64 = 1_795_512_605_000;

    /// A store with one mail that is due.
    async fn stage() -> (tempfile::TempDir, Store) {
        let _ = STATEMENTS;
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open_sqlite(&folder.path().join("db"), Options::at(1)).unwrap();
        let seed = |tx: &mut Tx<'_>| {
            let bytes: &[u8] = &[0];
            tx.exec(SEED_ORGANISATION, &[bytes.into()])?;
            tx.exec(SEED_MEMBER, &[])?;
            outbox::put(tx, &Message::to("o", "bo", Kind::SetUp, NOW_MS))
        };
        store.write(seed).await.unwrap();
        (folder, store)
    }

    async fn take(store: &Store, now_ms: u64) -> Option<InHand> {
        let is_due = store.read(move |tx| is_due(tx, now_ms)).await.unwrap();
        let taken = store.write(move |tx| claim(tx, now_ms)).await.unwrap();
        assert_eq!(is_due, taken.is_some());
        taken
    }

    async fn end(store: &Store, mail: InHand, sending: Sending, now_ms: u64) {
        store.write(move |tx| settle(tx, &mail, &sending, now_ms)).await.unwrap();
    }

    async fn state(store: &Store) -> (String, u64, String) {
        let read = |tx: &mut Tx<'_>| {
            let row = tx.query_one(FIND_STATE, &[])?.unwrap();
            Ok((row.text(0)?.to_owned(), row.unsigned(1)?, row.text(2)?.to_owned()))
        };
        store.read(read).await.unwrap()
    }

    #[tokio::test]
    async fn a_mail_is_in_one_hand_and_comes_back_if_that_dies() {
        let (_folder, store) = stage().await;
        assert!(take(&store, NOW_MS - 1).await.is_none());
        let dead = take(&store, NOW_MS).await.unwrap();
        assert!(take(&store, NOW_MS + IN_HAND_MS - 1).await.is_none());
        // Nobody has it tried a second time while it is under way.
        let id = dead.id.clone();
        let again = store.write(move |tx| retry(tx, "o", &id, NOW_MS)).await.unwrap();
        assert_eq!(again, Err(Error::NotFound));
        let mail = take(&store, NOW_MS + IN_HAND_MS).await.unwrap();
        // Whoever comes late says nothing any more.
        end(&store, dead, Sending::Refused("late".to_owned()), NOW_MS + IN_HAND_MS).await;
        end(&store, mail, Sending::Sent, NOW_MS + IN_HAND_MS).await;
        assert_eq!(state(&store).await.0, "sent");
        assert!(take(&store, NOW_MS + 86_400_000).await.is_none());
    }

    #[tokio::test]
    async fn waits_double_up_to_a_limit_and_end_with_an_admin() {
        let (_folder, store) = stage().await;
        let (mut now_ms, mut waits) = (NOW_MS, Vec::new());
        while let Some(mail) = take(&store, now_ms).await {
            end(&store, mail, Sending::Later("no\r\nroute".to_owned()), now_ms).await;
            let (state, due_ms, fault) = state(&store).await;
            assert_eq!(fault, "noroute");
            if state != "waiting" {
                assert_eq!(state, "failed");
                break;
            }
            waits.push((due_ms - now_ms) / 1_000);
            now_ms = due_ms;
        }
        assert_eq!(waits.len(), TRIES as usize - 1);
        assert_eq!((waits[0], waits[1], waits[2], waits[20]), (10, 20, 40, 5_120));
        assert!(now_ms - NOW_MS < WORTH_MS, "the tries are over before the mail is too old");
        let id = store.read(|tx| Ok(tx.query_one(FIND_STATE, &[])?.unwrap().text(3)?.to_owned())).await.unwrap();
        store.write(move |tx| retry(tx, "o", &id, now_ms)).await.unwrap().unwrap();
        assert!(take(&store, now_ms).await.is_some());
    }

    #[tokio::test]
    async fn a_bounce_is_noted_until_a_mail_is_taken_and_what_is_too_old_is_not_sent() {
        let (_folder, store) = stage().await;
        let bounced = |tx: &mut Tx<'_>| tx.query_one(FIND_BOUNCED, &[])?.unwrap().unsigned(0);
        let mail = take(&store, NOW_MS).await.unwrap();
        end(&store, mail, Sending::Bounced("550 nobody".to_owned()), NOW_MS).await;
        assert_eq!(state(&store).await.0, "bounced");
        assert_eq!(store.read(bounced).await.unwrap(), NOW_MS);
        let id = store.read(|tx| Ok(tx.query_one(FIND_STATE, &[])?.unwrap().text(3)?.to_owned())).await.unwrap();
        store.write(move |tx| retry(tx, "o", &id, NOW_MS)).await.unwrap().unwrap();
        // Kept where there is no mail server; given up where there is one.
        let late_ms = NOW_MS + WORTH_MS;
        assert!(take(&store, late_ms).await.is_none());
        store.write(move |tx| sweep(tx, false, late_ms)).await.unwrap();
        assert_eq!(state(&store).await.0, "waiting");
        store.write(move |tx| sweep(tx, true, late_ms)).await.unwrap();
        assert_eq!((state(&store).await.0.as_str(), state(&store).await.2.as_str()), ("failed", "expired"));
        let id = store.read(|tx| Ok(tx.query_one(FIND_STATE, &[])?.unwrap().text(3)?.to_owned())).await.unwrap();
        store.write(move |tx| retry(tx, "o", &id, late_ms)).await.unwrap().unwrap();
        let mail = take(&store, late_ms).await.unwrap();
        end(&store, mail, Sending::Sent, late_ms).await;
        assert_eq!(store.read(bounced).await.unwrap(), 0);
    }
}
