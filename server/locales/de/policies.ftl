# Verwaltung → Einstellungen → Richtlinien → Sicherheit.
policies-title = Sicherheitsrichtlinie
policies-group-two-step = Zwei-Schritt-Anmeldung
policies-group-devices = Geräte
policies-group-pin = PIN eines Telefons
policies-group-codes = Codes
policies-group-sessions = Sitzungen
policies-group-people = Zwei Personen
policies-rule-two-step = Zwei-Schritt-Anmeldung verlangen
policies-rule-two-person = Vier-Augen-Prinzip
policies-rule-grace-days = Tage zum Einrichten
policies-rule-pin-min-length = Mindestlänge der PIN
policies-rule-pin-max-tries = Falsche PINs nacheinander
policies-rule-code-max-tries = Falsche Codes nacheinander
policies-rule-device-approval = Geräte, die zugelassen werden müssen
policies-rule-idle-ms = Sperre nach
policies-rule-session-ms = Dauer einer Sitzung
policies-rule-code-days = Tage zwischen zwei Codes auf einem Telefon
policies-rule-min-app = Älteste App
policies-field-idle = Sperre nach so vielen Minuten ohne Nutzung
policies-field-session = Dauer einer Sitzung in Stunden
policies-on = an
policies-off = aus
policies-at-once = sofort
policies-any-app = jede
policies-approval-every = jedes Gerät
policies-approval-first-free = jedes Gerät außer dem ersten eines Mitglieds
policies-approval-none = kein Gerät
policies-range = Von { $min } bis { $max }.
policies-min-app-fault = Schreiben Sie eine Version als drei Zahlen, etwa 1.4.0, oder lassen Sie das Feld leer.
policies-approval-fault = Wählen Sie eine der drei Möglichkeiten.
policies-consequence = Wirkt sofort, in jeder offenen Sitzung. Eingerichtete aktive Mitglieder: { $ready }. Bei der nächsten Anfrage zur Einrichtung geführt und bis dahin ohne Zugang zu Dateien: { $missing }.
policies-consequence-sso = Davon zuletzt über SSO mit MFA angemeldet: { $sso }. Im Browser kommen sie hinein, solange Ihr Identitätsanbieter das zusichert.
policies-consequence-phones = Telefone brauchen außerdem eine PIN.
policies-self-ready = Sie selbst sind eingerichtet und bleiben angemeldet.
policies-self-missing = Sie selbst sind noch nicht eingerichtet: Das Speichern führt Sie sofort zur Einrichtung, in dieser Sitzung. Ihre Rolle behalten Sie; die letzte Person in der Verwaltung kann niemand aussperren.
policies-unreachable = { $count ->
    [one] { $shown } Mitglied ist nicht per E-Mail zu erreichen.
   *[other] { $shown } Mitglieder sind nicht per E-Mail zu erreichen.
}
policies-all-reachable = Alle sind per E-Mail zu erreichen.
policies-first = Zur Einrichtung geführt:
policies-and-more = { $count ->
    [one] und { $shown } weiteres
   *[other] und { $shown } weitere
}
policies-show-all = Alle anzeigen
policies-announce = Ankündigen
policies-announce-help = Sagt es den Mitgliedern vorher per E-Mail, mit den empfohlenen Apps. Sie sehen die E-Mail, bevor sie verschickt wird.
policies-off-help = Zum Aufheben der Vorgabe gibt es eine eigene Seite: Es braucht eine Begründung und einen frischen Code.
policies-off-link = Vorgabe aufheben
policies-help-grace-days = 0 verlangt sie sofort. Die Tage eines Mitglieds laufen ab dem Zeitpunkt, zu dem die Vorgabe zum ersten Mal für dieses Mitglied galt; weder ein Zurücksetzen noch Aus- und Wiedereinschalten lässt sie neu beginnen.
policies-help-approval = Ein Gerät, das nicht zugelassen ist, erreicht nichts. Der Vergleichscode belegt, welches Gerät anfragt.
policies-help-min-app = Ältere Apps werden zur Aktualisierung aufgefordert. Leer lässt jede Version zu.
policies-pin-why = Nur Ziffern. Das Portal erfährt eine PIN nie; es zählt nur die Versuche. Die Grenzen sind die von NIST SP 800-63B-4 für ein Geheimnis, das ein Gerät freigibt.
policies-help-pin-length = Wird der Wert erhöht, wählt jedes Mitglied beim nächsten Entsperren eine neue PIN.
policies-help-pin-tries = Danach wird die PIN gelöscht, und das Gerät muss neu registriert werden.
policies-help-code-tries = Danach ist der Authenticator deaktiviert: Zurück führt ein Wiederherstellungscode oder ein Zurücksetzen.
policies-help-code-days = Dazwischen öffnet die PIN Sitzungen auf dem Telefon. Im Web und auf Desktops wird bei jeder Anmeldung nach einem Code gefragt.
policies-help-idle = 0 sperrt ein Telefon sofort. Eine Sitzung im Browser dauert mindestens eine Minute.
policies-help-session = Danach melden sich alle neu an.
policies-help-two-person = Eine schwächere Richtlinie und eine Ausnahme brauchen eine zweite Person aus der Verwaltung, und niemand lässt das eigene Gerät zu.
policies-admins = { $count ->
    [one] Es gibt { $shown } aktive Person mit Verwaltungsrolle.
   *[other] Es gibt { $shown } aktive Personen mit Verwaltungsrolle.
}
policies-one-admin = Allein könnte sie nichts mehr abschwächen: Zuerst muss der Betreiber eine weitere hinzufügen.
policies-reason = Begründung
policies-reason-help = Steht im Prüfprotokoll. Nötig, wo eine zweite Person bestätigen muss.
policies-reason-missing = Das öffnet eine Lücke. Schreiben Sie auf, warum; die Begründung steht im Prüfprotokoll.
policies-reason-long = Die Begründung ist länger als 1.000 Zeichen.
policies-save = Speichern
policies-conflict = Jemand anderes hat die Richtlinie inzwischen geändert. Von Ihnen ist noch nichts gespeichert; so steht sie jetzt.
policies-meanwhile = Inzwischen geändert
policies-meanwhile-by = { $who }, { $at }:
policies-unsaved = Ihre Änderungen, noch nicht gespeichert
policies-unsaved-none = Keine: Was Sie wollten, gilt schon.
policies-proposals = Wartet auf eine zweite Person
policies-proposes = { $who } schlägt vor
policies-proposed-exception = Von { $member } wird die Zwei-Schritt-Anmeldung bis { $until } nicht verlangt
policies-proposed-at = Vorgeschlagen { $at } · hinfällig ab { $until }
policies-proposal-outdated = · beruht auf einer früheren Richtlinie, kann nicht bestätigt werden
policies-proposal-own = Jemand anderes aus der Verwaltung muss es bestätigen.
policies-confirm = Vorschlag von { $who } bestätigen
policies-withdraw = Zurückziehen
policies-holds = Was gilt
policies-exceptions = Ausnahmen
policies-no-exceptions = Niemand hat eine Ausnahme. Sie gewähren eine auf der Seite eines Mitglieds.
policies-exceptions-caption = Mitglieder, von denen die Zwei-Schritt-Anmeldung bis zu einem Datum nicht verlangt wird; was zuerst endet, steht zuerst
policies-column-member = Mitglied
policies-column-until = Bis
policies-column-by = Gewährt von
policies-history = Jede Änderung der Richtlinie
policies-off-title = Die Zwei-Schritt-Anmeldung nicht mehr verlangen?
policies-off-gap = Das öffnet eine Lücke, sofern kein anderer zweiter Faktor besteht, etwa Single Sign-on mit MFA.
policies-off-released = { $count ->
    [one] { $shown } Mitglied muss sie nicht mehr einrichten; ein Passwort allein öffnet das Konto:
   *[other] { $shown } Mitglieder müssen sie nicht mehr einrichten; ein Passwort allein öffnet ihre Konten:
}
policies-off-kept = { $count ->
    [one] Niemandem wird die Zwei-Schritt-Anmeldung ausgeschaltet: { $shown } Mitglied hat sie eingerichtet und wird weiter gefragt, bis es sie selbst ausschaltet.
   *[other] Niemandem wird die Zwei-Schritt-Anmeldung ausgeschaltet: { $shown } Mitglieder haben sie eingerichtet und werden weiter gefragt, bis sie sie selbst ausschalten.
}
policies-off-pin = PINs bleiben und werden freiwillig.
policies-off-recorded = Das Prüfprotokoll bewahrt, wer sie aufgehoben hat, wann und warum. Wird sie wieder eingeschaltet, beginnt ein neuer Zeitraum.
policies-off-second = Ihre Richtlinie verlangt zwei Personen: Die Vorgabe bleibt, bis jemand anderes aus der Verwaltung das bestätigt hat.
policies-off-reason-help = Warum das jetzt richtig ist und was an die Stelle tritt. Höchstens 1.000 Zeichen.
policies-off-button = Vorgabe aufheben

policies-rule-first-factor = Wer bestätigt die erste Authenticator-App eines Kontos, das schon benutzt wurde
policies-first-factor-free = niemand
policies-first-factor-mail = das Mitglied, über den Link einer E-Mail
policies-first-factor-admin = die Verwaltung
policies-help-first-factor = Wer ein Passwort erfahren hat, könnte sonst die Zwei-Schritt-Anmeldung vor dem Mitglied einrichten. Neue Konten werden nicht gefragt; die Verwaltung kann eine Einrichtung auch dort erlauben, wo eine E-Mail genügt. Das Mitglied erfährt es in jedem Fall per E-Mail.
