//! Admin → Users → one member: the exception from two-step authentication.

use super::member::{address, back, done, gather};
use crate::access::{Access, Pages, post};
use crate::caller::Caller;
use crate::exceptions::{self, Grant, Granted};
use crate::page::{Form, lead_to_fresh_code, render_refused};
use crate::portal::Portal;
use crate::problem::Refusal;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::civil::Date;
use serde::Deserialize;
use std::sync::Arc;
use twinlock_core::ErrorCode;

#[derive(Deserialize)]
struct ExceptionForm {
    /// The last day, as a browser's date field sends it.
    until: String,
    reason: String,
}

pub(super) fn routes(pages: Pages) -> Pages {
    pages.route(Access::Admin, "/admin/users/{member}/exception", post(grant)).route(
        Access::Admin,
        "/admin/users/{member}/exception/end",
        post(end),
    )
}

async fn grant(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(member): Path<String>,
    Form(form): Form<ExceptionForm>,
) -> Result<Response, Refusal> {
    let of = member.clone();
    // Not a day: refused below as one that is out of range.
    let wanted = Grant { until_ms: end_of_day(&form.until).unwrap_or(0), reason: form.reason.clone() };
    let refused = match portal.act(&caller, move |tx, caller| exceptions::grant(tx, caller, &of, &wanted)).await {
        Ok(Granted::Holds) => return Ok(back(&member, "granted")),
        Ok(Granted::Proposed(_)) => return Ok(back(&member, "proposed")),
        Err(refused) => refused,
    };
    let fault = match refused.code() {
        ErrorCode::ReasonRequired => "member-exception-needs-reason",
        ErrorCode::BadRequest => "member-exception-out-of-range",
        ErrorCode::PolicyConflict => "member-exception-changed",
        _ => return Ok(lead_to_fresh_code(refused, &address(&member))),
    };
    let page = gather(&portal, &caller, &member).await?;
    let page = page.with_refused_exception(caller.words.say(fault), form.until, form.reason);
    Ok(render_refused(StatusCode::UNPROCESSABLE_ENTITY, &page))
}

async fn end(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(member): Path<String>,
) -> Result<Response, Refusal> {
    let of = member.clone();
    let ended = portal.act(&caller, move |tx, caller| exceptions::end(tx, caller, &of)).await;
    Ok(done(ended, &member, "ended"))
}

/// The end of a day in UTC, epoch milliseconds.
fn end_of_day(day: &str) -> Option<u64> {
    let next = day.parse::<Date>().ok()?.tomorrow().ok()?.at(0, 0, 0, 0).in_tz("UTC").ok()?;
    u64::try_from(next.timestamp().as_millisecond()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_ends_when_the_next_one_begins() {
        assert_eq!(end_of_day("1970-01-01"), Some(86_400_000));
        for nonsense in ["", "tomorrow", "2026-02-30", "1969-01-01"] {
            assert_eq!(end_of_day(nonsense), None, "{nonsense}");
        }
    }
}
