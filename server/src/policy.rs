//! The organisation's policy: reading it, and the switch *Require Two-Step Authentication*.
//!
//! One row says what holds; the next request of every session reads it. Saving writes no row per member.

use crate::access::{Access, Api};
use crate::act::Outcome;
use crate::audit::{self, Event};
use crate::caller::Caller;
use crate::compliance;
use crate::extract::Json;
use crate::key_wrap::KeyWrap;
use crate::portal::{Portal, PortalState};
use crate::problem::Refusal;
use crate::proposals::{self, Content, Proposed, Seconded};
use crate::store::{Row, StoreError, Tx};
use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use data_encoding::BASE64;
use ring::signature::Ed25519KeyPair;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;
use twinlock_core::policy::{DeviceApproval, FirstFactor, PolicyDocument, Rules, Signed, Statement, sha256_hex};
use twinlock_core::wire::{PolicyPack, Problem};
use twinlock_core::{Error, Result};

crate::statements! {
    FIND_POLICY = "SELECT o.policy_key_sealed, o.policy_key_version, o.policy_version, o.policy_hash, o.rules, v.payload,
            v.signature
        FROM organisation o
        JOIN policy_version v ON v.organisation = o.id AND v.version = o.policy_version
        WHERE o.id = $1";
    FIND_PACK = "SELECT o.policy_key_sealed, o.policy_key_version, o.policy_version, o.policy_hash, o.rules, v.payload,
            v.signature, COALESCE(x.until_ms, 0), o.required_ms, m.created_ms
        FROM organisation o
        JOIN policy_version v ON v.organisation = o.id AND v.version = o.policy_version
        JOIN member m ON m.organisation = o.id AND m.id = $2
        LEFT JOIN two_step_exception x ON x.organisation = m.organisation AND x.member = m.id
        WHERE o.id = $1";
    LIST_HANDOVERS = "SELECT payload, signature FROM policy_handover WHERE organisation = $1 ORDER BY number";
    REPLACE_POLICY = "UPDATE organisation SET policy_version = $3, policy_hash = $4, rules = $5
        WHERE id = $1 AND policy_version = $2 AND policy_key_sealed = $6";
    NOTE_REQUIRED = "UPDATE organisation SET required_ms = $2 WHERE id = $1 AND required_ms = 0";
    LIST_VERSIONS_FROM = "SELECT v.version, v.payload, COALESCE(m.name, ''), v.made_ms, v.reason
        FROM policy_version v
        LEFT JOIN member m ON m.organisation = v.organisation AND m.id = v.made_by
        WHERE v.organisation = $1 AND v.version >= $2 ORDER BY v.version LIMIT 50";
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
    /// Why; required when two-step is switched off, and where another admin has to confirm. At most 1,000 characters.
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
    grace_days: u32,
    two_person: bool,
    first_factor: FirstFactor,
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

/// From when two-step is demanded of a member, epoch milliseconds: the end of an exception or of the deadline, whichever is
/// later; 0 for neither. The deadline runs from when the rule first applied to the member, whatever happened since.
pub fn required_from_ms(rules: &Rules, exception_ms: u64, required_ms: u64, member_created_ms: u64) -> u64 {
    let deadline_ms = match rules.grace_days {
        0 => 0,
        days => required_ms.max(member_created_ms).saturating_add(u64::from(days) * DAY_MS),
    };
    exception_ms.max(deadline_ms)
}

const DAY_MS: u64 = 86_400_000;

/// The signed document and a statement to this member, valid for a day, that it is the latest.
pub async fn pack(
    portal: &PortalState,
    organisation: String,
    member: String,
    now_ms: u64,
) -> std::result::Result<PolicyPack, Refusal> {
    let (of, to) = (organisation.clone(), member.clone());
    let read = move |tx: &mut Tx<'_>| {
        let found = tx.query_one(FIND_PACK, &[(&of).into(), (&to).into()])?;
        Ok((found, tx.query(LIST_HANDOVERS, &[(&of).into()])?))
    };
    let (found, handovers) = portal.store.read(read).await?;
    let row = found.ok_or(Error::Internal)?;
    let key = open_key(portal.key_wrap.as_ref(), &organisation, row.int(1)?, row.blob(0)?)?;
    let rules: Rules = serde_json::from_str(row.text(4)?).unwrap_or_else(|_| Rules::strict());
    let statement = Statement {
        organisation,
        version: row.unsigned(2)?,
        hash: row.text(3)?.to_owned(),
        member,
        required_from_ms: required_from_ms(&rules, row.unsigned(7)?, row.unsigned(8)?, row.unsigned(9)?),
        issued_ms: now_ms,
        expires_ms: now_ms + Statement::VALID_MS,
    };
    let signed = |row: &Row, at| -> std::result::Result<Signed, StoreError> {
        Ok(Signed { payload: row.text(at)?.to_owned(), signature: row.text(at + 1)?.to_owned() })
    };
    Ok(PolicyPack {
        document: signed(&row, 5)?,
        statement: statement.sign(&key)?,
        handovers: handovers.iter().map(|row| signed(row, 0)).collect::<std::result::Result<_, _>>()?,
    })
}

/// The policy that holds now.
pub fn current(tx: &mut Tx<'_>, organisation: &str) -> std::result::Result<Option<PolicyView>, StoreError> {
    let Some(row) = tx.query_one(FIND_POLICY, &[organisation.into()])? else { return Ok(None) };
    let requires = serde_json::from_str(row.text(4)?).unwrap_or_else(|_| Rules::strict());
    Ok(Some(PolicyView { version: row.unsigned(2)?, requires }))
}

/// A policy of before, or the present one.
pub struct Version {
    /// Its version.
    pub version: u64,
    /// What it demanded.
    pub requires: Rules,
    /// The name of the admin who made it; empty for the operator.
    pub made_by_name: String,
    /// When, epoch milliseconds.
    pub made_ms: u64,
    /// Why; may be empty.
    pub reason: String,
}

/// The versions from `first` on, at most 50, the oldest first.
pub fn versions_from(tx: &mut Tx<'_>, organisation: &str, first: u64) -> std::result::Result<Vec<Version>, StoreError> {
    let read = |row: &Row| {
        let payload = BASE64.decode(row.text(1)?.as_bytes()).unwrap_or_default();
        let document = serde_json::from_slice::<PolicyDocument>(&payload);
        Ok(Version {
            version: row.unsigned(0)?,
            requires: document.map_or_else(|_| Rules::strict(), |document| document.requires),
            made_by_name: row.text(2)?.to_owned(),
            made_ms: row.unsigned(3)?,
            reason: row.text(4)?.to_owned(),
        })
    };
    tx.query(LIST_VERSIONS_FROM, &[organisation.into(), first.into()])?.iter().map(read).collect()
}

/// What became of a change.
pub enum Changed {
    /// It holds.
    Saved(PolicyView),
    /// Another admin has to confirm it first.
    Proposed(Proposed),
}

/// Replaces the policy. Saving the same again changes nothing; switching two-step off needs a reason and a fresh code, and
/// so does whatever weakens the policy where the two-person rule is on: there it becomes a proposal.
pub fn change(tx: &mut Tx<'_>, caller: &Caller, wrap: &dyn KeyWrap, wanted: &PolicyChange) -> Outcome<Changed> {
    let Some(row) = tx.query_one(FIND_POLICY, &[(&caller.organisation).into()])? else {
        return Ok(Err(Error::Internal));
    };
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
        return Ok(Ok(Changed::Saved(PolicyView { version, requires: now })));
    }
    let needs_second = now.two_person && wanted.requires.is_weaker_than(&now);
    if needs_second || (now.two_step && !wanted.requires.two_step) {
        if let Err(refused) = caller.require_fresh_code() {
            return Ok(Err(refused));
        }
        if reason.is_empty() {
            return Ok(Err(Error::ReasonRequired));
        }
    }
    // Who has no authenticator would wait for an admin, and may be the only one.
    if wanted.requires.first_factor == FirstFactor::Admin
        && now.first_factor != FirstFactor::Admin
        && let Err(refused) = caller.require_fresh_code()
    {
        return Ok(Err(refused));
    }
    let wanted = PolicyChange { reason: reason.to_owned(), ..wanted.clone() };
    if needs_second {
        return Ok(Ok(Changed::Proposed(proposals::make(tx, caller, &Content::Policy(wanted))?)));
    }
    Ok(apply(tx, caller, wrap, &wanted, (&row, &now), None)?.map(Changed::Saved))
}

/// What another admin confirmed takes effect, unless the policy was changed meanwhile.
pub fn apply_confirmed(
    tx: &mut Tx<'_>,
    caller: &Caller,
    wrap: &dyn KeyWrap,
    wanted: &PolicyChange,
    seconded: &Seconded,
) -> Outcome<()> {
    let Some(row) = tx.query_one(FIND_POLICY, &[(&caller.organisation).into()])? else {
        return Ok(Err(Error::Internal));
    };
    let now: Rules = serde_json::from_str(row.text(4)?).unwrap_or_else(|_| Rules::strict());
    if wanted.version != row.unsigned(2)? {
        return Ok(Err(Error::PolicyConflict));
    }
    Ok(apply(tx, caller, wrap, wanted, (&row, &now), Some(seconded))?.map(|_| ()))
}

/// Signs and stores the next document; `now` is the row and the rules that it replaces.
fn apply(
    tx: &mut Tx<'_>,
    caller: &Caller,
    wrap: &dyn KeyWrap,
    wanted: &PolicyChange,
    now: (&Row, &Rules),
    seconded: Option<&Seconded>,
) -> Outcome<PolicyView> {
    let (organisation, (row, now)) = (&caller.organisation, now);
    let document = PolicyDocument {
        organisation: organisation.clone(),
        version: wanted.version + 1,
        issued_ms: caller.now_ms,
        not_before_ms: caller.now_ms,
        previous: row.text(3)?.to_owned(),
        requires: wanted.requires.clone(),
        critical: CRITICAL.iter().map(|name| (*name).to_owned()).collect(),
    };
    let sealed = row.blob(0)?;
    let signed = open_key(wrap, organisation, row.int(1)?, sealed).and_then(|key| sign(&document, &key));
    let (signed, hash) = match signed {
        Ok(signed) => signed,
        Err(error) => return Ok(Err(error)),
    };
    let rules = serde_json::to_string(&wanted.requires).unwrap_or_default();
    let replaced = tx.exec(
        REPLACE_POLICY,
        &[
            organisation.into(),
            wanted.version.into(),
            document.version.into(),
            hash.into(),
            rules.into(),
            sealed.into(),
        ],
    )?;
    if replaced == 0 {
        return Ok(Err(Error::PolicyConflict));
    }
    if document.requires.two_step {
        tx.exec(NOTE_REQUIRED, &[organisation.into(), caller.now_ms.into()])?;
    }
    let made_by = seconded.map_or(&caller.member, |seconded| &seconded.made_by);
    insert_version(tx, &document, &signed, made_by, &wanted.reason)?;
    let action = match (now.two_step, wanted.requires.two_step) {
        (false, true) => "policy.two_step_required",
        (true, false) => "policy.two_step_not_required",
        _ => "policy.changed",
    };
    let detail = json!({ "version": document.version, "before": now, "after": wanted.requires, "reason": wanted.reason,
        "proposal": seconded });
    audit::record(tx, organisation, &Event::by(caller, action, organisation, detail))?;
    compliance::forget_today(tx, organisation, caller.now_ms)?;
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
    Ok(axum::Json(pack(&portal, caller.organisation.clone(), caller.member.clone(), caller.now_ms).await?))
}

/// The signed policy, for a device with its key.
#[utoipa::path(get, path = "/v1/devices/self/policy", responses((status = 200, body = PolicyPack)))]
async fn get_device_policy(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
) -> std::result::Result<axum::Json<PolicyPack>, Refusal> {
    Ok(axum::Json(pack(&portal, caller.organisation.clone(), caller.member.clone(), caller.now_ms).await?))
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

/// Replaces the policy; it holds from the next request of every session. 202 where another admin has to confirm it.
#[utoipa::path(put, path = "/v1/admin/policy", request_body = PolicyChange,
    responses((status = 200, body = PolicyView), (status = 202, body = Proposed), (status = 409, body = Problem),
        (status = 403, body = Problem)))]
async fn put_admin_policy(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Json(wanted): Json<PolicyChange>,
) -> std::result::Result<Response, Refusal> {
    let wrap = Arc::clone(&portal.key_wrap);
    Ok(match portal.act(&caller, move |tx, caller| change(tx, caller, wrap.as_ref(), &wanted)).await? {
        Changed::Saved(view) => axum::Json(view).into_response(),
        Changed::Proposed(proposed) => proposed.into_response(),
    })
}
