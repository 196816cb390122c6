//! "This was not me": whoever gets a mail about a change that somebody else made freezes the account by its link. That
//! suspends the member and ends every session; nothing else is taken away, and an admin reinstates.

use crate::act::Outcome;
use crate::audit::{self, Actor, Event};
use crate::caller::Origin;
use crate::identity::locate;
use crate::mail::outbox::{self, Kind, Message};
use crate::members::places;
use crate::open_sessions;
use crate::sessions::generate_token;
use crate::store::{StoreError, Tx};
use serde_json::json;
use twinlock_core::Error;
use twinlock_core::secret::SecretText;

crate::statements! {
    INSERT_FREEZE_LINK = "INSERT INTO freeze_link (organisation, token_hash, member, expires_ms, used_ms)
        VALUES ($1, $2, $3, $4, 0)";
    FIND_FREEZE_LINK = "SELECT l.used_ms, l.expires_ms, m.state, m.name FROM freeze_link l
        JOIN member m ON m.organisation = l.organisation AND m.id = l.member
        WHERE l.organisation = $1 AND l.token_hash = $2";
    USE_FREEZE_LINK = "UPDATE freeze_link SET used_ms = $3
        WHERE organisation = $1 AND token_hash = $2 AND used_ms = 0 AND expires_ms > $3 RETURNING member";
    USE_OTHER_FREEZE_LINKS = "UPDATE freeze_link SET used_ms = $3
        WHERE organisation = $1 AND member = $2 AND used_ms = 0";
    FREEZE_MEMBER = "UPDATE member SET state = 'suspended' WHERE organisation = $1 AND id = $2 AND state = 'active'";
    END_FROZEN_SESSIONS = "DELETE FROM session WHERE organisation = $1 AND member = $2";
    SWEEP_FREEZE_LINKS = "DELETE FROM freeze_link WHERE expires_ms <= $1";
}

/// How long a link freezes.
pub const VALID_MS: u64 = 7 * 86_400_000;

/// What a link can still do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// Freeze the account.
    Open,
    /// Nothing: the account is frozen or suspended already.
    Frozen,
    /// Nothing: it was used, is too old, or never was one.
    Void,
}

/// Makes a link's token for a mail that is about to be sent; only its hash is kept.
pub fn mint(tx: &mut Tx<'_>, organisation: &str, member: &str, now_ms: u64) -> Result<SecretText, StoreError> {
    let (token, token_hash) = generate_token(organisation)?;
    let expires_ms = now_ms.saturating_add(VALID_MS);
    tx.exec(INSERT_FREEZE_LINK, &[organisation.into(), token_hash.into(), member.into(), expires_ms.into()])?;
    Ok(token)
}

/// Looks at a link without using it: programs that read mails open every address in them.
pub fn look(tx: &mut Tx<'_>, token: &str, now_ms: u64) -> Result<Link, StoreError> {
    let Some((organisation, token_hash)) = locate(token) else { return Ok(Link::Void) };
    let Some(row) = tx.query_one(FIND_FREEZE_LINK, &[organisation.into(), token_hash.into()])? else {
        return Ok(Link::Void);
    };
    Ok(if row.text(2)? != "active" {
        Link::Frozen
    } else if row.int(0)? == 0 && row.unsigned(1)? > now_ms {
        Link::Open
    } else {
        Link::Void
    })
}

/// Freezes the account of the link's member and tells the admins; the member's other links are used up with it.
/// [`Error::NotFound`] for a link that is void.
pub fn freeze(tx: &mut Tx<'_>, token: &str, origin: &Origin, now_ms: u64) -> Outcome<()> {
    let Some((organisation, token_hash)) = locate(token) else { return Ok(Err(Error::NotFound)) };
    let used = tx.query_one(USE_FREEZE_LINK, &[organisation.into(), token_hash.into(), now_ms.into()])?;
    let Some(row) = used else { return Ok(Err(Error::NotFound)) };
    let member = row.text(0)?;
    tx.exec(USE_OTHER_FREEZE_LINKS, &[organisation.into(), member.into(), now_ms.into()])?;
    if tx.exec(FREEZE_MEMBER, &[organisation.into(), member.into()])? == 0 {
        return Ok(Ok(()));
    }
    places::note(tx, organisation, member)?;
    let sessions = tx.exec(END_FROZEN_SESSIONS, &[organisation.into(), member.into()])?;
    let event = Event {
        at_ms: now_ms,
        // Whoever reads the member's mails; nobody was signed in.
        actor: Actor::System("freeze link"),
        action: "member.frozen",
        target: member.to_owned(),
        detail: json!({ "sessions": sessions }),
        address: origin.address.clone(),
        request_id: origin.request_id.clone(),
    };
    audit::record(tx, organisation, &event)?;
    let with_address = |message: Message| message.with("address", origin.address.as_str());
    outbox::put(tx, &with_address(Message::to(organisation, member, Kind::Frozen, now_ms)))?;
    let who = open_sessions::name_of(tx, organisation, member)?.unwrap_or_default();
    let message = Message::to(organisation, "", Kind::FrozenForAdmins, now_ms).with("who", who);
    outbox::put_for_admins(tx, &with_address(message), member)?;
    Ok(Ok(()))
}

/// Forgets links that freeze nothing any more.
pub fn sweep(tx: &mut Tx<'_>, now_ms: u64) -> Result<u64, StoreError> {
    tx.exec(SWEEP_FREEZE_LINKS, &[now_ms.into()])
}
