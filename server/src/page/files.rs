//! The organisation's files.

use super::{Frame, Notice, render, time};
use crate::access::{Access, Pages, get};
use crate::caller::Caller;
use crate::files;
use crate::organisations;
use crate::portal::Portal;
use crate::problem::Refusal;
use askama::Template;
use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use std::sync::Arc;

#[derive(Template)]
#[template(path = "files.html")]
struct FilesPage {
    frame: Frame,
    organisation: String,
    files: Vec<FileRow>,
}

struct FileRow {
    id: String,
    name: String,
    size: String,
    changed: String,
}

pub(super) fn routes(pages: Pages) -> Pages {
    pages.route(Access::Ready, "/files", get(show)).route(Access::Ready, "/files/{file}", get(download))
}

async fn show(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Query(notice): Query<Notice>,
) -> Result<Response, Refusal> {
    let organisation = caller.organisation.clone();
    let (organisation, entries) = portal
        .store
        .read(move |tx| Ok((organisations::name(tx, &organisation)?, files::list(tx, &organisation, "")?)))
        .await?;
    let row = |entry: twinlock_core::wire::FileEntry| FileRow {
        id: entry.id,
        name: entry.name,
        size: size(entry.size),
        changed: time(entry.modified_ms),
    };
    let frame = Frame::of(&caller, "files", "Files").with_notice(&notice);
    Ok(render(&FilesPage { frame, organisation, files: entries.into_iter().map(row).collect() }))
}

async fn download(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(file): Path<String>,
) -> Result<Response, Refusal> {
    files::download(&portal, &caller, file).await
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{}.{} kB", bytes / 1_000, bytes % 1_000 / 100),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
    }
}
