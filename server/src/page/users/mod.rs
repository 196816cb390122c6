//! Admin → Users: members with their 2FA status, filtered, searched, sorted and in pages.

mod exception;
mod export;
mod identity_check;
mod invite;
mod member;
mod query;
mod remind;
mod reset;
mod set_up;
mod status;

use super::{Frame, Notice, render};
use crate::access::{Access, Pages, get};
use crate::caller::Caller;
use crate::health::look_at_clock;
use crate::members::list::{self, From, MOST_COUNTED, PAGE, Sort, StatusFilter, Total, Wanted};
use crate::members::status::MemberView;
use crate::portal::Portal;
use crate::problem::Refusal;
use crate::words::Words;
use askama::Template;
use axum::Extension;
use axum::extract::{Query, State};
use axum::response::Response;
pub(crate) use identity_check::CHECKS;
use query::{ListQuery, address};
use status::{Status, ago, role_key, status_key};
use std::sync::Arc;

#[derive(Template)]
#[template(path = "users.html")]
struct UsersPage {
    frame: Frame,
    clock_warning: Option<&'static str>,
    is_required: bool,
    wanted: Wanted,
    rows: Vec<Row>,
    /// How many match, and at most one more than are counted.
    total: Total,
    /// The number of the first row in the list.
    first: u64,
    before: Option<String>,
    after: Option<String>,
}

struct Row {
    member: MemberView,
    status: Status,
    /// HTML, as `reminded`.
    seen: String,
    reminded: String,
}

/// A filter that is on, and the list without it.
struct Chip {
    label: String,
    without: String,
}

/// A column that the list can be sorted by.
struct Head {
    key: &'static str,
    href: String,
    /// For `aria-sort`; empty if the list is sorted by another column.
    order: &'static str,
}

pub(super) fn routes(pages: Pages) -> Pages {
    let pages = pages.route(Access::Admin, "/admin/users", get(show));
    [member::routes, exception::routes, reset::routes, set_up::routes, remind::routes, export::routes, invite::routes]
        .into_iter()
        .fold(pages, |pages, routes| routes(pages))
}

async fn show(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Query(query): Query<ListQuery>,
    Query(notice): Query<Notice>,
) -> Result<Response, Refusal> {
    let (wanted, from) = query.read()?;
    let reader = Arc::clone(&caller);
    let (of, start) = (wanted.clone(), from.clone());
    let read = portal.store.read(move |tx| {
        let page = list::page(tx, &reader.organisation, &of, &start, PAGE, reader.now_ms)?;
        Ok((page, list::total(tx, &reader.organisation, &of, MOST_COUNTED, reader.now_ms)?))
    });
    let (page, total) = read.await?;
    let shown = page.members.len() as u64;
    let first = match from {
        From::Start => 1,
        From::After(_) | From::Before(_) => query.first.unwrap_or(1).clamp(1, u64::MAX / 2),
    };
    let cursor = |row: Option<&MemberView>| row.map(|row| list::Cursor::at(row, wanted.sort).to_text());
    let before = cursor(page.members.first().filter(|_| page.has_before)).map(|cursor| {
        address(&wanted, &[("before", &cursor), ("first", &first.saturating_sub(PAGE as u64).max(1).to_string())])
    });
    let after = cursor(page.members.last().filter(|_| page.has_after))
        .map(|cursor| address(&wanted, &[("after", &cursor), ("first", &(first + shown).to_string())]));
    let rows = page.members.into_iter().map(|member| Row::of(&caller, member)).collect();
    Ok(render(&UsersPage {
        frame: Frame::of(&caller, "users", "users-title").with_notice(&notice),
        clock_warning: look_at_clock(&portal).await?.key(),
        is_required: caller.rules.two_step,
        wanted,
        rows,
        total,
        first,
        before,
        after,
    }))
}

impl Row {
    fn of(caller: &Caller, member: MemberView) -> Self {
        let status = Status::of(&caller.words, &member);
        let seen = ago(&caller.words, member.seen_ms, caller.now_ms);
        let reminded = ago(&caller.words, member.reminded_ms, caller.now_ms);
        Self { member, status, seen, reminded }
    }
}

impl UsersPage {
    fn words(&self) -> &Words {
        &self.frame.words
    }

    /// "Showing 1–50 of 430".
    fn showing(&self) -> String {
        let words = self.words();
        let last = self.first + self.rows.len() as u64 - 1;
        let values = |total: u64| {
            [
                ("first", words.number(self.first).into()),
                ("last", words.number(last).into()),
                ("total", words.number(total).into()),
            ]
        };
        match self.total {
            Total::MoreThan(most) => words.with("users-showing-many", &values(most)),
            Total::Exactly(total) => words.with("users-showing", &values(total.max(last))),
        }
    }

    fn statuses(&self) -> Vec<(&'static str, String, bool)> {
        let all = std::iter::once(StatusFilter::All).chain(StatusFilter::OFFERED);
        all.map(|status| (status.word(), self.words().say(status_key(status)), status == self.wanted.status)).collect()
    }

    fn roles(&self) -> Vec<(&'static str, String, bool)> {
        ["", "member", "admin", "auditor"]
            .map(|role| (role, self.words().say(role_key(role)), role == self.wanted.role))
            .into()
    }

    fn chips(&self) -> Vec<Chip> {
        let (words, wanted) = (self.words(), &self.wanted);
        let mut chips = Vec::new();
        if wanted.status != StatusFilter::All {
            let without = Wanted { status: StatusFilter::All, ..wanted.clone() };
            chips.push(Chip { label: words.say(status_key(wanted.status)), without: address(&without, &[]) });
        }
        if !wanted.role.is_empty() {
            let without = Wanted { role: String::new(), ..wanted.clone() };
            chips.push(Chip { label: words.say(role_key(&wanted.role)), without: address(&without, &[]) });
        }
        if !wanted.q.is_empty() {
            let without = Wanted { q: String::new(), ..wanted.clone() };
            let label = words.with("users-chip-search", &[("text", wanted.q.clone().into())]);
            chips.push(Chip { label, without: address(&without, &[]) });
        }
        chips
    }

    /// The columns that the list can be sorted by. A second click turns the order.
    fn head(&self, key: &'static str, up: Sort, down: Sort) -> Head {
        let (next, order) = match self.wanted.sort {
            sort if sort == up => (down, "ascending"),
            sort if sort == down => (up, "descending"),
            _ => (up, ""),
        };
        Head { key, href: address(&Wanted { sort: next, ..self.wanted.clone() }, &[]), order }
    }

    fn heads(&self) -> [Head; 3] {
        [
            self.head("users-column-name", Sort::Name, Sort::NameDown),
            self.head("users-column-status", Sort::Status, Sort::StatusDown),
            self.head("users-column-seen", Sort::Seen, Sort::SeenDown),
        ]
    }

    fn remind_all(&self) -> String {
        address(&self.wanted, &[]).replacen("/admin/users", "/admin/users/remind", 1)
    }

    fn remind_all_text(&self) -> String {
        match self.total {
            Total::MoreThan(_) => self.words().say("users-remind-all-many"),
            Total::Exactly(total) => self.words().count("users-remind-all", total),
        }
    }

    fn export(&self) -> String {
        address(&self.wanted, &[]).replacen("/admin/users", "/admin/users.csv", 1)
    }
}
