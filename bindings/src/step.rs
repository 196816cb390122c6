use twinlock_core::step;

/// What the app draws next; the core's `Step`.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum Step {
    /// Ask for name and password.
    SignIn,
    /// Lead through the set-up of two-step authentication.
    SetUpTwoStep,
    /// Ask for a code of the authenticator app.
    EnterCode,
    /// Show the comparison code and wait for an admin.
    AwaitApproval {
        /// Eight digits in two groups of four, e.g. `1234 5678`.
        comparison_code: Option<String>,
    },
    /// Ask for a new PIN, twice.
    CreatePin {
        /// Digits at least (6–12).
        min_length: u8,
        /// Digits at most (12).
        max_length: u8,
        /// The first entry was accepted; ask for it again.
        repeat: bool,
    },
    /// Ask for the PIN.
    EnterPin {
        /// Tries before the PIN is erased.
        tries_left: u32,
    },
    /// The policy was raised: ask for a new PIN, twice.
    ChangePin {
        /// Digits at least (6–12).
        min_length: u8,
        /// Digits at most (12).
        max_length: u8,
        /// The first entry was accepted; ask for it again.
        repeat: bool,
    },
    /// Nothing is accepted until then.
    Wait {
        /// Milliseconds since 1970-01-01 UTC by the portal's clock.
        until_ms: u64,
    },
    /// Files, vault and authorised requests are open.
    Ready,
    /// Nothing works until somebody acts.
    Blocked {
        /// Why, and thereby who acts.
        reason: BlockedReason,
    },
}

/// Why nothing works; the core's `BlockedReason`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum BlockedReason {
    /// An admin revoked this device; it can be enrolled again.
    Revoked,
    /// An admin suspended the account.
    Suspended,
    /// The policy asks for a newer app.
    UpdateApp,
    /// The device key is gone; the member enrolls again.
    KeyLost,
    /// The authenticator was disabled after too many wrong codes; a recovery code replaces it, or an admin resets it.
    AuthenticatorDisabled,
}

impl From<step::Step> for Step {
    fn from(step: step::Step) -> Self {
        match step {
            step::Step::SignIn => Self::SignIn,
            step::Step::SetUpTwoStep => Self::SetUpTwoStep,
            step::Step::EnterCode => Self::EnterCode,
            step::Step::AwaitApproval { comparison_code } => Self::AwaitApproval { comparison_code },
            step::Step::CreatePin(step::PinRequest { min_length, max_length, repeat }) => {
                Self::CreatePin { min_length, max_length, repeat }
            }
            step::Step::EnterPin { tries_left } => Self::EnterPin { tries_left },
            step::Step::ChangePin(step::PinRequest { min_length, max_length, repeat }) => {
                Self::ChangePin { min_length, max_length, repeat }
            }
            step::Step::Wait { until_ms } => Self::Wait { until_ms },
            step::Step::Ready => Self::Ready,
            step::Step::Blocked { reason } => Self::Blocked { reason: reason.into() },
        }
    }
}

impl From<step::BlockedReason> for BlockedReason {
    fn from(reason: step::BlockedReason) -> Self {
        match reason {
            step::BlockedReason::Revoked => Self::Revoked,
            step::BlockedReason::Suspended => Self::Suspended,
            step::BlockedReason::UpdateApp => Self::UpdateApp,
            step::BlockedReason::KeyLost => Self::KeyLost,
            step::BlockedReason::AuthenticatorDisabled => Self::AuthenticatorDisabled,
        }
    }
}
