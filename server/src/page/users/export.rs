//! Admin → Users as CSV, with the filter, the search and the order of the page.

use super::query::ListQuery;
use crate::access::{Access, Pages, get};
use crate::audit::{self, Event};
use crate::caller::Caller;
use crate::members::list::{self, Cursor, From, Wanted};
use crate::members::status::MemberView;
use crate::portal::Portal;
use crate::problem::Refusal;
use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde_json::json;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

/// Members that are read at once.
const CHUNK: usize = 500;
const HEAD: [&str; 9] =
    ["id", "name", "email", "role", "account", "two_step_status", "until", "approved_devices", "last_seen"];

pub(super) fn routes(pages: Pages) -> Pages {
    pages.route(Access::Admin, "/admin/users.csv", get(export))
}

async fn export(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Query(query): Query<ListQuery>,
) -> Result<Response, Refusal> {
    let (wanted, _) = query.read()?;
    let told = json!({ "status": wanted.status, "role": wanted.role, "search": wanted.q });
    // Whoever takes the list away is recorded before a row leaves.
    portal
        .act(&caller, move |tx, caller| {
            audit::record(
                tx,
                &caller.organisation,
                &Event::by(caller, "members.exported", &caller.organisation, told),
            )?;
            Ok(Ok(()))
        })
        .await?;
    let day = i64::try_from(caller.now_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or_default();
    let name = day.strftime("attachment; filename=\"users-%Y-%m-%d.csv\"").to_string();
    let (parts, receiver) = mpsc::channel(2);
    tokio::spawn(write_parts(Export { portal, caller, wanted, from: Some(From::Start), is_first: true }, parts));
    let headers = [(header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, Body::from_stream(ReceiverStream::new(receiver))).into_response())
}

/// Part by part, as fast as they are taken. An error breaks the transfer, so that nobody takes half a list for a whole one.
async fn write_parts(mut export: Export, parts: mpsc::Sender<std::io::Result<Bytes>>) {
    while let Some(part) = export.next().await.transpose() {
        let is_over = part.is_err();
        if parts.send(part).await.is_err() || is_over {
            return;
        }
    }
}

struct Export {
    portal: Portal,
    caller: Arc<Caller>,
    wanted: Wanted,
    /// Where the next part begins; `None` behind the last.
    from: Option<From>,
    is_first: bool,
}

impl Export {
    /// The next part of the file; `None` behind the last.
    async fn next(&mut self) -> std::io::Result<Option<Bytes>> {
        let Some(from) = self.from.take() else { return Ok(None) };
        let (caller, wanted) = (Arc::clone(&self.caller), self.wanted.clone());
        let read = self
            .portal
            .store
            .read(move |tx| list::page(tx, &caller.organisation, &wanted, &from, CHUNK, caller.now_ms));
        let part = read.await.map_err(std::io::Error::other)?;
        let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
        if self.is_first {
            writer.write_record(HEAD)?;
        }
        for member in &part.members {
            writer.write_record(record(member))?;
        }
        self.is_first = false;
        self.from =
            part.members.last().filter(|_| part.has_after).map(|last| From::After(Cursor::at(last, self.wanted.sort)));
        let bytes = writer.into_inner().map_err(|fault| std::io::Error::other(fault.to_string()))?;
        Ok(Some(bytes.into()))
    }
}

fn record(member: &MemberView) -> [String; 9] {
    let time = |ms: Option<u64>| ms.filter(|ms| *ms > 0).map(utc).unwrap_or_default();
    [
        &member.id,
        &member.name,
        &member.email,
        &member.role,
        &member.state,
        &member.two_step,
        &time(member.until_ms),
        &member.devices.to_string(),
        &time(Some(member.seen_ms)),
    ]
    .map(|cell| guard(cell))
}

fn utc(ms: u64) -> String {
    let at = i64::try_from(ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    at.map(|at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()).unwrap_or_default()
}

/// A spreadsheet runs what looks like a formula; behind an apostrophe it is text.
fn guard(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']) {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_formula_is_text() {
        for formula in ["=1+1", "+49", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1"] {
            assert_eq!(guard(formula), format!("'{formula}"));
        }
        assert_eq!(guard("Ada =1"), "Ada =1");
        assert_eq!(guard(""), "");
    }
}
