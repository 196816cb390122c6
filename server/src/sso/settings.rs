//! An organisation's identity provider, as its operator has set it.

use super::Fault;
use crate::act::Outcome;
use crate::audit::{self, Event};
use crate::key_wrap::KeyWrap;
use crate::members::places;
use crate::sessions::fold_name;
use crate::store::{Row, StoreError, Tx};
use serde_json::{Value, json};
use twinlock_core::Error;
use twinlock_core::policy::Rules;
use twinlock_core::secret::{SecretBytes, SecretText};

crate::statements! {
    SET_PROVIDER = "INSERT INTO identity_provider (organisation, issuer, client_id, secret_sealed, secret_key_version,
            mfa_amr, mfa_acr, name_claim, folded_name, set_ms)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        ON CONFLICT (organisation) DO UPDATE SET issuer = $2, client_id = $3, secret_sealed = $4,
            secret_key_version = $5, mfa_amr = $6, mfa_acr = $7, name_claim = $8, folded_name = $9, set_ms = $10";
    FIND_PROVIDER = "SELECT p.issuer, p.client_id, p.secret_sealed, p.secret_key_version, p.mfa_amr, p.mfa_acr,
            p.name_claim, p.set_ms, o.rules
        FROM identity_provider p JOIN organisation o ON o.id = p.organisation WHERE p.organisation = $1";
    FIND_PROVIDER_BY_NAME = "SELECT organisation FROM identity_provider WHERE folded_name = $1
        ORDER BY organisation LIMIT 2";
    FIND_DOORS = "SELECT p.organisation, (SELECT CAST(count(*) AS BIGINT) FROM organisation)
        FROM identity_provider p ORDER BY p.organisation LIMIT 2";
    FIND_NAMED_ORGANISATION = "SELECT name FROM organisation WHERE id = $1";
    REMOVE_PROVIDER = "DELETE FROM identity_provider WHERE organisation = $1";
    UNVOUCH_SESSIONS = "UPDATE session SET sso_mfa = 0 WHERE organisation = $1 AND sso_mfa = 1";
    UNLINK = "DELETE FROM sso_link WHERE organisation = $1
            AND member = (SELECT n.member FROM sign_in_name n WHERE n.organisation = $1 AND n.name = $2)
        RETURNING member";
}

/// The claim that members are found by at their first sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameClaim {
    /// `preferred_username` (OpenID Connect Core §5.1): what the provider's administrators give out.
    PreferredUsername,
    /// `email`, with `email_verified`.
    Email,
}

impl NameClaim {
    /// The claim's own name.
    pub fn name(self) -> &'static str {
        match self {
            NameClaim::PreferredUsername => "preferred_username",
            NameClaim::Email => "email",
        }
    }
}

/// A provider that is set.
pub struct Settings {
    /// The organisation's id.
    pub organisation: String,
    /// The issuer, exactly as the provider writes it.
    pub issuer: String,
    /// The portal's id at the provider.
    pub client_id: String,
    /// Values of `amr` of which one is enough.
    pub mfa_amr: Vec<String>,
    /// Values of `acr` of which one is enough.
    pub mfa_acr: Vec<String>,
    /// What members are found by.
    pub name_claim: NameClaim,
    /// When it was set, epoch milliseconds: another time means other settings.
    pub set_ms: u64,
    /// The longest life of a session, milliseconds: whoever authenticated earlier authenticates again.
    pub session_ms: u64,
    sealed: Vec<u8>,
    key_version: i64,
}

impl Settings {
    /// The client secret.
    pub fn open_secret(&self, wrap: &dyn KeyWrap) -> twinlock_core::Result<SecretText> {
        let place = secret_place(&self.organisation, &self.issuer, &self.client_id);
        let secret: SecretBytes = wrap.open(self.key_version, &self.sealed, &place)?;
        SecretText::from_utf8(secret.expose()).ok_or(Error::Corrupt)
    }

    /// For people and for the audit log: everything but the secret.
    pub fn to_value(&self) -> Value {
        json!({
            "issuer": self.issuer, "client_id": self.client_id, "mfa_amr": self.mfa_amr, "mfa_acr": self.mfa_acr,
            "name_claim": self.name_claim.name(),
        })
    }
}

/// A provider to be set.
pub struct NewSettings {
    /// The issuer, exactly as the provider writes it: https, without query and fragment.
    pub issuer: String,
    /// The portal's id at the provider.
    pub client_id: String,
    /// The client secret.
    pub secret: SecretText,
    /// Values of `amr` that count as MFA.
    pub mfa_amr: Vec<String>,
    /// Values of `acr` that count as MFA, which are asked for.
    pub mfa_acr: Vec<String>,
    /// What members are found by.
    pub name_claim: NameClaim,
}

/// Sets the organisation's provider, in place of one that there is; [`Error::NotFound`] if there is no such organisation.
/// Open sessions lose what the former settings made of them.
pub fn set(tx: &mut Tx<'_>, organisation: &str, new: &NewSettings, wrap: &dyn KeyWrap, now_ms: u64) -> Outcome<()> {
    let Some(named) = tx.query_one(FIND_NAMED_ORGANISATION, &[organisation.into()])? else {
        return Ok(Err(Error::NotFound));
    };
    let before = find(tx, organisation)?.map(|before| before.to_value());
    let place = secret_place(organisation, &new.issuer, &new.client_id);
    let (key_version, sealed) = match wrap.seal(new.secret.expose().as_bytes(), &place) {
        Ok(sealed) => sealed,
        Err(fault) => return Ok(Err(fault)),
    };
    let values = [
        organisation.into(),
        (&new.issuer).into(),
        (&new.client_id).into(),
        sealed.into(),
        key_version.into(),
        json!(new.mfa_amr).to_string().into(),
        json!(new.mfa_acr).to_string().into(),
        new.name_claim.name().into(),
        fold_name(named.text(0)?).into(),
        now_ms.into(),
    ];
    tx.exec(SET_PROVIDER, &values)?;
    tx.exec(UNVOUCH_SESSIONS, &[organisation.into()])?;
    places::note_provider(tx, organisation)?;
    let after = find(tx, organisation)?.map(|after| after.to_value());
    let detail = json!({ "before": before, "after": after });
    audit::record(tx, organisation, &Event::by_operator(now_ms, "sso.set", organisation, detail))?;
    Ok(Ok(()))
}

/// Removes the organisation's provider; what it asserted counts no more from the next request on.
pub fn remove(tx: &mut Tx<'_>, organisation: &str, now_ms: u64) -> Outcome<()> {
    let Some(before) = find(tx, organisation)? else { return Ok(Err(Error::NotFound)) };
    tx.exec(REMOVE_PROVIDER, &[organisation.into()])?;
    tx.exec(UNVOUCH_SESSIONS, &[organisation.into()])?;
    places::note_provider(tx, organisation)?;
    let detail = json!({ "before": before.to_value() });
    audit::record(tx, organisation, &Event::by_operator(now_ms, "sso.removed", organisation, detail))?;
    Ok(Ok(()))
}

/// Forgets whom a provider's subject is, for a member with this sign-in name whose account there was made anew.
pub fn unlink(tx: &mut Tx<'_>, organisation: &str, name: &str, now_ms: u64) -> Outcome<()> {
    let gone = tx.query(UNLINK, &[organisation.into(), fold_name(name).into()])?;
    let Some(row) = gone.first() else { return Ok(Err(Error::NotFound)) };
    let member = row.text(0)?;
    places::note(tx, organisation, member)?;
    audit::record(tx, organisation, &Event::by_operator(now_ms, "sso.unlinked", member, json!({})))?;
    Ok(Ok(()))
}

/// The organisation's provider.
pub fn find(tx: &mut Tx<'_>, organisation: &str) -> Result<Option<Settings>, StoreError> {
    let row = tx.query_one(FIND_PROVIDER, &[organisation.into()])?;
    row.map(|row| read(organisation, &row)).transpose()
}

/// The one organisation with a provider whose name this is; whoever shares its name with another has a link of its own.
pub fn find_by_name(tx: &mut Tx<'_>, name: &str) -> Result<Option<String>, StoreError> {
    let rows = tx.query(FIND_PROVIDER_BY_NAME, &[fold_name(name).into()])?;
    match rows.as_slice() {
        [only] => Ok(Some(only.text(0)?.to_owned())),
        _ => Ok(None),
    }
}

/// How the sign-in page leads to providers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Door {
    /// No organisation of this portal has one.
    None,
    /// The only organisation of this portal has one.
    Only(String),
    /// The member has to say which organisation.
    Several,
}

/// How the sign-in page leads to providers.
pub fn find_door(tx: &mut Tx<'_>) -> Result<Door, StoreError> {
    let rows = tx.query(FIND_DOORS, &[])?;
    Ok(match rows.as_slice() {
        [] => Door::None,
        [only] if only.int(1)? == 1 => Door::Only(only.text(0)?.to_owned()),
        _ => Door::Several,
    })
}

/// The settings that hold now.
pub async fn current(portal: &crate::portal::PortalState, organisation: &str) -> Result<Option<Settings>, Fault> {
    let organisation = organisation.to_owned();
    Ok(portal.store.read(move |tx| find(tx, &organisation)).await?)
}

fn read(organisation: &str, row: &Row) -> Result<Settings, StoreError> {
    // A list that cannot be read counts nothing.
    let list = |text: &str| serde_json::from_str(text).unwrap_or_default();
    let rules: Rules = serde_json::from_str(row.text(8)?).unwrap_or_else(|_| Rules::strict());
    Ok(Settings {
        organisation: organisation.to_owned(),
        issuer: row.text(0)?.to_owned(),
        client_id: row.text(1)?.to_owned(),
        sealed: row.blob(2)?.to_vec(),
        key_version: row.int(3)?,
        mfa_amr: list(row.text(4)?),
        mfa_acr: list(row.text(5)?),
        name_claim: if row.text(6)? == "preferred_username" { NameClaim::PreferredUsername } else { NameClaim::Email },
        set_ms: row.unsigned(7)?,
        session_ms: rules.session_ms,
    })
}

/// Ties the sealed secret to its organisation and client, so that rows cannot be swapped.
fn secret_place(organisation: &str, issuer: &str, client_id: &str) -> Vec<u8> {
    format!("twinlock/sso-secret/v1\0{organisation}\0{issuer}\0{client_id}").into_bytes()
}
