//! Reading and writing otpauth URIs (Key URI format; RFC 3986 for the syntax).
//!
//! Our own reader and not `totp_rs::Totp::from_url`, which takes the last of two duplicates, ignores miscased names and
//! accepts users, ports, fragments, any period and any label.

use crate::code::{Algorithm, CodeKey, Digits, Label, Parameters, Period, UriFault, base32};
use crate::error::{Error, Result};
use crate::secret::{SecretBytes, SecretText};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

/// Longest URI that is read, in bytes. The longest one that could be accepted, all names escaped, stays below 5,000.
pub const MAX_URI_BYTES: usize = 8192;

/// Everything but the unreserved characters of RFC 3986 §2.3 is escaped.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Reads a URI; see [`OneTimeCode::parse_uri`](crate::code::OneTimeCode::parse_uri) for what is accepted.
pub(super) fn parse(text: &str) -> Result<(CodeKey, Label)> {
    if text.len() > MAX_URI_BYTES {
        return Err(UriFault::TooLong.into());
    }
    // White space, control characters and everything beyond ASCII are escaped in a URI (RFC 3986 §2).
    if !text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') {
        return Err(UriFault::BadUri.into());
    }
    let (scheme, rest) = text.split_once("://").ok_or(UriFault::BadUri)?;
    if !scheme.eq_ignore_ascii_case("otpauth") {
        return Err(UriFault::BadUri.into());
    }
    let (hierarchy, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (kind, path) = hierarchy.split_once('/').unwrap_or((hierarchy, ""));
    check_kind(kind)?;
    // Other readers drop an empty first segment, and dot segments even when escaped (WHATWG URL §4.1).
    if path.starts_with('/') || path.split('/').any(is_dot_segment) {
        return Err(UriFault::BadUri.into());
    }

    let query = Query::parse(query)?;
    let parameters = Parameters {
        algorithm: query.algorithm.unwrap_or_default(),
        digits: query.digits.unwrap_or_default(),
        period: query.period.unwrap_or_default(),
    };
    let label = parse_label(path, query.issuer.as_deref().map(String::as_str))?;
    let secret = query.secret.ok_or(UriFault::SecretMissing)?;
    Ok((CodeKey::from_secret(&secret, parameters)?, label))
}

/// Writes the URI; see [`OneTimeCode::to_uri`](crate::code::OneTimeCode::to_uri).
pub(super) fn emit(key: &CodeKey, label: &Label) -> SecretText {
    let issuer = label.issuer().map(|issuer| utf8_percent_encode(issuer, ESCAPED).to_string());
    let account = utf8_percent_encode(label.account(), ESCAPED).to_string();
    let secret = key.secret();
    let parameters = key.parameters();

    // Room for everything at once: growing would leave copies of the secret behind.
    let names = issuer.as_ref().map_or(0, String::len) * 2 + account.len();
    let mut uri = String::with_capacity(names + secret.expose().len() * 2 + 128);
    uri.push_str("otpauth://totp/");
    if let Some(issuer) = &issuer {
        uri.push_str(issuer);
        uri.push(':');
    }
    uri.push_str(&account);
    uri.push_str("?secret=");
    base32::append(secret.expose(), &mut uri);
    if let Some(issuer) = &issuer {
        uri.push_str("&issuer=");
        uri.push_str(issuer);
    }
    uri.push_str("&algorithm=");
    uri.push_str(parameters.algorithm.name());
    uri.push_str(match parameters.digits {
        Digits::Six => "&digits=6",
        Digits::Eight => "&digits=8",
    });
    uri.push_str(match parameters.period {
        Period::Seconds30 => "&period=30",
        Period::Seconds60 => "&period=60",
    });
    SecretText::new(uri)
}

/// The parameters that have a meaning, each at most once.
#[derive(Default)]
struct Query {
    secret: Option<SecretBytes>,
    issuer: Option<Zeroizing<String>>,
    algorithm: Option<Algorithm>,
    digits: Option<Digits>,
    period: Option<Period>,
}

impl Query {
    fn parse(text: &str) -> std::result::Result<Self, UriFault> {
        let mut query = Self::default();
        for part in text.split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            // Names are decoded too: `%73ecret` is `secret` for other readers, so it is for us.
            let name = decode(name, true)?;
            let value = decode(value, true)?;
            match name.as_slice() {
                b"secret" => set(&mut query.secret, base32::decode(&value))?,
                b"issuer" => set(&mut query.issuer, to_text(&value))?,
                b"algorithm" => set(&mut query.algorithm, parse_algorithm(&value))?,
                b"digits" => set(&mut query.digits, parse_digits(&value))?,
                b"period" => set(&mut query.period, parse_period(&value))?,
                other => check_unknown(other)?,
            }
        }
        Ok(query)
    }
}

/// Fills an empty place. A duplicate is told before a fault of its value: it is the one to correct.
fn set<T>(place: &mut Option<T>, value: std::result::Result<T, UriFault>) -> std::result::Result<(), UriFault> {
    if place.is_some() {
        return Err(UriFault::Duplicate);
    }
    *place = Some(value?);
    Ok(())
}

fn parse_algorithm(value: &[u8]) -> std::result::Result<Algorithm, UriFault> {
    std::str::from_utf8(value).ok().and_then(Algorithm::from_name).ok_or(UriFault::Algorithm)
}

/// As bytes and not as numbers: `+6`, `06` and other scripts' digits are refused.
fn parse_digits(value: &[u8]) -> std::result::Result<Digits, UriFault> {
    match value {
        b"6" => Ok(Digits::Six),
        b"8" => Ok(Digits::Eight),
        _ => Err(UriFault::Digits),
    }
}

fn parse_period(value: &[u8]) -> std::result::Result<Period, UriFault> {
    match value {
        b"30" => Ok(Period::Seconds30),
        b"60" => Ok(Period::Seconds60),
        _ => Err(UriFault::Period),
    }
}

/// Unknown names are ignored, unless they are a known one in another case or with spaces around it.
fn check_unknown(name: &[u8]) -> std::result::Result<(), UriFault> {
    let known: [&[u8]; 5] = [b"secret", b"issuer", b"algorithm", b"digits", b"period"];
    if known.iter().any(|known| known.eq_ignore_ascii_case(name.trim_ascii())) {
        return Err(UriFault::Miscased);
    }
    Ok(())
}

/// `totp` in any case; other plain words are types we do not support; a user or a port makes it no otpauth URI.
fn check_kind(kind: &str) -> std::result::Result<(), UriFault> {
    if kind.eq_ignore_ascii_case("totp") {
        Ok(())
    } else if !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        Err(UriFault::Unsupported)
    } else {
        Err(UriFault::BadUri)
    }
}

fn is_dot_segment(segment: &str) -> bool {
    matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..")
}

/// `account`, or `issuer:account` with a plain or an escaped colon and spaces allowed after it (Key URI format, "Label").
fn parse_label(path: &str, issuer: Option<&str>) -> Result<Label> {
    let (prefix, account) = match split_colon(path) {
        Some((prefix, account)) => (Some(to_text(&decode(prefix, false)?)?), account),
        None => (None, path),
    };
    let account = to_text(&decode(account, false)?)?;
    let account = if prefix.is_some() { account.trim_start_matches(' ') } else { account.as_str() };
    let prefix = prefix.as_deref().map(String::as_str);
    // Both are checked, so that a fault of a name is not told as a mismatch.
    let label = Label::new(prefix.or(issuer), account)?;
    match (prefix, issuer) {
        (Some(prefix), Some(issuer)) if prefix != issuer => Err(Error::UriRefused(UriFault::IssuerMismatch)),
        _ => Ok(label),
    }
}

/// Splits at the first colon on the still escaped text, so that each half is decoded exactly once.
fn split_colon(path: &str) -> Option<(&str, &str)> {
    let plain = path.find(':').map(|at| (at, 1));
    let escaped = path.find("%3A").into_iter().chain(path.find("%3a")).min().map(|at| (at, 3));
    let (at, length) = plain.into_iter().chain(escaped).min()?;
    Some((path.get(..at)?, path.get(at + length..)?))
}

/// Undoes percent escapes once (RFC 3986 §2.1); a `%` without two hex digits is no URI.
fn decode(text: &str, plus_is_space: bool) -> std::result::Result<Zeroizing<Vec<u8>>, UriFault> {
    let mut decoded = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let high = hex(bytes.next())?;
                high << 4 | hex(bytes.next())?
            }
            b'+' if plus_is_space => b' ',
            other => other,
        });
    }
    Ok(decoded)
}

fn hex(byte: Option<u8>) -> std::result::Result<u8, UriFault> {
    byte.and_then(|byte| char::from(byte).to_digit(16))
        .and_then(|digit| u8::try_from(digit).ok())
        .ok_or(UriFault::BadUri)
}

fn to_text(bytes: &[u8]) -> std::result::Result<Zeroizing<String>, UriFault> {
    std::str::from_utf8(bytes).map(|text| Zeroizing::new(text.to_owned())).map_err(|_| UriFault::Label)
}
