//! Account passwords: the rules for a new one, and Argon2id a few at a time.

use crate::problem::Refusal;
use crate::words::{Words, value};
use argon2::{Algorithm, Argon2, Params, Version};
use data_encoding::BASE64_NOPAD;
use ring::rand::SystemRandom;
use std::sync::Arc;
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;
use twinlock_core::ports::generate_bytes;
use twinlock_core::secret::{SecretBytes, SecretText};
use twinlock_core::{Error, Result};
use unicode_normalization::UnicodeNormalization;

/// Hashes passwords with Argon2id (46 MiB, one pass, one lane), at most two at once: each holds its memory.
#[derive(Clone)]
pub struct Hasher {
    permits: Arc<Semaphore>,
}

const MEMORY_KIB: u32 = 46 * 1024;
const AT_ONCE: usize = 2;
const MAX_BYTES: usize = 1024;

impl Hasher {
    /// A hasher with its own permits.
    pub fn new() -> Self {
        Self { permits: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// True if `password` is the one that made `stored`. Without a stored one it works as long and says false.
    pub async fn verify(&self, password: SecretText, stored: Option<String>) -> std::result::Result<bool, Refusal> {
        self.run(move || verify(&password, stored.as_deref())).await
    }

    /// Runs work that needs the memory of one hash, on a thread that may take its time, when it is its turn.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> std::result::Result<T, Refusal> {
        let _permit = self.permits.acquire().await.map_err(|_| Error::Internal)?;
        Ok(tokio::task::spawn_blocking(work).await.map_err(|_| Error::Internal)??)
    }
}

impl Default for Hasher {
    fn default() -> Self {
        Self::new()
    }
}

/// A stored form of `password`: `argon2id-46m-1$salt$hash`.
pub fn hash(password: &SecretText) -> Result<String> {
    let salt = generate_bytes::<16>(&SystemRandom::new())?;
    let hash = derive(password, &salt)?;
    Ok(format!("argon2id-46m-1${}${}", BASE64_NOPAD.encode(&salt), BASE64_NOPAD.encode(hash.expose())))
}

/// A password alone protects an account until two-step is required (NIST SP 800-63B-4 §3.1.1.2).
pub const LEAST_ALONE: usize = 15;
/// A password beside a second factor has at least so many characters (NIST SP 800-63B-4 §3.1.1.2).
pub const LEAST_WITH_TWO_STEP: usize = 8;

/// Why a new password is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Weak {
    /// Too few characters.
    #[error("the password has {length} characters; it needs at least {least}")]
    Short {
        /// How many it has.
        length: usize,
        /// How many it needs.
        least: usize,
    },
    /// Too many bytes.
    #[error("the password is longer than {MAX_BYTES} bytes")]
    Long,
    /// Repeats itself, or is made of what everybody tries.
    #[error("the password is too easy to guess: it repeats itself or is made of common words and names")]
    Guessable,
}

impl Weak {
    /// For whoever chose it.
    pub fn said_in(self, words: &Words) -> String {
        match self {
            Weak::Short { length, least } => {
                let values = [("length", value(length as u64)), ("least", value(least as u64))];
                words.with("first-run-password-short", &values)
            }
            Weak::Long => words.say("first-run-password-long"),
            Weak::Guessable => words.say("first-run-password-easy"),
        }
    }
}

/// The rule for a new password (NIST SP 800-63B-4 §3.1.1.2): `least` characters after NFC, no composition rules, and
/// not made of the member's own name or address.
pub fn check_new(password: &SecretText, least: usize, context: &[&str]) -> std::result::Result<(), Weak> {
    let text = SecretText::new(password.expose().nfc().collect());
    let length = text.expose().chars().count();
    if length < least {
        return Err(Weak::Short { length, least });
    }
    if text.expose().len() > MAX_BYTES {
        return Err(Weak::Long);
    }
    let lower = SecretText::new(text.expose().to_lowercase());
    let distinct = lower.expose().chars().collect::<std::collections::BTreeSet<_>>().len();
    let names = context.iter().flat_map(|part| part.split(|c: char| !c.is_alphanumeric()));
    let mut rest = zeroize::Zeroizing::new(lower.expose().to_owned());
    for name in names.filter(|name| name.chars().count() >= 3) {
        rest = zeroize::Zeroizing::new(rest.replace(&name.to_lowercase(), ""));
    }
    for common in ["password", "passwort", "welcome", "willkommen", "twinlock", "qwerty", "qwertz", "letmein", "admin"]
    {
        rest = zeroize::Zeroizing::new(rest.replace(common, ""));
    }
    let left = rest.chars().filter(|c| c.is_alphabetic()).count();
    if distinct < 5 || (left == 0 && rest.chars().count() < least) {
        return Err(Weak::Guessable);
    }
    Ok(())
}

fn verify(password: &SecretText, stored: Option<&str>) -> Result<bool> {
    let mut parts = stored.unwrap_or_default().split('$');
    let (_, salt, hash) = (parts.next(), parts.next(), parts.next());
    let decode = |part: Option<&str>| part.and_then(|part| BASE64_NOPAD.decode(part.as_bytes()).ok());
    let (Some(salt), Some(hash)) = (decode(salt), decode(hash)) else {
        // A stranger must not learn from the time it takes that there is no such member.
        derive(password, &[0; 16])?;
        return Ok(false);
    };
    let derived = derive(password, &salt)?;
    Ok(derived.expose().ct_eq(&hash).into())
}

fn derive(password: &SecretText, salt: &[u8]) -> Result<SecretBytes> {
    let normal = SecretText::new(password.expose().nfc().collect());
    if normal.expose().len() > MAX_BYTES {
        return Err(Error::BadRequest);
    }
    let params = Params::new(MEMORY_KIB, 1, 1, Some(32)).map_err(|_| Error::Internal)?;
    let mut hash = vec![0; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(normal.expose().as_bytes(), salt, &mut hash)
        .map_err(|_| Error::Internal)?;
    Ok(SecretBytes::new(hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(password: &str) -> SecretText {
        SecretText::new(password.to_owned())
    }

    #[test]
    fn a_password_verifies_in_any_unicode_form_and_no_other_does() {
        let stored = hash(&text("caf\u{e9} in the morning")).unwrap();
        assert!(verify(&text("cafe\u{301} in the morning"), Some(&stored)).unwrap());
        assert!(!verify(&text("caf\u{e9} in the evening"), Some(&stored)).unwrap());
        assert!(!verify(&text("caf\u{e9} in the morning"), None).unwrap());
        assert!(!stored.contains("morning"));
    }

    #[test]
    fn easy_passwords_are_refused_with_the_reason() {
        let context = ["Ada Lovelace", "ada@example.org"];
        assert!(check_new(&text("short"), 15, &context).unwrap_err().to_string().contains("at least 15"));
        assert!(check_new(&text("aaaaaaaaaaaaaaaa"), 15, &context).is_err());
        assert!(check_new(&text("AdaLovelacePassword1"), 15, &context).is_err());
        assert!(check_new(&text("tall ships sail at dawn"), 15, &context).is_ok());
    }
}
