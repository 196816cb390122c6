import Foundation
import Testing

@testable import Twinlock

@Suite struct SecretTests {
    /// Memory that says at its end whether anything of the secret was left in it.
    private final class Watched: @unchecked Sendable {
        let start: UnsafeMutableRawPointer
        let count: Int
        private(set) var wasWiped: Bool?

        init(_ text: String) {
            let bytes = Array(text.utf8)
            count = bytes.count
            start = .allocate(byteCount: count, alignment: 1)
            start.copyMemory(from: bytes, byteCount: count)
        }

        func data() -> Data {
            Data(
                bytesNoCopy: start, count: count,
                deallocator: .custom { [self] pointer, count in
                    wasWiped = UnsafeRawBufferPointer(start: pointer, count: count).allSatisfy { $0 == 0 }
                    pointer.deallocate()
                })
        }
    }

    private let password = "a password that is longer than what fits inline"

    @Test func thePasswordIsWipedWhereItLay() async throws {
        let watched = Watched(password)
        var bytes = watched.data()
        let twinlock = try await Twinlock.open(.unreachable, ports: .inMemory())
        await #expect(throws: TwinlockError.retry(.offline)) {
            try await twinlock.signIn(name: "mara", password: &bytes)
        }
        #expect(bytes.isEmpty)
        #expect(watched.wasWiped == true)
    }

    @Test func thePasswordIsWipedAlsoWhenItIsRefusedAtOnce() async throws {
        let twinlock = try await Twinlock.open(.unreachable, ports: .inMemory())
        var noText = Data([0xFF, 0xFE])
        await #expect(throws: TwinlockError.entryRefused(.signInRefused)) {
            try await twinlock.signIn(name: "mara", password: &noText)
        }
        #expect(noText.isEmpty)
        twinlock.close()
        var late = Data("late".utf8)
        await #expect(throws: TwinlockError.misuse(.closed)) {
            try await twinlock.signIn(name: "mara", password: &late)
        }
        #expect(late.isEmpty)
    }

    @Test func theSecretForTheVaultIsWipedAlsoWhenItIsRefused() async throws {
        let watched = Watched(password)
        var bytes = watched.data()
        let twinlock = try await Twinlock.open(.unreachable, ports: .inMemory())
        await #expect(throws: TwinlockError.stepRequired(.locked)) { try await twinlock.vault.put(&bytes, for: "a") }
        #expect(bytes.isEmpty)
        #expect(watched.wasWiped == true)
    }

    @Test func whatIsShownOnceIsNotShownByAccident() {
        let setUp = Twinlock.TwoStepSetUp(
            .init(uri: "otpauth://totp/a?secret=JBSWY3DP", key: "JBSW Y3DP", expiresMs: 1_000))
        var dumped = ""
        dump(setUp, to: &dumped)
        for text in ["\(setUp)", String(reflecting: setUp), dumped] {
            #expect(!text.contains("JBSW"), "\(text)")
        }
        #expect(setUp.key == "JBSW Y3DP")
    }
}
