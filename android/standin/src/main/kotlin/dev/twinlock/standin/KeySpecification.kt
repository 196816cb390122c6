package dev.twinlock.standin

import android.security.keystore.KeyGenParameterSpec
import android.security.keystore.KeyInfo
import android.security.keystore.KeyProperties
import android.security.keystore.StrongBoxUnavailableException
import java.security.InvalidAlgorithmParameterException
import java.security.ProviderException
import java.security.spec.AlgorithmParameterSpec
import java.security.spec.ECGenParameterSpec

/** What a `KeyGenParameterSpec` said of a key, after everything was refused that Android refuses. */
public class KeySpecification internal constructor(
    /** `EC`, `AES` or `HmacSHA256`. */
    public val algorithm: String,
    spec: KeyGenParameterSpec,
) {
    internal val alias: String = spec.keystoreAlias
    public val purposes: Int = spec.purposes
    public val digests: Set<String> = if (spec.isDigestsSpecified) spec.digests.toSet() else emptySet()
    public val blockModes: Set<String> = spec.blockModes.toSet()
    public val paddings: Set<String> = spec.encryptionPaddings.toSet()
    public val isRandomizedEncryptionRequired: Boolean = spec.isRandomizedEncryptionRequired
    public val isUserAuthenticationRequired: Boolean = spec.isUserAuthenticationRequired
    public val isUnlockedDeviceRequired: Boolean = spec.isUnlockedDeviceRequired
    public val isStrongBoxBacked: Boolean = spec.isStrongBoxBacked
    public val keySize: Int = sizeOf(spec)

    init {
        if (Phone.isKeyStoreDown) throw ProviderException("the key store does not answer")
        if (isStrongBoxBacked && (!Phone.hasStrongBox || Phone.isStrongBoxBusy)) {
            throw StrongBoxUnavailableException("Failed to generate key")
        }
        val allowed = when (algorithm) {
            "AES" -> KeyProperties.PURPOSE_ENCRYPT or KeyProperties.PURPOSE_DECRYPT
            else -> KeyProperties.PURPOSE_SIGN or KeyProperties.PURPOSE_VERIFY
        }
        if (purposes == 0 || purposes and allowed.inv() != 0) {
            throw InvalidAlgorithmParameterException("purposes $purposes do not fit $algorithm")
        }
    }

    /** As Android tells it of a key. */
    internal fun info(isWeakened: Boolean): KeyInfo {
        val level = when {
            isStrongBoxBacked && !isWeakened -> KeyProperties.SECURITY_LEVEL_STRONGBOX
            Phone.hasSecureHardware -> KeyProperties.SECURITY_LEVEL_TRUSTED_ENVIRONMENT
            else -> KeyProperties.SECURITY_LEVEL_SOFTWARE
        }
        val isInside = level != KeyProperties.SECURITY_LEVEL_SOFTWARE
        return KeyInfo(
            alias, isInside, KeyProperties.ORIGIN_GENERATED, keySize, null, null, null, purposes,
            paddings.toTypedArray(), emptyArray(), digests.toTypedArray(), blockModes.toTypedArray(),
            isUserAuthenticationRequired, 0, 0, false, false, isUnlockedDeviceRequired, false, false, false, level, -1,
        )
    }

    private fun sizeOf(spec: KeyGenParameterSpec): Int {
        val curve = spec.algorithmParameterSpec
        return when (algorithm) {
            "EC" -> {
                val isP256 = (curve as? ECGenParameterSpec)?.name in setOf("secp256r1", "P-256", "prime256v1")
                if (!isP256 && !(curve == null && spec.keySize == 256)) {
                    throw InvalidAlgorithmParameterException("only P-256 here")
                }
                256
            }
            "AES" -> spec.keySize.takeIf { it in setOf(128, 256) || it == -1 }?.let { if (it == -1) 128 else it }
                ?: throw InvalidAlgorithmParameterException("AES key size ${spec.keySize}")
            else -> if (spec.keySize == -1) 256 else spec.keySize
        }
    }

    internal companion object {
        fun of(algorithm: String, parameters: AlgorithmParameterSpec?): KeySpecification {
            val spec = parameters as? KeyGenParameterSpec
                ?: throw InvalidAlgorithmParameterException("Android takes a KeyGenParameterSpec")
            return KeySpecification(algorithm, spec)
        }
    }
}
