//! The sessions that are open: their member sees and ends them, and so does an admin. A session is named by its id; its token
//! and the token's hash never leave the table.

use crate::access::{Access, Api};
use crate::act::Outcome;
use crate::audit::{self, Event};
use crate::caller::Caller;
use crate::identity::idle_limit_ms;
use crate::portal::Portal;
use crate::problem::Refusal;
use crate::store::{Row, StoreError, Tx};
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use serde::Serialize;
use serde_json::json;
use std::sync::Arc;
use twinlock_core::Error;
use twinlock_core::wire::Problem;

crate::statements! {
    FIND_NAME = "SELECT name FROM member WHERE organisation = $1 AND id = $2";
    LIST_SESSIONS = "SELECT id, surface, agent, address, created_ms, seen_ms, CASE WHEN token_hash = $3 THEN 1 ELSE 0 END
        FROM session WHERE organisation = $1 AND member = $2 AND created_ms > $4 AND seen_ms > $5
        ORDER BY seen_ms DESC, id LIMIT 500";
    END_ONE = "DELETE FROM session WHERE organisation = $1 AND member = $2 AND id = $3 RETURNING surface";
    END_ALL = "DELETE FROM session WHERE organisation = $1 AND member = $2";
}

/// What a client calls itself is kept up to this many characters.
const MAX_AGENT: usize = 200;

/// An open session.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct SessionView {
    /// The session's id.
    pub id: String,
    /// `web`, `phone` or `desktop`.
    pub surface: String,
    /// What the browser calls itself, or the device's name; may be empty.
    pub agent: String,
    /// The address it was opened from.
    pub address: String,
    /// When it was opened, epoch milliseconds.
    pub created_ms: u64,
    /// When it was last used, epoch milliseconds, to within a quarter of a minute.
    pub seen_ms: u64,
    /// True for the session that asks.
    pub is_current: bool,
}

/// Open sessions of one member.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct SessionList {
    /// The one used last comes first; at most 500.
    sessions: Vec<SessionView>,
}

/// This resource's routes.
pub fn routes(api: Api) -> Api {
    api.route(Access::Ready, utoipa_axum::routes!(get_sessions))
        .route(Access::Ready, utoipa_axum::routes!(delete_named_session))
        .route(Access::Admin, utoipa_axum::routes!(get_member_sessions))
        .route(Access::Admin, utoipa_axum::routes!(delete_member_session))
        .route(Access::Admin, utoipa_axum::routes!(delete_member_sessions))
}

/// What a request says of the program that sent it: written by a stranger, so without what could disturb a page or a log.
pub fn agent(headers: &HeaderMap) -> String {
    let said = headers.get(header::USER_AGENT).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let is_plain = |c: &char| {
        !c.is_control() && !matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    said.unwrap_or_default().chars().filter(is_plain).take(MAX_AGENT).collect()
}

/// A member's name, if the organisation has that member.
pub fn name_of(tx: &mut Tx<'_>, organisation: &str, member: &str) -> Result<Option<String>, StoreError> {
    let row = tx.query_one(FIND_NAME, &[organisation.into(), member.into()])?;
    row.map(|row| row.text(0).map(str::to_owned)).transpose()
}

/// The open sessions of a member of the caller's organisation.
pub fn list(tx: &mut Tx<'_>, caller: &Caller, member: &str) -> Result<Vec<SessionView>, StoreError> {
    let opened_after = caller.now_ms.saturating_sub(caller.rules.session_ms);
    let seen_after = caller.now_ms.saturating_sub(idle_limit_ms(&caller.rules));
    let values = [
        (&caller.organisation).into(),
        member.into(),
        (&caller.token_hash).into(),
        opened_after.into(),
        seen_after.into(),
    ];
    tx.query(LIST_SESSIONS, &values)?.iter().map(read_view).collect()
}

/// Ends one session of a member: its next request is refused.
pub fn end_one(tx: &mut Tx<'_>, caller: &Caller, member: &str, session: &str) -> Outcome<()> {
    let ended = tx.query_one(END_ONE, &[(&caller.organisation).into(), member.into(), session.into()])?;
    let Some(row) = ended else { return Ok(Err(Error::NotFound)) };
    let detail = json!({ "session": session, "surface": row.text(0)? });
    audit::record(tx, &caller.organisation, &Event::by(caller, "session.ended", member, detail))?;
    Ok(Ok(()))
}

/// Ends every session of a member, also the one that asks.
pub fn end_all(tx: &mut Tx<'_>, caller: &Caller, member: &str) -> Outcome<()> {
    let ended = tx.exec(END_ALL, &[(&caller.organisation).into(), member.into()])?;
    if name_of(tx, &caller.organisation, member)?.is_none() {
        return Ok(Err(Error::NotFound));
    }
    let detail = json!({ "sessions": ended });
    audit::record(tx, &caller.organisation, &Event::by(caller, "session.all_ended", member, detail))?;
    Ok(Ok(()))
}

fn read_view(row: &Row) -> Result<SessionView, StoreError> {
    Ok(SessionView {
        id: row.text(0)?.to_owned(),
        surface: row.text(1)?.to_owned(),
        agent: row.text(2)?.to_owned(),
        address: row.text(3)?.to_owned(),
        created_ms: row.unsigned(4)?,
        seen_ms: row.unsigned(5)?,
        is_current: row.int(6)? == 1,
    })
}

/// Lists the caller's open sessions.
#[utoipa::path(get, path = "/v1/sessions", responses((status = 200, body = SessionList)))]
async fn get_sessions(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<axum::Json<SessionList>, Refusal> {
    let sessions = portal.store.read(move |tx| list(tx, &caller, &caller.member)).await?;
    Ok(axum::Json(SessionList { sessions }))
}

/// Ends one of the caller's sessions.
#[utoipa::path(delete, path = "/v1/sessions/{session}", params(("session" = String, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
async fn delete_named_session(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(session): Path<String>,
) -> Result<StatusCode, Refusal> {
    portal.act(&caller, move |tx, caller| end_one(tx, caller, &caller.member, &session)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists a member's open sessions.
#[utoipa::path(get, path = "/v1/admin/members/{member}/sessions", params(("member" = String, Path)),
    responses((status = 200, body = SessionList), (status = 404, body = Problem)))]
async fn get_member_sessions(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(member): Path<String>,
) -> Result<axum::Json<SessionList>, Refusal> {
    let found = portal.store.read(move |tx| {
        let name = name_of(tx, &caller.organisation, &member)?;
        name.map(|_| list(tx, &caller, &member)).transpose()
    });
    Ok(axum::Json(SessionList { sessions: found.await?.ok_or(Error::NotFound)? }))
}

/// Ends one session of a member.
#[utoipa::path(delete, path = "/v1/admin/members/{member}/sessions/{session}",
    params(("member" = String, Path), ("session" = String, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
async fn delete_member_session(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path((member, session)): Path<(String, String)>,
) -> Result<StatusCode, Refusal> {
    portal.act(&caller, move |tx, caller| end_one(tx, caller, &member, &session)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends every session of a member.
#[utoipa::path(delete, path = "/v1/admin/members/{member}/sessions", params(("member" = String, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
async fn delete_member_sessions(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(member): Path<String>,
) -> Result<StatusCode, Refusal> {
    portal.act(&caller, move |tx, caller| end_all(tx, caller, &member)).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_calls_itself_is_short_and_plain() {
        let of = |bytes: &[u8]| {
            let mut headers = HeaderMap::new();
            headers.insert(header::USER_AGENT, axum::http::HeaderValue::from_bytes(bytes).unwrap());
            agent(&headers)
        };
        assert_eq!(of("Fire\u{202e}fox\t9 \u{85}é".as_bytes()), "Firefox9 é");
        assert_eq!(of(&[b'a'; 5_000]), "a".repeat(200));
        assert_eq!(agent(&HeaderMap::new()), "");
    }
}
