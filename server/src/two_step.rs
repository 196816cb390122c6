//! Two-step authentication: set-up, confirmation, and the check of a code.
//!
//! Each check counts before it evaluates, in one transaction, per member and authenticator, never per session; an
//! accepted step moves the last step forward by one conditional UPDATE, so that a code works once.

use crate::access::{Access, Api};
use crate::act::Outcome;
use crate::audit::{self, Event};
use crate::caller::Caller;
use crate::extract::Json;
use crate::first_factor;
use crate::mail::outbox::{self, Kind, Message};
use crate::members::places;
use crate::portal::{Portal, PortalState};
use crate::problem::Refusal;
use crate::recovery;
use crate::recovery_code::NewSet;
use crate::sessions;
use crate::store::{Row, StoreError, Tx};
use axum::Extension;
use axum::extract::State;
use axum_extra::extract::cookie::CookieJar;
use jiff::Timestamp;
use serde_json::json;
use std::sync::Arc;
use twinlock_core::code::{
    CodeInput, CodeKey, Digits, MAX_ACCOUNT_CHARS, OneTimeCode, Parameters, SET_UP_MS, Verdict, wait_after_failures,
};
use twinlock_core::policy::{FactorState, Surface};
use twinlock_core::secret::SecretText;
use twinlock_core::wire::{CodeEntry, StepAnswer, TwoStepConfirmed, TwoStepSetUp};
use twinlock_core::{Error, ErrorCode};
use uuid::Uuid;

crate::statements! {
    DELETE_PENDING_FACTOR = "DELETE FROM factor WHERE organisation = $1 AND member = $2 AND state = 'pending'";
    INSERT_FACTOR = "INSERT INTO factor (organisation, member, id, state, seed_sealed, key_version, fails, wait_until_ms,
            last_step, created_ms, confirmed_ms)
        VALUES ($1, $2, $3, 'pending', $4, $5, 0, 0, 0, $6, 0)";
    FIND_PROVEN_FACTOR = "SELECT id FROM factor WHERE organisation = $1 AND member = $2 AND state <> 'pending'";
    COUNT_CODE = "UPDATE factor SET fails = fails + 1
        WHERE organisation = $1 AND member = $2 AND state = $3 AND fails >= 0 AND fails < $4 AND wait_until_ms <= $5
            AND created_ms > $6
        RETURNING id, seed_sealed, key_version, fails, last_step";
    FIND_FACTOR = "SELECT id, fails, wait_until_ms, created_ms FROM factor
        WHERE organisation = $1 AND member = $2 AND state = $3";
    ACCEPT_STEP = "UPDATE factor SET last_step = $4, fails = 0, wait_until_ms = 0
        WHERE organisation = $1 AND member = $2 AND id = $3 AND state = 'active' AND last_step < $4";
    PROVE_PENDING = "UPDATE factor SET last_step = $4, fails = 0, wait_until_ms = 0
        WHERE organisation = $1 AND member = $2 AND id = $3 AND state = 'pending' AND last_step < $4";
    CLAIM_PENDING = "UPDATE factor SET confirmed_ms = $5
        WHERE organisation = $1 AND member = $2 AND id = $3 AND state = 'pending' AND last_step = $4";
    DELETE_PROVEN_FACTOR = "DELETE FROM factor WHERE organisation = $1 AND member = $2 AND state <> 'pending'";
    ACTIVATE_FACTOR = "UPDATE factor SET state = 'active'
        WHERE organisation = $1 AND member = $2 AND id = $3 AND state = 'pending'";
    DELAY_FACTOR = "UPDATE factor SET wait_until_ms = $4 WHERE organisation = $1 AND member = $2 AND id = $3";
    DISABLE_FACTOR = "UPDATE factor SET state = 'disabled'
        WHERE organisation = $1 AND member = $2 AND id = $3 AND state = 'active'";
    FIND_LABEL = "SELECT o.name, m.email FROM member m JOIN organisation o ON o.id = m.organisation
        WHERE m.organisation = $1 AND m.id = $2";
    FIND_CLOCK_MARK = "SELECT clock_mark_ms FROM organisation WHERE id = $1";
    MOVE_CLOCK_MARK = "UPDATE organisation SET clock_mark_ms = $2 WHERE id = $1 AND clock_mark_ms < $3";
    REPAIR_CLOCK_MARK = "UPDATE organisation SET clock_mark_ms = $1 WHERE clock_mark_ms > $1 RETURNING id";
    REPAIR_LAST_STEPS = "UPDATE factor SET last_step = $2 WHERE organisation = $1 AND last_step > $2";
}

/// Key of why a set-up is refused: renewing an authenticator is another act.
pub const ALREADY_SET_UP: &str = "error-detail-already-set-up";
/// Key of why a weighty act is refused to whoever can show no code; nobody else's second factor stands in for it.
pub const NO_AUTHENTICATOR: &str = "error-detail-no-authenticator";
/// A clock may be set back by this much (a leap second, a correction) without anybody noticing.
const CLOCK_TOLERANCE_MS: u64 = 5_000;
/// The mark is written at most this often, so that codes of one organisation do not queue for one row.
const CLOCK_MARK_EVERY_MS: u64 = 60_000;

/// This resource's routes.
pub fn routes(api: Api) -> Api {
    api.route(Access::SetUpTwoStep, utoipa_axum::routes!(post_set_up))
        .route(Access::SetUpTwoStep, utoipa_axum::routes!(post_confirm))
        .route(Access::ShowCode, utoipa_axum::routes!(post_verify))
}

/// Makes a new pending secret; one made before is void.
pub async fn begin(portal: &PortalState, caller: &Arc<Caller>) -> Result<TwoStepSetUp, Refusal> {
    let (organisation, member) = (caller.organisation.clone(), caller.member.clone());
    let label = portal.store.read(move |tx| tx.query_one(FIND_LABEL, &[(&organisation).into(), (&member).into()]));
    let label = label.await?.ok_or(Error::SessionEnded)?;
    let replaces = replaces(caller);
    let account = if replaces { dated_account(label.text(1)?, caller.now_ms) } else { label.text(1)?.to_owned() };
    let secret = OneTimeCode::generate(&portal.random, label.text(0)?, &account)?;
    let id = Uuid::now_v7().simple().to_string();
    let place = associated_data(&caller.organisation, &caller.member, &id);
    let (version, sealed) = portal.key_wrap.seal(secret.secret().expose(), &place)?;
    let wrap = Arc::clone(&portal.key_wrap);
    let created = portal.act(caller, move |tx, caller| {
        let (organisation, member) = (&caller.organisation, &caller.member);
        if let Err(refused) = first_factor::admit_or_ask(tx, caller, wrap.as_ref())? {
            return Ok(Err(refused));
        }
        tx.exec(DELETE_PENDING_FACTOR, &[organisation.into(), member.into()])?;
        // Another tab or device may have finished since the guard looked.
        if !replaces && tx.query_one(FIND_PROVEN_FACTOR, &[organisation.into(), member.into()])?.is_some() {
            return Ok(Err(Error::StepRequired));
        }
        let values =
            [organisation.into(), member.into(), (&id).into(), sealed.into(), version.into(), caller.now_ms.into()];
        tx.exec(INSERT_FACTOR, &values)?;
        places::note(tx, organisation, member)?;
        audit::record(tx, organisation, &Event::by(caller, "two_step.set_up_started", member, json!({})))?;
        Ok(Ok(()))
    });
    created.await.map_err(|refused| match refused.code() {
        ErrorCode::StepRequired => refused.explained(ALREADY_SET_UP),
        _ => refused,
    })?;
    Ok(TwoStepSetUp { uri: secret.to_uri(), key: secret.grouped_key(), expires_ms: caller.now_ms + SET_UP_MS })
}

/// Whether a new authenticator takes the place of one that there is: the guard lets only a renewal and a recovery so far.
fn replaces(caller: &Caller) -> bool {
    caller.facts.factor != FactorState::NotSetUp
}

/// Another name than the entry that the app may still have, which it would overwrite: `ada@example.org (2026-11-24 11.54 UTC)`.
/// A colon cannot stand in a label: it separates issuer and account.
fn dated_account(email: &str, now_ms: u64) -> String {
    let at = i64::try_from(now_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or_default();
    let date = at.strftime(" (%Y-%m-%d %H.%M UTC)").to_string();
    let room = MAX_ACCOUNT_CHARS.saturating_sub(date.chars().count());
    email.chars().take(room).chain(date.chars()).collect()
}

/// Confirms the pending secret with its first code, which is this session's second factor and never accepted again. The
/// secret takes the place of one that there is, and new recovery codes those of all older ones, in one transaction.
pub async fn confirm(portal: &Portal, caller: &Arc<Caller>, code: &SecretText) -> Result<Confirmed, Refusal> {
    let code = CodeInput::parse(code.expose(), Digits::Six)?;
    let keys = Arc::clone(portal);
    let proven = portal.act(caller, move |tx, caller| check(tx, caller, &keys, &code, "pending")).await?;
    // Only now: hashing a set is the price of a right code, not of a guess.
    let set = NewSet::generate(portal, recovery::owner(caller)).await?;
    let caller = Arc::clone(caller);
    Ok(portal.store.write(move |tx| activate(tx, &caller, &proven, &set)).await??)
}

/// Checks a code of the member's authenticator.
pub async fn verify(portal: &Portal, caller: &Arc<Caller>, code: &SecretText) -> Result<Accepted, Refusal> {
    // What cannot be a code costs no try.
    let code = CodeInput::parse(code.expose(), Digits::Six)?;
    let keys = Arc::clone(portal);
    let accept = move |tx: &mut Tx<'_>, caller: &Caller| match check(tx, caller, &keys, &code, "active")? {
        Ok(_) => accepted(tx, caller, "code.accepted").map(Ok),
        Err(refused) => Ok(Err(refused)),
    };
    portal.act(caller, accept).await
}

/// A code was accepted.
pub struct Accepted {
    /// The step that follows.
    pub step: StepAnswer,
    /// A browser's new token.
    pub token: Option<SecretText>,
}

/// An authenticator is in use from now on.
pub struct Confirmed {
    /// As for any accepted code.
    pub accepted: Accepted,
    /// The recovery codes that came with it, shown once.
    pub recovery_codes: Vec<SecretText>,
}

impl Confirmed {
    /// The answer to a program.
    pub fn into_answer(self) -> (CookieJar, axum::Json<TwoStepConfirmed>) {
        let Self { accepted, recovery_codes } = self;
        let confirmed = TwoStepConfirmed { step: accepted.step.step, recovery_codes };
        (sessions::cookies(accepted.token.as_ref()), axum::Json(confirmed))
    }
}

/// A code that was right, and is used up: of which authenticator, and its step.
struct Proven {
    factor: String,
    step: u64,
}

fn check(
    tx: &mut Tx<'_>,
    caller: &Caller,
    portal: &PortalState,
    code: &CodeInput,
    state: &'static str,
) -> Outcome<Proven> {
    let (organisation, member) = (&caller.organisation, &caller.member);
    if is_clock_behind(tx, organisation, caller.now_ms)? {
        tracing::error!(organisation, "the clock is behind the newest accepted code; codes are refused");
        return Ok(Err(Error::ClockBehind));
    }
    // A set-up is void from the end of its tenth minute on; what is proven does not age.
    let after = match state {
        "pending" => i64::try_from(caller.now_ms.saturating_sub(SET_UP_MS)).unwrap_or(i64::MAX),
        _ => -1,
    };
    let counted = tx.query_one(
        COUNT_CODE,
        &[
            organisation.into(),
            member.into(),
            state.into(),
            caller.rules.code_max_tries.into(),
            caller.now_ms.into(),
            after.into(),
        ],
    )?;
    let Some(factor) = counted else { return refuse_uncounted(tx, caller, state) };
    let Some(verdict) = evaluate(&factor, caller, portal, code)? else { return Ok(Err(Error::Internal)) };
    let id = factor.text(0)?;
    let key = [organisation.into(), member.into(), id.into()];
    if let Verdict::Accepted { step } = verdict {
        let [o, m, i] = key.clone();
        let take = if state == "pending" { PROVE_PENDING } else { ACCEPT_STEP };
        if tx.exec(take, &[o, m, i, step.into()])? == 1 {
            let mark = caller.now_ms.saturating_sub(CLOCK_MARK_EVERY_MS);
            tx.exec(MOVE_CLOCK_MARK, &[organisation.into(), caller.now_ms.into(), mark.into()])?;
            return Ok(Ok(Proven { factor: id.to_owned(), step }));
        }
    }
    let action = if matches!(verdict, Verdict::Wrong) { "code.refused" } else { "code.replayed" };
    audit::record(tx, organisation, &Event::by(caller, action, member, json!({})))?;
    let fails = u32::try_from(factor.int(3)?).unwrap_or(u32::MAX);
    if fails >= caller.rules.code_max_tries && state == "active" {
        tx.exec(DISABLE_FACTOR, &key)?;
        places::note(tx, organisation, member)?;
        audit::record(tx, organisation, &Event::by(caller, "two_step.disabled", member, json!({ "failures": fails })))?;
        outbox::put(tx, &Message::by(caller, member, Kind::CodeLimit))?;
        return Ok(Err(Error::CodeDisabled));
    }
    let wait_ms = wait_after_failures(fails);
    if wait_ms > 0 {
        let [o, m, i] = key;
        tx.exec(DELAY_FACTOR, &[o, m, i, (caller.now_ms + wait_ms).into()])?;
    }
    Ok(Err(Error::CodeRefused))
}

/// The proven secret becomes the authenticator, unless something happened while the codes were hashed.
fn activate(tx: &mut Tx<'_>, caller: &Caller, proven: &Proven, set: &NewSet) -> Outcome<Confirmed> {
    let (organisation, member) = (&caller.organisation, &caller.member);
    let Proven { factor, step } = proven;
    // Asked again: the secret may be older than the rule.
    if let Err(refused) = first_factor::admit(tx, caller)? {
        return Ok(Err(refused));
    }
    let values = [organisation.into(), member.into(), factor.into(), (*step).into(), caller.now_ms.into()];
    if tx.exec(CLAIM_PENDING, &values)? == 0 {
        return Ok(Err(Error::SetUpExpired));
    }
    if caller.step_now(tx)? != caller.step {
        return Ok(Err(Error::StepRequired));
    }
    let action = match (caller.is_recovering(), replaces(caller)) {
        (true, _) => "two_step.recovered",
        (false, true) => "two_step.renewed",
        (false, false) => "two_step.set_up",
    };
    if caller.is_recovering() && !recovery::end_recovering(tx, caller)? {
        return Ok(Err(Error::SessionEnded));
    }
    if replaces(caller) {
        tx.exec(DELETE_PROVEN_FACTOR, &[organisation.into(), member.into()])?;
    }
    tx.exec(ACTIVATE_FACTOR, &[organisation.into(), member.into(), factor.into()])?;
    first_factor::forget(tx, organisation, member)?;
    places::note(tx, organisation, member)?;
    recovery::issue(tx, caller, set)?;
    let accepted = accepted(tx, caller, action)?;
    let kind = if replaces(caller) { Kind::Renewed } else { Kind::SetUp };
    outbox::put(tx, &Message::by(caller, member, kind))?;
    Ok(Ok(Confirmed { accepted, recovery_codes: set.to_texts() }))
}

fn accepted(tx: &mut Tx<'_>, caller: &Caller, action: &'static str) -> Result<Accepted, StoreError> {
    sessions::raise(tx, caller)?;
    let detail = json!({ "surface": caller.surface });
    audit::record(tx, &caller.organisation, &Event::by(caller, action, &caller.member, detail))?;
    let step = StepAnswer { step: caller.step_now(tx)?, required_from_ms: caller.required_from_ms() };
    let token = if caller.surface == Surface::Web { Some(sessions::rotate(tx, caller)?) } else { None };
    Ok(Accepted { step, token })
}

/// Why nothing was counted: waiting, disabled, or no such authenticator.
fn refuse_uncounted(tx: &mut Tx<'_>, caller: &Caller, state: &str) -> Outcome<Proven> {
    let [organisation, member] = [&caller.organisation, &caller.member];
    let found = tx.query_one(FIND_FACTOR, &[organisation.into(), member.into(), state.into()])?;
    let error = match found {
        None if state == "pending" => Error::SetUpExpired,
        // Asked here and not of the caller: another request may have disabled it since the guard looked.
        None => match tx.query_one(FIND_FACTOR, &[organisation.into(), member.into(), "disabled".into()])? {
            Some(_) => Error::CodeDisabled,
            None => Error::StepRequired,
        },
        Some(row) => {
            let wait_until_ms = row.unsigned(2)?;
            if wait_until_ms > caller.now_ms {
                Error::CodeWait { retry_after_ms: wait_until_ms - caller.now_ms }
            } else if state == "pending" {
                Error::SetUpExpired
            } else {
                Error::CodeDisabled
            }
        }
    };
    Ok(Err(error))
}

/// `None` if the seed cannot be opened: a fault of ours, logged, and the try stays counted.
fn evaluate(
    factor: &Row,
    caller: &Caller,
    portal: &PortalState,
    code: &CodeInput,
) -> Result<Option<Verdict>, StoreError> {
    let place = associated_data(&caller.organisation, &caller.member, factor.text(0)?);
    let last_step = u64::try_from(factor.int(4)?).ok().filter(|step| *step > 0);
    let verdict = portal
        .key_wrap
        .open(factor.int(2)?, factor.blob(1)?, &place)
        .and_then(|seed| CodeKey::from_secret(&seed, Parameters::default()))
        .and_then(|key| key.verify(code, caller.now_ms, last_step));
    Ok(verdict.inspect_err(|error| tracing::error!(%error, "a code could not be checked")).ok())
}

fn is_clock_behind(tx: &mut Tx<'_>, organisation: &str, now_ms: u64) -> Result<bool, StoreError> {
    let row = tx.query_one(FIND_CLOCK_MARK, &[organisation.into()])?;
    // No mark to compare with is no reason to trust the clock.
    let Some(row) = row else { return Ok(true) };
    Ok(now_ms.saturating_add(CLOCK_TOLERANCE_MS) < row.unsigned(0)?)
}

/// Sets every mark that lies in the future back to now, and with it the last steps. Returns the organisations.
pub fn repair_clock(tx: &mut Tx<'_>, now_ms: u64, reason: &str) -> Result<Vec<String>, StoreError> {
    let rows = tx.query(REPAIR_CLOCK_MARK, &[now_ms.into()])?;
    let mut repaired = Vec::new();
    for row in rows {
        let organisation = row.text(0)?.to_owned();
        tx.exec(REPAIR_LAST_STEPS, &[(&organisation).into(), (now_ms / 30_000).into()])?;
        let event = Event::by_operator(now_ms, "clock.repaired", &organisation, json!({ "reason": reason }));
        audit::record(tx, &organisation, &event)?;
        repaired.push(organisation);
    }
    Ok(repaired)
}

/// Ties a sealed seed to its row and its parameters, so that rows cannot be swapped.
fn associated_data(organisation: &str, member: &str, factor: &str) -> Vec<u8> {
    format!("twinlock/factor/v1\0{organisation}\0{member}\0{factor}\0SHA1\x006\x0030").into_bytes()
}

/// Begins the set-up of two-step authentication; a set-up begun before is void.
#[utoipa::path(post, path = "/v1/two-step/set-up", responses((status = 200, body = TwoStepSetUp)))]
async fn post_set_up(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<axum::Json<TwoStepSetUp>, Refusal> {
    Ok(axum::Json(begin(&portal, &caller).await?))
}

/// Confirms the set-up with its first code, and issues recovery codes.
#[utoipa::path(post, path = "/v1/two-step/confirm", request_body = CodeEntry,
    responses((status = 200, body = TwoStepConfirmed), (status = 422, body = twinlock_core::wire::Problem)))]
async fn post_confirm(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Json(entry): Json<CodeEntry>,
) -> Result<(CookieJar, axum::Json<TwoStepConfirmed>), Refusal> {
    Ok(confirm(&portal, &caller, &entry.code).await?.into_answer())
}

/// Checks a code.
#[utoipa::path(post, path = "/v1/two-step/verify", request_body = CodeEntry,
    responses((status = 200, body = StepAnswer), (status = 422, body = twinlock_core::wire::Problem)))]
async fn post_verify(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Json(entry): Json<CodeEntry>,
) -> Result<(CookieJar, axum::Json<StepAnswer>), Refusal> {
    let accepted = verify(&portal, &caller, &entry.code).await?;
    Ok((sessions::cookies(accepted.token.as_ref()), axum::Json(accepted.step)))
}
