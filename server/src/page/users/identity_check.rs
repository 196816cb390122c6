//! The fields in which an admin says how a person's identity was checked.

use crate::identity_check::{IdentityCheck, IdentityChecked};
use serde::Deserialize;
use twinlock_core::ErrorCode;

/// The word in the form, the check, and the key of its name.
pub(crate) const CHECKS: [(&str, IdentityCheck, &str); 4] = [
    ("in_person", IdentityCheck::InPerson, "member-check-in-person"),
    ("known_phone", IdentityCheck::KnownPhone, "member-check-known-phone"),
    ("video", IdentityCheck::Video, "member-check-video"),
    ("other", IdentityCheck::Other, "member-check-other"),
];

/// What was filled in.
#[derive(Deserialize, Default)]
pub(super) struct CheckForm {
    /// As the choice sends it; empty where none was made.
    #[serde(default)]
    identity_check: String,
    #[serde(default)]
    pub(super) reference: String,
}

impl CheckForm {
    /// The word of the check; empty before anything is chosen.
    pub(super) fn chosen(&self) -> &'static str {
        CHECKS.into_iter().find(|(word, ..)| *word == self.identity_check).map_or("", |(word, ..)| word)
    }

    /// What is to be recorded; `None` where no check was chosen.
    pub(super) fn read(&self) -> Option<IdentityChecked> {
        let (_, identity_check, _) = CHECKS.into_iter().find(|(word, ..)| *word == self.identity_check)?;
        Some(IdentityChecked { identity_check, reference: self.reference.clone() })
    }
}

/// The key of what is wrong with the form: no check (`None`), or what a refusal says of the reference; `None` if it says
/// something else.
pub(super) fn fault_of(refused: Option<ErrorCode>) -> Option<&'static str> {
    match refused {
        None => Some("member-reset-needs-check"),
        Some(ErrorCode::ReasonRequired) => Some("member-reset-needs-reference"),
        Some(ErrorCode::BadRequest) => Some("member-reset-long-reference"),
        Some(_) => None,
    }
}
