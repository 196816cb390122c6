import Foundation
import StandInPhone
import Testing

@testable import Twinlock

/// A real portal with its admin and an authenticator, in a process of its own (`tests/src/line_world.rs`).
actor World {
    /// What keeps the test from finding a world.
    struct Missing: Error, CustomStringConvertible {
        let description: String
    }

    /// A member whose phone is new, and what it needs to open and sign in.
    struct Member: Sendable {
        let configuration: Twinlock.Configuration
        let name, email: String
        let password: Data
    }

    private let process = Process()
    private let (input, output) = (Pipe(), Pipe())
    private var rest = Data()
    private var members: [Member] = []

    init() async throws {
        guard let program = ProcessInfo.processInfo.environment["TWINLOCK_DEMO"] else {
            throw Missing(description: "TWINLOCK_DEMO names no program; run the tests with: cargo xtask test swift")
        }
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = ["world"]
        (process.standardInput, process.standardOutput) = (input, output)
        // It ends by itself when this process, and with it the pipe, is gone.
        try process.run()
        let introduction = try line()
        let text = { (fields: [String: Any], name: String) in fields[name] as? String ?? "" }
        members = try #require(introduction["phones"] as? [[String: Any]]).map { phone in
            let configuration = Twinlock.Configuration(
                portalURL: text(introduction, "base_url"), rootsPEM: Data(text(introduction, "roots_pem").utf8),
                account: text(phone, "email"), deviceName: "Test phone", model: "Test One", system: "Test OS 1",
                appVersion: "1.0.0")
            return Member(
                configuration: configuration, name: text(phone, "member"), email: text(phone, "email"),
                password: Data(text(phone, "password").utf8))
        }
    }

    /// One of the members whose phones are new; there are two.
    func member(_ index: Int) throws -> Member {
        try #require(members.dropFirst(index).first)
    }

    /// The code of an authenticator app that has just scanned this.
    func code(scanning uri: String) throws -> String {
        try #require(try ask(["authenticator": "scan", "with": ["uri": uri]])["code"] as? String)
    }

    /// The admin types the comparison code that the member's phone shows.
    func approve(_ member: Member, comparisonCode: String) throws {
        let with = ["member": member.name, "comparison_code": comparisonCode]
        _ = try ask(["admin": "approve", "with": with])
    }

    /// The admin revokes the member's phone.
    func revoke(_ member: Member) throws {
        _ = try ask(["admin": "revoke", "with": ["member": member.name]])
    }

    /// What the portal says to a back end that received this request.
    func introspect(method: String, url: String, headers: [String: String]) throws -> Introspection {
        let with: [String: Any] = ["method": method, "url": url, "headers": headers]
        let said = try ask(["back_end": "introspect", "with": with])
        return Introspection(
            active: try #require(said["active"] as? Bool), contentDigest: said["content_digest"] as? String,
            assurance: said["assurance"] as? String)
    }

    struct Introspection: Sendable, Equatable {
        var active: Bool
        var contentDigest: String?
        var assurance: String?
    }

    private func ask(_ line: [String: Any]) throws -> [String: Any] {
        let bytes = try JSONSerialization.data(withJSONObject: line)
        try input.fileHandleForWriting.write(contentsOf: bytes + Data("\n".utf8))
        let answer = try self.line()
        if let fault = answer["fault"] as? String { throw Missing(description: fault) }
        return answer
    }

    private func line() throws -> [String: Any] {
        while true {
            if let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                defer { rest = Data(rest[(end + 1)...]) }
                return try JSONSerialization.jsonObject(with: rest[..<end]) as? [String: Any] ?? [:]
            }
            let more = output.fileHandleForReading.availableData
            if more.isEmpty { throw Missing(description: "the world ended") }
            rest += more
        }
    }
}

/// A phone that was enrolled in the world; tests share it and leave it as they found it: open, at `ready`.
struct EnrolledPhone {
    let twinlock: Twinlock
    let keys: WatchedKeys
    let clock: PassingClock
    let world: World
    let member: World.Member
    let security: StandInSecurity
    let folder: URL
    /// What came with the set-up.
    let recoveryCodes: [String]
    /// What the member's authenticator app has scanned.
    let uri: String

    static let digits: [UInt8] = [5, 8, 3, 0, 1, 7]
    static let wrongDigits: [UInt8] = [5, 8, 3, 0, 7, 1]

    private static let made = Task { try await make() }

    static func shared() async throws -> EnrolledPhone {
        try await made.value
    }

    private static func make() async throws -> EnrolledPhone {
        let world = try await World()
        return try await enroll(try await world.member(0), in: world)
    }

    /// A phone that a test has for itself.
    static func enroll(_ member: World.Member, in world: World) async throws -> EnrolledPhone {
        var password = member.password
        let (security, folder) = (StandInSecurity(), AppleStandIn.temporaryFolder())
        let apple = try AppleStandIn.ports(account: member.email, security: security, folder: folder)
        let (keys, clock) = (WatchedKeys(apple.deviceKey), PassingClock(apple.clock))
        let twinlock = try await Twinlock.open(
            member.configuration, ports: .init(deviceKey: keys, store: apple.store, clock: clock))
        #expect(try await twinlock.signIn(name: member.email, password: &password) == .setUpTwoStep)
        let uri = try await twinlock.setUpTwoStep().uri
        let code = try await world.code(scanning: uri)
        guard case .awaitApproval(let comparison?) = try await twinlock.submitCode(code) else {
            throw World.Missing(description: "the phone shows no comparison code but \(twinlock.step)")
        }
        let recoveryCodes = try #require(try await twinlock.takeRecoveryCodes())
        try await world.approve(member, comparisonCode: comparison)
        try await twinlock.refresh()
        let phone = EnrolledPhone(
            twinlock: twinlock, keys: keys, clock: clock, world: world, member: member, security: security,
            folder: folder, recoveryCodes: recoveryCodes, uri: uri)
        for _ in 1...2 { try await phone.submit(digits) }
        #expect(twinlock.step == .ready)
        return phone
    }

    @discardableResult
    func submit(_ digits: [UInt8]) async throws -> Twinlock.Step {
        try await twinlock.submitPin(try typed(digits))
    }

    func typed(_ digits: [UInt8]) throws -> Twinlock.PinEntry {
        let entry = try twinlock.pinEntry()
        for digit in digits { try entry.pushDigit(digit) }
        return entry
    }
}

/// The phone's clock, which tests let run ahead.
final class PassingClock: Twinlock.Ports.Clock, @unchecked Sendable {
    private let inner: any Twinlock.Ports.Clock
    private let passed = Counter()

    init(_ inner: any Twinlock.Ports.Clock) {
        self.inner = inner
    }

    func pass(minutes: Int) { passed.add(minutes * 60_000) }

    func wallMs() throws(Twinlock.Ports.Fault) -> UInt64 { try inner.wallMs() + UInt64(passed.value) }
    func bootMs() throws(Twinlock.Ports.Fault) -> UInt64 { try inner.bootMs() + UInt64(passed.value) }
}

/// Keys that tell when the PIN key is used.
final class WatchedKeys: Twinlock.Ports.DeviceKey, @unchecked Sendable {
    private let inner: any Twinlock.Ports.DeviceKey
    private let lock = NSLock()
    private var watcher: (@Sendable () -> Void)?

    init(_ inner: any Twinlock.Ports.DeviceKey) {
        self.inner = inner
    }

    /// Called, until the next call of this method, whenever a guess is bound.
    func onGuess(_ watcher: (@Sendable () -> Void)?) { lock.withLock { self.watcher = watcher } }

    func bindGuess(account: String, guess: Data) throws(Twinlock.Ports.Fault) -> Data {
        lock.withLock { watcher }?()
        return try inner.bindGuess(account: account, guess: guess)
    }

    func generate(account: String) throws(Twinlock.Ports.Fault) -> Data { try inner.generate(account: account) }
    func sign(account: String, message: Data) throws(Twinlock.Ports.Fault) -> Data {
        try inner.sign(account: account, message: message)
    }
    func pinKeyKind(account: String) throws(Twinlock.Ports.Fault) -> Twinlock.Ports.PinKeyKind {
        try inner.pinKeyKind(account: account)
    }
    func sealForBiometric(account: String, secret: Data) throws(Twinlock.Ports.Fault) -> Data {
        try inner.sealForBiometric(account: account, secret: secret)
    }
    func openByBiometric(account: String, sealed: Data) throws(Twinlock.Ports.Fault) -> Data {
        try inner.openByBiometric(account: account, sealed: sealed)
    }
    func delete(account: String) throws(Twinlock.Ports.Fault) { try inner.delete(account: account) }
    func level(account: String) throws(Twinlock.Ports.Fault) -> Twinlock.Ports.KeyLevel {
        try inner.level(account: account)
    }
}
