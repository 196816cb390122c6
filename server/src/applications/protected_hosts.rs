//! Hosts that a proxy serves only to members of one organisation.

use crate::audit::{self, Event};
use crate::store::{StoreError, Tx};
use serde_json::json;
use twinlock_core::proof::canonical_authority;
use twinlock_core::{Error, Result};

crate::statements! {
    INSERT_PROTECTED_HOST = "INSERT INTO protected_host (host, organisation) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    DELETE_PROTECTED_HOST = "DELETE FROM protected_host WHERE host = $1 AND organisation = $2";
    FIND_PROTECTED_HOST = "SELECT organisation FROM protected_host WHERE host = $1";
}

/// Lets members of the organisation in at this host. [`Error::BadRequest`] if it is no host, or another organisation's.
pub fn insert(
    tx: &mut Tx<'_>,
    organisation: &str,
    host: &str,
    now_ms: u64,
) -> std::result::Result<Result<()>, StoreError> {
    // As it will arrive from the proxy, so that one host has one name.
    let is_canonical = canonical_authority(host).is_ok_and(|canonical| canonical == host);
    if !is_canonical || tx.exec(INSERT_PROTECTED_HOST, &[host.into(), organisation.into()])? == 0 {
        return Ok(Err(Error::BadRequest));
    }
    audit::record(tx, organisation, &Event::by_operator(now_ms, "host.protected", host, json!({})))?;
    Ok(Ok(()))
}

/// Lets nobody in at this host any more. [`Error::NotFound`] if it is none of the organisation's.
pub fn remove(
    tx: &mut Tx<'_>,
    organisation: &str,
    host: &str,
    now_ms: u64,
) -> std::result::Result<Result<()>, StoreError> {
    if tx.exec(DELETE_PROTECTED_HOST, &[host.into(), organisation.into()])? == 0 {
        return Ok(Err(Error::NotFound));
    }
    audit::record(tx, organisation, &Event::by_operator(now_ms, "host.unprotected", host, json!({})))?;
    Ok(Ok(()))
}

/// Whose members are let in at this host.
pub fn organisation_of(tx: &mut Tx<'_>, host: &str) -> std::result::Result<Option<String>, StoreError> {
    tx.query_one(FIND_PROTECTED_HOST, &[host.into()])?.map(|row| row.text(0).map(str::to_owned)).transpose()
}
