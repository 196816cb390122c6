//! From a provider's subject to a member's session, in one transaction.

use super::Reason;
use super::settings::Settings;
use crate::audit::{self, Actor, Event};
use crate::caller::Origin;
use crate::members::places;
use crate::sessions::{self, NewSession, fold_name};
use crate::store::{StoreError, Tx};
use serde_json::{Value, json};
use twinlock_core::policy::Surface;
use twinlock_core::secret::SecretText;

crate::statements! {
    FIND_LINK = "SELECT member FROM sso_link WHERE organisation = $1 AND issuer = $2 AND subject = $3";
    INSERT_LINK = "INSERT INTO sso_link (organisation, issuer, subject, member, mfa, signed_in_ms, linked_ms)
        VALUES ($1, $2, $3, $4, 0, 0, $5) ON CONFLICT DO NOTHING";
    NOTE_SIGN_IN = "UPDATE sso_link SET mfa = $5, signed_in_ms = $6
        WHERE organisation = $1 AND issuer = $2 AND subject = $3 AND EXISTS (SELECT 1 FROM identity_provider p
            WHERE p.organisation = $1 AND p.issuer = $2 AND p.set_ms = $4)";
    FIND_NAMED_MEMBER = "SELECT member FROM sign_in_name WHERE organisation = $1 AND name = $2";
    FIND_LINKED_MEMBER = "SELECT name, state FROM member WHERE organisation = $1 AND id = $2";
    VOUCH_FOR_SESSION = "UPDATE session SET sso_mfa = $3 WHERE organisation = $1 AND token_hash = $2";
}

/// What a checked token says.
pub struct Asserted {
    /// The provider's name for this person.
    pub subject: String,
    /// Whether it asserted MFA for this sign-in.
    pub is_mfa: bool,
    /// The name that a member is found by, where the subject is not known yet.
    pub name: Option<String>,
}

/// Whom a subject is, if it signed in before.
pub fn find_link(tx: &mut Tx<'_>, settings: &Settings, subject: &str) -> Result<Option<String>, StoreError> {
    let row = tx.query_one(FIND_LINK, &[(&settings.organisation).into(), (&settings.issuer).into(), subject.into()])?;
    row.map(|row| Ok(row.text(0)?.to_owned())).transpose()
}

/// Opens a browser's session for whom the provider has named. From the first time on the subject alone decides: who takes a
/// member's name at the provider later does not become the member.
pub fn open(
    tx: &mut Tx<'_>,
    settings: &Settings,
    asserted: &Asserted,
    origin: &Origin,
    now_ms: u64,
) -> Result<Result<SecretText, (Reason, Option<String>)>, StoreError> {
    let (organisation, issuer, subject) = (&settings.organisation, &settings.issuer, &asserted.subject);
    let linked = find_link(tx, settings, subject)?;
    let member = match (&linked, &asserted.name) {
        (Some(member), _) => member.clone(),
        (None, None) => return Ok(Err((Reason::NoName, None))),
        (None, Some(name)) => {
            let found = tx.query_one(FIND_NAMED_MEMBER, &[organisation.into(), fold_name(name).into()])?;
            let Some(found) = found else { return Ok(Err((Reason::NoMember, None))) };
            found.text(0)?.to_owned()
        }
    };
    let Some(row) = tx.query_one(FIND_LINKED_MEMBER, &[organisation.into(), (&member).into()])? else {
        return Ok(Err((Reason::NoMember, None)));
    };
    if row.text(1)? != "active" {
        return Ok(Err((Reason::Suspended, Some(member))));
    }
    let event = |action, detail: Value| Event {
        at_ms: now_ms,
        actor: Actor::Member { id: member.clone(), name: row.text(0).unwrap_or_default().to_owned() },
        action,
        target: member.clone(),
        detail,
        address: origin.address.clone(),
        request_id: origin.request_id.clone(),
    };
    if linked.is_none() {
        let values = [organisation.into(), issuer.into(), subject.into(), (&member).into(), now_ms.into()];
        if tx.exec(INSERT_LINK, &values)? == 1 {
            let detail = json!({ "issuer": issuer, "subject": subject });
            audit::record(tx, organisation, &event("sso.linked", detail))?;
        } else if find_link(tx, settings, subject)?.as_ref() != Some(&member) {
            return Ok(Err((Reason::SecondSubject, Some(member))));
        }
    }
    let values = [
        organisation.into(),
        issuer.into(),
        subject.into(),
        settings.set_ms.into(),
        asserted.is_mfa.into(),
        now_ms.into(),
    ];
    if tx.exec(NOTE_SIGN_IN, &values)? == 0 {
        return Ok(Err((Reason::Settings, Some(member))));
    }
    places::note(tx, organisation, &member)?;
    let new = NewSession {
        organisation,
        member: &member,
        surface: Surface::Web,
        device: "",
        session_key: &[],
        app_version: "",
        code_at_ms: 0,
        pin_proved: false,
    };
    let (token, token_hash) = sessions::open(tx, &new, origin, now_ms)?;
    tx.exec(VOUCH_FOR_SESSION, &[organisation.into(), (&token_hash).into(), asserted.is_mfa.into()])?;
    let detail = json!({ "surface": Surface::Web, "by": "sso", "mfa_asserted": asserted.is_mfa });
    audit::record(tx, organisation, &event("session.opened", detail))?;
    Ok(Ok(token))
}

/// Takes down that somebody was not let in.
pub fn record_refused(
    tx: &mut Tx<'_>,
    organisation: &str,
    (reason, member): &(Reason, Option<String>),
    origin: &Origin,
    now_ms: u64,
) -> Result<(), StoreError> {
    let target = member.as_deref().unwrap_or(organisation);
    let mut event = Event::by_portal(now_ms, "sso.refused", target, json!({ "reason": reason.name() }));
    event.address.clone_from(&origin.address);
    event.request_id.clone_from(&origin.request_id);
    audit::record(tx, organisation, &event)
}
