package import Foundation

#if canImport(Security)
    import Security
#endif

/// Blobs as generic passwords of the keychain: on this phone only, in no backup, readable while it is unlocked.
///
/// Not bound to the passcode, as the keys are: after it was removed the phone has to remember that it was enrolled, or
/// it could not say that the key is gone. What lies here is sealed or no secret.
package struct KeychainStore: Twinlock.Ports.Store {
    private let keychain: Twinlock.Keychain
    private let account: String
    private let security: any SecurityFramework

    package init(_ keychain: Twinlock.Keychain, account: String, security: any SecurityFramework) {
        (self.keychain, self.account, self.security) = (keychain, account, security)
    }

    package func read(name: String) throws(Twinlock.Ports.Fault) -> Data? {
        let asked: [String: Any] = [
            kSecReturnData as String: true, kSecMatchLimit as String: kSecMatchLimitOne,
        ]
        do {
            let found = try security.copyMatching(item(name).merging(asked) { _, new in new })
            guard let bytes = found as? Data else { throw SecurityFault.other(errSecParam) }
            return bytes
        } catch SecurityFault.notFound {
            return nil
        } catch {
            throw .storeFailed
        }
    }

    /// One statement of the keychain's database: the old or the new bytes, never a part.
    package func write(name: String, bytes: Data) throws(Twinlock.Ports.Fault) {
        do {
            do {
                try update(name, bytes)
            } catch SecurityFault.notFound {
                try add(name, bytes)
            }
        } catch SecurityFault.duplicate {
            // Somebody else, perhaps an extension, added it between the two.
            do { try update(name, bytes) } catch { throw .storeFailed }
        } catch {
            throw .storeFailed
        }
    }

    package func remove(name: String) throws(Twinlock.Ports.Fault) {
        do {
            try security.delete(item(name))
        } catch .notFound {
        } catch {
            throw .storeFailed
        }
    }

    private func update(_ name: String, _ bytes: Data) throws(SecurityFault) {
        try security.update(item(name), [kSecValueData as String: bytes])
    }

    private func add(_ name: String, _ bytes: Data) throws(SecurityFault) {
        let new: [String: Any] = [
            kSecValueData as String: bytes,
            kSecAttrAccessible as String: kSecAttrAccessibleWhenUnlockedThisDeviceOnly,
        ]
        try security.add(item(name).merging(new) { _, new in new })
    }

    /// The length keeps `a/b` of one account and `b` of the account `a/` apart.
    private func item(_ name: String) -> [String: Any] {
        keychain.query(
            kSecClassGenericPassword,
            [
                kSecAttrService as String: keychain.service,
                kSecAttrAccount as String: "\(account.utf8.count)/\(account)/\(name)",
                kSecAttrSynchronizable as String: false,
            ])
    }
}
