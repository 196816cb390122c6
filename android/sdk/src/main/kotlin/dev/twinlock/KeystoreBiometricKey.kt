package dev.twinlock

import android.os.Build
import android.security.keystore.KeyGenParameterSpec
import android.security.keystore.KeyProperties
import java.security.InvalidAlgorithmParameterException
import java.security.KeyFactory
import java.security.KeyPairGenerator
import java.security.PrivateKey
import java.security.PublicKey
import java.security.spec.MGF1ParameterSpec
import java.security.spec.RSAKeyGenParameterSpec
import java.security.spec.X509EncodedKeySpec
import javax.crypto.BadPaddingException
import javax.crypto.Cipher
import javax.crypto.spec.OAEPParameterSpec
import javax.crypto.spec.PSource

/**
 * The key that a biometric opens: RSA-2048 in Android's key store, for which each use is confirmed by a biometric of
 * class 3, and which is void once another one is enrolled. Its public half seals and asks nobody.
 *
 * Android makes such a key only where a biometric is enrolled, which wants a screen lock; its device key and PIN key it
 * makes on every phone (`KeyGenParameterSpec.Builder.setUnlockedDeviceRequired`: a screen lock was wanted by mistake in
 * Android 12 to 14, where [KeystoreDeviceKey] does not set it). So [PortException.NoScreenLock] is of this key alone.
 */
internal class KeystoreBiometricKey(
    private val prompter: BiometricPrompter?,
    private val hasScreenLock: () -> Boolean,
    private val apiLevel: Int = Build.VERSION.SDK_INT,
) {
    /** Makes the key anew and seals. What was sealed before can never be opened again. */
    fun seal(account: String, secret: ByteArray): ByteArray {
        dialog()
        val publicKey = generate(alias(account))
        return KeystoreAccess.sorted {
            Cipher.getInstance(TRANSFORMATION).apply { init(Cipher.ENCRYPT_MODE, publicKey, PADDING) }.doFinal(secret)
        }
    }

    /** Waits for the member. */
    fun open(account: String, sealed: ByteArray): ByteArray {
        val dialog = dialog()
        val key = KeystoreAccess.key<PrivateKey>(alias(account))
        val cipher = KeystoreAccess.sorted {
            Cipher.getInstance(TRANSFORMATION).apply { init(Cipher.DECRYPT_MODE, key, PADDING) }
        }
        val confirmed = dialog.confirm(cipher)
        return KeystoreAccess.sorted {
            try {
                confirmed.doFinal(sealed)
            } catch (fault: BadPaddingException) {
                // Sealed under a key before this one.
                throw PortException.KeyLost(fault)
            }
        }
    }

    fun delete(account: String): Unit = KeystoreAccess.delete(alias(account))

    /** Before API 28 Android has no dialog that confirms the use of a key. */
    private fun dialog(): BiometricPrompter =
        prompter?.takeIf { apiLevel >= Build.VERSION_CODES.P } ?: throw PortException.KeyLost()

    private fun generate(alias: String): PublicKey = try {
        KeystoreAccess.sorted {
            val held = KeystoreAccess.strongestFirst(apiLevel) { isStrongBox ->
                KeyPairGenerator.getInstance(KeyProperties.KEY_ALGORITHM_RSA, KeystoreAccess.PROVIDER)
                    .apply { initialize(specification(alias, isStrongBox)) }.generateKeyPair().public
            }
            // Outside of the key store, which on some phones asks for the biometric for the public half too
            // (`KeyGenParameterSpec`, "Known issues").
            KeyFactory.getInstance(KeyProperties.KEY_ALGORITHM_RSA).generatePublic(X509EncodedKeySpec(held.encoded))
        }
    } catch (refusal: IllegalStateException) {
        throw nobodyToAsk(refusal)
    } catch (refusal: PortException.KeyUnavailable) {
        val isForTheUser = (refusal.cause as? InvalidAlgorithmParameterException)?.cause is IllegalStateException
        throw if (isForTheUser) nobodyToAsk(refusal) else refusal
    }

    /** "Secure lock screen must be enabled" and "at least one biometric must be enrolled" differ in their text only. */
    private fun nobodyToAsk(refusal: Exception): PortException =
        if (hasScreenLock()) PortException.KeyLost(refusal) else PortException.NoScreenLock(refusal)

    private fun specification(alias: String, isStrongBox: Boolean): KeyGenParameterSpec {
        val builder = KeyGenParameterSpec.Builder(alias, KeyProperties.PURPOSE_DECRYPT)
            .setAlgorithmParameterSpec(RSAKeyGenParameterSpec(RSA_BITS, RSAKeyGenParameterSpec.F4))
            .setDigests(KeyProperties.DIGEST_SHA256)
            .setEncryptionPaddings(KeyProperties.ENCRYPTION_PADDING_RSA_OAEP)
            .setUserAuthenticationRequired(true)
            .setInvalidatedByBiometricEnrollment(true)
        if (apiLevel >= Build.VERSION_CODES.R) {
            builder.setUserAuthenticationParameters(EACH_USE, KeyProperties.AUTH_BIOMETRIC_STRONG)
        } else {
            @Suppress("DEPRECATION") builder.setUserAuthenticationValidityDurationSeconds(EACH_USE_BEFORE_30)
        }
        if (isStrongBox) builder.setIsStrongBoxBacked(true)
        return builder.build()
    }

    private fun alias(account: String) = "twinlock.biometric.$account"

    private companion object {
        const val TRANSFORMATION = "RSA/ECB/OAEPWithSHA-256AndMGF1Padding"

        /** Before API 35 the key store takes no other MGF1 digest than SHA-1 (AOSP, `AndroidKeyStoreRSACipherSpi`). */
        val PADDING = OAEPParameterSpec("SHA-256", "MGF1", MGF1ParameterSpec.SHA1, PSource.PSpecified.DEFAULT)
        const val RSA_BITS = 2048
        const val EACH_USE = 0
        const val EACH_USE_BEFORE_30 = -1
    }
}
