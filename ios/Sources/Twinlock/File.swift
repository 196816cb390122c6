public import Foundation
import TwinlockGlue

extension Twinlock {
    /// One file of the organisation.
    public struct File: Sendable, Equatable, Identifiable {
        /// Names it in ``Twinlock/download(id:)``.
        public let id: String
        /// File name, as whoever added it wrote it: escape it, and never use it as a path.
        public let name: String
        /// Bytes.
        public let size: UInt64
        /// Last change, by the portal's clock.
        public let modified: Date
        /// SHA-256 of the content, 64 hexadecimal digits.
        public let sha256: String

        init(_ file: TwinlockGlue.FileEntry) {
            (id, name, size, sha256) = (file.id, file.name, file.size, file.sha256)
            modified = Date(epochMs: file.modifiedMs)
        }
    }
}
