package import Foundation

#if canImport(Security)
    package import Security
#endif

/// The few functions of Apple's Security framework that we call, so that tests can put a stand-in that keeps Apple's
/// rules in their place. Names and meaning are Apple's; a thrown ``SecurityFault`` carries its `OSStatus`.
package protocol SecurityFramework: Sendable {
    /// `SecItemAdd`.
    func add(_ attributes: [String: Any]) throws(SecurityFault)
    /// `SecItemCopyMatching`: data or a key, as `kSecReturnData` or `kSecReturnRef` asks.
    func copyMatching(_ query: [String: Any]) throws(SecurityFault) -> Any?
    /// `SecItemUpdate`.
    func update(_ query: [String: Any], _ attributes: [String: Any]) throws(SecurityFault)
    /// `SecItemDelete`.
    func delete(_ query: [String: Any]) throws(SecurityFault)
    /// `SecAccessControlCreateWithFlags`.
    func accessControl(
        _ protection: String, _ flags: SecAccessControlCreateFlags
    ) throws(SecurityFault) -> SecAccessControl
    /// `SecKeyCreateRandomKey`.
    func createRandomKey(_ attributes: [String: Any]) throws(SecurityFault) -> SecKey
    /// `SecKeyCreateWithData`: somebody else's public key, X9.63.
    func createPublicKey(_ point: Data) throws(SecurityFault) -> SecKey
    /// `SecKeyCopyPublicKey` and `SecKeyCopyExternalRepresentation`: X9.63.
    func copyPublicKey(_ key: SecKey) throws(SecurityFault) -> Data
    /// `SecKeyCreateSignature` with ECDSA over SHA-256 of the message: DER.
    func createSignature(_ key: SecKey, _ message: Data) throws(SecurityFault) -> Data
    /// `SecKeyCopyPublicKey` and `SecKeyCreateEncryptedData` with ECIES (cofactor, variable IV, X9.63, SHA-256,
    /// AES-GCM).
    func createEncryptedData(_ key: SecKey, _ secret: Data) throws(SecurityFault) -> Data
    /// `LAContext` with its `localizedReason`, new and therefore good for one dialog: what
    /// `kSecUseAuthenticationContext` wants. `nil` where there is no LocalAuthentication.
    func authenticationContext(_ reason: String) -> Any?
    /// `SecKeyCreateDecryptedData` with the same; asks the member where the key's access control says so.
    func createDecryptedData(_ key: SecKey, _ sealed: Data) throws(SecurityFault) -> Data
    /// `SecKeyCopyKeyExchangeResult` with plain ECDH: the x coordinate.
    func copyKeyExchangeResult(_ key: SecKey, _ other: SecKey) throws(SecurityFault) -> Data
}

#if !canImport(Security)
    // What the adapters name of the framework, where there is none. The values are Apple's.
    package typealias OSStatus = Int32
    /// A key, whoever holds it.
    package protocol SecKey: AnyObject, Sendable {}
    /// Who may use a key, and when.
    package protocol SecAccessControl: AnyObject, Sendable {}

    /// When a key may be used. The values are Apple's.
    package struct SecAccessControlCreateFlags: OptionSet, Sendable {
        package let rawValue: UInt

        package init(rawValue: UInt) {
            self.rawValue = rawValue
        }

        package static let privateKeyUsage = Self(rawValue: 1 << 30)
        package static let biometryCurrentSet = Self(rawValue: 1 << 3)
    }

    package let errSecUserCanceled: OSStatus = -128
    package let errSecDuplicateItem: OSStatus = -25299
    package let errSecItemNotFound: OSStatus = -25300
    package let errSecInteractionNotAllowed: OSStatus = -25308
    package let errSecAuthFailed: OSStatus = -25293
    package let errSecNotAvailable: OSStatus = -25291
    package let errSecDecode: OSStatus = -26275
    package let errSecMissingEntitlement: OSStatus = -34018
    package let errSecParam: OSStatus = -50

    package let kSecClass = "class"
    package let kSecClassGenericPassword = "genp"
    package let kSecClassKey = "keys"
    package let kSecAttrService = "svce"
    package let kSecAttrAccount = "acct"
    package let kSecAttrLabel = "labl"
    package let kSecAttrAccessGroup = "agrp"
    package let kSecAttrAccessible = "pdmn"
    package let kSecAttrAccessibleWhenUnlockedThisDeviceOnly = "aku"
    package let kSecAttrAccessibleWhenPasscodeSetThisDeviceOnly = "akpu"
    package let kSecAttrAccessControl = "accc"
    package let kSecAttrApplicationTag = "atag"
    package let kSecAttrIsPermanent = "perm"
    package let kSecAttrKeyClass = "kcls"
    package let kSecAttrKeyClassPrivate = "1"
    package let kSecAttrKeySizeInBits = "bsiz"
    package let kSecAttrKeyType = "type"
    package let kSecAttrKeyTypeECSECPrimeRandom = "73"
    package let kSecAttrTokenID = "tkid"
    package let kSecAttrTokenIDSecureEnclave = "com.apple.setoken"
    package let kSecAttrSynchronizable = "sync"
    package let kSecPrivateKeyAttrs = "private"
    package let kSecMatchLimit = "m_Limit"
    package let kSecMatchLimitOne = "m_LimitOne"
    package let kSecReturnData = "r_Data"
    package let kSecReturnRef = "r_Ref"
    package let kSecUseAuthenticationContext = "u_AuthCtx"
    package let kSecUseDataProtectionKeychain = "nleg"
    package let kSecValueData = "v_Data"
#endif
