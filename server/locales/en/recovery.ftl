recovery-title = Use a recovery code
recovery-lead = Without your authenticator, one of your recovery codes lets you set up a new one. Your other sessions end, and the code is used up.
recovery-lead-disabled = Your authenticator was disabled after too many wrong codes. One of your recovery codes lets you set up a new one.
recovery-code = Recovery code
recovery-code-help = One of the ten that you saved, like K7-XXXX-XXXX-XXXX-XXXX.
recovery-submit = Continue
recovery-none = No recovery code either? An admin of your organisation can reset two-step authentication for you.
recovery-with-code = Enter a code of your authenticator instead
recovery-malformed = A recovery code looks like K7-XXXX-XXXX-XXXX-XXXX: eighteen letters and digits.
recovery-refused = This recovery code is wrong, was used before, or was replaced by newer ones. Try another one.

recovery-codes-title = Save your recovery codes
recovery-codes-lead = If you lose your authenticator, your password and one of these codes let you set up a new one. Each code works once. They are shown this one time, and older codes do not work any more.
recovery-codes-list = Your recovery codes
recovery-codes-help = Print this page, write the codes down or keep them in a password manager, but not on the phone with your authenticator.
recovery-codes-download = Download as text
recovery-codes-copy = Copy
recovery-codes-copied = Copied
recovery-codes-print = Print
recovery-codes-saved = I have saved these codes
recovery-codes-saved-help = Without them only an admin can help you if you lose your phone.
recovery-codes-unsaved = Save the codes, then tick the box below them: they are shown this one time.
recovery-codes-submit = Continue
recovery-codes-file = Recovery codes for two-step authentication. Each works once.

recovery-new-title = Make new recovery codes
recovery-new-lead = The next page shows ten new codes, this one time. All older codes stop working at once, also those that were not used.
recovery-new-submit = Make new recovery codes
