extension TwinlockError {
    /// The stable number of what happened; `docs/errors.md` is the table. Numbers are never reused.
    ///
    /// A later version may know more numbers: write `default` in a `switch`.
    public enum Code: UInt16, Sendable, CaseIterable {
        /// TL-1001: The rules refuse this PIN. The app shows the reason; the member chooses another
        /// one.
        case pinRefused = 1001
        /// TL-1002: The repeated PIN differs from the first entry. The member starts again with the first entry.
        case pinMismatch = 1002
        /// TL-1003: The PIN is wrong; this try was counted. The app shows the tries left; the member enters the PIN
        /// again.
        case wrongPin = 1003
        /// TL-1004: Too many wrong PINs for now; this try was not counted. The member waits.
        case pinWait = 1004
        /// TL-1005: The PIN was erased after too many failures. The member signs in and enrolls again.
        case pinErased = 1005
        /// TL-1006: No PIN exists yet. The app shows the step `CreatePin`.
        case noPin = 1006
        /// TL-1007: This portal does not hold the key that the PIN was set with; the PIN may be right. The try was
        /// counted. The operator looks at the portal and its keys; the member tries again after that.
        case serverProofInvalid = 1007
        /// TL-1008: Finger or face opens nothing any more: one was added, or the PIN was changed. No try was counted.
        /// The member enters the PIN, and may switch the biometric on again.
        case biometricLost = 1008
        /// TL-1009: The dialog for finger or face was put away. No try was counted. The app shows the PIN; the member
        /// enters it.
        case biometricCancelled = 1009
        /// TL-1010: The organisation wants the PIN itself from time to time, and it was not entered for too long. No
        /// try was counted. The member enters the PIN; the biometric works again.
        case biometricPaused = 1010
        /// TL-2001: What was typed cannot be a code; it was not counted. The member types the digits again.
        case codeMalformed = 2001
        /// TL-2002: The code is wrong, expired or was used before. The member waits for the next code of the
        /// authenticator app.
        case codeRefused = 2002
        /// TL-2003: Too many wrong codes for now; this one was not counted. The member waits.
        case codeWait = 2003
        /// TL-2004: The authenticator, or the recovery codes, were disabled after too many failures. A recovery code
        /// replaces the authenticator. Without one an admin resets it; the member sets up a new one.
        case codeDisabled = 2004
        /// TL-2005: A set-up URI or its secret is refused. Whoever made it corrects it; the reason names the fault.
        case uriRefused = 2005
        /// TL-2006: The set-up was not confirmed in time, or another one replaced it. The member starts the set-up
        /// again.
        case setUpExpired = 2006
        /// TL-2007: The authenticator app ignores the algorithm of the set-up. The member uses another authenticator
        /// app.
        case authenticatorUnsupported = 2007
        /// TL-2008: The time is outside what codes can be computed for. The operator corrects the clock.
        case timeOutOfRange = 2008
        /// TL-2009: The portal's clock is behind a time it has seen before; nothing was counted. The operator repairs
        /// the portal's clock.
        case clockBehind = 2009
        /// TL-2010: The recovery code is wrong, was used, or was replaced by a newer set; it was counted. The member takes
        /// another one, or asks an admin for a reset.
        case recoveryCodeRefused = 2010
        /// TL-3001: The call does not belong to the present step. The app draws the step that the engine names.
        case stepRequired = 3001
        /// TL-3002: A policy document or statement is refused. The device keeps the stricter rules and asks again; if
        /// it lasts, the operator looks at the portal.
        case policyRefused = 3002
        /// TL-3003: The act needs a code that was accepted within the last ten minutes. The admin enters a code.
        case freshCodeRequired = 3003
        /// TL-3004: Name or password is wrong. The member tries again.
        case signInRefused = 3004
        /// TL-3005: The session ended or never was. The member signs in.
        case sessionEnded = 3005
        /// TL-3006: The role does not allow this. An admin does it.
        case forbidden = 3006
        /// TL-3007: The policy changed meanwhile; nothing was saved. The admin looks at the new one and decides again.
        case policyConflict = 3007
        /// TL-3008: Weakening the policy needs a written reason. The admin gives one.
        case reasonRequired = 3008
        /// TL-3009: The account is suspended. An admin lifts the suspension.
        case suspended = 3009
        /// TL-3010: The request was made under an older policy; nothing else was done. The client takes the new
        /// policy from the answer and draws the next step.
        case policyOutdated = 3010
        /// TL-3011: The organisation requires two-step authentication: it cannot be turned off. An admin can grant an
        /// exception.
        case requiredByPolicy = 3011
        /// TL-3012: The two-person rule is on: another admin has to do this or to confirm it. A second admin does.
        case secondAdminRequired = 3012
        /// TL-3013: A desktop needs two-step authentication, and the member has none. The member sets it up on the portal's
        /// page, then registers the desktop again.
        case desktopNeedsTwoStep = 3013
        /// TL-3014: The account was used before, so this set-up has to be confirmed first. The member follows the link of the
        /// mail that was sent, or an admin allows it; then the set-up begins again.
        case setUpUnconfirmed = 3014
        /// TL-4001: The portal cannot be reached. The member checks the network.
        case offline = 4001
        /// TL-4002: The certificate, its pin or the TLS version of whoever answers is not one the app accepts. The
        /// operator or the app's developer corrects it.
        case tlsRefused = 4002
        /// TL-4003: The portal's answer is not of this protocol. The app or the portal is updated.
        case unexpectedAnswer = 4003
        /// TL-4004: The answer is larger than the client accepts. The operator looks at the portal.
        case answerTooLarge = 4004
        /// TL-4005: Too many requests came from this network. The client waits.
        case throttled = 4005
        /// TL-4006: The request's time is too far from the portal's. The client corrects itself once; if it lasts,
        /// the member sets the phone's clock.
        case clockSkew = 4006
        /// TL-4007: The request is malformed. The client's developer corrects it.
        case badRequest = 4007
        /// TL-4008: The request's body is too large. The client's developer corrects it.
        case requestTooLarge = 4008
        /// TL-4009: There is no such thing, or not for this caller. The caller checks what it asks for.
        case notFound = 4009
        /// TL-4010: The request's signature is missing, malformed or wrong. The client's developer corrects it.
        case signatureRefused = 4010
        /// TL-4011: The nonce was used before or is too old. The client takes a new one.
        case nonceRefused = 4011
        /// TL-4012: The request came from another site. The member opens the portal's page again.
        case crossSite = 4012
        /// TL-4013: The portal cannot store or read now; nothing was changed. The operator looks at the portal.
        case portalUnavailable = 4013
        /// TL-5001: The device's storage failed; nothing was changed. The member frees space or restarts the phone.
        case storeFailed = 5001
        /// TL-5002: The device key is gone: restored backup, or screen lock removed. The member enrolls again.
        case keyLost = 5002
        /// TL-5003: A stored file is damaged; no try was counted. The member enrolls again.
        case corrupt = 5003
        /// TL-5004: A stored file is of a version this app does not know. The member updates the app.
        case versionUnsupported = 5004
        /// TL-5005: Key derivation parameters are outside the accepted bounds; no memory was allocated. The member
        /// enrolls again; the app's developer looks for who changed the file.
        case parametersRefused = 5005
        /// TL-5006: A sealed file belongs to another organisation, device or epoch. The member enrolls again.
        case staleEpoch = 5006
        /// TL-5007: The device was revoked; its secrets are wiped. The member enrolls again.
        case deviceRevoked = 5007
        /// TL-5008: The device's key hardware does not answer. The app tries again; if it lasts, the member restarts
        /// the phone.
        case keyUnavailable = 5008
        /// TL-5009: The vault is locked. The member enters the PIN.
        case locked = 5009
        /// TL-5010: The system's random generator failed. The member restarts the phone.
        case randomFailed = 5010
        /// TL-5011: The phone has no screen lock, and keeps keys only where there is one. The member sets a passcode or
        /// another screen lock, and tries again.
        case noScreenLock = 5011
        /// TL-6001: The enrollment ended: denied, expired or void. The member starts it again.
        case enrollmentClosed = 6001
        /// TL-6002: The comparison code is wrong; three wrong ones end the request. The admin asks the member to read
        /// it out again.
        case comparisonRefused = 6002
        /// TL-6003: The member has too many pending devices. An admin decides on them first.
        case tooManyPending = 6003
        /// TL-6004: What the device revealed differs from what it had committed to; the enrollment ended. The member
        /// starts it again; an admin asks why.
        case commitmentBroken = 6004
        /// TL-6005: This device was already decided on. The admin looks at the list again.
        case alreadyDecided = 6005
        /// TL-9001: A fault of our own. Whoever sees it reports it, with the request id if there is one.
        case `internal` = 9001
        /// TL-9002: Another call is under way. The app waits for it.
        case busy = 9002
        /// TL-9003: The object was closed. The app opens a new one.
        case closed = 9003

        /// As people read it, for example `TL-1003`.
        public var label: String { "TL-\(rawValue)" }

        /// The name in `docs/errors.md`, the same in every language, for example `WrongPin`.
        public var name: String {
            let own = String(describing: self)
            return own.prefix(1).uppercased() + own.dropFirst()
        }

        /// A library that knows a number we do not is not ours: that is a fault of Twinlock's.
        init(number: UInt16) {
            self = Self(rawValue: number) ?? .`internal`
        }
    }
}
