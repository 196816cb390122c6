import Foundation

/// The texts of errors and steps, in the languages of `Resources`.
enum Texts {
    /// The text of `key` in the app's language. A key without a text is a fault of ours; the member then sees the key.
    static func text(_ key: String) -> String {
        Bundle.module.localizedString(forKey: key, value: nil, table: nil)
    }
}
