//! Admin → Mail: the connection to the mail server, and what went through it.

use super::{Frame, Notice, render};
use crate::access::{Access, Pages, get, post};
use crate::caller::Caller;
use crate::mail::letter::{self, About, Links};
use crate::mail::list::{self, Mail, Standing};
use crate::mail::mailer;
use crate::portal::Portal;
use crate::problem::Refusal;
use crate::words::Words;
use askama::Template;
use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use std::sync::Arc;
use twinlock_core::Error;

#[derive(Template)]
#[template(path = "mails.html")]
struct MailsPage {
    frame: Frame,
    /// The mail server, as the operator named it; or empty.
    server: String,
    from: String,
    last_sent: String,
    last_fault: String,
    states: Vec<StateChoice>,
    is_filtered: bool,
    mails: Vec<MailRow>,
    next: Option<String>,
}

struct StateChoice {
    name: &'static str,
    label: String,
    is_chosen: bool,
}

struct MailRow {
    id: String,
    subject: String,
    member: String,
    name: String,
    state: StateMark,
    written: String,
    fault: String,
}

/// A state with its mark; the mark is not all that tells it.
struct StateMark {
    class: &'static str,
    mark: &'static str,
    text: String,
}

#[derive(Template)]
#[template(path = "mail_one.html")]
struct MailPage {
    frame: Frame,
    id: String,
    subject: String,
    text: String,
    language: &'static str,
    member: String,
    receiver: String,
    state: StateMark,
    written: String,
    tries: u64,
    settled: String,
    next_try: String,
    fault: String,
    can_retry: bool,
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    state: String,
    #[serde(default)]
    before: String,
}

/// The states, with the key of each one's name.
const STATES: [(&str, &str); 6] = [
    ("waiting", "mail-state-waiting"),
    ("sending", "mail-state-sending"),
    ("sent", "mail-state-sent"),
    ("failed", "mail-state-failed"),
    ("bounced", "mail-state-bounced"),
    ("void", "mail-state-void"),
];
const PAGE: u32 = 50;

pub(super) fn routes(pages: Pages) -> Pages {
    pages
        .route(Access::Admin, "/admin/mail", get(show))
        .route(Access::Admin, "/admin/mail/test", post(test))
        .route(Access::Admin, "/admin/mail/{mail}", get(show_one))
        .route(Access::Admin, "/admin/mail/{mail}/retry", post(retry))
}

async fn show(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Query(wanted): Query<Wanted>,
    Query(notice): Query<Notice>,
) -> Result<Response, Refusal> {
    let reader = Arc::clone(&caller);
    let state = STATES.iter().map(|(name, _)| *name).find(|name| *name == wanted.state).unwrap_or_default();
    let (mails, standing) = portal
        .store
        .read(move |tx| {
            let organisation = &reader.organisation;
            let mails = list::list(tx, organisation, state, &wanted.before, PAGE)?;
            Ok((mails, list::standing(tx, organisation)?))
        })
        .await?;
    let words = &caller.words;
    let next = mails.last().filter(|_| mails.len() == PAGE as usize).map(|last| {
        let filter = if state.is_empty() { String::new() } else { format!("state={state}&") };
        format!("/admin/mail?{filter}before={}", super::encode(&last.id))
    });
    let settings = portal.config.mail.as_ref();
    Ok(render(&MailsPage {
        server: settings.map(|mail| format!("{}:{}", mail.server, mail.port())).unwrap_or_default(),
        from: settings.map(|mail| mail.from.clone()).unwrap_or_default(),
        last_sent: if standing.sent_ms > 0 { words.stamp(standing.sent_ms) } else { words.say("mail-never") },
        last_fault: last_fault(words, &standing),
        states: states(words, &standing, state),
        is_filtered: !state.is_empty(),
        mails: mails.iter().map(|mail| row(words, mail)).collect(),
        next,
        frame: Frame::of(&caller, "mail", "mail-title").with_notice(&notice),
    }))
}

fn states(words: &Words, standing: &Standing, chosen: &str) -> Vec<StateChoice> {
    let total = standing.counts.iter().map(|(_, count)| count).sum();
    let label = |name: String, count: u64| {
        words.with("mail-choice", &[("state", name.into()), ("shown", words.number(count).into())])
    };
    let all = StateChoice { name: "", label: label(words.say("mail-state-all"), total), is_chosen: chosen.is_empty() };
    let each = STATES.iter().map(|(name, key)| {
        let count = standing.counts.iter().find(|(state, _)| state == name).map_or(0, |(_, count)| *count);
        StateChoice { name, label: label(words.say(key), count), is_chosen: *name == chosen }
    });
    std::iter::once(all).chain(each).collect()
}

/// A fault that was overcome since is none any more.
fn last_fault(words: &Words, standing: &Standing) -> String {
    match &standing.fault {
        Some((fault, at_ms)) if *at_ms > standing.sent_ms => {
            let values = [("at", words.time(*at_ms).into()), ("fault", fault_in(words, fault).into())];
            words.with("mail-last-fault", &values)
        }
        _ => String::new(),
    }
}

/// What the portal itself says is translated; a mail server's words are shown as they are.
fn fault_in(words: &Words, fault: &str) -> String {
    match fault {
        "expired" => words.say("mail-fault-expired"),
        "restored" => words.say("mail-fault-restored"),
        said => said.to_owned(),
    }
}

fn row(words: &Words, mail: &Mail) -> MailRow {
    MailRow {
        id: mail.id.clone(),
        subject: subject(words, mail),
        member: mail.member.clone(),
        name: mail.name.clone(),
        state: mark(words, &mail.state),
        written: words.stamp(mail.created_ms),
        fault: fault_in(words, &mail.fault),
    }
}

/// What the mail is about, in the words of whoever looks at the list.
fn subject(words: &Words, mail: &Mail) -> String {
    mail.kind.map_or_else(|| words.say("mail-unknown-kind"), |kind| words.say(kind.keys().0))
}

fn mark(words: &Words, state: &str) -> StateMark {
    let (class, mark, key) = match state {
        "waiting" => ("wait", "◷", "mail-state-waiting"),
        "sending" => ("wait", "◷", "mail-state-sending"),
        "sent" => ("good", "✓", "mail-state-sent"),
        "failed" => ("bad", "✕", "mail-state-failed"),
        "bounced" => ("bad", "✕", "mail-state-bounced"),
        _ => ("", "○", "mail-state-void"),
    };
    StateMark { class, mark, text: words.say(key) }
}

async fn show_one(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(id): Path<String>,
    Query(notice): Query<Notice>,
) -> Result<Response, Refusal> {
    let reader = Arc::clone(&caller);
    let found = portal
        .store
        .read(move |tx| {
            let Some(mail) = list::find(tx, &reader.organisation, &id)? else { return Ok(None) };
            let receiver = mailer::receiver(tx, &reader.organisation, &mail.member)?;
            Ok(receiver.map(|receiver| (mail, receiver)))
        })
        .await?;
    let (mail, receiver) = found.ok_or(Error::NotFound)?;
    let words = &caller.words;
    // The links are made when it is sent, and open something: here stands only that there are some.
    let hidden = receiver.words.say("mail-link-hidden");
    let links = mail.kind.map_or(Links::default(), |kind| Links {
        own: kind.link_label().map(|_| hidden.as_str()),
        freeze: kind.can_freeze().then_some(hidden.as_str()),
    });
    let written = mail.kind.map(|kind| {
        let about = About {
            words: &receiver.words,
            name: &receiver.name,
            organisation: &receiver.organisation,
            kind,
            facts: &mail.facts,
            at_ms: mail.created_ms,
        };
        letter::write(&about, links)
    });
    let is_waiting = mail.state == "waiting";
    Ok(render(&MailPage {
        id: mail.id.clone(),
        subject: written.as_ref().map_or_else(|| subject(words, &mail), |letter| letter.subject.clone()),
        text: written.map(|letter| letter.text).unwrap_or_default(),
        language: receiver.words.language().tag(),
        member: mail.member.clone(),
        receiver: format!("{} <{}>", mail.name, mail.email),
        state: mark(words, &mail.state),
        written: words.stamp(mail.created_ms),
        tries: mail.tries,
        settled: if mail.settled_ms > 0 { words.stamp(mail.settled_ms) } else { String::new() },
        next_try: if is_waiting && portal.config.mail.is_some() { words.stamp(mail.due_ms) } else { String::new() },
        fault: fault_in(words, &mail.fault),
        can_retry: mail.tries > 0 && matches!(mail.state.as_str(), "waiting" | "failed" | "bounced"),
        frame: Frame::of(&caller, "mail", "mail-one-title").with_notice(&notice),
    }))
}

async fn test(State(portal): State<Portal>, Extension(caller): Extension<Arc<Caller>>) -> Result<Response, Refusal> {
    portal.act(&caller, list::test).await?;
    let word = if portal.config.mail.is_some() { "mail-tested" } else { "mail-kept" };
    Ok(Redirect::to(&format!("/admin/mail?done={word}")).into_response())
}

async fn retry(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let back = format!("/admin/mail/{}?done=mail-retried", super::encode(&id));
    portal.act(&caller, move |tx, caller| list::retry(tx, caller, &id)).await?;
    Ok(Redirect::to(&back).into_response())
}
