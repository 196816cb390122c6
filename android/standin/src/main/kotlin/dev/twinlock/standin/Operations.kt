package dev.twinlock.standin

import android.security.keystore.KeyProperties
import java.nio.ByteBuffer
import java.security.AlgorithmParameters
import java.security.InvalidAlgorithmParameterException
import java.security.InvalidKeyException
import java.security.Key
import java.security.KeyStoreException
import java.security.PrivateKey
import java.security.PublicKey
import java.security.SecureRandom
import java.security.Signature
import java.security.SignatureSpi
import java.security.spec.AlgorithmParameterSpec
import java.security.spec.MGF1ParameterSpec
import java.util.concurrent.atomic.AtomicLong
import javax.crypto.Cipher
import javax.crypto.CipherSpi
import javax.crypto.IllegalBlockSizeException
import javax.crypto.Mac
import javax.crypto.MacSpi
import javax.crypto.spec.OAEPParameterSpec

/** ECDSA; answers in DER, as Android does. */
internal abstract class Ecdsa(private val algorithm: String, private val digest: String) : SignatureSpi() {
    private lateinit var software: Signature

    override fun engineInitSign(key: PrivateKey?) {
        val secret = key.stored().use(KeyProperties.PURPOSE_SIGN, digest)
        software = Signature.getInstance(algorithm, "SunEC").apply { initSign(secret as PrivateKey) }
    }

    override fun engineInitVerify(key: PublicKey?): Unit = throw UnsupportedOperationException()

    override fun engineUpdate(byte: Byte): Unit = software.update(byte)

    override fun engineUpdate(bytes: ByteArray, offset: Int, length: Int): Unit = software.update(bytes, offset, length)

    override fun engineSign(): ByteArray = software.sign()

    override fun engineVerify(signature: ByteArray?): Boolean = throw UnsupportedOperationException()

    @Deprecated("by Java")
    override fun engineSetParameter(name: String?, value: Any?): Unit = throw UnsupportedOperationException()

    @Deprecated("by Java")
    override fun engineGetParameter(name: String?): Any = throw UnsupportedOperationException()
}

internal class Sha256WithEcdsa : Ecdsa("SHA256withECDSA", KeyProperties.DIGEST_SHA256)

internal class NoneWithEcdsa : Ecdsa("NONEwithECDSA", KeyProperties.DIGEST_NONE)

/** HMAC-SHA256. */
internal class HmacSha256 : MacSpi() {
    private lateinit var software: Mac

    override fun engineGetMacLength(): Int = 32

    override fun engineInit(key: Key?, parameters: AlgorithmParameterSpec?) {
        val secret = key.stored().use(KeyProperties.PURPOSE_SIGN, KeyProperties.DIGEST_SHA256)
        software = Mac.getInstance("HmacSHA256", "SunJCE").apply { init(secret) }
    }

    override fun engineUpdate(byte: Byte): Unit = software.update(byte)

    override fun engineUpdate(bytes: ByteArray, offset: Int, length: Int): Unit = software.update(bytes, offset, length)

    override fun engineDoFinal(): ByteArray = software.doFinal()

    override fun engineReset(): Unit = software.reset()
}

/** AES-GCM without padding. */
internal class AesGcm : CipherSpi() {
    private val software = Cipher.getInstance("AES/GCM/NoPadding", "SunJCE")

    override fun engineSetMode(mode: String): Unit = require(mode == "GCM")

    override fun engineSetPadding(padding: String): Unit = require(padding == "NoPadding")

    override fun engineGetBlockSize(): Int = 16

    override fun engineGetOutputSize(length: Int): Int = software.getOutputSize(length)

    override fun engineGetIV(): ByteArray? = software.iv

    override fun engineGetParameters(): AlgorithmParameters? = software.parameters

    override fun engineInit(mode: Int, key: Key?, random: SecureRandom?): Unit =
        engineInit(mode, key, null as AlgorithmParameterSpec?, random)

    override fun engineInit(mode: Int, key: Key?, parameters: AlgorithmParameterSpec?, random: SecureRandom?) {
        val stored = key.stored()
        val specification = stored.specification
        val isEncryption = mode == Cipher.ENCRYPT_MODE
        val secret = stored.use(if (isEncryption) KeyProperties.PURPOSE_ENCRYPT else KeyProperties.PURPOSE_DECRYPT)
        if (KeyProperties.BLOCK_MODE_GCM !in specification.blockModes) {
            throw InvalidKeyException("incompatible block mode")
        }
        if (KeyProperties.ENCRYPTION_PADDING_NONE !in specification.paddings) {
            throw InvalidKeyException("incompatible padding")
        }
        if (isEncryption && parameters != null && specification.isRandomizedEncryptionRequired) {
            throw InvalidAlgorithmParameterException("Caller-provided IV not permitted")
        }
        software.init(mode, secret, parameters)
    }

    override fun engineInit(mode: Int, key: Key?, parameters: AlgorithmParameters?, random: SecureRandom?): Unit =
        throw UnsupportedOperationException()

    override fun engineUpdateAAD(bytes: ByteArray, offset: Int, length: Int): Unit =
        software.updateAAD(bytes, offset, length)

    override fun engineUpdate(input: ByteArray, offset: Int, length: Int): ByteArray? =
        software.update(input, offset, length)

    override fun engineUpdate(input: ByteArray, offset: Int, length: Int, output: ByteArray, at: Int): Int =
        software.update(input, offset, length, output, at)

    override fun engineDoFinal(input: ByteArray?, offset: Int, length: Int): ByteArray =
        if (input == null) software.doFinal() else software.doFinal(input, offset, length)

    override fun engineDoFinal(input: ByteArray, offset: Int, length: Int, output: ByteArray, at: Int): Int =
        software.doFinal(input, offset, length, output, at)
}

/**
 * RSA-OAEP with SHA-256 and MGF1-SHA-1, to open with. A key that wants the user confirmed per use begins at once and
 * refuses to finish without, as Android's does. Its IV, which RSA has none of, is the handle that confirms it.
 */
internal class RsaOaep : CipherSpi() {
    private val software = Cipher.getInstance(AndroidKeyStore.RSA_OAEP, "SunJCE")
    private var handle = 0L
    private var isConfirmationRequired = false

    override fun engineSetMode(mode: String): Unit = throw UnsupportedOperationException()

    override fun engineSetPadding(padding: String): Unit = throw UnsupportedOperationException()

    override fun engineGetBlockSize(): Int = 0

    override fun engineGetOutputSize(length: Int): Int = software.getOutputSize(length)

    override fun engineGetIV(): ByteArray = ByteBuffer.allocate(Long.SIZE_BYTES).putLong(handle).array()

    override fun engineGetParameters(): AlgorithmParameters? = software.parameters

    override fun engineInit(mode: Int, key: Key?, random: SecureRandom?): Unit =
        engineInit(mode, key, null as AlgorithmParameterSpec?, random)

    override fun engineInit(mode: Int, key: Key?, parameters: AlgorithmParameterSpec?, random: SecureRandom?) {
        if (mode != Cipher.DECRYPT_MODE) throw InvalidKeyException("encrypt outside of the key store")
        val stored = key.stored()
        val secret = stored.use(KeyProperties.PURPOSE_DECRYPT, KeyProperties.DIGEST_SHA256, canBeConfirmed = true)
        if (KeyProperties.ENCRYPTION_PADDING_RSA_OAEP !in stored.specification.paddings) {
            throw InvalidKeyException("incompatible padding")
        }
        val mask = ((parameters as? OAEPParameterSpec)?.mgfParameters as? MGF1ParameterSpec)?.digestAlgorithm
        if (mask != "SHA-1") {
            throw InvalidAlgorithmParameterException("Unsupported MGF1 digest: $mask. Only SHA-1 supported")
        }
        handle = HANDLES.incrementAndGet()
        isConfirmationRequired = stored.isConfirmedPerUse
        software.init(mode, secret, parameters)
    }

    override fun engineInit(mode: Int, key: Key?, parameters: AlgorithmParameters?, random: SecureRandom?): Unit =
        throw UnsupportedOperationException()

    override fun engineUpdate(input: ByteArray, offset: Int, length: Int): ByteArray? =
        software.update(input, offset, length)

    override fun engineUpdate(input: ByteArray, offset: Int, length: Int, output: ByteArray, at: Int): Int =
        software.update(input, offset, length, output, at)

    override fun engineDoFinal(input: ByteArray?, offset: Int, length: Int): ByteArray {
        if (isConfirmationRequired && !Phone.confirmed.remove(handle)) {
            throw IllegalBlockSizeException().apply { initCause(KeyStoreException("Key user not authenticated")) }
        }
        return if (input == null) software.doFinal() else software.doFinal(input, offset, length)
    }

    override fun engineDoFinal(input: ByteArray, offset: Int, length: Int, output: ByteArray, at: Int): Int =
        throw UnsupportedOperationException()

    private companion object {
        val HANDLES = AtomicLong()
    }
}
