package dev.twinlock

import android.security.keystore.KeyProperties
import dev.twinlock.standin.Phone
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.BeforeEach
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows

/** The production adapter, unmodified, over a key store that enforces what the specification of a key says. */
class KeystoreBiometricKeyTest {
    private val secret = ByteArray(32) { it.toByte() }
    private var asked = 0
    private val shown = BiometricPrompter { cipher -> cipher.also(Phone::confirm).also { asked++ } }
    private val key = keyWith(shown)

    private fun keyWith(prompter: BiometricPrompter?, apiLevel: Int = 35) =
        KeystoreBiometricKey(prompter, { Phone.hasScreenLock }, apiLevel)

    @BeforeEach
    fun newPhone() = Phone.reset()

    @Test
    fun `sealing asks nobody, and opening asks each time`() {
        val sealed = key.seal("mara", secret)
        assertEquals(0, asked)
        repeat(2) { assertArrayEquals(secret, key.open("mara", sealed)) }
        assertEquals(2, asked)
    }

    @Test
    fun `a dialog that only says yes opens nothing`() {
        val sealed = key.seal("mara", secret)
        assertThrows<PortException.KeyUnavailable> { keyWith({ it }).open("mara", sealed) }
    }

    @Test
    fun `only a biometric of class 3 opens, for one use, and none that is added later`() {
        for (apiLevel in listOf(28, 29, 30, 35)) {
            keyWith(shown, apiLevel).seal("mara", secret)
            val specification = Phone.specification(Phone.aliases.single())
            assertTrue(specification.isUserAuthenticationRequired)
            assertEquals(KeyProperties.AUTH_BIOMETRIC_STRONG, specification.userAuthenticationType, "API $apiLevel")
            assertEquals(0, specification.userAuthenticationSeconds, "API $apiLevel")
            assertTrue(specification.isInvalidatedByBiometricEnrollment)
            assertTrue(specification.isStrongBoxBacked)
            assertEquals(KeyProperties.PURPOSE_DECRYPT, specification.purposes)
            assertEquals(setOf(KeyProperties.ENCRYPTION_PADDING_RSA_OAEP), specification.paddings)
        }
    }

    @Test
    fun `b40_a_finger_that_is_added_loses_this_key_and_no_other`() {
        val keys = KeystoreDeviceKey(key)
        keys.generate("mara")
        val sealed = keys.sealForBiometric("mara", secret)
        Phone.addFinger()
        assertThrows<PortException.KeyLost> { keys.openByBiometric("mara", sealed) }
        assertEquals(0, asked, "nobody is asked for nothing")
        keys.sign("mara", ByteArray(1))
        keys.bindGuess("mara", ByteArray(32))
        assertArrayEquals(secret, key.open("mara", key.seal("mara", secret)))
    }

    @Test
    fun `a key found invalidated when it is used is lost`() {
        val sealed = key.seal("mara", secret)
        Phone.isInvalidatedAtUse = true
        assertThrows<PortException.KeyLost> { key.open("mara", sealed) }
    }

    @Test
    fun `each sealing makes the key anew`() {
        val before = key.seal("mara", secret)
        key.seal("mara", secret)
        assertThrows<PortException.KeyLost> { key.open("mara", before) }
    }

    @Test
    fun `what the member or the system answers reaches the caller`() {
        val sealed = key.seal("mara", secret)
        for (fault in listOf(PortException.Cancelled(), PortException.KeyUnavailable(), PortException.KeyLost())) {
            assertEquals(fault, assertThrows<PortException> { keyWith({ throw fault }).open("mara", sealed) })
        }
    }

    @Test
    fun `without a dialog there is no biometric, and no key is made`() {
        val sealed = key.seal("mara", secret)
        Phone.wipeKeys()
        for (without in listOf(keyWith(null), keyWith(shown, apiLevel = 27))) {
            assertThrows<PortException.KeyLost> { without.seal("mara", secret) }
            assertThrows<PortException.KeyLost> { without.open("mara", sealed) }
        }
        assertEquals(emptySet<String>(), Phone.aliases)
    }

    @Test
    fun `without an enrolled biometric there is none, and without a screen lock it is said`() {
        Phone.hasBiometric = false
        assertThrows<PortException.KeyLost> { key.seal("mara", secret) }
        Phone.hasScreenLock = false
        assertThrows<PortException.NoScreenLock> { key.seal("mara", secret) }
        assertFalse(Phone.aliases.any { "biometric" in it })
    }

    @Test
    fun `f55_a_missing_StrongBox_falls_back_and_a_key_store_that_does_not_answer_is_no_lost_key`() {
        Phone.hasStrongBox = false
        val sealed = key.seal("mara", secret)
        assertArrayEquals(secret, key.open("mara", sealed))
        Phone.isKeyStoreDown = true
        assertThrows<PortException.KeyUnavailable> { key.seal("mara", secret) }
        assertThrows<PortException.KeyUnavailable> { key.open("mara", sealed) }
        Phone.isKeyStoreDown = false
        assertArrayEquals(secret, key.open("mara", sealed))
    }

    @Test
    fun `the key of one account opens nothing of another`() {
        val sealed = key.seal("mara", secret)
        key.seal("jonas", secret)
        assertThrows<PortException.KeyLost> { key.open("jonas", sealed) }
        key.delete("mara")
        key.delete("mara")
        assertThrows<PortException.KeyLost> { key.open("mara", sealed) }
    }
}
