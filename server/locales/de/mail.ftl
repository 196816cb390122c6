# Verwaltung → E-Mail, die Ankündigung und die Seite hinter „Das war ich nicht“.
mail-title = E-Mail
mail-connection = Mailserver
mail-not-set = Nicht eingerichtet
mail-not-set-help = E-Mails werden geschrieben und hier aufbewahrt. Sobald der Betrieb in der Konfiguration des Portals einen Mailserver nennt ([mail]), werden die der letzten drei Tage verschickt. Sagen Sie Mitgliedern bis dahin auf anderem Weg, was sie wissen müssen.
mail-server = Server
mail-from = Absender
mail-last-sent = Zuletzt verschickt
mail-never = Noch keine
mail-last-fault = Letzter Fehler, { $at }: { $fault }
mail-fault-expired = Sie hat drei Tage vergeblich gewartet und wird von selbst nicht mehr verschickt.
mail-fault-restored = Eine Sicherung wurde zurückgespielt; die E-Mail ist vielleicht schon verschickt.
mail-test = Test-E-Mail an mich senden
mail-filter = Status
mail-choice = { $state } ({ $shown })
mail-show = Anzeigen
mail-state-all = Alle
mail-state-waiting = Wartet
mail-state-sending = Wird verschickt
mail-state-sent = Verschickt
mail-state-failed = Fehlgeschlagen
mail-state-bounced = Unzustellbar
mail-state-void = Nicht mehr nötig
mail-no-match = Keine E-Mail hat diesen Status.
mail-all = Alle E-Mails anzeigen
mail-none = Noch wurde keine E-Mail geschrieben. Die erste entsteht zum Beispiel, wenn ein Mitglied die Zwei-Schritt-Anmeldung einrichtet.
mail-caption = E-Mails, die neuesten zuerst
mail-subject = Betreff
mail-to = An
mail-state = Status
mail-written = Geschrieben
mail-fault = Antwort des Mailservers
mail-pages = Seiten der Liste
mail-older = Ältere E-Mails
mail-one-title = E-Mail
mail-unknown-kind = E-Mail einer anderen Version des Portals
mail-tries = Versuche
mail-next-try = der nächste am
mail-retry = Jetzt erneut versuchen
mail-text = Text
mail-text-help = In Sprache und Zeitzone des Empfängers. Links entstehen erst beim Versand, und nur der Empfänger sieht sie.
mail-link-hidden = (ein Link, den nur der Empfänger sieht)

mail-announce-title = Zwei-Schritt-Anmeldung ankündigen
mail-announce-lead = Diese E-Mail sagt den Mitgliedern, was kommt und welche Apps sie benutzen können, bevor Sie die Zwei-Schritt-Anmeldung verlangen. Sie geht an aktive Mitglieder, die sie noch nicht eingerichtet haben, und kann einmal in 24 Stunden verschickt werden.
mail-announce-receivers = { $count ->
    [one] { $shown } Mitglied erhält sie.
   *[other] { $shown } Mitglieder erhalten sie.
}
mail-announce-kept = Es ist kein Mailserver eingerichtet: Die E-Mails werden aufbewahrt und verschickt, sobald es einen gibt.
mail-announce-last = Zuletzt verschickt: { $last }.
mail-announce-too-soon = Sie wurde vor weniger als 24 Stunden verschickt. Erneut verschicken können Sie sie ab { $next }.
mail-announce-send = { $count ->
    [one] An { $shown } Mitglied senden
   *[other] An { $shown } Mitglieder senden
}
mail-announce-preview = Was Mitglieder lesen
mail-announce-preview-help = So, wie Sie selbst sie erhielten; jedes Mitglied erhält sie in seiner Sprache.

mail-freeze-title = Das war ich nicht
mail-freeze-question = Ihr Konto einfrieren?
mail-freeze-lead = Wenn jemand anderes die Änderung vorgenommen hat, von der die E-Mail berichtet, frieren Sie Ihr Konto ein. Dann gilt sofort:
mail-freeze-sessions = Jede Sitzung endet, in Browsern und auf Geräten.
mail-freeze-sign-in = Niemand kann sich anmelden, auch Sie nicht.
mail-freeze-admins = Die Verwaltung Ihrer Organisation wird benachrichtigt und öffnet das Konto mit Ihnen zusammen wieder.
mail-freeze-kept = Sonst ändert sich nichts: Dateien, Geräte und Einstellungen bleiben, wie sie sind.
mail-freeze-act = Mein Konto einfrieren
mail-freeze-otherwise = Wenn Sie es doch selbst waren, schließen Sie diese Seite. Es ist nichts geschehen.
mail-frozen-title = Das Konto ist eingefroren
mail-frozen-lead = Jede Sitzung ist beendet, und niemand kann sich anmelden.
mail-frozen-next = Rufen Sie jetzt die Verwaltung Ihrer Organisation an, unter einer Nummer, die Sie kennen, nicht unter einer aus einer E-Mail.
mail-void-title = Dieser Link gilt nicht mehr
mail-void-lead = Er wurde schon benutzt oder ist älter als sieben Tage. Wenn mit Ihrem Konto etwas nicht stimmt, rufen Sie die Verwaltung Ihrer Organisation an.
