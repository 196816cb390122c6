public import Foundation

#if canImport(Security)
    import Security
#endif

extension Twinlock {
    /// Where in the keychain Twinlock keeps its items.
    public struct Keychain: Sendable, Equatable {
        /// Marks our items; nothing else is ever read or deleted. Extensions that share the items with the app say the
        /// same.
        public var service: String
        /// The access group that the app shares with its extensions, with the team's prefix; `nil` for the app's own.
        public var accessGroup: String?
        /// A folder that is deleted together with the app, for the mark that tells a first launch from a later one.
        /// Where
        /// extensions share the items it lies in the app group's container.
        public var folder: URL

        /// See the properties. By default the items belong to this app alone.
        public init(
            service: String = "dev.twinlock." + (Bundle.main.bundleIdentifier ?? "app"),
            accessGroup: String? = nil,
            folder: URL = URL(fileURLWithPath: NSHomeDirectory() + "/Library/Application Support", isDirectory: true)
        ) {
            (self.service, self.accessGroup, self.folder) = (service, accessGroup, folder)
        }

        /// What every query says: our marks, and nothing that a synchronised keychain would bring.
        func query(_ itemClass: some Any, _ more: [String: Any] = [:]) -> [String: Any] {
            var query: [String: Any] = [
                kSecClass as String: itemClass,
                kSecUseDataProtectionKeychain as String: true,
            ]
            query[kSecAttrAccessGroup as String] = accessGroup
            return query.merging(more) { _, new in new }
        }
    }
}

extension Twinlock.Keychain {
    /// Items outlive the app that made them: on the first launch after an installation those left behind are deleted,
    /// so
    /// that they never count as a PIN. Only ours are: what carries our service, or our label on keys.
    ///
    /// Fails, and deletes nothing, if it cannot be told whether this is the first launch.
    package func wipeLeftovers(_ security: any SecurityFramework) throws(Twinlock.Ports.Fault) {
        let mark = folder.appendingPathComponent("\(service).installed", isDirectory: false)
        if try isThere(mark) { return }
        let leftovers = [
            query(kSecClassGenericPassword, [kSecAttrService as String: service]),
            query(kSecClassKey, [kSecAttrLabel as String: service]),
        ]
        for items in leftovers {
            do {
                try security.delete(items)
            } catch .notFound {
            } catch {
                throw .storeFailed
            }
        }
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try Data().write(to: mark, options: .readableWhileLocked)
        } catch {
            throw .storeFailed
        }
    }

    /// "Cannot be read" is not "not there": iOS may start an app before the first unlock.
    private func isThere(_ mark: URL) throws(Twinlock.Ports.Fault) -> Bool {
        var status = stat()
        if lstat(mark.path, &status) == 0 { return true }
        guard errno == ENOENT else { throw .storeFailed }
        return false
    }
}

extension Data.WritingOptions {
    /// Holds nothing, so it need not be protected; protected it would look missing before the first unlock.
    fileprivate static var readableWhileLocked: Self {
        #if canImport(Darwin)
            [.atomic, .noFileProtection]
        #else
            .atomic
        #endif
    }
}
