//! Why a set-up text was refused.

use crate::error::Error;

/// Why an otpauth URI, a key or a label was refused. Whoever made the text corrects it; no case repeats any of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UriFault {
    /// Not an otpauth URI, or a part of one that must not be there: user, port, fragment, white space, characters that
    /// RFC 3986 §2 does not allow unescaped, a broken percent escape.
    #[error("not an otpauth URI")]
    BadUri,
    /// The URI is longer than [`MAX_URI_BYTES`](crate::code::MAX_URI_BYTES), or its secret than any that is accepted could
    /// be written; refused before it is read.
    #[error("too long")]
    TooLong,
    /// An otpauth URI of a type other than `totp`, such as `hotp`.
    #[error("not a time-based code")]
    Unsupported,
    /// A known parameter appears twice; readers disagree which one counts.
    #[error("a parameter appears twice")]
    Duplicate,
    /// A known parameter in another case (`Digits`); some readers would ignore it and compute other codes.
    #[error("a parameter's name is in the wrong case")]
    Miscased,
    /// No secret, or an empty one.
    #[error("no secret")]
    SecretMissing,
    /// The secret is not base32 (RFC 4648 §6): a foreign character, an impossible length, bits left over.
    #[error("the secret is not base32")]
    SecretMalformed,
    /// The secret is shorter than 16 bytes (RFC 4226 §4 R6) or longer than 64.
    #[error("the secret's length is refused")]
    SecretLength,
    /// The algorithm is none of SHA1, SHA256 and SHA512.
    #[error("the algorithm is not supported")]
    Algorithm,
    /// The number of digits is neither 6 nor 8.
    #[error("the number of digits is not supported")]
    Digits,
    /// The period is neither 30 nor 60 seconds.
    #[error("the period is not supported")]
    Period,
    /// Issuer or account is empty, too long, not UTF-8, or holds a colon, a control or an invisible character.
    #[error("the label is refused")]
    Label,
    /// The issuer before the account and the issuer parameter differ.
    #[error("two different issuers")]
    IssuerMismatch,
}

impl From<UriFault> for Error {
    fn from(fault: UriFault) -> Self {
        Error::UriRefused(fault)
    }
}
