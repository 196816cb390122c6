//! The first run: while there is no organisation, whoever has the one-time link of the operator's terminal makes one and
//! becomes its first admin.

use crate::act::Outcome;
use crate::members::{self, NewMember};
use crate::organisations::NewOrganisation;
use crate::store::{StoreError, Tx};
use data_encoding::BASE64URL_NOPAD;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use twinlock_core::Error;
use twinlock_core::ports::generate_bytes;
use twinlock_core::secret::SecretText;

crate::statements! {
    FIND_ANY_ORGANISATION = "SELECT id FROM organisation ORDER BY id LIMIT 1";
    INSERT_FIRST_RUN_LINK = "INSERT INTO first_run_link (token_hash, expires_ms) VALUES ($1, $2)";
    FIND_FIRST_RUN_LINK = "SELECT expires_ms FROM first_run_link WHERE token_hash = $1 AND expires_ms > $2";
    TAKE_FIRST_RUN_LINK = "DELETE FROM first_run_link WHERE token_hash = $1 AND expires_ms > $2";
    FORGET_FIRST_RUN_LINKS = "DELETE FROM first_run_link";
}

/// How long a link works.
pub const VALID_MS: u64 = 15 * 60_000;

/// The path of a new link; `None` if there is an organisation already. Older links are void.
pub fn mint(tx: &mut Tx<'_>, now_ms: u64) -> Result<Option<SecretText>, StoreError> {
    if tx.query_one(FIND_ANY_ORGANISATION, &[])?.is_some() {
        return Ok(None);
    }
    tx.exec(FORGET_FIRST_RUN_LINKS, &[])?;
    let random = generate_bytes::<32>(&SystemRandom::new()).map_err(|_| StoreError::Closed)?;
    let token = SecretText::new(BASE64URL_NOPAD.encode(&random));
    tx.exec(INSERT_FIRST_RUN_LINK, &[hash(token.expose()).into(), now_ms.saturating_add(VALID_MS).into()])?;
    Ok(Some(SecretText::new(format!("/first-run/{}", token.expose()))))
}

/// True for a link that works.
pub fn is_open(tx: &mut Tx<'_>, token: &str, now_ms: u64) -> Result<bool, StoreError> {
    let found = tx.query_one(FIND_FIRST_RUN_LINK, &[hash(token).into(), now_ms.into()])?;
    Ok(found.is_some() && tx.query_one(FIND_ANY_ORGANISATION, &[])?.is_none())
}

/// The first admin, as the form has it; the password is hashed.
pub struct FirstAdmin {
    /// Name.
    pub name: String,
    /// E-mail address, which is the sign-in name.
    pub email: String,
    /// The stored form of the password.
    pub password: String,
}

/// Makes the organisation and its admin, in one transaction with the link's use; returns both ids. [`Error::NotFound`] if
/// the link does not work any more.
pub fn found(
    tx: &mut Tx<'_>,
    token: &str,
    organisation: NewOrganisation,
    admin: &FirstAdmin,
    now_ms: u64,
) -> Outcome<(String, String)> {
    // The link goes first: of two who send the form at once, one deletes it.
    let is_taken = tx.exec(TAKE_FIRST_RUN_LINK, &[hash(token).into(), now_ms.into()])? == 1;
    if !is_taken || tx.query_one(FIND_ANY_ORGANISATION, &[])?.is_some() {
        return Ok(Err(Error::NotFound));
    }
    let organisation = organisation.insert(tx)?;
    let new = NewMember {
        organisation: &organisation,
        name: &admin.name,
        email: &admin.email,
        role: "admin",
        password: &admin.password,
    };
    let added = members::insert(tx, &new, now_ms)?;
    Ok(added.map(|member| (organisation, member)))
}

fn hash(token: &str) -> Vec<u8> {
    digest(&SHA256, token.as_bytes()).as_ref().to_vec()
}
