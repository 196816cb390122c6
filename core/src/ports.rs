//! What the core asks of its host. Three ports the shells implement, and one that stays in Rust.
//!
//! Every method is synchronous (but [`Transport`]) and returns `Result`; the core holds no lock while it calls one, so
//! a port may call back into the engine. Implementations are named by their technology (`KeystoreDeviceKey`,
//! `KeychainStore`, `MemoryStore`).

use crate::error::{Error, Result};
use crate::secret::SecretBytes;
use ring::rand::SecureRandom;
use std::future::Future;
use std::pin::Pin;

/// How hard the device's keys are held. The portal shows it and a policy may ask for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum KeyLevel {
    /// A separate secure element (StrongBox, Secure Enclave).
    SecureElement,
    /// The processor's trusted execution environment.
    TrustedEnvironment,
    /// Software: a copy of the device's storage is a copy of the key.
    Software,
}

/// Where a key of [`KeyLevel::Software`] lies. The portal shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum KeyPlace {
    /// The system's keyring: sealed while the owner is signed out of the system.
    Keyring,
    /// A file that only its owner reads, not sealed: asked for by the member.
    File,
}

/// What a PIN key computes: what the platform's key hardware can do with a key that never leaves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinKeyKind {
    /// HMAC-SHA-256 over the guess (RFC 2104): Android Keystore, software keys.
    Mac,
    /// The x coordinate of an ECDH with the guess as the other's public key (P-256, NIST SP 800-56A §5.7.1.2, no key
    /// derivation after it): Secure Enclave, which holds no MAC keys.
    Agreement,
}

/// Holds the device key (P-256, signs) and the PIN key (a MAC on Android, an agreement on iOS), named per account.
///
/// Implemented by the shells over Android Keystore and the Secure Enclave.
pub trait DeviceKey: Send + Sync {
    /// Makes both keys for `account`, replacing any with that name. Returns the device key's public half as a DER
    /// SubjectPublicKeyInfo (RFC 5480).
    fn generate(&self, account: &str) -> std::result::Result<Vec<u8>, PortError>;

    /// Signs SHA-256(`message`) with the device key: ECDSA P-256 as 64 bytes r ‖ s (hosts that get DER convert it).
    fn sign(&self, account: &str, message: &[u8]) -> std::result::Result<Vec<u8>, PortError>;

    /// What the PIN key of `account` computes; the same for as long as the key lives.
    fn pin_key_kind(&self, account: &str) -> std::result::Result<PinKeyKind, PortError>;

    /// Binds a stretched PIN to this device's hardware: one use of the PIN key, 32 bytes that depend on it and on `guess`.
    ///
    /// `guess` is what [`hardware_guess`](crate::pin::hardware_guess) makes for the key's kind: any bytes for
    /// [`PinKeyKind::Mac`], a point of P-256 as 65 bytes `04 | x | y` (X9.63) for [`PinKeyKind::Agreement`].
    fn bind_guess(&self, account: &str, guess: &[u8]) -> std::result::Result<SecretBytes, PortError>;

    /// Seals `secret` (32 bytes) under a further key of `account` that only a strong biometric of this device's owner opens,
    /// and that the system invalidates when a finger or face is added (Android: class 3, `setInvalidatedByBiometricEnrollment`;
    /// iOS: `.biometryCurrentSet`). Makes that key anew. [`PortError::KeyLost`] where there is no such hardware.
    fn seal_for_biometric(&self, _account: &str, _secret: &[u8]) -> std::result::Result<Vec<u8>, PortError> {
        Err(PortError::KeyLost)
    }

    /// Asks for the biometric and opens what [`DeviceKey::seal_for_biometric`] sealed; called on a thread that may wait.
    /// [`PortError::KeyLost`] if the system invalidated the key, [`PortError::Cancelled`] if the member put the dialog away,
    /// [`PortError::KeyUnavailable`] if the system refuses for now.
    fn open_by_biometric(&self, _account: &str, _sealed: &[u8]) -> std::result::Result<SecretBytes, PortError> {
        Err(PortError::KeyLost)
    }

    /// Deletes all keys. Not an error if there are none.
    fn delete(&self, account: &str) -> std::result::Result<(), PortError>;

    /// How hard the keys are held.
    fn level(&self, account: &str) -> std::result::Result<KeyLevel, PortError>;

    /// Where keys in software lie, if the host can tell.
    fn place(&self) -> Option<KeyPlace> {
        None
    }
}

/// Small named blobs, device-only, never in a backup.
pub trait Store: Send + Sync {
    /// The blob, or `None` if there is none with that name.
    fn read(&self, name: &str) -> std::result::Result<Option<Vec<u8>>, PortError>;

    /// Writes the blob whole or not at all; after a power loss the old or the new one is there.
    fn write(&self, name: &str, bytes: &[u8]) -> std::result::Result<(), PortError>;

    /// Removes the blob. Not an error if there is none.
    fn remove(&self, name: &str) -> std::result::Result<(), PortError>;
}

/// The host's clocks.
pub trait Clock: Send + Sync {
    /// Wall time, milliseconds since 1970-01-01 UTC. The user can set it: never trusted for a decision of the portal's.
    fn wall_ms(&self) -> std::result::Result<u64, PortError>;

    /// Milliseconds since the device booted, running in sleep; no user can set it.
    fn boot_ms(&self) -> std::result::Result<u64, PortError>;
}

/// Why a port refused. Closed, so that each shell can map its platform's faults without texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PortError {
    /// The key does not exist or the system invalidated it.
    #[error("the key is gone")]
    KeyLost,
    /// The key hardware does not answer or refuses for now.
    #[error("the key hardware does not answer")]
    KeyUnavailable,
    /// The phone has no screen lock, without which it keeps no keys.
    #[error("the phone has no screen lock")]
    NoScreenLock,
    /// The member put the system's dialog away.
    #[error("the member cancelled")]
    Cancelled,
    /// Reading or writing failed (full, locked, denied).
    #[error("storage failed")]
    StoreFailed,
    /// Anything else, also an exception that the host's code threw.
    #[error("the host's port failed")]
    Host,
}

impl From<PortError> for Error {
    fn from(fault: PortError) -> Self {
        match fault {
            PortError::KeyLost => Error::KeyLost,
            PortError::KeyUnavailable => Error::KeyUnavailable,
            PortError::NoScreenLock => Error::NoScreenLock,
            PortError::Cancelled => Error::BiometricCancelled,
            PortError::StoreFailed => Error::StoreFailed,
            PortError::Host => Error::Internal,
        }
    }
}

/// A future that a port returns.
pub type PortFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Sends a request to the portal and brings the answer back. Rust only, never across the FFI.
pub trait Transport: Send + Sync {
    /// Sends `request`. An answer of any status is `Ok`.
    ///
    /// # Errors
    /// [`Error::Offline`] if nobody answers in time, [`Error::TlsRefused`] if it is not the portal who answers,
    /// [`Error::AnswerTooLarge`] beyond [`AnswerKind::max_len`], [`Error::UnexpectedAnswer`] for what is no HTTP (status
    /// 0) or is encoded.
    fn send(&self, request: Request) -> PortFuture<'_, Result<Answer>>;

    /// Like [`send`](Self::send), but the body of a success goes to `sink` piece by piece, and the answer's body is empty then.
    ///
    /// # Errors
    /// As for [`send`](Self::send), and what the sink says.
    fn stream<'a>(&'a self, request: Request, sink: &'a dyn FileSink) -> PortFuture<'a, Result<Answer>> {
        Box::pin(async move {
            let mut answer = self.send(request).await?;
            if answer.is_success() {
                let body = std::mem::replace(&mut answer.body, SecretBytes::new(Vec::new()));
                sink.write(body.expose())?;
            }
            Ok(answer)
        })
    }
}

/// Takes a file in, piece by piece, for a host that keeps files which are too large for its memory.
pub trait FileSink: Send + Sync {
    /// Takes the next piece. An error ends the download; [`Error::StoreFailed`] where the piece could not be written.
    fn write(&self, piece: &[u8]) -> Result<()>;
}

/// A request to the portal, with its path and query relative to the portal's address.
#[derive(Debug, Clone)]
pub struct Request {
    /// `GET`, `POST`, `PUT` or `DELETE`.
    pub method: &'static str,
    /// Path with query, beginning with `/`.
    pub target: String,
    /// Names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// JSON, or empty. May hold a password or a code, therefore secret.
    pub body: SecretBytes,
    /// What is expected back.
    pub answer: AnswerKind,
}

/// What a request expects back, and thereby how much of it is taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerKind {
    /// JSON or nothing.
    Message,
    /// A file's content.
    File,
    /// A file's content of so many bytes, that goes to a [`FileSink`].
    Stream(u64),
}

impl AnswerKind {
    /// The longest body in bytes: 1 MiB for a message, 64 MiB for a file that is taken in whole, or what was announced.
    pub fn max_len(self) -> usize {
        match self {
            Self::Message => 1024 * 1024,
            Self::File => 64 * 1024 * 1024,
            Self::Stream(length) => usize::try_from(length).unwrap_or(usize::MAX),
        }
    }
}

/// The portal's answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, at most as large as the transport allows.
    pub body: SecretBytes,
}

impl Answer {
    /// Whether the portal did what was asked.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The first header with this lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Fills an array from the random source; [`Error::RandomFailed`] if the system has none.
pub fn generate_bytes<const N: usize>(random: &dyn SecureRandom) -> Result<[u8; N]> {
    let mut bytes = [0; N];
    random.fill(&mut bytes).map_err(|_| Error::RandomFailed)?;
    Ok(bytes)
}
