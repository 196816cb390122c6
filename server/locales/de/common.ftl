# Was um jede Seite herum steht.
skip = Zum Inhalt springen
navigation-main = Hauptnavigation
navigation-overview = Übersicht
navigation-users = Benutzer
navigation-devices = Geräte
navigation-audit = Prüfprotokoll
navigation-policies = Richtlinien
navigation-mail = E-Mail
navigation-files = Dateien
navigation-account = Kontoeinstellungen
navigation-administration = Verwaltung
navigation-own = Für Sie
dismiss = Ausblenden
cancel = Abbrechen
sign-out = Abmelden
language = Sprache
appearance = Darstellung
appearance-system = System
appearance-light = Hell
appearance-dark = Dunkel
required-from = Ihre Organisation verlangt die Zwei-Schritt-Anmeldung ab { $from }. Danach erreichen Sie keine Datei, bevor sie eingerichtet ist.
required-set-up = Jetzt einrichten
error-title = Fehler: { $title }
refused-title = Nicht möglich
refused-go-on = Weiter
refused-reference = Code { $code } · Anfrage { $request }
wait-seconds = { $count ->
    [one] { $shown } Sekunde
   *[other] { $shown } Sekunden
}
wait-minutes = { $count ->
    [one] { $shown } Minute
   *[other] { $shown } Minuten
}
wait-hours = { $count ->
    [one] { $shown } Stunde
   *[other] { $shown } Stunden
}
wait-days = { $count ->
    [one] { $shown } Tag
   *[other] { $shown } Tage
}
size-bytes = { $count ->
    [one] { $shown } Byte
   *[other] { $shown } Byte
}
