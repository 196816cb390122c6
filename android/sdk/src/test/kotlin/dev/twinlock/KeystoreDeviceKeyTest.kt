package dev.twinlock

import dev.twinlock.standin.Phone
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.BeforeEach
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import java.security.KeyFactory
import java.security.Signature
import java.security.spec.X509EncodedKeySpec

/** The production adapter, unmodified, over a key store that enforces what the specification of a key says. */
class KeystoreDeviceKeyTest {
    private val keys = deviceKey()

    @BeforeEach
    fun newPhone() = Phone.reset()

    @Test
    fun `the public half verifies what the device key signs`() {
        val spki = keys.generate("mara")
        val publicKey = KeyFactory.getInstance("EC").generatePublic(X509EncodedKeySpec(spki))
        val raw = keys.sign("mara", "message".toByteArray())
        assertEquals(64, raw.size)
        val verifier = Signature.getInstance("SHA256withECDSAinP1363Format").apply { initVerify(publicKey) }
        verifier.update("message".toByteArray())
        assertTrue(verifier.verify(raw))
    }

    @Test
    fun `a guess is bound to guess, account and phone`() {
        keys.generate("mara")
        keys.generate("jonas")
        val guess = ByteArray(32) { 1 }
        val bound = keys.bindGuess("mara", guess)
        assertEquals(PinKeyKind.Mac, keys.pinKeyKind("mara"))
        assertEquals(32, bound.size)
        assertArrayEquals(bound, keys.bindGuess("mara", guess))
        assertFalse(bound.contentEquals(keys.bindGuess("mara", ByteArray(32) { 2 })))
        assertFalse(bound.contentEquals(keys.bindGuess("jonas", guess)))
        keys.generate("mara")
        assertFalse(bound.contentEquals(keys.bindGuess("mara", guess)))
    }

    @Test
    fun `the keys may sign and nothing else, and only while the phone is unlocked`() {
        keys.generate("mara")
        assertEquals(2, Phone.aliases.size)
        for (alias in Phone.aliases) {
            val specification = Phone.specification(alias)
            assertEquals(android.security.keystore.KeyProperties.PURPOSE_SIGN, specification.purposes)
            assertEquals(setOf("SHA-256"), specification.digests)
            assertTrue(specification.isUnlockedDeviceRequired)
            assertTrue(specification.isStrongBoxBacked)
        }
        Phone.isLocked = true
        assertThrows<PortException.KeyUnavailable> { keys.sign("mara", ByteArray(1)) }
        assertThrows<PortException.KeyUnavailable> { keys.bindGuess("mara", ByteArray(32)) }
    }

    @Test
    fun `before API 35 a locked phone is not asked for, and before API 28 no StrongBox`() {
        deviceKey(apiLevel = 34).generate("mara")
        assertTrue(Phone.aliases.none { Phone.specification(it).isUnlockedDeviceRequired })
        assertTrue(Phone.aliases.all { Phone.specification(it).isStrongBoxBacked })
        deviceKey(apiLevel = 27).generate("mara")
        assertTrue(Phone.aliases.none { Phone.specification(it).isStrongBoxBacked })
    }

    @Test
    fun `f55_a_missing_or_busy_StrongBox_falls_back_and_the_level_says_so`() {
        keys.generate("mara")
        assertEquals(KeyLevel.SecureElement, keys.level("mara"))
        Phone.hasStrongBox = false
        keys.generate("mara")
        assertEquals(KeyLevel.TrustedEnvironment, keys.level("mara"))
        Phone.hasStrongBox = true
        Phone.isStrongBoxBusy = true
        keys.generate("mara")
        assertEquals(KeyLevel.TrustedEnvironment, keys.level("mara"))
        Phone.hasSecureHardware = false
        assertEquals(KeyLevel.Software, keys.level("mara"))
    }

    @Test
    fun `the level is that of the weaker key`() {
        keys.generate("mara")
        val pin = Phone.aliases.single { "pin" in it }
        Phone.weaken(pin)
        assertEquals(KeyLevel.TrustedEnvironment, keys.level("mara"))
    }

    @Test
    fun `before API 31 a StrongBox is reported as what is certain`() {
        keys.generate("mara")
        assertEquals(KeyLevel.TrustedEnvironment, deviceKey(apiLevel = 30).level("mara"))
        Phone.hasStrongBox = false
        Phone.hasSecureHardware = false
        keys.generate("mara")
        assertEquals(KeyLevel.Software, deviceKey(apiLevel = 30).level("mara"))
    }

    @Test
    fun `f55_an_invalidated_key_is_lost`() {
        keys.generate("mara")
        Phone.invalidateKeys()
        assertAllLost()
    }

    @Test
    fun `f55_an_invalidated_key_is_lost_also_in_the_middle_of_its_use`() {
        keys.generate("mara")
        Phone.isInvalidatedAtUse = true
        assertThrows<PortException.KeyLost> { keys.sign("mara", ByteArray(1)) }
        assertThrows<PortException.KeyLost> { keys.bindGuess("mara", ByteArray(32)) }
    }

    @Test
    fun `f55_a_wiped_key_is_lost`() {
        keys.generate("mara")
        Phone.wipeKeys()
        assertAllLost()
    }

    @Test
    fun `f55_a_key_store_that_does_not_answer_is_no_lost_key`() {
        keys.generate("mara")
        Phone.isKeyStoreDown = true
        assertThrows<PortException.KeyUnavailable> { keys.sign("mara", ByteArray(1)) }
        assertThrows<PortException.KeyUnavailable> { keys.bindGuess("mara", ByteArray(32)) }
        assertThrows<PortException.KeyUnavailable> { keys.level("mara") }
        assertThrows<PortException.KeyUnavailable> { keys.generate("mara") }
        assertThrows<PortException.KeyUnavailable> { keys.delete("mara") }
        Phone.isKeyStoreDown = false
        keys.sign("mara", ByteArray(1))
    }

    @Test
    fun `a phone without a screen lock keeps these keys`() {
        Phone.hasScreenLock = false
        keys.generate("mara")
        keys.sign("mara", ByteArray(1))
        keys.bindGuess("mara", ByteArray(32))
    }

    @Test
    fun `deleting takes all keys of one account, and none of another`() {
        keys.generate("mara")
        keys.generate("jonas")
        val sealed = keys.sealForBiometric("mara", ByteArray(32))
        keys.sealForBiometric("jonas", ByteArray(32))
        keys.delete("mara")
        keys.delete("mara")
        assertAllLost()
        assertThrows<PortException.KeyLost> { keys.openByBiometric("mara", sealed) }
        assertEquals(3, Phone.aliases.size)
        keys.sign("jonas", ByteArray(1))
        keys.bindGuess("jonas", ByteArray(32))
    }

    private fun deviceKey(apiLevel: Int = 35) =
        KeystoreDeviceKey(KeystoreBiometricKey({ it }, { Phone.hasScreenLock }), apiLevel)

    private fun assertAllLost() {
        assertThrows<PortException.KeyLost> { keys.sign("mara", ByteArray(1)) }
        assertThrows<PortException.KeyLost> { keys.bindGuess("mara", ByteArray(32)) }
        assertThrows<PortException.KeyLost> { keys.level("mara") }
    }
}
