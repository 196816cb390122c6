//! What mails there are.

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident $name:literal, $subject:literal, $text:literal, $can_freeze:literal;)+) => {
        /// What a mail is about.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Kind { $($(#[$doc])* $kind,)+ }

        impl Kind {
            /// All of them.
            #[cfg(test)]
            pub const ALL: &[Kind] = &[$(Kind::$kind),+];

            /// Its name in the database.
            pub fn name(self) -> &'static str {
                match self { $(Kind::$kind => $name,)+ }
            }

            /// The kind of this name.
            pub fn of_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Kind::$kind),)+ _ => None }
            }

            /// The keys of its subject and of its text.
            pub fn keys(self) -> (&'static str, &'static str) {
                match self { $(Kind::$kind => ($subject, $text),)+ }
            }

            /// True if it tells of a change that somebody else might have made: such a mail holds the link that freezes the
            /// account.
            pub fn can_freeze(self) -> bool {
                match self { $(Kind::$kind => $can_freeze,)+ }
            }
        }
    };
}

impl Kind {
    /// The key of what a link of its own is called; `None` for a mail without one.
    pub fn link_label(self) -> Option<&'static str> {
        match self {
            Kind::Invitation => Some("mails-way-in"),
            Kind::ConfirmSetUp => Some("mails-confirm"),
            _ => None,
        }
    }
}

kinds! {
    /// The way in, for somebody new: with a link.
    Invitation "invitation", "mails-invitation-subject", "mails-invitation-text", false;
    /// Two-step authentication is coming.
    Announcement "announcement", "mails-announcement-subject", "mails-announcement-text", false;
    /// Two-step authentication is still missing.
    Reminder "reminder", "mails-reminder-subject", "mails-reminder-text", false;
    /// Two-step authentication was set up.
    SetUp "set_up", "mails-set-up-subject", "mails-set-up-text", true;
    /// Somebody wants to set up the account's first authenticator: with the link that confirms it.
    ConfirmSetUp "confirm_set_up", "mails-confirm-set-up-subject", "mails-confirm-set-up-text", true;
    /// The same, where an admin has to allow it.
    SetUpAsked "set_up_asked", "mails-set-up-asked-subject", "mails-set-up-asked-text", true;
    /// The same, to each admin; fact `who`.
    SetUpAskedForAdmins "set_up_asked_for_admins", "mails-set-up-asked-for-admins-subject",
        "mails-set-up-asked-for-admins-text", false;
    /// Another authenticator took the place of the former one.
    Renewed "renewed", "mails-renewed-subject", "mails-renewed-text", true;
    /// The member turned two-step authentication off.
    TurnedOff "turned_off", "mails-turned-off-subject", "mails-turned-off-text", true;
    /// An admin reset two-step authentication.
    Reset "reset", "mails-reset-subject", "mails-reset-text", true;
    /// Too many wrong codes disabled the authenticator.
    CodeLimit "code_limit", "mails-code-limit-subject", "mails-code-limit-text", true;
    /// A recovery code was used; fact `left`.
    RecoveryCodeUsed "recovery_code_used", "mails-recovery-code-used-subject", "mails-recovery-code-used-text", true;
    /// A new set of recovery codes was made.
    RecoveryCodesMade "recovery_codes_made", "mails-recovery-codes-made-subject", "mails-recovery-codes-made-text", true;
    /// A device asked to be approved; fact `device`.
    DeviceAsked "device_asked", "mails-device-asked-subject", "mails-device-asked-text", true;
    /// A device waits for approval, to each admin; facts `who`, `device`.
    DeviceWaits "device_waits", "mails-device-waits-subject", "mails-device-waits-text", false;
    /// A device was enrolled without an approval; fact `device`.
    DeviceEnrolled "device_enrolled", "mails-device-enrolled-subject", "mails-device-enrolled-text", true;
    /// A device was approved; fact `device`.
    DeviceApproved "device_approved", "mails-device-approved-subject", "mails-device-approved-text", true;
    /// A device was revoked; fact `device`.
    DeviceRevoked "device_revoked", "mails-device-revoked-subject", "mails-device-revoked-text", true;
    /// Too many wrong PINs erased a device's PIN; fact `device`.
    PinLimit "pin_limit", "mails-pin-limit-subject", "mails-pin-limit-text", true;
    /// The password was changed.
    PasswordChanged "password_changed", "mails-password-changed-subject", "mails-password-changed-text", true;
    /// The role was changed; fact `role`, one of `member`, `admin`, `auditor`.
    RoleChanged "role_changed", "mails-role-changed-subject", "mails-role-changed-text", true;
    /// An admin suspended the account.
    Suspended "suspended", "mails-suspended-subject", "mails-suspended-text", false;
    /// An admin lifted the suspension.
    Reinstated "reinstated", "mails-reinstated-subject", "mails-reinstated-text", true;
    /// The account was frozen by the link of a mail: to the member.
    Frozen "frozen", "mails-frozen-subject", "mails-frozen-text", false;
    /// The same, to each admin; fact `who`.
    FrozenForAdmins "frozen_for_admins", "mails-frozen-for-admins-subject", "mails-frozen-for-admins-text", false;
    /// An admin tries the connection.
    Test "test", "mails-test-subject", "mails-test-text", false;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_leads_back_to_its_kind() {
        for kind in Kind::ALL {
            assert_eq!(Kind::of_name(kind.name()), Some(*kind));
        }
    }
}
