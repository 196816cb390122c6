# What mails say. Names of devices and people stand in lines of their own, below.
mails-subject = { $subject } · { $organisation }
mails-greeting = Hello { $name },
mails-when = When
mails-device = Device, as it calls itself
mails-address = From the address
mails-by = Done by
mails-quoted = “{ $text }”
mails-way-in = Choose your password and sign in
mails-not-me = Was this not you? Freeze your account: nobody can sign in to it then, and an admin looks into it with you. The link works for seven days.
mails-freeze = This was not me
mails-closing = The portal of { $organisation } wrote this mail by itself. It never asks for a password, a code or a PIN by mail.
mails-role-member = member
mails-role-admin = admin
mails-role-auditor = auditor

mails-invitation-subject = You are invited
mails-invitation-text = You have an account at { $organisation }. The link below leads you to the page where you choose your password; it works once.
mails-announcement-subject = Two-step authentication is coming
mails-announcement-text =
    { $organisation } is going to require two-step authentication. Besides your password, you will then show a code that an app on your phone makes.

    You can set it up today: install an authenticator app, such as Google Authenticator, Microsoft Authenticator or Authy, sign in to the portal as you always do, and open Account settings. It takes about three minutes.
mails-reminder-subject = Please set up two-step authentication
mails-reminder-text =
    Your account has no two-step authentication that works yet, and { $organisation } asks you for it.

    Sign in to the portal as you always do; it leads you through the set-up. You need an authenticator app on your phone and about three minutes.
mails-set-up-subject = Two-step authentication is set up
mails-set-up-text = Two-step authentication is set up for your account. From now on a code of your authenticator app is asked for when you sign in.
mails-renewed-subject = You have a new authenticator
mails-renewed-text = Another authenticator app took the place of the one you had. Codes of the former one are not accepted any more, and your older recovery codes are void.
mails-turned-off-subject = Two-step authentication is turned off
mails-turned-off-text = Two-step authentication was turned off for your account. The password alone opens it now.
mails-reset-subject = Two-step authentication is reset
mails-reset-text = An admin has reset two-step authentication of your account. Your authenticator and your recovery codes are void, and you are signed out everywhere. At your next sign-in the portal leads you through the set-up.
mails-code-limit-subject = Your authenticator is disabled
mails-code-limit-text = Too many wrong codes were typed for your account, by somebody who knows your password. The authenticator is disabled. Sign in with a recovery code, or ask an admin for a reset. If it was not you, change your password as well.
mails-recovery-code-used-subject = A recovery code was used
mails-recovery-code-used-text = { $count ->
    [0] One of your recovery codes was used to sign in. It was your last one; set up a new authenticator to get new ones.
    [one] One of your recovery codes was used to sign in. One is left.
   *[other] One of your recovery codes was used to sign in. { $count } are left.
}
mails-recovery-codes-made-subject = You have new recovery codes
mails-recovery-codes-made-text = A new set of recovery codes was made for your account. All older ones are void.
mails-device-asked-subject = A device waits for approval
mails-device-asked-text = A device was enrolled with your account and waits for an admin’s approval. Until then it opens nothing.
mails-device-waits-subject = A member’s device is waiting for approval
mails-device-waits-text =
    A device of { $who } asks for approval. Sign in to the portal as usual, open Admin, Devices, and type the comparison code that { $who } reads to you.

    More devices may be waiting by now. This mail is sent at most once in ten minutes.
mails-device-enrolled-subject = A device is enrolled
mails-device-enrolled-text = A device was enrolled with your account and can be used now.
mails-device-approved-subject = A device is approved
mails-device-approved-text = An admin has approved a device of yours. It can be used now.
mails-device-revoked-subject = A device is revoked
mails-device-revoked-text = A device of yours was revoked. It opens nothing any more, and its PIN is erased.
mails-pin-limit-subject = A PIN was typed wrong too often
mails-pin-limit-text = Too many wrong PINs were typed on a device of yours. Its PIN is erased; to use the device again, sign in on it with your password and a code.
mails-password-changed-subject = Your password is changed
mails-password-changed-text = The password of your account was changed.
mails-role-changed-subject = Your role is changed
mails-role-changed-text = An admin has changed your role at { $organisation }. Your new role: { $role }.
mails-suspended-subject = Your account is suspended
mails-suspended-text = An admin has suspended your account. Nobody can sign in to it. If you do not know why, ask an admin of { $organisation }.
mails-reinstated-subject = Your account is open again
mails-reinstated-text = An admin has lifted the suspension of your account. You can sign in again.
mails-frozen-subject = Your account is frozen
mails-frozen-text = The link “This was not me” of a mail to you was used. Your account is frozen: every session has ended and nobody can sign in. An admin of { $organisation } opens it again when it is clear what happened.
mails-frozen-for-admins-subject = An account was frozen by its owner
mails-frozen-for-admins-text =
    { $who } said “This was not me” to a mail about a change, by the link in it. The account is suspended and its sessions have ended; nothing else was changed.

    Find out what happened before you reinstate the account: look at its events, devices and sessions, and reset two-step authentication if somebody else may have set it up.
mails-test-subject = A test
mails-test-text = This mail shows that the portal can send mails to you.

mails-confirm = Look at it and confirm
mails-confirm-set-up-subject = Confirm that you set up two-step authentication
mails-confirm-set-up-text = Somebody has signed in to your account with your password and wants to set up two-step authentication. If it is you, confirm it with the link below within an hour, then go on where you signed in. If it is not you, freeze your account: somebody knows your password.
mails-set-up-asked-subject = Somebody wants to set up two-step authentication
mails-set-up-asked-text = Somebody has signed in to your account with your password and wants to set up two-step authentication. If it is you, call an admin, who has to allow it. If it is not you, freeze your account: somebody knows your password.
mails-set-up-asked-for-admins-subject = A set-up waits for you
mails-set-up-asked-for-admins-text = Somebody who knows the password of { $who } wants to set up two-step authentication for that account. Wait until { $who } calls you or stands before you, and check who it is; then allow it in the portal, on the Overview page.
