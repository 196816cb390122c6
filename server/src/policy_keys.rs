//! A new policy key for an organisation, by the operator: the former key signs a note that hands over, and the document
//! that holds is signed anew with the same bytes, so that no device sees another policy.

use crate::audit::{self, Event};
use crate::key_wrap::KeyWrap;
use crate::policy;
use crate::store::{StoreError, Tx};
use data_encoding::{BASE64, HEXLOWER};
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::json;
use twinlock_core::policy::{Handover, PolicyDocument, Signed};
use twinlock_core::ports::generate_bytes;
use twinlock_core::secret::SecretBytes;
use twinlock_core::{Error, Result};

crate::statements! {
    FIND_SIGNER = "SELECT o.policy_key_sealed, o.policy_key_version, o.policy_public, o.policy_version, v.payload, v.signature,
            (SELECT CAST(count(*) AS BIGINT) FROM policy_handover h WHERE h.organisation = o.id)
        FROM organisation o
        JOIN policy_version v ON v.organisation = o.id AND v.version = o.policy_version
        WHERE o.id = $1";
    REPLACE_KEY = "UPDATE organisation SET policy_key_sealed = $4, policy_key_version = $5, policy_public = $6
        WHERE id = $1 AND policy_version = $2 AND policy_key_sealed = $3";
    SIGN_VERSION_AGAIN = "UPDATE policy_version SET signature = $3 WHERE organisation = $1 AND version = $2";
    INSERT_HANDOVER = "INSERT INTO policy_handover (organisation, number, payload, signature, made_ms)
        VALUES ($1, $2, $3, $4, $5)";
    KEEP_FORMER_KEY = "UPDATE device SET policy_key = $2 WHERE organisation = $1 AND policy_key IS NULL";
}

/// Hands over to a new key. Returns the new public key, hexadecimal; [`Error::NotFound`] for an unknown organisation, and
/// [`Error::PolicyConflict`] if the policy was changed at the same moment.
pub fn hand_over(
    tx: &mut Tx<'_>,
    wrap: &dyn KeyWrap,
    organisation: &str,
    reason: &str,
    now_ms: u64,
) -> std::result::Result<Result<String>, StoreError> {
    let Some(row) = tx.query_one(FIND_SIGNER, &[organisation.into()])? else { return Ok(Err(Error::NotFound)) };
    let (former_sealed, former_public) = (row.blob(0)?, row.blob(2)?);
    let document = Signed { payload: row.text(4)?.to_owned(), signature: row.text(5)?.to_owned() };
    let made = policy::open_key(wrap, organisation, row.int(1)?, former_sealed)
        .and_then(|former| NextKey::generate(wrap, organisation, &former, &document, now_ms));
    let next = match made {
        Ok(next) => next,
        Err(error) => return Ok(Err(error)),
    };
    let version = row.unsigned(3)?;
    let replaced = tx.exec(
        REPLACE_KEY,
        &[
            organisation.into(),
            version.into(),
            former_sealed.into(),
            (&next.sealed).into(),
            next.key_version.into(),
            (&next.public).into(),
        ],
    )?;
    if replaced == 0 {
        return Ok(Err(Error::PolicyConflict));
    }
    tx.exec(SIGN_VERSION_AGAIN, &[organisation.into(), version.into(), (&next.document.signature).into()])?;
    let number = row.unsigned(6)? + 1;
    tx.exec(
        INSERT_HANDOVER,
        &[
            organisation.into(),
            number.into(),
            (&next.note.payload).into(),
            (&next.note.signature).into(),
            now_ms.into(),
        ],
    )?;
    tx.exec(KEEP_FORMER_KEY, &[organisation.into(), former_public.into()])?;
    let detail = json!({ "reason": reason, "number": number, "from": fingerprint(former_public),
        "to": fingerprint(&next.public) });
    audit::record(tx, organisation, &Event::by_operator(now_ms, "policy.key_handed_over", organisation, detail))?;
    Ok(Ok(HEXLOWER.encode(&next.public)))
}

struct NextKey {
    sealed: Vec<u8>,
    key_version: i64,
    public: Vec<u8>,
    note: Signed,
    document: Signed,
}

impl NextKey {
    fn generate(
        wrap: &dyn KeyWrap,
        organisation: &str,
        former: &Ed25519KeyPair,
        document: &Signed,
        now_ms: u64,
    ) -> Result<Self> {
        let seed = SecretBytes::new(generate_bytes::<32>(&SystemRandom::new())?.to_vec());
        let key = Ed25519KeyPair::from_seed_unchecked(seed.expose()).map_err(|_| Error::Internal)?;
        let (key_version, sealed) = wrap.seal(seed.expose(), &policy::key_place(organisation))?;
        let (from, to) = (former.public_key().as_ref(), key.public_key().as_ref());
        let note = Handover {
            organisation: organisation.to_owned(),
            from: BASE64.encode(from),
            to: BASE64.encode(to),
            issued_ms: now_ms,
        };
        let note = note.sign(former)?;
        let document = PolicyDocument::sign_again(document, from, &key)?;
        Ok(Self { sealed, key_version, public: to.to_vec(), note, document })
    }
}

fn fingerprint(public: &[u8]) -> String {
    HEXLOWER.encode(digest(&SHA256, public).as_ref())
}
