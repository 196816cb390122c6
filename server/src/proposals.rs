//! Where the two-person rule is on, what weakens the policy is one admin's proposal, which another one confirms.
//!
//! A proposal is an act that was not done yet: it changes nothing, says what it was made on, and lives a week. Whatever it
//! was made on changes meanwhile, it is void.

use crate::access::{Access, Api};
use crate::act::Outcome;
use crate::audit::{self, Event};
use crate::caller::Caller;
use crate::exceptions::{self, Grant};
use crate::key_wrap::KeyWrap;
use crate::policy::{self, PolicyChange};
use crate::portal::Portal;
use crate::problem::Refusal;
use crate::store::{Row, StoreError, Tx};
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;
use twinlock_core::Error;
use twinlock_core::wire::Problem;
use uuid::Uuid;

crate::statements! {
    INSERT_PROPOSAL = "INSERT INTO proposal (organisation, id, kind, content, made_by, made_ms, expires_ms)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    FIND_SAME_PROPOSAL = "SELECT id, expires_ms FROM proposal
        WHERE organisation = $1 AND made_by = $2 AND content = $3 AND expires_ms > $4";
    FIND_PROPOSAL = "SELECT p.id, p.content, p.made_by, m.name, p.made_ms, p.expires_ms
        FROM proposal p
        JOIN member m ON m.organisation = p.organisation AND m.id = p.made_by
        WHERE p.organisation = $1 AND p.id = $2 AND p.expires_ms > $3 AND m.role = 'admin' AND m.state = 'active'";
    LIST_PROPOSALS = "SELECT p.id, p.content, p.made_by, m.name, p.made_ms, p.expires_ms
        FROM proposal p
        JOIN member m ON m.organisation = p.organisation AND m.id = p.made_by
        WHERE p.organisation = $1 AND p.expires_ms > $2 AND m.role = 'admin' AND m.state = 'active'
        ORDER BY p.made_ms, p.id LIMIT 200";
    TAKE_PROPOSAL = "DELETE FROM proposal WHERE organisation = $1 AND id = $2 AND expires_ms > $3";
    VOID_PROPOSALS_OF = "DELETE FROM proposal WHERE organisation = $1 AND made_by = $2 RETURNING id";
    SWEEP_PROPOSALS = "DELETE FROM proposal WHERE expires_ms <= $1 RETURNING organisation, id, made_by";
}

/// How long a proposal waits for another admin.
const OPEN_MS: u64 = 7 * 86_400_000;

/// What is proposed, and what it was made on.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Content {
    /// Another policy, made on the version that it names.
    Policy(PolicyChange),
    /// An exception for a member.
    Exception {
        /// The member's id.
        member: String,
        /// The end of the exception that the member had, or 0.
        base_until_ms: u64,
        /// What is to be granted.
        grant: Grant,
    },
}

/// The act became a proposal.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Proposed {
    /// The proposal's id.
    pub proposal: String,
    /// It is void from then on, epoch milliseconds.
    pub expires_ms: u64,
}

impl IntoResponse for Proposed {
    fn into_response(self) -> Response {
        (StatusCode::ACCEPTED, axum::Json(self)).into_response()
    }
}

/// Which proposal a change carries out, for the audit log.
#[derive(Debug, Clone, Serialize)]
pub struct Seconded {
    /// The proposal's id.
    pub id: String,
    /// The id of the admin who made it.
    pub made_by: String,
}

/// A proposal as an admin sees it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ProposalView {
    /// The proposal's id.
    pub id: String,
    /// What it changes.
    pub content: Content,
    /// The id of the admin who made it.
    pub made_by: String,
    /// That admin's name.
    pub made_by_name: String,
    /// When, epoch milliseconds.
    pub made_ms: u64,
    /// It is void from then on, epoch milliseconds.
    pub expires_ms: u64,
}

/// What waits for another admin.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ProposalList {
    /// The oldest first; at most 200.
    proposals: Vec<ProposalView>,
}

/// This resource's routes.
pub fn routes(api: Api) -> Api {
    api.route(Access::Admin, utoipa_axum::routes!(get_proposals))
        .route(Access::Admin, utoipa_axum::routes!(post_confirmation))
        .route(Access::Admin, utoipa_axum::routes!(post_withdrawal))
}

/// Writes a proposal down; the same of the same admin again is the one that is open.
pub fn make(tx: &mut Tx<'_>, caller: &Caller, content: &Content) -> Result<Proposed, StoreError> {
    let organisation = &caller.organisation;
    let text = serde_json::to_string(content).unwrap_or_default();
    let same = [organisation.into(), (&caller.member).into(), (&text).into(), caller.now_ms.into()];
    if let Some(row) = tx.query_one(FIND_SAME_PROPOSAL, &same)? {
        return Ok(Proposed { proposal: row.text(0)?.to_owned(), expires_ms: row.unsigned(1)? });
    }
    let made = Proposed { proposal: Uuid::now_v7().simple().to_string(), expires_ms: caller.now_ms + OPEN_MS };
    let kind = match content {
        Content::Policy(_) => "policy",
        Content::Exception { .. } => "exception",
    };
    tx.exec(
        INSERT_PROPOSAL,
        &[
            organisation.into(),
            (&made.proposal).into(),
            kind.into(),
            text.into(),
            (&caller.member).into(),
            caller.now_ms.into(),
            made.expires_ms.into(),
        ],
    )?;
    let detail = json!({ "content": content, "expires_ms": made.expires_ms });
    audit::record(tx, organisation, &Event::by(caller, "proposal.made", &made.proposal, detail))?;
    Ok(made)
}

/// What is open, made by whoever is an admin still.
pub fn list(tx: &mut Tx<'_>, organisation: &str, now_ms: u64) -> Result<Vec<ProposalView>, StoreError> {
    let rows = tx.query(LIST_PROPOSALS, &[organisation.into(), now_ms.into()])?;
    Ok(rows.iter().map(read).collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

/// Another admin than the one who proposed it confirms, with a fresh code; it takes effect at once.
///
/// # Errors
/// [`Error::SecondAdminRequired`] for whoever proposed it, [`Error::Forbidden`] for the member whom it exempts,
/// [`Error::PolicyConflict`] if what it was made on has changed: it is void then.
pub fn confirm(tx: &mut Tx<'_>, caller: &Caller, wrap: &dyn KeyWrap, id: &str) -> Outcome<()> {
    let organisation = &caller.organisation;
    if let Err(refused) = caller.require_fresh_code() {
        return Ok(Err(refused));
    }
    let found = tx.query_one(FIND_PROPOSAL, &[organisation.into(), id.into(), caller.now_ms.into()])?;
    let Some(proposal) = found.as_ref().map(read).transpose()?.flatten() else { return Ok(Err(Error::NotFound)) };
    if proposal.made_by == caller.member {
        return Ok(Err(Error::SecondAdminRequired));
    }
    if matches!(&proposal.content, Content::Exception { member, .. } if *member == caller.member) {
        return Ok(Err(Error::Forbidden));
    }
    // Of two admins who confirm at once, one does.
    if tx.exec(TAKE_PROPOSAL, &[organisation.into(), id.into(), caller.now_ms.into()])? == 0 {
        return Ok(Err(Error::NotFound));
    }
    let seconded = Seconded { id: id.to_owned(), made_by: proposal.made_by };
    let applied = match &proposal.content {
        Content::Policy(wanted) => policy::apply_confirmed(tx, caller, wrap, wanted, &seconded)?,
        Content::Exception { member, base_until_ms, grant } => {
            exceptions::apply_confirmed(tx, caller, member, *base_until_ms, grant, &seconded)?
        }
    };
    let action = if applied.is_ok() { "proposal.confirmed" } else { "proposal.void" };
    let detail = json!({ "made_by": seconded.made_by, "content": proposal.content });
    audit::record(tx, organisation, &Event::by(caller, action, id, detail))?;
    Ok(applied)
}

/// Any admin withdraws a proposal, also whoever made it.
pub fn withdraw(tx: &mut Tx<'_>, caller: &Caller, id: &str) -> Outcome<()> {
    let organisation = &caller.organisation;
    if tx.exec(TAKE_PROPOSAL, &[organisation.into(), id.into(), caller.now_ms.into()])? == 0 {
        return Ok(Err(Error::NotFound));
    }
    audit::record(tx, organisation, &Event::by(caller, "proposal.withdrawn", id, json!({})))?;
    Ok(Ok(()))
}

/// Ends what a member proposed as an admin: it takes two who are admins.
pub fn void_all_of(tx: &mut Tx<'_>, caller: &Caller, member: &str, reason: &str) -> Result<(), StoreError> {
    for row in tx.query(VOID_PROPOSALS_OF, &[(&caller.organisation).into(), member.into()])? {
        let event = Event::by(caller, "proposal.void", row.text(0)?, json!({ "made_by": member, "reason": reason }));
        audit::record(tx, &caller.organisation, &event)?;
    }
    Ok(())
}

/// Forgets what nobody confirmed in time.
pub fn sweep(tx: &mut Tx<'_>, now_ms: u64) -> Result<(), StoreError> {
    for row in tx.query(SWEEP_PROPOSALS, &[now_ms.into()])? {
        let detail = json!({ "made_by": row.text(2)? });
        audit::record(tx, row.text(0)?, &Event::by_portal(now_ms, "proposal.expired", row.text(1)?, detail))?;
    }
    Ok(())
}

/// What cannot be read any more is no proposal.
fn read(row: &Row) -> Result<Option<ProposalView>, StoreError> {
    let Ok(content) = serde_json::from_str(row.text(1)?) else { return Ok(None) };
    Ok(Some(ProposalView {
        id: row.text(0)?.to_owned(),
        content,
        made_by: row.text(2)?.to_owned(),
        made_by_name: row.text(3)?.to_owned(),
        made_ms: row.unsigned(4)?,
        expires_ms: row.unsigned(5)?,
    }))
}

/// Lists what waits for another admin.
#[utoipa::path(get, path = "/v1/admin/proposals", responses((status = 200, body = ProposalList)))]
async fn get_proposals(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<axum::Json<ProposalList>, Refusal> {
    let proposals = portal.store.read(move |tx| list(tx, &caller.organisation, caller.now_ms)).await?;
    Ok(axum::Json(ProposalList { proposals }))
}

/// Confirms another admin's proposal.
#[utoipa::path(post, path = "/v1/admin/proposals/{proposal}/confirm", params(("proposal" = String, Path)),
    responses((status = 204), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn post_confirmation(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(proposal): Path<String>,
) -> Result<StatusCode, Refusal> {
    let wrap = Arc::clone(&portal.key_wrap);
    portal.act(&caller, move |tx, caller| confirm(tx, caller, wrap.as_ref(), &proposal)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Withdraws a proposal.
#[utoipa::path(post, path = "/v1/admin/proposals/{proposal}/withdraw", params(("proposal" = String, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
async fn post_withdrawal(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(proposal): Path<String>,
) -> Result<StatusCode, Refusal> {
    portal.act(&caller, move |tx, caller| withdraw(tx, caller, &proposal)).await?;
    Ok(StatusCode::NO_CONTENT)
}
