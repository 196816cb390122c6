# Admin → Overview.
overview-title = Overview
overview-are-we = Are we compliant?
overview-nobody = There is no active member yet.
overview-compliant = { $compliant } of { $active } active members have a second factor.
overview-required = Two-step authentication is required.
overview-not-required = Two-step authentication is not required: nobody has to have one.
overview-policy = Security policy
overview-set-up = Set up
overview-sso = SSO with MFA
overview-exception = Exception
overview-grace = In grace
overview-non-compliant = Without a second factor
overview-waits = What waits for you
overview-nothing-waits = Nothing. Devices that ask for approval, proposals of other admins and mails that failed stand here.
overview-devices-wait = { $count ->
    [one] { $shown } device waits for approval
   *[other] { $shown } devices wait for approval
}
overview-proposals-wait = { $count ->
    [one] { $shown } proposal of another admin waits for you
   *[other] { $shown } proposals of other admins wait for you
}
overview-mails-failed = { $count ->
    [one] { $shown } mail could not be delivered
   *[other] { $shown } mails could not be delivered
}
overview-over-time = The last 30 days
overview-chart = Share of active members with a second factor, day by day
overview-as-table = As a table
overview-day = Day
overview-active = Active members
overview-complying = With a second factor
overview-share = Share
overview-week = What changed this week
overview-quiet = Nothing was changed in the last seven days.
overview-look = Look at it
overview-all-events = The whole audit log
overview-clock = The portal’s clock
overview-clock-behind = For whoever runs the portal: the clock is behind the newest accepted code: codes are refused until it is right again.
overview-clock-unsynchronised = For whoever runs the portal: the clock is not known to be synchronised: codes fail when it drifts by more than 30 seconds.
overview-percent = { $share }%

overview-set-ups-wait = { $count ->
    [one] { $shown } sign-in waits to set up two-step authentication
   *[other] { $shown } sign-ins wait to set up two-step authentication
}
