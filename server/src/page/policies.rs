//! Admin → Settings → Policies → Security: the switch.

use super::proposals::{ProposalRow, row};
use super::{Form, Frame, Notice, lead_to_fresh_code, render, render_refused};
use crate::access::{Access, Pages, get};
use crate::caller::Caller;
use crate::members;
use crate::policy::{self, Changed, PolicyChange, PolicyView};
use crate::portal::Portal;
use crate::problem::Refusal;
use crate::proposals::{self, Content};
use crate::store::{StoreError, Tx};
use askama::Template;
use axum::Extension;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use std::sync::Arc;
use twinlock_core::policy::Rules;
use twinlock_core::{Error, ErrorCode};

#[derive(Template)]
#[template(path = "policies.html")]
struct PoliciesPage {
    frame: Frame,
    version: u64,
    is_required: bool,
    is_checked: bool,
    is_set_up: u64,
    is_not_set_up: u64,
    /// Of those who are not, whom the identity provider vouched for last.
    is_sso_mfa: u64,
    is_two_person: bool,
    grace_days: u32,
    proposals: Vec<ProposalRow>,
    reason: String,
    fault: String,
    /// The fault belongs beside the reason, and the form keeps what was chosen.
    is_about_reason: bool,
}

crate::statements! {
    COUNT_SET_UP = "SELECT CAST(count(*) AS BIGINT) FROM member m
        JOIN factor f ON f.organisation = m.organisation AND f.member = m.id AND f.state = 'active'
        WHERE m.organisation = $1 AND m.state = 'active'";
    COUNT_SSO_MFA = "SELECT CAST(count(*) AS BIGINT) FROM member m
        JOIN identity_provider i ON i.organisation = m.organisation
        JOIN sso_link l ON l.organisation = m.organisation AND l.issuer = i.issuer AND l.member = m.id AND l.mfa = 1
            AND l.signed_in_ms >= i.set_ms
        LEFT JOIN factor f ON f.organisation = m.organisation AND f.member = m.id AND f.state <> 'pending'
        WHERE m.organisation = $1 AND m.state = 'active' AND f.id IS NULL";
    COUNT_ACTIVE = "SELECT CAST(count(*) AS BIGINT) FROM member WHERE organisation = $1 AND state = 'active'";
}

#[derive(Deserialize)]
struct PolicyForm {
    version: u64,
    /// A browser sends a checkbox only when it is checked.
    #[serde(default)]
    two_step: Option<String>,
    #[serde(default)]
    two_person: Option<String>,
    #[serde(default)]
    grace_days: Option<u32>,
    #[serde(default)]
    reason: String,
}

pub(super) fn routes(pages: Pages) -> Pages {
    pages.route(Access::Admin, "/admin/policies", get(show).post(save))
}

async fn show(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Query(notice): Query<Notice>,
) -> Result<Response, Refusal> {
    let (mut page, _) = gather(&portal, &caller).await?;
    page.frame = page.frame.with_notice(&notice);
    Ok(render(&page))
}

async fn save(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Form(form): Form<PolicyForm>,
) -> Result<Response, Refusal> {
    let (mut page, current) = gather(&portal, &caller).await?;
    let requires = Rules {
        two_step: form.two_step.is_some(),
        two_person: form.two_person.is_some(),
        grace_days: form.grace_days.unwrap_or(current.requires.grace_days),
        ..current.requires
    };
    let change = PolicyChange { version: form.version, requires, reason: form.reason.clone() };
    let wrap = Arc::clone(&portal.key_wrap);
    let saved = portal.act(&caller, move |tx, caller| policy::change(tx, caller, wrap.as_ref(), &change)).await;
    let refused = match saved {
        Ok(Changed::Saved(_)) => return Ok(Redirect::to("/admin/policies?done=saved").into_response()),
        Ok(Changed::Proposed(_)) => return Ok(Redirect::to("/admin/policies?done=proposed").into_response()),
        Err(refused) => refused,
    };
    page.fault = match refused.code() {
        ErrorCode::ReasonRequired => "This opens a gap. Write down why; the reason goes into the audit log.",
        ErrorCode::PolicyConflict => {
            "Somebody else changed the policy meanwhile. This is how it stands now; decide again."
        }
        ErrorCode::BadRequest => "The reason is longer than 1,000 characters, or the days are more than 90.",
        _ => return Ok(lead_to_fresh_code(refused, "/admin/policies")),
    }
    .to_owned();
    page.is_about_reason = refused.code() != ErrorCode::PolicyConflict;
    if page.is_about_reason {
        page.is_checked = form.two_step.is_some();
        page.is_two_person = form.two_person.is_some();
        page.grace_days = form.grace_days.unwrap_or(page.grace_days);
    }
    page.frame.title = "Error: security policy".to_owned();
    page.reason = form.reason;
    Ok(render_refused(StatusCode::UNPROCESSABLE_ENTITY, &page))
}

async fn gather(portal: &Portal, caller: &Arc<Caller>) -> Result<(PoliciesPage, PolicyView), Refusal> {
    let reader = Arc::clone(caller);
    let (current, proposals, set_up, sso_mfa, active) = portal
        .store
        .read(move |tx| {
            let organisation = &reader.organisation;
            let count = |row: Option<crate::store::Row>| row.map_or(Ok(0), |row| row.unsigned(0));
            let set_up = tx.query_one(COUNT_SET_UP, &[organisation.into()]).and_then(count)?;
            let sso_mfa = tx.query_one(COUNT_SSO_MFA, &[organisation.into()]).and_then(count)?;
            let active = tx.query_one(COUNT_ACTIVE, &[organisation.into()]).and_then(count)?;
            let current = policy::current(tx, organisation)?;
            let proposals = match &current {
                Some(current) => in_words(tx, &reader, current)?,
                None => Vec::new(),
            };
            Ok((current, proposals, set_up, sso_mfa, active))
        })
        .await?;
    let current = current.ok_or(Error::Internal)?;
    let page = PoliciesPage {
        frame: Frame::of(caller, "policies", "Security policy"),
        version: current.version,
        is_required: current.requires.two_step,
        is_checked: current.requires.two_step,
        is_set_up: set_up,
        is_not_set_up: active.saturating_sub(set_up),
        is_sso_mfa: sso_mfa,
        is_two_person: current.requires.two_person,
        grace_days: current.requires.grace_days,
        proposals,
        reason: String::new(),
        fault: String::new(),
        is_about_reason: false,
    };
    Ok((page, current))
}

fn in_words(tx: &mut Tx<'_>, caller: &Caller, current: &PolicyView) -> Result<Vec<ProposalRow>, StoreError> {
    let open = proposals::list(tx, &caller.organisation, caller.now_ms)?;
    let mut rows = Vec::with_capacity(open.len());
    for proposal in open {
        let name = match &proposal.content {
            Content::Exception { member, .. } => {
                members::find(tx, &caller.organisation, member, caller.now_ms)?.map(|member| member.name)
            }
            Content::Policy(_) => None,
        };
        let policy = (current.version, &current.requires);
        rows.push(row(proposal, caller, policy, |id| name.unwrap_or_else(|| id.to_owned())));
    }
    Ok(rows)
}
