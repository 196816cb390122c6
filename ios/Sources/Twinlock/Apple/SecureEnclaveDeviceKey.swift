package import Foundation

#if canImport(Security)
    import Security
#endif

/// Device key and PIN key in the Secure Enclave, which makes them and never lets them out.
///
/// Both exist only while the phone has a passcode and can be used only while it is unlocked. Without a passcode
/// ``generate(account:)`` is refused; when the passcode is removed later, the system deletes them.
///
/// A third key is made for a biometric, at each seal anew. Its public half seals without asking; its private half opens
/// only for the fingers and faces there were when it was made, because the enclave says so, not this code.
package struct SecureEnclaveDeviceKey: Twinlock.Ports.DeviceKey {
    /// The enclave's keys can sign and agree; we use one key for one purpose.
    private enum Purpose: String, CaseIterable {
        case sign, bind
        /// Opens what was sealed for a biometric, and for nothing but one that was there when the key was made.
        case release
    }

    private let keychain: Twinlock.Keychain
    private let security: any SecurityFramework

    package init(_ keychain: Twinlock.Keychain, security: any SecurityFramework) {
        (self.keychain, self.security) = (keychain, security)
    }

    package func generate(account: String) throws(Twinlock.Ports.Fault) -> Data {
        try delete(account: account)
        do {
            let deviceKey = try create(account, .sign)
            _ = try create(account, .bind)
            return try SubjectPublicKeyInfo.der(point: try security.copyPublicKey(deviceKey))
        } catch {
            // Half a pair is none.
            try delete(account: account)
            throw error.ofKey
        }
    }

    package func sign(account: String, message: Data) throws(Twinlock.Ports.Fault) -> Data {
        try used { () throws(SecurityFault) in
            try EcdsaSignature.fixed(der: try security.createSignature(try key(account, .sign), message))
        }
    }

    package func pinKeyKind(account: String) throws(Twinlock.Ports.Fault) -> Twinlock.Ports.PinKeyKind {
        _ = try used { () throws(SecurityFault) in try key(account, .bind) }
        return .agreement
    }

    package func bindGuess(account: String, guess: Data) throws(Twinlock.Ports.Fault) -> Data {
        try used { () throws(SecurityFault) in
            let own = try key(account, .bind)
            return try security.copyKeyExchangeResult(own, try security.createPublicKey(guess))
        }
    }

    package func sealForBiometric(account: String, secret: Data) throws(Twinlock.Ports.Fault) -> Data {
        try delete(account, .release)
        do {
            return try security.createEncryptedData(try create(account, .release), secret)
        } catch {
            throw error.ofBiometricKey
        }
    }

    package func openByBiometric(account: String, sealed: Data) throws(Twinlock.Ports.Fault) -> Data {
        do {
            let context = security.authenticationContext(Texts.text(Texts.biometricReason))
            return try security.createDecryptedData(try key(account, .release, context), sealed)
        } catch {
            throw error.ofBiometricKey
        }
    }

    package func delete(account: String) throws(Twinlock.Ports.Fault) {
        for purpose in Purpose.allCases { try delete(account, purpose) }
    }

    private func delete(_ account: String, _ purpose: Purpose) throws(Twinlock.Ports.Fault) {
        do {
            try security.delete(item(account, purpose))
        } catch .notFound {
        } catch {
            throw .keyUnavailable
        }
    }

    package func level(account: String) throws(Twinlock.Ports.Fault) -> Twinlock.Ports.KeyLevel {
        for purpose in [Purpose.sign, .bind] {
            _ = try used { () throws(SecurityFault) in try key(account, purpose) }
        }
        return .secureElement
    }

    private func create(_ account: String, _ purpose: Purpose) throws(SecurityFault) -> SecKey {
        let protection = kSecAttrAccessibleWhenPasscodeSetThisDeviceOnly as String
        let flags: SecAccessControlCreateFlags =
            purpose == .release ? [.privateKeyUsage, .biometryCurrentSet] : .privateKeyUsage
        let privateKey: [String: Any] = [
            kSecAttrIsPermanent as String: true,
            kSecAttrApplicationTag as String: tag(account, purpose),
            kSecAttrLabel as String: keychain.service,
            kSecAttrAccessControl as String: try security.accessControl(protection, flags),
        ]
        var attributes: [String: Any] = [
            kSecAttrKeyType as String: kSecAttrKeyTypeECSECPrimeRandom,
            kSecAttrKeySizeInBits as String: 256,
            kSecAttrTokenID as String: kSecAttrTokenIDSecureEnclave,
            kSecAttrLabel as String: keychain.service,
            kSecPrivateKeyAttrs as String: privateKey,
            kSecUseDataProtectionKeychain as String: true,
        ]
        attributes[kSecAttrAccessGroup as String] = keychain.accessGroup
        return try security.createRandomKey(attributes)
    }

    /// - Parameter context: What the system's dialog says when the key is used, for one that asks.
    private func key(
        _ account: String, _ purpose: Purpose, _ context: Any? = nil
    ) throws(SecurityFault) -> SecKey {
        var asked: [String: Any] = [kSecReturnRef as String: true, kSecMatchLimit as String: kSecMatchLimitOne]
        asked[kSecUseAuthenticationContext as String] = context
        let found = try security.copyMatching(item(account, purpose).merging(asked) { _, new in new })
        guard let key = found.flatMap(asKey) else { throw .other(errSecParam) }
        return key
    }

    private func item(_ account: String, _ purpose: Purpose) -> [String: Any] {
        keychain.query(
            kSecClassKey,
            [
                kSecAttrApplicationTag as String: tag(account, purpose),
                kSecAttrKeyClass as String: kSecAttrKeyClassPrivate,
            ])
    }

    private func tag(_ account: String, _ purpose: Purpose) -> Data {
        Data("\(keychain.service)/\(purpose.rawValue)/\(account)".utf8)
    }

    private func used<Answer>(
        _ use: () throws(SecurityFault) -> Answer
    ) throws(Twinlock.Ports.Fault) -> Answer {
        do {
            return try use()
        } catch {
            throw error.ofKey
        }
    }
}

/// A class of Core Foundation cannot be cast to conditionally; its type id says what it is.
private func asKey(_ found: Any) -> SecKey? {
    #if canImport(Security)
        let found = found as CFTypeRef
        guard CFGetTypeID(found) == SecKeyGetTypeID() else { return nil }
        return unsafeDowncast(found, to: SecKey.self)
    #else
        return found as? SecKey
    #endif
}
