package dev.twinlock.scenario

import dev.twinlock.Clock
import dev.twinlock.DeviceKey
import dev.twinlock.KeyLevel
import dev.twinlock.PinKeyKind
import dev.twinlock.PortException
import dev.twinlock.Ports
import dev.twinlock.Store
import java.security.KeyPair
import java.security.KeyPairGenerator
import java.security.SecureRandom
import java.security.Signature
import java.security.spec.ECGenParameterSpec
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.CopyOnWriteArrayList
import javax.crypto.Cipher
import javax.crypto.Mac
import javax.crypto.spec.GCMParameterSpec
import javax.crypto.spec.SecretKeySpec

/** Ports of a device without key hardware, by Java's own means; each call is noted and then told to [onCall]. */
class SoftwarePorts {
    /** The names of the calls, in order. */
    val calls = CopyOnWriteArrayList<String>()

    /** Told of each call, on the thread that makes it, before it is answered. */
    @Volatile
    var onCall: (String) -> Unit = {}

    /** Milliseconds by which the boot clock is ahead of the machine's. */
    @Volatile
    var bootAheadMs = 0L

    /** The key that a biometric opens; `null` after a finger was added, and before one was ever asked for. */
    @Volatile
    private var biometricKey: SecretKeySpec? = null

    /** As the system does then. */
    fun addFinger() {
        biometricKey = null
    }

    fun ports() = Ports(Keys(), Blobs(), Clocks())

    private fun called(name: String) {
        calls += name
        onCall(name)
    }

    private inner class Keys : DeviceKey {
        private val keys = ConcurrentHashMap<String, Pair<KeyPair, SecretKeySpec>>()

        override fun generate(account: String): ByteArray {
            called("generate")
            val pair = KeyPairGenerator.getInstance("EC").run {
                initialize(ECGenParameterSpec("secp256r1"))
                generateKeyPair()
            }
            keys[account] = pair to SecretKeySpec(ByteArray(32).also(SecureRandom()::nextBytes), "HmacSHA256")
            return pair.public.encoded
        }

        override fun sign(account: String, message: ByteArray): ByteArray {
            called("sign")
            return Signature.getInstance("SHA256withECDSAinP1363Format").run {
                initSign(of(account).first.private)
                update(message)
                sign()
            }
        }

        override fun pinKeyKind(account: String): PinKeyKind = PinKeyKind.Mac.also { called("pinKeyKind") }

        override fun bindGuess(account: String, guess: ByteArray): ByteArray {
            called("bindGuess")
            return Mac.getInstance("HmacSHA256").apply { init(of(account).second) }.doFinal(guess)
        }

        override fun sealForBiometric(account: String, secret: ByteArray): ByteArray {
            called("sealForBiometric")
            val key = SecretKeySpec(ByteArray(32).also(SecureRandom()::nextBytes), "AES").also { biometricKey = it }
            return aes(Cipher.ENCRYPT_MODE, key).doFinal(secret)
        }

        override fun openByBiometric(account: String, sealed: ByteArray): ByteArray {
            called("openByBiometric")
            return aes(Cipher.DECRYPT_MODE, biometricKey ?: throw PortException.KeyLost()).doFinal(sealed)
        }

        /** The key seals once: a nonce of nothing is a nonce. */
        private fun aes(mode: Int, key: SecretKeySpec) =
            Cipher.getInstance("AES/GCM/NoPadding").apply { init(mode, key, GCMParameterSpec(128, ByteArray(12))) }

        override fun delete(account: String) {
            called("delete")
            keys.remove(account)
        }

        override fun level(account: String): KeyLevel {
            called("level")
            of(account)
            return KeyLevel.Software
        }

        private fun of(account: String) = keys[account] ?: throw PortException.KeyLost()
    }

    private inner class Blobs : Store {
        private val blobs = ConcurrentHashMap<String, ByteArray>()

        /** Without the account's digest before it. */
        private fun what(name: String) = name.substringAfter('.')

        override fun read(name: String): ByteArray? {
            called("read ${what(name)}")
            return blobs[name]
        }

        override fun write(name: String, bytes: ByteArray) {
            called("write ${what(name)}")
            blobs[name] = bytes
        }

        override fun remove(name: String) {
            called("remove ${what(name)}")
            blobs.remove(name)
        }
    }

    private inner class Clocks : Clock {
        override fun wallMs(): Long = System.currentTimeMillis().also { called("wallMs") }

        override fun bootMs(): Long = (System.nanoTime() / 1_000_000 + bootAheadMs).also { called("bootMs") }
    }
}
