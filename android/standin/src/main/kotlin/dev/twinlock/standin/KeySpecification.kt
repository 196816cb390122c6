package dev.twinlock.standin

import android.security.keystore.KeyGenParameterSpec
import android.security.keystore.KeyInfo
import android.security.keystore.KeyProperties
import android.security.keystore.StrongBoxUnavailableException
import java.security.InvalidAlgorithmParameterException
import java.security.ProviderException
import java.security.spec.AlgorithmParameterSpec
import java.security.spec.ECGenParameterSpec
import java.security.spec.RSAKeyGenParameterSpec

/** What a `KeyGenParameterSpec` said of a key, after everything was refused that Android refuses. */
public class KeySpecification internal constructor(
    /** `EC`, `RSA`, `AES` or `HmacSHA256`. */
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
    public val userAuthenticationType: Int = spec.userAuthenticationType

    /** For how long one confirmation is good; 0 is one use. */
    public val userAuthenticationSeconds: Int = spec.userAuthenticationValidityDurationSeconds
    public val isInvalidatedByBiometricEnrollment: Boolean = spec.isInvalidatedByBiometricEnrollment
    public val isUnlockedDeviceRequired: Boolean = spec.isUnlockedDeviceRequired
    public val isStrongBoxBacked: Boolean = spec.isStrongBoxBacked
    public val keySize: Int = sizeOf(spec)

    init {
        checkUser(spec)
        if (Phone.isKeyStoreDown) throw ProviderException("the key store does not answer")
        if (isStrongBoxBacked && (!Phone.hasStrongBox || Phone.isStrongBoxBusy)) {
            throw StrongBoxUnavailableException("Failed to generate key")
        }
        val allowed = when (algorithm) {
            "AES", "RSA" -> KeyProperties.PURPOSE_ENCRYPT or KeyProperties.PURPOSE_DECRYPT
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
            "RSA" -> 2048.takeIf { (curve as? RSAKeyGenParameterSpec)?.keysize == it || spec.keySize == it }
                ?: throw InvalidAlgorithmParameterException("only RSA-2048 here")
            "AES" -> spec.keySize.takeIf { it in setOf(128, 256) || it == -1 }?.let { if (it == -1) 128 else it }
                ?: throw InvalidAlgorithmParameterException("AES key size ${spec.keySize}")
            else -> if (spec.keySize == -1) 256 else spec.keySize
        }
    }

    internal companion object {
        /** As `KeyStore2ParameterUtils.addSids`: such a key is bound to what is enrolled when it is made. */
        fun checkUser(parameters: AlgorithmParameterSpec?) {
            val spec = parameters as? KeyGenParameterSpec ?: return
            if (!spec.isUserAuthenticationRequired) return
            val isBiometricOnly = spec.userAuthenticationType == KeyProperties.AUTH_BIOMETRIC_STRONG
            if (isBiometricOnly && !(Phone.hasScreenLock && Phone.hasBiometric)) {
                error("At least one biometric must be enrolled to create keys requiring user authentication")
            }
            if (!Phone.hasScreenLock) {
                error("Secure lock screen must be enabled to create keys requiring user authentication")
            }
        }

        fun of(algorithm: String, parameters: AlgorithmParameterSpec?): KeySpecification {
            val spec = parameters as? KeyGenParameterSpec
                ?: throw InvalidAlgorithmParameterException("Android takes a KeyGenParameterSpec")
            return KeySpecification(algorithm, spec)
        }
    }
}
