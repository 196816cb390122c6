package dev.twinlock

import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import java.util.concurrent.Callable
import java.util.concurrent.Executors

/** RFC 6238's own secret and times, in the six digits that the portal uses. */
class OneTimeCodeTest {
    private fun code(lastStep: Long? = null) = runBlocking {
        OneTimeCode.parse("otpauth://totp/a?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ".toByteArray(), lastStep)
    }

    @Test
    fun `the codes of RFC 6238 are accepted once`() = code().use {
        assertEquals(6, it.digits)
        assertEquals(30, it.periodS)
        assertEquals(1, it.stepAt(59_000))
        assertEquals(CodeMatch.Accepted(step = 1), it.check("287 082", 59_000))
        assertEquals(CodeMatch.Replayed, it.check("287082", 59_000))
        assertEquals(CodeMatch.Wrong, it.check("287083", 59_000))
        assertEquals(CodeMatch.Accepted(step = 37_037_036), it.check("081804", 1_111_111_109_000))
    }

    @Test
    fun `a code of a step that was accepted before the restart is a replay`() = code(lastStep = 1).use {
        assertEquals(CodeMatch.Replayed, it.check("287082", 59_000))
    }

    @Test
    fun `what cannot be a code and a time that cannot be are refused`() = code().use {
        for (typed in listOf("", "12345", "1234567", "12345a", "+12345", "1".repeat(1_000_000))) {
            assertEquals(2001, assertThrows<TwinlockException.EntryRefused> { it.check(typed, 59_000) }.code)
        }
        for (time in listOf(-1, Long.MIN_VALUE, Long.MAX_VALUE)) {
            assertEquals(2008, assertThrows<TwinlockException.Misuse> { it.check("287082", time) }.code)
        }
    }

    @Test
    fun `of fifty threads with one code, one is let in`() = code().use { code ->
        val pool = Executors.newFixedThreadPool(50)
        val matches = pool.invokeAll(List(50) { Callable { code.check("287082", 59_000) } }).map { it.get() }
        pool.shutdown()
        assertEquals(1, matches.count { it is CodeMatch.Accepted })
        assertEquals(49, matches.count { it is CodeMatch.Replayed })
    }
}
