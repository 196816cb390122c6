import Foundation
import StandInPhone
import Testing

@testable import Twinlock

/// A real portal with its admin and an authenticator, in a process that `tests/src/stage.rs` describes.
actor Stage {
    /// What keeps the test from finding a stage.
    struct Missing: Error, CustomStringConvertible {
        let description: String
    }

    private let process = Process()
    private let (input, output) = (Pipe(), Pipe())
    private var rest = Data()

    init() throws {
        guard let program = ProcessInfo.processInfo.environment["TWINLOCK_STAGE"] else {
            throw Missing(description: "TWINLOCK_STAGE names no program; run the tests with: cargo xtask test swift")
        }
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = ["stage"]
        (process.standardInput, process.standardOutput) = (input, output)
        // It ends by itself when this process, and with it the pipe, is gone.
        try process.run()
    }

    @discardableResult
    func ask(_ verb: String, _ with: [String: String] = [:]) throws -> String {
        try reply(verb, with)["value"] as? String ?? ""
    }

    /// What a phone needs to open and sign in.
    func introduce() throws -> (configuration: Twinlock.Configuration, name: String, password: Data) {
        let value = try #require(try reply("introduce", [:])["value"] as? [String: String])
        let text = { (name: String) in value[name] ?? "" }
        let configuration = Twinlock.Configuration(
            portalURL: text("base_url"), rootsPEM: Data(text("roots_pem").utf8), account: text("name"),
            deviceName: "Test phone", model: "Test One", system: "Test OS 1", appVersion: "1.0.0")
        return (configuration, text("name"), Data(text("password").utf8))
    }

    private func reply(_ verb: String, _ with: [String: String]) throws -> [String: Any] {
        let line = try JSONSerialization.data(withJSONObject: ["do": verb, "with": with])
        try input.fileHandleForWriting.write(contentsOf: line + Data("\n".utf8))
        while true {
            if let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                defer { rest = Data(rest[(end + 1)...]) }
                return try JSONSerialization.jsonObject(with: rest[..<end]) as? [String: Any] ?? [:]
            }
            let more = output.fileHandleForReading.availableData
            if more.isEmpty { throw Missing(description: "the stage ended during `\(verb)`") }
            rest += more
        }
    }
}

/// A phone that was enrolled at the stage; tests share it and leave it as they found it: open, at `ready`.
struct EnrolledPhone {
    let twinlock: Twinlock
    let keys: WatchedKeys
    let stage: Stage
    let security: StandInSecurity
    let folder: URL

    static let digits: [UInt8] = [5, 8, 3, 0, 1, 7]
    static let wrongDigits: [UInt8] = [5, 8, 3, 0, 7, 1]

    private static let made = Task { try await make() }

    static func shared() async throws -> EnrolledPhone {
        try await made.value
    }

    private static func make() async throws -> EnrolledPhone {
        let stage = try Stage()
        var (configuration, name, password) = try await stage.introduce()
        let (security, folder) = (StandInSecurity(), AppleStandIn.temporaryFolder())
        let apple = try AppleStandIn.ports(account: configuration.account, security: security, folder: folder)
        let keys = WatchedKeys(apple.deviceKey)
        let twinlock = try await Twinlock.open(
            configuration, ports: .init(deviceKey: keys, store: apple.store, clock: apple.clock))
        #expect(try await twinlock.signIn(name: name, password: &password) == .setUpTwoStep)
        let code = try await stage.ask("scan", ["uri": try await twinlock.setUpTwoStep().uri])
        guard case .awaitApproval(let comparison?) = try await twinlock.submitCode(code) else {
            throw Stage.Missing(description: "the phone shows no comparison code but \(twinlock.step)")
        }
        try await stage.ask("approve", ["comparison_code": comparison])
        try await twinlock.refresh()
        let phone = EnrolledPhone(
            twinlock: twinlock, keys: keys, stage: stage, security: security, folder: folder)
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
    func delete(account: String) throws(Twinlock.Ports.Fault) { try inner.delete(account: account) }
    func level(account: String) throws(Twinlock.Ports.Fault) -> Twinlock.Ports.KeyLevel {
        try inner.level(account: account)
    }
}
