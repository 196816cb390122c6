//! Two-step authentication: set-up, confirmation, and the check of a code.
//!
//! Each check counts before it evaluates, in one transaction, per member and authenticator, never per session; an
//! accepted step moves the last step forward by one conditional UPDATE, so that a code works once.

use crate::access::{Access, Api};
use crate::act::Outcome;
use crate::audit::{self, Event};
use crate::caller::Caller;
use crate::extract::Json;
use crate::portal::{Portal, PortalState};
use crate::problem::Refusal;
use crate::sessions;
use crate::store::{Row, StoreError, Tx};
use axum::Extension;
use axum::extract::State;
use axum_extra::extract::cookie::CookieJar;
use serde_json::json;
use std::sync::Arc;
use twinlock_core::code::{
    CodeInput, CodeKey, Digits, OneTimeCode, Parameters, SET_UP_MS, Verdict, wait_after_failures,
};
use twinlock_core::policy::Surface;
use twinlock_core::secret::SecretText;
use twinlock_core::wire::{CodeEntry, StepAnswer, TwoStepSetUp};
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
    CONFIRM_FACTOR = "UPDATE factor SET state = 'active', last_step = $4, fails = 0, wait_until_ms = 0, confirmed_ms = $5
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

/// Why a set-up is refused: renewing an authenticator is another act.
pub const ALREADY_SET_UP: &str = "Two-step authentication is set up already.";
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
    let secret = OneTimeCode::generate(&portal.random, label.text(0)?, label.text(1)?)?;
    let id = Uuid::now_v7().simple().to_string();
    let place = associated_data(&caller.organisation, &caller.member, &id);
    let (version, sealed) = portal.key_wrap.seal(secret.secret().expose(), &place)?;
    let created = portal.act(caller, move |tx, caller| {
        let (organisation, member) = (&caller.organisation, &caller.member);
        tx.exec(DELETE_PENDING_FACTOR, &[organisation.into(), member.into()])?;
        // Another tab or device may have finished since the guard looked.
        if tx.query_one(FIND_PROVEN_FACTOR, &[organisation.into(), member.into()])?.is_some() {
            return Ok(Err(Error::StepRequired));
        }
        let values =
            [organisation.into(), member.into(), (&id).into(), sealed.into(), version.into(), caller.now_ms.into()];
        tx.exec(INSERT_FACTOR, &values)?;
        audit::record(tx, organisation, &Event::by(caller, "two_step.set_up_started", member, json!({})))?;
        Ok(Ok(()))
    });
    created.await.map_err(|refused| match refused.code() {
        ErrorCode::StepRequired => refused.with_detail(ALREADY_SET_UP),
        _ => refused,
    })?;
    Ok(TwoStepSetUp { uri: secret.to_uri(), key: secret.grouped_key(), expires_ms: caller.now_ms + SET_UP_MS })
}

/// Confirms the pending secret with its first code, which is this session's second factor and never accepted again.
pub async fn confirm(portal: &Portal, caller: &Arc<Caller>, code: &SecretText) -> Result<Accepted, Refusal> {
    check_code(portal, caller, code, "pending").await
}

/// Checks a code of the member's authenticator.
pub async fn verify(portal: &Portal, caller: &Arc<Caller>, code: &SecretText) -> Result<Accepted, Refusal> {
    check_code(portal, caller, code, "active").await
}

/// A code was accepted.
pub struct Accepted {
    /// The step that follows.
    pub step: StepAnswer,
    /// A browser's new token.
    pub token: Option<SecretText>,
}

async fn check_code(
    portal: &Portal,
    caller: &Arc<Caller>,
    code: &SecretText,
    state: &'static str,
) -> Result<Accepted, Refusal> {
    // What cannot be a code costs no try.
    let code = CodeInput::parse(code.expose(), Digits::Six)?;
    let keys = Arc::clone(portal);
    portal.act(caller, move |tx, caller| check_in_transaction(tx, caller, &keys, &code, state)).await
}

fn check_in_transaction(
    tx: &mut Tx<'_>,
    caller: &Caller,
    portal: &PortalState,
    code: &CodeInput,
    state: &'static str,
) -> Outcome<Accepted> {
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
    let is_accepted = match verdict {
        Verdict::Accepted { step } => {
            let [o, m, i] = key.clone();
            let changed = match state {
                "pending" => tx.exec(CONFIRM_FACTOR, &[o, m, i, step.into(), caller.now_ms.into()])?,
                _ => tx.exec(ACCEPT_STEP, &[o, m, i, step.into()])?,
            };
            changed == 1
        }
        _ => false,
    };
    if is_accepted {
        return accepted(tx, caller, state);
    }
    let action = if matches!(verdict, Verdict::Wrong) { "code.refused" } else { "code.replayed" };
    audit::record(tx, organisation, &Event::by(caller, action, member, json!({})))?;
    let fails = u32::try_from(factor.int(3)?).unwrap_or(u32::MAX);
    if fails >= caller.rules.code_max_tries && state == "active" {
        tx.exec(DISABLE_FACTOR, &key)?;
        audit::record(tx, organisation, &Event::by(caller, "two_step.disabled", member, json!({ "failures": fails })))?;
        return Ok(Err(Error::CodeDisabled));
    }
    let wait_ms = wait_after_failures(fails);
    if wait_ms > 0 {
        let [o, m, i] = key;
        tx.exec(DELAY_FACTOR, &[o, m, i, (caller.now_ms + wait_ms).into()])?;
    }
    Ok(Err(Error::CodeRefused))
}

fn accepted(tx: &mut Tx<'_>, caller: &Caller, state: &str) -> Outcome<Accepted> {
    let (organisation, member) = (&caller.organisation, &caller.member);
    sessions::raise(tx, caller)?;
    let mark = caller.now_ms.saturating_sub(CLOCK_MARK_EVERY_MS);
    tx.exec(MOVE_CLOCK_MARK, &[organisation.into(), caller.now_ms.into(), mark.into()])?;
    let action = if state == "pending" { "two_step.set_up" } else { "code.accepted" };
    audit::record(tx, organisation, &Event::by(caller, action, member, json!({ "surface": caller.surface })))?;
    let step = StepAnswer { step: caller.step_now(tx)?, required_from_ms: caller.required_from_ms() };
    let token = if caller.surface == Surface::Web { Some(sessions::rotate(tx, caller)?) } else { None };
    Ok(Ok(Accepted { step, token }))
}

/// Why nothing was counted: waiting, disabled, or no such authenticator.
fn refuse_uncounted(tx: &mut Tx<'_>, caller: &Caller, state: &str) -> Outcome<Accepted> {
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

/// Confirms the set-up with its first code.
#[utoipa::path(post, path = "/v1/two-step/confirm", request_body = CodeEntry,
    responses((status = 200, body = StepAnswer), (status = 422, body = twinlock_core::wire::Problem)))]
async fn post_confirm(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Json(entry): Json<CodeEntry>,
) -> Result<(CookieJar, axum::Json<StepAnswer>), Refusal> {
    Ok(answer(confirm(&portal, &caller, &entry.code).await?))
}

/// Checks a code.
#[utoipa::path(post, path = "/v1/two-step/verify", request_body = CodeEntry,
    responses((status = 200, body = StepAnswer), (status = 422, body = twinlock_core::wire::Problem)))]
async fn post_verify(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Json(entry): Json<CodeEntry>,
) -> Result<(CookieJar, axum::Json<StepAnswer>), Refusal> {
    Ok(answer(verify(&portal, &caller, &entry.code).await?))
}

/// A session that was just given a new token is lost to a browser that is not told.
fn answer(accepted: Accepted) -> (CookieJar, axum::Json<StepAnswer>) {
    let jar = accepted.token.iter().fold(CookieJar::new(), |jar, token| jar.add(sessions::cookie(token)));
    (jar, axum::Json(accepted.step))
}
