//! Admin → Audit: the log with filters, and one entry with an address of its own. Auditors read it, too.

use super::event::{self, EventRow, said};
use super::{Frame, encode, render};
use crate::access::{Access, Pages, get};
use crate::audit::{self, Search};
use crate::caller::Caller;
use crate::health::look_at_clock;
use crate::portal::Portal;
use crate::problem::Refusal;
use crate::store::Tx;
use askama::Template;
use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use jiff::civil::Date;
use serde::Deserialize;
use std::sync::Arc;
use twinlock_core::Error;

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    frame: Frame,
    clock_warning: Option<&'static str>,
    filter: Filter,
    chips: Vec<Chip>,
    kinds: Vec<(String, String)>,
    /// A day of the filter is none.
    fault: String,
    entries: Vec<LoggedRow>,
    /// The newest entries again, from a further page; or empty.
    newest: String,
    next: Option<String>,
}

/// An entry with the addresses that narrow the list to its like.
struct LoggedRow {
    event: EventRow,
    of_actor: String,
    of_kind: String,
    of_target: String,
}

#[derive(Template)]
#[template(path = "audit_entry.html")]
struct EntryPage {
    frame: Frame,
    entry: EventRow,
}

/// A filter in use, and the address without it.
struct Chip {
    text: String,
    without: String,
}

/// What the address narrows the log to.
#[derive(Debug, Clone, Default, Deserialize)]
struct Filter {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    actor: String,
    #[serde(default)]
    target: String,
    /// The first and the last day, in UTC, as a browser's date field sends them.
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
    #[serde(default)]
    q: String,
    #[serde(default)]
    before: String,
}

const PAGE: u32 = 50;

/// What an entry can be about, in the order of the filter.
const KINDS: [&str; 18] = [
    "policy",
    "proposal",
    "exception",
    "two_step",
    "recovery",
    "code",
    "device",
    "pin",
    "session",
    "member",
    "file",
    "sso",
    "host",
    "back_end",
    "mail",
    "organisation",
    "backup",
    "clock",
];

impl Filter {
    fn is_on(&self) -> bool {
        [&self.kind, &self.actor, &self.target, &self.from, &self.to, &self.q].iter().any(|value| !value.is_empty())
    }

    fn address(&self) -> String {
        let values = [
            ("kind", &self.kind),
            ("actor", &self.actor),
            ("target", &self.target),
            ("from", &self.from),
            ("to", &self.to),
            ("q", &self.q),
            ("before", &self.before),
        ];
        let set = values.iter().filter(|(_, value)| !value.is_empty());
        let query: Vec<_> = set.map(|(name, value)| format!("{name}={}", encode(value))).collect();
        if query.is_empty() { "/admin/audit".to_owned() } else { format!("/admin/audit?{}", query.join("&")) }
    }

    /// The address with one more part of the filter, from the newest entry on.
    fn with(&self, change: impl FnOnce(&mut Self)) -> String {
        let mut changed = Self { before: String::new(), ..self.clone() };
        change(&mut changed);
        changed.address()
    }
}

pub(super) fn routes(pages: Pages) -> Pages {
    pages.route(Access::Audit, "/admin/audit", get(show)).route(Access::Audit, "/admin/audit/{entry}", get(show_entry))
}

async fn show(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Query(filter): Query<Filter>,
) -> Result<Response, Refusal> {
    let (from_ms, until_ms) = (day(&filter.from, 0), day(&filter.to, 1));
    let is_fault = (from_ms.is_none() && !filter.from.is_empty()) || (until_ms.is_none() && !filter.to.is_empty());
    let (reader, wanted) = (Arc::clone(&caller), filter.clone());
    let read = move |tx: &mut Tx<'_>| {
        let (organisation, words) = (&reader.organisation, &reader.words);
        let (actor, actor_name) = audit::resolve(tx, organisation, &wanted.actor)?;
        let (target, target_name) = audit::resolve(tx, organisation, &wanted.target)?;
        let search = Search {
            kind: wanted.kind,
            actor,
            target,
            from_ms: from_ms.unwrap_or(0),
            until_ms: until_ms.unwrap_or(0),
            text: wanted.q.chars().take(200).collect(),
            before: wanted.before,
        };
        let found = audit::search(tx, organisation, &search, PAGE + 1)?;
        let rows = found.iter().take(PAGE as usize).map(|entry| event::row(tx, organisation, words, entry));
        let rows = rows.collect::<Result<Vec<_>, _>>()?;
        Ok((rows, found.len() > PAGE as usize, actor_name, target_name))
    };
    let (entries, is_more, actor_name, target_name) = portal.store.read(read).await?;
    let words = &caller.words;
    let next = entries.last().filter(|_| is_more);
    let next = next.map(|last| Filter { before: last.id.clone(), ..filter.clone() }.address());
    let logged = |event: EventRow| LoggedRow {
        of_actor: filter.with(|filter| filter.actor.clone_from(&event.actor_id)),
        of_kind: filter.with(|filter| filter.kind.clone_from(&event.action)),
        of_target: filter.with(|filter| filter.target.clone_from(&event.target)),
        event,
    };
    let entries = entries.into_iter().map(logged).collect();
    let kind_said = |kind: &str| words.find(&format!("audit-kind-{}", kind.replace('_', "-")), &[]);
    let mut chips = Vec::new();
    let mut chip = |key: &str, value: &str, without: String| {
        if !value.is_empty() {
            chips.push(Chip { text: format!("{}: {value}", words.say(key)), without });
        }
    };
    let kind = kind_said(&filter.kind).unwrap_or_else(|| said(words, &filter.kind));
    chip("audit-kind", &kind, filter.with(|filter| filter.kind.clear()));
    chip("audit-actor", &actor_name, filter.with(|filter| filter.actor.clear()));
    chip("audit-target", &target_name, filter.with(|filter| filter.target.clear()));
    chip("audit-from", &filter.from, filter.with(|filter| filter.from.clear()));
    chip("audit-to", &filter.to, filter.with(|filter| filter.to.clear()));
    chip("audit-text", &filter.q, filter.with(|filter| filter.q.clear()));
    let mut kinds: Vec<_> =
        KINDS.iter().map(|kind| ((*kind).to_owned(), kind_said(kind).unwrap_or_default())).collect();
    // One action alone is chosen by a click in the list.
    if filter.kind.contains('.') {
        kinds.push((filter.kind.clone(), kind));
    }
    let page = AuditPage {
        frame: Frame::of(&caller, "audit", "audit-title"),
        clock_warning: look_at_clock(&portal).await?.key(),
        fault: if is_fault { words.say("audit-day-fault") } else { String::new() },
        newest: if filter.before.is_empty() { String::new() } else { filter.with(|_| ()) },
        filter,
        chips,
        kinds,
        entries,
        next,
    };
    Ok(render(&page))
}

async fn show_entry(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(entry): Path<String>,
) -> Result<Response, Refusal> {
    let reader = Arc::clone(&caller);
    let read = move |tx: &mut Tx<'_>| {
        let found = audit::find(tx, &reader.organisation, &entry)?;
        found.map(|entry| event::row(tx, &reader.organisation, &reader.words, &entry)).transpose()
    };
    let entry = portal.store.read(read).await?.ok_or(Error::NotFound)?;
    let values = [("what", entry.what.clone().into()), ("at", entry.at_utc.clone().into())];
    let frame = Frame::titled(&caller, "audit", caller.words.with("audit-entry-title", &values));
    Ok(render(&EntryPage { frame, entry }))
}

/// The beginning of a day in UTC, so many days later, in epoch milliseconds.
fn day(text: &str, later: i64) -> Option<u64> {
    let start = text.parse::<Date>().ok()?.at(0, 0, 0, 0).in_tz("UTC").ok()?.timestamp().as_millisecond();
    u64::try_from(start.checked_add(later * 86_400_000)?).ok()
}
