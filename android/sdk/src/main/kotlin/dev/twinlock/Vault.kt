package dev.twinlock

/**
 * Small secrets of the app's own, sealed under PIN, portal and key hardware. Open at [Step.Ready]; before, every call
 * is [TwinlockException.StepRequired] (TL-5009). One change at a time; a second one meanwhile is
 * [TwinlockException.Misuse] (TL-9002).
 *
 * A cache: a forgotten PIN or a revoked device loses it for ever, so put nothing here that cannot be fetched again.
 */
public class Vault internal constructor(private val calls: EngineCalls) {
    /**
     * Keeps [secret] under [name], replacing what was there; durable when the call returns.
     *
     * @param secret copied; wipe it when you are done with it.
     */
    @Throws(TwinlockException::class)
    public suspend fun put(name: String, secret: ByteArray): Unit =
        calls.call { engine -> secret.lent { engine.vaultPut(name, it) } }

    /** The secret with this [name], or `null` if there is none. Wipe it when you are done with it. */
    @Throws(TwinlockException::class)
    public suspend fun get(name: String): ByteArray? = calls.call { it.vaultItem(name) }

    /** Removes the secret with this [name]; durable when the call returns. False if there was none. */
    @Throws(TwinlockException::class)
    public suspend fun remove(name: String): Boolean = calls.call { it.vaultRemove(name) }
}
