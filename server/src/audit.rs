//! Audit entries, written in the transaction of the change they tell of: if one cannot be written, the change fails.

use crate::access::{Access, Api};
use crate::caller::Caller;
use crate::portal::Portal;
use crate::problem::Refusal;
use crate::sessions::fold_name;
use crate::store::{Row, StoreError, Tx};
use axum::extract::State;
use axum::{Extension, Json};
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;

crate::statements! {
    INSERT_AUDIT_ENTRY = "INSERT INTO audit_entry (organisation, id, at_ms, entry, action, actor, target, reason)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    FIND_POLICY_VERSION = "SELECT policy_version FROM organisation WHERE id = $1";
    FIND_AUDIT_ENTRY = "SELECT entry FROM audit_entry WHERE organisation = $1 AND id = $2";
    NAME_TARGET = "SELECT CAST('member' AS TEXT), name FROM member WHERE organisation = $1 AND id = $2
        UNION ALL SELECT CAST('device' AS TEXT), d.name || ' · ' || m.name FROM device d
            JOIN member m ON m.organisation = d.organisation AND m.id = d.member
            WHERE d.organisation = $1 AND d.id = $2
        UNION ALL SELECT CAST('file' AS TEXT), name FROM file WHERE organisation = $1 AND id = $2
        UNION ALL SELECT CAST('organisation' AS TEXT), name FROM organisation WHERE id = $1 AND id = $2";
    FIND_MEMBER_BY_ADDRESS = "SELECT s.member FROM sign_in_name s WHERE s.name = $2 AND s.organisation = $1";
    LIST_AUDIT_ENTRIES = "SELECT entry FROM audit_entry WHERE organisation = $1 AND ($2 = '' OR id < $2)
            AND action >= $4 AND action <= $5 AND at_ms >= $6 AND at_ms < $7
            AND ($8 = '' OR reason LIKE $8 ESCAPE '!')
        ORDER BY id DESC LIMIT $3";
    LIST_ENTRIES_OF_ACTOR = "SELECT entry FROM audit_entry WHERE organisation = $1 AND ($2 = '' OR id < $2)
            AND action >= $4 AND action <= $5 AND at_ms >= $6 AND at_ms < $7
            AND ($8 = '' OR reason LIKE $8 ESCAPE '!')
            AND actor = $9 AND ($10 = '' OR target = $10)
        ORDER BY id DESC LIMIT $3";
    LIST_ENTRIES_OF_TARGET = "SELECT entry FROM audit_entry WHERE organisation = $1 AND ($2 = '' OR id < $2)
            AND action >= $4 AND action <= $5 AND at_ms >= $6 AND at_ms < $7
            AND ($8 = '' OR reason LIKE $8 ESCAPE '!')
            AND target = $9
        ORDER BY id DESC LIMIT $3";
}

/// What is looked for in the log; what is empty does not narrow it.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// An action as `noun.verb`, or a noun alone for all its actions.
    pub kind: String,
    /// A member's id, or `operator` or `portal`.
    pub actor: String,
    /// The id of whom or what it was done to.
    pub target: String,
    /// Not before, epoch milliseconds.
    pub from_ms: u64,
    /// Before, epoch milliseconds; 0 for no end.
    pub until_ms: u64,
    /// Stands in the reason, whatever the case.
    pub text: String,
    /// The entry that the page begins after: the last one of the page before.
    pub before: String,
}

/// A text to be found anywhere in another: in lower case, its wildcards taken as they are; empty stays empty.
pub fn pattern(text: &str) -> String {
    let text = text.trim().to_lowercase();
    if text.is_empty() {
        return text;
    }
    format!("%{}%", text.replace('!', "!!").replace('%', "!%").replace('_', "!_"))
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
    let found_by = match &event.actor {
        Actor::Member { id, .. } => id,
        Actor::System(name) => *name,
    };
    let mut reasons = Vec::new();
    gather_reasons(&event.detail, &mut reasons);
    let reason = reasons.join("\n").to_lowercase();
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
    tx.exec(
        INSERT_AUDIT_ENTRY,
        &[
            organisation.into(),
            (&id).into(),
            event.at_ms.into(),
            entry.to_string().into(),
            event.action.into(),
            found_by.into(),
            (&event.target).into(),
            reason.into(),
        ],
    )?;
    Ok(())
}

/// The reasons that somebody wrote, wherever they stand in a detail, and the reference of an identity check.
pub fn gather_reasons<'a>(detail: &'a Value, found: &mut Vec<&'a str>) {
    for (name, value) in detail.as_object().into_iter().flatten() {
        let is_reason = matches!(name.as_str(), "reason" | "reference");
        match value {
            // An exception's reason stands in what was and in what is.
            Value::String(text) if is_reason && !text.is_empty() && !found.contains(&text.as_str()) => found.push(text),
            Value::Object(_) => gather_reasons(value, found),
            _ => {}
        }
    }
}

/// The newest entries of an organisation, at most `limit`, older than the entry `before` if it is not empty.
pub fn list(tx: &mut Tx<'_>, organisation: &str, before: &str, limit: u32) -> Result<Vec<Value>, StoreError> {
    search(tx, organisation, &Search { before: before.to_owned(), ..Search::default() }, limit)
}

/// The entries that fit, the newest first, at most `limit`.
pub fn search(tx: &mut Tx<'_>, organisation: &str, wanted: &Search, limit: u32) -> Result<Vec<Value>, StoreError> {
    let (first, last) = match wanted.kind.as_str() {
        // Names of actions are lower case; `~` stands behind all of them.
        "" => (String::new(), "~".to_owned()),
        action if action.contains('.') => (action.to_owned(), action.to_owned()),
        noun => (format!("{noun}."), format!("{noun}.~")),
    };
    let until_ms = if wanted.until_ms == 0 { u64::MAX } else { wanted.until_ms };
    let mut values = vec![
        organisation.into(),
        (&wanted.before).into(),
        limit.into(),
        first.into(),
        last.into(),
        wanted.from_ms.into(),
        until_ms.into(),
        pattern(&wanted.text).into(),
    ];
    // Three texts, so that each has the index that it needs.
    let sql = match (wanted.actor.is_empty(), wanted.target.is_empty()) {
        (true, true) => LIST_AUDIT_ENTRIES,
        (true, false) => {
            values.push((&wanted.target).into());
            LIST_ENTRIES_OF_TARGET
        }
        (false, _) => {
            values.extend([(&wanted.actor).into(), (&wanted.target).into()]);
            LIST_ENTRIES_OF_ACTOR
        }
    };
    tx.query(sql, &values)?.iter().map(read).collect()
}

/// One entry.
pub fn find(tx: &mut Tx<'_>, organisation: &str, id: &str) -> Result<Option<Value>, StoreError> {
    tx.query_one(FIND_AUDIT_ENTRY, &[organisation.into(), id.into()])?.as_ref().map(read).transpose()
}

/// What an id is called now: `member`, `device`, `file` or `organisation`, and its name.
pub fn name_target(tx: &mut Tx<'_>, organisation: &str, id: &str) -> Result<Option<(String, String)>, StoreError> {
    let row = tx.query_one(NAME_TARGET, &[organisation.into(), id.into()])?;
    row.map(|row| Ok((row.text(0)?.to_owned(), row.text(1)?.to_owned()))).transpose()
}

/// What somebody typed, an id or a member's address, as an id and what to call it; what is neither stays as it is.
pub fn resolve(tx: &mut Tx<'_>, organisation: &str, typed: &str) -> Result<(String, String), StoreError> {
    let typed = typed.trim();
    let mut id = typed.to_owned();
    if typed.contains('@') {
        let found = tx.query_one(FIND_MEMBER_BY_ADDRESS, &[organisation.into(), fold_name(typed).into()])?;
        if let Some(row) = found {
            row.text(0)?.clone_into(&mut id);
        }
    }
    let name = if id.is_empty() { None } else { name_target(tx, organisation, &id)? };
    let name = name.map_or_else(|| typed.to_owned(), |(_, name)| name);
    Ok((id, name))
}

fn read(row: &Row) -> Result<Value, StoreError> {
    Ok(serde_json::from_str(row.text(0)?).unwrap_or(Value::Null))
}

/// The newest audit entries.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AuditList {
    /// Newest first.
    entries: Vec<Value>,
}

/// This resource's routes.
pub fn routes(api: Api) -> Api {
    api.route(Access::Audit, utoipa_axum::routes!(get_audit))
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
