package dev.twinlock

import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows

/** What was lent to a port or came out of one does not lie in memory any longer than it is used. */
class GluePortsTest {
    private val opened = ByteArray(32) { 7 }

    private val port = object : DeviceKey by MemoryPorts().deviceKey {
        override fun bindGuess(account: String, guess: ByteArray): ByteArray = guess.copyOf()

        override fun sealForBiometric(account: String, secret: ByteArray): ByteArray = secret.copyOf()

        override fun openByBiometric(account: String, sealed: ByteArray): ByteArray = opened
    }

    @Test
    fun `a secret is wiped after it was sealed, also where the port refused`() {
        for (port in listOf(port, MemoryPorts().deviceKey)) {
            val secret = ByteArray(32) { 7 }
            runCatching { GlueDeviceKey(port).sealForBiometric("mara", secret) }
            assertArrayEquals(ByteArray(32), secret)
        }
        assertThrows<dev.twinlock.ffi.HostException.KeyLost> {
            GlueDeviceKey(MemoryPorts().deviceKey).sealForBiometric("mara", ByteArray(32))
        }
    }

    @Test
    fun `what a biometric opened arrives, and is wiped once the PIN key is used for it`() {
        val glue = GlueDeviceKey(port)
        assertArrayEquals(ByteArray(32) { 7 }, glue.openByBiometric("mara", ByteArray(1)))
        glue.bindGuess("mara", ByteArray(32))
        assertArrayEquals(ByteArray(32), opened)
    }
}
