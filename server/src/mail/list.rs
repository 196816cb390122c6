//! The outbox as an admin sees it: what was written, what became of it, and whether the mail server answers.

use crate::act::Outcome;
use crate::audit::{self, Event};
use crate::caller::Caller;
use crate::mail::outbox::{self, Kind, Message};
use crate::mail::sending;
use crate::store::{Row, StoreError, Tx};
use serde_json::{Map, Value, json};

crate::statements! {
    LIST_MAILS = "SELECT o.id, o.kind, o.state, o.tries, o.created_ms, o.settled_ms, o.fault, m.id, m.name,
            m.email, o.facts, o.due_ms
        FROM outbox o JOIN member m ON m.organisation = o.organisation AND m.id = o.member
        WHERE o.organisation = $1 AND ($2 = '' OR o.state = $2) AND ($3 = '' OR o.id < $3) AND ($5 = '' OR o.id = $5)
        ORDER BY o.id DESC LIMIT $4";
    COUNT_MAILS = "SELECT state, CAST(count(*) AS BIGINT) FROM outbox WHERE organisation = $1 GROUP BY state";
    FIND_LAST_SENT = "SELECT settled_ms FROM outbox WHERE organisation = $1 AND state = 'sent'
        ORDER BY settled_ms DESC LIMIT 1";
    FIND_LAST_FAULT = "SELECT fault, fault_ms FROM outbox WHERE organisation = $1 AND fault_ms > 0
        ORDER BY fault_ms DESC LIMIT 1";
}

/// A mail in the list.
pub struct Mail {
    /// Its id.
    pub id: String,
    /// What it is about, if this program knows.
    pub kind: Option<Kind>,
    /// `waiting`, `sending`, `sent`, `failed`, `bounced` or `void`.
    pub state: String,
    /// How often it was tried.
    pub tries: u64,
    /// When it was written, epoch milliseconds.
    pub created_ms: u64,
    /// When it was settled, or 0.
    pub settled_ms: u64,
    /// When it is tried next, where it waits.
    pub due_ms: u64,
    /// What the mail server said last; may be empty.
    pub fault: String,
    /// The receiver's id.
    pub member: String,
    /// The receiver's name.
    pub name: String,
    /// The receiver's address.
    pub email: String,
    /// Plain values.
    pub facts: Map<String, Value>,
}

/// How it stands with the outbox of an organisation.
#[derive(Debug, Default)]
pub struct Standing {
    /// How many mails are in each state.
    pub counts: Vec<(String, u64)>,
    /// When the mail server last took a mail, or 0.
    pub sent_ms: u64,
    /// What it last said against one, and when.
    pub fault: Option<(String, u64)>,
}

/// The newest mails in a `state`, at most `limit`, older than `before`; an empty text is no filter.
pub fn list(
    tx: &mut Tx<'_>,
    organisation: &str,
    state: &str,
    before: &str,
    limit: u32,
) -> Result<Vec<Mail>, StoreError> {
    let values = [organisation.into(), state.into(), before.into(), limit.into(), "".into()];
    tx.query(LIST_MAILS, &values)?.iter().map(read).collect()
}

/// One mail.
pub fn find(tx: &mut Tx<'_>, organisation: &str, id: &str) -> Result<Option<Mail>, StoreError> {
    let values = [organisation.into(), "".into(), "".into(), 1_u32.into(), id.into()];
    tx.query_one(LIST_MAILS, &values)?.as_ref().map(read).transpose()
}

/// How it stands with the outbox.
pub fn standing(tx: &mut Tx<'_>, organisation: &str) -> Result<Standing, StoreError> {
    let counts = tx.query(COUNT_MAILS, &[organisation.into()])?;
    let sent = tx.query_one(FIND_LAST_SENT, &[organisation.into()])?;
    let fault = tx.query_one(FIND_LAST_FAULT, &[organisation.into()])?;
    Ok(Standing {
        counts: counts.iter().map(|row| Ok((row.text(0)?.to_owned(), row.unsigned(1)?))).collect::<Result<_, _>>()?,
        sent_ms: sent.map_or(Ok(0), |row| row.unsigned(0))?,
        fault: fault.map(|row| Ok((row.text(0)?.to_owned(), row.unsigned(1)?))).transpose()?,
    })
}

/// Writes a test mail to the caller.
pub fn test(tx: &mut Tx<'_>, caller: &Caller) -> Outcome<()> {
    outbox::put(tx, &Message::by(caller, &caller.member, Kind::Test))?;
    audit::record(tx, &caller.organisation, &Event::by(caller, "mail.tested", &caller.member, json!({})))?;
    Ok(Ok(()))
}

/// Has a mail tried again at once.
pub fn retry(tx: &mut Tx<'_>, caller: &Caller, id: &str) -> Outcome<()> {
    if let Err(refused) = sending::retry(tx, &caller.organisation, id, caller.now_ms)? {
        return Ok(Err(refused));
    }
    audit::record(tx, &caller.organisation, &Event::by(caller, "mail.retried", id, json!({})))?;
    Ok(Ok(()))
}

fn read(row: &Row) -> Result<Mail, StoreError> {
    Ok(Mail {
        id: row.text(0)?.to_owned(),
        kind: Kind::of_name(row.text(1)?),
        state: row.text(2)?.to_owned(),
        tries: row.unsigned(3)?,
        created_ms: row.unsigned(4)?,
        settled_ms: row.unsigned(5)?,
        fault: row.text(6)?.to_owned(),
        member: row.text(7)?.to_owned(),
        name: row.text(8)?.to_owned(),
        email: row.text(9)?.to_owned(),
        facts: serde_json::from_str(row.text(10)?).unwrap_or_default(),
        due_ms: row.unsigned(11)?,
    })
}
