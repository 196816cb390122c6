//! A web session at a protected host: a token of that host's own, so that the portal's cookie never leaves the portal. It ends
//! when the web session ends.
//!
//! The way there is a ticket: made for whoever is `Ready` at the portal, taken once, within a minute, by the browser that
//! began at the host. The ticket stands in an address; without that browser's cookie it is worth nothing.

use crate::act::Outcome;
use crate::audit::{self, Event};
use crate::caller::Caller;
use crate::identity::locate;
use crate::sessions::generate_token;
use crate::store::{StoreError, Tx};
use serde_json::json;
use twinlock_core::Error;
use twinlock_core::secret::SecretText;

crate::statements! {
    FIND_OWN_SESSION_ID = "SELECT id FROM session WHERE organisation = $1 AND token_hash = $2";
    INSERT_HOST_TICKET = "INSERT INTO host_ticket (organisation, ticket_hash, host, browser_hash, session, expires_ms)
        VALUES ($1, $2, $3, $4, $5, $6)";
    TAKE_HOST_TICKET = "DELETE FROM host_ticket
        WHERE organisation = $1 AND ticket_hash = $2 AND host = $3 AND browser_hash = $4 AND expires_ms > $5
        RETURNING session";
    INSERT_HOST_SESSION = "INSERT INTO host_session (organisation, token_hash, host, session, created_ms)
        VALUES ($1, $2, $3, $4, $5)";
    FIND_HOST_SESSION = "SELECT s.token_hash FROM host_session h
        JOIN session s ON s.organisation = h.organisation AND s.id = h.session
        WHERE h.organisation = $1 AND h.token_hash = $2 AND h.host = $3";
    SWEEP_HOST_TICKETS = "DELETE FROM host_ticket WHERE expires_ms < $1";
    SWEEP_HOST_SESSIONS = "DELETE FROM host_session WHERE created_ms < $1";
}

/// How long a browser has for two redirects.
const TICKET_MS: u64 = 60_000;
/// The longest that a policy allows a web session to last.
const MAX_SESSION_MS: u64 = 24 * 3_600_000;

/// Makes a ticket to `host` for the browser whose cookie hashes to `browser_hash`.
pub fn issue(tx: &mut Tx<'_>, caller: &Caller, host: &str, browser_hash: &[u8]) -> Outcome<SecretText> {
    let organisation = &caller.organisation;
    let session = tx.query_one(FIND_OWN_SESSION_ID, &[organisation.into(), (&caller.token_hash).into()])?;
    let Some(session) = session else { return Ok(Err(Error::SessionEnded)) };
    let (ticket, ticket_hash) = generate_token(organisation)?;
    let values = [
        organisation.into(),
        (&ticket_hash).into(),
        host.into(),
        browser_hash.into(),
        session.text(0)?.into(),
        (caller.now_ms + TICKET_MS).into(),
    ];
    tx.exec(INSERT_HOST_TICKET, &values)?;
    audit::record(tx, organisation, &Event::by(caller, "host.opened", host, json!({})))?;
    Ok(Ok(ticket))
}

/// Takes a ticket and returns the token of the session at `host`; [`Error::SessionEnded`] for every kind of wrong ticket.
pub fn take(
    tx: &mut Tx<'_>,
    organisation: &str,
    ticket: &str,
    host: &str,
    browser_hash: &[u8],
    now_ms: u64,
) -> Outcome<SecretText> {
    let Some((_, ticket_hash)) = locate(ticket).filter(|(of, _)| *of == organisation) else {
        return Ok(Err(Error::SessionEnded));
    };
    let values = [organisation.into(), ticket_hash.into(), host.into(), browser_hash.into(), now_ms.into()];
    let Some(row) = tx.query_one(TAKE_HOST_TICKET, &values)? else { return Ok(Err(Error::SessionEnded)) };
    let (token, token_hash) = generate_token(organisation)?;
    let values = [organisation.into(), (&token_hash).into(), host.into(), row.text(0)?.into(), now_ms.into()];
    tx.exec(INSERT_HOST_SESSION, &values)?;
    Ok(Ok(token))
}

/// The hash of the web session behind a token of `host`, as long as it exists.
pub fn find(tx: &mut Tx<'_>, organisation: &str, token: &str, host: &str) -> Result<Option<Vec<u8>>, StoreError> {
    // A member of one organisation is a stranger at another's host.
    let Some((_, token_hash)) = locate(token).filter(|(of, _)| *of == organisation) else { return Ok(None) };
    let row = tx.query_one(FIND_HOST_SESSION, &[organisation.into(), token_hash.into(), host.into()])?;
    row.map(|row| row.blob(0).map(<[u8]>::to_vec)).transpose()
}

/// Forgets what nobody can use any more.
pub fn sweep(tx: &mut Tx<'_>, now_ms: u64) -> Result<u64, StoreError> {
    tx.exec(SWEEP_HOST_TICKETS, &[now_ms.into()])?;
    tx.exec(SWEEP_HOST_SESSIONS, &[now_ms.saturating_sub(MAX_SESSION_MS).into()])
}
