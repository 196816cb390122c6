package dev.twinlock.standin

import java.security.InvalidAlgorithmParameterException
import java.security.KeyPair
import java.security.KeyPairGenerator
import java.security.KeyPairGeneratorSpi
import java.security.SecureRandom
import java.security.spec.AlgorithmParameterSpec
import java.security.spec.ECGenParameterSpec
import javax.crypto.KeyGeneratorSpi
import javax.crypto.SecretKey
import javax.crypto.spec.SecretKeySpec

/** Makes P-256 pairs; the private half stays in the phone. */
internal class SigningKeyGenerator : KeyPairGeneratorSpi() {
    private var parameters: AlgorithmParameterSpec? = null

    override fun initialize(size: Int, random: SecureRandom?): Unit =
        throw InvalidAlgorithmParameterException("Android takes a KeyGenParameterSpec")

    override fun initialize(parameters: AlgorithmParameterSpec?, random: SecureRandom?) {
        this.parameters = parameters
    }

    override fun generateKeyPair(): KeyPair {
        val specification = KeySpecification.of("EC", parameters)
        val software = KeyPairGenerator.getInstance("EC", "SunEC")
        software.initialize(ECGenParameterSpec("secp256r1"))
        val pair = software.generateKeyPair()
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
