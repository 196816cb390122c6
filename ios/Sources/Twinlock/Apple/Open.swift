#if canImport(Security)
    extension Twinlock {
        /// Opens with keys in the Secure Enclave and storage in the keychain.
        ///
        /// On the first launch after an installation, what an earlier installation left in the keychain is deleted.
        /// - Parameters:
        ///   - configuration: What the app says of itself and of its portal.
        ///   - keychain: Where the items lie; by default they belong to this app alone.
        /// - Throws: What ``open(_:ports:)`` throws; ``TwinlockError/retry(_:)`` (TL-5001) before the first unlock of
        /// the
        ///   phone.
        public static func open(
            _ configuration: Configuration, keychain: Keychain = Keychain()
        ) async throws(TwinlockError) -> Twinlock {
            let ports: Ports
            do {
                ports = try Ports(keychain: keychain, account: configuration.account, security: SystemSecurity())
            } catch {
                throw .retry(.storeFailed)
            }
            return try await open(configuration, ports: ports)
        }
    }
#endif

extension Twinlock.Ports {
    /// The ports of an Apple device over its Security framework, after what an earlier installation left was wiped.
    package init(
        keychain: Twinlock.Keychain, account: String, security: any SecurityFramework
    ) throws(Fault) {
        try keychain.wipeLeftovers(security)
        self.init(
            deviceKey: SecureEnclaveDeviceKey(keychain, security: security),
            store: KeychainStore(keychain, account: account, security: security)
        )
    }
}
