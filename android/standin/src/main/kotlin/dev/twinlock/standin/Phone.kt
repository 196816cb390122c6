package dev.twinlock.standin

import java.nio.ByteBuffer
import java.security.Security
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.ExecutorService
import java.util.concurrent.Executors
import javax.crypto.Cipher

/** The one phone of this process: what its key store holds, and the switches for what can be wrong with it. */
public object Phone {
    /** What `ro.…` says; read once, when `android.os.Build` is first used. */
    public val properties: Map<String, String> = mapOf(
        "ro.build.version.sdk" to "35",
        "ro.build.version.release" to "15",
        "ro.build.version.codename" to "REL",
        "ro.build.version.all_codenames" to "REL",
        "ro.product.cpu.abilist64" to "arm64-v8a",
        "ro.product.manufacturer" to "Stand-in",
        "ro.product.model" to "One",
    )

    /** A StrongBox is built in. */
    @Volatile
    public var hasStrongBox: Boolean = true

    /** A StrongBox is built in and refuses to make keys, as busy ones do. */
    @Volatile
    public var isStrongBoxBusy: Boolean = false

    /** The keys lie in hardware at all; emulators have none. */
    @Volatile
    public var hasSecureHardware: Boolean = true

    /** A screen lock is set. */
    @Volatile
    public var hasScreenLock: Boolean = true

    /** A biometric of class 3 is enrolled. */
    @Volatile
    public var hasBiometric: Boolean = true

    /** What happens when the system's dialog for a biometric shows. */
    @Volatile
    public var onBiometricDialog: (BiometricDialog) -> Unit = { it.show() }

    /** Runs what an app gives to its main thread. */
    public val mainExecutor: ExecutorService =
        Executors.newSingleThreadExecutor { Thread(it, "the main thread").apply { isDaemon = true } }

    /** The screen is locked. */
    @Volatile
    public var isLocked: Boolean = false

    /** The key store's service does not answer. */
    @Volatile
    public var isKeyStoreDown: Boolean = false

    /** Keys are still found, and found invalidated when they are used. */
    @Volatile
    public var isInvalidatedAtUse: Boolean = false

    /** Milliseconds since boot; `null` runs on with the machine's own clock. */
    @Volatile
    public var stoppedBootMs: Long? = null

    /** Ciphers under way that the user has confirmed, by [RsaOaep]'s handle. */
    internal val confirmed: MutableSet<Long> = ConcurrentHashMap.newKeySet()

    internal val keys: MutableMap<String, StoredKey> = ConcurrentHashMap()

    /** The names of the keys that are there. */
    public val aliases: Set<String> get() = keys.keys.toSet()

    /** What a name was made with. */
    public fun specification(alias: String): KeySpecification = keys.getValue(alias).specification

    /** An empty phone without faults; the first call makes its key store known to Java. */
    public fun reset() {
        if (Security.getProvider(AndroidKeyStore.NAME) == null) Security.addProvider(AndroidKeyStore())
        keys.clear()
        hasStrongBox = true
        isStrongBoxBusy = false
        hasSecureHardware = true
        hasScreenLock = true
        hasBiometric = true
        onBiometricDialog = { it.show() }
        isLocked = false
        isKeyStoreDown = false
        isInvalidatedAtUse = false
        stoppedBootMs = null
    }

    /** All keys are gone, as on another phone that got this one's backup. */
    public fun wipeKeys(): Unit = keys.clear()

    /** These keys are gone. */
    public fun wipeKeys(aliases: Collection<String>): Unit = aliases.forEach(keys::remove)

    /** New biometrics or a removed screen lock: the keys are there and of no use any more. */
    public fun invalidateKeys(): Unit = keys.values.forEach { it.isInvalidated = true }

    /** A finger is added: what only the biometrics of before may use is of no use any more. */
    public fun addFinger() {
        for (key in keys.values) {
            val wants = key.specification
            if (wants.isUserAuthenticationRequired && wants.isInvalidatedByBiometricEnrollment) key.isInvalidated = true
        }
    }

    /** The user shows an enrolled finger for what [cipher] is about to do, once. */
    public fun confirm(cipher: Cipher) {
        confirmed += ByteBuffer.wrap(cipher.iv).getLong()
    }

    /** This one key was made where the processor holds it, not in the StrongBox. */
    public fun weaken(alias: String) {
        keys.getValue(alias).isWeakened = true
    }

    internal fun bootMs(): Long = stoppedBootMs ?: (System.nanoTime() / 1_000_000)
}
