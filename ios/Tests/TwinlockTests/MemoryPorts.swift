import Foundation

@testable import Twinlock

/// A store in memory that can fail, and can call somebody while it is asked.
final class MemoryStore: Twinlock.Ports.Store, @unchecked Sendable {
    static let alive = Counter()

    private let lock = NSLock()
    private var blobs: [String: Data] = [:]
    private let fault: Twinlock.Ports.Fault?
    private let asked: @Sendable () -> Void

    init(fault: Twinlock.Ports.Fault? = nil, asked: @escaping @Sendable () -> Void = {}) {
        (self.fault, self.asked) = (fault, asked)
        Self.alive.add(1)
    }

    deinit { Self.alive.add(-1) }

    func read(name: String) throws(Twinlock.Ports.Fault) -> Data? {
        asked()
        if let fault { throw fault }
        return lock.withLock { blobs[name] }
    }

    func write(name: String, bytes: Data) throws(Twinlock.Ports.Fault) {
        asked()
        if let fault { throw fault }
        lock.withLock { blobs[name] = bytes }
    }

    func remove(name: String) throws(Twinlock.Ports.Fault) {
        if let fault { throw fault }
        lock.withLock { _ = blobs.removeValue(forKey: name) }
    }
}

/// No keys at all: before enrollment nobody asks for one.
final class NoKeys: Twinlock.Ports.DeviceKey {
    static let alive = Counter()

    init() { Self.alive.add(1) }

    deinit { Self.alive.add(-1) }

    func generate(account: String) throws(Twinlock.Ports.Fault) -> Data { throw .keyUnavailable }
    func sign(account: String, message: Data) throws(Twinlock.Ports.Fault) -> Data { throw .keyLost }
    func pinKeyKind(account: String) throws(Twinlock.Ports.Fault) -> Twinlock.Ports.PinKeyKind { throw .keyLost }
    func bindGuess(account: String, guess: Data) throws(Twinlock.Ports.Fault) -> Data { throw .keyLost }
    func sealForBiometric(account: String, secret: Data) throws(Twinlock.Ports.Fault) -> Data { throw .keyLost }
    func openByBiometric(account: String, sealed: Data) throws(Twinlock.Ports.Fault) -> Data { throw .keyLost }
    func delete(account: String) throws(Twinlock.Ports.Fault) {}
    func level(account: String) throws(Twinlock.Ports.Fault) -> Twinlock.Ports.KeyLevel { throw .keyLost }
}

extension Twinlock.Ports {
    static func inMemory(_ store: MemoryStore = MemoryStore()) -> Self {
        Self(deviceKey: NoKeys(), store: store)
    }
}

extension Twinlock.Configuration {
    /// A portal at a port that nobody listens on (RFC 863's, which needs a privilege to open).
    static var unreachable: Self {
        Self(
            portalURL: "https://localhost:9", rootsPEM: Data(root.utf8), account: "mara", deviceName: "Test",
            model: "Test One", system: "Test OS 1", appVersion: "1.0.0"
        )
    }

    /// The public half of a root that was made for these tests and thrown away.
    private static let root = """
        -----BEGIN CERTIFICATE-----
        MIIBkDCCATegAwIBAgIUa3ERPmPZaD+RoyN7zpZxaDLbiokwCgYIKoZIzj0EAwIw
        HTEbMBkGA1UEAwwSVHdpbmxvY2sgdGVzdCByb290MCAXDTI2MTEyNDA4MTQ0N1oY
        DzIxMjYxMDMxMDgxNDQ3WjAdMRswGQYDVQQDDBJUd2lubG9jayB0ZXN0IHJvb3Qw
        WTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQFyuMJgRi5CDL+big7uJDzI/hO5ws2
        bDu7qUbZBF4vu2Yn/CGwHTdKCvD7RI//1yntOFzya7s+2PEqtpsROXB6o1MwUTAd
        BgNVHQ4EFgQUIcuzNoRjPbQq5NnvR96ry4gJADAwHwYDVR0jBBgwFoAUIcuzNoRj
        PbQq5NnvR96ry4gJADAwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNHADBE
        AiAnOBv8G9zWLerUMcffyldUigD+RN/L58pU5wCtKEqvgAIgNXf7/WRLJSBsyFmG
        tUHPhX4tXOYkHdqimPvksxUajkA=
        -----END CERTIFICATE-----
        """
}
