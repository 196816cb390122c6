# Admin → Users → one member.
member-codes-left = Recovery codes left
member-sessions = Sessions
member-sessions-open = { $count ->
    [one] { $shown } open
   *[other] { $shown } open
}
member-events = Events
member-events-show = Show in the audit log
member-no-devices = No device was enrolled.
member-devices-caption = Devices of this member
member-device = Device
member-device-state = State
member-device-asked = Asked
member-devices-manage = Approve or revoke devices
member-is-you = This is you. Another admin changes your role, grants you an exception or resets your two-step authentication.
member-exception = Exception
member-exception-holds = Two-step authentication is not demanded until { $until }, granted by { $name } on { $date }:
member-exception-end = End the exception
member-exception-none = None. Two-step authentication is demanded as the policy says.
member-exception-until = Last day (UTC)
member-exception-help = At most 365 days from now. The member is told seven days before it ends.
member-exception-reason = Reason
member-exception-grant = Grant the exception
member-exception-needs-reason = Write down why; the reason goes into the audit log.
member-exception-out-of-range = Choose a day in the future, at most 365 days away, and a reason of at most 1,000 characters.
member-exception-changed = Somebody else changed this exception meanwhile. This is how it stands now.
member-reset = Reset Two-Step Authentication
member-reset-when = For a member who has lost the authenticator app and the recovery codes. You are asked how you checked who is asking.
member-reset-open = Reset two-step authentication
member-reset-title = Reset two-step authentication of { $name }?
member-reset-what = Do this only for the person whose account it is.
member-reset-clears-app = The authenticator app, a set-up under way and all recovery codes stop working.
member-reset-clears-sessions = Every session ends; the next request of each is refused.
member-reset-clears-devices = { $count ->
    [0] No device is enrolled.
    [one] { $shown } device is revoked, and its PIN opens nothing any more.
   *[other] { $shown } devices are revoked, and their PINs open nothing any more.
}
member-reset-then-required = The requirement stays: at the next sign-in the member is led to the set-up and reaches no file before.
member-reset-then = The password alone opens the account until the member sets it up again.
member-reset-tells = The member is told by mail, and the audit log keeps what you write here.
member-reset-check = How did you check who is asking?
member-reset-check-help = An e-mail or a chat message proves nothing: whoever took the account may have written it.
member-reset-choose = Choose one
member-check-in-person = In person
member-check-known-phone = By a known phone number
member-check-video = In a video call
member-check-other = Otherwise
member-reset-reference = Reference
member-reset-reference-help = A ticket, or what you saw. At most 1,000 characters.
member-reset-button = Reset two-step authentication of { $name }
member-reset-needs-check = Choose how you checked who is asking.
member-reset-needs-reference = Write down the ticket, or what you saw; it goes into the audit log.
member-reset-long-reference = The reference is longer than 1,000 characters.
member-cancel = Cancel
member-account = Role and account
member-role-help = What the member had asked for in the former role is void.
member-role-change = Change the role
member-suspend-help = A suspended member cannot sign in; the next request of each session is refused.
member-suspend = Suspend { $name }
member-suspended-help = Once it is lifted, the policy holds for the member as for anybody.
member-reinstate = Reinstate { $name }
member-back = Back to the users
member-remind = Send a reminder
