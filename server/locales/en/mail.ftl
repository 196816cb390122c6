# Admin → Mail, the announcement, and the page behind “This was not me”.
mail-title = Mail
mail-connection = Mail server
mail-not-set = Not set
mail-not-set-help = Mails are written and kept here. Once the operator names a mail server in the portal’s configuration ([mail]), those of the last three days are sent. Until then, tell members in another way what they need to know.
mail-server = Server
mail-from = Sender
mail-last-sent = Last mail sent
mail-never = None yet
mail-last-fault = Last error, { $at }: { $fault }
mail-fault-expired = It waited three days in vain and is not sent any more by itself.
mail-fault-restored = A backup was put back; it may have been sent already.
mail-test = Send a test mail to me
mail-filter = State
mail-choice = { $state } ({ $shown })
mail-show = Show
mail-state-all = All
mail-state-waiting = Waiting
mail-state-sending = Being sent
mail-state-sent = Sent
mail-state-failed = Failed
mail-state-bounced = Bounced
mail-state-void = Not needed any more
mail-no-match = No mail is in this state.
mail-all = Show all mails
mail-none = No mail was written yet. The first one is written when a member sets up two-step authentication, for example.
mail-caption = Mails, the newest first
mail-subject = Subject
mail-to = To
mail-state = State
mail-written = Written
mail-fault = What the mail server said
mail-pages = Pages of the list
mail-older = Older mails
mail-one-title = Mail
mail-unknown-kind = Mail of another version of the portal
mail-tries = Tries
mail-next-try = next on
mail-retry = Try again now
mail-text = Text
mail-text-help = In the language and zone of the receiver. Links are made when the mail is sent, and only the receiver sees them.
mail-link-hidden = (a link that only the receiver sees)

mail-announce-title = Announce two-step authentication
mail-announce-lead = This mail tells members what is coming and which apps they can use, before you require two-step authentication. It goes to active members who have not set it up, and can be sent once in 24 hours.
mail-announce-receivers = { $count ->
    [one] { $shown } member gets it.
   *[other] { $shown } members get it.
}
mail-announce-kept = No mail server is set: the mails are kept, and sent once there is one.
mail-announce-last = It was last sent on { $last }.
mail-announce-too-soon = It was sent less than 24 hours ago. It can be sent again from { $next }.
mail-announce-send = { $count ->
    [one] Send it to { $shown } member
   *[other] Send it to { $shown } members
}
mail-announce-preview = What members read
mail-announce-preview-help = As it would be written to you; each member gets it in their own language.

mail-freeze-title = This was not me
mail-freeze-question = Freeze your account?
mail-freeze-lead = If somebody else made the change that the mail told you of, freeze your account. At once:
mail-freeze-sessions = every session ends, in browsers and on devices;
mail-freeze-sign-in = nobody can sign in, you included;
mail-freeze-admins = the admins of your organisation are told, and one of them opens the account again with you;
mail-freeze-kept = nothing else changes: files, devices and settings stay as they are.
mail-freeze-act = Freeze my account
mail-freeze-otherwise = If it was you after all, close this page. Nothing has happened.
mail-frozen-title = The account is frozen
mail-frozen-lead = Every session has ended, and nobody can sign in.
mail-frozen-next = Now call an admin of your organisation, on a number that you know, not one from a mail.
mail-void-title = This link is not valid any more
mail-void-lead = It was used, or it is older than seven days. If something is wrong with your account, call an admin of your organisation.
