//! The first authenticator of an account that was used before: where the policy asks for it, a mail's link or an admin confirms
//! it, or whoever knows nothing but the password would hold the second factor from then on.
//!
//! What is confirmed is one session, the one that asked; nobody else's, and none that comes later.

use crate::access::{Access, Api};
use crate::act::Outcome;
use crate::audit::{self, Actor, Event};
use crate::caller::{Caller, Origin};
use crate::extract::Json;
use crate::identity::{idle_limit_ms, locate};
use crate::identity_check::IdentityChecked;
use crate::key_wrap::KeyWrap;
use crate::mail::outbox::{self, Kind, Message, SealedLink};
use crate::policy;
use crate::portal::Portal;
use crate::problem::Refusal;
use crate::sessions::generate_token;
use crate::store::{Row, StoreError, Tx};
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::json;
use std::sync::Arc;
use twinlock_core::policy::{FactorState, FirstFactor};
use twinlock_core::secret::SecretText;
use twinlock_core::wire::Problem;
use twinlock_core::{Error, Result};

crate::statements! {
    FIND_SET_UP_STANDING = "SELECT s.id, m.used_ms, m.set_up_until_ms, COALESCE(r.asked_ms, 0), COALESCE(r.expires_ms, 0),
            COALESCE(r.allowed_ms, 0), COALESCE(r.allowed_by, '')
        FROM session s
        JOIN member m ON m.organisation = s.organisation AND m.id = s.member
        LEFT JOIN set_up_request r ON r.organisation = s.organisation AND r.session = s.id
        WHERE s.organisation = $1 AND s.token_hash = $2";
    COUNT_SET_UP_REQUESTS = "SELECT CAST(count(*) AS BIGINT), COALESCE(min(asked_ms), 0) FROM set_up_request
        WHERE organisation = $1 AND member = $2 AND asked_ms > $3";
    PUT_SET_UP_REQUEST = "INSERT INTO set_up_request (organisation, session, member, token_hash, asked_ms, expires_ms,
            allowed_ms, allowed_by)
        VALUES ($1, $2, $3, $4, $5, $6, 0, '')
        ON CONFLICT (organisation, session) DO UPDATE SET token_hash = $4, asked_ms = $5, expires_ms = $6, allowed_ms = 0,
            allowed_by = ''";
    FIND_SET_UP_LINK = "SELECT r.session, r.member, r.asked_ms, r.expires_ms, r.allowed_ms, s.surface, s.address, s.agent,
            s.created_ms, s.seen_ms
        FROM set_up_request r
        JOIN session s ON s.organisation = r.organisation AND s.id = r.session AND s.id <> ''
        JOIN member m ON m.organisation = r.organisation AND m.id = r.member AND m.state = 'active'
        WHERE r.organisation = $1 AND r.token_hash = $2";
    ALLOW_BY_LINK = "UPDATE set_up_request SET allowed_ms = $3, expires_ms = $4
        WHERE organisation = $1 AND token_hash = $2 AND allowed_ms = 0 AND expires_ms > $3";
    LIST_SET_UP_REQUESTS = "SELECT r.session, r.member, m.name, r.asked_ms, s.surface, s.address, s.agent
        FROM set_up_request r
        JOIN session s ON s.organisation = r.organisation AND s.id = r.session AND s.id <> ''
        JOIN member m ON m.organisation = r.organisation AND m.id = r.member AND m.state = 'active'
        WHERE r.organisation = $1 AND ($2 = '' OR r.member = $2) AND r.allowed_ms = 0 AND r.asked_ms > $3
            AND s.created_ms > $4 AND s.seen_ms > $5
        ORDER BY r.asked_ms DESC, r.session LIMIT 100";
    ALLOW_BY_ADMIN = "UPDATE set_up_request SET allowed_ms = $4, expires_ms = $5, allowed_by = $6
        WHERE organisation = $1 AND member = $2 AND session = $3 AND allowed_ms = 0";
    FORGET_SET_UP_REQUESTS = "DELETE FROM set_up_request WHERE organisation = $1 AND member = $2";
    END_SET_UP_FREEDOM = "UPDATE member SET set_up_until_ms = 0 WHERE organisation = $1 AND id = $2 AND set_up_until_ms > 0";
    FREE_SET_UP = "UPDATE member SET set_up_until_ms = $3 WHERE organisation = $1 AND id = $2";
    NOTE_USE = "UPDATE member SET used_ms = $3 WHERE organisation = $1 AND id = $2 AND used_ms = 0";
    SWEEP_SET_UP_REQUESTS = "DELETE FROM set_up_request WHERE expires_ms <= $1 AND asked_ms <= $2";
}

/// How long a request waits, and how long what was allowed may be used.
const HOUR_MS: u64 = 3_600_000;
/// Nobody gets more mails about it in an hour, however often somebody signs in.
const MOST_AN_HOUR: u64 = 5;
/// How long what the operator opens stays open.
const FREE_MS: u64 = 24 * HOUR_MS;

/// Where a session stands that wants to set up the first authenticator of its account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It may.
    Free,
    /// It has to ask.
    Unasked,
    /// It has asked, at this time (epoch milliseconds), and waits.
    Asked(u64),
}

/// A session that waits.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct SetUpRequest {
    /// The session's id.
    pub session: String,
    /// The member's id.
    pub member: String,
    /// The member's name.
    pub member_name: String,
    /// When it asked, epoch milliseconds.
    pub asked_ms: u64,
    /// `web` or `phone`.
    pub surface: String,
    /// The address it was opened from.
    pub address: String,
    /// What the browser or the app calls itself; may be empty.
    pub agent: String,
}

/// What waits.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct SetUpRequests {
    /// The newest first; at most 100.
    requests: Vec<SetUpRequest>,
}

/// What a mail's link can still do.
pub enum Link {
    /// Confirm the session with these facts.
    Open(Box<SetUpRequest>),
    /// Nothing: it has confirmed its session.
    Used,
    /// Nothing: it is too old, its session is over, or it never was one.
    Void,
}

/// This resource's routes.
pub fn routes(api: Api) -> Api {
    api.route(Access::Admin, utoipa_axum::routes!(get_requests)).route(Access::Admin, utoipa_axum::routes!(post_allow))
}

/// Whether the caller's session may set up the account's first authenticator. A new one in the place of another is proven by
/// other means.
pub fn standing(tx: &mut Tx<'_>, caller: &Caller) -> std::result::Result<Standing, StoreError> {
    if caller.rules.first_factor == FirstFactor::Free || caller.facts.factor != FactorState::NotSetUp {
        return Ok(Standing::Free);
    }
    let found = tx.query_one(FIND_SET_UP_STANDING, &[(&caller.organisation).into(), (&caller.token_hash).into()])?;
    let Some(row) = found else { return Ok(Standing::Unasked) };
    let (used_ms, free_until_ms) = (row.unsigned(1)?, row.unsigned(2)?);
    let (asked_ms, expires_ms, is_allowed) = (row.unsigned(3)?, row.unsigned(4)?, row.int(5)? > 0);
    // A rule that was tightened meanwhile wants the admin's word.
    let suffices = caller.rules.first_factor == FirstFactor::Mail || !row.text(6)?.is_empty();
    Ok(if used_ms == 0 || free_until_ms > caller.now_ms {
        Standing::Free
    } else if expires_ms <= caller.now_ms || (is_allowed && !suffices) {
        Standing::Unasked
    } else if is_allowed {
        Standing::Free
    } else {
        Standing::Asked(asked_ms)
    })
}

/// [`Error::SetUpUnconfirmed`] for a session that may not.
pub fn admit(tx: &mut Tx<'_>, caller: &Caller) -> Outcome<()> {
    Ok(match standing(tx, caller)? {
        Standing::Free => Ok(()),
        Standing::Unasked | Standing::Asked(_) => Err(Error::SetUpUnconfirmed),
    })
}

/// Admits the caller's session, or asks for it: by a mail to the member, and of the admins where the policy wants one of them.
/// [`Error::SetUpUnconfirmed`] where it has to wait, [`Error::Throttled`] for whoever asks too often.
pub fn admit_or_ask(tx: &mut Tx<'_>, caller: &Caller, wrap: &dyn KeyWrap) -> Outcome<()> {
    match standing(tx, caller)? {
        Standing::Free => return Ok(Ok(())),
        Standing::Asked(_) => return Ok(Err(Error::SetUpUnconfirmed)),
        Standing::Unasked => {}
    }
    let (organisation, member, now_ms) = (&caller.organisation, &caller.member, caller.now_ms);
    let hour = [organisation.into(), member.into(), now_ms.saturating_sub(HOUR_MS).into()];
    if let Some(row) = tx.query_one(COUNT_SET_UP_REQUESTS, &hour)?
        && row.unsigned(0)? >= MOST_AN_HOUR
    {
        let retry_after_ms = (row.unsigned(1)? + HOUR_MS).saturating_sub(now_ms);
        return Ok(Err(Error::Throttled { retry_after_ms }));
    }
    let found = tx.query_one(FIND_SET_UP_STANDING, &[organisation.into(), (&caller.token_hash).into()])?;
    let Some(row) = found else { return Ok(Err(Error::SessionEnded)) };
    let (token, token_hash) = generate_token(organisation)?;
    let expires_ms = now_ms.saturating_add(HOUR_MS);
    tx.exec(
        PUT_SET_UP_REQUEST,
        &[organisation.into(), row.text(0)?.into(), member.into(), token_hash.into(), now_ms.into(), expires_ms.into()],
    )?;
    let by_mail = caller.rules.first_factor == FirstFactor::Mail;
    let message = Message::by(caller, member, if by_mail { Kind::ConfirmSetUp } else { Kind::SetUpAsked });
    let link = match by_mail.then(|| seal(wrap, organisation, &token)).transpose() {
        Ok(link) => link,
        Err(error) => return Ok(Err(error)),
    };
    outbox::put(tx, &Message { link, ..message })?;
    if !by_mail {
        let message =
            Message::to(organisation, "", Kind::SetUpAskedForAdmins, now_ms).with("who", caller.name.as_str());
        outbox::put_for_admins(tx, &message.with("address", caller.origin.address.as_str()), member)?;
    }
    let detail = json!({ "surface": caller.surface, "by": caller.rules.first_factor });
    audit::record(tx, organisation, &Event::by(caller, "two_step.confirmation_asked", member, detail))?;
    Ok(Err(Error::SetUpUnconfirmed))
}

fn seal(wrap: &dyn KeyWrap, organisation: &str, token: &SecretText) -> Result<SealedLink> {
    SealedLink::seal(wrap, organisation, &SecretText::new(format!("/confirm-set-up/{}", token.expose())))
}

/// Looks at a link without using it: programs that read mails open every address in them.
pub fn look(tx: &mut Tx<'_>, token: &str, now_ms: u64) -> std::result::Result<Link, StoreError> {
    let Some((organisation, token_hash)) = locate(token) else { return Ok(Link::Void) };
    let Some(row) = tx.query_one(FIND_SET_UP_LINK, &[organisation.into(), token_hash.into()])? else {
        return Ok(Link::Void);
    };
    let Some(rules) = policy::current(tx, organisation)?.map(|policy| policy.requires) else { return Ok(Link::Void) };
    let is_over = now_ms.saturating_sub(row.unsigned(9)?) >= idle_limit_ms(&rules)
        || now_ms.saturating_sub(row.unsigned(8)?) >= rules.session_ms;
    if is_over || row.unsigned(3)? <= now_ms || rules.first_factor == FirstFactor::Admin {
        return Ok(Link::Void);
    }
    if row.int(4)? > 0 {
        return Ok(Link::Used);
    }
    Ok(Link::Open(Box::new(SetUpRequest {
        session: row.text(0)?.to_owned(),
        member: row.text(1)?.to_owned(),
        member_name: String::new(),
        asked_ms: row.unsigned(2)?,
        surface: row.text(5)?.to_owned(),
        address: row.text(6)?.to_owned(),
        agent: row.text(7)?.to_owned(),
    })))
}

/// Confirms the session of a mail's link; [`Error::NotFound`] for one that is void.
pub fn allow_by_link(tx: &mut Tx<'_>, token: &str, origin: &Origin, now_ms: u64) -> Outcome<()> {
    let Link::Open(request) = look(tx, token, now_ms)? else { return Ok(Err(Error::NotFound)) };
    let Some((organisation, token_hash)) = locate(token) else { return Ok(Err(Error::NotFound)) };
    let until_ms = now_ms.saturating_add(HOUR_MS);
    let values = [organisation.into(), token_hash.into(), now_ms.into(), until_ms.into()];
    if tx.exec(ALLOW_BY_LINK, &values)? == 0 {
        return Ok(Err(Error::NotFound));
    }
    let event = Event {
        at_ms: now_ms,
        // Whoever reads the member's mails; nobody was signed in.
        actor: Actor::System("mail link"),
        action: "two_step.confirmation_given",
        target: request.member.clone(),
        detail: json!({ "session": request.session, "surface": request.surface, "asked_from": request.address }),
        address: origin.address.clone(),
        request_id: origin.request_id.clone(),
    };
    audit::record(tx, organisation, &event)?;
    Ok(Ok(()))
}

/// What waits in the caller's organisation: of one member, or of all for an empty `member`.
pub fn list(tx: &mut Tx<'_>, caller: &Caller, member: &str) -> std::result::Result<Vec<SetUpRequest>, StoreError> {
    if caller.rules.first_factor == FirstFactor::Free {
        return Ok(Vec::new());
    }
    let since = |ms: u64| caller.now_ms.saturating_sub(ms).into();
    let (rules, organisation) = (&caller.rules, &caller.organisation);
    let values =
        [organisation.into(), member.into(), since(HOUR_MS), since(rules.session_ms), since(idle_limit_ms(rules))];
    let read = |row: &Row| {
        Ok(SetUpRequest {
            session: row.text(0)?.to_owned(),
            member: row.text(1)?.to_owned(),
            member_name: row.text(2)?.to_owned(),
            asked_ms: row.unsigned(3)?,
            surface: row.text(4)?.to_owned(),
            address: row.text(5)?.to_owned(),
            agent: row.text(6)?.to_owned(),
        })
    };
    tx.query(LIST_SET_UP_REQUESTS, &values)?.iter().map(read).collect()
}

/// An admin who has checked who is asking lets a session set up its account's first authenticator; [`Error::NotFound`] where
/// none waits. See [`IdentityChecked::reference_for`] for what else refuses.
pub fn allow(tx: &mut Tx<'_>, caller: &Caller, member: &str, session: &str, checked: &IdentityChecked) -> Outcome<()> {
    let reference = match checked.reference_for(caller, member) {
        Ok(reference) => reference,
        Err(refused) => return Ok(Err(refused)),
    };
    let open = list(tx, caller, member)?;
    let Some(request) = open.iter().find(|request| request.session == session) else {
        return Ok(Err(Error::NotFound));
    };
    let (organisation, now_ms) = (&caller.organisation, caller.now_ms);
    let until_ms = now_ms.saturating_add(HOUR_MS);
    let by = (&caller.member).into();
    let values = [organisation.into(), member.into(), session.into(), now_ms.into(), until_ms.into(), by];
    if tx.exec(ALLOW_BY_ADMIN, &values)? == 0 {
        return Ok(Err(Error::NotFound));
    }
    let detail = json!({ "identity_check": checked.identity_check, "reference": reference, "session": session,
        "surface": request.surface, "asked_from": request.address });
    audit::record(tx, organisation, &Event::by(caller, "two_step.confirmation_given", member, detail))?;
    Ok(Ok(()))
}

/// Nothing is allowed or asked any more: the member has an authenticator, or the admin took it away.
pub fn forget(tx: &mut Tx<'_>, organisation: &str, member: &str) -> std::result::Result<(), StoreError> {
    tx.exec(FORGET_SET_UP_REQUESTS, &[organisation.into(), member.into()])?;
    tx.exec(END_SET_UP_FREEDOM, &[organisation.into(), member.into()])?;
    Ok(())
}

/// The operator lets the member set one up unconfirmed, for a day.
pub fn free(tx: &mut Tx<'_>, organisation: &str, member: &str, now_ms: u64) -> std::result::Result<(), StoreError> {
    tx.exec(FREE_SET_UP, &[organisation.into(), member.into(), now_ms.saturating_add(FREE_MS).into()])?;
    Ok(())
}

/// The account is used.
pub fn note_use(tx: &mut Tx<'_>, organisation: &str, member: &str, now_ms: u64) -> std::result::Result<(), StoreError> {
    tx.exec(NOTE_USE, &[organisation.into(), member.into(), now_ms.into()])?;
    Ok(())
}

/// Forgets what is over; what was asked within the hour still counts.
pub fn sweep(tx: &mut Tx<'_>, now_ms: u64) -> std::result::Result<u64, StoreError> {
    tx.exec(SWEEP_SET_UP_REQUESTS, &[now_ms.into(), now_ms.saturating_sub(HOUR_MS).into()])
}

/// Sessions that wait to set up the first authenticator of an account that was used before.
#[utoipa::path(get, path = "/v1/admin/set-ups", responses((status = 200, body = SetUpRequests)))]
async fn get_requests(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
) -> std::result::Result<axum::Json<SetUpRequests>, Refusal> {
    let requests = portal.store.read(move |tx| list(tx, &caller, "")).await?;
    Ok(axum::Json(SetUpRequests { requests }))
}

/// Lets one of them go on, after a check of who is asking.
#[utoipa::path(post, path = "/v1/admin/members/{member}/set-ups/{session}", request_body = IdentityChecked,
    params(("member" = String, Path), ("session" = String, Path)),
    responses((status = 204), (status = 400, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn post_allow(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path((member, session)): Path<(String, String)>,
    Json(checked): Json<IdentityChecked>,
) -> std::result::Result<StatusCode, Refusal> {
    portal.act(&caller, move |tx, caller| allow(tx, caller, &member, &session, &checked)).await?;
    Ok(StatusCode::NO_CONTENT)
}
