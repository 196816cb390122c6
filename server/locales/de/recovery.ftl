recovery-title = Wiederherstellungscode verwenden
recovery-lead = Ohne Ihre Authenticator-App können Sie mit einem Ihrer Wiederherstellungscodes eine neue einrichten. Ihre anderen Sitzungen enden, und der Code ist damit verbraucht.
recovery-lead-disabled = Ihre Authenticator-App wurde nach zu vielen falschen Codes deaktiviert. Mit einem Ihrer Wiederherstellungscodes können Sie eine neue einrichten.
recovery-code = Wiederherstellungscode
recovery-code-help = Einer der zehn, die Sie gesichert haben, etwa K7-XXXX-XXXX-XXXX-XXXX.
recovery-submit = Weiter
recovery-none = Auch keinen Wiederherstellungscode? Ein Admin Ihrer Organisation kann Ihre Zwei-Schritt-Anmeldung zurücksetzen.
recovery-with-code = Stattdessen einen Code der Authenticator-App eingeben
recovery-malformed = Ein Wiederherstellungscode sieht aus wie K7-XXXX-XXXX-XXXX-XXXX: achtzehn Buchstaben und Ziffern.
recovery-refused = Dieser Wiederherstellungscode ist falsch, schon verbraucht oder durch neuere ersetzt. Versuchen Sie einen anderen.

recovery-codes-title = Wiederherstellungscodes sichern
recovery-codes-lead = Falls Sie Ihre Authenticator-App verlieren, können Sie mit Ihrem Passwort und einem dieser Codes eine neue einrichten. Jeder Code gilt einmal. Sie werden nur dieses eine Mal angezeigt; ältere Codes gelten nicht mehr.
recovery-codes-list = Ihre Wiederherstellungscodes
recovery-codes-help = Drucken Sie diese Seite, schreiben Sie die Codes auf oder bewahren Sie sie in einem Passwortmanager auf, aber nicht auf dem Telefon mit Ihrer Authenticator-App.
recovery-codes-download = Als Text herunterladen
recovery-codes-copy = Kopieren
recovery-codes-copied = Kopiert
recovery-codes-print = Drucken
recovery-codes-saved = Ich habe diese Codes gesichert
recovery-codes-saved-help = Ohne sie kann Ihnen nur ein Admin helfen, wenn Sie Ihr Telefon verlieren.
recovery-codes-unsaved = Sichern Sie die Codes und setzen Sie dann das Häkchen darunter: Sie werden nur dieses eine Mal angezeigt.
recovery-codes-submit = Weiter
recovery-codes-file = Wiederherstellungscodes für die Zwei-Schritt-Anmeldung. Jeder gilt einmal.

recovery-new-title = Neue Wiederherstellungscodes erzeugen
recovery-new-lead = Die nächste Seite zeigt zehn neue Codes, nur dieses eine Mal. Alle älteren Codes gelten sofort nicht mehr, auch unbenutzte.
recovery-new-submit = Neue Wiederherstellungscodes erzeugen
