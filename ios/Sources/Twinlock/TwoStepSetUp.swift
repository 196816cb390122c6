public import Foundation
import TwinlockGlue

extension Twinlock {
    /// What an authenticator app needs, shown this one time. Keep it in no log, no pasteboard and no state that is
    /// saved.
    public struct TwoStepSetUp: Sendable, Equatable {
        /// `otpauth://` URI, for a QR code or a link into an authenticator app on this phone.
        public let uri: String
        /// The same key for typing, base32 in groups of four.
        public let key: String
        /// Void from then on, by the portal's clock.
        public let expires: Date

        init(_ setUp: TwinlockGlue.TwoStepSetUp) {
            (uri, key, expires) = (setUp.uri, setUp.key, Date(epochMs: setUp.expiresMs))
        }
    }
}

extension Twinlock.TwoStepSetUp: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Without the secret.
    public var description: String { "TwoStepSetUp(expires: \(expires))" }
    /// Without the secret.
    public var debugDescription: String { description }
    /// Without the secret: `dump` and crash reporters look here.
    public var customMirror: Mirror { Mirror(self, children: ["expires": expires]) }
}
