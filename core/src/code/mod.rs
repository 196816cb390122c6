//! One-time codes (RFC 6238 over RFC 4226).

/// Why an otpauth URI or a secret was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UriFault {
    /// Not an otpauth URI, or a part of one that must not be there.
    #[error("not an otpauth URI")]
    BadUri,
}
