import Foundation
import StandInPhone
import Testing

@testable import Twinlock

/// With the real portal, the real engine and the production adapters of a phone.
@Suite(.serialized, .timeLimit(.minutes(3))) struct PortalTests {
    @Test func cancellingACallGivesNoFreeGuess() async throws {
        let phone = try await EnrolledPhone.shared()
        #expect(try await phone.twinlock.lock() == .enterPin(triesLeft: 8))
        let entry = try phone.typed(EnrolledPhone.wrongDigits)
        let guess = Task { try await phone.twinlock.submitPin(entry) }
        phone.keys.onGuess { guess.cancel() }
        let outcome = await guess.result
        phone.keys.onGuess(nil)
        #expect(guess.isCancelled)
        #expect(throws: TwinlockError.wrongPin(.wrongPin, triesLeft: 7, retryAfter: .zero)) { try outcome.get() }
        // The portal counted it too: the next one is the second.
        await #expect(throws: TwinlockError.wrongPin(.wrongPin, triesLeft: 6, retryAfter: .zero)) {
            try await phone.submit(EnrolledPhone.wrongDigits)
        }
        #expect(try await phone.submit(EnrolledPhone.digits) == .ready)
    }

    @Test func aTaskThatWasCancelledBeforeItBeganIsCountedOrSendsNothing() async throws {
        let phone = try await EnrolledPhone.shared()
        try await phone.twinlock.lock()
        let guessed = Counter()
        phone.keys.onGuess { guessed.add(1) }
        let entry = try phone.typed(EnrolledPhone.wrongDigits)
        let guess = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            _ = try? await phone.twinlock.submitPin(entry)
        }
        await guess.value
        phone.keys.onGuess(nil)
        #expect(try entry.count == 0)
        #expect(phone.twinlock.step == .enterPin(triesLeft: 8 - guessed.value))
        #expect(try await phone.submit(EnrolledPhone.digits) == .ready)
    }

    /// The unlock stands still at the key until the main actor has done other work. If any of it ran there, or waited
    /// for
    /// it, this would never end.
    @MainActor @Test func theMainActorWorksWhileAPinIsDerivedAndAKeyUsed() async throws {
        let phone = try await EnrolledPhone.shared()
        try await phone.twinlock.lock()
        let (mainActorWorked, onMainThread) = (DispatchSemaphore(value: 0), Counter())
        phone.keys.onGuess {
            if Thread.isMainThread { onMainThread.add(1) }
            Task { @MainActor in mainActorWorked.signal() }
            mainActorWorked.wait()
        }
        #expect(try await phone.submit(EnrolledPhone.digits) == .ready)
        phone.keys.onGuess(nil)
        #expect(onMainThread.value == 0)
    }

    @Test func f75_aPortMayCallBackWhileACallIsUnderWay() async throws {
        let phone = try await EnrolledPhone.shared()
        try await phone.twinlock.lock()
        let (answered, refusals) = (DispatchSemaphore(value: 0), Counter())
        phone.keys.onGuess {
            _ = phone.twinlock.step
            Task {
                // The actor is free meanwhile; what may not run now is refused, and nothing waits.
                do { try await phone.twinlock.refresh() } catch TwinlockError.misuse(.busy) { refusals.add(1) }
                do { _ = try await phone.twinlock.vault.get("a") } catch TwinlockError.stepRequired(.locked) {
                    refusals.add(1)
                }
                answered.signal()
            }
            answered.wait()
        }
        #expect(try await phone.submit(EnrolledPhone.digits) == .ready)
        phone.keys.onGuess(nil)
        #expect(refusals.value == 2)
    }

    @Test func anAuthorisedRequestIsActiveAtThePortalOnceAndAsItWasSigned() async throws {
        let phone = try await EnrolledPhone.shared()
        let url = "https://orders.northwind.example/orders?from=phone"
        let headers = try await phone.twinlock.authorise(method: "POST", url: url, body: Data("two gates".utf8))
        let world = phone.world
        let said = try await world.introspect(method: "POST", url: url, headers: headers)
        // printf 'two gates' | openssl dgst -sha256 -binary | base64
        let digest = "sha-256=:98WcAuogpV6Jm6de1Lhh594dD8NGost709SRhFhj6mU=:"
        #expect(said == World.Introspection(active: true, contentDigest: digest, assurance: "aal2"))
        #expect(try await !world.introspect(method: "POST", url: url, headers: headers).active)
        let changed = try await phone.twinlock.authorise(method: "GET", url: url)
        #expect(try await !world.introspect(method: "DELETE", url: url, headers: changed).active)
        await #expect(throws: TwinlockError.self) {
            try await phone.twinlock.authorise(method: "GET", url: "http://orders.northwind.example")
        }
    }

    @Test func fiftyTasksAtOnceAreSafe() async throws {
        let phone = try await EnrolledPhone.shared()
        let names = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<50 {
                group.addTask {
                    var secret = Data("secret \(number)".utf8)
                    try await phone.twinlock.vault.put(&secret, for: "item \(number)")
                    return try await phone.twinlock.files().count
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(names == Array(repeating: 3, count: 50))
        for number in 0..<50 {
            #expect(try await phone.twinlock.vault.get("item \(number)") == Data("secret \(number)".utf8))
            #expect(try await phone.twinlock.vault.remove("item \(number)"))
            #expect(try await phone.twinlock.vault.remove("item \(number)") == false)
        }
    }

    @Test func fiftyPinsAtOnceUnlockOnceAndTheRestIsToldSo() async throws {
        let phone = try await EnrolledPhone.shared()
        try await phone.twinlock.lock()
        let outcomes = await withTaskGroup(of: Result<Twinlock.Step, any Error>.self) { group in
            for _ in 0..<50 {
                group.addTask {
                    do { return .success(try await phone.submit(EnrolledPhone.digits)) } catch {
                        return .failure(error)
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        let unlocked = outcomes.filter { (try? $0.get()) == .ready }
        #expect(unlocked.count == 1)
        for case .failure(let error as TwinlockError) in outcomes {
            #expect([.misuse(.busy), .stepRequired(.stepRequired)].contains(error), "\(error)")
        }
        #expect(phone.twinlock.step == .ready)
    }

    @Test func listenersSeeWhatACallLeadsToAlsoWhenItIsRefused() async throws {
        let phone = try await EnrolledPhone.shared()
        var (one, two) = (phone.twinlock.steps.makeAsyncIterator(), phone.twinlock.steps.makeAsyncIterator())
        #expect(await one.next() == .ready)
        try await phone.twinlock.lock()
        #expect(await one.next() == .enterPin(triesLeft: 8))
        _ = try? await phone.submit(EnrolledPhone.wrongDigits)
        #expect(await one.next() == .enterPin(triesLeft: 7))
        try await phone.submit(EnrolledPhone.digits)
        #expect(await one.next() == .ready)
        #expect(await two.next() == .ready, "a slow listener sees the newest")
    }

    /// The phone as it is now, with what happens to it afterwards: another process of the same app opens it.
    private func reopened(_ happening: (StandInSecurity) -> Void) async throws -> Twinlock.Step {
        let phone = try await EnrolledPhone.shared()
        let copy = StandInSecurity(copyOf: phone.security)
        happening(copy)
        let ports = try AppleStandIn.ports(account: phone.member.email, security: copy, folder: phone.folder)
        let twinlock = try await Twinlock.open(phone.member.configuration, ports: ports)
        defer { twinlock.close() }
        return twinlock.step
    }

    @Test func aPhoneThatIsOpenedAgainAsksForThePin() async throws {
        #expect(try await reopened { _ in } == .enterPin(triesLeft: 8))
    }

    @Test func b41_aRemovedPasscodeIsToldAndLeadsToEnrollment() async throws {
        #expect(try await reopened { $0.removePasscode() } == .blocked(.keyLost))
    }

    @Test func f54_aBackupOnANewPhoneKnowsNobody() async throws {
        #expect(try await reopened { $0.moveToNewPhone() } == .signIn)
    }

    @Test func aLockedPhoneOpensNothingAndForgetsNothing() async throws {
        await #expect(throws: TwinlockError.retry(.storeFailed)) { try await reopened { $0.lockPhone() } }
        #expect(
            try await reopened {
                $0.lockPhone(); $0.unlockPhone()
            } == .enterPin(triesLeft: 8))
    }

    @Test func theQuickStartOfTheReadmeWorks() async throws {
        let phone = try await EnrolledPhone.shared()
        let member = phone.member
        let screen = QuickStartScreen()
        try await quickStart(member.configuration, screen, name: member.email, password: member.password)
        #expect(await screen.drawn.first == .signIn)
        // The member has an authenticator already, so that a new phone asks for its code.
        #expect(await screen.said == [Twinlock.Step.enterCode.text])
    }
}
