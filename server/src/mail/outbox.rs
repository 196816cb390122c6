//! The outbox: a mail is written in the transaction of its cause, so that none is lost and none tells of what did not
//! happen. One worker sends ([`mailer`](crate::mail::mailer)); an outage of the mail server holds nothing else up.

use crate::caller::Caller;
use crate::key_wrap::KeyWrap;
use crate::store::{StoreError, Tx};
use serde_json::{Map, json};
use twinlock_core::secret::SecretText;
use twinlock_core::{Error, Result};
use uuid::Uuid;

pub use crate::mail::kind::Kind;

crate::statements! {
    PUT_MESSAGE = "INSERT INTO outbox (organisation, id, member, kind, facts, link_sealed, link_key_version, state, tries,
            due_ms, expires_ms, fault, fault_ms, created_ms, settled_ms)
        VALUES ($1, $2, $3, $4, $5, $6, $7, 'waiting', 0, $8, $9, '', 0, $8, 0)";
    LIST_ADMINS = "SELECT id FROM member WHERE organisation = $1 AND role <> 'member' AND role = 'admin' AND state = 'active'
        AND id <> $2 ORDER BY id LIMIT 100";
    FIND_DEVICE_OWNER = "SELECT member, name FROM device WHERE organisation = $1 AND id = $2";
}

/// How long a mail is worth sending.
pub const WORTH_MS: u64 = 3 * 86_400_000;

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

    /// As it stands in the table.
    pub fn stored(key_version: i64, sealed: Vec<u8>) -> Self {
        Self { key_version, sealed }
    }

    /// The path.
    pub fn open(&self, wrap: &dyn KeyWrap, organisation: &str) -> Result<SecretText> {
        let path = wrap.open(self.key_version, &self.sealed, &link_place(organisation))?;
        let path = String::from_utf8(path.expose().to_vec()).map_err(|_| Error::Corrupt)?;
        Ok(SecretText::new(path))
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
    /// Plain values: `device`, `address`, `by`, `role`, `left`, `who`.
    pub facts: Map<String, serde_json::Value>,
    /// The link of an invitation, or of a set-up to be confirmed.
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

fn link_place(organisation: &str) -> Vec<u8> {
    format!("twinlock/mail-link/v1\0{organisation}").into_bytes()
}
