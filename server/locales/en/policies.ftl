# Admin → Settings → Policies → Security.
policies-title = Security policy
policies-group-two-step = Two-step authentication
policies-group-devices = Devices
policies-group-pin = PIN of a phone
policies-group-codes = Codes
policies-group-sessions = Sessions
policies-group-people = Two people
policies-rule-two-step = Require Two-Step Authentication
policies-rule-two-person = Two-person rule
policies-rule-grace-days = Days to set it up
policies-rule-pin-min-length = Digits of a PIN at least
policies-rule-pin-max-tries = Wrong PINs in a row
policies-rule-code-max-tries = Wrong codes in a row
policies-rule-device-approval = Devices that an admin approves
policies-rule-idle-ms = Lock after
policies-rule-session-ms = Sessions last
policies-rule-code-days = Days between two codes on a phone
policies-rule-min-app = Oldest app
policies-field-idle = Lock after so many minutes without use
policies-field-session = Hours that a session lasts
policies-on = on
policies-off = off
policies-at-once = at once
policies-any-app = any
policies-approval-every = every device
policies-approval-first-free = every device but a member’s first
policies-approval-none = no device
policies-range = From { $min } to { $max }.
policies-min-app-fault = Write a version as three numbers, such as 1.4.0, or leave it empty.
policies-approval-fault = Choose one of the three.
policies-consequence = Takes effect at once, in every open session: { $ready } active members are set up; { $missing } are led to the set-up at their next request and reach no file before it is done.
policies-consequence-sso = Of those, { $sso } signed in with SSO and MFA last: in a browser they are let in as long as your identity provider asserts it.
policies-consequence-phones = Phones also need a PIN.
policies-self-ready = You are set up yourself and stay in.
policies-self-missing = You are not set up yourself: saving leads you to the set-up at once, in this session. You stay an admin; nobody can lock out the last one.
policies-unreachable = { $count ->
    [one] { $shown } member cannot be reached by mail.
   *[other] { $shown } members cannot be reached by mail.
}
policies-all-reachable = Everybody can be reached by mail.
policies-first = Led to the set-up:
policies-and-more = { $count ->
    [one] and { $shown } more
   *[other] and { $shown } more
}
policies-show-all = Show all
policies-announce = Announce
policies-announce-help = Tells members by mail beforehand, with the recommended apps. You see the mail before it is sent.
policies-off-help = Turning the requirement off is a page of its own: it takes a reason and a fresh code.
policies-off-link = Turn the requirement off
policies-help-grace-days = 0 demands it at once. The days of a member run from when the rule first applied to that member; neither a reset nor switching off and on begins them again.
policies-help-approval = A device that is not approved reaches nothing. The comparison code proves which device asks.
policies-help-min-app = Apps that are older are told to update. Empty lets every version in.
policies-pin-why = Digits only. The portal never learns a PIN; it only counts the tries. The bounds are those of NIST SP 800-63B-4 for a secret that unlocks a device.
policies-help-pin-length = Raising it makes every member choose a new PIN at the next unlock.
policies-help-pin-tries = Then the PIN is erased and the device has to be enrolled again.
policies-help-code-tries = Then the authenticator is disabled: a recovery code or a reset is the way back.
policies-help-code-days = In between, the PIN opens sessions on the phone. On the web and on desktops a code is asked for at each sign-in.
policies-help-idle = 0 locks a phone at once. A browser’s session lasts at least a minute.
policies-help-session = After that, everybody signs in again.
policies-help-two-person = A weaker policy and an exception take a second admin, and nobody approves his own device.
policies-admins = { $count ->
    [one] There is { $shown } active admin.
   *[other] There are { $shown } active admins.
}
policies-one-admin = With one alone, nothing could be weakened any more: the operator has to add another first.
policies-reason = Reason
policies-reason-help = Goes into the audit log. Needed where another admin has to confirm.
policies-reason-missing = This opens a gap. Write down why; the reason goes into the audit log.
policies-reason-long = The reason is longer than 1,000 characters.
policies-save = Save
policies-conflict = Somebody else changed the policy meanwhile. Nothing of yours is saved yet; this is how it stands now.
policies-meanwhile = Changed meanwhile
policies-meanwhile-by = { $who }, { $at }:
policies-unsaved = Your changes, not saved yet
policies-unsaved-none = None: what you wanted holds already.
policies-proposals = Waiting for another admin
policies-proposes = { $who } proposes
policies-proposed-exception = Two-step is not demanded of { $member } until { $until }
policies-proposed-at = Proposed { $at } · void from { $until }
policies-proposal-outdated = · made on a former policy, cannot be confirmed
policies-proposal-own = Another admin has to confirm it.
policies-confirm = Confirm what { $who } proposes
policies-withdraw = Withdraw
policies-holds = What holds
policies-exceptions = Exceptions
policies-no-exceptions = Nobody has an exception. You grant one on a member’s page.
policies-exceptions-caption = Members of whom two-step is not demanded until a date; the one that ends first comes first
policies-column-member = Member
policies-column-until = Until
policies-column-by = Granted by
policies-history = Every change of the policy
policies-off-title = Turn off the requirement of two-step authentication?
policies-off-gap = This opens a gap unless another second factor is in place, such as single sign-on with MFA.
policies-off-released = { $count ->
    [one] { $shown } member no longer has to set it up; a password alone opens the account:
   *[other] { $shown } members no longer have to set it up; a password alone opens their accounts:
}
policies-off-kept = { $count ->
    [one] Nobody’s two-step authentication is disabled: { $shown } member who set it up is still asked, until he or she turns it off.
   *[other] Nobody’s two-step authentication is disabled: { $shown } members who set it up are still asked, until they turn it off.
}
policies-off-pin = PINs stay, and become optional.
policies-off-recorded = The audit log keeps who turned it off, when and why. Turned on again, a new period begins.
policies-off-second = Your policy asks for two people: it stays on until another admin has confirmed this.
policies-off-reason-help = Why this is right now, and what is in place instead. At most 1,000 characters.
policies-off-button = Turn the requirement off

policies-rule-first-factor = Who confirms the first authenticator of an account that was used before
policies-first-factor-free = nobody
policies-first-factor-mail = the member, by the link of a mail
policies-first-factor-admin = an admin
policies-help-first-factor = Whoever has learned a password could otherwise set up two-step authentication before the member does. New accounts are not asked; an admin can allow a set-up also where a mail is enough. The member is always told by mail.
