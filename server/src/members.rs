//! Members and their *2FA Status*.

use crate::access::{Access, Api};
use crate::act::Outcome;
use crate::audit::{self, Event};
use crate::caller::Caller;
use crate::devices;
use crate::outbox::{self, Kind, Message};
use crate::policy;
use crate::portal::Portal;
use crate::problem::Refusal;
use crate::proposals;
use crate::sessions::fold_name;
use crate::standing;
use crate::store::{Row, StoreError, Tx};
use axum::Extension;
use axum::extract::State;
use serde::Serialize;
use serde_json::json;
use std::sync::Arc;
use twinlock_core::Error;
use twinlock_core::policy::Rules;
use uuid::Uuid;

crate::statements! {
    INSERT_MEMBER = "INSERT INTO member (organisation, id, name, email, role, state, password, password_fails, created_ms)
        VALUES ($1, $2, $3, $4, $5, 'active', $6, 0, $7)";
    INSERT_SIGN_IN_NAME = "INSERT INTO sign_in_name (name, organisation, member) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    LIST_MEMBERS = "SELECT m.id, m.name, m.email, m.role, m.state, COALESCE(f.state, ''), COALESCE(q.created_ms, 0),
            (SELECT CAST(count(*) AS BIGINT) FROM device d
                WHERE d.organisation = m.organisation AND d.member = m.id AND d.state = 'approved'),
            COALESCE(x.until_ms, 0), o.required_ms, m.created_ms, o.rules, COALESCE(l.mfa, 0),
            COALESCE(l.signed_in_ms, 0)
        FROM member m
        JOIN organisation o ON o.id = m.organisation
        LEFT JOIN factor f ON f.organisation = m.organisation AND f.member = m.id AND f.state <> 'pending'
        LEFT JOIN factor q ON q.organisation = m.organisation AND q.member = m.id AND q.state = 'pending'
        LEFT JOIN two_step_exception x ON x.organisation = m.organisation AND x.member = m.id
        LEFT JOIN identity_provider i ON i.organisation = m.organisation
        LEFT JOIN sso_link l ON l.organisation = m.organisation AND l.issuer = i.issuer AND l.member = m.id
            AND l.signed_in_ms >= i.set_ms
        WHERE m.organisation = $1 AND m.id > $2 AND ($4 = '' OR m.id = $4) ORDER BY m.id LIMIT $3";
    SUSPEND_MEMBER = "UPDATE member SET state = 'suspended' WHERE organisation = $1 AND id = $2 AND state = 'active'";
}

/// A member as an admin sees it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct MemberView {
    /// The member's id.
    pub id: String,
    /// Name.
    pub name: String,
    /// E-mail address, which is the sign-in name.
    pub email: String,
    /// `member`, `admin` or `auditor`.
    pub role: String,
    /// `active` or `suspended`.
    pub state: String,
    /// `set_up`, `setting_up`, `sso_mfa`, `exception`, `grace`, `sso_without_mfa`, `not_set_up` or `locked`.
    pub two_step: &'static str,
    /// Until when two-step is not demanded, epoch milliseconds, for `exception` and `grace`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<u64>,
    /// When the organisation's identity provider last signed the member in, epoch milliseconds, for `sso_mfa` and
    /// `sso_without_mfa`: what it asserted then, and not what it would assert now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sso_at_ms: Option<u64>,
    /// Approved devices.
    pub devices: u64,
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

/// Adds a member; [`Error::BadRequest`] if the sign-in name is taken.
pub fn insert(tx: &mut Tx<'_>, new: &NewMember<'_>, now_ms: u64) -> Outcome<String> {
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
        ],
    )?;
    let detail = json!({ "name": new.name, "role": new.role });
    audit::record(tx, new.organisation, &Event::by_operator(now_ms, "member.added", &id, detail))?;
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
    let rows = tx.query(LIST_MEMBERS, &[organisation.into(), after.into(), limit.into(), "".into()])?;
    rows.iter().map(|row| read_view(row, now_ms)).collect()
}

/// One member.
pub fn find(tx: &mut Tx<'_>, organisation: &str, member: &str, now_ms: u64) -> Result<Option<MemberView>, StoreError> {
    let row = tx.query_one(LIST_MEMBERS, &[organisation.into(), "".into(), 1_u32.into(), member.into()])?;
    row.map(|row| read_view(&row, now_ms)).transpose()
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
    devices::deny_all_of(tx, caller, member, "the member was suspended")?;
    proposals::void_all_of(tx, caller, member, "the admin was suspended")?;
    audit::record(tx, &caller.organisation, &Event::by(caller, "member.suspended", member, json!({})))?;
    outbox::put(tx, &Message::by(caller, member, Kind::Suspended))?;
    Ok(Ok(()))
}

fn read_view(row: &Row, now_ms: u64) -> Result<MemberView, StoreError> {
    let rules: Rules = serde_json::from_str(row.text(11)?).unwrap_or_else(|_| Rules::strict());
    let exception_ms = row.unsigned(8)?;
    let required_from_ms = policy::required_from_ms(&rules, exception_ms, row.unsigned(9)?, row.unsigned(10)?);
    let pending_until_ms = row.unsigned(6)?.saturating_add(twinlock_core::code::SET_UP_MS);
    let sso_at_ms = row.unsigned(13)?;
    let two_step = match row.text(5)? {
        "active" => "set_up",
        "disabled" => "locked",
        _ if pending_until_ms > now_ms => "setting_up",
        _ if sso_at_ms > 0 && row.int(12)? == 1 => "sso_mfa",
        _ if exception_ms > now_ms => "exception",
        _ if rules.two_step && required_from_ms > now_ms => "grace",
        _ if sso_at_ms > 0 => "sso_without_mfa",
        _ => "not_set_up",
    };
    let until_ms = match two_step {
        "exception" => Some(exception_ms),
        "grace" => Some(required_from_ms),
        _ => None,
    };
    Ok(MemberView {
        id: row.text(0)?.to_owned(),
        name: row.text(1)?.to_owned(),
        email: row.text(2)?.to_owned(),
        role: row.text(3)?.to_owned(),
        state: row.text(4)?.to_owned(),
        two_step,
        until_ms,
        sso_at_ms: Some(sso_at_ms).filter(|_| matches!(two_step, "sso_mfa" | "sso_without_mfa")),
        devices: row.unsigned(7)?,
    })
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
