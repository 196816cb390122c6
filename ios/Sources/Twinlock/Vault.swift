public import Foundation
import TwinlockGlue

extension Twinlock {
    /// Secrets of the app's own, sealed on this phone under the PIN. A cache: put nothing in it that cannot be fetched
    /// again, because a forgotten PIN, a lost key and a revoked phone wipe it.
    ///
    /// Changes made at the same time are stored one after the other. What failed changed nothing.
    public struct Vault: Sendable {
        let twinlock: Twinlock

        /// Keeps a secret.
        /// - Parameters:
        ///   - secret: At most 64 KiB. Overwritten and emptied before the call returns, also when it fails.
        ///   - name: 1 to 64 printable ASCII characters; replaces what has this name. At most 256 names.
        /// - Throws: ``TwinlockError/stepRequired(_:)`` (TL-5009) before the PIN, ``TwinlockError/misuse(_:)``
        /// (TL-4007,
        ///   TL-4008) beyond these bounds, ``TwinlockError/retry(_:)`` (TL-5001) if the storage failed.
        public func put(_ secret: inout Data, for name: String) async throws(TwinlockError) {
            try await twinlock.keep(&secret, for: name)
        }

        /// The secret of this name, or `nil`. Overwrite it after use.
        /// - Throws: ``TwinlockError/stepRequired(_:)`` (TL-5009) before the PIN.
        public func get(_ name: String) async throws(TwinlockError) -> Data? {
            try await twinlock.inTurn { engine in try engine.vaultItem(name: name) }
        }

        /// Removes a secret.
        /// - Returns: Whether there was one of this name.
        /// - Throws: What ``put(_:for:)`` throws.
        @discardableResult
        public func remove(_ name: String) async throws(TwinlockError) -> Bool {
            try await twinlock.inTurn { engine in try engine.vaultRemove(name: name) }
        }
    }
}
