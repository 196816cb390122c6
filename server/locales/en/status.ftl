# The 2FA status of a member.
status-all = Every status
status-non-compliant = Does not comply
status-no-authenticator = Without an authenticator
status-not-set-up = Not set up
status-setting-up = Setting up
status-reset = Reset, waiting
status-locked = Locked
status-grace = In grace
status-grace-until = In grace until { $until }
status-exception = With an exception
status-exception-until = Exception until { $until }
status-sso = SSO with MFA
status-sso-at = SSO with MFA, { $time }
status-sso-without-mfa = SSO without MFA
status-sso-without-mfa-at = SSO without MFA, { $time }
status-set-up = Set up
status-suspended = Suspended
