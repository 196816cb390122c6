//! Recovery codes: shown once, submitted once.

use crate::secret::SecretText;
use crate::step::Step;
use serde::{Deserialize, Serialize};

answer! {
    /// An authenticator was proven with its first code: what comes next, and the recovery codes, shown this one time.
    TwoStepConfirmed {
        /// What comes next.
        step: Step,
        /// Ten codes `K7-XXXX-XXXX-XXXX-XXXX`, each good once; all older ones are void.
        #[cfg_attr(feature = "schema", schema(value_type = Vec<String>))]
        recovery_codes: Vec<SecretText>,
    }
}

answer! {
    /// `POST /v1/recovery-codes`: a new set, shown this one time; all older codes are void.
    RecoveryCodesIssued {
        /// Ten codes `K7-XXXX-XXXX-XXXX-XXXX`, each good once.
        #[cfg_attr(feature = "schema", schema(value_type = Vec<String>))]
        recovery_codes: Vec<SecretText>,
    }
}

answer! {
    /// `GET /v1/recovery-codes`.
    RecoveryCodesState {
        /// Codes that were not used yet.
        left: u32,
        /// When the set was issued, or 0 if there is none.
        issued_ms: u64,
        /// When the member confirmed to have saved it, or 0.
        saved_ms: u64,
    }
}

request! {
    /// `POST /v1/recovery`.
    RecoveryEntry {
        /// A recovery code as typed.
        #[cfg_attr(feature = "schema", schema(value_type = String))]
        code: SecretText,
    }
}
