//! Sessions: sign-in, sign-out, and the rotation at each rise of privilege.

use crate::access::{Access, Api};
use crate::act::Outcome;
use crate::audit::{self, Actor, Event};
use crate::caller::{Caller, Key, Origin};
use crate::desktop;
use crate::extract::Json;
use crate::identity::{COOKIE, locate};
use crate::members::places;
use crate::pins;
use crate::policy;
use crate::portal::{Portal, PortalState};
use crate::problem::Refusal;
use crate::store::{StoreError, Tx};
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use data_encoding::BASE64URL_NOPAD;
use ring::rand::SystemRandom;
use serde_json::json;
use std::net::IpAddr;
use std::sync::Arc;
use twinlock_core::Error;
use twinlock_core::policy::Surface;
use twinlock_core::ports::generate_bytes;
use twinlock_core::proof::{Presented, PublicKey};
use twinlock_core::secret::SecretText;
use twinlock_core::wire::{Bytes, SignIn, SignedIn, StepAnswer};
use uuid::Uuid;

crate::statements! {
    FIND_SIGN_IN_NAME = "SELECT organisation, member FROM sign_in_name WHERE name = $1";
    COUNT_PASSWORD = "UPDATE member SET password_fails = password_fails + 1
        WHERE organisation = $1 AND id = $2 AND password_fails < $3 RETURNING password, name, state";
    CLEAR_PASSWORD_FAILS = "UPDATE member SET password_fails = 0 WHERE organisation = $1 AND id = $2";
    INSERT_SESSION = "INSERT INTO session (organisation, token_hash, member, surface, device, session_key, app_version,
            code_at_ms, pin_proved, address, created_ms, seen_ms, id, agent)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12,
            COALESCE((SELECT d.name FROM device d WHERE d.organisation = $1 AND d.id = $5), $13))";
    ROTATE_SESSION = "UPDATE session SET token_hash = $3 WHERE organisation = $1 AND token_hash = $2";
    RAISE_SESSION = "UPDATE session SET code_at_ms = $3 WHERE organisation = $1 AND token_hash = $2";
    RAISE_DEVICE = "UPDATE device SET code_at_ms = $3 WHERE organisation = $1 AND id = $2";
    ATTACH_DEVICE = "UPDATE session SET device = $3,
            agent = COALESCE((SELECT d.name FROM device d WHERE d.organisation = $1 AND d.id = $3), agent)
        WHERE organisation = $1 AND token_hash = $2 AND device = ''";
    END_SESSION = "DELETE FROM session WHERE organisation = $1 AND token_hash = $2";
    END_DEVICE_SESSIONS = "DELETE FROM session WHERE organisation = $1 AND device = $2";
    FIND_POLICY_PUBLIC = "SELECT policy_public FROM organisation WHERE id = $1";
    SWEEP_SESSIONS = "DELETE FROM session WHERE created_ms < $1";
}

/// Consecutive wrong passwords after which a password is disabled (NIST SP 800-63B-4 §3.2.2 allows at most 100).
const MAX_PASSWORD_FAILS: u32 = 100;

/// A session to be opened.
pub struct NewSession<'a> {
    /// The organisation's id.
    pub organisation: &'a str,
    /// The member's id.
    pub member: &'a str,
    /// Where the member is.
    pub surface: Surface,
    /// The device's id, or empty.
    pub device: &'a str,
    /// The session key, SubjectPublicKeyInfo; empty in a browser.
    pub session_key: &'a [u8],
    /// Version of the app; empty in a browser.
    pub app_version: &'a str,
    /// When a code was accepted, or 0.
    pub code_at_ms: u64,
    /// True if it is opened with the PIN.
    pub pin_proved: bool,
}

/// This resource's routes.
pub fn routes(api: Api) -> Api {
    api.route(Access::Public, utoipa_axum::routes!(post_session))
        .route(Access::SignedIn, utoipa_axum::routes!(delete_session))
        .route(Access::SignedIn, utoipa_axum::routes!(get_step))
}

/// A member whose name and password were right.
pub struct Authenticated {
    /// The organisation's id.
    pub organisation: String,
    /// The member's id.
    pub member: String,
    name: String,
}

impl Authenticated {
    /// Somebody whose account was made a moment ago.
    pub fn founder(organisation: String, member: String, name: String) -> Self {
        Self { organisation, member, name }
    }
}

/// Checks name and password: counted before it is evaluated, and the same answer for every kind of wrong.
pub async fn authenticate(
    portal: &PortalState,
    origin: &Origin,
    name: &str,
    password: SecretText,
) -> Result<Authenticated, Refusal> {
    let address: IpAddr = origin.address.parse().map_err(|_| Error::Internal)?;
    portal.throttle.check_sign_in(address)?;
    let folded = fold_name(name);
    let counted = portal.store.write(move |tx| count_password(tx, &folded)).await?;
    let stored = counted.as_ref().map(|found| found.password.clone());
    let is_right = portal.hasher.verify(password, stored).await?;
    let now_ms = portal.now_ms()?;
    let Some(found) = counted else { return Err(Error::SignInRefused.into()) };
    let event = Event {
        at_ms: now_ms,
        actor: Actor::Member { id: found.member.clone(), name: found.name.clone() },
        action: if is_right { "session.password_accepted" } else { "session.password_refused" },
        target: found.member.clone(),
        detail: json!({}),
        address: origin.address.clone(),
        request_id: origin.request_id.clone(),
    };
    let (organisation, member) = (found.organisation.clone(), found.member.clone());
    portal
        .store
        .write(move |tx| {
            if is_right {
                tx.exec(CLEAR_PASSWORD_FAILS, &[(&organisation).into(), (&member).into()])?;
            }
            audit::record(tx, &organisation, &event)
        })
        .await?;
    match (is_right, found.is_active) {
        (false, _) => Err(Error::SignInRefused.into()),
        (true, false) => Err(Error::Suspended.into()),
        (true, true) => Ok(Authenticated { organisation: found.organisation, member: found.member, name: found.name }),
    }
}

/// Opens a session and returns its token, which is stored only as a hash.
pub fn open(
    tx: &mut Tx<'_>,
    new: &NewSession<'_>,
    origin: &Origin,
    now_ms: u64,
) -> Result<(SecretText, Vec<u8>), StoreError> {
    let (token, token_hash) = generate_token(new.organisation)?;
    tx.exec(
        INSERT_SESSION,
        &[
            new.organisation.into(),
            (&token_hash).into(),
            new.member.into(),
            surface_name(new.surface).into(),
            new.device.into(),
            new.session_key.into(),
            new.app_version.into(),
            new.code_at_ms.into(),
            new.pin_proved.into(),
            (&origin.address).into(),
            now_ms.into(),
            Uuid::now_v7().simple().to_string().into(),
            (&origin.agent).into(),
        ],
    )?;
    places::note_seen(tx, new.organisation, new.member, now_ms)?;
    Ok((token, token_hash))
}

/// Notes that a code was accepted in the caller's session, and on its device.
pub fn raise(tx: &mut Tx<'_>, caller: &Caller) -> Result<(), StoreError> {
    let organisation = &caller.organisation;
    tx.exec(RAISE_SESSION, &[organisation.into(), (&caller.token_hash).into(), caller.now_ms.into()])?;
    if let Some(device) = &caller.device {
        tx.exec(RAISE_DEVICE, &[organisation.into(), device.into(), caller.now_ms.into()])?;
        pins::forgive(tx, organisation, device)?;
    }
    Ok(())
}

/// Gives a browser's session a new token after a rise of privilege, so that a token fixed before is worth nothing.
pub fn rotate(tx: &mut Tx<'_>, caller: &Caller) -> Result<SecretText, StoreError> {
    let (token, token_hash) = generate_token(&caller.organisation)?;
    tx.exec(ROTATE_SESSION, &[(&caller.organisation).into(), (&caller.token_hash).into(), (&token_hash).into()])?;
    Ok(token)
}

/// What carries a browser's session: out of reach of scripts, and sent to this host alone, as `__Host-` demands.
pub fn cookie(token: &SecretText) -> Cookie<'static> {
    Cookie::build((COOKIE, token.expose().to_owned()))
        .path("/")
        .secure(true)
        .http_only(true)
        .same_site(SameSite::Lax)
        .build()
}

/// The cookie of a session that was given a new token: a browser that is not told loses it. No cookie without one.
pub fn cookies(token: Option<&SecretText>) -> CookieJar {
    token.into_iter().fold(CookieJar::new(), |jar, token| jar.add(cookie(token)))
}

/// Ties the caller's session to the device it has just enrolled.
pub fn attach_device(tx: &mut Tx<'_>, caller: &Caller, device: &str) -> Result<(), StoreError> {
    tx.exec(ATTACH_DEVICE, &[(&caller.organisation).into(), (&caller.token_hash).into(), device.into()])?;
    Ok(())
}

/// Ends every session of a device.
pub fn end_on_device(tx: &mut Tx<'_>, organisation: &str, device: &str) -> Result<(), StoreError> {
    tx.exec(END_DEVICE_SESSIONS, &[organisation.into(), device.into()])?;
    Ok(())
}

/// Ends the caller's session.
pub fn end(tx: &mut Tx<'_>, caller: &Caller) -> Outcome<()> {
    tx.exec(END_SESSION, &[(&caller.organisation).into(), (&caller.token_hash).into()])?;
    audit::record(tx, &caller.organisation, &Event::by(caller, "session.ended", &caller.member, json!({})))?;
    Ok(Ok(()))
}

/// Forgets sessions that are older than any policy allows.
pub fn sweep(tx: &mut Tx<'_>, now_ms: u64) -> Result<u64, StoreError> {
    tx.exec(SWEEP_SESSIONS, &[now_ms.saturating_sub(48 * 3_600_000).into()])
}

/// Sign-in names are compared without case and without surrounding space.
pub fn fold_name(name: &str) -> String {
    name.trim().to_lowercase()
}

/// Opens a session with name and password. Signed with the session key that is enclosed.
#[utoipa::path(post, path = "/v1/sessions", request_body = SignIn,
    responses((status = 200, body = SignedIn), (status = 401, body = twinlock_core::wire::Problem)))]
async fn post_session(
    State(portal): State<Portal>,
    Extension(origin): Extension<Origin>,
    presented: Option<Extension<Arc<Presented>>>,
    Json(request): Json<SignIn>,
) -> Result<axum::Json<SignedIn>, Refusal> {
    let Extension(presented) = presented.ok_or(Error::SignatureRefused)?;
    let now_ms = portal.now_ms()?;
    presented.verify(&PublicKey::from_spki(&request.session_key.0)?, now_ms)?;
    crate::nonce::verify(portal.key_wrap.nonce_key(), presented.nonce(), now_ms)?;
    if !desktop::is_well_formed(&request) || request.name.len() > 254 {
        return Err(Error::BadRequest.into());
    }
    let member = authenticate(&portal, &origin, &request.name, request.password).await?;
    let pack = policy::pack(&portal, member.organisation.clone(), member.member.clone(), now_ms).await?;
    let (surface, app_version, key, claim) =
        (request.surface, request.app_version, request.session_key, request.device);
    let nonce = presented.nonce().to_owned();
    let opened = portal.store.write(move |tx| {
        if let Err(refused) = crate::nonce::take(tx, &member.organisation, &nonce, now_ms)? {
            return Ok(Err(refused));
        }
        let asked = desktop::Asked {
            organisation: &member.organisation,
            member: &member.member,
            surface,
            session_key: &key.0,
            claim: claim.as_ref(),
        };
        let device = match desktop::admit(tx, &asked, now_ms)? {
            Ok(device) => device,
            Err(refused) => {
                let detail = json!({ "surface": surface, "reason": refused.code().to_string() });
                record(tx, &member, &origin, "session.refused", detail, now_ms)?;
                return Ok(Err(refused));
            }
        };
        let new = NewSession {
            organisation: &member.organisation,
            member: &member.member,
            surface,
            device: &device,
            session_key: &key.0,
            app_version: &app_version,
            code_at_ms: 0,
            pin_proved: false,
        };
        let (session, token_hash) = open(tx, &new, &origin, now_ms)?;
        let public = tx.query_one(FIND_POLICY_PUBLIC, &[(&member.organisation).into()])?;
        let policy_key = public.map(|row| row.blob(0).map(<[u8]>::to_vec)).transpose()?.unwrap_or_default();
        let caller = session_caller(&member, surface, token_hash, &origin, now_ms);
        let step = caller.step_now(tx)?;
        record_opened(tx, &member, &origin, surface, now_ms)?;
        Ok(Ok(SignedIn {
            session,
            organisation: member.organisation,
            policy_key: Bytes(policy_key),
            member: member.member,
            policy: pack,
            step,
        }))
    });
    Ok(axum::Json(opened.await??))
}

/// Opens a browser's session; returns the cookie's value.
pub async fn open_in_browser(portal: &Portal, member: Authenticated, origin: &Origin) -> Result<SecretText, Refusal> {
    let now_ms = portal.now_ms()?;
    let origin = origin.clone();
    let opened = portal.store.write(move |tx| {
        let new = NewSession {
            organisation: &member.organisation,
            member: &member.member,
            surface: Surface::Web,
            device: "",
            session_key: &[],
            app_version: "",
            code_at_ms: 0,
            pin_proved: false,
        };
        record_opened(tx, &member, &origin, Surface::Web, now_ms)?;
        open(tx, &new, &origin, now_ms).map(|(token, _)| token)
    });
    Ok(opened.await?)
}

/// Ends the session.
#[utoipa::path(delete, path = "/v1/sessions/self", responses((status = 204)))]
async fn delete_session(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<StatusCode, Refusal> {
    portal.act(&caller, end).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What the member has to do next.
#[utoipa::path(get, path = "/v1/step", responses((status = 200, body = StepAnswer)))]
async fn get_step(Extension(caller): Extension<Arc<Caller>>) -> axum::Json<StepAnswer> {
    axum::Json(StepAnswer { step: caller.step.clone(), required_from_ms: caller.required_from_ms() })
}

struct Counted {
    organisation: String,
    member: String,
    password: String,
    name: String,
    is_active: bool,
}

fn count_password(tx: &mut Tx<'_>, folded: &str) -> Result<Option<Counted>, StoreError> {
    let Some(found) = tx.query_one(FIND_SIGN_IN_NAME, &[folded.into()])? else { return Ok(None) };
    let (organisation, member) = (found.text(0)?, found.text(1)?);
    let counted = tx.query_one(COUNT_PASSWORD, &[organisation.into(), member.into(), MAX_PASSWORD_FAILS.into()])?;
    let Some(row) = counted else { return Ok(None) };
    Ok(Some(Counted {
        organisation: organisation.to_owned(),
        member: member.to_owned(),
        password: row.text(0)?.to_owned(),
        name: row.text(1)?.to_owned(),
        is_active: row.text(2)? == "active",
    }))
}

fn record_opened(
    tx: &mut Tx<'_>,
    member: &Authenticated,
    origin: &Origin,
    surface: Surface,
    now_ms: u64,
) -> Result<(), StoreError> {
    record(tx, member, origin, "session.opened", json!({ "surface": surface }), now_ms)
}

fn record(
    tx: &mut Tx<'_>,
    member: &Authenticated,
    origin: &Origin,
    action: &'static str,
    detail: serde_json::Value,
    now_ms: u64,
) -> Result<(), StoreError> {
    let event = Event {
        at_ms: now_ms,
        actor: Actor::Member { id: member.member.clone(), name: member.name.clone() },
        action,
        target: member.member.clone(),
        detail,
        address: origin.address.clone(),
        request_id: origin.request_id.clone(),
    };
    audit::record(tx, &member.organisation, &event)
}

/// A caller that is just enough to ask for its step: the session was opened in this transaction.
fn session_caller(
    member: &Authenticated,
    surface: Surface,
    token_hash: Vec<u8>,
    origin: &Origin,
    now_ms: u64,
) -> Caller {
    use twinlock_core::policy::{FactorState, Facts, MemberState, Rules};
    Caller {
        organisation: member.organisation.clone(),
        member: member.member.clone(),
        name: member.name.clone(),
        role: crate::caller::Role::Member,
        surface,
        key: Key::Session,
        token_hash,
        device: None,
        facts: Facts {
            member: MemberState::Active,
            factor: FactorState::NotSetUp,
            session: None,
            device: None,
            app_outdated: false,
            required_from_ms: 0,
        },
        rules: Rules::strict(),
        policy_version: 0,
        step: twinlock_core::step::Step::SignIn,
        access: Access::Public,
        is_used: true,
        claimed_policy: None,
        nonce: None,
        origin: origin.clone(),
        words: origin.words.clone(),
        now_ms,
    }
}

/// `<organisation>_<256 random bits>`; the organisation in front lets the table be sharded by it.
pub fn generate_token(organisation: &str) -> Result<(SecretText, Vec<u8>), StoreError> {
    let random = generate_bytes::<32>(&SystemRandom::new()).map_err(|_| StoreError::Closed)?;
    let token = SecretText::new(format!("{organisation}_{}", BASE64URL_NOPAD.encode(&random)));
    let (_, token_hash) = locate(token.expose()).ok_or(StoreError::Closed)?;
    Ok((token, token_hash))
}

/// What a surface is called in the database.
pub fn surface_name(surface: Surface) -> &'static str {
    match surface {
        Surface::Web => "web",
        Surface::Phone => "phone",
        Surface::Desktop => "desktop",
    }
}
