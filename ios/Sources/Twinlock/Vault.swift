public import Foundation
import TwinlockGlue

extension Twinlock {
    /// Secrets of the app's own, sealed on this phone under the PIN. A cache: put nothing in it that cannot be fetched
    /// again, because a forgotten PIN, a lost key and a revoked phone wipe it.
    public struct Vault: Sendable {
        let engine: TwinlockGlue.Engine

        /// Keeps a secret.
        /// - Parameters:
        ///   - secret: At most 64 KiB. Overwritten and emptied before the call returns, also when it fails.
        ///   - name: 1 to 64 printable ASCII characters; replaces what has this name. At most 256 names.
        /// - Throws: ``TwinlockError/stepRequired(_:)`` (TL-5009) before the PIN, ``TwinlockError/misuse(_:)`` (TL-4007,
        ///   TL-4008) beyond these bounds, ``TwinlockError/retry(_:)`` (TL-5001) if the storage failed.
        public func put(_ secret: inout Data, for name: String) async throws(TwinlockError) {
            defer { secret.wipe() }
            do {
                try engine.vaultPut(name: name, secret: secret)
            } catch {
                throw TwinlockError(error)
            }
        }

        /// The secret of this name, or `nil`. Overwrite it after use.
        /// - Throws: ``TwinlockError/stepRequired(_:)`` (TL-5009) before the PIN.
        public func get(_ name: String) async throws(TwinlockError) -> Data? {
            do {
                return try engine.vaultItem(name: name)
            } catch {
                throw TwinlockError(error)
            }
        }
    }
}
