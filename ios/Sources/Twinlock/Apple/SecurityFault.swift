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
    /// The member put the system's dialog away (`errSecUserCanceled`).
    case cancelled
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
        case errSecUserCanceled: self = .cancelled
        case errSecDecode, errSecAuthFailed, errSecNotAvailable: self = .noPasscode
        case errSecMissingEntitlement: self = .missingEntitlement
        default: self = .other(status)
        }
    }

    /// The error object that key functions give instead of a status. What the biometric's dialog says has numbers of its
    /// own (`LAError`).
    package init(domain: String, code: Int) {
        switch (domain, code) {
        case (NSOSStatusErrorDomain, _): self.init(status: OSStatus(truncatingIfNeeded: code))
        // userCancel, userFallback, systemCancel, appCancel
        case (Self.dialogs, -2), (Self.dialogs, -3), (Self.dialogs, -4), (Self.dialogs, -9): self = .cancelled
        // passcodeNotSet
        case (Self.dialogs, -5): self = .noPasscode
        // biometryNotEnrolled: what the key was made for is gone
        case (Self.dialogs, -7): self = .notFound
        default: self = .other(errSecParam)
        }
    }

    private static let dialogs = "com.apple.LocalAuthentication"

    package static func check(_ status: OSStatus) throws(SecurityFault) {
        if status != 0 { throw SecurityFault(status: status) }
    }

    /// What it means for a use of a key that should be there.
    var ofKey: Twinlock.Ports.Fault {
        switch self {
        case .notFound: .keyLost
        case .noPasscode: .noScreenLock
        case .cancelled: .cancelled
        case .duplicate, .locked, .missingEntitlement, .other: .keyUnavailable
        }
    }

    /// What it means for a use of the biometric's key. Apple says `errSecAuthFailed` for a key whose finger or face has
    /// changed, where it does not say that there is none.
    var ofBiometricKey: Twinlock.Ports.Fault {
        self == .noPasscode ? .keyLost : ofKey
    }
}
