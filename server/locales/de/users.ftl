# Verwaltung → Benutzer: die Liste.
users-title = Benutzer
users-invite = Jemanden einladen
users-export = Als CSV exportieren
users-required = Die Zwei-Schritt-Anmeldung ist Pflicht: Mitglieder ohne sie werden zur Einrichtung geführt und erreichen vorher keine Datei.
users-not-required = Die Zwei-Schritt-Anmeldung ist keine Pflicht.
users-change-policy = Richtlinie ändern
users-find = Mitglieder finden
users-search = Name oder E-Mail-Adresse
users-filter = Anzeigen
users-filters-on = Aktive Filter
users-chip-search = „{ $text }“
users-chip-remove = Filter { $filter } entfernen
users-clear = Alle Filter aufheben
users-nobody = Hier ist noch niemand.
users-invite-first = Laden Sie das erste Mitglied ein
users-no-match = Zu diesen Filtern passt niemand.
users-showing = { $first }–{ $last } von { $total }
users-showing-many = { $first }–{ $last } von mehr als { $total }
users-caption = Mitglieder und ihr 2FA-Status
users-column-name = Name
users-column-status = 2FA-Status
users-column-seen = Zuletzt gesehen
users-column-role = Rolle
users-column-devices = Geräte
users-role-all = Jede Rolle
users-role-member = Mitglied
users-role-admin = Admin
users-role-auditor = Prüfer
users-seen-now = Gerade eben
users-ago = vor { $wait }
users-pages = Seiten der Liste
users-previous = Zurück
users-next = Weiter
users-column-choose = Auswahl
users-column-reminded = Zuletzt erinnert
users-choose = { $name } auswählen
users-bounced = E-Mail kam zurück
users-remind-chosen = Erinnerung an Ausgewählte senden
users-remind-all = { $count ->
    [one] Erinnerung an { $shown } passendes Mitglied senden …
   *[other] Erinnerung an alle { $shown } passenden senden …
}
users-remind-all-many = Erinnerung an alle passenden senden …
users-remind-title = { $count ->
    [one] Erinnerung an { $shown } Mitglied senden?
   *[other] Erinnerung an { $shown } Mitglieder senden?
}
users-remind-filter = Filter:
users-remind-too-many = Eine Erinnerung erreicht höchstens { $most } Mitglieder. Engen Sie den Filter ein, oder senden Sie allen ohne Einrichtung eine Ankündigung.
users-remind-announce = Ankündigung schreiben
users-remind-who = Nur wer die Richtlinie in diesem Augenblick nicht erfüllt, bekommt sie; die anderen werden übergangen, und Sie sehen, wer und warum.
users-remind-once = Ein Mitglied wird höchstens einmal in 24 Stunden erinnert.
users-remind-what = Die E-Mail sagt in der Sprache des Mitglieds, was zu tun ist. Sie enthält keinen Link, der anmeldet.
users-remind-first = Die ersten davon
users-remind-button = { $count ->
    [one] { $shown } Erinnerung senden
   *[other] { $shown } Erinnerungen senden
}
users-remind-moved = Die passenden Mitglieder haben sich inzwischen geändert. So viele sind es jetzt.
users-reminded-title = Erinnerungen
users-reminded-sent = { $count ->
    [0] Keine Erinnerung wurde gesendet.
    [one] { $shown } Erinnerung ist unterwegs.
   *[other] { $shown } Erinnerungen sind unterwegs.
}
users-reminded-who = An wen
users-reminded-skipped = { $count ->
    [one] { $shown } Mitglied wurde übergangen
   *[other] { $shown } Mitglieder wurden übergangen
}
users-reminded-failed = { $count ->
    [one] { $shown } Erinnerung ist fehlgeschlagen
   *[other] { $shown } Erinnerungen sind fehlgeschlagen
}
users-reminded-again = Diese noch einmal versuchen
users-skipped-complies = erfüllt die Richtlinie schon
users-skipped-too-soon = wurde am { $time } erinnert
users-skipped-no-address = hat keine E-Mail-Adresse
users-skipped-suspended = ist gesperrt
