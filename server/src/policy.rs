//! The organisation's policy: reading it, and the switch *Require Two-Step Authentication*.
//!
//! One row says what holds; the next request of every session reads it. Saving writes no row per member.

use crate::access::{Access, Api};
use crate::act::Outcome;
use crate::audit::{self, Event};
use crate::caller::Caller;
use crate::extract::Json;
use crate::key_wrap::KeyWrap;
use crate::portal::{Portal, PortalState};
use crate::problem::Refusal;
use crate::store::{StoreError, Tx};
use axum::Extension;
use axum::extract::State;
use data_encoding::BASE64;
use ring::signature::Ed25519KeyPair;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;
use twinlock_core::policy::{DeviceApproval, PolicyDocument, Rules, Signed, Statement, sha256_hex};
use twinlock_core::wire::{PolicyPack, Problem};
use twinlock_core::{Error, Result};

crate::statements! {
    FIND_POLICY = "SELECT o.policy_key_sealed, o.policy_key_version, o.policy_version, o.policy_hash, o.rules, v.payload,
            v.signature
        FROM organisation o
        JOIN policy_version v ON v.organisation = o.id AND v.version = o.policy_version
        WHERE o.id = $1";
    REPLACE_POLICY = "UPDATE organisation SET policy_version = $3, policy_hash = $4, rules = $5
        WHERE id = $1 AND policy_version = $2";
    INSERT_POLICY_VERSION = "INSERT INTO policy_version (organisation, version, payload, signature, made_by, reason, made_ms)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
}

/// What is asked for when the policy is saved.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyChange {
    /// The version that the admin was looking at; another one in between is a conflict.
    pub version: u64,
    /// The wanted rules, all of them and no others.
    #[serde(deserialize_with = "KnownRules::deserialize")]
    pub requires: Rules,
    /// Why; required when two-step is switched off. At most 1,000 characters.
    #[serde(default)]
    pub reason: String,
}

/// Devices pass over rules that they do not know; whoever saves a policy has to hear that such a rule does nothing.
#[derive(Deserialize)]
#[serde(remote = "Rules", deny_unknown_fields)]
struct KnownRules {
    two_step: bool,
    pin_min_length: u8,
    pin_max_tries: u32,
    code_max_tries: u32,
    device_approval: DeviceApproval,
    idle_ms: u64,
    session_ms: u64,
    code_days: u32,
    min_app: String,
}

/// The policy as an admin sees it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct PolicyView {
    /// Its version.
    pub version: u64,
    /// What it demands.
    pub requires: Rules,
}

/// This resource's routes.
pub fn routes(api: Api) -> Api {
    api.route(Access::SignedIn, utoipa_axum::routes!(get_policy))
        .route(Access::Device, utoipa_axum::routes!(get_device_policy))
        .route(Access::Admin, utoipa_axum::routes!(get_admin_policy))
        .route(Access::Admin, utoipa_axum::routes!(put_admin_policy))
}

/// Where an organisation's policy key is sealed.
pub fn key_place(organisation: &str) -> Vec<u8> {
    format!("twinlock/policy-key/v1\0{organisation}").into_bytes()
}

/// Signs the first or the next document and says what to store: payload, signature, hash.
pub fn sign(document: &PolicyDocument, key: &Ed25519KeyPair) -> Result<(Signed, String)> {
    let signed = document.sign(key)?;
    let payload = BASE64.decode(signed.payload.as_bytes()).map_err(|_| Error::Internal)?;
    Ok((signed, sha256_hex(&payload)))
}

/// Opens the organisation's signing key.
pub fn open_key(wrap: &dyn KeyWrap, organisation: &str, version: i64, sealed: &[u8]) -> Result<Ed25519KeyPair> {
    let seed = wrap.open(version, sealed, &key_place(organisation))?;
    Ed25519KeyPair::from_seed_unchecked(seed.expose()).map_err(|_| Error::Internal)
}

/// The signed document and a statement, valid for a day, that it is the latest.
pub async fn pack(portal: &PortalState, organisation: String, now_ms: u64) -> std::result::Result<PolicyPack, Refusal> {
    let found = organisation.clone();
    let row = portal.store.read(move |tx| tx.query_one(FIND_POLICY, &[(&found).into()])).await?;
    let row = row.ok_or(Error::Internal)?;
    let key = open_key(portal.key_wrap.as_ref(), &organisation, row.int(1)?, row.blob(0)?)?;
    let statement = Statement {
        organisation,
        version: row.unsigned(2)?,
        hash: row.text(3)?.to_owned(),
        issued_ms: now_ms,
        expires_ms: now_ms + Statement::VALID_MS,
    };
    Ok(PolicyPack {
        document: Signed { payload: row.text(5)?.to_owned(), signature: row.text(6)?.to_owned() },
        statement: statement.sign(&key)?,
    })
}

/// The policy that holds now.
pub fn current(tx: &mut Tx<'_>, organisation: &str) -> std::result::Result<Option<PolicyView>, StoreError> {
    let Some(row) = tx.query_one(FIND_POLICY, &[organisation.into()])? else { return Ok(None) };
    let requires = serde_json::from_str(row.text(4)?).unwrap_or_else(|_| Rules::strict());
    Ok(Some(PolicyView { version: row.unsigned(2)?, requires }))
}

/// Replaces the policy. Saving the same again changes nothing; switching two-step off needs a reason and a fresh code.
pub fn change(tx: &mut Tx<'_>, caller: &Caller, wrap: &dyn KeyWrap, wanted: &PolicyChange) -> Outcome<PolicyView> {
    let organisation = &caller.organisation;
    let Some(row) = tx.query_one(FIND_POLICY, &[organisation.into()])? else { return Ok(Err(Error::Internal)) };
    let now: Rules = serde_json::from_str(row.text(4)?).unwrap_or_else(|_| Rules::strict());
    let version = row.unsigned(2)?;
    let reason = wanted.reason.trim();
    if !wanted.requires.are_in_range() || reason.chars().count() > 1_000 {
        return Ok(Err(Error::BadRequest));
    }
    if wanted.version != version {
        return Ok(Err(Error::PolicyConflict));
    }
    if wanted.requires == now {
        return Ok(Ok(PolicyView { version, requires: now }));
    }
    if now.two_step && !wanted.requires.two_step {
        if let Err(refused) = caller.require_fresh_code() {
            return Ok(Err(refused));
        }
        if reason.is_empty() {
            return Ok(Err(Error::ReasonRequired));
        }
    }
    let document = PolicyDocument {
        organisation: organisation.clone(),
        version: version + 1,
        issued_ms: caller.now_ms,
        not_before_ms: caller.now_ms,
        previous: row.text(3)?.to_owned(),
        requires: wanted.requires.clone(),
        critical: CRITICAL.iter().map(|name| (*name).to_owned()).collect(),
    };
    let signed = open_key(wrap, organisation, row.int(1)?, row.blob(0)?).and_then(|key| sign(&document, &key));
    let (signed, hash) = match signed {
        Ok(signed) => signed,
        Err(error) => return Ok(Err(error)),
    };
    let rules = serde_json::to_string(&wanted.requires).unwrap_or_default();
    let replaced = tx.exec(
        REPLACE_POLICY,
        &[organisation.into(), version.into(), document.version.into(), hash.into(), rules.into()],
    )?;
    if replaced == 0 {
        return Ok(Err(Error::PolicyConflict));
    }
    insert_version(tx, &document, &signed, &caller.member, reason)?;
    let action = match (now.two_step, wanted.requires.two_step) {
        (false, true) => "policy.two_step_required",
        (true, false) => "policy.two_step_not_required",
        _ => "policy.changed",
    };
    let detail = json!({ "version": document.version, "before": now, "after": wanted.requires, "reason": reason });
    audit::record(tx, organisation, &Event::by(caller, action, organisation, detail))?;
    Ok(Ok(PolicyView { version: document.version, requires: wanted.requires.clone() }))
}

/// Fields that a device has to know to obey a document at all.
pub const CRITICAL: [&str; 4] = ["two_step", "pin_min_length", "pin_max_tries", "device_approval"];

/// Keeps a signed document for ever.
pub fn insert_version(
    tx: &mut Tx<'_>,
    document: &PolicyDocument,
    signed: &Signed,
    made_by: &str,
    reason: &str,
) -> std::result::Result<(), StoreError> {
    tx.exec(
        INSERT_POLICY_VERSION,
        &[
            (&document.organisation).into(),
            document.version.into(),
            (&signed.payload).into(),
            (&signed.signature).into(),
            made_by.into(),
            reason.into(),
            document.issued_ms.into(),
        ],
    )?;
    Ok(())
}

/// The signed policy, for a session.
#[utoipa::path(get, path = "/v1/policy", responses((status = 200, body = PolicyPack)))]
async fn get_policy(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
) -> std::result::Result<axum::Json<PolicyPack>, Refusal> {
    Ok(axum::Json(pack(&portal, caller.organisation.clone(), caller.now_ms).await?))
}

/// The signed policy, for a device with its key.
#[utoipa::path(get, path = "/v1/devices/self/policy", responses((status = 200, body = PolicyPack)))]
async fn get_device_policy(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
) -> std::result::Result<axum::Json<PolicyPack>, Refusal> {
    Ok(axum::Json(pack(&portal, caller.organisation.clone(), caller.now_ms).await?))
}

/// The policy in force.
#[utoipa::path(get, path = "/v1/admin/policy", responses((status = 200, body = PolicyView)))]
async fn get_admin_policy(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
) -> std::result::Result<axum::Json<PolicyView>, Refusal> {
    let found = portal.store.read(move |tx| current(tx, &caller.organisation)).await?;
    Ok(axum::Json(found.ok_or(Error::Internal)?))
}

/// Replaces the policy; it holds from the next request of every session.
#[utoipa::path(put, path = "/v1/admin/policy", request_body = PolicyChange,
    responses((status = 200, body = PolicyView), (status = 409, body = Problem), (status = 403, body = Problem)))]
async fn put_admin_policy(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Json(wanted): Json<PolicyChange>,
) -> std::result::Result<axum::Json<PolicyView>, Refusal> {
    let wrap = Arc::clone(&portal.key_wrap);
    Ok(axum::Json(portal.act(&caller, move |tx, caller| change(tx, caller, wrap.as_ref(), &wanted)).await?))
}
