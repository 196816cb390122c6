# Der 2FA-Status eines Mitglieds.
status-all = Jeder Status
status-non-compliant = Erfüllt die Richtlinie nicht
status-no-authenticator = Ohne Authenticator
status-not-set-up = Nicht eingerichtet
status-setting-up = Wird eingerichtet
status-reset = Zurückgesetzt, wartet
status-locked = Authenticator deaktiviert
status-grace = In der Frist
status-grace-until = In der Frist bis { $until }
status-exception = Mit Ausnahme
status-exception-until = Ausnahme bis { $until }
status-sso = SSO mit MFA
status-sso-at = SSO mit MFA, { $time }
status-sso-without-mfa = SSO ohne MFA
status-sso-without-mfa-at = SSO ohne MFA, { $time }
status-set-up = Eingerichtet
status-suspended = Gesperrt
