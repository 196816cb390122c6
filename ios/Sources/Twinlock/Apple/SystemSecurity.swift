#if canImport(Security)
    import Foundation
    import Security

    #if canImport(LocalAuthentication)
        import LocalAuthentication
    #endif

    /// The real framework: one call each. Written by Apple's documentation; no machine of ours has compiled it yet
    /// (docs/verified.md).
    struct SystemSecurity: SecurityFramework {
        func add(_ attributes: [String: Any]) throws(SecurityFault) {
            try SecurityFault.check(SecItemAdd(attributes as CFDictionary, nil))
        }

        func copyMatching(_ query: [String: Any]) throws(SecurityFault) -> Any? {
            var found: CFTypeRef?
            try SecurityFault.check(SecItemCopyMatching(query as CFDictionary, &found))
            return found
        }

        func update(_ query: [String: Any], _ attributes: [String: Any]) throws(SecurityFault) {
            try SecurityFault.check(SecItemUpdate(query as CFDictionary, attributes as CFDictionary))
        }

        func delete(_ query: [String: Any]) throws(SecurityFault) {
            try SecurityFault.check(SecItemDelete(query as CFDictionary))
        }

        func accessControl(
            _ protection: String, _ flags: SecAccessControlCreateFlags
        ) throws(SecurityFault) -> SecAccessControl {
            try copied { SecAccessControlCreateWithFlags(nil, protection as CFString, flags, $0) }
        }

        func createRandomKey(_ attributes: [String: Any]) throws(SecurityFault) -> SecKey {
            try copied { SecKeyCreateRandomKey(attributes as CFDictionary, $0) }
        }

        func createPublicKey(_ point: Data) throws(SecurityFault) -> SecKey {
            let attributes: [CFString: Any] = [
                kSecAttrKeyType: kSecAttrKeyTypeECSECPrimeRandom, kSecAttrKeyClass: kSecAttrKeyClassPublic,
            ]
            return try copied { SecKeyCreateWithData(point as CFData, attributes as CFDictionary, $0) }
        }

        func copyPublicKey(_ key: SecKey) throws(SecurityFault) -> Data {
            guard let publicKey = SecKeyCopyPublicKey(key) else { throw SecurityFault(status: errSecParam) }
            let point: CFData = try copied { SecKeyCopyExternalRepresentation(publicKey, $0) }
            return point as Data
        }

        func createSignature(_ key: SecKey, _ message: Data) throws(SecurityFault) -> Data {
            let der: CFData = try copied {
                SecKeyCreateSignature(key, .ecdsaSignatureMessageX962SHA256, message as CFData, $0)
            }
            return der as Data
        }

        func createEncryptedData(_ key: SecKey, _ secret: Data) throws(SecurityFault) -> Data {
            guard let publicKey = SecKeyCopyPublicKey(key) else { throw SecurityFault(status: errSecParam) }
            let sealed: CFData = try copied { SecKeyCreateEncryptedData(publicKey, Self.ecies, secret as CFData, $0) }
            return sealed as Data
        }

        func authenticationContext(_ reason: String) -> Any? {
            #if canImport(LocalAuthentication)
                let context = LAContext()
                context.localizedReason = reason
                return context
            #else
                return nil
            #endif
        }

        func createDecryptedData(_ key: SecKey, _ sealed: Data) throws(SecurityFault) -> Data {
            let secret: CFData = try copied { SecKeyCreateDecryptedData(key, Self.ecies, sealed as CFData, $0) }
            return secret as Data
        }

        private static let ecies = SecKeyAlgorithm.eciesEncryptionCofactorVariableIVX963SHA256AESGCM

        func copyKeyExchangeResult(_ key: SecKey, _ other: SecKey) throws(SecurityFault) -> Data {
            let none = [:] as CFDictionary
            let coordinate: CFData = try copied {
                SecKeyCopyKeyExchangeResult(key, .ecdhKeyExchangeStandard, other, none, $0)
            }
            return coordinate as Data
        }

        private func copied<Answer>(
            _ call: (UnsafeMutablePointer<Unmanaged<CFError>?>) -> Answer?
        ) throws(SecurityFault) -> Answer {
            var error: Unmanaged<CFError>?
            if let answer = call(&error) { return answer }
            guard let failed = error?.takeRetainedValue() else { throw SecurityFault(status: errSecParam) }
            let told = failed as any Error as NSError
            throw SecurityFault(domain: told.domain, code: told.code)
        }
    }
#endif
