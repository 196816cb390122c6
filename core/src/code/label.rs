//! Whose account a secret opens, as an authenticator app shows it.

use crate::code::UriFault;
use crate::error::Result;

/// Longest issuer, in characters (Unicode scalar values).
pub const MAX_ISSUER_CHARS: usize = 64;

/// Longest account, in characters: the longest mail address (RFC 5321 §4.5.3.1, erratum 1690).
pub const MAX_ACCOUNT_CHARS: usize = 254;

/// The two names of a key URI's label. Names of people: never in a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Label {
    issuer: Option<String>,
    account: String,
}

impl Label {
    /// Checks both names: an issuer has 1–64 characters, an account 1–254; neither has a colon (it separates the two),
    /// white space at its ends, control characters, or characters that reorder or hide text, and none is `.` or `..`.
    ///
    /// Otherwise [`UriFault::Label`].
    pub fn new(issuer: Option<&str>, account: &str) -> Result<Self> {
        if let Some(issuer) = issuer {
            check_name(issuer, MAX_ISSUER_CHARS)?;
        }
        check_name(account, MAX_ACCOUNT_CHARS)?;
        Ok(Self { issuer: issuer.map(str::to_owned), account: account.to_owned() })
    }

    /// Who issued the secret; secrets made elsewhere may not say it.
    pub fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// The account at the issuer.
    pub fn account(&self) -> &str {
        &self.account
    }
}

impl std::fmt::Debug for Label {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Label(…)")
    }
}

fn check_name(name: &str, max_chars: usize) -> std::result::Result<(), UriFault> {
    let refused = name.is_empty()
        // As a whole label these would be dot segments, which other readers remove even when escaped (WHATWG URL §4.1).
        || matches!(name, "." | "..")
        || name.trim() != name
        || name.chars().nth(max_chars).is_some()
        || name
            .chars()
            .any(|character| character == ':' || character.is_control() || is_deceptive(character));
    if refused { Err(UriFault::Label) } else { Ok(()) }
}

/// Characters that change how their neighbours are shown, or are not shown at all. U+200C and U+200D stay allowed:
/// Persian, Indic scripts and emoji are written with them.
fn is_deceptive(character: char) -> bool {
    matches!(character,
        // Arabic letter mark, left-to-right and right-to-left marks, embeddings, overrides and isolates (UAX #9 §2).
        '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}'
        // Line and paragraph separators.
        | '\u{2028}' | '\u{2029}'
        // Soft hyphen, zero-width space, word joiner and invisible operators, byte order mark, tags.
        | '\u{00AD}' | '\u{200B}' | '\u{2060}'..='\u{2064}' | '\u{FEFF}' | '\u{E0000}'..='\u{E007F}')
}
