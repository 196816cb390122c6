//! Admin → Policies → Announce: what the members would get, how many of them, and the button that sends it.

use super::{Frame, render, render_refused};
use crate::access::{Access, Pages, get};
use crate::caller::Caller;
use crate::mail::announcements::{self, Preview};
use crate::mail::letter::{self, About, Links};
use crate::mail::outbox::Kind;
use crate::organisations;
use crate::portal::Portal;
use crate::problem::Refusal;
use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::json;
use std::sync::Arc;
use twinlock_core::ErrorCode;

#[derive(Template)]
#[template(path = "announce.html")]
struct AnnouncePage {
    frame: Frame,
    receivers: u64,
    is_mail_set: bool,
    /// When it was last sent; or empty.
    last: String,
    /// From when on it may be sent again; empty: now.
    next: String,
    fault: String,
    subject: String,
    text: String,
}

pub(super) fn routes(pages: Pages) -> Pages {
    pages.route(Access::Admin, "/admin/policies/announce", get(show).post(send))
}

async fn show(State(portal): State<Portal>, Extension(caller): Extension<Arc<Caller>>) -> Result<Response, Refusal> {
    Ok(render(&gather(&portal, &caller).await?))
}

async fn send(State(portal): State<Portal>, Extension(caller): Extension<Arc<Caller>>) -> Result<Response, Refusal> {
    match portal.act(&caller, announcements::announce).await {
        Ok(_) => Ok(Redirect::to("/admin/policies?done=announced").into_response()),
        Err(refused) if refused.code() == ErrorCode::Throttled => {
            let mut page = gather(&portal, &caller).await?;
            page.fault = caller.words.with("mail-announce-too-soon", &[("next", page.next.clone().into())]);
            page.frame = page.frame.with_fault();
            Ok(render_refused(StatusCode::TOO_MANY_REQUESTS, &page))
        }
        Err(refused) => Err(refused),
    }
}

async fn gather(portal: &Portal, caller: &Arc<Caller>) -> Result<AnnouncePage, Refusal> {
    let organisation = caller.organisation.clone();
    let (preview, organisation) = portal
        .store
        .read(move |tx| Ok((announcements::preview(tx, &organisation)?, organisations::name(tx, &organisation)?)))
        .await?;
    let words = &caller.words;
    let facts = json!({ "by": caller.name });
    let letter = letter::write(
        &About {
            words,
            name: &caller.name,
            organisation: &organisation,
            kind: Kind::Announcement,
            facts: facts.as_object().unwrap_or(&serde_json::Map::new()),
            at_ms: caller.now_ms,
        },
        Links::default(),
    );
    let next_ms = Preview::next_ms(&preview);
    Ok(AnnouncePage {
        frame: Frame::of(caller, "policies", "mail-announce-title"),
        receivers: preview.receivers,
        is_mail_set: portal.config.mail.is_some(),
        last: if preview.last_ms > 0 { words.time(preview.last_ms) } else { String::new() },
        next: if next_ms > caller.now_ms { words.time(next_ms) } else { String::new() },
        fault: String::new(),
        subject: letter.subject,
        text: letter.text,
    })
}
