//! The page behind the link of an invitation: a password, and on to the wizard.

use super::{Form, Frame, render, render_refused, with_session};
use crate::access::{Access, Pages, get};
use crate::caller::Origin;
use crate::members::invitations::{self, Guest};
use crate::password;
use crate::portal::Portal;
use crate::problem::Refusal;
use crate::sessions;
use crate::words::{Words, value};
use askama::Template;
use axum::Extension;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use std::net::IpAddr;
use twinlock_core::secret::SecretText;
use twinlock_core::{Error, ErrorCode};

#[derive(Template)]
#[template(path = "invitation.html")]
struct InvitationPage {
    frame: Frame,
    token: SecretText,
    guest: Guest,
    fault: String,
}

#[derive(Template)]
#[template(path = "invitation_void.html")]
struct VoidPage {
    frame: Frame,
}

/// In the query, which no log holds.
#[derive(Deserialize)]
struct Link {
    #[serde(default)]
    token: String,
}

#[derive(Deserialize)]
struct JoinForm {
    token: SecretText,
    password: SecretText,
    repeated: SecretText,
}

pub(super) fn routes(pages: Pages) -> Pages {
    pages.route(Access::Public, "/invitation", get(show).post(join))
}

async fn show(
    State(portal): State<Portal>,
    Extension(words): Extension<Words>,
    Query(link): Query<Link>,
) -> Result<Response, Refusal> {
    let token = SecretText::new(link.token);
    let Some(guest) = look(&portal, token.expose()).await? else { return Ok(void(&words)) };
    let frame = Frame::plain(&words, "invite-join-title");
    Ok(render(&InvitationPage { frame, token, guest, fault: String::new() }))
}

async fn join(
    State(portal): State<Portal>,
    Extension(origin): Extension<Origin>,
    Form(form): Form<JoinForm>,
) -> Result<Response, Refusal> {
    let words = &origin.words;
    let address: IpAddr = origin.address.parse().map_err(|_| Error::Internal)?;
    portal.throttle.check_sign_in(address)?;
    // Before anything is hashed for a stranger.
    let Some(guest) = look(&portal, form.token.expose()).await? else { return Ok(void(words)) };
    let fault = if let Err(weak) = password::check_new(&form.password, guest.least, &[&guest.name, &guest.email]) {
        weak.said_in(words)
    } else if form.password.expose() != form.repeated.expose() {
        words.say("invite-join-differ")
    } else {
        String::new()
    };
    if !fault.is_empty() {
        let frame = Frame::plain(words, "invite-join-title").with_fault();
        let page = InvitationPage { frame, token: form.token, guest, fault };
        return Ok(render_refused(StatusCode::UNPROCESSABLE_ENTITY, &page));
    }
    let JoinForm { token, password, .. } = form;
    let stored = portal.hasher.run(move || password::hash(&password)).await?;
    let (now_ms, from) = (portal.now_ms()?, origin.clone());
    let joined = portal.store.write(move |tx| invitations::accept(tx, token.expose(), &stored, &from, now_ms)).await?;
    match joined.map_err(Refusal::from) {
        Ok(member) => {
            let session = sessions::open_in_browser(&portal, member, &origin).await?;
            Ok(with_session(&session, "/files"))
        }
        Err(refused) if refused.code() == ErrorCode::NotFound => Ok(void(words)),
        Err(refused) => Err(refused),
    }
}

impl InvitationPage {
    fn help(&self) -> String {
        self.frame.words.with("invite-join-help", &[("least", value(self.guest.least as u64))])
    }
}

async fn look(portal: &Portal, token: &str) -> Result<Option<Guest>, Refusal> {
    let (token, now_ms) = (token.to_owned(), portal.now_ms()?);
    Ok(portal.store.read(move |tx| invitations::look(tx, &token, now_ms)).await?)
}

fn void(words: &Words) -> Response {
    render_refused(StatusCode::NOT_FOUND, &VoidPage { frame: Frame::plain(words, "invite-void-title") })
}
