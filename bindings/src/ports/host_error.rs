use twinlock_core::ports::PortError;

/// Why the host's port refused; the core's `PortError`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Error)]
pub enum HostError {
    /// The key does not exist, or the system invalidated it (new biometrics, screen lock removed).
    KeyLost,
    /// The key hardware does not answer or refuses for now.
    KeyUnavailable,
    /// The phone has no screen lock, without which it keeps no keys.
    NoScreenLock,
    /// The member put the system's dialog away.
    Cancelled,
    /// Reading or writing failed (full, locked, denied).
    StoreFailed,
    /// Anything else.
    Host,
}

impl std::fmt::Display for HostError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", PortError::from(*self))
    }
}

impl std::error::Error for HostError {}

impl From<uniffi::UnexpectedUniFFICallbackError> for HostError {
    /// The reason is a foreign exception's text and may hold anything: it is dropped, not logged.
    fn from(_: uniffi::UnexpectedUniFFICallbackError) -> Self {
        log::warn!(target: "twinlock", "a port of the host threw an exception it does not declare");
        Self::Host
    }
}

impl From<HostError> for PortError {
    fn from(error: HostError) -> Self {
        match error {
            HostError::KeyLost => Self::KeyLost,
            HostError::KeyUnavailable => Self::KeyUnavailable,
            HostError::NoScreenLock => Self::NoScreenLock,
            HostError::Cancelled => Self::Cancelled,
            HostError::StoreFailed => Self::StoreFailed,
            HostError::Host => Self::Host,
        }
    }
}
