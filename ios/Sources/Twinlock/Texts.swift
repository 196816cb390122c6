import Foundation

/// The texts of errors and steps, in the languages of `Resources`.
enum Texts {
    /// The key of what Touch ID's dialog says; Face ID's shows the app's own `NSFaceIDUsageDescription`.
    static let biometricReason = "twinlock_biometric_reason"

    /// The text of `key` in the app's language. A key without a text is a fault of ours; the member then sees the key.
    static func text(_ key: String) -> String {
        Bundle.module.localizedString(forKey: key, value: nil, table: nil)
    }
}
