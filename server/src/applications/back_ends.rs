//! Back ends of other applications: each has a key of its own and may ask about requests to its own address alone.

use crate::audit::{self, Event};
use crate::identity::locate;
use crate::portal::Portal;
use crate::problem::Refusal;
use crate::sessions;
use crate::store::{StoreError, Tx};
use axum::http::{HeaderMap, header};
use serde_json::json;
use twinlock_core::proof::Target;
use twinlock_core::secret::SecretText;
use twinlock_core::{Error, Result};

crate::statements! {
    INSERT_BACK_END = "INSERT INTO back_end (organisation, name, authority, key_hash, created_ms) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT DO NOTHING";
    DELETE_BACK_END = "DELETE FROM back_end WHERE organisation = $1 AND name = $2 RETURNING authority";
    FIND_BACK_END = "SELECT authority FROM back_end WHERE organisation = $1 AND key_hash = $2";
}

/// A back end that has shown its key.
#[derive(Debug, Clone)]
pub struct BackEnd {
    /// The organisation's id.
    pub organisation: String,
    /// Host, with the port unless it is 443: what requests to it are signed for.
    pub authority: String,
}

/// Makes a back end known and returns its key, which is stored only as a hash.
///
/// # Errors
/// [`Error::BadRequest`] if its name is taken or its address is not `https://HOST` or `https://HOST:PORT`.
pub fn insert(
    tx: &mut Tx<'_>,
    organisation: &str,
    name: &str,
    url: &str,
    now_ms: u64,
) -> std::result::Result<Result<SecretText>, StoreError> {
    let target = match Target::parse(url) {
        Ok(target) if target.path == "/" && target.query.is_none() => target,
        _ => return Ok(Err(Error::BadRequest)),
    };
    let (key, key_hash) = sessions::generate_token(organisation)?;
    let values = [organisation.into(), name.into(), (&target.authority).into(), (&key_hash).into(), now_ms.into()];
    if tx.exec(INSERT_BACK_END, &values)? == 0 {
        return Ok(Err(Error::BadRequest));
    }
    let detail = json!({ "authority": target.authority });
    audit::record(tx, organisation, &Event::by_operator(now_ms, "back_end.added", name, detail))?;
    Ok(Ok(key))
}

/// Forgets a back end; its key is worth nothing from now on. [`Error::NotFound`] if there is none of this name.
pub fn remove(
    tx: &mut Tx<'_>,
    organisation: &str,
    name: &str,
    now_ms: u64,
) -> std::result::Result<Result<()>, StoreError> {
    let Some(row) = tx.query_one(DELETE_BACK_END, &[organisation.into(), name.into()])? else {
        return Ok(Err(Error::NotFound));
    };
    let detail = json!({ "authority": row.text(0)? });
    audit::record(tx, organisation, &Event::by_operator(now_ms, "back_end.removed", name, detail))?;
    Ok(Ok(()))
}

/// Finds who asks by the key in `Authorization: Bearer` (RFC 6750 §2.1).
pub async fn authenticate(portal: &Portal, headers: &HeaderMap) -> std::result::Result<BackEnd, Refusal> {
    let unknown = || {
        Refusal::from(Error::SignatureRefused)
            .with_detail("Authorization: send the key that `twinlock-portal admin add-back-end` printed, as Bearer.")
    };
    let said = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let key = said.and_then(|said| said.strip_prefix("Bearer ")).ok_or_else(unknown)?;
    let (organisation, key_hash) = locate(key).ok_or_else(unknown)?;
    let place = (organisation.to_owned(), key_hash);
    let find = move |tx: &mut Tx<'_>| tx.query_one(FIND_BACK_END, &[(&place.0).into(), (&place.1).into()]);
    let row = portal.store.read(find).await?.ok_or_else(unknown)?;
    Ok(BackEnd { organisation: organisation.to_owned(), authority: row.text(0)?.to_owned() })
}
