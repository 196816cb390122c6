//! What a desktop needs before it gets a session: a member with two-step authentication, and once it is enrolled, the proof
//! that it is the device it says it is.
//!
//! All of it is asked only after the password was right, so that a stranger learns nothing.

use crate::act::Outcome;
use crate::store::Tx;
use twinlock_core::Error;
use twinlock_core::policy::Surface;
use twinlock_core::proof::PublicKey;
use twinlock_core::wire::{DeviceClaim, SignIn};

crate::statements! {
    FIND_PROVEN_STATE = "SELECT state FROM factor WHERE organisation = $1 AND member = $2 AND state <> 'pending'";
    FIND_CLAIMED_DEVICE = "SELECT spki, state, expires_ms FROM device
        WHERE organisation = $1 AND id = $2 AND member = $3 AND surface = 'desktop'";
}

/// A sign-in that is about to open a session; name and password were right.
pub struct Asked<'a> {
    /// The organisation's id.
    pub organisation: &'a str,
    /// The member's id.
    pub member: &'a str,
    /// The surface that the session is for.
    pub surface: Surface,
    /// The session key, SubjectPublicKeyInfo.
    pub session_key: &'a [u8],
    /// The device that it says it is.
    pub claim: Option<&'a DeviceClaim>,
}

/// What can be said of a request before anybody's password is looked at: a phone's session is opened by its PIN, and by no
/// claim.
pub fn is_well_formed(request: &SignIn) -> bool {
    match request.surface {
        Surface::Web => false,
        Surface::Phone => request.device.is_none(),
        Surface::Desktop => true,
    }
}

/// The device that the session belongs to; empty for none yet, and on other surfaces.
///
/// # Errors
/// [`Error::DesktopNeedsTwoStep`] and [`Error::CodeDisabled`] by the member's authenticator, [`Error::DeviceRevoked`],
/// [`Error::EnrollmentClosed`] for a device that was denied, expired or is none of this member's desktops,
/// [`Error::SignatureRefused`] for a claim that its key has not signed.
pub fn admit(tx: &mut Tx<'_>, asked: &Asked<'_>, now_ms: u64) -> Outcome<String> {
    if asked.surface != Surface::Desktop {
        return Ok(Ok(String::new()));
    }
    let factor = tx.query_one(FIND_PROVEN_STATE, &[asked.organisation.into(), asked.member.into()])?;
    match factor.as_ref().map(|row| row.text(0)).transpose()? {
        Some("active") => {}
        Some(_) => return Ok(Err(Error::CodeDisabled)),
        None => return Ok(Err(Error::DesktopNeedsTwoStep)),
    }
    let Some(claim) = asked.claim else { return Ok(Ok(String::new())) };
    let values = [asked.organisation.into(), claim.device.as_str().into(), asked.member.into()];
    let Some(row) = tx.query_one(FIND_CLAIMED_DEVICE, &values)? else { return Ok(Err(Error::EnrollmentClosed)) };
    let key = PublicKey::from_spki(row.blob(0)?);
    let message = DeviceClaim::to_sign(asked.session_key);
    if key.and_then(|key| key.verify(&message, &claim.signature.0)).is_err() {
        return Ok(Err(Error::SignatureRefused));
    }
    Ok(match row.text(1)? {
        "approved" => Ok(claim.device.clone()),
        "pending" if row.unsigned(2)? > now_ms => Ok(claim.device.clone()),
        "pending" | "denied" => Err(Error::EnrollmentClosed),
        _ => Err(Error::DeviceRevoked),
    })
}
