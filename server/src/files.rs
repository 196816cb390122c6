//! The organisation's files: what is being protected has to be there.

use crate::access::{Access, Api};
use crate::audit::{self, Event};
use crate::caller::Caller;
use crate::portal::{Portal, PortalState};
use crate::problem::Refusal;
use crate::store::{StoreError, Tx};
use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use ring::digest::{SHA256, digest};
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;
use tokio_util::io::ReaderStream;
use twinlock_core::Error;
use twinlock_core::wire::{FileEntry, FileList};
use uuid::Uuid;

crate::statements! {
    INSERT_FILE = "INSERT INTO file (organisation, id, name, size, sha256, modified_ms) VALUES ($1, $2, $3, $4, $5, $6)";
    LIST_FILES = "SELECT id, name, size, modified_ms, sha256 FROM file
        WHERE organisation = $1 AND ($2 = '' OR id = $2) ORDER BY name, id LIMIT 1000";
}

/// RFC 8187 `attr-char` without the characters that some clients misread.
const FILE_NAME: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_');

/// This resource's routes.
pub fn routes(api: Api) -> Api {
    api.route(Access::Ready, utoipa_axum::routes!(get_files)).route(Access::Ready, utoipa_axum::routes!(get_file))
}

/// The files of an organisation, or the one with this `id`; empty for all.
pub fn list(tx: &mut Tx<'_>, organisation: &str, id: &str) -> Result<Vec<FileEntry>, StoreError> {
    let rows = tx.query(LIST_FILES, &[organisation.into(), id.into()])?;
    let entry = |row: &crate::store::Row| {
        Ok(FileEntry {
            id: row.text(0)?.to_owned(),
            name: row.text(1)?.to_owned(),
            size: row.unsigned(2)?,
            modified_ms: row.unsigned(3)?,
            sha256: row.text(4)?.to_owned(),
        })
    };
    rows.iter().map(entry).collect()
}

/// Adds a file of the operator's; returns its id. The name is a name, never a path.
pub async fn add(
    portal: &PortalState,
    organisation: String,
    name: String,
    content: Vec<u8>,
) -> Result<String, Refusal> {
    let is_name =
        (1..=200).contains(&name.chars().count()) && !name.chars().any(|c| c.is_control() || matches!(c, '/' | '\\'));
    if !is_name {
        return Err(Refusal::from(Error::BadRequest).with_detail("The file's name holds a path or control characters."));
    }
    let now_ms = portal.now_ms()?;
    let id = Uuid::now_v7().simple().to_string();
    let path = path_of(portal, &organisation, &id);
    let sha256 = data_encoding::HEXLOWER.encode(digest(&SHA256, &content).as_ref());
    let size = content.len() as u64;
    let written = async {
        if let Some(folder) = path.parent() {
            tokio::fs::create_dir_all(folder).await?;
        }
        tokio::fs::write(&path, content).await
    };
    written.await.map_err(|fault| {
        tracing::error!(%fault, "a file could not be written");
        Error::PortalUnavailable
    })?;
    let added = id.clone();
    portal
        .store
        .write(move |tx| {
            tx.exec(
                INSERT_FILE,
                &[
                    (&organisation).into(),
                    (&added).into(),
                    (&name).into(),
                    size.into(),
                    (&sha256).into(),
                    now_ms.into(),
                ],
            )?;
            audit::record(tx, &organisation, &Event::by_operator(now_ms, "file.added", &added, json!({ "name": name })))
        })
        .await?;
    Ok(id)
}

/// A file's content, as a download.
pub async fn download(portal: &PortalState, caller: &Arc<Caller>, id: String) -> Result<Response, Refusal> {
    let found = portal.act(caller, move |tx, caller| {
        // An empty id would list all.
        let entry = list(tx, &caller.organisation, if id.is_empty() { "-" } else { &id })?.pop();
        let Some(entry) = entry else { return Ok(Err(Error::NotFound)) };
        let detail = json!({ "name": entry.name, "surface": caller.surface });
        audit::record(tx, &caller.organisation, &Event::by(caller, "file.downloaded", &entry.id, detail))?;
        Ok(Ok(entry))
    });
    let entry = found.await?;
    let file = tokio::fs::File::open(path_of(portal, &caller.organisation, &entry.id)).await.map_err(|fault| {
        tracing::error!(%fault, file = entry.id, "a file could not be read");
        Error::PortalUnavailable
    })?;
    let disposition = format!("attachment; filename*=UTF-8''{}", utf8_percent_encode(&entry.name, FILE_NAME));
    let value = |text: &str| HeaderValue::from_str(text).map_err(|_| Error::Internal);
    let headers: [(HeaderName, HeaderValue); 4] = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
        (header::CONTENT_DISPOSITION, value(&disposition)?),
        (header::CONTENT_LENGTH, value(&entry.size.to_string())?),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, Body::from_stream(ReaderStream::new(file))).into_response())
}

/// Ids are the portal's own, hexadecimal: nothing that a caller sends becomes a path.
fn path_of(portal: &PortalState, organisation: &str, id: &str) -> PathBuf {
    portal.config.data.join("files").join(organisation).join(id)
}

/// Lists the organisation's files by name.
#[utoipa::path(get, path = "/v1/files", responses((status = 200, body = FileList)))]
async fn get_files(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<axum::Json<FileList>, Refusal> {
    let files = portal.store.read(move |tx| list(tx, &caller.organisation, "")).await?;
    Ok(axum::Json(FileList { files }))
}

/// Downloads a file.
#[utoipa::path(get, path = "/v1/files/{file}", params(("file" = String, Path)),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream")))]
async fn get_file(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(file): Path<String>,
) -> Result<Response, Refusal> {
    download(&portal, &caller, file).await
}
