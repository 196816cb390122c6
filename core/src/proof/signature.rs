//! The signature base of RFC 9421 §2.5, in the one shape that Twinlock uses.

use super::PublicKey;
use crate::error::{Error, Result};
use data_encoding::BASE64;
use sfv::{BareItem, Dictionary, InnerList, ListEntry, Parser};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// What a signature covers of a request.
#[derive(Debug, Clone, Copy)]
pub struct RequestParts<'a> {
    /// All but the body.
    pub head: RequestHead<'a>,
    /// The body exactly as sent.
    pub body: &'a [u8],
}

/// What a signature covers of a request besides the digest of its body.
#[derive(Debug, Clone, Copy)]
pub struct RequestHead<'a> {
    /// Upper case.
    pub method: &'a str,
    /// Host, with the port unless it is the default, lower case.
    pub authority: &'a str,
    /// The path exactly as sent.
    pub path: &'a str,
    /// The query exactly as sent, without its question mark; `None` if there is none.
    pub query: Option<&'a str>,
    /// The value of `x-policy-version`.
    pub policy_version: u64,
}

/// When, once, and by whom a request is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// Portal time, seconds since 1970.
    pub created_s: u64,
    /// Used once: the portal's own for calls that change something, else 16 random bytes in base64url.
    pub nonce: String,
    /// Whose key.
    pub key_id: KeyId,
}

/// Whose key signed a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyId {
    /// The key of a session, named by the session's opaque token.
    Session(String),
    /// The device key.
    Device {
        /// The organisation's id.
        organisation: String,
        /// The device's id.
        device: String,
    },
    /// A key that comes with the request itself (sign-in).
    Enclosed,
}

/// A request's signature as it was presented: well-formed, not yet verified.
#[derive(Debug, Clone)]
pub struct Presented {
    stamp: Stamp,
    base: Vec<u8>,
    signature: Vec<u8>,
}

const COMPONENTS: [&str; 6] = ["@method", "@authority", "@path", "@query", "content-digest", "x-policy-version"];
const LABEL: &str = "sig";
const TAG: &str = "twinlock-pop-v1";
const ALGORITHM: &str = "ecdsa-p256-sha256";
/// How far `created` may be from the portal's clock, both ways.
const MAX_AGE_S: u64 = 60;

/// The headers that sign a request: `content-digest`, `x-policy-version`, `signature-input`, `signature`.
///
/// `sign` gets the signature base and returns r ‖ s, 64 bytes.
pub fn sign_request(
    parts: &RequestParts<'_>,
    stamp: &Stamp,
    sign: impl FnOnce(&[u8]) -> Result<Vec<u8>>,
) -> Result<Vec<(&'static str, String)>> {
    let digest = content_digest(parts.body);
    let parameters = signature_parameters(stamp, None);
    let signature = sign(&signature_base(&parts.head, &digest, &parameters))?;
    Ok(vec![
        ("content-digest", digest),
        ("x-policy-version", parts.head.policy_version.to_string()),
        ("signature-input", format!("{LABEL}={parameters}")),
        ("signature", format!("{LABEL}=:{}:", BASE64.encode(&signature))),
    ])
}

impl Presented {
    /// Reads the headers of a request strictly; [`Error::SignatureRefused`] for anything but the one shape.
    pub fn parse(
        parts: &RequestParts<'_>,
        signature_input: &str,
        signature: &str,
        content_digest: &str,
    ) -> Result<Self> {
        if !bool::from(digest_matches(content_digest, parts.body)) {
            return Err(Error::SignatureRefused);
        }
        Self::parse_head(&parts.head, signature_input, signature, content_digest)
    }

    /// Like [`parse`](Self::parse), where somebody else has the body: whoever has it must compare its SHA-256 with
    /// `content_digest` (RFC 9530), which is checked here for its form only.
    pub fn parse_head(
        head: &RequestHead<'_>,
        signature_input: &str,
        signature: &str,
        content_digest: &str,
    ) -> Result<Self> {
        if !is_digest(content_digest) {
            return Err(Error::SignatureRefused);
        }
        let list = only_member(signature_input)?;
        let (stamp, expires) = read_parameters(&list)?;
        let parameters = signature_parameters(&stamp, expires);
        let base = signature_base(head, content_digest, &parameters);
        Ok(Self { stamp, base, signature: read_signature(signature)? })
    }

    /// Who says to have signed.
    pub fn key_id(&self) -> &KeyId {
        &self.stamp.key_id
    }

    /// The nonce, not yet checked for use.
    pub fn nonce(&self) -> &str {
        &self.stamp.nonce
    }

    /// Verifies the signature, then its age: [`Error::SignatureRefused`], [`Error::ClockSkew`].
    pub fn verify(&self, key: &PublicKey, now_ms: u64) -> Result<()> {
        key.verify(&self.base, &self.signature)?;
        if (now_ms / 1000).abs_diff(self.stamp.created_s) > MAX_AGE_S {
            return Err(Error::ClockSkew);
        }
        Ok(())
    }
}

impl KeyId {
    fn parse(text: &str) -> Option<Self> {
        let is_token = |t: &str| (8..=128).contains(&t.len()) && t.bytes().all(is_token_byte);
        match text.split_once(':') {
            Some(("session", token)) if is_token(token) => Some(Self::Session(token.to_owned())),
            Some(("device", ids)) if is_token(ids) => {
                let (organisation, device) = ids.split_once('_')?;
                Some(Self::Device { organisation: organisation.to_owned(), device: device.to_owned() })
            }
            None if text == "enclosed" => Some(Self::Enclosed),
            _ => None,
        }
    }
}

impl std::fmt::Display for KeyId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Session(token) => write!(f, "session:{token}"),
            Self::Device { organisation, device } => write!(f, "device:{organisation}_{device}"),
            Self::Enclosed => f.write_str("enclosed"),
        }
    }
}

fn signature_parameters(stamp: &Stamp, expires: Option<u64>) -> String {
    let components = COMPONENTS.map(|name| format!("\"{name}\"")).join(" ");
    let expires = expires.map(|at| format!(";expires={at}")).unwrap_or_default();
    format!(
        "({components});created={}{expires};nonce=\"{}\";keyid=\"{}\";alg=\"{ALGORITHM}\";tag=\"{TAG}\"",
        stamp.created_s, stamp.nonce, stamp.key_id
    )
}

fn signature_base(head: &RequestHead<'_>, digest: &str, parameters: &str) -> Vec<u8> {
    format!(
        "\"@method\": {}\n\"@authority\": {}\n\"@path\": {}\n\"@query\": ?{}\n\"content-digest\": {digest}\n\
         \"x-policy-version\": {}\n\"@signature-params\": {parameters}",
        head.method,
        head.authority,
        head.path,
        head.query.unwrap_or_default(),
        head.policy_version,
    )
    .into_bytes()
}

/// The digest of a body as its header bears it (RFC 9530 §2): `sha-256=:…:`.
pub fn content_digest(body: &[u8]) -> String {
    format!("sha-256=:{}:", BASE64.encode(&Sha256::digest(body)))
}

fn digest_matches(presented: &str, body: &[u8]) -> subtle::Choice {
    presented.as_bytes().ct_eq(content_digest(body).as_bytes())
}

fn is_digest(presented: &str) -> bool {
    let value = presented.strip_prefix("sha-256=:").and_then(|rest| rest.strip_suffix(':'));
    value.and_then(|value| BASE64.decode(value.as_bytes()).ok()).is_some_and(|digest| digest.len() == 32)
}

fn only_member(header: &str) -> Result<InnerList> {
    let mut members: Dictionary = Parser::new(header).parse().map_err(|_| Error::SignatureRefused)?;
    let member = members.shift_remove(LABEL).filter(|_| members.is_empty());
    match member {
        Some(ListEntry::InnerList(list)) => Ok(list),
        _ => Err(Error::SignatureRefused),
    }
}

fn read_parameters(list: &InnerList) -> Result<(Stamp, Option<u64>)> {
    let components = list.items.iter().map(|item| match &item.bare_item {
        BareItem::String(name) if item.params.is_empty() => Some(name.as_str()),
        _ => None,
    });
    if !components.eq(COMPONENTS.iter().map(|name| Some(*name))) {
        return Err(Error::SignatureRefused);
    }
    let text = |name: &str| match list.params.get(name) {
        Some(BareItem::String(value)) => Ok(value.as_str()),
        _ => Err(Error::SignatureRefused),
    };
    let seconds = |name: &str| match list.params.get(name) {
        Some(BareItem::Integer(value)) => u64::try_from(i64::from(*value)).map_err(|_| Error::SignatureRefused),
        _ => Err(Error::SignatureRefused),
    };
    let expires = if list.params.contains_key("expires") { Some(seconds("expires")?) } else { None };
    let expected: &[&str] = match expires {
        Some(_) => &["created", "expires", "nonce", "keyid", "alg", "tag"],
        None => &["created", "nonce", "keyid", "alg", "tag"],
    };
    // The same order as ours, so that our own serialisation is the one that was signed.
    if !list.params.keys().map(|key| key.as_str()).eq(expected.iter().copied()) {
        return Err(Error::SignatureRefused);
    }
    let created_s = seconds("created")?;
    let lives = expires.is_none_or(|at| (created_s..=created_s.saturating_add(MAX_AGE_S)).contains(&at));
    let nonce = text("nonce")?;
    let nonce_fits = (16..=128).contains(&nonce.len()) && nonce.bytes().all(is_token_byte);
    if !lives || !nonce_fits || text("alg")? != ALGORITHM || text("tag")? != TAG {
        return Err(Error::SignatureRefused);
    }
    let key_id = KeyId::parse(text("keyid")?).ok_or(Error::SignatureRefused)?;
    Ok((Stamp { created_s, nonce: nonce.to_owned(), key_id }, expires))
}

fn read_signature(header: &str) -> Result<Vec<u8>> {
    let mut members: Dictionary = Parser::new(header).parse().map_err(|_| Error::SignatureRefused)?;
    match members.shift_remove(LABEL).filter(|_| members.is_empty()) {
        Some(ListEntry::Item(item)) if item.params.is_empty() => match item.bare_item {
            BareItem::ByteSequence(bytes) if bytes.len() == 64 => Ok(bytes),
            _ => Err(Error::SignatureRefused),
        },
        _ => Err(Error::SignatureRefused),
    }
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}
