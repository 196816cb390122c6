//! What the portal vouches for to another application: who it is, on what, and how surely.

use crate::caller::{Caller, Role};
use crate::store::{StoreError, Tx};
use serde::Serialize;
use twinlock_core::enrollment::DeviceFacts;
use twinlock_core::policy::Surface;
use twinlock_core::ports::KeyLevel;

crate::statements! {
    FIND_EMAIL = "SELECT email FROM member WHERE organisation = $1 AND id = $2";
    FIND_DEVICE_FACTS = "SELECT name, facts FROM device WHERE organisation = $1 AND id = $2";
}

/// How surely, in the levels of NIST SP 800-63B-4 §2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Assurance {
    /// One factor: the policy demands no second one of this member now.
    Aal1,
    /// Two factors were shown in this session.
    Aal2,
}

/// A member, to an application.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Member {
    /// The member's id, which never changes.
    pub id: String,
    /// Name.
    pub name: String,
    /// E-mail address, which is the sign-in name.
    pub email: String,
    /// `member`, `admin` or `auditor`.
    pub role: &'static str,
}

/// A device, to an application.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Device {
    /// The device's id.
    pub id: String,
    /// What its member calls it: a stranger's text.
    pub name: String,
    /// How hard its keys are held, as the device itself says; absent if it said nothing readable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_level: Option<KeyLevel>,
}

/// Somebody with nothing left to do.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Vouched {
    /// Who.
    pub member: Member,
    /// On which device; absent in a browser.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<Device>,
    /// Where.
    pub surface: Surface,
    /// How surely.
    pub assurance: Assurance,
}

impl Vouched {
    /// Reads what is known of this caller.
    pub fn read(tx: &mut Tx<'_>, caller: &Caller) -> Result<Self, StoreError> {
        let organisation = &caller.organisation;
        let email = tx.query_one(FIND_EMAIL, &[organisation.into(), (&caller.member).into()])?;
        let email = email.map(|row| row.text(0).map(str::to_owned)).transpose()?.unwrap_or_default();
        let role = match caller.role {
            Role::Member => "member",
            Role::Admin => "admin",
            Role::Auditor => "auditor",
        };
        let member = Member { id: caller.member.clone(), name: caller.name.clone(), email, role };
        let device = caller.device.as_ref().map(|id| read_device(tx, organisation, id)).transpose()?;
        Ok(Self { member, device, surface: caller.surface, assurance: assurance(caller) })
    }
}

fn read_device(tx: &mut Tx<'_>, organisation: &str, id: &str) -> Result<Device, StoreError> {
    let row = tx.query_one(FIND_DEVICE_FACTS, &[organisation.into(), id.into()])?;
    let (name, facts) = match &row {
        Some(row) => (row.text(0)?.to_owned(), DeviceFacts::parse(row.text(1)?).ok()),
        None => (String::new(), None),
    };
    Ok(Device { id: id.to_owned(), name, key_level: facts.map(|facts| facts.key_level) })
}

/// A PIN opens a key of the device's: a multi-factor authenticator by itself (NIST SP 800-63B-4 §3.1.7). An identity provider
/// that asserted MFA for this session is believed.
fn assurance(caller: &Caller) -> Assurance {
    let has_two = caller
        .facts
        .session
        .is_some_and(|session| session.pin_proved || session.sso_mfa || session.code_at_ms.is_some());
    if has_two { Assurance::Aal2 } else { Assurance::Aal1 }
}
