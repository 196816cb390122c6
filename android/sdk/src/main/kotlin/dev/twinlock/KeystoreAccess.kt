package dev.twinlock

import android.os.Build
import android.security.keystore.StrongBoxUnavailableException
import java.security.GeneralSecurityException
import java.security.InvalidKeyException
import java.security.Key
import java.security.KeyStore
import java.security.ProviderException
import java.security.UnrecoverableKeyException

/** Android's key store, with its many faults sorted into the two that matter: gone for good, or not now. */
internal object KeystoreAccess {
    const val PROVIDER = "AndroidKeyStore"

    /** The key of this name; [PortException.KeyLost] if it is not there or was invalidated. */
    inline fun <reified K : Key> key(alias: String): K = find(alias) ?: throw PortException.KeyLost()

    /** The key of this name, or `null` if it is not there. */
    inline fun <reified K : Key> find(alias: String): K? = sorted { open().getKey(alias, null) } as K?

    /** Deletes the key of this name, if there is one. */
    fun delete(alias: String): Unit = sorted { open().deleteEntry(alias) }

    /** Runs an operation of the key store. */
    inline fun <T> sorted(operation: () -> T): T = try {
        operation()
    } catch (fault: GeneralSecurityException) {
        throw sort(fault)
    } catch (fault: ProviderException) {
        throw PortException.KeyUnavailable(fault)
    }

    /** Makes a key in StrongBox where there is one that answers, else in the processor's trusted environment. */
    inline fun <T> strongestFirst(apiLevel: Int, generate: (isStrongBox: Boolean) -> T): T {
        if (apiLevel < Build.VERSION_CODES.P) return generate(false)
        return try {
            generate(true)
        } catch (fault: ProviderException) {
            // Named here and not in the catch: phones before API 28 do not have the class.
            if (fault is StrongBoxUnavailableException) generate(false) else throw fault
        }
    }

    fun sort(fault: GeneralSecurityException): PortException = when {
        isInvalidated(fault) -> PortException.KeyLost(fault)
        else -> PortException.KeyUnavailable(fault)
    }

    /** An invalidated key is told by its own exception at use, and by one without a cause when it is looked up. */
    private fun isInvalidated(fault: GeneralSecurityException): Boolean = when (fault) {
        is android.security.keystore.KeyPermanentlyInvalidatedException -> true
        is UnrecoverableKeyException -> fault.cause == null
        is InvalidKeyException -> fault.cause is android.security.keystore.KeyPermanentlyInvalidatedException
        else -> false
    }

    fun open(): KeyStore = KeyStore.getInstance(PROVIDER).apply { load(null) }
}
