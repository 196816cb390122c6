//! A sign-in that left for the provider. It comes back once, within ten minutes, in the browser that it left from: finished
//! in another one it signs nobody in.

use super::Fault;
use crate::identity::locate;
use crate::portal::PortalState;
use crate::store::{StoreError, Tx};
use data_encoding::BASE64URL_NOPAD;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use twinlock_core::Error;
use twinlock_core::ports::generate_bytes;
use twinlock_core::secret::SecretText;
use zeroize::Zeroizing;

crate::statements! {
    INSERT_ATTEMPT = "INSERT INTO sso_attempt (organisation, state_hash, browser_hash, issuer, sealed, key_version, next,
            expires_ms)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    TAKE_ATTEMPT = "DELETE FROM sso_attempt
        WHERE organisation = $1 AND state_hash = $2 AND browser_hash = $3 AND expires_ms > $4
        RETURNING issuer, sealed, key_version, next";
    SWEEP_ATTEMPTS = "DELETE FROM sso_attempt WHERE expires_ms <= $1";
}

const LIFETIME_MS: u64 = 10 * 60_000;
/// Of a browser's secret, in base64url: 256 bits.
const SECRET_CHARS: usize = 43;

/// What only the portal knows of a sign-in under way.
#[derive(Serialize, Deserialize)]
pub struct Proof {
    /// What the token has to repeat.
    pub nonce: SecretText,
    /// What the code is exchanged with (RFC 7636 §4.1).
    pub verifier: SecretText,
}

/// A sign-in that left.
pub struct Left {
    /// What the provider hands back with the code: the organisation, and 256 random bits.
    pub state: SecretText,
    /// What ties it to the browser.
    pub browser: SecretText,
    /// What the provider's answer is checked with.
    pub proof: Proof,
}

/// A sign-in that came back.
pub struct Returned {
    /// The organisation's id.
    pub organisation: String,
    /// The provider that it left for.
    pub issuer: String,
    /// What its answer is checked with.
    pub proof: Proof,
    /// The page that the member first asked for.
    pub next: String,
}

/// Writes down a sign-in that leaves. `browser` is what an earlier one tied this browser with: two tabs may both finish.
pub async fn leave(
    portal: &PortalState,
    (organisation, issuer): (&str, &str),
    next: &str,
    browser: Option<SecretText>,
) -> Result<Left, Fault> {
    let random =
        || generate_bytes::<32>(&portal.random).map(|bytes| BASE64URL_NOPAD.encode(&Zeroizing::new(bytes)[..]));
    let is_whole = |text: &SecretText| {
        text.expose().len() == SECRET_CHARS && BASE64URL_NOPAD.decode(text.expose().as_bytes()).is_ok()
    };
    let browser = match browser.filter(is_whole) {
        Some(browser) => browser,
        None => SecretText::new(random()?),
    };
    let state = SecretText::new(format!("{organisation}_{}", random()?));
    let proof = Proof { nonce: SecretText::new(random()?), verifier: SecretText::new(random()?) };
    let state_hash = hash(&state);
    let place = associated_data(organisation, &state_hash);
    let text = Zeroizing::new(serde_json::to_vec(&proof).map_err(|_| Error::Internal)?);
    let (key_version, sealed) = portal.key_wrap.seal(&text, &place)?;
    let expires_ms = portal.now_ms()? + LIFETIME_MS;
    let (browser_hash, row) = (hash(&browser), (organisation.to_owned(), issuer.to_owned(), next.to_owned()));
    portal
        .store
        .write(move |tx| {
            let (organisation, issuer, next) = &row;
            let values = [
                organisation.into(),
                (&state_hash).into(),
                (&browser_hash).into(),
                issuer.into(),
                (&sealed).into(),
                key_version.into(),
                next.into(),
                expires_ms.into(),
            ];
            tx.exec(INSERT_ATTEMPT, &values)
        })
        .await?;
    Ok(Left { state, browser, proof })
}

/// Takes the sign-in with this state, once; `None` if there is none in this browser any more.
pub async fn take(portal: &PortalState, state: &SecretText, browser: &SecretText) -> Result<Option<Returned>, Fault> {
    let now_ms = portal.now_ms()?;
    let Some((organisation, state_hash)) = locate(state.expose()) else { return Ok(None) };
    let (organisation, browser_hash) = (organisation.to_owned(), hash(browser));
    let place = associated_data(&organisation, &state_hash);
    let of = organisation.clone();
    let taken = portal.store.write(move |tx| {
        tx.query_one(TAKE_ATTEMPT, &[(&of).into(), (&state_hash).into(), (&browser_hash).into(), now_ms.into()])
    });
    let Some(row) = taken.await? else { return Ok(None) };
    let opened = portal.key_wrap.open(row.int(2)?, row.blob(1)?, &place)?;
    let proof = serde_json::from_slice(opened.expose()).map_err(|_| Error::Corrupt)?;
    Ok(Some(Returned { organisation, issuer: row.text(0)?.to_owned(), proof, next: row.text(3)?.to_owned() }))
}

/// Forgets the sign-ins that never came back.
pub fn sweep(tx: &mut Tx<'_>, now_ms: u64) -> Result<u64, StoreError> {
    tx.exec(SWEEP_ATTEMPTS, &[now_ms.into()])
}

fn hash(text: &SecretText) -> Vec<u8> {
    digest(&SHA256, text.expose().as_bytes()).as_ref().to_vec()
}

/// Ties what is sealed to its row, so that rows cannot be swapped.
fn associated_data(organisation: &str, state_hash: &[u8]) -> Vec<u8> {
    [format!("twinlock/sso-attempt/v1\0{organisation}\0").as_bytes(), state_hash].concat()
}
