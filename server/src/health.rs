//! Probes for the operator, on a listener of their own.

use crate::portal::Portal;
use crate::store::StoreError;
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
    let (clock, database_answers) = match look_at_clock(&portal).await {
        Ok(clock) => (clock, true),
        // No mark to compare with is no reason to trust the clock.
        Err(_) => (ClockState::Behind, false),
    };
    let mut warnings: Vec<&'static str> = clock.warning().into_iter().collect();
    if clock == ClockState::Behind && !is_clock_synchronised() {
        warnings.extend(ClockState::Unsynchronised.warning());
    }
    let is_failing = portal.store.is_failing();
    if is_failing {
        warnings.push("the database takes no changes: it is full, read-only or damaged");
    }
    let database = database_answers && !is_failing;
    let ready = database && clock != ClockState::Behind;
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { ready, database, clock: clock.name(), warnings }))
}

/// How far the wall clock can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockState {
    /// Behind the newest accepted code: codes are refused.
    Behind,
    /// Nothing says that it is kept right; codes are checked all the same.
    Unsynchronised,
    /// The system keeps it right.
    Synchronised,
}

impl ClockState {
    /// For whoever can do something about it.
    pub fn warning(self) -> Option<&'static str> {
        match self {
            ClockState::Behind => {
                Some("the clock is behind the newest accepted code: codes are refused until it is right again")
            }
            ClockState::Unsynchronised => {
                Some("the clock is not known to be synchronised: codes fail when it drifts by more than 30 seconds")
            }
            ClockState::Synchronised => None,
        }
    }

    /// The key of the same for an admin's page.
    pub fn key(self) -> Option<&'static str> {
        match self {
            ClockState::Behind => Some("overview-clock-behind"),
            ClockState::Unsynchronised => Some("overview-clock-unsynchronised"),
            ClockState::Synchronised => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            ClockState::Behind => "behind",
            ClockState::Unsynchronised => "unsynchronised",
            ClockState::Synchronised => "synchronised",
        }
    }
}

/// Compares the clock with the newest code that was ever accepted, and asks the system whether it is kept right.
pub async fn look_at_clock(portal: &Portal) -> Result<ClockState, StoreError> {
    let mark = portal.store.read(|tx| tx.query_one(FIND_NEWEST_MARK, &[])).await?;
    let mark_ms = mark.map(|row| row.unsigned(0)).transpose()?.unwrap_or(u64::MAX);
    let is_behind = portal.now_ms().map_or(true, |now_ms| now_ms.saturating_add(5_000) < mark_ms);
    Ok(match (is_behind, is_clock_synchronised()) {
        (true, _) => ClockState::Behind,
        (false, false) => ClockState::Unsynchronised,
        (false, true) => ClockState::Synchronised,
    })
}

/// What systemd's and chrony's services leave behind; most containers have neither and are only warned about.
fn is_clock_synchronised() -> bool {
    ["/run/systemd/timesync/synchronized", "/run/chrony/chronyd.pid"].iter().any(|path| Path::new(path).exists())
}
