import Foundation

#if canImport(Security)
    package import Security
#endif

/// What the Security framework said, in the few classes that make a difference to the member.
package enum SecurityFault: Error, Sendable, Equatable {
    /// No such item (`errSecItemNotFound`).
    case notFound
    /// There is one already (`errSecDuplicateItem`).
    case duplicate
    /// The phone is locked (`errSecInteractionNotAllowed`).
    case locked
    /// Kept only on a phone with a passcode, and this one has none. The framework has said so in three ways:
    /// `errSecDecode` before iOS 9, `errSecAuthFailed` since, `errSecNotAvailable` after the passcode was switched off.
    case noPasscode
    /// Signed without the entitlement for this access group (`errSecMissingEntitlement`): the app's developer
    /// corrects it.
    case missingEntitlement
    /// Anything else.
    case other(OSStatus)

    /// The one place where numbers become cases.
    package init(status: OSStatus) {
        switch status {
        case errSecItemNotFound: self = .notFound
        case errSecDuplicateItem: self = .duplicate
        case errSecInteractionNotAllowed: self = .locked
        case errSecDecode, errSecAuthFailed, errSecNotAvailable: self = .noPasscode
        case errSecMissingEntitlement: self = .missingEntitlement
        default: self = .other(status)
        }
    }

    /// The error object that key functions give instead of a status.
    package init(domain: String, code: Int) {
        self.init(status: domain == NSOSStatusErrorDomain ? OSStatus(truncatingIfNeeded: code) : errSecParam)
    }

    package static func check(_ status: OSStatus) throws(SecurityFault) {
        if status != 0 { throw SecurityFault(status: status) }
    }

    /// What it means for a use of a key that should be there.
    var ofKey: Twinlock.Ports.Fault {
        switch self {
        case .notFound: .keyLost
        case .duplicate, .locked, .noPasscode, .missingEntitlement, .other: .keyUnavailable
        }
    }
}
