# Verwaltung → Übersicht.
overview-title = Übersicht
overview-are-we = Halten wir die Richtlinie ein?
overview-nobody = Noch gibt es kein aktives Mitglied.
overview-compliant = { $compliant } von { $active } aktiven Mitgliedern haben einen zweiten Faktor.
overview-required = Die Zwei-Schritt-Anmeldung wird verlangt.
overview-not-required = Die Zwei-Schritt-Anmeldung wird nicht verlangt: Niemand muss sie haben.
overview-policy = Sicherheitsrichtlinie
overview-set-up = Eingerichtet
overview-sso = SSO mit MFA
overview-exception = Ausnahme
overview-grace = In der Frist
overview-non-compliant = Ohne zweiten Faktor
overview-waits = Was auf Sie wartet
overview-nothing-waits = Nichts. Hier stehen Geräte, die um Zulassung bitten, Vorschläge anderer und E-Mails, die nicht zugestellt wurden.
overview-devices-wait = { $count ->
    [one] { $shown } Gerät wartet auf Zulassung
   *[other] { $shown } Geräte warten auf Zulassung
}
overview-proposals-wait = { $count ->
    [one] { $shown } Vorschlag einer anderen Person wartet auf Sie
   *[other] { $shown } Vorschläge anderer warten auf Sie
}
overview-mails-failed = { $count ->
    [one] { $shown } E-Mail konnte nicht zugestellt werden
   *[other] { $shown } E-Mails konnten nicht zugestellt werden
}
overview-over-time = Die letzten 30 Tage
overview-chart = Anteil der aktiven Mitglieder mit einem zweiten Faktor, Tag für Tag
overview-as-table = Als Tabelle
overview-day = Tag
overview-active = Aktive Mitglieder
overview-complying = Mit einem zweiten Faktor
overview-share = Anteil
overview-week = Was sich in dieser Woche geändert hat
overview-quiet = In den letzten sieben Tagen wurde nichts geändert.
overview-look = Ansehen
overview-all-events = Das ganze Prüfprotokoll
overview-clock = Die Uhr des Portals
overview-clock-behind = Für den Betreiber: Die Uhr liegt hinter dem neuesten angenommenen Code zurück; Codes werden abgewiesen, bis sie wieder stimmt.
overview-clock-unsynchronised = Für den Betreiber: Es ist nicht bekannt, ob die Uhr synchronisiert wird; Codes scheitern, sobald sie um mehr als 30 Sekunden abweicht.
overview-percent = { $share } %

overview-set-ups-wait = { $count ->
    [one] { $shown } Anmeldung wartet auf die Einrichtung der Zwei-Schritt-Anmeldung
   *[other] { $shown } Anmeldungen warten auf die Einrichtung der Zwei-Schritt-Anmeldung
}
