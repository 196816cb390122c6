//! "This was not me": the page behind a mail's link. Opening it does nothing, because programs that read mails open it too.

use super::{Frame, render, render_refused};
use crate::access::{Access, Pages, get};
use crate::caller::Origin;
use crate::mail::freeze::{self, Link};
use crate::portal::Portal;
use crate::problem::Refusal;
use crate::words::Words;
use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use twinlock_core::ErrorCode;

#[derive(Template)]
#[template(path = "freeze.html")]
struct FreezePage {
    frame: Frame,
    link: Link,
    /// The form's address; empty where there is nothing to send.
    token: String,
}

pub(super) fn routes(pages: Pages) -> Pages {
    pages.route(Access::Public, "/not-me/{token}", get(show).post(act))
}

async fn show(
    State(portal): State<Portal>,
    Extension(words): Extension<Words>,
    Path(token): Path<String>,
) -> Result<Response, Refusal> {
    let now_ms = portal.now_ms()?;
    let looked_at = token.clone();
    let link = portal.store.read(move |tx| freeze::look(tx, &looked_at, now_ms)).await?;
    Ok(page(&words, link, if link == Link::Open { token } else { String::new() }))
}

async fn act(
    State(portal): State<Portal>,
    Extension(origin): Extension<Origin>,
    Path(token): Path<String>,
) -> Result<Response, Refusal> {
    let now_ms = portal.now_ms()?;
    let (by, words) = (origin.clone(), origin.words);
    let done = portal
        .store
        .write(move |tx| match freeze::freeze(tx, &token, &by, now_ms)? {
            Ok(()) => Ok(Ok(Link::Frozen)),
            // Sent twice, or another link was quicker: what holds is said.
            Err(refused) => Ok(match freeze::look(tx, &token, now_ms)? {
                Link::Frozen => Ok(Link::Frozen),
                _ => Err(refused),
            }),
        })
        .await?;
    match done.map_err(Refusal::from) {
        Ok(link) => Ok(page(&words, link, String::new())),
        Err(refused) if refused.code() == ErrorCode::NotFound => Ok(page(&words, Link::Void, String::new())),
        Err(refused) => Err(refused),
    }
}

fn page(words: &Words, link: Link, token: String) -> Response {
    let frame = Frame::plain(words, "mail-freeze-title");
    if link == Link::Void {
        return render_refused(StatusCode::NOT_FOUND, &FreezePage { frame: frame.with_fault(), link, token });
    }
    render(&FreezePage { frame, link, token })
}
