public import Foundation

extension Twinlock {
    /// What Twinlock asks of the phone. Apps use ``Twinlock/open(_:keychain:)``; tests and other platforms bring
    /// their own.
    ///
    /// All methods are synchronous and may be called from any thread, also at the same time. No lock is held meanwhile,
    /// so that a port may call back into ``Twinlock``. A port holds no reference to the ``Twinlock`` that uses it.
    public struct Ports: Sendable {
        /// Keys in hardware.
        public let deviceKey: any DeviceKey
        /// Small blobs.
        public let store: any Store
        /// Clocks.
        public let clock: any Clock

        /// See the properties.
        public init(deviceKey: any DeviceKey, store: any Store, clock: any Clock = SystemClock()) {
            (self.deviceKey, self.store, self.clock) = (deviceKey, store, clock)
        }
    }
}

extension Twinlock.Ports {
    /// Holds the device key (P-256, signs) and the PIN key, named per account.
    public protocol DeviceKey: Sendable {
        /// Makes both keys, replacing any of that name.
        /// - Returns: The device key's public half, DER SubjectPublicKeyInfo (RFC 5480).
        func generate(account: String) throws(Fault) -> Data

        /// Signs SHA-256(`message`) with the device key.
        /// - Returns: ECDSA P-256 as 64 bytes r ‖ s.
        func sign(account: String, message: Data) throws(Fault) -> Data

        /// What the PIN key computes; the same for as long as the key lives.
        func pinKeyKind(account: String) throws(Fault) -> PinKeyKind

        /// One use of the PIN key.
        /// - Parameter guess: For ``PinKeyKind/agreement`` a point of P-256 as 65 bytes `04 | x | y` (X9.63), for
        ///   ``PinKeyKind/mac`` any bytes.
        /// - Returns: 32 bytes: the x coordinate of the agreement (NIST SP 800-56A §5.7.1.2), or HMAC-SHA-256 (RFC
        /// 2104).
        func bindGuess(account: String, guess: Data) throws(Fault) -> Data

        /// Seals 32 bytes under a further key that only this phone's owner opens, with a biometric, and that the system
        /// invalidates when a finger or face is added; makes that key anew. Asks nobody.
        ///
        /// ``Fault/keyLost`` where there is no such hardware.
        func sealForBiometric(account: String, secret: Data) throws(Fault) -> Data

        /// Asks for the biometric, waits for the member, and opens what ``sealForBiometric(account:secret:)`` sealed. Called
        /// on a thread that may wait.
        ///
        /// ``Fault/keyLost`` if the system invalidated the key, ``Fault/cancelled`` if the member put the dialog away,
        /// ``Fault/keyUnavailable`` if the system refuses for now.
        func openByBiometric(account: String, sealed: Data) throws(Fault) -> Data

        /// Deletes all keys. Not an error if there are none.
        func delete(account: String) throws(Fault)

        /// How hard the keys are held; ``Fault/keyLost`` if there are none.
        func level(account: String) throws(Fault) -> KeyLevel
    }

    /// Small named blobs of one account, on this phone only and in no backup.
    public protocol Store: Sendable {
        /// The blob, or `nil` if there is none of that name.
        func read(name: String) throws(Fault) -> Data?

        /// Writes the blob whole or not at all; after a power loss the old or the new one is there.
        func write(name: String, bytes: Data) throws(Fault)

        /// Removes the blob. Not an error if there is none.
        func remove(name: String) throws(Fault)
    }

    /// The phone's clocks.
    public protocol Clock: Sendable {
        /// Wall time, milliseconds since 1970-01-01 UTC.
        func wallMs() throws(Fault) -> UInt64

        /// Milliseconds since the phone booted, running in sleep; no user can set it.
        func bootMs() throws(Fault) -> UInt64
    }

    /// How hard the keys are held. The portal shows it.
    public enum KeyLevel: Sendable, Equatable {
        /// A separate secure element: the Secure Enclave.
        case secureElement
        /// The processor's trusted execution environment.
        case trustedEnvironment
        /// Software: a copy of the phone's storage is a copy of the key.
        case software
    }

    /// What a PIN key computes.
    public enum PinKeyKind: Sendable, Equatable {
        /// HMAC-SHA-256 over the guess.
        case mac
        /// An agreement (ECDH P-256) with the guess as the other's public key: the Secure Enclave holds no MAC keys.
        case agreement
    }

    /// Why a port refused. Closed, so that no text of the system's reaches a log.
    public enum Fault: Error, Sendable, Equatable, CaseIterable {
        /// The key does not exist, or the system invalidated it: the member enrolls again.
        case keyLost
        /// The key hardware does not answer or refuses for now.
        case keyUnavailable
        /// The phone has no passcode, without which it keeps no keys.
        case noScreenLock
        /// The member put the system's dialog away.
        case cancelled
        /// Reading or writing failed: full, locked, denied.
        case storeFailed
        /// Anything else.
        case host
    }
}
