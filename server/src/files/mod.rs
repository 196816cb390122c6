//! The organisation's files: what is being protected has to be there.

pub mod name;
pub mod uploads;

use crate::access::{Access, Api};
use crate::audit::{self, Event};
use crate::caller::{Caller, Role};
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
    INSERT_FILE = "INSERT INTO file (organisation, id, name, size, sha256, modified_ms, added_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    LIST_FILES = "SELECT id, name, size, modified_ms, sha256 FROM file
        WHERE organisation = $1 AND ($2 = '' OR id = $2) ORDER BY name, id LIMIT 1000";
    LIST_OWNED_FILES = "SELECT f.id, f.name, f.size, f.modified_ms, f.added_by, COALESCE(m.name, '')
        FROM file f LEFT JOIN member m ON m.organisation = f.organisation AND m.id = f.added_by
        WHERE f.organisation = $1 AND ($2 = '' OR f.id = $2) ORDER BY f.name, f.id LIMIT 1000";
    DELETE_FILE = "DELETE FROM file WHERE organisation = $1 AND id = $2";
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
    let Some(name) = name::normal(&name) else {
        return Err(Refusal::from(Error::BadRequest).explained("error-detail-file-name"));
    };
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
            let file = NewFile { id: &added, name: &name, size, sha256: &sha256, member: "" };
            insert(tx, &organisation, &file, now_ms)?;
            audit::record(tx, &organisation, &Event::by_operator(now_ms, "file.added", &added, json!({ "name": name })))
        })
        .await?;
    Ok(id)
}

/// A file that is stored already, for its row.
pub struct NewFile<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its name, in its normal form.
    pub name: &'a str,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of its content, in hexadecimal.
    pub sha256: &'a str,
    /// The id of the member who added it; empty for the operator.
    pub member: &'a str,
}

/// Adds a file's row.
pub fn insert(tx: &mut Tx<'_>, organisation: &str, file: &NewFile<'_>, now_ms: u64) -> Result<(), StoreError> {
    let values = [
        organisation.into(),
        file.id.into(),
        file.name.into(),
        file.size.into(),
        file.sha256.into(),
        now_ms.into(),
        file.member.into(),
    ];
    tx.exec(INSERT_FILE, &values).map(drop)
}

/// A file as its page shows it.
pub struct OwnedFile {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// When it was added, epoch milliseconds.
    pub modified_ms: u64,
    /// Who added it, by name; empty for the operator.
    pub added_by: String,
    /// Whether the caller may delete it.
    pub may_delete: bool,
}

/// The files of the caller's organisation, or the one with this `id`; empty for all.
pub fn list_owned(tx: &mut Tx<'_>, caller: &Caller, id: &str) -> Result<Vec<OwnedFile>, StoreError> {
    let rows = tx.query(LIST_OWNED_FILES, &[(&caller.organisation).into(), id.into()])?;
    let read = |row: &crate::store::Row| {
        Ok(OwnedFile {
            id: row.text(0)?.to_owned(),
            name: row.text(1)?.to_owned(),
            size: row.unsigned(2)?,
            modified_ms: row.unsigned(3)?,
            added_by: row.text(5)?.to_owned(),
            may_delete: caller.role == Role::Admin || row.text(4)? == caller.member,
        })
    };
    rows.iter().map(read).collect()
}

/// Deletes a file: admins any, a member the own ones.
pub async fn delete(portal: &PortalState, caller: &Arc<Caller>, id: String) -> Result<(), Refusal> {
    let path = path_of(portal, &caller.organisation, &id);
    let deleted = portal.act(caller, move |tx, caller| {
        // The role of this moment: it may have been taken away since the guard looked.
        let Some(now) = caller.as_of_now(tx)? else { return Ok(Err(Error::SessionEnded)) };
        let Some(file) = list_owned(tx, &now, if id.is_empty() { "-" } else { &id })?.pop() else {
            return Ok(Err(Error::NotFound));
        };
        if !file.may_delete {
            return Ok(Err(Error::Forbidden));
        }
        tx.exec(DELETE_FILE, &[(&caller.organisation).into(), (&file.id).into()])?;
        let detail = json!({ "name": file.name, "size": file.size });
        audit::record(tx, &caller.organisation, &Event::by(caller, "file.deleted", &file.id, detail))?;
        Ok(Ok(()))
    });
    deleted.await?;
    // Nobody reaches it any more; what stays on the disk is the operator's to look at.
    if let Err(fault) = tokio::fs::remove_file(path).await {
        tracing::error!(%fault, "a deleted file could not be removed from the disk");
    }
    Ok(())
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
pub fn path_of(portal: &PortalState, organisation: &str, id: &str) -> PathBuf {
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
