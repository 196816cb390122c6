//! Invitations: an admin makes an account, and whoever reads its mail chooses the password by a link that works once.

use crate::act::Outcome;
use crate::audit::{self, Actor, Event};
use crate::caller::{Caller, Origin};
use crate::identity::locate;
use crate::key_wrap::KeyWrap;
use crate::mail::outbox::{self, Kind, Message, SealedLink};
use crate::members::{self, NewMember};
use crate::password;
use crate::sessions::{Authenticated, generate_token};
use crate::standing::NewRole;
use crate::store::{StoreError, Tx};
use serde_json::json;
use twinlock_core::policy::Rules;
use twinlock_core::secret::SecretText;
use twinlock_core::{Error, Result};

crate::statements! {
    PUT_INVITATION = "INSERT INTO invitation (organisation, member, token_hash, made_by, made_ms, expires_ms)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (organisation, member) DO UPDATE SET token_hash = excluded.token_hash, made_by = excluded.made_by,
            made_ms = excluded.made_ms, expires_ms = excluded.expires_ms";
    SET_LANGUAGE_OF_INVITED = "UPDATE member SET language = $3 WHERE organisation = $1 AND id = $2";
    FIND_UNUSED_ACCOUNT = "SELECT id FROM member WHERE organisation = $1 AND id = $2 AND password = '' AND state = 'active'";
    FIND_INVITATION = "SELECT i.made_ms, i.expires_ms, COALESCE(b.name, '') FROM invitation i
        LEFT JOIN member b ON b.organisation = i.organisation AND b.id = i.made_by
        WHERE i.organisation = $1 AND i.member = $2";
    FIND_INVITATION_BY_TOKEN = "SELECT m.name, m.email, o.name, o.rules FROM invitation i
        JOIN member m ON m.organisation = i.organisation AND m.id = i.member
        JOIN organisation o ON o.id = i.organisation
        WHERE i.organisation = $1 AND i.token_hash = $2 AND i.expires_ms > $3 AND m.state = 'active' AND m.password = ''";
    TAKE_INVITATION = "DELETE FROM invitation WHERE organisation = $1 AND token_hash = $2 AND expires_ms > $3
        RETURNING member";
    SET_FIRST_PASSWORD = "UPDATE member SET password = $3
        WHERE organisation = $1 AND id = $2 AND password = '' AND state = 'active' RETURNING name";
    WITHDRAW_INVITATION = "DELETE FROM invitation WHERE organisation = $1 AND member = $2";
}

/// How long a link works.
pub const VALID_MS: u64 = 7 * 86_400_000;

/// Whom to invite; checked by whoever fills it in.
pub struct Invited {
    /// Name.
    pub name: String,
    /// E-mail address, which is the sign-in name.
    pub email: String,
    /// Role.
    pub role: NewRole,
    /// Tag of the language that the mail is written in.
    pub language: &'static str,
}

/// A link for a mail: its path sealed, and the hash that it is found by.
pub struct NewLink {
    sealed: SealedLink,
    token_hash: Vec<u8>,
}

impl NewLink {
    /// A new one. The token stands in the query, which no log holds.
    pub fn generate(wrap: &dyn KeyWrap, organisation: &str) -> Result<Self> {
        let (token, token_hash) = generate_token(organisation).map_err(|_| Error::RandomFailed)?;
        let path = SecretText::new(format!("/invitation?token={}", token.expose()));
        Ok(Self { sealed: SealedLink::seal(wrap, organisation, &path)?, token_hash })
    }
}

/// An invitation that nobody has followed yet.
pub struct Pending {
    /// When it was made, epoch milliseconds.
    pub made_ms: u64,
    /// Until when its link works, epoch milliseconds.
    pub expires_ms: u64,
    /// The name of the admin who made it.
    pub made_by: String,
}

/// Whom a link is for.
pub struct Guest {
    /// Name.
    pub name: String,
    /// E-mail address.
    pub email: String,
    /// The organisation's name.
    pub organisation: String,
    /// So many characters a password needs.
    pub least: usize,
}

/// Makes the account and writes the mail. Needs a fresh code; [`Error::BadRequest`] if somebody signs in with the address.
pub fn invite(tx: &mut Tx<'_>, caller: &Caller, invited: &Invited, link: &NewLink) -> Outcome<String> {
    if let Err(refused) = caller.require_fresh_code() {
        return Ok(Err(refused));
    }
    let role = invited.role.name();
    let new = NewMember {
        organisation: &caller.organisation,
        name: &invited.name,
        email: &invited.email,
        role,
        // None: no password opens the account before its member has chosen one.
        password: "",
    };
    let member = match members::add(tx, &new, caller.now_ms)? {
        Ok(member) => member,
        Err(refused) => return Ok(Err(refused)),
    };
    tx.exec(SET_LANGUAGE_OF_INVITED, &[(&caller.organisation).into(), (&member).into(), invited.language.into()])?;
    let detail = json!({ "name": invited.name, "role": role });
    audit::record(tx, &caller.organisation, &Event::by(caller, "member.invited", &member, detail))?;
    send(tx, caller, &member, link)?;
    Ok(Ok(member))
}

/// Writes the mail again, with a new link; the former one is void. [`Error::NotFound`] for who has a password already.
pub fn invite_again(tx: &mut Tx<'_>, caller: &Caller, member: &str, link: &NewLink) -> Outcome<()> {
    if let Err(refused) = caller.require_fresh_code() {
        return Ok(Err(refused));
    }
    if tx.query_one(FIND_UNUSED_ACCOUNT, &[(&caller.organisation).into(), member.into()])?.is_none() {
        return Ok(Err(Error::NotFound));
    }
    audit::record(tx, &caller.organisation, &Event::by(caller, "member.invited_again", member, json!({})))?;
    send(tx, caller, member, link)?;
    Ok(Ok(()))
}

/// The link works no more; the account stays, and nobody can sign in to it with a password.
pub fn withdraw(tx: &mut Tx<'_>, caller: &Caller, member: &str) -> Outcome<()> {
    if tx.exec(WITHDRAW_INVITATION, &[(&caller.organisation).into(), member.into()])? == 0 {
        return Ok(Err(Error::NotFound));
    }
    audit::record(tx, &caller.organisation, &Event::by(caller, "member.invitation_withdrawn", member, json!({})))?;
    Ok(Ok(()))
}

/// A member's invitation, if nobody has followed it.
pub fn find(tx: &mut Tx<'_>, organisation: &str, member: &str) -> std::result::Result<Option<Pending>, StoreError> {
    let row = tx.query_one(FIND_INVITATION, &[organisation.into(), member.into()])?;
    row.map(|row| {
        Ok(Pending { made_ms: row.unsigned(0)?, expires_ms: row.unsigned(1)?, made_by: row.text(2)?.to_owned() })
    })
    .transpose()
}

/// True if nobody has chosen a password for the account.
pub fn is_unused(tx: &mut Tx<'_>, organisation: &str, member: &str) -> std::result::Result<bool, StoreError> {
    Ok(tx.query_one(FIND_UNUSED_ACCOUNT, &[organisation.into(), member.into()])?.is_some())
}

/// Whom a link is for, without using it: programs that read mails open every address in them. `None` for one that is void.
pub fn look(tx: &mut Tx<'_>, token: &str, now_ms: u64) -> std::result::Result<Option<Guest>, StoreError> {
    let Some((organisation, token_hash)) = locate(token) else { return Ok(None) };
    let found = tx.query_one(FIND_INVITATION_BY_TOKEN, &[organisation.into(), token_hash.into(), now_ms.into()])?;
    let Some(row) = found else { return Ok(None) };
    let rules: Rules = serde_json::from_str(row.text(3)?).unwrap_or_else(|_| Rules::strict());
    Ok(Some(Guest {
        name: row.text(0)?.to_owned(),
        email: row.text(1)?.to_owned(),
        organisation: row.text(2)?.to_owned(),
        least: if rules.two_step { password::LEAST_WITH_TWO_STEP } else { password::LEAST_ALONE },
    }))
}

/// Uses the link up and sets the password, in its stored form. [`Error::NotFound`] for a link that is void.
pub fn accept(tx: &mut Tx<'_>, token: &str, password: &str, origin: &Origin, now_ms: u64) -> Outcome<Authenticated> {
    let Some((organisation, token_hash)) = locate(token) else { return Ok(Err(Error::NotFound)) };
    // The link goes first: of two who send the form at once, one deletes it.
    let taken = tx.query_one(TAKE_INVITATION, &[organisation.into(), token_hash.into(), now_ms.into()])?;
    let Some(taken) = taken else { return Ok(Err(Error::NotFound)) };
    let member = taken.text(0)?;
    let set = tx.query_one(SET_FIRST_PASSWORD, &[organisation.into(), member.into(), password.into()])?;
    let Some(row) = set else { return Ok(Err(Error::NotFound)) };
    let name = row.text(0)?.to_owned();
    let event = Event {
        at_ms: now_ms,
        actor: Actor::Member { id: member.to_owned(), name: name.clone() },
        action: "member.joined",
        target: member.to_owned(),
        detail: json!({}),
        address: origin.address.clone(),
        request_id: origin.request_id.clone(),
    };
    audit::record(tx, organisation, &event)?;
    Ok(Ok(Authenticated::founder(organisation.to_owned(), member.to_owned(), name)))
}

fn send(tx: &mut Tx<'_>, caller: &Caller, member: &str, link: &NewLink) -> std::result::Result<(), StoreError> {
    tx.exec(
        PUT_INVITATION,
        &[
            (&caller.organisation).into(),
            member.into(),
            (&link.token_hash).into(),
            (&caller.member).into(),
            caller.now_ms.into(),
            (caller.now_ms + VALID_MS).into(),
        ],
    )?;
    let message = Message::by(caller, member, Kind::Invitation);
    outbox::put(tx, &Message { link: Some(link.sealed.clone()), ..message })
}
