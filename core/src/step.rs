//! The one answer to every call: what the member has to do next.

use serde::{Deserialize, Serialize};

/// What the app draws next. Portal and device compute it with the same [`decide`](crate::policy::decide).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Step {
    /// Ask for name and password.
    SignIn,
    /// Lead through the set-up of two-step authentication: no file is reachable before.
    SetUpTwoStep,
    /// Ask for a code of the authenticator app.
    EnterCode,
    /// Show the comparison code and wait for an admin. A phone without a device key enrolls now.
    AwaitApproval {
        /// Eight digits in two groups of four; only ever present on the device itself, never sent by the portal.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        comparison_code: Option<String>,
    },
    /// Ask for a new PIN, twice.
    CreatePin(PinRequest),
    /// Ask for the PIN.
    EnterPin {
        /// Tries before the PIN is erased.
        tries_left: u32,
    },
    /// The policy was raised, or the member asked: ask for a new PIN, twice, after the old one was entered.
    ChangePin(PinRequest),
    /// Nothing is accepted until then (epoch milliseconds, portal time).
    Wait {
        /// Epoch milliseconds of the portal's clock.
        until_ms: u64,
    },
    /// Files, vault and authorised requests are open.
    Ready,
    /// Nothing works until somebody acts; see the reason.
    Blocked {
        /// Why, and thereby who acts.
        reason: BlockedReason,
    },
}

/// What a new PIN has to be like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct PinRequest {
    /// Digits at least (6–12).
    pub min_length: u8,
    /// Digits at most (12).
    pub max_length: u8,
    /// The first entry was accepted; ask for it again.
    #[serde(default)]
    pub repeat: bool,
}

/// Why nothing works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum BlockedReason {
    /// An admin revoked this device; it can be enrolled again.
    Revoked,
    /// An admin suspended the account.
    Suspended,
    /// The policy asks for a newer app.
    UpdateApp,
    /// The device key is gone (restored backup, screen lock removed); the member enrolls again.
    KeyLost,
    /// The authenticator was disabled after too many wrong codes; a recovery code replaces it, or an admin resets it.
    AuthenticatorDisabled,
}
