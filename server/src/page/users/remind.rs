//! Admin → Users → *Send reminder*: to a selection, or to all that match, and what became of it.

use super::member::{address as profile, back};
use super::query::{self, ListQuery, address};
use crate::access::{Access, Pages, get, post};
use crate::caller::Caller;
use crate::members::chase::{self, Chased, MOST_AT_ONCE};
use crate::members::list::{self, From, Sort, StatusFilter, Wanted};
use crate::page::{Form, Frame, lead_to_fresh_code, render, render_refused};
use crate::portal::Portal;
use crate::problem::Refusal;
use askama::Template;
use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use std::sync::Arc;
use twinlock_core::{Error, ErrorCode};

/// The question before all that match are reminded.
#[derive(Template)]
#[template(path = "users_remind.html")]
struct ConfirmPage {
    frame: Frame,
    wanted: Wanted,
    /// How many match, and at most one more than one act takes.
    total: u64,
    /// The first of them.
    names: Vec<String>,
    list: String,
    fault: String,
}

#[derive(Template)]
#[template(path = "users_reminded.html")]
struct ResultPage {
    frame: Frame,
    sent: Vec<Told>,
    skipped: Vec<Told>,
    failed: Vec<String>,
    list: String,
}

/// Somebody, and why nothing was sent.
struct Told {
    id: String,
    name: String,
    why: String,
}

#[derive(Deserialize)]
struct RemindForm {
    /// The selected ones.
    #[serde(default)]
    member: Vec<String>,
    /// How many the admin was told, where all that match are meant.
    expected: Option<u64>,
    #[serde(default)]
    status: StatusFilter,
    #[serde(default)]
    role: String,
    #[serde(default)]
    q: String,
}

/// Members that are reminded in one transaction.
const CHUNK: usize = 100;
const NAMES: usize = 10;

pub(super) fn routes(pages: Pages) -> Pages {
    pages.route(Access::Admin, "/admin/users/remind", get(ask).post(remind)).route(
        Access::Admin,
        "/admin/users/{member}/remind",
        post(remind_one),
    )
}

async fn ask(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Query(query): Query<ListQuery>,
) -> Result<Response, Refusal> {
    let (wanted, _) = query.read()?;
    let page = gather(&portal, &caller, Wanted { sort: Sort::Name, ..wanted }).await?;
    Ok(render(&page))
}

async fn gather(portal: &Portal, caller: &Arc<Caller>, wanted: Wanted) -> Result<ConfirmPage, Refusal> {
    let (reader, of) = (Arc::clone(caller), wanted.clone());
    let read = portal.store.read(move |tx| {
        let first = list::page(tx, &reader.organisation, &of, &From::Start, NAMES, reader.now_ms)?;
        Ok((first, list::count(tx, &reader.organisation, &of, MOST_AT_ONCE, reader.now_ms)?))
    });
    let (first, total) = read.await?;
    let title = caller.words.count("users-remind-title", total);
    Ok(ConfirmPage {
        frame: Frame::titled(caller, "users", title),
        list: address(&wanted, &[]),
        wanted,
        total,
        names: first.members.into_iter().map(|member| member.name).collect(),
        fault: String::new(),
    })
}

async fn remind(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Form(form): Form<RemindForm>,
) -> Result<Response, Refusal> {
    let wanted = Wanted { status: form.status, role: form.role, q: form.q.trim().to_owned(), sort: Sort::Name };
    query::check(&wanted)?;
    let ids = match form.expected {
        None if form.member.is_empty() => {
            return Ok(Redirect::to(&address(&wanted, &[("done", "nobody-selected")])).into_response());
        }
        None => form.member,
        Some(expected) => {
            let of = wanted.clone();
            let found = portal.act(&caller, move |tx, caller| chase::all_that_match(tx, caller, &of, expected)).await;
            match found {
                Ok(ids) => ids,
                Err(refused) if matches!(refused.code(), ErrorCode::PolicyConflict | ErrorCode::BadRequest) => {
                    let page = gather(&portal, &caller, wanted).await?;
                    let fault = caller.words.say("users-remind-moved");
                    let page = ConfirmPage { frame: page.frame.with_fault(), fault, ..page };
                    return Ok(render_refused(StatusCode::CONFLICT, &page));
                }
                Err(refused) => return Err(refused),
            }
        }
    };
    let mut page = ResultPage {
        frame: Frame::of(&caller, "users", "users-reminded-title"),
        sent: Vec::new(),
        skipped: Vec::new(),
        failed: Vec::new(),
        list: address(&wanted, &[]),
    };
    for chunk in ids.chunks(CHUNK) {
        page.remind_chunk(&portal, &caller, chunk.to_vec()).await;
    }
    Ok(render(&page))
}

impl ConfirmPage {
    fn most(&self) -> String {
        self.frame.words.number(MOST_AT_ONCE)
    }
}

impl ResultPage {
    fn sent_count(&self) -> u64 {
        self.sent.len() as u64
    }

    fn skipped_count(&self) -> u64 {
        self.skipped.len() as u64
    }

    fn failed_count(&self) -> u64 {
        self.failed.len() as u64
    }

    /// A fault of the storage undoes its chunk alone, and the page says whom it hit.
    async fn remind_chunk(&mut self, portal: &Portal, caller: &Arc<Caller>, ids: Vec<String>) {
        let wanted = ids.clone();
        let acted = portal.act(caller, move |tx, caller| {
            let mut all = Vec::new();
            for id in wanted {
                match chase::chase(tx, caller, &id)? {
                    Ok((name, chased)) => all.push((id, name, chased)),
                    // Gone, or nobody of this organisation: no name to show.
                    Err(Error::NotFound) => {}
                    Err(refused) => return Ok(Err(refused)),
                }
            }
            Ok(Ok(all))
        });
        let Ok(all) = acted.await else {
            self.failed.extend(ids);
            return;
        };
        let words = caller.words.clone();
        for (id, name, chased) in all {
            let why = match chased {
                Chased::Complies => words.say("users-skipped-complies"),
                Chased::TooSoon { last_ms } => {
                    words.with("users-skipped-too-soon", &[("time", words.time(last_ms).into())])
                }
                Chased::NoAddress => words.say("users-skipped-no-address"),
                Chased::Suspended => words.say("users-skipped-suspended"),
                Chased::Sent => String::new(),
            };
            let told = Told { id, name, why };
            if told.why.is_empty() { self.sent.push(told) } else { self.skipped.push(told) }
        }
    }
}

async fn remind_one(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(member): Path<String>,
) -> Result<Response, Refusal> {
    let of = member.clone();
    let done = match portal.act(&caller, move |tx, caller| chase::chase(tx, caller, &of)).await {
        Ok((_, Chased::Sent)) => "reminded",
        Ok((_, Chased::TooSoon { .. })) => "reminded-before",
        Ok((_, Chased::Complies)) => "complies",
        Ok((_, Chased::NoAddress | Chased::Suspended)) => "not-reachable",
        Err(refused) => return Ok(lead_to_fresh_code(refused, &profile(&member))),
    };
    Ok(back(&member, done))
}
