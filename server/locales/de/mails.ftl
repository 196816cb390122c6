# Was in E-Mails steht. Namen von Geräten und Personen stehen darunter in eigenen Zeilen.
mails-subject = { $subject } · { $organisation }
mails-greeting = Guten Tag { $name },
mails-when = Zeitpunkt
mails-device = Gerät, wie es sich selbst nennt
mails-address = Von der Adresse
mails-by = Veranlasst von
mails-quoted = „{ $text }“
mails-way-in = Passwort wählen und anmelden
mails-not-me = Waren Sie das nicht? Frieren Sie Ihr Konto ein: Dann kann sich niemand mehr damit anmelden, und die Verwaltung geht der Sache mit Ihnen nach. Der Link gilt sieben Tage.
mails-freeze = Das war ich nicht
mails-closing = Das Portal von { $organisation } hat diese E-Mail selbsttätig verschickt. Es fragt niemals per E-Mail nach einem Passwort, einem Code oder einer PIN.
mails-role-member = Mitglied
mails-role-admin = Admin
mails-role-auditor = Prüfer

mails-invitation-subject = Sie sind eingeladen
mails-invitation-text = Für Sie gibt es ein Konto bei { $organisation }. Der folgende Link führt Sie zu der Seite, auf der Sie Ihr Passwort wählen; er gilt einmal.
mails-announcement-subject = Die Zwei-Schritt-Anmeldung kommt
mails-announcement-text =
    { $organisation } wird die Zwei-Schritt-Anmeldung verlangen. Zusätzlich zu Ihrem Passwort geben Sie dann einen Code ein, den eine App auf Ihrem Telefon erzeugt.

    Sie können sie schon heute einrichten: Installieren Sie eine Authenticator-App, etwa Google Authenticator, Microsoft Authenticator oder Authy, melden Sie sich wie gewohnt am Portal an und öffnen Sie die Kontoeinstellungen. Das dauert etwa drei Minuten.
mails-reminder-subject = Bitte richten Sie die Zwei-Schritt-Anmeldung ein
mails-reminder-text =
    Für Ihr Konto gibt es noch keine funktionierende Zwei-Schritt-Anmeldung, und { $organisation } bittet Sie darum.

    Melden Sie sich wie gewohnt am Portal an; es führt Sie durch die Einrichtung. Sie brauchen eine Authenticator-App auf Ihrem Telefon und etwa drei Minuten.
mails-set-up-subject = Die Zwei-Schritt-Anmeldung ist eingerichtet
mails-set-up-text = Für Ihr Konto ist die Zwei-Schritt-Anmeldung eingerichtet. Ab jetzt werden Sie bei der Anmeldung nach einem Code Ihrer Authenticator-App gefragt.
mails-renewed-subject = Sie haben einen neuen Authenticator
mails-renewed-text = Eine andere Authenticator-App ist an die Stelle der bisherigen getreten. Codes der bisherigen gelten nicht mehr, und Ihre älteren Wiederherstellungscodes sind ungültig.
mails-turned-off-subject = Die Zwei-Schritt-Anmeldung ist ausgeschaltet
mails-turned-off-text = Für Ihr Konto wurde die Zwei-Schritt-Anmeldung ausgeschaltet. Das Passwort allein öffnet es jetzt.
mails-reset-subject = Die Zwei-Schritt-Anmeldung ist zurückgesetzt
mails-reset-text = Die Verwaltung hat die Zwei-Schritt-Anmeldung Ihres Kontos zurückgesetzt. Ihr Authenticator und Ihre Wiederherstellungscodes sind ungültig, und Sie sind überall abgemeldet. Bei der nächsten Anmeldung führt Sie das Portal durch die Einrichtung.
mails-code-limit-subject = Ihr Authenticator ist deaktiviert
mails-code-limit-text = Für Ihr Konto wurden zu viele falsche Codes eingegeben, und zwar von jemandem, der Ihr Passwort kennt. Der Authenticator ist deaktiviert. Melden Sie sich mit einem Wiederherstellungscode an oder bitten Sie die Verwaltung um eine Zurücksetzung. Wenn Sie das nicht waren, ändern Sie auch Ihr Passwort.
mails-recovery-code-used-subject = Ein Wiederherstellungscode wurde benutzt
mails-recovery-code-used-text = { $count ->
    [0] Einer Ihrer Wiederherstellungscodes wurde zur Anmeldung benutzt. Es war der letzte; richten Sie einen neuen Authenticator ein, um neue zu erhalten.
    [one] Einer Ihrer Wiederherstellungscodes wurde zur Anmeldung benutzt. Einer ist noch übrig.
   *[other] Einer Ihrer Wiederherstellungscodes wurde zur Anmeldung benutzt. { $count } sind noch übrig.
}
mails-recovery-codes-made-subject = Sie haben neue Wiederherstellungscodes
mails-recovery-codes-made-text = Für Ihr Konto wurden neue Wiederherstellungscodes erzeugt. Alle älteren sind ungültig.
mails-device-asked-subject = Ein Gerät wartet auf Zulassung
mails-device-asked-text = Ein Gerät wurde mit Ihrem Konto registriert und wartet auf die Zulassung durch die Verwaltung. Bis dahin öffnet es nichts.
mails-device-waits-subject = Das Gerät eines Mitglieds wartet auf Zulassung
mails-device-waits-text =
    Ein Gerät von { $who } bittet um Zulassung. Melden Sie sich wie gewohnt am Portal an, öffnen Sie Verwaltung, Geräte, und geben Sie den Vergleichscode ein, den { $who } Ihnen vorliest.

    Inzwischen können weitere Geräte warten. Diese E-Mail wird höchstens einmal in zehn Minuten verschickt.
mails-device-enrolled-subject = Ein Gerät ist registriert
mails-device-enrolled-text = Ein Gerät wurde mit Ihrem Konto registriert und kann jetzt benutzt werden.
mails-device-approved-subject = Ein Gerät ist zugelassen
mails-device-approved-text = Die Verwaltung hat eines Ihrer Geräte zugelassen. Es kann jetzt benutzt werden.
mails-device-revoked-subject = Ein Gerät ist widerrufen
mails-device-revoked-text = Eines Ihrer Geräte wurde widerrufen. Es öffnet nichts mehr, und seine PIN ist gelöscht.
mails-pin-limit-subject = Eine PIN wurde zu oft falsch eingegeben
mails-pin-limit-text = Auf einem Ihrer Geräte wurden zu viele falsche PINs eingegeben. Die PIN ist gelöscht; um das Gerät wieder zu benutzen, melden Sie sich darauf mit Passwort und Code an.
mails-password-changed-subject = Ihr Passwort ist geändert
mails-password-changed-text = Das Passwort Ihres Kontos wurde geändert.
mails-role-changed-subject = Ihre Rolle ist geändert
mails-role-changed-text = Die Verwaltung hat Ihre Rolle bei { $organisation } geändert. Ihre neue Rolle: { $role }.
mails-suspended-subject = Ihr Konto ist gesperrt
mails-suspended-text = Die Verwaltung hat Ihr Konto gesperrt. Niemand kann sich damit anmelden. Wenn Sie den Grund nicht kennen, fragen Sie die Verwaltung von { $organisation }.
mails-reinstated-subject = Ihr Konto ist entsperrt
mails-reinstated-text = Die Verwaltung hat Ihr Konto entsperrt. Sie können sich wieder anmelden.
mails-frozen-subject = Ihr Konto ist eingefroren
mails-frozen-text = Der Link „Das war ich nicht“ aus einer E-Mail an Sie wurde benutzt. Ihr Konto ist eingefroren: Jede Sitzung ist beendet, und niemand kann sich anmelden. Die Verwaltung von { $organisation } öffnet es wieder, sobald geklärt ist, was geschehen ist.
mails-frozen-for-admins-subject = Ein Konto wurde von seinem Inhaber eingefroren
mails-frozen-for-admins-text =
    { $who } hat auf eine E-Mail über eine Änderung mit „Das war ich nicht“ geantwortet, über den Link darin. Das Konto ist gesperrt, seine Sitzungen sind beendet; sonst wurde nichts geändert.

    Klären Sie, was geschehen ist, bevor Sie es entsperren: Sehen Sie sich Ereignisse, Geräte und Sitzungen des Kontos an, und setzen Sie die Zwei-Schritt-Anmeldung zurück, wenn jemand anderes sie eingerichtet haben könnte.
mails-test-subject = Ein Test
mails-test-text = Diese E-Mail zeigt, dass das Portal Ihnen E-Mails schicken kann.

mails-confirm = Ansehen und bestätigen
mails-confirm-set-up-subject = Bestätigen Sie die Einrichtung der Zwei-Schritt-Anmeldung
mails-confirm-set-up-text = Jemand hat sich mit Ihrem Passwort an Ihrem Konto angemeldet und möchte die Zwei-Schritt-Anmeldung einrichten. Wenn Sie es sind, bestätigen Sie es innerhalb einer Stunde mit dem folgenden Link und fahren Sie dort fort, wo Sie sich angemeldet haben. Wenn Sie es nicht sind, frieren Sie Ihr Konto ein: Jemand kennt Ihr Passwort.
mails-set-up-asked-subject = Jemand möchte die Zwei-Schritt-Anmeldung einrichten
mails-set-up-asked-text = Jemand hat sich mit Ihrem Passwort an Ihrem Konto angemeldet und möchte die Zwei-Schritt-Anmeldung einrichten. Wenn Sie es sind, rufen Sie die Verwaltung an; sie muss es erlauben. Wenn Sie es nicht sind, frieren Sie Ihr Konto ein: Jemand kennt Ihr Passwort.
mails-set-up-asked-for-admins-subject = Eine Einrichtung wartet auf Sie
mails-set-up-asked-for-admins-text = Jemand, der das Passwort von { $who } kennt, möchte für dieses Konto die Zwei-Schritt-Anmeldung einrichten. Warten Sie, bis { $who } anruft oder vor Ihnen steht, und prüfen Sie, wer es ist; erlauben Sie es dann im Portal, auf der Übersicht.
