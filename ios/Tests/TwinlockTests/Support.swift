import Foundation
import StandInPhone

@testable import Twinlock

/// Lets somebody else in between a failed update and the add that follows.
final class RacingSecurity: SecurityFramework, @unchecked Sendable {
    private let inner: StandInSecurity
    private let between: () throws -> Void

    init(_ inner: StandInSecurity, between: @escaping () throws -> Void) {
        (self.inner, self.between) = (inner, between)
    }

    func add(_ attributes: [String: Any]) throws(SecurityFault) {
        try? between()
        try inner.add(attributes)
    }

    func copyMatching(_ query: [String: Any]) throws(SecurityFault) -> Any? { try inner.copyMatching(query) }
    func update(_ query: [String: Any], _ attributes: [String: Any]) throws(SecurityFault) {
        try inner.update(query, attributes)
    }
    func delete(_ query: [String: Any]) throws(SecurityFault) { try inner.delete(query) }
    func accessControl(
        _ protection: String, _ flags: SecAccessControlCreateFlags
    ) throws(SecurityFault) -> SecAccessControl {
        try inner.accessControl(protection, flags)
    }
    func createEncryptedData(_ key: SecKey, _ secret: Data) throws(SecurityFault) -> Data {
        try inner.createEncryptedData(key, secret)
    }
    func authenticationContext(_ reason: String) -> Any? { inner.authenticationContext(reason) }
    func createDecryptedData(_ key: SecKey, _ sealed: Data) throws(SecurityFault) -> Data {
        try inner.createDecryptedData(key, sealed)
    }
    func createRandomKey(_ attributes: [String: Any]) throws(SecurityFault) -> SecKey {
        try inner.createRandomKey(attributes)
    }
    func createPublicKey(_ point: Data) throws(SecurityFault) -> SecKey { try inner.createPublicKey(point) }
    func copyPublicKey(_ key: SecKey) throws(SecurityFault) -> Data { try inner.copyPublicKey(key) }
    func createSignature(_ key: SecKey, _ message: Data) throws(SecurityFault) -> Data {
        try inner.createSignature(key, message)
    }
    func copyKeyExchangeResult(_ key: SecKey, _ other: SecKey) throws(SecurityFault) -> Data {
        try inner.copyKeyExchangeResult(key, other)
    }
}

/// A number that several threads may change.
final class Counter: @unchecked Sendable {
    private let lock = NSLock()
    private var number = 0

    var value: Int { lock.withLock { number } }

    func add(_ more: Int) { lock.withLock { number += more } }
}
