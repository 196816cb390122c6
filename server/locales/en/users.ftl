# Admin → Users: the list.
users-title = Users
users-invite = Invite somebody
users-export = Export as CSV
users-required = Two-step authentication is required: members without it are led to the set-up and reach no file before.
users-not-required = Two-step authentication is not required.
users-change-policy = Change the policy
users-find = Find members
users-search = Name or e-mail address
users-filter = Show
users-filters-on = Filters that are on
users-chip-search = “{ $text }”
users-chip-remove = Remove the filter { $filter }
users-clear = Clear all filters
users-nobody = There is nobody here yet.
users-invite-first = Invite the first member
users-no-match = Nobody matches these filters.
users-showing = Showing { $first }–{ $last } of { $total }
users-showing-many = Showing { $first }–{ $last } of more than { $total }
users-caption = Members and their 2FA status
users-column-name = Name
users-column-status = 2FA status
users-column-seen = Last seen
users-column-role = Role
users-column-devices = Devices
users-role-all = Every role
users-role-member = Member
users-role-admin = Admin
users-role-auditor = Auditor
users-seen-now = Just now
users-ago = { $wait } ago
users-pages = Pages of the list
users-previous = Previous
users-next = Next
users-column-choose = Choose
users-column-reminded = Last reminded
users-choose = Choose { $name }
users-bounced = Mail was returned
users-remind-chosen = Send a reminder to those chosen
users-remind-all = { $count ->
    [one] Send a reminder to { $shown } member that matches…
   *[other] Send a reminder to all { $shown } that match…
}
users-remind-all-many = Send a reminder to all that match…
users-remind-title = { $count ->
    [one] Send a reminder to { $shown } member?
   *[other] Send a reminder to { $shown } members?
}
users-remind-filter = Filter:
users-remind-too-many = One reminder reaches at most { $most } members. Narrow the filter, or send everybody who is not set up an announcement.
users-remind-announce = Write an announcement
users-remind-who = Only members who do not comply at this moment get it; the others are passed over, and you see whom and why.
users-remind-once = A member is reminded at most once in 24 hours.
users-remind-what = The mail says what to do, in the member's language. It holds no link that signs in.
users-remind-first = The first of them
users-remind-button = { $count ->
    [one] Send { $shown } reminder
   *[other] Send { $shown } reminders
}
users-remind-moved = The members that match have changed meanwhile. This is how many there are now.
users-reminded-title = Reminders
users-reminded-sent = { $count ->
    [0] No reminder was sent.
    [one] { $shown } reminder is on its way.
   *[other] { $shown } reminders are on their way.
}
users-reminded-who = To whom
users-reminded-skipped = { $count ->
    [one] { $shown } member was passed over
   *[other] { $shown } members were passed over
}
users-reminded-failed = { $count ->
    [one] { $shown } reminder failed
   *[other] { $shown } reminders failed
}
users-reminded-again = Try these again
users-skipped-complies = complies already
users-skipped-too-soon = was reminded at { $time }
users-skipped-no-address = has no e-mail address
users-skipped-suspended = is suspended
