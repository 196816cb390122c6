import Foundation
import Twinlock
import TwinlockGlue

/// A key of the stand-in's enclave. The cryptography is the core's own software key, exported for tests.
final class EnclaveKey: SecKey {
    private static let account = "key"
    private let software: SoftwareDeviceKey
    let point: Data

    private init(_ software: SoftwareDeviceKey, point: Data) {
        (self.software, self.point) = (software, point)
    }

    static func generate() throws(SecurityFault) -> EnclaveKey {
        do {
            let software = try SoftwareDeviceKey(kind: .agreement)
            // A SubjectPublicKeyInfo of P-256 ends with the point.
            return EnclaveKey(software, point: Data(try software.generate(account: account).suffix(65)))
        } catch {
            throw SecurityFault(status: errSecParam)
        }
    }

    func signature(_ message: Data) throws(SecurityFault) -> Data {
        do {
            let fixed = try software.sign(account: Self.account, message: message)
            return Self.der(fixed)
        } catch {
            throw SecurityFault(status: errSecParam)
        }
    }

    func agreement(_ point: Data) throws(SecurityFault) -> Data {
        do {
            return try software.bindGuess(account: Self.account, guess: point)
        } catch {
            throw SecurityFault(status: errSecParam)
        }
    }

    func sealed(_ secret: Data) throws(SecurityFault) -> Data {
        do {
            return try software.sealForBiometric(account: Self.account, secret: secret)
        } catch {
            throw SecurityFault(status: errSecParam)
        }
    }

    func opened(_ sealed: Data) throws(SecurityFault) -> Data {
        do {
            return try software.openByBiometric(account: Self.account, sealed: sealed)
        } catch {
            throw SecurityFault(status: errSecParam)
        }
    }

    private static func der(_ fixed: Data) -> Data {
        let pair = integer(fixed.prefix(32)) + integer(fixed.suffix(32))
        return Data([0x30, UInt8(pair.count)] + pair)
    }

    private static func integer(_ bytes: Data) -> [UInt8] {
        var digits = Array(bytes.drop { $0 == 0 })
        if digits.first.map({ $0 >= 0x80 }) ?? true { digits.insert(0, at: 0) }
        return [0x02, UInt8(digits.count)] + digits
    }
}

/// Somebody else's public key.
final class PublicKey: SecKey {
    let point: Data

    init(point: Data) {
        self.point = point
    }
}

/// What a dialog says.
struct AuthenticationContext {
    let reason: String
}

/// Who may use a key, and when.
final class AccessControl: SecAccessControl {
    let protection: String
    let flags: SecAccessControlCreateFlags

    init(protection: String, flags: SecAccessControlCreateFlags) {
        (self.protection, self.flags) = (protection, flags)
    }
}
