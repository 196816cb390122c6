package dev.twinlock

import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import java.security.KeyPairGenerator
import java.security.Signature
import java.security.SignatureException
import java.security.spec.ECGenParameterSpec

class RawSignatureTest {
    private val pair = KeyPairGenerator.getInstance("EC").run {
        initialize(ECGenParameterSpec("secp256r1"))
        generateKeyPair()
    }

    /** Java's own verifier of r ‖ s judges; a thousand signatures have short integers and ones with a leading zero. */
    @Test
    fun `every signature verifies as r and s`() {
        val lengths = (0 until 1000).map { number ->
            val message = "message $number".toByteArray()
            val der = signed(message)
            val verifier = Signature.getInstance("SHA256withECDSAinP1363Format").apply { initVerify(pair.public) }
            verifier.update(message)
            assertEquals(true, verifier.verify(rawSignature(der)), "message $number")
            der.size
        }
        assert(lengths.toSet().size >= 3) { "the integers had one length only: $lengths" }
    }

    @Test
    fun `short integers are filled up at the front`() {
        val der = byteArrayOf(0x30, 6, 2, 1, 5, 2, 1, 7)
        val raw = ByteArray(64).also { it[31] = 5; it[63] = 7 }
        assertArrayEquals(raw, rawSignature(der))
    }

    @Test
    fun `what is no signature is refused, also with one byte changed or missing`() {
        val der = signed(byteArrayOf(1))
        for (length in der.indices) {
            assertThrows<SignatureException>("cut to $length") { rawSignature(der.copyOf(length)) }
        }
        assertThrows<SignatureException> { rawSignature(der + 0) }
        for (at in listOf(0, 1, 2, 3)) {
            for (change in 1..255) {
                val changed = der.copyOf().also { it[at] = (it[at].toInt() xor change).toByte() }
                assertThrows<SignatureException>("byte $at changed by $change") { rawSignature(changed) }
            }
        }
        val zero = byteArrayOf(0x30, 6, 2, 1, 0, 2, 1, 7)
        val negative = byteArrayOf(0x30, 6, 2, 1, -1, 2, 1, 7)
        val tooLarge = byteArrayOf(0x30, 38, 2, 33, 1) + ByteArray(32) + byteArrayOf(2, 1, 7)
        for (wrong in listOf(zero, negative, tooLarge)) assertThrows<SignatureException> { rawSignature(wrong) }
    }

    private fun signed(message: ByteArray): ByteArray = Signature.getInstance("SHA256withECDSA").run {
        initSign(pair.private)
        update(message)
        sign()
    }
}
