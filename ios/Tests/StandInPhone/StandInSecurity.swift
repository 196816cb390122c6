package import Foundation
package import Twinlock

/// Apple's Security framework as its documentation describes it, in memory: for machines that have none.
///
/// Enforced are the rules that our adapters depend on: accessibility classes, the passcode, access groups, primary
/// keys,
/// what the Secure Enclave makes and refuses. Every class we use needs an unlocked phone, so that is all there is. A
/// query
/// that Apple would refuse is refused here with the same status.
package final class StandInSecurity: SecurityFramework, @unchecked Sendable {
    private let lock = NSLock()
    private var phone = Phone()
    private var items: [Item] = []
    private var calls = 0
    private var fault: (from: Int, status: OSStatus)?

    private struct Phone {
        var hasPasscode = true
        var isLocked = false
        var enclaveAnswers = true
        /// Which fingers or face there are, by a number that no other set ever had; `nil` for none.
        var biometrics: Int? = 1
        var setsOfBiometrics = 1
        /// Whether a key for those that were there before is found and then refused, or not found at all.
        var isLostKeyFound = false
        /// What the member does at the dialog, and what it said, each time.
        var isDialogCancelled = false
        var dialogs: [String] = []
        /// The app's own group first: it is where items go that name none.
        var groups: [String] = []
    }

    struct Item {
        var attributes: [String: Any]
        var key: EnclaveKey?
        /// For a key of `biometryCurrentSet`: what there was when it was made.
        var biometrics: Int?
        /// What the dialog says when the key is used that was found last.
        var reason: String?

        func text(_ name: String) -> String? { attributes[name] as? String }
        var accessible: String { text(kSecAttrAccessible) ?? "ak" }

        /// What makes an item the same one: for keys also the public half, so that one tag may stand on many.
        func isSame(as other: Item) -> Bool {
            let names = [kSecClass, kSecAttrAccessGroup, kSecAttrService, kSecAttrAccount]
            return key === other.key && names.allSatisfy { text($0) == other.text($0) }
        }
    }

    /// A phone with a passcode, unlocked, and an app with these access groups.
    package init(groups: [String] = ["TEAM.app"]) {
        phone.groups = groups
    }
}

// MARK: - What happens to a phone

extension StandInSecurity {
    /// The same phone, for a test that does something to it.
    package convenience init(copyOf other: StandInSecurity) {
        let (phone, items) = other.lock.withLock { (other.phone, other.items) }
        self.init(groups: phone.groups)
        (self.phone, self.items) = (phone, items)
    }

    /// A backup is restored on a new phone: what is kept "this device only" is not in it.
    package func moveToNewPhone() {
        lock.withLock { items.removeAll { $0.accessible.hasSuffix("u") } }
    }
}

extension StandInSecurity {
    /// The member locks the phone; without a passcode nothing is locked.
    package func lockPhone() { lock.withLock { phone.isLocked = phone.hasPasscode } }

    /// The member unlocks the phone.
    package func unlockPhone() { lock.withLock { phone.isLocked = false } }

    /// The member sets a passcode.
    package func setPasscode() { lock.withLock { phone.hasPasscode = true } }

    /// The member removes the passcode: the system deletes what was kept only under one.
    package func removePasscode() {
        lock.withLock {
            (phone.hasPasscode, phone.isLocked) = (false, false)
            items.removeAll { $0.accessible == kSecAttrAccessibleWhenPasscodeSetThisDeviceOnly }
        }
    }

    /// The member adds a finger or face: what was made for those before is for nobody any more. Apple says so at the
    /// search for the key or only at its use; `isKeyFound` is the second.
    package func addFinger(isKeyFound: Bool = false) {
        lock.withLock {
            phone.isLostKeyFound = isKeyFound
            phone.setsOfBiometrics += 1
            phone.biometrics = phone.setsOfBiometrics
        }
    }

    /// The member removes all fingers and faces.
    package func removeBiometrics() { lock.withLock { phone.biometrics = nil } }

    /// The member puts the biometric's dialog away from now on, or does not.
    package func setDialog(cancelled: Bool) { lock.withLock { phone.isDialogCancelled = cancelled } }

    /// What the system's dialog for a biometric said, once for each time that it was shown.
    package var dialogs: [String] { lock.withLock { phone.dialogs } }

    /// The Secure Enclave stops answering, or answers again.
    package func setEnclave(answers: Bool) { lock.withLock { phone.enclaveAnswers = answers } }

    /// Another app runs on the same phone.
    package func run(appWithGroups groups: [String]) { lock.withLock { phone.groups = groups } }

    /// The `nth` call from now (1 is the next) and every later one fail with `status`, until ``repair()``.
    package func fail(from nth: Int, status: OSStatus) { lock.withLock { fault = (calls + nth, status) } }

    /// Whatever ``fail(from:status:)`` broke works again.
    package func repair() { lock.withLock { fault = nil } }

    /// Calls so far.
    package var callCount: Int { lock.withLock { calls } }

    /// The items there are, as their class and the account or tag.
    package var contents: [String] {
        lock.withLock {
            items.map { item in
                let tag = (item.attributes[kSecAttrApplicationTag] as? Data).map { String(decoding: $0, as: UTF8.self) }
                return (item.text(kSecClass) ?? "?") + " " + (tag ?? item.text(kSecAttrAccount) ?? "?")
            }.sorted()
        }
    }

    /// Every attribute of every item, for tests that look how something is kept.
    package func attributes(_ name: String) -> [String] {
        lock.withLock { items.map { "\($0.attributes[name] ?? "none")" } }
    }
}

// MARK: - Items

extension StandInSecurity {
    package func add(_ attributes: [String: Any]) throws(SecurityFault) {
        try called { () throws(SecurityFault) in try insert(Item(attributes: attributes)) }
    }

    package func copyMatching(_ query: [String: Any]) throws(SecurityFault) -> Any? {
        try called { () throws(SecurityFault) -> Any? in
            guard let index = try matches(query).first else { throw refused(errSecItemNotFound) }
            let item = items[index]
            if phone.isLocked { throw refused(errSecInteractionNotAllowed) }
            if isForNobody(item), !phone.isLostKeyFound { throw refused(errSecItemNotFound) }
            if query[kSecReturnRef] as? Bool == true {
                items[index].reason = (query[kSecUseAuthenticationContext] as? AuthenticationContext)?.reason
                return item.key
            }
            // What the enclave made never leaves it.
            guard query[kSecReturnData] as? Bool == true, item.key == nil else { throw refused(errSecParam) }
            return item.attributes[kSecValueData]
        }
    }

    package func update(_ query: [String: Any], _ attributes: [String: Any]) throws(SecurityFault) {
        try called { () throws(SecurityFault) in
            let found = try matches(query)
            if found.isEmpty { throw refused(errSecItemNotFound) }
            for index in found {
                if phone.isLocked { throw refused(errSecInteractionNotAllowed) }
                items[index].attributes.merge(attributes) { _, new in new }
            }
        }
    }

    /// Works on a locked phone too, as Apple's does.
    package func delete(_ query: [String: Any]) throws(SecurityFault) {
        try called { () throws(SecurityFault) in
            let found = try matches(query)
            if found.isEmpty { throw refused(errSecItemNotFound) }
            for index in found.reversed() { items.remove(at: index) }
        }
    }

    private func insert(_ item: Item) throws(SecurityFault) {
        var item = item
        guard item.text(kSecClass) != nil, item.attributes[kSecUseDataProtectionKeychain] as? Bool == true else {
            throw refused(errSecParam)
        }
        let group = item.text(kSecAttrAccessGroup) ?? phone.groups.first ?? ""
        try entitled(group)
        item.attributes[kSecAttrAccessGroup] = group
        if let control = item.attributes[kSecAttrAccessControl] {
            guard let control = control as? AccessControl, item.attributes[kSecAttrAccessible] == nil else {
                throw refused(errSecParam)
            }
            item.attributes[kSecAttrAccessible] = control.protection
            if control.flags.contains(.biometryCurrentSet) {
                guard let biometrics = phone.biometrics else { throw refused(errSecAuthFailed) }
                item.biometrics = biometrics
            }
        }
        if item.attributes[kSecAttrSynchronizable] as? Bool == true, item.accessible.hasSuffix("u") {
            throw refused(errSecParam)
        }
        if item.accessible == kSecAttrAccessibleWhenPasscodeSetThisDeviceOnly, !phone.hasPasscode {
            throw refused(errSecAuthFailed)
        }
        if phone.isLocked { throw refused(errSecInteractionNotAllowed) }
        if items.contains(where: { $0.isSame(as: item) }) { throw refused(errSecDuplicateItem) }
        items.append(item)
    }

    /// Positions, oldest first. A query without a group looks in all groups of the app, and in no other.
    private func matches(_ query: [String: Any]) throws(SecurityFault) -> [Int] {
        guard query[kSecClass] is String else { throw refused(errSecParam) }
        if let group = query[kSecAttrAccessGroup] as? String { try entitled(group) }
        let wanted = query.filter { name, _ in Self.searchable.contains(name) }
        return items.indices.filter { index in
            phone.groups.contains(items[index].text(kSecAttrAccessGroup) ?? "")
                && wanted.allSatisfy { name, value in
                    "\(items[index].attributes[name] ?? Self.absent(name))" == "\(value)"
                        && (items[index].attributes[name] as? Data) == (value as? Data)
                }
        }
    }

    private static let searchable: Set<String> = [
        kSecClass, kSecAttrService, kSecAttrAccount, kSecAttrLabel, kSecAttrAccessGroup, kSecAttrApplicationTag,
        kSecAttrKeyClass, kSecAttrSynchronizable,
    ]

    private static func absent(_ name: String) -> Any {
        name == kSecAttrSynchronizable ? false : "none"
    }

    private func entitled(_ group: String) throws(SecurityFault) {
        if !phone.groups.contains(group) { throw refused(errSecMissingEntitlement) }
    }
}

// MARK: - Keys

extension StandInSecurity {
    package func accessControl(
        _ protection: String, _ flags: SecAccessControlCreateFlags
    ) throws(SecurityFault) -> SecAccessControl {
        AccessControl(protection: protection, flags: flags)
    }

    package func createRandomKey(_ attributes: [String: Any]) throws(SecurityFault) -> SecKey {
        try called { () throws(SecurityFault) -> SecKey in
            guard phone.enclaveAnswers else { throw refused(StandInSecurity.unimplemented) }
            guard attributes[kSecAttrKeyType] as? String == kSecAttrKeyTypeECSECPrimeRandom,
                attributes[kSecAttrKeySizeInBits] as? Int == 256,
                attributes[kSecAttrTokenID] as? String == kSecAttrTokenIDSecureEnclave,
                let privateKey = attributes[kSecPrivateKeyAttrs] as? [String: Any],
                privateKey[kSecAttrIsPermanent] as? Bool == true, privateKey[kSecAttrAccessControl] != nil
            else { throw refused(errSecParam) }
            let key = try EnclaveKey.generate()
            let shared = attributes.filter { name, _ in name != kSecPrivateKeyAttrs }
            var item = shared.merging(privateKey) { _, own in own }
            item[kSecClass] = kSecClassKey
            item[kSecAttrKeyClass] = kSecAttrKeyClassPrivate
            try insert(Item(attributes: item, key: key))
            return key
        }
    }

    package func createPublicKey(_ point: Data) throws(SecurityFault) -> SecKey {
        try called { () throws(SecurityFault) -> SecKey in
            guard point.count == 65, point.first == 0x04 else { throw refused(errSecParam) }
            return PublicKey(point: point)
        }
    }

    package func copyPublicKey(_ key: SecKey) throws(SecurityFault) -> Data {
        try called { () throws(SecurityFault) -> Data in
            guard let key = key as? EnclaveKey else { throw refused(errSecParam) }
            return key.point
        }
    }

    package func createSignature(_ key: SecKey, _ message: Data) throws(SecurityFault) -> Data {
        try usable(key) { key throws(SecurityFault) in try key.signature(message) }
    }

    package func copyKeyExchangeResult(_ key: SecKey, _ other: SecKey) throws(SecurityFault) -> Data {
        try usable(key) { key throws(SecurityFault) in
            guard let other = other as? PublicKey else { throw refused(errSecParam) }
            return try key.agreement(other.point)
        }
    }

    /// The public half asks nobody.
    package func createEncryptedData(_ key: SecKey, _ secret: Data) throws(SecurityFault) -> Data {
        try called { () throws(SecurityFault) -> Data in
            guard let key = key as? EnclaveKey else { throw refused(errSecParam) }
            return try key.sealed(secret)
        }
    }

    package func authenticationContext(_ reason: String) -> Any? { AuthenticationContext(reason: reason) }

    package func createDecryptedData(_ key: SecKey, _ sealed: Data) throws(SecurityFault) -> Data {
        try usable(key) { key throws(SecurityFault) in try key.opened(sealed) }
    }

    private func isForNobody(_ item: Item) -> Bool {
        item.biometrics.map { $0 != phone.biometrics } ?? false
    }

    private func usable(
        _ key: SecKey, _ use: (EnclaveKey) throws(SecurityFault) -> Data
    ) throws(SecurityFault) -> Data {
        try called { () throws(SecurityFault) -> Data in
            guard phone.enclaveAnswers else { throw refused(StandInSecurity.unimplemented) }
            if phone.isLocked { throw refused(errSecInteractionNotAllowed) }
            guard let key = key as? EnclaveKey else { throw refused(errSecParam) }
            if let item = items.first(where: { $0.key === key }), item.biometrics != nil {
                if isForNobody(item) { throw refused(errSecAuthFailed) }
                phone.dialogs.append(item.reason ?? "the system's own words")
                if phone.isDialogCancelled { throw refused(errSecUserCanceled) }
            }
            return try use(key)
        }
    }

    /// `errSecUnimplemented`: what there is without an enclave.
    private static let unimplemented: OSStatus = -4

    /// One call at a time, counted, and refused when a fault was set for it.
    private func called<Answer>(_ call: () throws(SecurityFault) -> Answer) throws(SecurityFault) -> Answer {
        lock.lock()
        defer { lock.unlock() }
        calls += 1
        if let fault, calls >= fault.from { throw refused(fault.status) }
        return try call()
    }

    private func refused(_ status: OSStatus) -> SecurityFault { SecurityFault(status: status) }
}
