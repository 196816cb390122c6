//! Admin → Devices: what waits for approval, and all others, with search and pages. Kept up to date while it is open.

use super::{Form, Frame, Notice, code_first, encode, lead_to_fresh_code, render, render_refused};
use crate::access::{Access, Pages, get, post};
use crate::caller::Caller;
use crate::devices::list::{self, Search};
use crate::devices::streams;
use crate::devices::{self, DeviceView};
use crate::portal::Portal;
use crate::problem::Refusal;
use askama::Template;
use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use std::sync::Arc;
use twinlock_core::ErrorCode;

const PENDING_PAGE: usize = 20;
const OTHERS_PAGE: usize = 50;

#[derive(Template)]
#[template(path = "devices.html")]
struct DevicesPage {
    frame: Frame,
    filter: Filter,
    /// What waits is listed; what does not is listed.
    shows: (bool, bool),
    pending: Vec<DeviceView>,
    /// How many wait and fit, in words.
    count: String,
    /// Changes with what waits.
    mark: String,
    next_pending: Option<String>,
    others: Vec<DeviceView>,
    next_others: Option<String>,
    /// Under the two-person rule nobody approves his own device: the member's id, or empty.
    barred: String,
    /// Where a fresh code is shown before a comparison code is typed; or empty.
    code_first: String,
    /// The device whose form was refused, and why.
    refused: String,
    fault: String,
    is_refused_listed: bool,
}

/// What the address narrows the lists to.
#[derive(Debug, Clone, Default, Deserialize)]
struct Filter {
    #[serde(default)]
    q: String,
    #[serde(default)]
    state: String,
    /// The last device of the page before, as `asked-id`.
    #[serde(default)]
    after: String,
}

/// The states of the filter, with the keys of their words.
const STATES: [(&str, &str); 5] = [
    ("pending", "devices-state-pending"),
    ("approved", "devices-state-approved"),
    ("denied", "devices-state-denied"),
    ("revoked", "devices-state-revoked"),
    ("expired", "devices-state-expired"),
];

impl Filter {
    fn is_on(&self) -> bool {
        !self.q.trim().is_empty() || !self.state.is_empty()
    }

    /// The search for one of both lists; a page's beginning belongs to one list alone.
    fn search(&self) -> Search {
        let after = self.after.split_once('-').and_then(|(ms, id)| Some((ms.parse().ok()?, id.to_owned())));
        let is_known = STATES.iter().any(|(state, _)| *state == self.state);
        let state = if is_known { self.state.clone() } else { String::new() };
        Search { text: self.q.chars().take(200).collect(), state, after }
    }

    /// The page with this filter.
    fn address(&self) -> String {
        let values = [("q", &self.q), ("state", &self.state), ("after", &self.after)];
        let set: Vec<_> = values.iter().filter(|(_, value)| !value.is_empty()).collect();
        let query: Vec<_> = set.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
        if query.is_empty() { "/admin/devices".to_owned() } else { format!("/admin/devices?{}", query.join("&")) }
    }

    fn next(&self, state: &str, last: Option<&DeviceView>) -> Option<String> {
        let last = last?;
        let after = format!("{}-{}", last.created_ms, last.id);
        Some(format!("/admin/devices?q={}&state={state}&after={after}", encode(&self.q)))
    }
}

#[derive(Deserialize)]
struct ApprovalForm {
    comparison_code: String,
}

pub(super) fn routes(pages: Pages) -> Pages {
    pages
        .route(Access::Admin, "/admin/devices", get(show))
        .route(Access::Admin, "/admin/devices/events", get(events))
        .route(Access::Admin, "/admin/devices/{device}/approve", post(approve))
}

async fn events(State(portal): State<Portal>, Extension(caller): Extension<Arc<Caller>>) -> Result<Response, Refusal> {
    streams::open(portal, caller)
}

async fn show(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Query(filter): Query<Filter>,
    Query(notice): Query<Notice>,
) -> Result<Response, Refusal> {
    let mut page = gather(&portal, &caller, filter).await?;
    page.frame = page.frame.with_notice(&notice);
    Ok(render(&page))
}

async fn approve(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(device): Path<String>,
    Form(form): Form<ApprovalForm>,
) -> Result<Response, Refusal> {
    if let Err(error) = caller.require_fresh_code() {
        return Ok(lead_to_fresh_code(error.into(), "/admin/devices"));
    }
    let id = device.clone();
    let approved = portal.act(&caller, move |tx, caller| devices::approve(tx, caller, &id, &form.comparison_code));
    let refused = match approved.await {
        Ok(()) => return Ok(Redirect::to("/admin/devices?done=approved").into_response()),
        Err(refused) => refused,
    };
    let fault = match refused.code() {
        ErrorCode::ComparisonRefused => "devices-wrong-code",
        ErrorCode::AlreadyDecided => "devices-already-decided",
        _ => return Err(refused),
    };
    let mut page = gather(&portal, &caller, Filter::default()).await?;
    page.frame = page.frame.with_fault();
    page.is_refused_listed = page.pending.iter().any(|pending| pending.id == device);
    (page.refused, page.fault) = (device, caller.words.say(fault));
    Ok(render_refused(StatusCode::UNPROCESSABLE_ENTITY, &page))
}

async fn gather(portal: &Portal, caller: &Arc<Caller>, filter: Filter) -> Result<DevicesPage, Refusal> {
    let reader = Arc::clone(caller);
    let search = filter.search();
    let is_inside = search.after.is_some();
    let waits = search.state == "pending";
    // Further pages are of one list: what waits has a state of its own, all others have none or theirs.
    let shows = (waits || (search.state.is_empty() && !is_inside), !waits);
    let read = move |tx: &mut crate::store::Tx<'_>| {
        let (organisation, now_ms) = (&reader.organisation, reader.now_ms);
        let pending = match shows.0 {
            true => list::pending(tx, organisation, &search, PENDING_PAGE as u32 + 1, now_ms)?,
            false => Vec::new(),
        };
        let others = match shows.1 {
            true => list::decided(tx, organisation, &search, OTHERS_PAGE as u32 + 1, now_ms)?,
            false => Vec::new(),
        };
        let (fitting, _) = list::count_pending(tx, organisation, &search.text, now_ms)?;
        let mark = streams::mark(list::count_pending(tx, organisation, "", now_ms)?);
        Ok((pending, others, fitting, mark))
    };
    let (mut pending, mut others, fitting, mark) = portal.store.read(read).await?;
    let cut = |list: &mut Vec<DeviceView>, page: usize| {
        let is_more = list.len() > page;
        list.truncate(page);
        is_more
    };
    let next_pending = cut(&mut pending, PENDING_PAGE).then(|| filter.next("pending", pending.last())).flatten();
    let next_others = cut(&mut others, OTHERS_PAGE).then(|| filter.next(&filter.state, others.last())).flatten();
    Ok(DevicesPage {
        frame: Frame::of(caller, "devices", "devices-title"),
        shows,
        pending,
        count: caller.words.count("devices-count", fitting),
        mark,
        next_pending,
        others,
        next_others,
        code_first: code_first(caller, &filter.address()),
        barred: if caller.rules.two_person { caller.member.clone() } else { String::new() },
        refused: String::new(),
        fault: String::new(),
        is_refused_listed: false,
        filter,
    })
}
