//! Messages between device and portal. JSON; times are epoch milliseconds of the portal's clock; bytes are base64url
//! without padding. Requests with unknown fields are refused; unknown fields of answers are passed over.

use crate::policy::{DeviceState, Signed, Surface};
use crate::secret::SecretText;
use crate::step::Step;
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Header with the portal's time in epoch milliseconds, on every answer.
pub const TIME_HEADER: &str = "x-twinlock-time";
/// Header with a fresh single-use nonce, on every answer to a signed request.
pub const NONCE_HEADER: &str = "x-twinlock-nonce";

macro_rules! message {
    ($(#[$attribute:meta])* $name:ident { $($(#[$field_attribute:meta])* $field:ident: $type:ty),* $(,)? }) => {
        #[derive(Debug, Clone, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
        $(#[$attribute])*
        pub struct $name { $($(#[$field_attribute])* pub $field: $type),* }
    };
}

/// What a device sends: whatever the portal does not know is refused.
macro_rules! request {
    ($($message:tt)*) => { message! { #[serde(deny_unknown_fields)] $($message)* } };
}

/// What the portal says: an app that is older than the portal passes over what it does not know.
macro_rules! answer {
    ($($message:tt)*) => { message! { $($message)* } };
}

mod desktop;
mod pin;
mod recovery;

pub use desktop::*;
pub use pin::*;
pub use recovery::*;

request! {
    /// `POST /v1/sessions`, signed with the enclosed session key.
    SignIn {
        /// The member's sign-in name (e-mail address), at most 254 characters.
        name: String,
        /// The account password.
        #[cfg_attr(feature = "schema", schema(value_type = String))]
        password: SecretText,
        /// `phone` or `desktop`; browsers use the pages.
        surface: Surface,
        /// The session key made for this session, SubjectPublicKeyInfo.
        session_key: Bytes,
        /// Version of the app, `major.minor.patch`.
        app_version: String,
        /// The desktop that the session shall belong to, once it is enrolled; a phone's session is opened by its PIN.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        device: Option<DeviceClaim>,
    }
}

answer! {
    /// A session was opened for the enclosed key.
    SignedIn {
        /// Opaque session token; useless without the session key.
        #[cfg_attr(feature = "schema", schema(value_type = String))]
        session: SecretText,
        /// The organisation's id.
        organisation: String,
        /// The organisation's Ed25519 policy key; the device pins it when it enrolls.
        policy_key: Bytes,
        /// The member's id.
        member: String,
        /// The organisation's policy and the statement about it.
        policy: PolicyPack,
        /// What comes next.
        step: Step,
    }
}

answer! {
    /// The signed policy document and the signed statement that it is the latest.
    PolicyPack {
        /// The document.
        document: Signed,
        /// The statement.
        statement: Signed,
        /// Notes by which one policy key hands over to the next, the oldest first.
        handovers: Vec<Signed>,
    }
}

answer! {
    /// The next step.
    StepAnswer {
        /// What comes next.
        step: Step,
        /// From when two-step is demanded of this member, epoch milliseconds, where the policy does not demand it yet: the
        /// end of an exception or of the deadline.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        required_from_ms: Option<u64>,
    }
}

answer! {
    /// `POST /v1/two-step/set-up`: a pending secret, shown this one time.
    TwoStepSetUp {
        /// `otpauth://` URI (Key URI format; SHA-1, 6 digits, 30 s).
        #[cfg_attr(feature = "schema", schema(value_type = String))]
        uri: SecretText,
        /// The same key for typing, base32 in groups of four.
        #[cfg_attr(feature = "schema", schema(value_type = String))]
        key: SecretText,
        /// The set-up is void from then on.
        expires_ms: u64,
    }
}

request! {
    /// `POST /v1/two-step/confirm`, `/v1/two-step/verify` and `/v1/two-step/renewal/confirm`.
    CodeEntry {
        /// Six digits as typed.
        #[cfg_attr(feature = "schema", schema(value_type = String))]
        code: SecretText,
    }
}

answer! {
    /// `POST /v1/enrollments`.
    EnrollmentStarted {
        /// Names this run; void after ten minutes.
        enrollment: String,
        /// The portal's first nonce, 32 bytes.
        first_nonce: Bytes,
    }
}

request! {
    /// `POST /v1/enrollments/{enrollment}/commit`.
    Commitment {
        /// SHA-256 over the device key and its opening, 32 bytes.
        commitment: Bytes,
    }
}

answer! {
    /// The commitment was taken.
    CommitmentTaken {
        /// The portal's second nonce, 32 bytes.
        second_nonce: Bytes,
    }
}

request! {
    /// `POST /v1/enrollments/{enrollment}/reveal`.
    Reveal {
        /// The opening of the commitment, 32 bytes.
        opening: Bytes,
        /// The device key, SubjectPublicKeyInfo.
        device_key: Bytes,
        /// JSON text of the device's facts; hashed as transmitted.
        facts: String,
        /// The device key's signature over the transcript, r ‖ s.
        signature: Bytes,
    }
}

answer! {
    /// The device is known to the portal now.
    Enrolled {
        /// The device's id.
        device: String,
        /// `pending`, or `approved` where the policy asks for no approval.
        state: DeviceState,
        /// What comes next.
        step: Step,
    }
}

answer! {
    /// A file of the organisation.
    FileEntry {
        /// Names it in the download address.
        id: String,
        /// File name.
        name: String,
        /// Bytes.
        size: u64,
        /// Last change.
        modified_ms: u64,
        /// SHA-256 of the content, hex.
        sha256: String,
    }
}

answer! {
    /// `GET /v1/files`.
    FileList {
        /// By name.
        files: Vec<FileEntry>,
    }
}

/// A problem document (RFC 9457) with Twinlock's stable code.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Problem {
    /// `urn:twinlock:error:<number>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What happened, for a person.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub detail: Option<String>,
    /// `TL-<number>`, see the error catalogue.
    pub code: String,
    /// Names the request in the portal's log.
    pub request_id: String,
    /// Milliseconds until it may be tried again.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub retry_after_ms: Option<u64>,
    /// Tries that remain.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tries_left: Option<u32>,
    /// What the member has to do next.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub step: Option<Step>,
    /// The new policy, where the caller's is outdated.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub policy: Option<PolicyPack>,
}

/// Bytes that travel as base64url without padding (RFC 4648 §5).
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(value_type = String))]
pub struct Bytes(pub Vec<u8>);

impl From<&[u8]> for Bytes {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

impl std::fmt::Debug for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Bytes({})", self.0.len())
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64URL_NOPAD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        // The message names no part of the input: it may be secret.
        BASE64URL_NOPAD.decode(text.as_bytes()).map(Self).map_err(|_| serde::de::Error::custom("not base64url"))
    }
}
