//! Admin → Audit: the newest entries.

use super::{Frame, render, time};
use crate::access::{Access, Pages, get};
use crate::audit;
use crate::caller::Caller;
use crate::health::look_at_clock;
use crate::portal::Portal;
use crate::problem::Refusal;
use askama::Template;
use axum::Extension;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    frame: Frame,
    clock_warning: Option<&'static str>,
    entries: Vec<EntryRow>,
    next: Option<String>,
}

struct EntryRow {
    at: String,
    actor: String,
    action: String,
    target: String,
    detail: String,
    address: String,
}

#[derive(Deserialize)]
struct Paging {
    #[serde(default)]
    before: String,
}

const PAGE: u32 = 100;

pub(super) fn routes(pages: Pages) -> Pages {
    pages.route(Access::Audit, "/admin/audit", get(show))
}

async fn show(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Query(paging): Query<Paging>,
) -> Result<Response, Refusal> {
    let organisation = caller.organisation.clone();
    let entries = portal.store.read(move |tx| audit::list(tx, &organisation, &paging.before, PAGE)).await?;
    let text = |entry: &Value, name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let next = entries.last().filter(|_| entries.len() == PAGE as usize).map(|last| text(last, "id"));
    let row = |entry: &Value| EntryRow {
        at: time(entry.get("at_ms").and_then(Value::as_u64).unwrap_or_default()),
        actor: entry.get("actor").map(|actor| text(actor, "name")).unwrap_or_default(),
        action: text(entry, "action"),
        target: text(entry, "target"),
        detail: entry
            .get("detail")
            .filter(|detail| **detail != serde_json::json!({}))
            .map(Value::to_string)
            .unwrap_or_default(),
        address: text(entry, "address"),
    };
    let frame = Frame::of(&caller, "audit", "Audit log");
    let clock_warning = look_at_clock(&portal).await?.warning();
    Ok(render(&AuditPage { frame, clock_warning, entries: entries.iter().map(row).collect(), next }))
}
