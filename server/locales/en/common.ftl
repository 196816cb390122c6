# What stands around every page.
skip = Skip to the content
navigation-main = Main
navigation-overview = Overview
navigation-users = Users
navigation-devices = Devices
navigation-audit = Audit
navigation-policies = Policies
navigation-mail = Mail
navigation-files = Files
navigation-account = Account settings
navigation-administration = Administration
navigation-own = For you
dismiss = Dismiss
cancel = Cancel
sign-out = Sign out
language = Language
appearance = Appearance
appearance-system = System
appearance-light = Light
appearance-dark = Dark
required-from = Your organisation requires two-step authentication from { $from }. Then you reach no file before it is set up.
required-set-up = Set it up now
error-title = Error: { $title }
refused-title = Not possible
refused-go-on = Go on
refused-reference = Code { $code } · request { $request }
wait-seconds = { $count ->
    [one] { $shown } second
   *[other] { $shown } seconds
}
wait-minutes = { $count ->
    [one] { $shown } minute
   *[other] { $shown } minutes
}
wait-hours = { $count ->
    [one] { $shown } hour
   *[other] { $shown } hours
}
wait-days = { $count ->
    [one] { $shown } day
   *[other] { $shown } days
}
size-bytes = { $count ->
    [one] { $shown } byte
   *[other] { $shown } bytes
}
