//! The PIN: rules, blocklist, stretching.

/// Why a PIN was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PinFault {
    /// Fewer digits than the policy asks for.
    #[error("too short")]
    TooShort,
}
