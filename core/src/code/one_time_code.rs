//! A secret with its parameters and its label: what a set-up URI carries.

use crate::code::{CodeInput, CodeKey, Label, Parameters, Verdict, base32, uri};
use crate::error::Result;
use crate::secret::{SecretBytes, SecretText};
use ring::rand::SecureRandom;

/// A TOTP secret with its parameters and the names an authenticator app shows beside its codes.
///
/// Wiped on drop. `Debug` shows the parameters only, neither secret nor names.
#[derive(Debug, Clone, PartialEq)]
pub struct OneTimeCode {
    key: CodeKey,
    label: Label,
}

impl OneTimeCode {
    /// A new secret to be set up: 20 random bytes, SHA-1, six digits, 30 seconds; nothing else is ever issued.
    ///
    /// Errors: [`UriFault::Label`](crate::code::UriFault::Label) for names that [`Label::new`] refuses,
    /// [`Error::RandomFailed`](crate::Error::RandomFailed).
    pub fn generate(random: &dyn SecureRandom, issuer: &str, account: &str) -> Result<Self> {
        let label = Label::new(Some(issuer), account)?;
        Ok(Self { key: CodeKey::generate(random)?, label })
    }

    /// Puts stored parts together. Errors: a secret outside 16–64 bytes.
    pub fn from_parts(secret: &SecretBytes, parameters: Parameters, label: Label) -> Result<Self> {
        Ok(Self { key: CodeKey::from_secret(secret, parameters)?, label })
    }

    /// Reads `otpauth://totp/LABEL?secret=…&issuer=…&algorithm=…&digits=…&period=…` (Key URI format over RFC 3986).
    ///
    /// Accepted: SHA1 (default), SHA256 and SHA512; 6 (default) or 8 digits; 30 (default) or 60 seconds; a secret of
    /// 16–64 bytes in base32 (RFC 4648 §6), of which less than 20 are [`weak`](CodeKey::is_weak). Scheme and type may be
    /// in any case; `+` in the query is a space; unknown parameters are ignored.
    ///
    /// Everything else is [`Error::UriRefused`](crate::Error::UriRefused) with the reason. A URI that apps could read in
    /// two ways is refused, not interpreted.
    pub fn parse_uri(text: &str) -> Result<Self> {
        let (key, label) = uri::parse(text)?;
        Ok(Self { key, label })
    }

    /// The set-up URI, for a QR code. Its issuer stands before the account and as a parameter, both percent-encoded; the
    /// secret has no padding; all parameters are written out, so that no app has to know a default.
    pub fn to_uri(&self) -> SecretText {
        uri::emit(&self.key, &self.label)
    }

    /// The secret in base32 groups of four with spaces between, for typing it into an app.
    pub fn grouped_key(&self) -> SecretText {
        base32::grouped(self.key.secret().expose())
    }

    /// The secret with its parameters.
    pub fn key(&self) -> &CodeKey {
        &self.key
    }

    /// The names.
    pub fn label(&self) -> &Label {
        &self.label
    }

    /// As [`CodeKey::secret`].
    pub fn secret(&self) -> SecretBytes {
        self.key.secret()
    }

    /// As [`CodeKey::verify`].
    pub fn verify(&self, code: &CodeInput, now_ms: u64, after_step: Option<u64>) -> Result<Verdict> {
        self.key.verify(code, now_ms, after_step)
    }

    /// As [`CodeKey::verify_set_up`].
    pub fn verify_set_up(&self, code: &CodeInput, now_ms: u64) -> Result<Verdict> {
        self.key.verify_set_up(code, now_ms)
    }

    /// As [`CodeKey::verify_nearby`].
    pub fn verify_nearby(&self, code: &CodeInput, now_ms: u64, max_steps: u32) -> Result<Option<i64>> {
        self.key.verify_nearby(code, now_ms, max_steps)
    }
}
