//! Files that members add: received piece by piece, so that none is ever whole in memory.

use crate::audit::{self, Event};
use crate::caller::Caller;
use crate::files;
use crate::files::name;
use crate::portal::PortalState;
use crate::problem::Refusal;
use crate::store::Tx;
use axum::body::{Body, BodyDataStream};
use axum::extract::multipart::Field;
use axum::extract::{FromRequest, Multipart, Request};
use bytes::Bytes;
use data_encoding::HEXLOWER;
use ring::digest::{Context, SHA256};
use serde_json::json;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{self, Poll};
use tokio::io::AsyncWriteExt;
use tokio_stream::Stream;
use twinlock_core::Error;
use uuid::Uuid;

crate::statements! {
    COUNT_FILES = "SELECT CAST(count(*) AS BIGINT) FROM file WHERE organisation = $1";
}

/// The largest file, in bytes.
pub const MAX_FILE: u64 = 64 << 20;
/// The most that comes before the file.
const MAX_BEFORE: u64 = 64 << 10;
/// As many as the list shows.
pub const MAX_FILES: u64 = 1_000;
/// The form's field.
const FIELD: &str = "file";

/// Why a file was not taken.
#[derive(Debug)]
pub enum UploadFault {
    /// The form came without a file.
    NoneChosen,
    /// Its name is a path, too long, or holds what no name holds.
    Name,
    /// It is larger than [`MAX_FILE`].
    TooLarge,
    /// It did not arrive whole, or the request was no upload.
    Broken,
    /// There are [`MAX_FILES`] already.
    Full,
    /// Anything else.
    Portal(Refusal),
}

impl<E: Into<Refusal>> From<E> for UploadFault {
    fn from(fault: E) -> Self {
        Self::Portal(fault.into())
    }
}

/// Takes the file out of a form and adds it to those of the caller's organisation. Returns its id.
pub async fn receive(portal: &PortalState, caller: &Arc<Caller>, request: Request) -> Result<String, UploadFault> {
    let allowed = Arc::new(AtomicU64::new(MAX_BEFORE));
    let request = request.map(|body| Body::from_stream(Pieces::of(body, Arc::clone(&allowed))));
    let mut form = Multipart::from_request(request, &()).await.map_err(|_| UploadFault::Broken)?;
    let field = form.next_field().await.map_err(|_| UploadFault::Broken)?.ok_or(UploadFault::NoneChosen)?;
    let name = field.file_name().unwrap_or_default();
    if field.name() != Some(FIELD) || name.is_empty() {
        return Err(UploadFault::NoneChosen);
    }
    let name = name::normal(name).ok_or(UploadFault::Name)?;
    allowed.store(u64::MAX, Ordering::Relaxed);
    let organisation = caller.organisation.clone();
    let stored = portal.store.read(move |tx| count(tx, &organisation)).await?;
    if stored >= MAX_FILES {
        return Err(UploadFault::Full);
    }
    let id = Uuid::now_v7().simple().to_string();
    let mut kept = Kept::new(files::path_of(portal, &caller.organisation, &id));
    let (size, sha256) = kept.write(field).await?;
    let added = id.clone();
    let insert = portal.act(caller, move |tx, caller| {
        let (organisation, member) = (&caller.organisation, &caller.member);
        if count(tx, organisation)? >= MAX_FILES {
            return Ok(Ok(false));
        }
        files::insert(
            tx,
            organisation,
            &files::NewFile { id: &added, name: &name, size, sha256: &sha256, member },
            caller.now_ms,
        )?;
        let detail = json!({ "name": name, "size": size });
        audit::record(tx, organisation, &Event::by(caller, "file.added", &added, detail))?;
        Ok(Ok(true))
    });
    if !insert.await? {
        return Err(UploadFault::Full);
    }
    kept.is_final = true;
    Ok(id)
}

fn count(tx: &mut Tx<'_>, organisation: &str) -> Result<u64, crate::store::StoreError> {
    let row = tx.query_one(COUNT_FILES, &[organisation.into()])?;
    row.map_or(Ok(0), |row| row.unsigned(0))
}

/// A body that comes piece by piece, and breaks off once more than `allowed` has come: a reader of forms takes all that is
/// ready, and collects in memory what comes before the file.
struct Pieces {
    body: BodyDataStream,
    seen: u64,
    allowed: Arc<AtomicU64>,
    /// A piece was just given: let its reader work first.
    is_pausing: bool,
}

impl Pieces {
    fn of(body: Body, allowed: Arc<AtomicU64>) -> Self {
        Self { body: body.into_data_stream(), seen: 0, allowed, is_pausing: false }
    }
}

impl Stream for Pieces {
    type Item = Result<Bytes, std::io::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut task::Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.is_pausing) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.seen > self.allowed.load(Ordering::Relaxed) {
            return Poll::Ready(Some(Err(std::io::Error::other("more than is taken"))));
        }
        let piece = task::ready!(Pin::new(&mut self.body).poll_next(context));
        if let Some(Ok(piece)) = &piece {
            self.seen += piece.len() as u64;
            self.is_pausing = true;
        }
        Poll::Ready(piece.map(|piece| piece.map_err(std::io::Error::other)))
    }
}

/// A file on disk that goes away again unless everything about it is stored.
struct Kept {
    path: PathBuf,
    is_final: bool,
}

impl Kept {
    fn new(path: PathBuf) -> Self {
        Self { path, is_final: false }
    }

    /// Writes what comes; returns its size and hash.
    async fn write(&self, mut field: Field<'_>) -> Result<(u64, String), UploadFault> {
        let failed = |fault: std::io::Error| {
            tracing::error!(%fault, "a file could not be written");
            UploadFault::from(Error::PortalUnavailable)
        };
        if let Some(folder) = self.path.parent() {
            tokio::fs::create_dir_all(folder).await.map_err(failed)?;
        }
        let mut file = tokio::fs::File::create_new(&self.path).await.map_err(failed)?;
        let (mut size, mut hash) = (0, Context::new(&SHA256));
        loop {
            let piece = match field.chunk().await {
                Ok(Some(piece)) => piece,
                Ok(None) => break,
                Err(_) => return Err(UploadFault::Broken),
            };
            size += piece.len() as u64;
            if size > MAX_FILE {
                // Read on: a browser that cannot send the rest shows its own page instead of ours.
                while let Ok(Some(_)) = field.chunk().await {}
                return Err(UploadFault::TooLarge);
            }
            hash.update(&piece);
            file.write_all(&piece).await.map_err(failed)?;
        }
        file.sync_all().await.map_err(failed)?;
        Ok((size, HEXLOWER.encode(hash.finish().as_ref())))
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if !self.is_final
            && let Err(fault) = std::fs::remove_file(&self.path)
            && fault.kind() != std::io::ErrorKind::NotFound
        {
            tracing::error!(%fault, "an unfinished file could not be removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio_stream::StreamExt;

    #[tokio::test]
    async fn what_comes_before_a_file_is_cut_off() {
        let piece = || Ok::<_, std::io::Error>(Bytes::from(vec![b'a'; 40 << 10]));
        let body = Body::from_stream(tokio_stream::iter([piece(), piece(), piece(), piece()]));
        let allowed = Arc::new(AtomicU64::new(MAX_BEFORE));
        let mut pieces = Pieces::of(body, Arc::clone(&allowed));
        assert!(pieces.next().await.unwrap().is_ok() && pieces.next().await.unwrap().is_ok());
        assert!(pieces.next().await.unwrap().is_err());
        // Once the file has begun, it is its own size that counts.
        allowed.store(u64::MAX, Ordering::Relaxed);
        assert!(pieces.next().await.unwrap().is_ok() && pieces.next().await.unwrap().is_ok());
        assert!(pieces.next().await.is_none());
    }
}
