public import Foundation
import TwinlockGlue

/// A member's side of Twinlock on this phone: ask what comes next, draw it, hand in what the member typed.
///
/// Every call returns the next ``Step``; the app draws it and decides nothing. Keys live in the Secure Enclave, session
/// and vault keys in memory only. One instance per account.
///
/// All methods may be called from any task. Network and key derivation run off the caller's thread, so that the main
/// actor stays responsive. One call that changes the step runs at a time; a second one is refused with
/// ``TwinlockError/misuse(_:)`` (TL-9002) instead of waiting. Cancelling a task does not take back what was sent, and
/// never gives a free guess: the portal counts a try before it is evaluated.
public actor Twinlock {
    private nonisolated let engine: TwinlockGlue.Engine
    private nonisolated let board: StepBoard

    /// Opens with ports of the app's own; most apps use ``open(_:keychain:)``.
    ///
    /// Reads what the phone remembers of the account. No network, no key derivation.
    /// - Parameters:
    ///   - configuration: What the app says of itself and of its portal.
    ///   - ports: Keys, storage and clocks. They are let go of at ``close()``.
    /// - Throws: ``TwinlockError/misuse(_:)`` (TL-4007) for an address that is no `https://host`,
    ///   ``TwinlockError/notTrusted(_:)`` (TL-4002) for roots that are none, ``TwinlockError/retry(_:)`` (TL-5001) if
    /// the
    ///   storage does not answer, ``TwinlockError/enrollAgain(_:)`` (TL-5003) if what it holds is damaged.
    public static func open(_ configuration: Configuration, ports: Ports) async throws(TwinlockError) -> Twinlock {
        do {
            let engine = try TwinlockGlue.Engine(
                config: configuration.glue,
                deviceKey: DeviceKeyPort(ports.deviceKey),
                store: StorePort(ports.store),
                clock: ClockPort(ports.clock)
            )
            return Twinlock(engine: engine, step: Step(try engine.open()))
        } catch {
            throw TwinlockError(error)
        }
    }

    private init(engine: TwinlockGlue.Engine, step: Step) {
        self.engine = engine
        self.board = StepBoard(step)
    }

    deinit {
        close()
    }

    /// What the app draws now. After ``close()`` it stays what it was last.
    public nonisolated var step: Step { board.step }

    /// The present step, then every later one, for as many listeners as there are.
    ///
    /// A listener that is slow sees the newest step and not the ones it missed. Ends at ``close()``.
    public nonisolated var steps: Steps { Steps(board: board) }

    /// Secrets of the app's own, open while the step is ``Step/ready``.
    public nonisolated var vault: Vault { Vault(twinlock: self) }

    /// Signs in with the name and password of the account; allowed at every step.
    /// - Parameters:
    ///   - name: The account's name as the member types it.
    ///   - password: UTF-8 bytes. Overwritten and emptied before the call returns, also when it fails; pass the only
    ///     copy, because bytes that another variable shares are not reached.
    /// - Returns: The next step.
    /// - Throws: ``TwinlockError/entryRefused(_:)`` (TL-3004) if name or password is wrong.
    @discardableResult
    public func signIn(name: String, password: inout Data) async throws(TwinlockError) -> Step {
        let held: TwinlockGlue.Password
        do {
            defer { password.wipe() }
            held = try TwinlockGlue.Password(utf8: password)
        } catch {
            throw TwinlockError(error)
        }
        return try await next { engine in try await engine.signIn(name: name, password: held) }
    }

    /// Begins the set-up of two-step authentication, at ``Step/setUpTwoStep``. What it returns is shown once.
    public func setUpTwoStep() async throws(TwinlockError) -> TwoStepSetUp {
        TwoStepSetUp(try await asked { engine in try await engine.setUpTwoStep() })
    }

    /// Submits a code of the authenticator app, at ``Step/setUpTwoStep`` and ``Step/enterCode``; then enrolls the phone
    /// if the portal does not know it.
    /// - Parameter code: As typed; spaces, hyphens, Arabic-Indic and full-width digits are understood.
    /// - Returns: The next step.
    /// - Throws: ``TwinlockError/entryRefused(_:)`` (TL-2001 cannot be a code and was not counted, TL-2002 refused),
    ///   ``TwinlockError/wait(_:retryAfter:)`` (TL-2003), ``TwinlockError/askAdmin(_:)`` (TL-2004),
    ///   ``TwinlockError/retry(_:)`` (TL-5011) if the phone has no passcode: keys are only kept on a phone that has
    ///   one. The code was accepted; once the member has set a passcode, ``refresh()`` goes on.
    @discardableResult
    public func submitCode(_ code: String) async throws(TwinlockError) -> Step {
        try await next { engine in try await engine.submitCode(code: code) }
    }

    /// Submits a recovery code instead of a code, right after ``signIn(name:password:)``, at ``Step/enterCode`` or where the
    /// authenticator was disabled. It opens one thing: ``Step/setUpTwoStep``, for a new authenticator.
    /// - Parameter code: As typed or pasted, `K7-XXXX-XXXX-XXXX-XXXX`; case, spaces and dashes do not matter.
    /// - Returns: The next step.
    /// - Throws: ``TwinlockError/entryRefused(_:)`` (TL-2001 cannot be one and was not counted, TL-2010 refused),
    ///   ``TwinlockError/wait(_:retryAfter:)`` (TL-2003), ``TwinlockError/askAdmin(_:)`` (TL-2004).
    @discardableResult
    public func submitRecoveryCode(_ code: String) async throws(TwinlockError) -> Step {
        try await next { engine in try await engine.submitRecoveryCode(code: code) }
    }

    /// The ten recovery codes that came with the set-up just completed, once; `nil` after that. Show them, and let the
    /// member save them, before anything else.
    public func takeRecoveryCodes() throws(TwinlockError) -> [String]? {
        try inTurn { engine in try engine.takeRecoveryCodes() }
    }

    /// Makes ten new recovery codes, to be shown once; all older ones are void.
    /// - Throws: ``TwinlockError/stepRequired(_:)`` (TL-3003) unless a code was accepted within ten minutes:
    ///   ``submitCode(_:)`` first.
    public func newRecoveryCodes() async throws(TwinlockError) -> [String] {
        try await asked { engine in try await engine.newRecoveryCodes() }
    }

    /// Asks the portal what comes next, for example whether the phone was approved meanwhile.
    ///
    /// *Remote wipe:* if an admin has revoked the phone, the next call that reaches the portal, such as this one,
    /// ``files()`` or ``submitPin(_:)``, throws ``TwinlockError/enrollAgain(_:)`` (TL-5007). Keys, PIN and vault are
    /// gone from the phone by then, and the step is ``Step/blocked(_:)`` with ``BlockedReason/revoked``, also after a
    /// restart. The way back is ``signIn(name:password:)`` and a new enrollment.
    @discardableResult
    public func refresh() async throws(TwinlockError) -> Step {
        try await next { engine in try await engine.refresh() }
    }

    /// An empty PIN entry for a keypad. Digits go straight into memory that Rust wipes.
    public nonisolated func pinEntry() throws(TwinlockError) -> PinEntry {
        if board.isClosed {
            throw .misuse(.closed)
        }
        return try PinEntry()
    }

    /// Submits what was typed: a new PIN, twice, at ``Step/createPin(_:)`` and ``Step/changePin(_:)``, the PIN at
    /// ``Step/enterPin(triesLeft:)``. The entry is empty afterwards, whatever happened.
    ///
    /// A PIN that was *forgotten* is replaced by enrolling again: ``signIn(name:password:)`` at any step, a code, the
    /// approval that the policy asks for, a new PIN. What the vault held stays sealed for ever.
    /// - Returns: The next step.
    /// - Throws: ``TwinlockError/pinRefused(_:reason:)`` (TL-1001) if the rules refuse a new PIN,
    ///   ``TwinlockError/entryRefused(_:)`` (TL-1002) if the repeated PIN differs,
    ///   ``TwinlockError/wrongPin(_:triesLeft:retryAfter:)`` (TL-1003), ``TwinlockError/wait(_:retryAfter:)``
    /// (TL-1004),
    ///   ``TwinlockError/enrollAgain(_:)`` (TL-1005) after too many failures: the vault is gone and the step is
    ///   ``Step/signIn``. ``TwinlockError/retry(_:)`` (TL-4001) offline: the same PIN again is the same try.
    ///   ``TwinlockError/notTrusted(_:)`` (TL-1007) if the portal is not the one that the PIN was set with.
    @discardableResult
    public func submitPin(_ entry: PinEntry) async throws(TwinlockError) -> Step {
        try await next { engine in try await engine.submitPin(entry: entry.digits) }
    }

    /// Begins a change of the PIN.
    /// - Returns: ``Step/changePin(_:)`` if the PIN was entered less than five minutes ago, or else
    ///   ``Step/enterPin(triesLeft:)`` first. ``refresh()`` leaves it again.
    /// - Throws: ``TwinlockError/stepRequired(_:)`` (TL-1006) if there is no PIN yet.
    @discardableResult
    public func changePin() throws(TwinlockError) -> Step {
        defer { publish() }
        return Step(try inTurn { engine in try engine.changePin() })
    }

    /// Tells that time has passed: call it when the scene's phase changes, and now and then in between. Locks if the
    /// policy's idle time is over, at once where it is zero. No network.
    /// - Returns: The next step.
    @discardableResult
    public func tick() throws(TwinlockError) -> Step {
        defer { publish() }
        return Step(try inTurn { engine in try engine.tick() })
    }

    /// Switches finger or face on or off. On: with the next PIN that opens or is set; ``hasBiometric()`` tells. Off: at
    /// once.
    ///
    /// A biometric is a convenience: portal and chip take part as with the PIN, the try is counted, and adding a finger
    /// or face ends this way in and no other. The app's `Info.plist` needs `NSFaceIDUsageDescription`.
    public func useBiometric(_ on: Bool) throws(TwinlockError) {
        try inTurn { engine in try engine.useBiometric(on: on) }
    }

    /// Whether finger or face could open this phone now.
    public func hasBiometric() throws(TwinlockError) -> Bool {
        try inTurn { engine in try engine.hasBiometric() }
    }

    /// Unlocks with finger or face, at ``Step/enterPin(triesLeft:)``. The system shows its dialog.
    /// - Returns: The next step.
    /// - Throws: ``TwinlockError/stepRequired(_:)`` for what was not counted: TL-1008 it opens nothing any more,
    ///   TL-1009 the member put the dialog away, TL-1010 the policy wants the PIN itself. Then show the PIN.
    ///   All others as for ``submitPin(_:)``.
    @discardableResult
    public func unlockWithBiometric() async throws(TwinlockError) -> Step {
        try await next { engine in try await engine.unlockWithBiometric() }
    }

    /// The organisation's files, at ``Step/ready``.
    public func files() async throws(TwinlockError) -> [File] {
        try await asked { engine in try await engine.files() }.map(File.init)
    }

    /// A file's content.
    /// - Parameter id: ``File/id`` of one of ``files()``.
    /// - Throws: ``TwinlockError/entryRefused(_:)`` (TL-4009) if there is no such file.
    public func download(id: String) async throws(TwinlockError) -> Data {
        try await asked { engine in try await engine.download(id: id) }
    }

    /// The headers that authorise one request to the app's own back end, at ``Step/ready``: `content-digest`,
    /// `x-policy-version`, `signature-input` and `signature` (RFC 9421, RFC 9530). The back end has them checked by the
    /// portal's introspection; where it answers 401, call ``refresh()`` and draw the step. One request to the portal at
    /// most.
    /// - Parameters:
    ///   - method: Upper case.
    ///   - url: Absolute, `https`, exactly as it is sent.
    ///   - body: The body exactly as it is sent; empty for none.
    /// - Returns: Values by name. They are good once, within a minute.
    /// - Throws: ``TwinlockError/stepRequired(_:)`` (TL-3001, TL-3005) unless ready. ``TwinlockError/misuse(_:)``
    ///   (TL-4007) for what cannot be signed, also for the portal's own address.
    public func authorise(
        method: String, url: String, body: Data = Data()
    ) async throws(TwinlockError) -> [String: String] {
        try await asked { engine in try await engine.authorise(method: method, url: url, body: body) }
    }

    /// Drops session, keys and vault from memory; the PIN opens them again. No network.
    /// - Returns: The next step.
    @discardableResult
    public func lock() throws(TwinlockError) -> Step {
        defer { publish() }
        return Step(try inTurn { engine in try engine.lock() })
    }

    /// Ends the session at the portal and locks.
    /// - Returns: The next step.
    @discardableResult
    public func signOut() async throws(TwinlockError) -> Step {
        try await next { engine in try await engine.signOut() }
    }

    /// Locks for good, lets go of the ports and ends ``steps``. Every later call throws
    /// ``TwinlockError/misuse(_:)`` (TL-9003). Harmless to repeat.
    public nonisolated func close() {
        // It only fails by a panic in Rust, and then there is nothing left to close.
        try? engine.shutDown()
        board.close()
    }

    func keep(_ secret: inout Data, for name: String) throws(TwinlockError) {
        defer { secret.wipe() }
        do {
            try engine.vaultPut(name: name, secret: secret)
        } catch {
            throw TwinlockError(error)
        }
    }

    /// A synchronous call that waits for its turn with this actor.
    func inTurn<Answer: Sendable>(
        _ call: @Sendable (TwinlockGlue.Engine) throws -> Answer
    ) throws(TwinlockError) -> Answer {
        do {
            return try call(engine)
        } catch {
            throw TwinlockError(error)
        }
    }

    private func next(
        _ call: @Sendable (TwinlockGlue.Engine) async throws -> TwinlockGlue.Step
    ) async throws(TwinlockError) -> Step {
        Step(try await asked(call))
    }

    /// Makes a call and tells the listeners of the step that holds afterwards, also when the call was refused.
    private func asked<Answer: Sendable>(
        _ call: @Sendable (TwinlockGlue.Engine) async throws -> Answer
    ) async throws(TwinlockError) -> Answer {
        defer { publish() }
        do {
            return try await call(engine)
        } catch {
            throw TwinlockError(error)
        }
    }

    /// Asking and telling is one piece of work for this actor: an older step never follows a newer one.
    private func publish() {
        if let step = try? engine.step() {
            board.tell(Step(step))
        }
    }
}
