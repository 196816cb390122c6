# Verwaltung → Benutzer → ein Mitglied.
member-codes-left = Übrige Wiederherstellungscodes
member-sessions = Sitzungen
member-sessions-open = { $count ->
    [one] { $shown } offen
   *[other] { $shown } offen
}
member-events = Ereignisse
member-events-show = Im Prüfprotokoll zeigen
member-no-devices = Kein Gerät ist registriert.
member-devices-caption = Geräte dieses Mitglieds
member-device = Gerät
member-device-state = Status
member-device-asked = Angefragt
member-devices-manage = Geräte zulassen oder widerrufen
member-is-you = Das sind Sie. Ihre Rolle, eine Ausnahme oder das Zurücksetzen Ihrer Zwei-Schritt-Anmeldung übernimmt jemand anderes aus der Verwaltung.
member-exception = Ausnahme
member-exception-holds = Die Zwei-Schritt-Anmeldung wird bis { $until } nicht verlangt, gewährt von { $name } am { $date }:
member-exception-end = Ausnahme beenden
member-exception-none = Keine. Die Zwei-Schritt-Anmeldung wird verlangt, wie es die Richtlinie vorsieht.
member-exception-until = Letzter Tag (UTC)
member-exception-help = Höchstens 365 Tage ab heute. Das Mitglied erfährt es sieben Tage vor dem Ende.
member-exception-reason = Begründung
member-exception-grant = Ausnahme gewähren
member-exception-needs-reason = Schreiben Sie auf, warum; die Begründung steht danach im Prüfprotokoll.
member-exception-out-of-range = Wählen Sie einen Tag in der Zukunft, höchstens 365 Tage entfernt, und eine Begründung von höchstens 1.000 Zeichen.
member-exception-changed = Jemand anderes hat diese Ausnahme inzwischen geändert. So steht sie jetzt.
member-reset = Zwei-Schritt-Anmeldung zurücksetzen
member-reset-when = Für ein Mitglied, das die Authenticator-App und die Wiederherstellungscodes verloren hat. Sie werden gefragt, wie Sie die Identität geprüft haben.
member-reset-open = Zwei-Schritt-Anmeldung zurücksetzen
member-reset-title = Zwei-Schritt-Anmeldung von { $name } zurücksetzen?
member-reset-what = Tun Sie das nur für die Person, der das Konto gehört.
member-reset-clears-app = Die Authenticator-App, eine begonnene Einrichtung und alle Wiederherstellungscodes gelten nicht mehr.
member-reset-clears-sessions = Jede Sitzung endet; ihre nächste Anfrage wird abgewiesen.
member-reset-clears-devices = { $count ->
    [0] Kein Gerät ist registriert.
    [one] { $shown } Gerät wird widerrufen, und seine PIN öffnet nichts mehr.
   *[other] { $shown } Geräte werden widerrufen, und ihre PINs öffnen nichts mehr.
}
member-reset-then-required = Die Pflicht bleibt: Bei der nächsten Anmeldung wird das Mitglied zur Einrichtung geführt und erreicht vorher keine Datei.
member-reset-then = Bis zur neuen Einrichtung öffnet das Passwort allein das Konto.
member-reset-tells = Das Mitglied erfährt es per E-Mail, und das Prüfprotokoll bewahrt auf, was Sie hier schreiben.
member-reset-check = Wie haben Sie die Identität geprüft?
member-reset-check-help = Eine E-Mail oder Chat-Nachricht beweist nichts: Sie kann von jemandem stammen, der das Konto übernommen hat.
member-reset-choose = Bitte wählen
member-check-in-person = Persönlich
member-check-known-phone = Über eine bekannte Telefonnummer
member-check-video = In einem Videogespräch
member-check-other = Auf andere Weise
member-reset-reference = Nachweis
member-reset-reference-help = Ein Vorgang oder was Sie gesehen haben. Höchstens 1.000 Zeichen.
member-reset-button = Zwei-Schritt-Anmeldung von { $name } zurücksetzen
member-reset-needs-check = Wählen Sie, wie Sie die Identität geprüft haben.
member-reset-needs-reference = Nennen Sie den Vorgang oder was Sie gesehen haben; es steht danach im Prüfprotokoll.
member-reset-long-reference = Der Nachweis ist länger als 1.000 Zeichen.
member-cancel = Abbrechen
member-account = Rolle und Konto
member-role-help = Was das Mitglied in der bisherigen Rolle beantragt hat, wird hinfällig.
member-role-change = Rolle ändern
member-suspend-help = Ein gesperrtes Mitglied kann sich nicht anmelden; die nächste Anfrage jeder Sitzung wird abgewiesen.
member-suspend = { $name } sperren
member-suspended-help = Nach dem Entsperren gilt die Richtlinie für das Mitglied wie für alle.
member-reinstate = { $name } entsperren
member-back = Zurück zu den Benutzern
member-remind = Erinnerung senden
