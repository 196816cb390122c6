package dev.twinlock.standin

import java.io.InputStream
import java.io.OutputStream
import java.security.Key
import java.security.KeyFactorySpi
import java.security.KeyStoreException
import java.security.KeyStoreSpi
import java.security.PrivateKey
import java.security.PublicKey
import java.security.UnrecoverableKeyException
import java.security.cert.Certificate
import java.security.spec.KeySpec
import java.util.Collections
import java.util.Date
import java.util.Enumeration
import javax.crypto.SecretKey
import javax.crypto.SecretKeyFactorySpi

/** The list of keys, by name. */
internal class KeyStoreStandIn : KeyStoreSpi() {
    override fun engineGetKey(alias: String, password: CharArray?): Key? {
        // What Android wraps where its service fails carries a cause; an invalidated key is told without one.
        if (Phone.isKeyStoreDown) {
            throw UnrecoverableKeyException("Failed to obtain information about key").apply {
                initCause(KeyStoreException("the key store does not answer"))
            }
        }
        val stored = Phone.keys[alias] ?: return null
        if (stored.isInvalidated) throw UnrecoverableKeyException("User changed or deleted their auth credentials")
        return if (stored.pair != null) StoredPrivateKey(alias, stored) else StoredSecretKey(alias, stored)
    }

    override fun engineContainsAlias(alias: String): Boolean = alias in Phone.keys

    override fun engineDeleteEntry(alias: String) {
        if (Phone.isKeyStoreDown) throw KeyStoreException("the key store does not answer")
        Phone.keys.remove(alias)
    }

    override fun engineAliases(): Enumeration<String> = Collections.enumeration(Phone.keys.keys)

    override fun engineSize(): Int = Phone.keys.size

    override fun engineIsKeyEntry(alias: String): Boolean = engineContainsAlias(alias)

    override fun engineIsCertificateEntry(alias: String): Boolean = false

    override fun engineGetCertificateAlias(certificate: Certificate?): String? = null

    override fun engineGetCertificateChain(alias: String): Array<Certificate>? = null

    override fun engineGetCertificate(alias: String): Certificate? = null

    override fun engineGetCreationDate(alias: String): Date? = null

    override fun engineSetKeyEntry(alias: String, key: Key?, password: CharArray?, chain: Array<out Certificate>?) {
        throw KeyStoreException("keys are made here, not brought")
    }

    override fun engineSetKeyEntry(alias: String, key: ByteArray?, chain: Array<out Certificate>?): Unit =
        throw KeyStoreException("keys are made here, not brought")

    override fun engineSetCertificateEntry(alias: String, certificate: Certificate?): Unit =
        throw KeyStoreException("no certificates here")

    override fun engineStore(stream: OutputStream?, password: CharArray?): Unit = throw UnsupportedOperationException()

    override fun engineLoad(stream: InputStream?, password: CharArray?) {
        require(stream == null && password == null) { "Android's loads from nothing" }
    }
}

/** Says how a private key is held. */
internal class PrivateKeyInspector : KeyFactorySpi() {
    @Suppress("UNCHECKED_CAST")
    override fun <T : KeySpec> engineGetKeySpec(key: Key?, type: Class<T>?): T = key.stored().info() as T

    override fun engineGeneratePublic(spec: KeySpec?): PublicKey = throw UnsupportedOperationException()

    override fun engineGeneratePrivate(spec: KeySpec?): PrivateKey = throw UnsupportedOperationException()

    override fun engineTranslateKey(key: Key?): Key = throw UnsupportedOperationException()
}

/** Says how a secret key is held. */
internal class SecretKeyInspector : SecretKeyFactorySpi() {
    override fun engineGetKeySpec(key: SecretKey?, type: Class<*>?): KeySpec = key.stored().info()

    override fun engineGenerateSecret(spec: KeySpec?): SecretKey = throw UnsupportedOperationException()

    override fun engineTranslateKey(key: SecretKey?): SecretKey = throw UnsupportedOperationException()
}
