//! How a request is identified: by a browser's cookie, a session's key or a device's key.

use crate::caller::{Caller, Key, Origin};
use crate::caller_facts::{FIND_DEVICE_CALLER, FIND_SESSION, read_row};
use crate::first_factor;
use crate::members::places;
use crate::nonce;
use crate::portal::Portal;
use crate::problem::Refusal;
use crate::store::{Row, Tx};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use axum_extra::extract::CookieJar;
use ring::digest::{SHA256, digest};
use twinlock_core::policy::{Rules, Surface};
use twinlock_core::proof::{KeyId, Presented, PublicKey, RequestHead, RequestParts};
use twinlock_core::step::Step;
use twinlock_core::{Error, Result};

/// The browser's session cookie.
pub const COOKIE: &str = "__Host-session";

crate::statements! {
    TOUCH_SESSION = "UPDATE session SET seen_ms = $3 WHERE organisation = $1 AND token_hash = $2 AND seen_ms < $3";
}

/// The outcome of authentication.
pub enum Identity {
    /// Nobody: no cookie, no signature.
    Stranger,
    /// A well-formed signature whose key comes with the request; the handler verifies it.
    Enclosed(Box<Presented>),
    /// Somebody.
    Known(Box<Caller>),
}

/// Authenticates a request. `signed_body` is the body of a request that carries a signature.
pub async fn identify(
    portal: &Portal,
    parts: &Parts,
    signed_body: Option<&[u8]>,
    origin: &Origin,
) -> std::result::Result<Identity, Refusal> {
    let now_ms = portal.now_ms()?;
    let Some(body) = signed_body else {
        let jar = CookieJar::from_headers(&parts.headers);
        let Some(token) = jar.get(COOKIE).map(|cookie| cookie.value().to_owned()) else {
            return Ok(Identity::Stranger);
        };
        let Some(found) = by_cookie(portal, &token, origin, now_ms).await? else { return Ok(Identity::Stranger) };
        note_seen(portal, &found).await?;
        return Ok(Identity::Known(found.caller));
    };
    let claimed_policy = read_policy_version(only_header(&parts.headers, "x-policy-version")?)?;
    let presented = present(portal, parts, body, claimed_policy)?;
    let mut found = match presented.key_id() {
        KeyId::Enclosed => return Ok(Identity::Enclosed(Box::new(presented))),
        KeyId::Session(token) => by_session_token(portal, token, origin, now_ms).await?,
        KeyId::Device { organisation, device } => by_device(portal, organisation, device, origin, now_ms).await?,
    };
    presented.verify(&PublicKey::from_spki(&found.public_key)?, now_ms)?;
    // A reader makes its own nonce; it is remembered only where the reading leaves a trace, by `act`, so that a
    // harmless one writes nothing.
    if parts.method != Method::GET {
        nonce::verify(portal.key_wrap.nonce_key(), presented.nonce(), now_ms)?;
    }
    // Not before: whoever knows a token and has not its key must not keep the session alive.
    note_seen(portal, &found).await?;
    found.caller.nonce = Some(presented.nonce().to_owned());
    found.caller.claimed_policy = Some(claimed_policy);
    Ok(Identity::Known(found.caller))
}

/// Whoever signed a request, with a session's key, that an application of `organisation` received. Takes its nonce.
pub async fn identify_received(
    portal: &Portal,
    organisation: &str,
    presented: &Presented,
    token: &str,
    origin: &Origin,
) -> std::result::Result<Box<Caller>, Refusal> {
    // Another organisation's members are strangers to the application.
    if locate(token).is_none_or(|(of, _)| of != organisation) {
        return Err(Error::SessionEnded.into());
    }
    let now_ms = portal.now_ms()?;
    let found = by_session_token(portal, token, origin, now_ms).await?;
    presented.verify(&PublicKey::from_spki(&found.public_key)?, now_ms)?;
    let (of, nonce) = (organisation.to_owned(), presented.nonce().to_owned());
    portal.store.write(move |tx| nonce::take(tx, &of, &nonce, now_ms)).await??;
    note_seen(portal, &found).await?;
    Ok(found.caller)
}

/// Whoever has this web session, which another application's proxy asks about.
pub async fn identify_web_session(
    portal: &Portal,
    organisation: &str,
    token_hash: Vec<u8>,
    origin: &Origin,
) -> std::result::Result<Option<Box<Caller>>, Refusal> {
    let found = find_by_hash(portal, organisation, token_hash, origin, portal.now_ms()?).await?;
    let Some(found) = found.filter(|found| found.caller.surface == Surface::Web) else { return Ok(None) };
    note_seen(portal, &found).await?;
    Ok(Some(found.caller))
}

/// The caller as it stands now, if its session is open still. Looking does not keep it open.
pub async fn look_again(portal: &Portal, caller: &Caller) -> std::result::Result<Option<Box<Caller>>, Refusal> {
    let token_hash = caller.token_hash.clone();
    let found = find_by_hash(portal, &caller.organisation, token_hash, &caller.origin, portal.now_ms()?).await?;
    Ok(found.map(|found| found.caller))
}

/// True if a request says to be signed, well or not.
pub fn is_signed(headers: &HeaderMap) -> bool {
    headers.contains_key("signature-input") || headers.contains_key("signature")
}

/// Where a session token leads: its organisation, and the hash under which it is stored.
pub fn locate(token: &str) -> Option<(&str, Vec<u8>)> {
    let (organisation, _) = token.split_once('_')?;
    Some((organisation, digest(&SHA256, token.as_bytes()).as_ref().to_vec()))
}

/// Somebody whose key is not yet verified.
struct Found {
    caller: Box<Caller>,
    public_key: Vec<u8>,
    /// When the session was last noted as seen; a device key has none.
    seen_ms: Option<u64>,
}

async fn by_cookie(
    portal: &Portal,
    token: &str,
    origin: &Origin,
    now_ms: u64,
) -> std::result::Result<Option<Found>, Refusal> {
    let found = find_session(portal, token, origin, now_ms).await?;
    Ok(found.filter(|found| found.caller.surface == Surface::Web))
}

async fn by_session_token(
    portal: &Portal,
    token: &str,
    origin: &Origin,
    now_ms: u64,
) -> std::result::Result<Found, Refusal> {
    let found = find_session(portal, token, origin, now_ms).await?;
    let mut found = found.filter(|found| found.caller.surface != Surface::Web).ok_or(Error::SessionEnded)?;
    found.caller.key = Key::Session;
    Ok(found)
}

async fn find_session(
    portal: &Portal,
    token: &str,
    origin: &Origin,
    now_ms: u64,
) -> std::result::Result<Option<Found>, Refusal> {
    let Some((organisation, token_hash)) = locate(token) else { return Ok(None) };
    find_by_hash(portal, organisation, token_hash, origin, now_ms).await
}

async fn find_by_hash(
    portal: &Portal,
    organisation: &str,
    token_hash: Vec<u8>,
    origin: &Origin,
    now_ms: u64,
) -> std::result::Result<Option<Found>, Refusal> {
    let key = (organisation.to_owned(), token_hash.clone());
    let row = portal.store.read(move |tx| tx.query_one(FIND_SESSION, &[(&key.0).into(), (&key.1).into()])).await?;
    let Some(row) = row else { return Ok(None) };
    let known = read_row(&row, true)?;
    let (created_ms, seen_ms) = (row.unsigned(26)?, row.unsigned(27)?);
    let is_idle = now_ms.saturating_sub(seen_ms) >= idle_limit_ms(&known.rules);
    if is_idle || now_ms.saturating_sub(created_ms) >= known.rules.session_ms {
        return Ok(None);
    }
    refuse_closed(&row, now_ms)?;
    let public_key = row.blob(16)?.to_vec();
    let caller = known.into_caller(organisation, Key::Cookie, token_hash, origin, now_ms);
    Ok(Some(Found { caller: Box::new(caller), public_key, seen_ms: Some(seen_ms) }))
}

/// How long a session may be idle: a limit of zero locks the phone at once, and cannot end a session between two requests.
pub fn idle_limit_ms(rules: &Rules) -> u64 {
    rules.idle_ms.max(60_000)
}

/// Keeps the session alive; written at most every fifteen seconds. From its first session with nothing left to do the account
/// counts as used.
async fn note_seen(portal: &Portal, found: &Found) -> std::result::Result<(), Refusal> {
    let now_ms = found.caller.now_ms;
    let Some(seen_ms) = found.seen_ms else { return Ok(()) };
    let is_first_use = !found.caller.is_used && found.caller.step == Step::Ready;
    if now_ms.saturating_sub(seen_ms) <= 15_000 && !is_first_use {
        return Ok(());
    }
    let key = (found.caller.organisation.clone(), found.caller.token_hash.clone(), found.caller.member.clone());
    let touch = move |tx: &mut Tx<'_>| {
        places::note_seen(tx, &key.0, &key.2, now_ms)?;
        if is_first_use {
            first_factor::note_use(tx, &key.0, &key.2, now_ms)?;
        }
        tx.exec(TOUCH_SESSION, &[(&key.0).into(), (&key.1).into(), now_ms.into()])
    };
    portal.store.write(touch).await?;
    Ok(())
}

async fn by_device(
    portal: &Portal,
    organisation: &str,
    device: &str,
    origin: &Origin,
    now_ms: u64,
) -> std::result::Result<Found, Refusal> {
    let key = (organisation.to_owned(), device.to_owned());
    let row =
        portal.store.read(move |tx| tx.query_one(FIND_DEVICE_CALLER, &[(&key.0).into(), (&key.1).into()])).await?;
    let row = row.ok_or(Error::SignatureRefused)?;
    refuse_closed(&row, now_ms)?;
    let known = read_row(&row, false)?;
    let public_key = row.blob(16)?.to_vec();
    let caller = known.into_caller(organisation, Key::Device, Vec::new(), origin, now_ms);
    Ok(Found { caller: Box::new(caller), public_key, seen_ms: None })
}

/// Denied and expired look the same to the device, whichever key it asks with; `row` is of either query.
fn refuse_closed(row: &Row, now_ms: u64) -> std::result::Result<(), Refusal> {
    let is_closed = match row.text(8)? {
        "denied" => true,
        "pending" => row.unsigned(11)? <= now_ms,
        _ => false,
    };
    if is_closed { Err(Error::EnrollmentClosed.into()) } else { Ok(()) }
}

fn present(portal: &Portal, parts: &Parts, body: &[u8], policy_version: u64) -> Result<Presented> {
    let request = RequestParts {
        head: RequestHead {
            method: parts.method.as_str(),
            // The portal's own name, not what the request says: a signature made for another host fails here.
            authority: portal.config.authority(),
            path: parts.uri.path(),
            query: parts.uri.query(),
            policy_version,
        },
        body,
    };
    let header = |name| only_header(&parts.headers, name);
    Presented::parse(&request, header("signature-input")?, header("signature")?, header("content-digest")?)
}

/// Reads `x-policy-version`; a number has one spelling.
pub fn read_policy_version(text: &str) -> Result<u64> {
    let version: u64 = text.parse().map_err(|_| Error::SignatureRefused)?;
    if version.to_string() == text { Ok(version) } else { Err(Error::SignatureRefused) }
}

/// The value of a header that has to be there once.
pub fn only_header<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().map_err(|_| Error::SignatureRefused),
        _ => Err(Error::SignatureRefused),
    }
}
