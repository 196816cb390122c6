//! How an admin checked that a person is the member, before an act that would help an impostor.

use crate::caller::Caller;
use serde::{Deserialize, Serialize};
use twinlock_core::{Error, Result};

/// How the person's identity was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum IdentityCheck {
    /// Face to face.
    InPerson,
    /// By calling a number that was known before.
    KnownPhone,
    /// In a video call.
    Video,
    /// As the reference says.
    Other,
}

/// What an admin records of the check.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IdentityChecked {
    /// How the person's identity was checked.
    pub identity_check: IdentityCheck,
    /// A ticket, or what was seen; required, at most 1,000 characters.
    pub reference: String,
}

impl IdentityChecked {
    /// The reference, if `caller` may vouch for this member at all: nobody does for himself ([`Error::Forbidden`]), nor
    /// without a fresh code of the admin's own ([`Error::FreshCodeRequired`]) or without a reference
    /// ([`Error::ReasonRequired`]; [`Error::BadRequest`] for one that is too long).
    pub fn reference_for(&self, caller: &Caller, member: &str) -> Result<&str> {
        if member == caller.member {
            return Err(Error::Forbidden);
        }
        caller.require_fresh_code()?;
        match self.reference.trim() {
            "" => Err(Error::ReasonRequired),
            reference if reference.chars().count() > 1_000 => Err(Error::BadRequest),
            reference => Ok(reference),
        }
    }
}
