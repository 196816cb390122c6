package dev.twinlock

/**
 * The port that holds the device key (P-256, signs) and the PIN key, named per account.
 *
 * [Twinlock.open] brings one over Android's key store. Implement it yourself only for another kind of device. Methods
 * are called off the main thread, block until they are done, and may call back into [Twinlock]. What they throw beside
 * [PortException] arrives as [TwinlockException.Internal] (TL-9001), without its text.
 */
public interface DeviceKey {
    /**
     * Makes both keys for [account], replacing any with that name.
     *
     * @return the device key's public half, a DER SubjectPublicKeyInfo (RFC 5480).
     */
    @Throws(PortException::class)
    public fun generate(account: String): ByteArray

    /**
     * Signs SHA-256([message]) with the device key.
     *
     * @return ECDSA P-256 as 64 bytes, r ‖ s.
     */
    @Throws(PortException::class)
    public fun sign(account: String, message: ByteArray): ByteArray

    /** What the PIN key of [account] does with a guess. */
    @Throws(PortException::class)
    public fun pinKeyKind(account: String): PinKeyKind

    /**
     * One use of the PIN key. One guess is one use of the chip; the answer for one says nothing about another.
     *
     * @param guess what [pinKeyKind] asks for; wiped after the call, so keep no reference.
     * @return 32 bytes.
     */
    @Throws(PortException::class)
    public fun bindGuess(account: String, guess: ByteArray): ByteArray

    /** Deletes both keys. Not an error if there are none. */
    @Throws(PortException::class)
    public fun delete(account: String)

    /** How hard the weaker of the two keys is held; [PortException.KeyLost] if either is not there. */
    @Throws(PortException::class)
    public fun level(account: String): KeyLevel
}

/** How hard a device's keys are held. The portal shows it, and a policy may ask for it. */
public enum class KeyLevel {
    /** A separate secure element (StrongBox). */
    SecureElement,

    /** The processor's trusted execution environment. */
    TrustedEnvironment,

    /** Software: a copy of the device's storage is a copy of the key. */
    Software,
}

/** What a PIN key does with a guess. */
public enum class PinKeyKind {
    /** HMAC-SHA256 (RFC 2104) over the guess. */
    Mac,

    /** ECDH P-256 with the guess, a point in X9.63 uncompressed form (65 bytes). */
    Agreement,
}
