//! An admin chases members who have not set two-step up: one, a selection, or all that match a filter at that moment.

use crate::access::{Access, Api};
use crate::act::Outcome;
use crate::audit::{self, Event};
use crate::caller::Caller;
use crate::mail::reminders::{self, Reminded};
use crate::members::list::{self, From, Wanted};
use crate::open_sessions;
use crate::portal::Portal;
use crate::problem::Refusal;
use crate::store::Tx;
use axum::Extension;
use axum::extract::{Path, State};
use serde::Serialize;
use serde_json::json;
use std::sync::Arc;
use twinlock_core::Error;
use twinlock_core::wire::Problem;

/// So many members are reminded by one act; an announcement reaches more.
pub const MOST_AT_ONCE: u64 = 5_000;

/// What became of a reminder to one member.
#[derive(Debug, Clone, Copy, Serialize, utoipa::ToSchema)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Chased {
    /// The mail is on its way.
    Sent,
    /// Nothing was sent: the member complies.
    Complies,
    /// Nothing was sent: a reminder went out less than 24 hours ago.
    TooSoon {
        /// When, epoch milliseconds.
        last_ms: u64,
    },
    /// Nothing was sent: there is no address.
    NoAddress,
    /// Nothing was sent: the member is suspended.
    Suspended,
}

/// This resource's routes.
pub fn routes(api: Api) -> Api {
    api.route(Access::Admin, utoipa_axum::routes!(post_reminder))
}

/// Reminds one member, and records it if a mail goes out. Returns the member's name too; [`Error::NotFound`].
pub fn chase(tx: &mut Tx<'_>, caller: &Caller, member: &str) -> Outcome<(String, Chased)> {
    let organisation = &caller.organisation;
    let Some(name) = open_sessions::name_of(tx, organisation, member)? else { return Ok(Err(Error::NotFound)) };
    let chased = match reminders::remind(tx, organisation, member, caller.now_ms)? {
        Ok(Reminded::Sent) => Chased::Sent,
        Ok(Reminded::Complies) => Chased::Complies,
        Ok(Reminded::TooSoon { last_ms }) => Chased::TooSoon { last_ms },
        Ok(Reminded::NoAddress) => Chased::NoAddress,
        Ok(Reminded::Suspended) => Chased::Suspended,
        Err(refused) => return Ok(Err(refused)),
    };
    if matches!(chased, Chased::Sent) {
        audit::record(tx, organisation, &Event::by(caller, "member.reminded", member, json!({})))?;
    }
    Ok(Ok((name, chased)))
}

/// The ids of all who match, if they are as many as the admin was told; [`Error::PolicyConflict`] if the number moved, and
/// [`Error::BadRequest`] for more than one act takes.
pub fn all_that_match(tx: &mut Tx<'_>, caller: &Caller, wanted: &Wanted, expected: u64) -> Outcome<Vec<String>> {
    let organisation = &caller.organisation;
    if list::count(tx, organisation, wanted, MOST_AT_ONCE, caller.now_ms)? != expected {
        return Ok(Err(Error::PolicyConflict));
    }
    if expected > MOST_AT_ONCE {
        return Ok(Err(Error::BadRequest));
    }
    let all = list::page(tx, organisation, wanted, &From::Start, expected as usize, caller.now_ms)?;
    Ok(Ok(all.members.into_iter().map(|member| member.id).collect()))
}

/// Reminds a member to set two-step authentication up, at most once in 24 hours.
#[utoipa::path(post, path = "/v1/admin/members/{member}/reminder", params(("member" = String, Path)),
    responses((status = 200, body = Chased), (status = 404, body = Problem)))]
async fn post_reminder(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(member): Path<String>,
) -> Result<axum::Json<Chased>, Refusal> {
    let (_, chased) = portal.act(&caller, move |tx, caller| chase(tx, caller, &member)).await?;
    Ok(axum::Json(chased))
}
