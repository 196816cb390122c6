//! The page behind the link that confirms a set-up. Opening it does nothing, because programs that read mails open it too.

use super::{Frame, render, render_refused};
use crate::access::{Access, Pages, get};
use crate::caller::Origin;
use crate::first_factor::{self, Link};
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
#[template(path = "set_up_link.html")]
struct LinkPage {
    frame: Frame,
    link: Link,
    /// For the form's address.
    token: String,
}

pub(super) fn routes(pages: Pages) -> Pages {
    pages.route(Access::Public, "/confirm-set-up/{token}", get(show).post(confirm))
}

async fn show(
    State(portal): State<Portal>,
    Extension(words): Extension<Words>,
    Path(token): Path<String>,
) -> Result<Response, Refusal> {
    let now_ms = portal.now_ms()?;
    let looked_at = token.clone();
    let link = portal.store.read(move |tx| first_factor::look(tx, &looked_at, now_ms)).await?;
    Ok(page(&words, link, token))
}

async fn confirm(
    State(portal): State<Portal>,
    Extension(origin): Extension<Origin>,
    Path(token): Path<String>,
) -> Result<Response, Refusal> {
    let now_ms = portal.now_ms()?;
    let (by, words) = (origin.clone(), origin.words);
    let done = portal.store.write(move |tx| {
        let given = first_factor::allow_by_link(tx, &token, &by, now_ms)?;
        // Sent twice: what holds is said.
        Ok(given.and(Ok(Link::Used)).or_else(|error| match first_factor::look(tx, &token, now_ms) {
            Ok(Link::Used) => Ok(Link::Used),
            _ => Err(error),
        }))
    });
    match done.await?.map_err(Refusal::from) {
        Ok(link) => Ok(page(&words, link, String::new())),
        Err(refused) if refused.code() == ErrorCode::NotFound => Ok(page(&words, Link::Void, String::new())),
        Err(refused) => Err(refused),
    }
}

fn page(words: &Words, link: Link, token: String) -> Response {
    let frame = Frame::plain(words, "set-up-link-title");
    if matches!(link, Link::Void) {
        return render_refused(StatusCode::NOT_FOUND, &LinkPage { frame: frame.with_fault(), link, token });
    }
    render(&LinkPage { frame, link, token })
}
