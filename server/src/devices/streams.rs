//! Admins who watch devices being enrolled: a stream of hints (server-sent events) that says when another number of devices
//! waits, and ends with the session.
//!
//! A hint holds no name and no id; the page asks for itself again. The database is asked, not this process: a device may
//! have asked another portal.

use crate::access::Access;
use crate::caller::Caller;
use crate::devices::list;
use crate::identity::look_again;
use crate::portal::Portal;
use crate::problem::Refusal;
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio_util::io::ReaderStream;
use twinlock_core::Error;

const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Proxies cut a connection that is silent for a minute.
const ALIVE_EVERY: Duration = Duration::from_secs(15);
/// Streams of all admins; each costs one small query every two seconds.
const MOST: usize = 200;
/// Streams of one admin: a browser opens six connections at most, and pages need some.
const MOST_OF_ONE: usize = 4;

/// How many streams each admin has open.
#[derive(Clone, Default)]
pub struct Streams {
    open: Arc<Mutex<HashMap<(String, String), usize>>>,
}

/// One open stream; it makes room for another when it goes.
struct Place {
    streams: Streams,
    of: (String, String),
}

impl Streams {
    fn take(&self, caller: &Caller) -> Option<Place> {
        let of = (caller.organisation.clone(), caller.member.clone());
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = open.values().sum();
        let own = open.entry(of.clone()).or_insert(0);
        if all >= MOST || *own >= MOST_OF_ONE {
            return None;
        }
        *own += 1;
        Some(Place { streams: self.clone(), of })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.streams.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = open.get_mut(&self.of) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                open.remove(&self.of);
            }
        }
    }
}

/// What waits, in one word that changes with it: how many, and when the newest asked.
pub fn mark((waiting, newest_ms): (u64, u64)) -> String {
    format!("{waiting}-{newest_ms}")
}

/// Opens a stream for this admin.
pub fn open(portal: Portal, caller: Arc<Caller>) -> Result<Response, Refusal> {
    let place = portal.streams.take(&caller).ok_or(Error::Throttled { retry_after_ms: 60_000 })?;
    let (writer, reader) = tokio::io::duplex(1_024);
    tokio::spawn(async move {
        let _place = place;
        // Whoever went away is told nothing.
        let _ = tell(&portal, &caller, writer).await;
    });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    Ok((headers, Body::from_stream(ReaderStream::new(reader))).into_response())
}

async fn tell(portal: &Portal, caller: &Caller, mut to: DuplexStream) -> std::io::Result<()> {
    let (mut told, mut silent) = (String::new(), Duration::ZERO);
    loop {
        let Some(now) = look(portal, caller).await else {
            return to.write_all(b"event: end\ndata: end\n\n").await;
        };
        if now != told {
            to.write_all(format!("event: devices\ndata: {now}\n\n").as_bytes()).await?;
            (told, silent) = (now, Duration::ZERO);
        } else if silent >= ALIVE_EVERY {
            to.write_all(b": alive\n\n").await?;
            silent = Duration::ZERO;
        }
        // Nothing is ever read from the other end but that it has gone; its place is free at once.
        if tokio::time::timeout(LOOK_EVERY, to.read_u8()).await.is_ok() {
            return Ok(());
        }
        silent += LOOK_EVERY;
    }
}

/// What waits now; `None` if this admin may not know it any more.
async fn look(portal: &Portal, caller: &Caller) -> Option<String> {
    let now = look_again(portal, caller).await.ok()??;
    Access::Admin.check(&now).ok()?;
    let read = move |tx: &mut crate::store::Tx<'_>| list::count_pending(tx, &now.organisation, "", now.now_ms);
    portal.store.read(read).await.ok().map(mark)
}
