package dev.twinlock

/**
 * The port that holds the device key (P-256, signs), the PIN key and the key that a biometric opens, per account.
 *
 * [Twinlock.open] brings one over Android's key store. Implement it yourself only for another kind of device. Methods
 * are called off the main thread, block until they are done, and may call back into [Twinlock]. What they throw beside
 * [PortException] arrives as [TwinlockException.Internal] (TL-9001), without its text.
 */
public interface DeviceKey {
    /**
     * Makes device key and PIN key for [account], replacing any with that name.
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

    /**
     * Seals [secret] under a further key, made anew by each call, that only a biometric of this device's owner opens,
     * and that the system invalidates when a finger or face is added. Asks nobody.
     *
     * @param secret 32 bytes; wiped after the call, so keep no reference.
     * @return what [openByBiometric] takes, of any length.
     * @throws PortException.KeyLost where there is no such hardware or nothing is enrolled.
     * @throws PortException.NoScreenLock where the phone keeps such a key only with a screen lock, and has none.
     */
    @Throws(PortException::class)
    public fun sealForBiometric(account: String, secret: ByteArray): ByteArray

    /**
     * Asks for the biometric, waits for the member, and opens. Called on a thread that may wait as long as that takes.
     *
     * @return the 32 bytes; wiped when they were used, so keep no reference.
     * @throws PortException.KeyLost if the key was invalidated or did not seal this.
     * @throws PortException.Cancelled if the member put the dialog away.
     * @throws PortException.KeyUnavailable if the system refuses for now.
     */
    @Throws(PortException::class)
    public fun openByBiometric(account: String, sealed: ByteArray): ByteArray

    /** Deletes all keys. Not an error if there are none. */
    @Throws(PortException::class)
    public fun delete(account: String)

    /** How hard the weaker of device key and PIN key is held; [PortException.KeyLost] if either is not there. */
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
