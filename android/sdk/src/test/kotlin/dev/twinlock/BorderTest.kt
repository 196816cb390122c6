package dev.twinlock

import dev.twinlock.ffi.testCallback
import dev.twinlock.ffi.testPanic
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import java.io.IOException
import kotlin.reflect.full.memberProperties

/** What goes wrong on one side of the border arrives on the other as a typed error without a text. */
class BorderTest {
    @Test
    fun `f75_a_panic_in_Rust_arrives_as_an_error_and_its_text_stays_there`() {
        val fault = assertThrows<TwinlockException.Internal> { glued { testPanic() } }
        assertEquals(9001, fault.code)
        assertHoldsNoText(fault)
        // Nothing is broken after it.
        assertThrows<TwinlockException.Internal> { glued { testPanic() } }
    }

    @Test
    fun `f75_a_port_that_throws_arrives_typed`() {
        val faults = mapOf<Throwable, Int>(
            PortException.KeyLost(IOException("secret 4711")) to 5002,
            PortException.KeyUnavailable() to 5008,
            PortException.NoScreenLock() to 5011,
            PortException.Cancelled(IOException("secret 4711")) to 1009,
            PortException.StoreFailed() to 5001,
            IllegalStateException("secret 4711") to 9001,
            AssertionError("secret 4711") to 9001,
            StackOverflowError() to 9001,
        )
        for ((thrown, code) in faults) {
            val clock = object : Clock {
                override fun wallMs(): Long = throw thrown

                override fun bootMs(): Long = throw thrown
            }
            val arrived = assertThrows<TwinlockException>("$thrown") { glued { testCallback(GlueClock(clock)) } }
            assertEquals(code, arrived.code, "$thrown")
            assertHoldsNoText(arrived)
            if (code == 5002) continue
            val opened = refused<TwinlockException>("$thrown") { MemoryPorts(onRead = { throw thrown }).open() }
            assertEquals(code, opened.code, "$thrown")
        }
    }

    @Test
    fun `what a phone remembers and cannot be read any more leads to sign-in`() = runBlocking<Unit> {
        MemoryPorts(onRead = { throw PortException.KeyLost() }).open().use { assertEquals(Step.SignIn, it.step.value) }
        val damaged = object : Store by MemoryPorts().store {
            override fun read(name: String): ByteArray = byteArrayOf(1)
        }
        val ports = MemoryPorts()
        Twinlock.open(MemoryPorts.config(), Ports(ports.deviceKey, damaged, ports.clock)).use {
            assertEquals(Step.SignIn, it.step.value)
            assertEquals(4001, refused<TwinlockException.Retry> { it.signIn("mara", byteArrayOf(65)) }.code)
        }
    }

    @Test
    fun `f75_a_clock_before_1970_is_1970`() {
        val clock = object : Clock {
            override fun wallMs(): Long = -1

            override fun bootMs(): Long = Long.MIN_VALUE
        }
        assertEquals(0uL, glued { testCallback(GlueClock(clock)) })
        assertEquals(0uL, GlueClock(clock).bootMs())
    }

    @Test
    fun `f75_a_port_that_calls_back_does_not_wait_for_ever`() = runBlocking<Unit> {
        var inner: Step? = null
        val ports = MemoryPorts(onRead = { inner = runBlocking { MemoryPorts().open().use { it.lock() } } })
        ports.open().use { assertEquals(Step.SignIn, it.step.value) }
        assertEquals(Step.SignIn, inner)
    }

    @Test
    fun `f75_empty_and_broken_text_is_refused_typed`() = runBlocking<Unit> {
        MemoryPorts().open().use { twinlock ->
            refused<TwinlockException.EntryRefused> { twinlock.signIn("mara", byteArrayOf(-1, -2)) }
            refused<TwinlockException.Misuse> { twinlock.signIn("half a pair \ud800", byteArrayOf(65)) }
            // Nobody listens at the portal; what is sent gets as far as that.
            for (name in listOf("", "\u0000", "n".repeat(1_000_000))) {
                refused<TwinlockException> { twinlock.signIn(name, ByteArray(0)) }
            }
            val offline = refused<TwinlockException.Retry> { twinlock.signIn("mara", byteArrayOf(65)) }
            assertEquals(4001, offline.code)
            refused<TwinlockException.StepRequired> { twinlock.submitCode("") }
            refused<TwinlockException.StepRequired> { twinlock.vault.put("", ByteArray(0)) }
        }
        val hotp = "otpauth://hotp/x?secret=a".toByteArray()
        for (uri in listOf(ByteArray(0), byteArrayOf(-1), hotp, ByteArray(1_000_000))) {
            assertEquals(2005, refused<TwinlockException.EntryRefused> { OneTimeCode.parse(uri) }.code)
        }
    }

    @Test
    fun `an address that is none and roots that are none are refused when the account is opened`() {
        fun opened(config: TwinlockConfig) =
            refused<TwinlockException> { Twinlock.open(config, MemoryPorts().ports()) }.code
        assertEquals(4007, opened(MemoryPorts.config(portalUrl = "http://localhost:1")))
        assertEquals(4002, opened(TwinlockConfig("https://localhost:1", ByteArray(3), "mara", "1.0.0")))
    }

    @Test
    fun `f75_after_close_every_call_says_so`() = runBlocking<Unit> {
        val twinlock = MemoryPorts().open()
        val entry = twinlock.pinEntry()
        twinlock.close()
        twinlock.close()
        val calls = mapOf<String, suspend () -> Unit>(
            "signIn" to { twinlock.signIn("mara", byteArrayOf(65)) },
            "setUpTwoStep" to { twinlock.setUpTwoStep() },
            "submitCode" to { twinlock.submitCode("123456") },
            "refresh" to { twinlock.refresh() },
            "pinEntry" to { twinlock.pinEntry() },
            "submitPin" to { entry.apply { repeat(6) { pushDigit(it) } }.let { twinlock.submitPin(it) } },
            "changePin" to { twinlock.changePin() },
            "tick" to { twinlock.tick() },
            "useBiometric" to { twinlock.useBiometric(true) },
            "hasBiometric" to { twinlock.hasBiometric() },
            "unlockWithBiometric" to { twinlock.unlockWithBiometric() },
            "files" to { twinlock.files() },
            "download" to { twinlock.download("id") },
            "authorise" to { twinlock.authorise("GET", "https://app.example/") },
            "lock" to { twinlock.lock() },
            "signOut" to { twinlock.signOut() },
            "submitRecoveryCode" to { twinlock.submitRecoveryCode("K7-0000-0000-0000-0000") },
            "takeRecoveryCodes" to { twinlock.takeRecoveryCodes() },
            "newRecoveryCodes" to { twinlock.newRecoveryCodes() },
            "put" to { twinlock.vault.put("name", ByteArray(1)) },
            "get" to { twinlock.vault.get("name") },
            "remove" to { twinlock.vault.remove("name") },
        )
        for ((name, call) in calls) {
            val fault = refused<TwinlockException.Misuse>(name) { call() }
            assertEquals(9003, fault.code, name)
        }
        val ofTwinlock = Twinlock::class.java.methods.filter { it.declaringClass == Twinlock::class.java }
        val ofVault = Vault::class.java.methods.filter { it.declaringClass == Vault::class.java }
        val tested = calls.keys + setOf("close", "getStep", "getVault")
        assertEquals(tested, (ofTwinlock + ofVault).map { it.name }.filter { '$' !in it }.toSet())
    }

    @Test
    fun `f75_a_closed_PIN_entry_and_a_closed_code_say_so`() = runBlocking<Unit> {
        MemoryPorts().open().use { twinlock ->
            val entry = twinlock.pinEntry()
            entry.pushDigit(1)
            entry.close()
            entry.close()
            val calls =
                listOf<() -> Any>({ entry.pushDigit(1) }, { entry.backspace() }, { entry.clear() }, { entry.length })
            for (call in calls) assertEquals(9003, refused<TwinlockException.Misuse> { call() }.code)
            assertEquals(9003, refused<TwinlockException.Misuse> { twinlock.submitPin(entry) }.code)
        }
        val code = OneTimeCode.parse("otpauth://totp/a?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ".toByteArray())
        code.close()
        code.close()
        val calls =
            listOf<() -> Any>({ code.check("123456", 0) }, { code.digits }, { code.periodS }, { code.stepAt(0) })
        for (call in calls) assertEquals(9003, refused<TwinlockException.Misuse> { call() }.code)
    }

    @Test
    fun `a password is wiped whatever comes of the call, also of one cancelled before it began`() = runBlocking<Unit> {
        val twinlock = MemoryPorts().open()
        for (prepare in listOf<suspend () -> Unit>({}, { twinlock.close() })) {
            prepare()
            val password = "a password of the member".toByteArray()
            refused<TwinlockException> { twinlock.signIn("mara", password) }
            assertArrayEquals(ByteArray(password.size), password)
        }
        val password = "a password of the member".toByteArray()
        cancelled { twinlock.signIn("mara", password) }
        assertArrayEquals(ByteArray(password.size), password)
        val uri = "otpauth://totp/a?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ".toByteArray()
        cancelled { OneTimeCode.parse(uri) }
        assertArrayEquals(ByteArray(uri.size), uri)
    }

    @Test
    fun `a PIN entry is emptied whatever comes of the call, and usable again`() = runBlocking<Unit> {
        MemoryPorts().open().use { twinlock ->
            val entry = twinlock.pinEntry()
            repeat(6) { entry.pushDigit(it) }
            refused<TwinlockException.StepRequired> { twinlock.submitPin(entry) }
            assertEquals(0, entry.length)
            entry.pushDigit(1)
            cancelled { twinlock.submitPin(entry) }
            assertEquals(0, entry.length)
            entry.pushDigit(1)
            assertEquals(1, entry.length)
            entry.close()
        }
    }

    @Test
    fun `what is no digit never becomes one`() = runBlocking<Unit> {
        MemoryPorts().open().use { twinlock ->
            twinlock.pinEntry().use { entry ->
                for (wrong in listOf(-1, 10, 48, 255, 256, 257, 266, 1024, Int.MAX_VALUE, Int.MIN_VALUE)) {
                    val fault = assertThrows<TwinlockException.PinRefused>("$wrong") { entry.pushDigit(wrong) }
                    assertEquals(PinFault.NotDigits, fault.reason)
                }
                repeat(12) { entry.pushDigit(it % 10) }
                assertEquals(PinFault.TooLong, assertThrows<TwinlockException.PinRefused> { entry.pushDigit(0) }.reason)
                entry.backspace()
                assertEquals(11, entry.length)
                entry.clear()
                assertEquals(0, entry.length)
                entry.backspace()
            }
        }
    }

    /** What a crash reporter takes: messages, causes, fields. */
    private fun assertHoldsNoText(fault: TwinlockException) {
        assertEquals("TL-${fault.code}", fault.message)
        assertNull(fault.cause)
        val texts = fault::class.memberProperties.map { it.getter.call(fault) }.filterIsInstance<String>()
        assertTrue(texts.all { it == "TL-${fault.code}" || it == "twinlock_error_${fault.code}" }, "$texts")
        assertTrue("4711" !in fault.stackTraceToString() && "panic" !in fault.message.orEmpty())
    }
}
