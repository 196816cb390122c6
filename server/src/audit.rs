//! Audit entries, written in the transaction of the change they tell of: if one cannot be written, the change fails.

use crate::access::{Access, Api};
use crate::caller::Caller;
use crate::portal::Portal;
use crate::problem::Refusal;
use crate::store::{StoreError, Tx};
use axum::extract::State;
use axum::{Extension, Json};
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;

crate::statements! {
    INSERT_AUDIT_ENTRY = "INSERT INTO audit_entry (organisation, id, at_ms, entry) VALUES ($1, $2, $3, $4)";
    FIND_POLICY_VERSION = "SELECT policy_version FROM organisation WHERE id = $1";
    LIST_AUDIT_ENTRIES = "SELECT entry FROM audit_entry WHERE organisation = $1 AND ($2 = '' OR id < $2)
        ORDER BY id DESC LIMIT $3";
}

/// Who did it.
#[derive(Debug, Clone)]
pub enum Actor {
    /// A member, with the name at the time.
    Member {
        /// The member's id.
        id: String,
        /// The member's name then.
        name: String,
    },
    /// The portal itself, or its operator on the command line.
    System(&'static str),
}

/// One event. Never holds a secret, a code, or a PIN's length.
#[derive(Debug, Clone)]
pub struct Event {
    /// When, epoch milliseconds.
    pub at_ms: u64,
    /// Who.
    pub actor: Actor,
    /// What, as `noun.verb`.
    pub action: &'static str,
    /// To whom or what: an id.
    pub target: String,
    /// More facts, such as old and new values and the reason.
    pub detail: Value,
    /// From where.
    pub address: String,
    /// Names the request in the portal's log.
    pub request_id: String,
}

impl Event {
    /// An event of a caller's request.
    pub fn by(caller: &Caller, action: &'static str, target: impl Into<String>, detail: Value) -> Self {
        Self {
            at_ms: caller.now_ms,
            actor: Actor::Member { id: caller.member.clone(), name: caller.name.clone() },
            action,
            target: target.into(),
            detail,
            address: caller.origin.address.clone(),
            request_id: caller.origin.request_id.clone(),
        }
    }

    /// An event that nobody asked for: time passed.
    pub fn by_portal(at_ms: u64, action: &'static str, target: impl Into<String>, detail: Value) -> Self {
        Self { actor: Actor::System("portal"), ..Self::by_operator(at_ms, action, target, detail) }
    }

    /// An event of the operator on the portal's command line.
    pub fn by_operator(at_ms: u64, action: &'static str, target: impl Into<String>, detail: Value) -> Self {
        Self {
            at_ms,
            actor: Actor::System("operator"),
            action,
            target: target.into(),
            detail,
            address: String::new(),
            request_id: String::new(),
        }
    }
}

/// Writes the event down, with the version of the policy that holds now.
pub fn record(tx: &mut Tx<'_>, organisation: &str, event: &Event) -> Result<(), StoreError> {
    let id = Uuid::now_v7().simple().to_string();
    let actor = match &event.actor {
        Actor::Member { id, name } => json!({ "kind": "member", "id": id, "name": name }),
        Actor::System(name) => json!({ "kind": "system", "name": name }),
    };
    let policy = tx.query_one(FIND_POLICY_VERSION, &[organisation.into()])?;
    let policy_version = policy.map(|row| row.unsigned(0)).transpose()?;
    let entry = json!({
        "id": id,
        "at_ms": event.at_ms,
        "actor": actor,
        "action": event.action,
        "target": event.target,
        "detail": event.detail,
        "address": event.address,
        "request_id": event.request_id,
        "policy_version": policy_version,
    });
    tx.exec(INSERT_AUDIT_ENTRY, &[organisation.into(), (&id).into(), event.at_ms.into(), entry.to_string().into()])?;
    Ok(())
}

/// The newest entries of an organisation, at most `limit`, older than the entry `before` if it is not empty.
pub fn list(tx: &mut Tx<'_>, organisation: &str, before: &str, limit: u32) -> Result<Vec<Value>, StoreError> {
    let rows = tx.query(LIST_AUDIT_ENTRIES, &[organisation.into(), before.into(), limit.into()])?;
    rows.iter().map(|row| Ok(serde_json::from_str(row.text(0)?).unwrap_or(Value::Null))).collect()
}

/// The newest audit entries.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AuditList {
    /// Newest first.
    entries: Vec<Value>,
}

/// This resource's routes.
pub fn routes(api: Api) -> Api {
    api.route(Access::Admin, utoipa_axum::routes!(get_audit))
}

/// The newest 200 audit entries of the organisation.
#[utoipa::path(get, path = "/v1/admin/audit", responses((status = 200, body = AuditList)))]
async fn get_audit(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<Json<AuditList>, Refusal> {
    let entries = portal.store.read(move |tx| list(tx, &caller.organisation, "", 200)).await?;
    Ok(Json(AuditList { entries }))
}
