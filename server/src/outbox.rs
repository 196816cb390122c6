//! The outbox: a mail is written in the transaction of its cause, so that none is lost and none tells of what did not
//! happen. One worker sends ([`mailer`](crate::mailer)); an outage of the mail server holds nothing else up.

use crate::caller::Caller;
use crate::key_wrap::KeyWrap;
use crate::store::{Row, StoreError, Tx, Value};
use serde_json::{Map, json};
use twinlock_core::secret::SecretText;
use twinlock_core::{Error, Result};
use uuid::Uuid;

pub use crate::mail_kind::Kind;

crate::statements! {
    PUT_MESSAGE = "INSERT INTO outbox (organisation, id, member, kind, facts, link_sealed, link_key_version, state, tries,
            due_ms, expires_ms, fault, fault_ms, created_ms, settled_ms)
        VALUES ($1, $2, $3, $4, $5, $6, $7, 'waiting', 0, $8, $9, '', 0, $8, 0)";
    LIST_ADMINS = "SELECT id FROM member WHERE organisation = $1 AND role = 'admin' AND state = 'active' AND id <> $2
        ORDER BY id LIMIT 100";
    FIND_DEVICE_OWNER = "SELECT member, name FROM device WHERE organisation = $1 AND id = $2";
    CLAIM_MESSAGE = "UPDATE outbox SET tries = tries + 1, due_ms = $2
        WHERE state = 'waiting' AND due_ms <= $1 AND (organisation, id) IN (SELECT o.organisation, o.id FROM outbox o
            WHERE o.state = 'waiting' AND o.due_ms <= $1 ORDER BY o.due_ms, o.id LIMIT 1)
        RETURNING organisation, id, member, kind, facts, link_sealed, link_key_version, tries, created_ms";
    SETTLE_MESSAGE = "UPDATE outbox SET state = $4, settled_ms = $5, fault = $6, fault_ms = $7,
            link_sealed = CASE WHEN $4 IN ('sent', 'void') THEN NULL ELSE link_sealed END
        WHERE organisation = $1 AND id = $2 AND tries = $3 AND state = 'waiting'";
    PUT_OFF_MESSAGE = "UPDATE outbox SET fault = $5, fault_ms = $4,
            due_ms = $4 + (CAST(5000 AS BIGINT) << CAST(CASE WHEN tries < 10 THEN tries ELSE 10 END AS INTEGER)),
            state = CASE WHEN tries < $6 THEN 'waiting' ELSE 'failed' END,
            settled_ms = CASE WHEN tries < $6 THEN 0 ELSE $4 END
        WHERE organisation = $1 AND id = $2 AND tries = $3 AND state = 'waiting'";
    NOTE_BOUNCE = "UPDATE member SET bounced_ms = $3 WHERE organisation = $1 AND id = $2";
    FORGET_BOUNCE = "UPDATE member SET bounced_ms = 0 WHERE organisation = $1 AND id = $2 AND bounced_ms <> 0";
    RETRY_MESSAGE = "UPDATE outbox SET state = 'waiting', tries = 0, due_ms = $3, expires_ms = $4, settled_ms = 0
        WHERE organisation = $1 AND id = $2 AND state IN ('waiting', 'failed', 'bounced') AND tries > 0";
    EXPIRE_MESSAGES = "UPDATE outbox SET state = 'failed', settled_ms = $1, fault = 'expired', fault_ms = $1,
            tries = CASE WHEN tries > 0 THEN tries ELSE 1 END
        WHERE state = 'waiting' AND expires_ms <= $1 AND due_ms <= $1";
    HOLD_MESSAGES = "UPDATE outbox SET state = 'failed', settled_ms = $1, fault = 'restored', fault_ms = $1,
            tries = CASE WHEN tries > 0 THEN tries ELSE 1 END
        WHERE state = 'waiting'";
    FORGET_MESSAGES = "DELETE FROM outbox WHERE state IN ('sent', 'void') AND settled_ms < $1";
}

/// How long a mail is worth sending.
const WORTH_MS: u64 = 3 * 86_400_000;
/// How long a mail that is gone can be looked at.
const KEPT_MS: u64 = 30 * 86_400_000;
/// How long a portal has a mail in hand: longer than all its time-outs together, so that nobody sends it a second time.
pub const IN_HAND_MS: u64 = 5 * 60_000;
/// After so many tries, a day about, it is left to an admin.
const TRIES: u32 = 22;
/// What a mail server says is kept up to this many characters.
const MAX_FAULT: usize = 300;

/// The path of a link with a one-time token, sealed until the mail is sent.
#[derive(Debug, Clone)]
pub struct SealedLink {
    key_version: i64,
    sealed: Vec<u8>,
}

impl SealedLink {
    /// Seals a path such as `/invitation/TOKEN`.
    pub fn seal(wrap: &dyn KeyWrap, organisation: &str, path: &SecretText) -> Result<Self> {
        let (key_version, sealed) = wrap.seal(path.expose().as_bytes(), &link_place(organisation))?;
        Ok(Self { key_version, sealed })
    }
}

/// A mail to be sent.
#[derive(Debug, Clone)]
pub struct Message {
    /// The organisation's id.
    pub organisation: String,
    /// The receiver's id; address, language and zone are those of the moment of sending.
    pub member: String,
    /// What it is about.
    pub kind: Kind,
    /// Plain values: `device`, `address`, `by`, `role`, `left`, `who`. What ends in `_ms` is a time.
    pub facts: Map<String, serde_json::Value>,
    /// The link of an invitation.
    pub link: Option<SealedLink>,
    /// When it happened, epoch milliseconds.
    pub at_ms: u64,
}

impl Message {
    /// A mail that nobody's request caused.
    pub fn to(organisation: &str, member: &str, kind: Kind, at_ms: u64) -> Self {
        let (organisation, member) = (organisation.to_owned(), member.to_owned());
        Self { organisation, member, kind, facts: Map::new(), link: None, at_ms }
    }

    /// A mail about what a caller did: with the address it came from, or with its name if the receiver is somebody else.
    pub fn by(caller: &Caller, member: &str, kind: Kind) -> Self {
        let message = Self::to(&caller.organisation, member, kind, caller.now_ms);
        if caller.member == member {
            message.with("address", caller.origin.address.as_str())
        } else {
            message.with("by", caller.name.as_str())
        }
    }

    /// With a fact; an empty one is none.
    pub fn with(mut self, name: &str, value: impl Into<serde_json::Value>) -> Self {
        let value = value.into();
        if value != json!("") {
            self.facts.insert(name.to_owned(), value);
        }
        self
    }
}

/// Writes a mail down. Call it in the transaction of its cause; it never waits for a mail server.
pub fn put(tx: &mut Tx<'_>, message: &Message) -> std::result::Result<(), StoreError> {
    let id = Uuid::now_v7().simple().to_string();
    let facts = serde_json::Value::Object(message.facts.clone()).to_string();
    let link = message.link.as_ref();
    tx.exec(
        PUT_MESSAGE,
        &[
            (&message.organisation).into(),
            id.into(),
            (&message.member).into(),
            message.kind.name().into(),
            facts.into(),
            link.map(|link| &link.sealed).into(),
            link.map_or(0, |link| link.key_version).into(),
            message.at_ms.into(),
            message.at_ms.saturating_add(WORTH_MS).into(),
        ],
    )?;
    Ok(())
}

/// Writes a mail for every active admin but `except`.
pub fn put_for_admins(tx: &mut Tx<'_>, message: &Message, except: &str) -> std::result::Result<(), StoreError> {
    for row in tx.query(LIST_ADMINS, &[(&message.organisation).into(), except.into()])? {
        put(tx, &Message { member: row.text(0)?.to_owned(), ..message.clone() })?;
    }
    Ok(())
}

/// Writes a mail about a device to its member; `make` gets the member's id.
pub fn put_about_device(
    tx: &mut Tx<'_>,
    organisation: &str,
    device: &str,
    make: impl FnOnce(&str) -> Message,
) -> std::result::Result<(), StoreError> {
    let found = tx.query_one(FIND_DEVICE_OWNER, &[organisation.into(), device.into()])?;
    let Some(row) = found else { return Ok(()) };
    let message = make(row.text(0)?).with("device", row.text(1)?);
    put(tx, &message)
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
    pub fn open_link(&self, wrap: &dyn KeyWrap) -> Result<Option<SecretText>> {
        let open = |link: &SealedLink| {
            let path = wrap.open(link.key_version, &link.sealed, &link_place(&self.organisation))?;
            let path = String::from_utf8(path.expose().to_vec()).map_err(|_| Error::Corrupt)?;
            Ok(SecretText::new(path))
        };
        self.link.as_ref().map(open).transpose()
    }
}

/// Takes the mail that is due first: by one conditional UPDATE, so that of two portals one has it.
pub fn claim(tx: &mut Tx<'_>, now_ms: u64) -> std::result::Result<Option<InHand>, StoreError> {
    let claimed = tx.query_one(CLAIM_MESSAGE, &[now_ms.into(), now_ms.saturating_add(IN_HAND_MS).into()])?;
    claimed.map(|row| read_in_hand(&row)).transpose()
}

fn read_in_hand(row: &Row) -> std::result::Result<InHand, StoreError> {
    let sealed = row.opt_blob(5)?.map(<[u8]>::to_vec);
    let key_version = row.int(6)?;
    Ok(InHand {
        organisation: row.text(0)?.to_owned(),
        id: row.text(1)?.to_owned(),
        member: row.text(2)?.to_owned(),
        kind: Kind::of_name(row.text(3)?),
        facts: serde_json::from_str(row.text(4)?).unwrap_or_default(),
        link: sealed.map(|sealed| SealedLink { key_version, sealed }),
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
pub fn settle(tx: &mut Tx<'_>, mail: &InHand, sending: &Sending, now_ms: u64) -> std::result::Result<(), StoreError> {
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
pub fn retry(tx: &mut Tx<'_>, organisation: &str, id: &str, now_ms: u64) -> crate::act::Outcome<()> {
    let values = [organisation.into(), id.into(), now_ms.into(), now_ms.saturating_add(WORTH_MS).into()];
    Ok(if tx.exec(RETRY_MESSAGE, &values)? == 1 { Ok(()) } else { Err(Error::NotFound) })
}

/// Gives up what is too old to be worth sending, and forgets what was sent long ago. `is_sending` is false where no mail
/// server is set: what waits there is kept.
pub fn sweep(tx: &mut Tx<'_>, is_sending: bool, now_ms: u64) -> std::result::Result<(), StoreError> {
    if is_sending {
        tx.exec(EXPIRE_MESSAGES, &[now_ms.into()])?;
    }
    tx.exec(FORGET_MESSAGES, &[now_ms.saturating_sub(KEPT_MS).into()])?;
    Ok(())
}

/// After a backup was put back: what waits in it may have been sent since, so an admin decides.
pub fn hold(tx: &mut Tx<'_>, now_ms: u64) -> std::result::Result<u64, StoreError> {
    tx.exec(HOLD_MESSAGES, &[now_ms.into()])
}

fn link_place(organisation: &str) -> Vec<u8> {
    format!("twinlock/mail-link/v1\0{organisation}").into_bytes()
}
