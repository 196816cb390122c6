//! Who is calling: a browser with a cookie, a session with its key, or a device with its key.
//!
//! One query brings the session or device together with the member, the policy, the authenticator and the PIN, so that
//! the decision of each request is made on what holds at that moment.

use crate::nonce;
use crate::policy;
use crate::portal::Portal;
use crate::problem::Refusal;
use crate::store::{Row, StoreError, Tx};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use axum_extra::extract::CookieJar;
use ring::digest::{SHA256, digest};
use twinlock_core::policy::{
    DeviceFact, DeviceState, FactorState, Facts, MemberState, PinFact, Rules, SessionFact, Surface, decide,
};
use twinlock_core::proof::{KeyId, Presented, PublicKey, RequestParts};
use twinlock_core::step::Step;
use twinlock_core::{Error, Result};

/// The browser's session cookie.
pub const COOKIE: &str = "__Host-session";

crate::statements! {
    FIND_SESSION = "SELECT m.id, m.name, m.role, m.state, o.policy_version, o.rules, COALESCE(f.state, ''),
            COALESCE(d.id, ''), COALESCE(d.state, ''), COALESCE(d.code_at_ms, 0), COALESCE(d.finish_until_ms, 0),
            COALESCE(d.expires_ms, 0), COALESCE(p.state, 'none'), COALESCE(p.rule_length, 0), COALESCE(p.fails, -1),
            COALESCE(p.wait_until_ms, 0), s.session_key, s.app_version, COALESCE(p.owes_code, 0),
            COALESCE(x.until_ms, 0), o.required_ms, m.created_ms, s.surface, s.code_at_ms, s.pin_proved, s.recovering,
            s.created_ms, s.seen_ms
        FROM session s
        JOIN organisation o ON o.id = s.organisation
        JOIN member m ON m.organisation = s.organisation AND m.id = s.member
        LEFT JOIN factor f ON f.organisation = s.organisation AND f.member = s.member AND f.state <> 'pending'
        LEFT JOIN two_step_exception x ON x.organisation = s.organisation AND x.member = s.member
        LEFT JOIN device d ON d.organisation = s.organisation AND d.id = s.device
        LEFT JOIN pin p ON p.organisation = s.organisation AND p.device = s.device
        WHERE s.organisation = $1 AND s.token_hash = $2";
    FIND_DEVICE_CALLER = "SELECT m.id, m.name, m.role, m.state, o.policy_version, o.rules, COALESCE(f.state, ''),
            d.id, d.state, d.code_at_ms, d.finish_until_ms, d.expires_ms,
            COALESCE(p.state, 'none'), COALESCE(p.rule_length, 0), COALESCE(p.fails, -1), COALESCE(p.wait_until_ms, 0),
            d.spki, d.facts, COALESCE(p.owes_code, 0), COALESCE(x.until_ms, 0), o.required_ms, m.created_ms
        FROM device d
        JOIN organisation o ON o.id = d.organisation
        JOIN member m ON m.organisation = d.organisation AND m.id = d.member
        LEFT JOIN factor f ON f.organisation = d.organisation AND f.member = d.member AND f.state <> 'pending'
        LEFT JOIN two_step_exception x ON x.organisation = d.organisation AND x.member = d.member
        LEFT JOIN pin p ON p.organisation = d.organisation AND p.device = d.id
        WHERE d.organisation = $1 AND d.id = $2";
    TOUCH_SESSION = "UPDATE session SET seen_ms = $3 WHERE organisation = $1 AND token_hash = $2 AND seen_ms < $3";
}

/// A member's role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Uses files.
    Member,
    /// Also decides: policy, devices, members.
    Admin,
    /// Also reads the audit log.
    Auditor,
}

/// What the caller proved itself with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// A browser's cookie.
    Cookie,
    /// A session's key.
    Session,
    /// The device key.
    Device,
}

/// Where a request came from.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// The client's address.
    pub address: String,
    /// Names the request in the log.
    pub request_id: String,
}

/// An authenticated caller and the decision about it.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The organisation's id.
    pub organisation: String,
    /// The member's id.
    pub member: String,
    /// The member's name.
    pub name: String,
    /// The member's role.
    pub role: Role,
    /// Where the member is.
    pub surface: Surface,
    /// What it proved itself with.
    pub key: Key,
    /// The session's place in the table; empty for a device key.
    pub token_hash: Vec<u8>,
    /// The device's id, if there is one.
    pub device: Option<String>,
    /// What the decision was made on.
    pub facts: Facts,
    /// The policy of this moment.
    pub rules: Rules,
    /// Its version.
    pub policy_version: u64,
    /// The decision.
    pub step: Step,
    /// The policy version that a signed request named.
    pub claimed_policy: Option<u64>,
    /// The nonce of a signed call; taken in the transaction of whatever the call changes.
    pub nonce: Option<String>,
    /// Where the request came from.
    pub origin: Origin,
    /// The portal's time when it arrived.
    pub now_ms: u64,
}

/// How long an accepted code counts as fresh for a weighty act.
const FRESH_CODE_MS: u64 = 10 * 60_000;

impl Caller {
    /// When a code was accepted in this session, epoch milliseconds, or 0.
    pub fn code_at_ms(&self) -> u64 {
        self.facts.session.and_then(|session| session.code_at_ms).unwrap_or(0)
    }

    /// [`Error::FreshCodeRequired`] unless a code was accepted in this session within the last ten minutes.
    pub fn require_fresh_code(&self) -> Result<()> {
        if self.now_ms.saturating_sub(self.code_at_ms()) < FRESH_CODE_MS {
            Ok(())
        } else {
            Err(Error::FreshCodeRequired)
        }
    }

    /// The decision as it stands inside this transaction, after what the transaction has changed.
    pub fn step_now(&self, tx: &mut Tx<'_>) -> std::result::Result<Step, StoreError> {
        let found = match (&self.key, &self.device) {
            (Key::Device, Some(device)) => {
                tx.query_one(FIND_DEVICE_CALLER, &[(&self.organisation).into(), device.into()])?
            }
            _ => tx.query_one(FIND_SESSION, &[(&self.organisation).into(), (&self.token_hash).into()])?,
        };
        let Some(row) = found else { return Ok(Step::SignIn) };
        let known = read_row(&row, self.key != Key::Device)?;
        Ok(decide(&known.rules, &known.facts, known.surface, self.now_ms))
    }
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
        return Ok(by_cookie(portal, &token, origin, now_ms).await?.map_or(Identity::Stranger, Identity::Known));
    };
    let claimed_policy = policy_version(&parts.headers)?;
    let presented = present(portal, parts, body, claimed_policy)?;
    let (mut caller, public_key) = match presented.key_id() {
        KeyId::Enclosed => return Ok(Identity::Enclosed(Box::new(presented))),
        KeyId::Session(token) => by_session_token(portal, token, origin, now_ms).await?,
        KeyId::Device { organisation, device } => by_device(portal, organisation, device, origin, now_ms).await?,
    };
    presented.verify(&PublicKey::from_spki(&public_key)?, now_ms)?;
    // A reader makes its own nonce; it is remembered only where the reading leaves a trace, by `act`, so that a
    // harmless one writes nothing.
    if parts.method != Method::GET {
        nonce::verify(portal.key_wrap.nonce_key(), presented.nonce(), now_ms)?;
    }
    caller.nonce = Some(presented.nonce().to_owned());
    caller.claimed_policy = Some(claimed_policy);
    Ok(Identity::Known(caller))
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

async fn by_cookie(
    portal: &Portal,
    token: &str,
    origin: &Origin,
    now_ms: u64,
) -> std::result::Result<Option<Box<Caller>>, Refusal> {
    let found = find_session(portal, token, origin, now_ms).await?;
    Ok(found.map(|(caller, _)| caller).filter(|caller| caller.surface == Surface::Web))
}

async fn by_session_token(
    portal: &Portal,
    token: &str,
    origin: &Origin,
    now_ms: u64,
) -> std::result::Result<(Box<Caller>, Vec<u8>), Refusal> {
    let found = find_session(portal, token, origin, now_ms).await?;
    let (mut caller, key) = found.filter(|(caller, _)| caller.surface != Surface::Web).ok_or(Error::SessionEnded)?;
    caller.key = Key::Session;
    Ok((caller, key))
}

async fn find_session(
    portal: &Portal,
    token: &str,
    origin: &Origin,
    now_ms: u64,
) -> std::result::Result<Option<(Box<Caller>, Vec<u8>)>, Refusal> {
    let Some((organisation, token_hash)) = locate(token) else { return Ok(None) };
    let key = (organisation.to_owned(), token_hash.clone());
    let row = portal.store.read(move |tx| tx.query_one(FIND_SESSION, &[(&key.0).into(), (&key.1).into()])).await?;
    let Some(row) = row else { return Ok(None) };
    let known = read_row(&row, true)?;
    let (created_ms, seen_ms) = (row.unsigned(26)?, row.unsigned(27)?);
    let idle_ms = now_ms.saturating_sub(seen_ms);
    // An idle limit of zero locks the phone at once; it cannot end a session between two requests.
    let is_over =
        now_ms.saturating_sub(created_ms) >= known.rules.session_ms || idle_ms >= known.rules.idle_ms.max(60_000);
    if is_over {
        return Ok(None);
    }
    refuse_closed(&row, now_ms)?;
    if idle_ms > 15_000 {
        let key = (organisation.to_owned(), token_hash.clone());
        let values = move |tx: &mut Tx<'_>| tx.exec(TOUCH_SESSION, &[(&key.0).into(), (&key.1).into(), now_ms.into()]);
        portal.store.write(values).await?;
    }
    let public_key = row.blob(16)?.to_vec();
    let caller = known.into_caller(organisation, Key::Cookie, token_hash, origin, now_ms);
    Ok(Some((Box::new(caller), public_key)))
}

async fn by_device(
    portal: &Portal,
    organisation: &str,
    device: &str,
    origin: &Origin,
    now_ms: u64,
) -> std::result::Result<(Box<Caller>, Vec<u8>), Refusal> {
    let key = (organisation.to_owned(), device.to_owned());
    let row =
        portal.store.read(move |tx| tx.query_one(FIND_DEVICE_CALLER, &[(&key.0).into(), (&key.1).into()])).await?;
    let row = row.ok_or(Error::SignatureRefused)?;
    refuse_closed(&row, now_ms)?;
    let known = read_row(&row, false)?;
    let public_key = row.blob(16)?.to_vec();
    let caller = known.into_caller(organisation, Key::Device, Vec::new(), origin, now_ms);
    Ok((Box::new(caller), public_key))
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
        method: parts.method.as_str(),
        // The portal's own name, not what the request says: a signature made for another host fails here.
        authority: portal.config.authority(),
        path: parts.uri.path(),
        query: parts.uri.query(),
        body,
        policy_version,
    };
    let header = |name| only_header(&parts.headers, name);
    Presented::parse(&request, header("signature-input")?, header("signature")?, header("content-digest")?)
}

fn policy_version(headers: &HeaderMap) -> Result<u64> {
    let text = only_header(headers, "x-policy-version")?;
    let version: u64 = text.parse().map_err(|_| Error::SignatureRefused)?;
    if version.to_string() == text { Ok(version) } else { Err(Error::SignatureRefused) }
}

fn only_header<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().map_err(|_| Error::SignatureRefused),
        _ => Err(Error::SignatureRefused),
    }
}

/// What a row of either query says.
struct Known {
    member: String,
    name: String,
    role: Role,
    surface: Surface,
    device: Option<String>,
    facts: Facts,
    rules: Rules,
    policy_version: u64,
}

impl Known {
    fn into_caller(self, organisation: &str, key: Key, token_hash: Vec<u8>, origin: &Origin, now_ms: u64) -> Caller {
        let step = decide(&self.rules, &self.facts, self.surface, now_ms);
        Caller {
            organisation: organisation.to_owned(),
            member: self.member,
            name: self.name,
            role: self.role,
            surface: self.surface,
            key,
            token_hash,
            device: self.device,
            facts: self.facts,
            rules: self.rules,
            policy_version: self.policy_version,
            step,
            claimed_policy: None,
            nonce: None,
            origin: origin.clone(),
            now_ms,
        }
    }
}

fn read_row(row: &Row, is_session: bool) -> std::result::Result<Known, StoreError> {
    // Unreadable rules are no rules to relax: the strict profile holds.
    let rules: Rules = serde_json::from_str(row.text(5)?).unwrap_or_else(|_| Rules::strict());
    let factor = match row.text(6)? {
        "active" => FactorState::Active,
        "disabled" => FactorState::Disabled,
        _ => FactorState::NotSetUp,
    };
    let device_id = Some(row.text(7)?.to_owned()).filter(|id| !id.is_empty());
    let owes_code = row.int(18)? != 0;
    let device = device_id.is_some().then(|| read_device(row, &rules, owes_code)).transpose()?;
    let (surface, session) = if is_session {
        let surface = match row.text(22)? {
            "phone" => Surface::Phone,
            "desktop" => Surface::Desktop,
            _ => Surface::Web,
        };
        let code_at_ms = Some(row.unsigned(23)?).filter(|at| *at > 0);
        (surface, Some(SessionFact { code_at_ms, pin_proved: row.int(24)? == 1, recovering: row.int(25)? != 0 }))
    } else {
        (Surface::Phone, None)
    };
    let app_version = if is_session {
        row.text(17)?.to_owned()
    } else {
        twinlock_core::enrollment::DeviceFacts::parse(row.text(17)?).map(|facts| facts.app_version).unwrap_or_default()
    };
    let facts = Facts {
        member: if row.text(3)? == "active" { MemberState::Active } else { MemberState::Suspended },
        factor,
        session,
        device,
        app_outdated: surface != Surface::Web && rules.is_app_outdated(&app_version),
        required_from_ms: policy::required_from_ms(&rules, row.unsigned(19)?, row.unsigned(20)?, row.unsigned(21)?),
    };
    Ok(Known {
        member: row.text(0)?.to_owned(),
        name: row.text(1)?.to_owned(),
        role: match row.text(2)? {
            "admin" => Role::Admin,
            "auditor" => Role::Auditor,
            _ => Role::Member,
        },
        surface,
        device: device_id,
        facts,
        policy_version: row.unsigned(4)?,
        rules,
    })
}

fn read_device(row: &Row, rules: &Rules, owes_code: bool) -> std::result::Result<DeviceFact, StoreError> {
    let state = match row.text(8)? {
        // Denied within this request: it waits, as an expired one does; its next request is refused by the guard.
        "pending" | "denied" => DeviceState::Pending,
        "approved" => DeviceState::Approved,
        _ => DeviceState::Revoked,
    };
    let pin = match row.text(12)? {
        "set" => PinFact::Set {
            rule_length: u8::try_from(row.int(13)?).unwrap_or(u8::MAX),
            tries_left: rules.pin_max_tries.saturating_sub(u32::try_from(row.int(14)?).unwrap_or(u32::MAX)),
            wait_until_ms: row.unsigned(15)?,
        },
        "erased" => PinFact::Erased,
        _ => PinFact::None,
    };
    Ok(DeviceFact {
        state,
        pin,
        code_at_ms: Some(row.unsigned(9)?).filter(|at| *at > 0),
        owes_code,
        finish_until_ms: row.unsigned(10)?,
        comparison_code: None,
    })
}
