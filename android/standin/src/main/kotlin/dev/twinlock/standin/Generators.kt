package dev.twinlock.standin

import java.security.InvalidAlgorithmParameterException
import java.security.KeyPair
import java.security.KeyPairGenerator
import java.security.KeyPairGeneratorSpi
import java.security.SecureRandom
import java.security.spec.AlgorithmParameterSpec
import java.security.spec.ECGenParameterSpec
import java.security.spec.RSAKeyGenParameterSpec
import javax.crypto.KeyGeneratorSpi
import javax.crypto.SecretKey
import javax.crypto.spec.SecretKeySpec

/** Makes pairs; the private half stays in the phone. */
internal abstract class PairGenerator(
    private val algorithm: String,
    private val provider: String,
    private val software: AlgorithmParameterSpec,
) : KeyPairGeneratorSpi() {
    class P256 : PairGenerator("EC", "SunEC", ECGenParameterSpec("secp256r1"))

    class Rsa : PairGenerator("RSA", "SunRsaSign", RSAKeyGenParameterSpec(2048, RSAKeyGenParameterSpec.F4))

    private var parameters: AlgorithmParameterSpec? = null

    override fun initialize(size: Int, random: SecureRandom?): Unit =
        throw InvalidAlgorithmParameterException("Android takes a KeyGenParameterSpec")

    override fun initialize(parameters: AlgorithmParameterSpec?, random: SecureRandom?) {
        try {
            KeySpecification.checkUser(parameters)
        } catch (refusal: IllegalStateException) {
            throw InvalidAlgorithmParameterException(refusal)
        }
        this.parameters = parameters
    }

    override fun generateKeyPair(): KeyPair {
        val specification = KeySpecification.of(algorithm, parameters)
        val generator = KeyPairGenerator.getInstance(algorithm, provider).apply { initialize(software) }
        val pair = generator.generateKeyPair()
        val stored = StoredKey(specification, pair.private, pair)
        Phone.keys[specification.alias] = stored
        return KeyPair(pair.public, StoredPrivateKey(specification.alias, stored))
    }
}

/** Makes keys for encryption and for MACs. */
internal abstract class SecretKeyGenerator(private val algorithm: String) : KeyGeneratorSpi() {
    class Aes : SecretKeyGenerator("AES")

    class Hmac : SecretKeyGenerator("HmacSHA256")

    private var parameters: AlgorithmParameterSpec? = null

    override fun engineInit(random: SecureRandom?): Unit =
        throw UnsupportedOperationException("Android takes a KeyGenParameterSpec")

    override fun engineInit(size: Int, random: SecureRandom?): Unit =
        throw UnsupportedOperationException("Android takes a KeyGenParameterSpec")

    override fun engineInit(parameters: AlgorithmParameterSpec?, random: SecureRandom?) {
        this.parameters = parameters
    }

    override fun engineGenerateKey(): SecretKey {
        val specification = KeySpecification.of(algorithm, parameters)
        val bytes = ByteArray(specification.keySize / 8).also(SecureRandom()::nextBytes)
        val stored = StoredKey(specification, SecretKeySpec(bytes, algorithm), null)
        Phone.keys[specification.alias] = stored
        return StoredSecretKey(specification.alias, stored)
    }
}
