package dev.twinlock.standin

import android.os.Build
import android.os.SystemClock
import android.security.keystore.KeyGenParameterSpec
import android.security.keystore.KeyInfo
import android.security.keystore.KeyPermanentlyInvalidatedException
import android.security.keystore.KeyProperties
import android.security.keystore.StrongBoxUnavailableException
import android.security.keystore.UserNotAuthenticatedException
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.BeforeEach
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import java.security.InvalidAlgorithmParameterException
import java.security.InvalidKeyException
import java.security.KeyFactory
import java.security.KeyPair
import java.security.KeyPairGenerator
import java.security.KeyStore
import java.security.KeyStoreException
import java.security.ProviderException
import java.security.PublicKey
import java.security.Signature
import java.security.UnrecoverableKeyException
import java.security.spec.ECGenParameterSpec
import java.security.spec.MGF1ParameterSpec
import java.security.spec.RSAKeyGenParameterSpec
import javax.crypto.Cipher
import javax.crypto.IllegalBlockSizeException
import javax.crypto.KeyGenerator
import javax.crypto.Mac
import javax.crypto.SecretKey
import javax.crypto.spec.GCMParameterSpec
import javax.crypto.spec.OAEPParameterSpec
import javax.crypto.spec.PSource

/** A stand-in that allowed more than Android would prove nothing; so it is tested itself. */
class AndroidKeyStoreTest {
    @BeforeEach
    fun newPhone() = Phone.reset()

    @Test
    fun `this is API 35 and its boot clock can be stopped`() {
        assertEquals(35, Build.VERSION.SDK_INT)
        Phone.stoppedBootMs = 5
        assertEquals(5, SystemClock.elapsedRealtime())
    }

    @Test
    fun `a private key signs and cannot be read`() {
        val pair = signing { setDigests(KeyProperties.DIGEST_SHA256) }
        val signature = Signature.getInstance("SHA256withECDSA").run {
            initSign(pair.private)
            update(1)
            sign()
        }
        val verifier = Signature.getInstance("SHA256withECDSA").apply { initVerify(pair.public) }
        verifier.update(1)
        assertTrue(verifier.verify(signature))
        assertNull(pair.private.encoded)
    }

    @Test
    fun `an undeclared digest is refused`() {
        val pair = signing { setDigests(KeyProperties.DIGEST_SHA512) }
        assertThrows<InvalidKeyException> { Signature.getInstance("SHA256withECDSA").initSign(pair.private) }
    }

    @Test
    fun `an undeclared purpose is refused`() {
        val verifying = secret("HmacSHA256", KeyProperties.PURPOSE_VERIFY) { setDigests(KeyProperties.DIGEST_SHA256) }
        assertThrows<InvalidKeyException> { Mac.getInstance("HmacSHA256").init(verifying) }
        assertThrows<InvalidAlgorithmParameterException> { secret("HmacSHA256", KeyProperties.PURPOSE_ENCRYPT) }
    }

    @Test
    fun `an undeclared block mode or padding is refused`() {
        val encrypt = KeyProperties.PURPOSE_ENCRYPT
        val cbc = secret("AES", encrypt) {
            setBlockModes(KeyProperties.BLOCK_MODE_CBC).setEncryptionPaddings(KeyProperties.ENCRYPTION_PADDING_NONE)
        }
        val padded = secret("AES", encrypt) {
            setBlockModes(KeyProperties.BLOCK_MODE_GCM).setEncryptionPaddings(KeyProperties.ENCRYPTION_PADDING_PKCS7)
        }
        for (key in listOf(cbc, padded)) {
            assertThrows<InvalidKeyException> {
                Cipher.getInstance("AES/GCM/NoPadding").init(Cipher.ENCRYPT_MODE, key)
            }
        }
    }

    @Test
    fun `the nonce is the phone's own choice`() {
        val key = secret("AES", KeyProperties.PURPOSE_ENCRYPT or KeyProperties.PURPOSE_DECRYPT) {
            setBlockModes(KeyProperties.BLOCK_MODE_GCM).setEncryptionPaddings(KeyProperties.ENCRYPTION_PADDING_NONE)
        }
        val own = GCMParameterSpec(128, ByteArray(12))
        assertThrows<InvalidAlgorithmParameterException> {
            Cipher.getInstance("AES/GCM/NoPadding").init(Cipher.ENCRYPT_MODE, key, own)
        }
        val cipher = Cipher.getInstance("AES/GCM/NoPadding")
        cipher.init(Cipher.ENCRYPT_MODE, key)
        val sealed = cipher.doFinal(byteArrayOf(7))
        val opener = Cipher.getInstance("AES/GCM/NoPadding")
        opener.init(Cipher.DECRYPT_MODE, key, GCMParameterSpec(128, cipher.iv))
        assertArrayEquals(byteArrayOf(7), opener.doFinal(sealed))
    }

    @Test
    fun `what is not there or not well is told as Android tells it`() {
        Phone.hasStrongBox = false
        assertThrows<StrongBoxUnavailableException> { signing { setIsStrongBoxBacked(true) } }
        Phone.hasStrongBox = true
        Phone.isStrongBoxBusy = true
        assertThrows<StrongBoxUnavailableException> { signing { setIsStrongBoxBacked(true) } }
        Phone.isKeyStoreDown = true
        assertThrows<ProviderException> { signing() }
        assertTrue(assertThrows<UnrecoverableKeyException> { stored("key") }.cause != null)
    }

    @Test
    fun `a locked phone refuses keys that want it unlocked, and only those`() {
        val strict = signing { setDigests(KeyProperties.DIGEST_SHA256).setUnlockedDeviceRequired(true) }
        Phone.isLocked = true
        assertThrows<InvalidKeyException> { Signature.getInstance("SHA256withECDSA").initSign(strict.private) }
        val lax = signing { setDigests(KeyProperties.DIGEST_SHA256) }
        Signature.getInstance("SHA256withECDSA").initSign(lax.private)
    }

    @Test
    fun `a key that wants the user is refused without`() {
        val pair = signing { setDigests(KeyProperties.DIGEST_SHA256).setUserAuthenticationRequired(true) }
        assertThrows<UserNotAuthenticatedException> { Signature.getInstance("SHA256withECDSA").initSign(pair.private) }
    }

    @Test
    fun `a key confirmed per use begins and does not finish without, and one confirmation is one use`() {
        val pair = biometric()
        val sealed = encrypt(pair.public)
        val unconfirmed = decryption(pair)
        val fault = assertThrows<IllegalBlockSizeException> { unconfirmed.doFinal(sealed) }
        assertTrue(fault.cause is KeyStoreException)
        val confirmed = decryption(pair).also(Phone::confirm)
        assertThrows<IllegalBlockSizeException> { decryption(pair).doFinal(sealed) }
        assertArrayEquals(byteArrayOf(7), confirmed.doFinal(sealed))
        assertThrows<IllegalBlockSizeException> { confirmed.doFinal(sealed) }
    }

    @Test
    fun `a finger that is added invalidates what only the fingers of before may use`() {
        val pair = biometric()
        val lasting = biometric("lasting") { setInvalidatedByBiometricEnrollment(false) }
        val signing = signing { setDigests(KeyProperties.DIGEST_SHA256) }
        Phone.addFinger()
        assertThrows<KeyPermanentlyInvalidatedException> { decryption(pair) }
        decryption(lasting)
        Signature.getInstance("SHA256withECDSA").initSign(signing.private)
    }

    @Test
    fun `no key for a biometric that nobody enrolled, and none for a user without a screen lock`() {
        Phone.hasBiometric = false
        assertTrue(assertThrows<InvalidAlgorithmParameterException> { biometric() }.cause is IllegalStateException)
        val either = KeyProperties.AUTH_BIOMETRIC_STRONG or KeyProperties.AUTH_DEVICE_CREDENTIAL
        signing { setUserAuthenticationRequired(true).setUserAuthenticationParameters(0, either) }
        Phone.hasScreenLock = false
        assertThrows<InvalidAlgorithmParameterException> {
            signing { setUserAuthenticationRequired(true).setUserAuthenticationParameters(0, either) }
        }
        Phone.hasBiometric = true
        assertThrows<InvalidAlgorithmParameterException> { biometric() }
    }

    @Test
    fun `RSA opens with MGF1-SHA-1 and declared padding only, and never seals`() {
        val pair = biometric()
        val opener = Cipher.getInstance(AndroidKeyStore.RSA_OAEP)
        val sha256 = OAEPParameterSpec("SHA-256", "MGF1", MGF1ParameterSpec.SHA256, PSource.PSpecified.DEFAULT)
        assertThrows<InvalidAlgorithmParameterException> { opener.init(Cipher.DECRYPT_MODE, pair.private, sha256) }
        assertThrows<InvalidKeyException> { opener.init(Cipher.ENCRYPT_MODE, pair.private, OAEP) }
        val unpadded = biometric { setEncryptionPaddings(KeyProperties.ENCRYPTION_PADDING_RSA_PKCS1) }
        assertThrows<InvalidKeyException> { decryption(unpadded) }
    }

    @Test
    fun `invalidated and wiped keys are of no use any more`() {
        val pair = signing { setDigests(KeyProperties.DIGEST_SHA256) }
        Phone.invalidateKeys()
        fun sign() = Signature.getInstance("SHA256withECDSA").initSign(pair.private)
        assertThrows<KeyPermanentlyInvalidatedException> { sign() }
        assertNull(assertThrows<UnrecoverableKeyException> { stored("key") }.cause)
        Phone.wipeKeys()
        assertThrows<KeyPermanentlyInvalidatedException> { sign() }
        assertNull(stored("key"))
    }

    @Test
    fun `it says how a key is held`() {
        fun level(pair: KeyPair) = KeyFactory.getInstance("EC", "AndroidKeyStore")
            .getKeySpec(pair.private, KeyInfo::class.java).securityLevel
        assertEquals(KeyProperties.SECURITY_LEVEL_STRONGBOX, level(signing { setIsStrongBoxBacked(true) }))
        assertEquals(KeyProperties.SECURITY_LEVEL_TRUSTED_ENVIRONMENT, level(signing()))
        Phone.hasSecureHardware = false
        assertEquals(KeyProperties.SECURITY_LEVEL_SOFTWARE, level(signing()))
    }

    private fun stored(alias: String) =
        KeyStore.getInstance("AndroidKeyStore").apply { load(null) }.getKey(alias, null)

    private fun signing(more: KeyGenParameterSpec.Builder.() -> Unit = {}): KeyPair {
        val spec = KeyGenParameterSpec.Builder("key", KeyProperties.PURPOSE_SIGN)
            .setAlgorithmParameterSpec(ECGenParameterSpec("secp256r1")).apply(more).build()
        return KeyPairGenerator.getInstance("EC", "AndroidKeyStore").apply { initialize(spec) }.generateKeyPair()
    }

    private fun biometric(
        alias: String = "biometric",
        more: KeyGenParameterSpec.Builder.() -> Unit = {},
    ): KeyPair {
        val spec = KeyGenParameterSpec.Builder(alias, KeyProperties.PURPOSE_DECRYPT)
            .setAlgorithmParameterSpec(RSAKeyGenParameterSpec(2048, RSAKeyGenParameterSpec.F4))
            .setDigests(KeyProperties.DIGEST_SHA256)
            .setEncryptionPaddings(KeyProperties.ENCRYPTION_PADDING_RSA_OAEP)
            .setUserAuthenticationRequired(true).apply(more).build()
        return KeyPairGenerator.getInstance("RSA", "AndroidKeyStore").apply { initialize(spec) }.generateKeyPair()
    }

    private fun encrypt(key: PublicKey): ByteArray =
        Cipher.getInstance(AndroidKeyStore.RSA_OAEP).apply { init(Cipher.ENCRYPT_MODE, key, OAEP) }
            .doFinal(byteArrayOf(7))

    private fun decryption(pair: KeyPair): Cipher =
        Cipher.getInstance(AndroidKeyStore.RSA_OAEP).apply { init(Cipher.DECRYPT_MODE, pair.private, OAEP) }

    private fun secret(
        algorithm: String,
        purposes: Int,
        more: KeyGenParameterSpec.Builder.() -> Unit = {},
    ): SecretKey {
        val spec = KeyGenParameterSpec.Builder("secret", purposes).apply(more).build()
        return KeyGenerator.getInstance(algorithm, "AndroidKeyStore").apply { init(spec) }.generateKey()
    }

    private companion object {
        val OAEP = OAEPParameterSpec("SHA-256", "MGF1", MGF1ParameterSpec.SHA1, PSource.PSpecified.DEFAULT)
    }
}
