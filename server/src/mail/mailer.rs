//! The worker that empties the outbox: one in each portal, and of all portals on a database one has a mail in hand.

use crate::mail::freeze;
use crate::mail::letter::{self, About, Letter, Links};
use crate::mail::outbox::Kind;
use crate::mail::reminders;
use crate::mail::sending::{self, InHand, Sending};
use crate::mail::smtp::Smtp;
use crate::portal::Portal;
use crate::store::{StoreError, Tx};
use crate::words::Words;
use lettre::Message;
use lettre::address::Address;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use std::time::{Duration, UNIX_EPOCH};
use tokio::sync::watch;
use twinlock_core::secret::SecretText;

crate::statements! {
    FIND_RECEIVER = "SELECT m.name, m.email, m.language, m.zone, o.name, m.state
        FROM member m JOIN organisation o ON o.id = m.organisation
        WHERE m.organisation = $1 AND m.id = $2";
}

/// How often the worker looks for mails.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// After a failure of the connection it waits as long before the next mail.
const PAUSE: Duration = Duration::from_secs(2);
/// Mails on one connection.
const AT_ONCE: u32 = 100;

/// Who gets a mail, as of now.
pub struct Receiver {
    /// The name.
    pub name: String,
    /// The address.
    pub email: String,
    /// The organisation's name.
    pub organisation: String,
    /// How the receiver is spoken to.
    pub words: Words,
    is_active: bool,
}

/// The receiver of a mail.
pub fn receiver(tx: &mut Tx<'_>, organisation: &str, member: &str) -> Result<Option<Receiver>, StoreError> {
    let row = tx.query_one(FIND_RECEIVER, &[organisation.into(), member.into()])?;
    let read = |row: crate::store::Row| {
        Ok(Receiver {
            name: row.text(0)?.to_owned(),
            email: row.text(1)?.to_owned(),
            words: Words::of_member(row.text(2)?, row.text(3)?),
            organisation: row.text(4)?.to_owned(),
            is_active: row.text(5)? == "active",
        })
    };
    row.map(read).transpose()
}

/// Sends what is due, until `stop` says so; a mail in hand is finished.
pub async fn work(portal: Portal, smtp: Smtp, mut stop: watch::Receiver<bool>) {
    let mut pause = Duration::ZERO;
    loop {
        tokio::select! {
            _ = stop.wait_for(|is_over| *is_over) => return,
            () = tokio::time::sleep(LOOK_EVERY.max(pause)) => {}
        }
        pause = match send_due(&portal, &smtp, &stop).await {
            Ok(true) => Duration::ZERO,
            Ok(false) => PAUSE,
            Err(fault) => {
                tracing::error!(%fault, "the outbox cannot be read");
                PAUSE
            }
        };
    }
}

/// Sends on one connection what is due; false if the connection failed.
async fn send_due(portal: &Portal, smtp: &Smtp, stop: &watch::Receiver<bool>) -> Result<bool, StoreError> {
    let mut connection = None;
    for _ in 0..AT_ONCE {
        if *stop.borrow() {
            break;
        }
        let Some((mail, found)) = take(portal).await? else { break };
        let sending = match found {
            Found::Letter(receiver, freeze) => {
                deliver(portal, smtp, &mut connection, &mail, &receiver, freeze.as_ref()).await
            }
            Found::NotNeeded => Sending::Void,
            Found::Unknown => Sending::Later("a newer portal wrote this mail".to_owned()),
        };
        let is_failing = matches!(sending, Sending::Later(_));
        if let Sending::Later(fault) | Sending::Refused(fault) | Sending::Bounced(fault) = &sending {
            tracing::warn!(organisation = mail.organisation, mail = mail.id, fault, "a mail was not sent");
        }
        let now_ms = portal.now_ms().map_err(|_| StoreError::Closed)?;
        portal.store.write(move |tx| sending::settle(tx, &mail, &sending, now_ms)).await?;
        if is_failing {
            return Ok(false);
        }
    }
    if let Some(mut connection) = connection {
        let _ = tokio::time::timeout(PAUSE, connection.quit()).await;
    }
    Ok(true)
}

/// What is to be done with a mail that was taken.
enum Found {
    /// Send it, with the token of its freezing link.
    Letter(Box<Receiver>, Option<SecretText>),
    /// The receiver is gone, or complies by now.
    NotNeeded,
    /// Its kind is not known here.
    Unknown,
}

async fn take(portal: &Portal) -> Result<Option<(InHand, Found)>, StoreError> {
    let now_ms = portal.now_ms().map_err(|_| StoreError::Closed)?;
    // Most looks find nothing, and write nothing.
    if !portal.store.read(move |tx| sending::is_due(tx, now_ms)).await? {
        return Ok(None);
    }
    let taken = portal.store.write(move |tx| {
        let Some(mail) = sending::claim(tx, now_ms)? else { return Ok(None) };
        let found = find(tx, &mail, now_ms)?;
        Ok(Some((mail, found)))
    });
    taken.await
}

fn find(tx: &mut Tx<'_>, mail: &InHand, now_ms: u64) -> Result<Found, StoreError> {
    let (organisation, member) = (&mail.organisation, &mail.member);
    let Some(kind) = mail.kind else { return Ok(Found::Unknown) };
    let Some(receiver) = receiver(tx, organisation, member)? else { return Ok(Found::NotNeeded) };
    let is_call = matches!(kind, Kind::Reminder | Kind::Announcement);
    if is_call && !reminders::is_needed(tx, organisation, member, now_ms)? {
        return Ok(Found::NotNeeded);
    }
    let is_open = kind.can_freeze() && receiver.is_active;
    let freeze = is_open.then(|| freeze::mint(tx, organisation, member, now_ms)).transpose()?;
    Ok(Found::Letter(Box::new(receiver), freeze))
}

async fn deliver(
    portal: &Portal,
    smtp: &Smtp,
    connection: &mut Option<AsyncSmtpConnection>,
    mail: &InHand,
    receiver: &Receiver,
    freeze: Option<&SecretText>,
) -> Sending {
    let Some(kind) = mail.kind else { return Sending::Void };
    let base = portal.config.public_url.trim_end_matches('/');
    let Ok(own) = mail.open_link(portal.key_wrap.as_ref()) else {
        return Sending::Later("the link of this mail cannot be opened: is it the right key file?".to_owned());
    };
    let own = own.map(|path| SecretText::new(format!("{base}{}", path.expose())));
    let freeze = freeze.map(|token| SecretText::new(format!("{base}/not-me/{}", token.expose())));
    let about = About {
        words: &receiver.words,
        name: &receiver.name,
        organisation: &receiver.organisation,
        kind,
        facts: &mail.facts,
        at_ms: mail.at_ms,
    };
    let links = Links { own: own.as_ref().map(SecretText::expose), freeze: freeze.as_ref().map(SecretText::expose) };
    let letter = letter::write(&about, links);
    let message = match compose(smtp, &mail.id, receiver, letter, portal.now_ms().unwrap_or(mail.at_ms)) {
        Ok(message) => message,
        Err(sending) => return sending,
    };
    let mut open = match connection.take() {
        Some(open) => open,
        None => match smtp.connect().await {
            Ok(open) => open,
            Err(sending) => return sending,
        },
    };
    let sending = smtp.send(&mut open, message.envelope(), &message.formatted()).await;
    if sending == Sending::Sent {
        *connection = Some(open);
    } else {
        let _ = tokio::time::timeout(PAUSE, open.abort()).await;
    }
    sending
}

/// The whole message. Names go through the builder, which encodes them: no line break of theirs becomes a header.
fn compose(smtp: &Smtp, id: &str, receiver: &Receiver, letter: Letter, now_ms: u64) -> Result<Message, Sending> {
    let address: Address =
        receiver.email.trim().parse().map_err(|_| Sending::Bounced("this is no e-mail address".to_owned()))?;
    let to = Mailbox::new(Some(letter::tame(&receiver.name)).filter(|name| !name.is_empty()), address);
    let automatic = HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned());
    let built = Message::builder()
        .from(smtp.from.clone())
        .to(to)
        .subject(letter.subject)
        .date(UNIX_EPOCH + Duration::from_millis(now_ms))
        // The same for each try: a server that took it twice can tell.
        .message_id(Some(format!("<{id}@{}>", smtp.from.email.domain())))
        .raw_header(automatic)
        .multipart(MultiPart::alternative_plain_html(letter.text, letter.html));
    built.map_err(|fault| Sending::Refused(fault.to_string()))
}
