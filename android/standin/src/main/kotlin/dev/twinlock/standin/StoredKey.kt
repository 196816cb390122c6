package dev.twinlock.standin

import android.security.keystore.KeyInfo
import android.security.keystore.KeyPermanentlyInvalidatedException
import android.security.keystore.KeyProperties
import android.security.keystore.UserNotAuthenticatedException
import java.security.InvalidKeyException
import java.security.Key
import java.security.KeyPair
import java.security.PrivateKey
import java.security.ProviderException
import javax.crypto.SecretKey

/** A key as it lies in the phone: what it is, and what it may be used for. */
internal class StoredKey(val specification: KeySpecification, val secret: Key, val pair: KeyPair?) {
    @Volatile
    var isInvalidated: Boolean = false

    @Volatile
    var isWeakened: Boolean = false

    fun info(): KeyInfo {
        if (Phone.isKeyStoreDown) throw ProviderException("the key store does not answer")
        return specification.info(isWeakened)
    }

    /** Each use has to be confirmed by the user while it is under way. */
    val isConfirmedPerUse: Boolean
        get() = specification.isUserAuthenticationRequired && specification.userAuthenticationSeconds == 0

    /** The key for one operation, or the fault that Android throws instead. */
    fun use(purpose: Int, digest: String? = null, canBeConfirmed: Boolean = false): Key {
        if (Phone.isKeyStoreDown) throw ProviderException("the key store does not answer")
        if (isInvalidated || Phone.isInvalidatedAtUse) throw KeyPermanentlyInvalidatedException()
        if (specification.isUserAuthenticationRequired && !(canBeConfirmed && isConfirmedPerUse)) {
            throw UserNotAuthenticatedException()
        }
        val isPrivateUse = purpose != KeyProperties.PURPOSE_ENCRYPT
        if (specification.isUnlockedDeviceRequired && Phone.isLocked && isPrivateUse) {
            throw InvalidKeyException("the device is locked")
        }
        if (specification.purposes and purpose == 0) throw InvalidKeyException("incompatible purpose")
        if (digest != null && digest !in specification.digests) throw InvalidKeyException("incompatible digest")
        return secret
    }
}

/** What a caller holds: a name. Nothing can be read out of it. */
internal interface Handle : Key {
    val alias: String

    override fun getEncoded(): ByteArray? = null

    override fun getFormat(): String? = null

    /** The key of this name as it was when the handle was got. */
    val key: StoredKey
}

internal class StoredPrivateKey(override val alias: String, override val key: StoredKey) : Handle, PrivateKey {
    override fun getAlgorithm(): String = key.specification.algorithm
}

internal class StoredSecretKey(override val alias: String, override val key: StoredKey) : Handle, SecretKey {
    override fun getAlgorithm(): String = key.specification.algorithm
}

/** The stored key behind what a caller passes to an operation of this provider. */
internal fun Key?.stored(): StoredKey {
    val handle = this as? Handle ?: throw InvalidKeyException("not a key of the Android key store")
    // A deleted key may not be used through an old handle.
    if (Phone.keys[handle.alias] !== handle.key) throw KeyPermanentlyInvalidatedException()
    return handle.key
}
