//! Admin → Users → *Invite somebody*: the account, and its mail.

use super::member::{address, back, done};
use crate::access::{Access, Pages, get, post};
use crate::caller::Caller;
use crate::members::invitations::{self, Invited, NewLink};
use crate::page::{Form, Frame, lead_to_fresh_code, render, render_refused};
use crate::portal::Portal;
use crate::problem::Refusal;
use crate::standing::NewRole;
use crate::words::Language;
use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use std::sync::Arc;
use twinlock_core::ErrorCode;
use twinlock_core::code::Label;

#[derive(Template)]
#[template(path = "invite.html")]
struct InvitePage {
    frame: Frame,
    /// Without a mail server the mail waits.
    is_mail_set: bool,
    form: InviteForm,
    /// The keys of what is wrong with each field; empty: nothing.
    name_fault: &'static str,
    email_fault: &'static str,
}

#[derive(Deserialize)]
struct InviteForm {
    name: String,
    email: String,
    role: NewRole,
    /// A tag; anything that is not spoken is the portal's first.
    #[serde(default)]
    language: String,
}

/// Longer names are of no use on a page.
const MAX_NAME: usize = 100;

pub(super) fn routes(pages: Pages) -> Pages {
    pages
        .route(Access::Admin, "/admin/users/invite", get(show).post(invite))
        .route(Access::Admin, "/admin/users/{member}/invitation", post(again))
        .route(Access::Admin, "/admin/users/{member}/invitation/withdraw", post(withdraw))
}

async fn show(State(portal): State<Portal>, Extension(caller): Extension<Arc<Caller>>) -> Result<Response, Refusal> {
    // Before the form is filled in, not after.
    if let Err(error) = caller.require_fresh_code() {
        return Ok(lead_to_fresh_code(error.into(), "/admin/users/invite"));
    }
    let language = caller.words.language().tag().to_owned();
    let form = InviteForm { name: String::new(), email: String::new(), role: NewRole::Member, language };
    Ok(render(&InvitePage {
        frame: Frame::of(&caller, "users", "invite-title"),
        is_mail_set: portal.config.mail.is_some(),
        form,
        name_fault: "",
        email_fault: "",
    }))
}

async fn invite(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Form(form): Form<InviteForm>,
) -> Result<Response, Refusal> {
    let (name, email) = (form.name.trim().to_owned(), form.email.trim().to_owned());
    let is_name = !name.is_empty() && name.chars().count() <= MAX_NAME && !name.chars().any(char::is_control);
    let is_email = email.parse::<lettre::Address>().is_ok() && Label::new(Some("issuer"), &email).is_ok();
    let name_fault = if is_name { "" } else { "invite-name-fault" };
    let mut email_fault = if is_email { "" } else { "invite-email-fault" };
    if is_name && is_email {
        let language = Language::of_tag(&form.language).unwrap_or_default().tag();
        let invited = Invited { name, email, role: form.role, language };
        let link = NewLink::generate(portal.key_wrap.as_ref(), &caller.organisation)?;
        let made = portal.act(&caller, move |tx, caller| invitations::invite(tx, caller, &invited, &link)).await;
        let word = if portal.config.mail.is_some() { "invited" } else { "invited-waits" };
        match made {
            Ok(member) => return Ok(back(&member, word)),
            Err(refused) if refused.code() == ErrorCode::BadRequest => email_fault = "invite-email-taken",
            Err(refused) => return Ok(lead_to_fresh_code(refused, "/admin/users/invite")),
        }
    }
    let frame = Frame::of(&caller, "users", "invite-title").with_fault();
    let page = InvitePage { frame, is_mail_set: portal.config.mail.is_some(), form, name_fault, email_fault };
    Ok(render_refused(StatusCode::UNPROCESSABLE_ENTITY, &page))
}

async fn again(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(member): Path<String>,
) -> Result<Response, Refusal> {
    let link = NewLink::generate(portal.key_wrap.as_ref(), &caller.organisation)?;
    let of = member.clone();
    let sent = portal.act(&caller, move |tx, caller| invitations::invite_again(tx, caller, &of, &link)).await;
    let word = if portal.config.mail.is_some() { "invited" } else { "invited-waits" };
    Ok(done(sent, &member, word))
}

async fn withdraw(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(member): Path<String>,
) -> Result<Response, Refusal> {
    let of = member.clone();
    let withdrawn = portal.act(&caller, move |tx, caller| invitations::withdraw(tx, caller, &of)).await;
    match withdrawn {
        Ok(()) => Ok(back(&member, "invitation-withdrawn")),
        Err(refused) => Ok(lead_to_fresh_code(refused, &address(&member))),
    }
}
