//! Organisations: made by the operator, each with its own policy key.

use crate::audit::{self, Event};
use crate::key_wrap::KeyWrap;
use crate::policy;
use crate::store::{StoreError, Tx};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::json;
use twinlock_core::policy::{PolicyDocument, Rules};
use twinlock_core::ports::generate_bytes;
use twinlock_core::secret::SecretBytes;
use twinlock_core::{Error, Result};
use uuid::Uuid;

crate::statements! {
    INSERT_ORGANISATION = "INSERT INTO organisation (id, name, policy_key_sealed, policy_key_version, policy_public,
            policy_version, policy_hash, rules, clock_mark_ms, created_ms)
        VALUES ($1, $2, $3, $4, $5, 1, $6, $7, 0, $8)";
    FIND_ORGANISATION_NAME = "SELECT name FROM organisation WHERE id = $1";
}

/// An organisation that is ready to be written.
pub struct NewOrganisation {
    id: String,
    name: String,
    sealed: Vec<u8>,
    key_version: i64,
    public: Vec<u8>,
    document: PolicyDocument,
    signed: twinlock_core::policy::Signed,
    hash: String,
}

impl NewOrganisation {
    /// Makes its id, its policy key and its first policy: the defaults, two-step not yet required.
    pub fn generate(name: &str, wrap: &dyn KeyWrap, now_ms: u64) -> Result<Self> {
        let name = name.trim();
        // The name stands in set-up URIs as the issuer.
        twinlock_core::code::Label::new(Some(name), "account")?;
        let id = Uuid::now_v7().simple().to_string();
        let seed = SecretBytes::new(generate_bytes::<32>(&SystemRandom::new())?.to_vec());
        let key = Ed25519KeyPair::from_seed_unchecked(seed.expose()).map_err(|_| Error::Internal)?;
        let (key_version, sealed) = wrap.seal(seed.expose(), &policy::key_place(&id))?;
        let document = PolicyDocument {
            organisation: id.clone(),
            version: 1,
            issued_ms: now_ms,
            not_before_ms: now_ms,
            previous: String::new(),
            requires: Rules::defaults(),
            critical: policy::CRITICAL.iter().map(|name| (*name).to_owned()).collect(),
        };
        let (signed, hash) = policy::sign(&document, &key)?;
        let public = key.public_key().as_ref().to_vec();
        Ok(Self { id, name: name.to_owned(), sealed, key_version, public, document, signed, hash })
    }

    /// Writes it; returns its id.
    pub fn insert(self, tx: &mut Tx<'_>) -> std::result::Result<String, StoreError> {
        let now_ms = self.document.issued_ms;
        let rules = serde_json::to_string(&self.document.requires).unwrap_or_default();
        tx.exec(
            INSERT_ORGANISATION,
            &[
                (&self.id).into(),
                (&self.name).into(),
                (&self.sealed).into(),
                self.key_version.into(),
                (&self.public).into(),
                (&self.hash).into(),
                rules.into(),
                now_ms.into(),
            ],
        )?;
        policy::insert_version(tx, &self.document, &self.signed, "operator", "")?;
        let event = Event::by_operator(now_ms, "organisation.created", &self.id, json!({ "name": self.name }));
        audit::record(tx, &self.id, &event)?;
        Ok(self.id)
    }
}

/// The organisation's name.
pub fn name(tx: &mut Tx<'_>, organisation: &str) -> std::result::Result<String, StoreError> {
    let row = tx.query_one(FIND_ORGANISATION_NAME, &[organisation.into()])?;
    row.map_or(Ok(String::new()), |row| Ok(row.text(0)?.to_owned()))
}
