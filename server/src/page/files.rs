//! The organisation's files: list, upload, download, deletion.

use super::{Frame, Notice, render, render_refused};
use crate::access::{Access, Pages, get, post};
use crate::caller::Caller;
use crate::files::uploads::{self, MAX_FILE, MAX_FILES, UploadFault};
use crate::files::{self, OwnedFile};
use crate::organisations;
use crate::portal::Portal;
use crate::problem::Refusal;
use askama::Template;
use axum::Extension;
use axum::extract::{Path, Query, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use std::sync::Arc;
use twinlock_core::Error;

#[derive(Template)]
#[template(path = "files.html")]
struct FilesPage {
    frame: Frame,
    organisation: String,
    files: Vec<OwnedFile>,
    /// Whether the caller may delete one of them.
    may_delete: bool,
    fault: String,
}

#[derive(Template)]
#[template(path = "file_delete.html")]
struct DeletePage {
    frame: Frame,
    organisation: String,
    file: String,
}

pub(super) fn routes(pages: Pages) -> Pages {
    pages.route(Access::Ready, "/files", get(show)).route(Access::Ready, "/files/{file}", get(download)).route(
        Access::Ready,
        "/files/{file}/delete",
        get(ask_to_delete).post(delete),
    )
}

/// What takes larger bodies than every other route.
pub(super) fn uploads(pages: Pages) -> Pages {
    pages.route(Access::Ready, "/files/upload", post(upload))
}

async fn show(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Query(notice): Query<Notice>,
) -> Result<Response, Refusal> {
    let mut page = files_page(&portal, &caller, String::new()).await?;
    page.frame = page.frame.with_notice(&notice);
    Ok(render(&page))
}

async fn files_page(portal: &Portal, caller: &Arc<Caller>, fault: String) -> Result<FilesPage, Refusal> {
    let reader = Arc::clone(caller);
    let read = move |tx: &mut crate::store::Tx<'_>| {
        Ok((organisations::name(tx, &reader.organisation)?, files::list_owned(tx, &reader, "")?))
    };
    let (organisation, files) = portal.store.read(read).await?;
    let may_delete = files.iter().any(|file| file.may_delete);
    Ok(FilesPage { frame: Frame::of(caller, "files", "files-title"), organisation, files, may_delete, fault })
}

async fn upload(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    request: Request,
) -> Result<Response, Refusal> {
    let Err(fault) = uploads::receive(&portal, &caller, request).await else {
        return Ok(Redirect::to("/files?done=uploaded").into_response());
    };
    let words = &caller.words;
    let size = || words.with("files-too-large", &[("size", words.size(MAX_FILE).into())]);
    let (status, said) = match fault {
        UploadFault::NoneChosen => (StatusCode::UNPROCESSABLE_ENTITY, words.say("files-none-chosen")),
        UploadFault::Name => (StatusCode::UNPROCESSABLE_ENTITY, words.say("files-name-refused")),
        UploadFault::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, size()),
        UploadFault::Broken => (StatusCode::BAD_REQUEST, words.say("files-broken")),
        UploadFault::Full => (StatusCode::CONFLICT, words.count("files-full", MAX_FILES)),
        UploadFault::Portal(refusal) => return Err(refusal),
    };
    let mut page = files_page(&portal, &caller, said).await?;
    page.frame = page.frame.with_fault();
    Ok(render_refused(status, &page))
}

async fn download(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(file): Path<String>,
) -> Result<Response, Refusal> {
    files::download(&portal, &caller, file).await
}

async fn ask_to_delete(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let reader = Arc::clone(&caller);
    let read = move |tx: &mut crate::store::Tx<'_>| {
        Ok((organisations::name(tx, &reader.organisation)?, files::list_owned(tx, &reader, &id)?.pop()))
    };
    let (organisation, file) = portal.store.read(read).await?;
    let file = file.ok_or(Error::NotFound)?;
    if !file.may_delete {
        return Err(Error::Forbidden.into());
    }
    let title = caller.words.with("files-delete-title", &[("name", file.name.into())]);
    Ok(render(&DeletePage { frame: Frame::titled(&caller, "files", title), organisation, file: file.id }))
}

async fn delete(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    files::delete(&portal, &caller, id).await?;
    Ok(Redirect::to("/files?done=deleted").into_response())
}
