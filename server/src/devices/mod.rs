//! Devices: the list, the decision on a pending one, revocation, and a device's question about its own state.

pub mod list;
pub mod streams;
pub(crate) mod waiting_mail;

use crate::access::{Access, Api};
use crate::act::Outcome;
use crate::audit::{self, Event};
use crate::caller::Caller;
use crate::extract::Json;
use crate::mail::outbox::{self, Kind, Message};
use crate::pins;
use crate::portal::Portal;
use crate::problem::Refusal;
use crate::sessions::surface_name;
use crate::store::{Row, StoreError, Tx};
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;
use twinlock_core::Error;
use twinlock_core::enrollment::{DeviceFacts, Transcript};
use twinlock_core::policy::DeviceState;
use twinlock_core::ports::{KeyLevel, KeyPlace};
use twinlock_core::wire::{Problem, StepAnswer};
use uuid::Uuid;

crate::statements! {
    COUNT_PENDING = "SELECT CAST(count(*) AS BIGINT) FROM device
        WHERE organisation = $1 AND member = $2 AND state = 'pending' AND expires_ms > $3";
    FIND_ANY_DEVICE = "SELECT CASE WHEN EXISTS (SELECT 1 FROM device WHERE organisation = $1 AND member = $2
        AND state = 'approved') THEN 1 ELSE 0 END";
    INSERT_DEVICE = "INSERT INTO device (organisation, id, member, state, spki, facts, name, opening, first_nonce,
            second_nonce, wrong_codes, address, created_ms, expires_ms, decided_ms, decided_by, finish_until_ms, code_at_ms,
            policy_key, surface)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, $11, $12, $13, $14, '', $15, $16, $17, $18)";
    REFRESH_DEVICE = "UPDATE device SET facts = $4, name = $5, opening = $6, first_nonce = $7, second_nonce = $8,
            address = $9, created_ms = $10, expires_ms = $11, code_at_ms = $12, policy_key = $13
        WHERE organisation = $1 AND member = $2 AND spki = $3 AND state = 'pending' AND surface = $14
        RETURNING id";
    LIST_DEVICES = "SELECT d.id, d.member, m.name, d.state, d.name, d.facts, d.address, d.created_ms, d.expires_ms,
            d.decided_ms, COALESCE(p.state, 'none'), d.surface
        FROM device d
        JOIN member m ON m.organisation = d.organisation AND m.id = d.member
        LEFT JOIN pin p ON p.organisation = d.organisation AND p.device = d.id
        WHERE d.organisation = $1 AND ($2 = '' OR d.member = $2) AND ($3 = '' OR d.id = $3)
        ORDER BY CASE d.state WHEN 'pending' THEN 0 ELSE 1 END, d.created_ms DESC, d.id LIMIT 500";
    RENAME_DEVICE = "UPDATE device SET name = $3 WHERE organisation = $1 AND id = $2 AND name <> $3";
    FIND_DEVICE_NAME = "SELECT name FROM device WHERE organisation = $1 AND id = $2";
    FIND_TRANSCRIPT = "SELECT d.member, d.spki, d.opening, d.first_nonce, d.second_nonce, d.facts,
            COALESCE(d.policy_key, o.policy_public), d.name,
            d.state, d.expires_ms, m.state
        FROM device d
        JOIN organisation o ON o.id = d.organisation
        JOIN member m ON m.organisation = d.organisation AND m.id = d.member
        WHERE d.organisation = $1 AND d.id = $2";
    FIND_OWNER = "SELECT member FROM device WHERE organisation = $1 AND id = $2";
    COUNT_COMPARISON = "UPDATE device SET wrong_codes = wrong_codes + 1
        WHERE organisation = $1 AND id = $2 AND state = 'pending' AND expires_ms > $3 AND wrong_codes < $4
        RETURNING wrong_codes";
    APPROVE_DEVICE = "UPDATE device SET state = 'approved', decided_ms = $3, decided_by = $4, finish_until_ms = $5
        WHERE organisation = $1 AND id = $2 AND state = 'pending'";
    DENY_DEVICE = "UPDATE device SET state = 'denied', decided_ms = $3, decided_by = $4
        WHERE organisation = $1 AND id = $2 AND state = 'pending'";
    DENY_DEVICES_OF_MEMBER = "UPDATE device SET state = 'denied', decided_ms = $3, decided_by = $4
        WHERE organisation = $1 AND member = $2 AND state = 'pending' RETURNING id";
    REVOKE_DEVICES_OF_MEMBER = "UPDATE device SET state = 'revoked', decided_ms = $3, decided_by = $4
        WHERE organisation = $1 AND member = $2 AND state = 'approved' RETURNING id";
    FORGET_ENROLLMENTS = "DELETE FROM enrollment WHERE organisation = $1 AND member = $2";
    REVOKE_DEVICE = "UPDATE device SET state = 'revoked', decided_ms = $3, decided_by = $4
        WHERE organisation = $1 AND id = $2 AND state = 'approved'";
}

const MAX_PENDING: i64 = 3;
const MAX_WRONG_CODES: i64 = 3;
/// How long a device waits for approval.
pub const PENDING_MS: u64 = 7 * 86_400_000;
const FINISH_MS: u64 = 86_400_000;

/// A device as an admin sees it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct DeviceView {
    /// The device's id.
    pub id: String,
    /// The member's id.
    pub member: String,
    /// The member's name.
    pub member_name: String,
    /// `pending`, `expired`, `approved`, `denied` or `revoked`.
    pub state: &'static str,
    /// What the device calls itself.
    pub name: String,
    /// Manufacturer and model.
    pub model: String,
    /// System and version.
    pub system: String,
    /// Version of the app.
    pub app_version: String,
    /// `phone` or `desktop`.
    pub surface: String,
    /// How hard its key is held.
    pub key_level: KeyLevel,
    /// Where a desktop keeps a key that is held in software; `None` on a phone.
    pub key_place: Option<KeyPlace>,
    /// The address it asked from.
    pub address: String,
    /// When it asked, epoch milliseconds.
    pub created_ms: u64,
    /// Until when it waits, or would have, epoch milliseconds.
    pub expires_ms: u64,
    /// When it was decided on, or 0.
    pub decided_ms: u64,
    /// `none`, `set` or `erased`.
    pub pin: String,
}

/// All devices.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct DeviceList {
    /// Pending ones first, then the newest; at most 500.
    pub devices: Vec<DeviceView>,
}

/// The comparison code as the admin typed it.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// Eight digits, as the member reads them from the device.
    comparison_code: String,
}

/// This resource's routes.
pub fn routes(api: Api) -> Api {
    api.route(Access::Device, utoipa_axum::routes!(get_own_state))
        .route(Access::Admin, utoipa_axum::routes!(get_devices))
        .route(Access::Admin, utoipa_axum::routes!(post_approval))
        .route(Access::Admin, utoipa_axum::routes!(post_denial))
        .route(Access::Admin, utoipa_axum::routes!(post_revocation))
}

/// True if the member has an approved device.
pub fn has_any(tx: &mut Tx<'_>, organisation: &str, member: &str) -> Result<bool, StoreError> {
    let row = tx.query_one(FIND_ANY_DEVICE, &[organisation.into(), member.into()])?;
    row.map_or(Ok(false), |row| Ok(row.int(0)? == 1))
}

/// Writes down a device that has revealed its key; [`Error::TooManyPending`].
pub fn insert(
    tx: &mut Tx<'_>,
    caller: &Caller,
    transcript: &Transcript<'_>,
    facts: &DeviceFacts,
    state: DeviceState,
) -> Outcome<String> {
    let (organisation, now_ms) = (&caller.organisation, caller.now_ms);
    if state == DeviceState::Pending
        && let Some(id) = refresh(tx, caller, transcript, facts)?
    {
        return Ok(Ok(id));
    }
    let pending = tx.query_one(COUNT_PENDING, &[organisation.into(), (&caller.member).into(), now_ms.into()])?;
    if pending.map_or(Ok(MAX_PENDING), |row| row.int(0))? >= MAX_PENDING {
        return Ok(Err(Error::TooManyPending));
    }
    let id = Uuid::now_v7().simple().to_string();
    let is_approved = state == DeviceState::Approved;
    let code_at_ms = caller.code_at_ms();
    tx.exec(
        INSERT_DEVICE,
        &[
            organisation.into(),
            (&id).into(),
            (&caller.member).into(),
            if is_approved { "approved" } else { "pending" }.into(),
            transcript.spki.into(),
            transcript.facts.into(),
            (&facts.name).into(),
            transcript.opening.into(),
            transcript.first_nonce.into(),
            transcript.second_nonce.into(),
            (&caller.origin.address).into(),
            now_ms.into(),
            (now_ms + PENDING_MS).into(),
            if is_approved { now_ms } else { 0 }.into(),
            if is_approved { now_ms + FINISH_MS } else { 0 }.into(),
            code_at_ms.into(),
            transcript.policy_key.into(),
            surface_name(caller.surface).into(),
        ],
    )?;
    let mut detail = detail(caller, facts);
    if let Some(fields) = detail.as_object_mut() {
        fields.insert("approved".to_owned(), is_approved.into());
    }
    audit::record(tx, organisation, &Event::by(caller, "device.enrolled", &id, detail))?;
    let kind = if is_approved { Kind::DeviceEnrolled } else { Kind::DeviceAsked };
    outbox::put(tx, &Message::by(caller, &caller.member, kind).with("device", facts.name.as_str()))?;
    if !is_approved {
        waiting_mail::put(tx, caller, &facts.name)?;
    }
    Ok(Ok(id))
}

/// A device that asks again while it waits keeps its place, and its wrong comparison codes stay counted.
fn refresh(
    tx: &mut Tx<'_>,
    caller: &Caller,
    transcript: &Transcript<'_>,
    facts: &DeviceFacts,
) -> Result<Option<String>, StoreError> {
    let (organisation, now_ms) = (&caller.organisation, caller.now_ms);
    let values = [
        organisation.into(),
        (&caller.member).into(),
        transcript.spki.into(),
        transcript.facts.into(),
        (&facts.name).into(),
        transcript.opening.into(),
        transcript.first_nonce.into(),
        transcript.second_nonce.into(),
        (&caller.origin.address).into(),
        now_ms.into(),
        (now_ms + PENDING_MS).into(),
        caller.code_at_ms().into(),
        transcript.policy_key.into(),
        surface_name(caller.surface).into(),
    ];
    let Some(row) = tx.query_one(REFRESH_DEVICE, &values)? else { return Ok(None) };
    let id = row.text(0)?.to_owned();
    audit::record(tx, organisation, &Event::by(caller, "device.asked_again", &id, detail(caller, facts)))?;
    Ok(Some(id))
}

/// What the audit log says of a device that asks.
fn detail(caller: &Caller, facts: &DeviceFacts) -> serde_json::Value {
    let DeviceFacts { name, model, key_level, key_place, .. } = facts;
    json!({ "name": name, "model": model, "surface": caller.surface, "key_level": key_level, "key_place": key_place })
}

/// The devices of the organisation, of one `member`, or the one with this `id`; empty for no filter.
pub fn list(
    tx: &mut Tx<'_>,
    organisation: &str,
    member: &str,
    id: &str,
    now_ms: u64,
) -> Result<Vec<DeviceView>, StoreError> {
    let rows = tx.query(LIST_DEVICES, &[organisation.into(), member.into(), id.into()])?;
    rows.iter().map(|row| read_view(row, now_ms)).collect()
}

/// Gives a device another name for people; 1–64 characters without control characters, or [`Error::BadRequest`].
pub fn rename(tx: &mut Tx<'_>, caller: &Caller, device: &str, name: &str) -> Outcome<()> {
    let organisation = &caller.organisation;
    let name = name.trim();
    if !(1..=64).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        return Ok(Err(Error::BadRequest));
    }
    let Some(before) = tx.query_one(FIND_DEVICE_NAME, &[organisation.into(), device.into()])? else {
        return Ok(Err(Error::NotFound));
    };
    if tx.exec(RENAME_DEVICE, &[organisation.into(), device.into(), name.into()])? == 1 {
        let detail = json!({ "before": before.text(0)?, "after": name });
        audit::record(tx, organisation, &Event::by(caller, "device.renamed", device, detail))?;
    }
    Ok(Ok(()))
}

/// Approves a pending device whose comparison code the admin typed. Three wrong entries end the request.
pub fn approve(tx: &mut Tx<'_>, caller: &Caller, device: &str, typed: &str) -> Outcome<()> {
    let (organisation, now_ms) = (&caller.organisation, caller.now_ms);
    if caller.rules.two_person && is_of(tx, organisation, device, &caller.member)? {
        return Ok(Err(Error::SecondAdminRequired));
    }
    // Counted before it is compared.
    let counted =
        tx.query_one(COUNT_COMPARISON, &[organisation.into(), device.into(), now_ms.into(), MAX_WRONG_CODES.into()])?;
    let found = tx.query_one(FIND_TRANSCRIPT, &[organisation.into(), device.into()])?;
    let Some(row) = found else { return Ok(Err(Error::NotFound)) };
    let Some(counted) = counted else { return Ok(Err(Error::AlreadyDecided)) };
    let transcript = Transcript {
        organisation,
        policy_key: row.blob(6)?,
        member: row.text(0)?,
        spki: row.blob(1)?,
        opening: row.blob(2)?,
        first_nonce: row.blob(3)?,
        second_nonce: row.blob(4)?,
        facts: row.text(5)?,
    };
    if row.text(10)? != "active" {
        return Ok(Err(Error::EnrollmentClosed));
    }
    let is_right = transcript.comparison_code().is_ok_and(|code| code.matches(typed));
    let decided = [organisation.into(), device.into(), now_ms.into(), (&caller.member).into()];
    if is_right {
        let [o, d, n, m] = decided;
        tx.exec(APPROVE_DEVICE, &[o, d, n, m, (now_ms + FINISH_MS).into()])?;
        audit::record(
            tx,
            organisation,
            &Event::by(caller, "device.approved", device, json!({ "name": row.text(7)? })),
        )?;
        let message = Message::by(caller, row.text(0)?, Kind::DeviceApproved).with("device", row.text(7)?);
        outbox::put(tx, &message)?;
        return Ok(Ok(()));
    }
    audit::record(tx, organisation, &Event::by(caller, "device.comparison_refused", device, json!({})))?;
    if counted.int(0)? >= MAX_WRONG_CODES {
        tx.exec(DENY_DEVICE, &decided)?;
        let detail = json!({ "reason": "three wrong comparison codes" });
        audit::record(tx, organisation, &Event::by(caller, "device.denied", device, detail))?;
    }
    Ok(Err(Error::ComparisonRefused))
}

fn is_of(tx: &mut Tx<'_>, organisation: &str, device: &str, member: &str) -> Result<bool, StoreError> {
    let row = tx.query_one(FIND_OWNER, &[organisation.into(), device.into()])?;
    row.map_or(Ok(false), |row| Ok(row.text(0)? == member))
}

/// A reason as it goes into the log: `None` if it is longer than 1,000 characters.
fn detail_of(reason: &str) -> Option<serde_json::Value> {
    let reason = reason.trim();
    let is_short = reason.chars().count() <= 1_000;
    is_short.then(|| if reason.is_empty() { json!({}) } else { json!({ "reason": reason }) })
}

/// Denies a pending device. The reason may be empty; at most 1,000 characters, or [`Error::BadRequest`].
pub fn deny(tx: &mut Tx<'_>, caller: &Caller, device: &str, reason: &str) -> Outcome<()> {
    let Some(detail) = detail_of(reason) else { return Ok(Err(Error::BadRequest)) };
    let decided = [(&caller.organisation).into(), device.into(), caller.now_ms.into(), (&caller.member).into()];
    if tx.exec(DENY_DEVICE, &decided)? == 0 {
        return Ok(Err(Error::AlreadyDecided));
    }
    audit::record(tx, &caller.organisation, &Event::by(caller, "device.denied", device, detail))?;
    Ok(Ok(()))
}

/// Ends every request of a member that still waits: what it was made on does not hold any more.
pub fn deny_all_of(tx: &mut Tx<'_>, caller: &Caller, member: &str, reason: &str) -> Result<(), StoreError> {
    let organisation = &caller.organisation;
    let values = [organisation.into(), member.into(), caller.now_ms.into(), (&caller.member).into()];
    for row in tx.query(DENY_DEVICES_OF_MEMBER, &values)? {
        let event = Event::by(caller, "device.denied", row.text(0)?, json!({ "reason": reason }));
        audit::record(tx, organisation, &event)?;
    }
    Ok(())
}

/// Revokes every device of a member, denies what waits, and ends enrollments under way; says how many there were.
pub fn revoke_all_of(tx: &mut Tx<'_>, caller: &Caller, member: &str, reason: &str) -> Result<usize, StoreError> {
    let organisation = &caller.organisation;
    deny_all_of(tx, caller, member, reason)?;
    tx.exec(FORGET_ENROLLMENTS, &[organisation.into(), member.into()])?;
    let values = [organisation.into(), member.into(), caller.now_ms.into(), (&caller.member).into()];
    let revoked = tx.query(REVOKE_DEVICES_OF_MEMBER, &values)?;
    for row in &revoked {
        let device = row.text(0)?;
        pins::erase(tx, organisation, device)?;
        audit::record(tx, organisation, &Event::by(caller, "device.revoked", device, json!({ "reason": reason })))?;
    }
    Ok(revoked.len())
}

/// Revokes an approved device: its next request is refused, and its PIN opens nothing any more. The reason may be empty; at
/// most 1,000 characters, or [`Error::BadRequest`].
pub fn revoke(tx: &mut Tx<'_>, caller: &Caller, device: &str, reason: &str) -> Outcome<()> {
    let Some(detail) = detail_of(reason) else { return Ok(Err(Error::BadRequest)) };
    let organisation = &caller.organisation;
    let decided = [organisation.into(), device.into(), caller.now_ms.into(), (&caller.member).into()];
    if tx.exec(REVOKE_DEVICE, &decided)? == 0 {
        return Ok(Err(Error::AlreadyDecided));
    }
    pins::erase(tx, organisation, device)?;
    audit::record(tx, organisation, &Event::by(caller, "device.revoked", device, detail))?;
    outbox::put_about_device(tx, organisation, device, |member| Message::by(caller, member, Kind::DeviceRevoked))?;
    Ok(Ok(()))
}

/// Reads a row of any list of devices.
pub fn read_view(row: &Row, now_ms: u64) -> Result<DeviceView, StoreError> {
    let facts = DeviceFacts::parse(row.text(5)?).ok();
    let state = match row.text(3)? {
        "pending" if row.unsigned(8)? <= now_ms => "expired",
        "pending" => "pending",
        "approved" => "approved",
        "denied" => "denied",
        _ => "revoked",
    };
    Ok(DeviceView {
        id: row.text(0)?.to_owned(),
        member: row.text(1)?.to_owned(),
        member_name: row.text(2)?.to_owned(),
        state,
        name: row.text(4)?.to_owned(),
        model: facts.as_ref().map(|facts| facts.model.clone()).unwrap_or_default(),
        system: facts.as_ref().map(|facts| facts.system.clone()).unwrap_or_default(),
        app_version: facts.as_ref().map(|facts| facts.app_version.clone()).unwrap_or_default(),
        key_place: facts.as_ref().and_then(|facts| facts.key_place),
        key_level: facts.map_or(KeyLevel::Software, |facts| facts.key_level),
        surface: row.text(11)?.to_owned(),
        address: row.text(6)?.to_owned(),
        created_ms: row.unsigned(7)?,
        expires_ms: row.unsigned(8)?,
        decided_ms: row.unsigned(9)?,
        pin: row.text(10)?.to_owned(),
    })
}

/// A device asks for its own state. Denied and expired look the same to it.
#[utoipa::path(get, path = "/v1/devices/self", responses((status = 200, body = StepAnswer)))]
async fn get_own_state(Extension(caller): Extension<Arc<Caller>>) -> axum::Json<StepAnswer> {
    axum::Json(StepAnswer { step: caller.step.clone(), required_from_ms: caller.required_from_ms() })
}

/// Lists devices, pending ones first.
#[utoipa::path(get, path = "/v1/admin/devices", responses((status = 200, body = DeviceList)))]
async fn get_devices(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<axum::Json<DeviceList>, Refusal> {
    let devices = portal.store.read(move |tx| list(tx, &caller.organisation, "", "", caller.now_ms)).await?;
    Ok(axum::Json(DeviceList { devices }))
}

/// Approves a pending device.
#[utoipa::path(post, path = "/v1/admin/devices/{device}/approve", request_body = Approval,
    params(("device" = String, Path)),
    responses((status = 204), (status = 422, body = Problem), (status = 409, body = Problem)))]
async fn post_approval(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(device): Path<String>,
    Json(approval): Json<Approval>,
) -> Result<StatusCode, Refusal> {
    caller.require_fresh_code()?;
    portal.act(&caller, move |tx, caller| approve(tx, caller, &device, &approval.comparison_code)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Denies a pending device.
#[utoipa::path(post, path = "/v1/admin/devices/{device}/deny", params(("device" = String, Path)),
    responses((status = 204), (status = 409, body = Problem)))]
async fn post_denial(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(device): Path<String>,
) -> Result<StatusCode, Refusal> {
    portal.act(&caller, move |tx, caller| deny(tx, caller, &device, "")).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Revokes an approved device.
#[utoipa::path(post, path = "/v1/admin/devices/{device}/revoke", params(("device" = String, Path)),
    responses((status = 204), (status = 409, body = Problem)))]
async fn post_revocation(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(device): Path<String>,
) -> Result<StatusCode, Refusal> {
    portal.act(&caller, move |tx, caller| revoke(tx, caller, &device, "")).await?;
    Ok(StatusCode::NO_CONTENT)
}
