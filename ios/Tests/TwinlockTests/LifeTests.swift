import Foundation
import Testing
import TwinlockGlue

@testable import Twinlock

/// Opening, closing, ports that misbehave, and nothing that stays behind.
@Suite(.serialized, .timeLimit(.minutes(5))) struct LifeTests {
    @Test func openingReadsAndAsksNobody() async throws {
        let twinlock = try await Twinlock.open(.unreachable, ports: .inMemory())
        #expect(twinlock.step == .signIn)
        twinlock.close()
    }

    @Test func whatTheAppSaysOfItsPortalIsChecked() async {
        var wrong = Twinlock.Configuration.unreachable
        wrong.portalURL = "http://localhost"
        await #expect(throws: TwinlockError.misuse(.badRequest)) { try await Twinlock.open(wrong, ports: .inMemory()) }
        wrong = .unreachable
        wrong.rootsPEM = Data("no root".utf8)
        await #expect(throws: TwinlockError.notTrusted(.tlsRefused)) {
            try await Twinlock.open(wrong, ports: .inMemory())
        }
    }

    @Test func f75_aPortThatThrowsArrivesTyped() async {
        let expected: [(Twinlock.Ports.Fault, TwinlockError)] = [
            (.storeFailed, .retry(.storeFailed)), (.keyLost, .enrollAgain(.keyLost)),
            (.keyUnavailable, .retry(.keyUnavailable)), (.noScreenLock, .retry(.noScreenLock)),
            (.cancelled, .stepRequired(.biometricCancelled)), (.host, .internal(.internal)),
        ]
        #expect(expected.count == Twinlock.Ports.Fault.allCases.count)
        for (fault, error) in expected {
            await #expect(throws: error) {
                try await Twinlock.open(.unreachable, ports: .inMemory(MemoryStore(fault: fault)))
            }
        }
    }

    private final class UndeclaredClock: TwinlockGlue.Clock {
        struct Undeclared: Error { let text = "a text of the host's" }
        func wallMs() throws -> UInt64 { throw Undeclared() }
        func bootMs() throws -> UInt64 { throw Undeclared() }
    }

    @Test func f75_anErrorThatNoPortDeclaresArrivesWithoutItsText() throws {
        do {
            _ = try testCallback(clock: UndeclaredClock())
            Issue.record("it did not throw")
        } catch {
            #expect(TwinlockError(error) == .internal(.internal))
            #expect(!"\(error)".contains("text of the host"))
        }
    }

    @Test func f75_aPortThatCallsBackIntoTheEngineDoesNotHang() throws {
        let seen = Counter()
        let box = Box<TwinlockGlue.Engine>()
        let store = MemoryStore {
            // All that an app could call while it is being asked; the answer may be a refusal, but it comes.
            guard let engine = box.value else { return }
            _ = try? engine.step()
            _ = try? engine.lock()
            _ = try? engine.vaultItem(name: "a")
            seen.add(1)
        }
        let engine = try TwinlockGlue.Engine(
            config: Twinlock.Configuration.unreachable.glue, deviceKey: DeviceKeyPort(NoKeys()),
            store: StorePort(store), clock: ClockPort(Twinlock.Ports.SystemClock()))
        box.value = engine
        let done = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            if (try? engine.open()) == .signIn { done.signal() }
        }
        // A watchdog: it is only ever waited for if the two wait for each other.
        #expect(done.wait(timeout: .now() + 60) == .success)
        #expect(seen.value > 0)
        box.value = nil
    }

    @Test func f75_everyCallAfterCloseSaysSo() async throws {
        let twinlock = try await Twinlock.open(.unreachable, ports: .inMemory())
        let entry = try twinlock.pinEntry()
        let vault = twinlock.vault
        twinlock.close()
        twinlock.close()
        let closed = TwinlockError.misuse(.closed)
        await #expect(throws: closed) {
            var bytes = Data(); try await twinlock.signIn(name: "", password: &bytes)
        }
        await #expect(throws: closed) { try await twinlock.setUpTwoStep() }
        await #expect(throws: closed) { try await twinlock.submitCode("123456") }
        await #expect(throws: closed) { try await twinlock.refresh() }
        await #expect(throws: closed) { try await twinlock.files() }
        await #expect(throws: closed) { try await twinlock.download(id: "a") }
        await #expect(throws: closed) { try await twinlock.authorise(method: "GET", url: "https://app.example/") }
        await #expect(throws: closed) { try await twinlock.lock() }
        await #expect(throws: closed) { try await twinlock.signOut() }
        await #expect(throws: closed) { try await twinlock.submitRecoveryCode("K7-0000-0000-0000-0000") }
        await #expect(throws: closed) { try await twinlock.takeRecoveryCodes() }
        await #expect(throws: closed) { try await twinlock.newRecoveryCodes() }
        await #expect(throws: closed) { try await twinlock.changePin() }
        await #expect(throws: closed) { try await twinlock.tick() }
        await #expect(throws: closed) { try await twinlock.useBiometric(true) }
        await #expect(throws: closed) { try await twinlock.hasBiometric() }
        await #expect(throws: closed) { try await twinlock.unlockWithBiometric() }
        await #expect(throws: closed) { try await vault.get("a") }
        await #expect(throws: closed) { try await vault.remove("a") }
        await #expect(throws: closed) {
            var bytes = Data(); try await vault.put(&bytes, for: "a")
        }
        #expect(throws: closed) { try twinlock.pinEntry() }
        for _ in 0..<6 { try entry.pushDigit(3) }
        await #expect(throws: closed) { try await twinlock.submitPin(entry) }
        #expect(try entry.count == 0, "what was typed is wiped all the same")
    }

    @Test func closingLetsGoOfThePorts() async throws {
        weak var store: MemoryStore?
        let twinlock: Twinlock
        do {
            let strong = MemoryStore()
            store = strong
            twinlock = try await Twinlock.open(.unreachable, ports: .inMemory(strong))
        }
        #expect(store != nil)
        twinlock.close()
        #expect(store == nil)
        #expect(twinlock.step == .signIn)
    }

    @Test func f75_tenThousandOpenAndCloseAndAHundredThousandCallsLeakNothing() async throws {
        let before = (MemoryStore.alive.value, NoKeys.alive.value)
        try await openAndClose(1_000)
        let open = try await Twinlock.open(.unreachable, ports: .inMemory())
        try await call(open, 10_000)
        let warm = try residentKiB()
        // Half of them are closed, half just go out of sight.
        try await openAndClose(9_000)
        try await call(open, 90_000)
        open.close()
        let grown = try residentKiB() - warm
        #expect(grown < 8 * 1024, "grew by \(grown) KiB")
        #expect((MemoryStore.alive.value, NoKeys.alive.value) == before)
    }

    private func openAndClose(_ times: Int) async throws {
        for round in 0..<times {
            let twinlock = try await Twinlock.open(.unreachable, ports: .inMemory())
            var listener = twinlock.steps.makeAsyncIterator()
            #expect(await listener.next() == .signIn)
            if round % 2 == 0 { twinlock.close() }
        }
    }

    private func call(_ twinlock: Twinlock, _ times: Int) async throws {
        for _ in 0..<(times / 5) {
            try await twinlock.lock()
            let entry = try twinlock.pinEntry()
            try entry.pushDigit(1)
            _ = try entry.count
            await #expect(throws: TwinlockError.stepRequired(.locked)) { try await twinlock.vault.get("a") }
        }
    }

    private func residentKiB() throws -> Int {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
        return try #require(Int(line.filter(\.isNumber)))
    }

    private final class Box<Value: Sendable>: @unchecked Sendable {
        private let lock = NSLock()
        private var held: Value?
        var value: Value? {
            get { lock.withLock { held } }
            set { lock.withLock { held = newValue } }
        }
    }
}
