//! Members and their *2FA Status*.

pub mod chase;
pub mod counts;
pub mod folding;
pub mod invitations;
pub mod list;
pub mod places;
mod reading;
pub mod status;
pub mod wanted;

use self::status::{MemberView, Moment, select_members};
use crate::access::{Access, Api};
use crate::act::Outcome;
use crate::audit::{self, Event};
use crate::caller::Caller;
use crate::devices;
use crate::mail::outbox::{self, Kind, Message};
use crate::members::folding::fold;
use crate::portal::Portal;
use crate::problem::Refusal;
use crate::proposals;
use crate::sessions::fold_name;
use crate::standing;
use crate::store::{StoreError, Tx};
use axum::Extension;
use axum::extract::State;
use serde::Serialize;
use serde_json::json;
use std::sync::Arc;
use twinlock_core::Error;
use uuid::Uuid;

pub(crate) use self::reading::STATEMENTS as READING_STATEMENTS;

crate::statements! {
    INSERT_MEMBER = "INSERT INTO member (organisation, id, name, email, role, state, password, password_fails, created_ms,
            sort_name, search_text)
        VALUES ($1, $2, $3, $4, $5, 'active', $6, 0, $7, $8, $9)";
    INSERT_SIGN_IN_NAME = "INSERT INTO sign_in_name (name, organisation, member) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    LIST_MEMBERS = concat!(
        select_members!(),
        " AND m.id > $2 AND ($4 = '' OR m.id = $4) ORDER BY m.id LIMIT $3"
    );
    SUSPEND_MEMBER = "UPDATE member SET state = 'suspended' WHERE organisation = $1 AND id = $2 AND state = 'active'";
}

/// Members, in pages.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct MemberList {
    /// In the order in which they were added.
    members: Vec<MemberView>,
    /// Ask for `?after=` this for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A member to be added by the operator.
pub struct NewMember<'a> {
    /// The organisation's id.
    pub organisation: &'a str,
    /// Name.
    pub name: &'a str,
    /// E-mail address.
    pub email: &'a str,
    /// `member`, `admin` or `auditor`.
    pub role: &'a str,
    /// The stored form of the password.
    pub password: &'a str,
}

/// This resource's routes.
pub fn routes(api: Api) -> Api {
    api.route(Access::Admin, utoipa_axum::routes!(get_members))
        .route(Access::Admin, utoipa_axum::routes!(post_suspension))
}

/// Adds a member for the operator; [`Error::BadRequest`] if the sign-in name is taken.
pub fn insert(tx: &mut Tx<'_>, new: &NewMember<'_>, now_ms: u64) -> Outcome<String> {
    let id = match add(tx, new, now_ms)? {
        Ok(id) => id,
        Err(taken) => return Ok(Err(taken)),
    };
    let detail = json!({ "name": new.name, "role": new.role });
    audit::record(tx, new.organisation, &Event::by_operator(now_ms, "member.added", &id, detail))?;
    Ok(Ok(id))
}

/// Adds a member, which its caller records; [`Error::BadRequest`] if the sign-in name is taken.
pub fn add(tx: &mut Tx<'_>, new: &NewMember<'_>, now_ms: u64) -> Outcome<String> {
    let id = Uuid::now_v7().simple().to_string();
    let folded = fold_name(new.email);
    if tx.exec(INSERT_SIGN_IN_NAME, &[folded.into(), new.organisation.into(), (&id).into()])? == 0 {
        return Ok(Err(Error::BadRequest));
    }
    tx.exec(
        INSERT_MEMBER,
        &[
            new.organisation.into(),
            (&id).into(),
            new.name.into(),
            new.email.into(),
            new.role.into(),
            new.password.into(),
            now_ms.into(),
            fold(new.name).into(),
            fold(&format!("{} {}", new.name, new.email)).into(),
        ],
    )?;
    counts::note_added(tx, new.organisation, &id)?;
    Ok(Ok(id))
}

/// At most `limit` members after the id `after`, which is empty for the first page.
pub fn list(
    tx: &mut Tx<'_>,
    organisation: &str,
    after: &str,
    limit: u32,
    now_ms: u64,
) -> Result<Vec<MemberView>, StoreError> {
    select(tx, organisation, (after, limit, ""), now_ms)
}

/// One member.
pub fn find(tx: &mut Tx<'_>, organisation: &str, member: &str, now_ms: u64) -> Result<Option<MemberView>, StoreError> {
    // An empty id would be no filter.
    let only = if member.is_empty() { "-" } else { member };
    Ok(select(tx, organisation, ("", 1, only), now_ms)?.pop())
}

fn select(
    tx: &mut Tx<'_>,
    organisation: &str,
    (after, limit, only): (&str, u32, &str),
    now_ms: u64,
) -> Result<Vec<MemberView>, StoreError> {
    let moment = Moment::of(tx, organisation, now_ms)?;
    let values = [organisation.into(), after.into(), limit.into(), only.into()];
    tx.query(LIST_MEMBERS, &values)?.iter().map(|row| status::read(row, &moment)).collect()
}

/// Suspends a member: the next request of each session is refused, and what waits for approval is denied. An admin
/// cannot suspend himself, and nobody the last one.
pub fn suspend(tx: &mut Tx<'_>, caller: &Caller, member: &str) -> Outcome<()> {
    if member == caller.member {
        return Ok(Err(Error::Forbidden));
    }
    let key = [(&caller.organisation).into(), member.into()];
    if !standing::has_other_admin(tx, &caller.organisation, member)? {
        return Ok(Err(Error::Forbidden));
    }
    if tx.exec(SUSPEND_MEMBER, &key)? == 0 {
        return Ok(Err(Error::NotFound));
    }
    places::note(tx, &caller.organisation, member)?;
    devices::deny_all_of(tx, caller, member, "the member was suspended")?;
    proposals::void_all_of(tx, caller, member, "the admin was suspended")?;
    audit::record(tx, &caller.organisation, &Event::by(caller, "member.suspended", member, json!({})))?;
    outbox::put(tx, &Message::by(caller, member, Kind::Suspended))?;
    Ok(Ok(()))
}

/// Which page of the list.
#[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
struct Paging {
    /// The `next` of the page before.
    #[serde(default)]
    after: String,
}

const PAGE: u32 = 50;

/// Lists members with their 2FA status, 50 a page.
#[utoipa::path(get, path = "/v1/admin/members", params(Paging), responses((status = 200, body = MemberList)))]
async fn get_members(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    axum::extract::Query(paging): axum::extract::Query<Paging>,
) -> Result<axum::Json<MemberList>, Refusal> {
    let members =
        portal.store.read(move |tx| list(tx, &caller.organisation, &paging.after, PAGE, caller.now_ms)).await?;
    let next = members.last().filter(|_| members.len() == PAGE as usize).map(|last| last.id.clone());
    Ok(axum::Json(MemberList { members, next }))
}

/// Suspends a member.
#[utoipa::path(post, path = "/v1/admin/members/{member}/suspend", params(("member" = String, Path)),
    responses((status = 204), (status = 404, body = twinlock_core::wire::Problem)))]
async fn post_suspension(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    axum::extract::Path(member): axum::extract::Path<String>,
) -> Result<axum::http::StatusCode, Refusal> {
    portal.act(&caller, move |tx, caller| suspend(tx, caller, &member)).await?;
    Ok(axum::http::StatusCode::NO_CONTENT)
}
