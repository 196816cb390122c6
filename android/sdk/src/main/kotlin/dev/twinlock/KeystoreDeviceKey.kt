package dev.twinlock

import android.os.Build
import android.security.keystore.KeyGenParameterSpec
import android.security.keystore.KeyInfo
import android.security.keystore.KeyProperties
import java.security.KeyFactory
import java.security.KeyPairGenerator
import java.security.PrivateKey
import java.security.Signature
import java.security.spec.ECGenParameterSpec
import javax.crypto.KeyGenerator
import javax.crypto.Mac
import javax.crypto.SecretKey
import javax.crypto.SecretKeyFactory

/**
 * The device's keys in Android's key store: in StrongBox where there is one that answers, else in the processor's
 * trusted environment. [level] tells which it became.
 */
internal class KeystoreDeviceKey(
    private val biometricKey: KeystoreBiometricKey,
    private val apiLevel: Int = Build.VERSION.SDK_INT,
) : DeviceKey {
    override fun generate(account: String): ByteArray = KeystoreAccess.sorted {
        val publicKey = KeystoreAccess.strongestFirst(apiLevel) { isStrongBox ->
            val spec = specification(deviceAlias(account), isStrongBox)
                .setAlgorithmParameterSpec(ECGenParameterSpec("secp256r1"))
            val generator = KeyPairGenerator.getInstance(KeyProperties.KEY_ALGORITHM_EC, KeystoreAccess.PROVIDER)
            generator.apply { initialize(spec.build()) }.generateKeyPair().public
        }
        KeystoreAccess.strongestFirst(apiLevel) { isStrongBox ->
            val spec = specification(pinAlias(account), isStrongBox)
            val generator =
                KeyGenerator.getInstance(KeyProperties.KEY_ALGORITHM_HMAC_SHA256, KeystoreAccess.PROVIDER)
            generator.apply { init(spec.build()) }.generateKey()
        }
        publicKey.encoded
    }

    override fun sign(account: String, message: ByteArray): ByteArray {
        val key = KeystoreAccess.key<PrivateKey>(deviceAlias(account))
        return KeystoreAccess.sorted {
            val signature = Signature.getInstance("SHA256withECDSA")
            signature.initSign(key)
            signature.update(message)
            rawSignature(signature.sign())
        }
    }

    override fun pinKeyKind(account: String): PinKeyKind = PinKeyKind.Mac

    override fun bindGuess(account: String, guess: ByteArray): ByteArray {
        val key = KeystoreAccess.key<SecretKey>(pinAlias(account))
        return KeystoreAccess.sorted {
            Mac.getInstance(KeyProperties.KEY_ALGORITHM_HMAC_SHA256).apply { init(key) }.doFinal(guess)
        }
    }

    override fun sealForBiometric(account: String, secret: ByteArray): ByteArray = biometricKey.seal(account, secret)

    override fun openByBiometric(account: String, sealed: ByteArray): ByteArray = biometricKey.open(account, sealed)

    override fun delete(account: String) {
        KeystoreAccess.delete(deviceAlias(account))
        KeystoreAccess.delete(pinAlias(account))
        biometricKey.delete(account)
    }

    override fun level(account: String): KeyLevel {
        val device = KeystoreAccess.key<PrivateKey>(deviceAlias(account))
        val pin = KeystoreAccess.key<SecretKey>(pinAlias(account))
        return KeystoreAccess.sorted {
            val ofDevice = KeyFactory.getInstance(device.algorithm, KeystoreAccess.PROVIDER)
                .getKeySpec(device, KeyInfo::class.java)
            val ofPin = SecretKeyFactory.getInstance(pin.algorithm, KeystoreAccess.PROVIDER)
                .getKeySpec(pin, KeyInfo::class.java) as KeyInfo
            maxOf(levelOf(ofDevice), levelOf(ofPin))
        }
    }

    private fun specification(alias: String, isStrongBox: Boolean): KeyGenParameterSpec.Builder {
        val builder = KeyGenParameterSpec.Builder(alias, KeyProperties.PURPOSE_SIGN)
            .setDigests(KeyProperties.DIGEST_SHA256)
        if (isStrongBox) builder.setIsStrongBoxBacked(true)
        // Before API 35 such keys could stay unusable after an unlock by face or trust agent (AOSP bug 296464083).
        if (apiLevel >= Build.VERSION_CODES.VANILLA_ICE_CREAM) builder.setUnlockedDeviceRequired(true)
        return builder
    }

    /** Before API 31 Android does not tell a StrongBox from the processor; then the lower one is reported. */
    private fun levelOf(key: KeyInfo): KeyLevel = when {
        apiLevel >= Build.VERSION_CODES.S -> when (key.securityLevel) {
            KeyProperties.SECURITY_LEVEL_STRONGBOX -> KeyLevel.SecureElement
            KeyProperties.SECURITY_LEVEL_TRUSTED_ENVIRONMENT,
            KeyProperties.SECURITY_LEVEL_UNKNOWN_SECURE,
            -> KeyLevel.TrustedEnvironment
            else -> KeyLevel.Software
        }
        @Suppress("DEPRECATION") key.isInsideSecureHardware -> KeyLevel.TrustedEnvironment
        else -> KeyLevel.Software
    }

    private fun deviceAlias(account: String) = "twinlock.device.$account"

    private fun pinAlias(account: String) = "twinlock.pin.$account"
}
