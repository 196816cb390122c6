//! Admin → Overview: are we compliant, who is not, what changed this week, what waits for me.

use super::event::{self, EventRow};
use super::{Frame, Notice, render};
use crate::access::{Access, Pages, get};
use crate::audit::{self, Search};
use crate::caller::Caller;
use crate::compliance::{self, Counts, Day};
use crate::devices::list;
use crate::first_factor;
use crate::health::look_at_clock;
use crate::portal::Portal;
use crate::problem::Refusal;
use crate::proposals;
use crate::store::{StoreError, Tx};
use crate::words::Words;
use askama::Template;
use axum::Extension;
use axum::extract::{Query, State};
use axum::response::Response;
use std::sync::Arc;

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage {
    frame: Frame,
    clock_warning: Option<&'static str>,
    is_required: bool,
    counts: Counts,
    /// `93%`, or empty without members.
    share: String,
    said: String,
    statuses: Vec<Status>,
    waiting: Vec<Waiting>,
    week: Vec<EventRow>,
    chart: Option<Chart>,
}

/// Some members, and the list of them.
struct Status {
    key: &'static str,
    mark: &'static str,
    class: &'static str,
    number: String,
    page: &'static str,
}

/// Something that an admin has to do, and where.
struct Waiting {
    text: String,
    page: &'static str,
}

/// The days as bars, from left to right.
struct Chart {
    bars: Vec<Bar>,
}

struct Bar {
    x: u64,
    /// The compliant part of the day, from the bottom of a field of [`HEIGHT`].
    y: u64,
    height: u64,
    day: String,
    active: String,
    compliant: String,
    exceptions: String,
    share: String,
}

/// Days of the chart.
const DAYS: u64 = 30;
const HEIGHT: u64 = 100;
const BAR: u64 = 10;
const STEP: u64 = 12;
const WEEK_MS: u64 = 7 * 86_400_000;
/// Events of the week on the page; the log has the rest.
const EVENTS: usize = 12;

/// What weighs: each kind is looked for by itself, so that daily sign-ins do not bury it.
const WEIGHTY: [&str; 6] = ["policy", "exception", "proposal", "two_step.reset", "member", "device"];

pub(super) fn routes(pages: Pages) -> Pages {
    pages.route(Access::Admin, "/admin", get(show))
}

async fn show(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Query(notice): Query<Notice>,
) -> Result<Response, Refusal> {
    let reader = Arc::clone(&caller);
    let today = compliance::day_of(caller.now_ms);
    let read = move |tx: &mut Tx<'_>| {
        let (organisation, now_ms, words) = (&reader.organisation, reader.now_ms, &reader.words);
        let counts = compliance::count(tx, organisation, now_ms)?;
        let mut days = compliance::days(tx, organisation, today.saturating_sub(DAYS))?;
        days.retain(|day| day.day != today);
        let (active, compliant, exceptions) = (counts.active, counts.compliant(), counts.exception);
        days.push(Day { day: today, active, compliant, exceptions });
        Ok((counts, days, waiting(tx, &reader)?, week(tx, organisation, words, now_ms)?))
    };
    let (counts, days, waiting, week) = portal.store.read(read).await?;
    let words = &caller.words;
    let values =
        [("compliant", words.number(counts.compliant()).into()), ("active", words.number(counts.active).into())];
    let page = OverviewPage {
        frame: Frame::of(&caller, "overview", "overview-title").with_notice(&notice),
        clock_warning: look_at_clock(&portal).await?.key(),
        is_required: caller.rules.two_step,
        share: share(words, counts.compliant(), counts.active),
        said: words.with("overview-compliant", &values),
        statuses: statuses(words, &counts),
        counts,
        waiting,
        week,
        chart: chart(words, &days, today),
    };
    Ok(render(&page))
}

/// Rounded down, so that nobody is told 100 % before it is.
fn share(words: &Words, part: u64, whole: u64) -> String {
    match (part * 100).checked_div(whole) {
        Some(share) => words.with("overview-percent", &[("share", words.number(share).into())]),
        None => String::new(),
    }
}

fn statuses(words: &Words, counts: &Counts) -> Vec<Status> {
    let open = counts.not_set_up + counts.reset + counts.setting_up + counts.sso_without_mfa + counts.locked;
    let all = [
        ("overview-set-up", "✓", "good", counts.set_up, "/admin/users?status=set-up"),
        ("overview-sso", "✓", "good", counts.sso_mfa, "/admin/users?status=sso"),
        ("overview-exception", "◷", "wait", counts.exception, "/admin/users?status=exception"),
        ("overview-grace", "◷", "wait", counts.grace, "/admin/users?status=grace"),
        ("overview-non-compliant", "✕", "bad", open, "/admin/users?status=non-compliant"),
    ];
    let row = |(key, mark, class, number, page)| Status { key, mark, class, number: words.number(number), page };
    all.into_iter().map(row).collect()
}

fn waiting(tx: &mut Tx<'_>, caller: &Caller) -> Result<Vec<Waiting>, StoreError> {
    let (organisation, words) = (&caller.organisation, &caller.words);
    let (pending, _) = list::count_pending(tx, organisation, "", caller.now_ms)?;
    let open = proposals::list(tx, organisation, caller.now_ms)?;
    let for_me = open.iter().filter(|proposal| proposal.made_by != caller.member).count() as u64;
    let mails = compliance::failed_mails(tx, organisation)?;
    let set_ups = first_factor::list(tx, caller, "")?.len() as u64;
    let all = [
        (set_ups, "overview-set-ups-wait", "/admin/set-ups"),
        (pending, "overview-devices-wait", "/admin/devices?state=pending"),
        (for_me, "overview-proposals-wait", "/admin/policies#proposals"),
        (mails, "overview-mails-failed", "/admin/mail"),
    ];
    let some = all.into_iter().filter(|(number, ..)| *number > 0);
    Ok(some.map(|(number, key, page)| Waiting { text: words.count(key, number), page }).collect())
}

fn week(tx: &mut Tx<'_>, organisation: &str, words: &Words, now_ms: u64) -> Result<Vec<EventRow>, StoreError> {
    let mut rows = Vec::new();
    for kind in WEIGHTY {
        let from_ms = now_ms.saturating_sub(WEEK_MS);
        let search = Search { kind: kind.to_owned(), from_ms, ..Search::default() };
        for entry in audit::search(tx, organisation, &search, EVENTS as u32)? {
            rows.push(event::row(tx, organisation, words, &entry)?);
        }
    }
    // Ids follow each other in time.
    rows.sort_by(|one, other| other.id.cmp(&one.id));
    rows.truncate(EVENTS);
    Ok(rows)
}

/// `None` for a day alone, which is no development.
fn chart(words: &Words, days: &[Day], today: u64) -> Option<Chart> {
    if days.len() < 2 {
        return None;
    }
    let bar = |day: &Day| {
        let height = (day.compliant * HEIGHT).checked_div(day.active).unwrap_or(0).min(HEIGHT);
        Bar {
            x: (DAYS.saturating_sub(1)).saturating_sub(today - day.day.min(today)) * STEP,
            y: HEIGHT - height,
            height,
            // At noon the day is the same in every zone that people live in.
            day: words.date(day.day * 86_400_000 + 43_200_000),
            active: words.number(day.active),
            compliant: words.number(day.compliant),
            exceptions: words.number(day.exceptions),
            share: share(words, day.compliant, day.active),
        }
    };
    Some(Chart { bars: days.iter().map(bar).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_never_rounded_up_to_all() {
        let words = Words::default();
        assert_eq!((share(&words, 999, 1_000), share(&words, 3, 3)), ("99%".to_owned(), "100%".to_owned()));
        assert_eq!(share(&words, 0, 0), "");
    }

    #[test]
    fn today_stands_at_the_right_and_a_day_alone_is_no_chart() {
        let words = Words::default();
        let day = |day, compliant| Day { day, active: 4, compliant, exceptions: 0 };
        assert!(chart(&words, &[day(20_000, 1)], 20_000).is_none());
        let chart = chart(&words, &[day(19_998, 1), day(20_000, 4)], 20_000).unwrap();
        let places: Vec<_> = chart.bars.iter().map(|bar| (bar.x, bar.y, bar.height)).collect();
        assert_eq!(places, [(27 * STEP, 75, 25), (29 * STEP, 0, 100)]);
    }
}
