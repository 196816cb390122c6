//! Probes for the operator, on a listener of their own.

use crate::portal::Portal;
use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use serde::Serialize;
use std::path::Path;

/// Whether the portal can do its work.
#[derive(Debug, Serialize)]
struct Readiness {
    ready: bool,
    database: bool,
    clock: &'static str,
    warnings: Vec<&'static str>,
}

crate::statements! {
    FIND_NEWEST_MARK = "SELECT CAST(COALESCE(max(clock_mark_ms), 0) AS BIGINT) FROM organisation";
}

/// `/healthz`: the process answers. `/readyz`: database and clock are fit for work, with warnings.
pub fn router(portal: Portal) -> Router {
    Router::new().route("/healthz", get(|| async { "ok\n" })).route("/readyz", get(ready)).with_state(portal)
}

async fn ready(State(portal): State<Portal>) -> (StatusCode, Json<Readiness>) {
    let mark = portal.store.read(|tx| tx.query_one(FIND_NEWEST_MARK, &[])).await;
    let mark_ms = mark.ok().flatten().and_then(|row| row.unsigned(0).ok());
    let now_ms = portal.now_ms().ok();
    let is_behind = mark_ms.zip(now_ms).is_none_or(|(mark, now)| now.saturating_add(5_000) < mark);
    let mut warnings = Vec::new();
    if is_behind {
        warnings.push("the clock is behind the newest accepted code: codes are refused until it is right again");
    }
    let is_synchronised = is_clock_synchronised();
    if !is_synchronised {
        warnings.push("the clock is not known to be synchronised: codes fail when it drifts by more than 30 seconds");
    }
    let clock = match (is_behind, is_synchronised) {
        (true, _) => "behind",
        (false, true) => "synchronised",
        (false, false) => "unsynchronised",
    };
    let is_failing = portal.store.is_failing();
    if is_failing {
        warnings.push("the database takes no changes: it is full, read-only or damaged");
    }
    let database = mark_ms.is_some() && !is_failing;
    let ready = database && !is_behind;
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { ready, database, clock, warnings }))
}

/// What systemd's and chrony's services leave behind; most containers have neither and are only warned about.
fn is_clock_synchronised() -> bool {
    ["/run/systemd/timesync/synchronized", "/run/chrony/chronyd.pid"].iter().any(|path| Path::new(path).exists())
}
