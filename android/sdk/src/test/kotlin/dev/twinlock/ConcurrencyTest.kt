package dev.twinlock

import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import java.util.concurrent.CyclicBarrier
import java.util.concurrent.atomic.AtomicInteger
import kotlin.concurrent.thread

class ConcurrencyTest {
    @Test
    fun `f75_two_threads_on_one_PIN_entry_lose_no_digit_and_invent_none`() = runBlocking<Unit> {
        MemoryPorts().open().use { twinlock ->
            repeat(200) {
                val entry = twinlock.pinEntry()
                val together = CyclicBarrier(2)
                val refused = AtomicInteger()
                val typists = List(2) {
                    thread {
                        together.await()
                        repeat(8) { digit ->
                            try {
                                entry.pushDigit(digit)
                            } catch (_: TwinlockException.PinRefused) {
                                refused.incrementAndGet()
                            }
                        }
                    }
                }
                typists.forEach(Thread::join)
                assertEquals(12, entry.length)
                assertEquals(4, refused.get())
                entry.close()
            }
        }
    }

    @Test
    fun `f75_a_PIN_entry_closed_while_another_thread_types_only_says_so`() = runBlocking<Unit> {
        MemoryPorts().open().use { twinlock ->
            repeat(200) {
                val entry = twinlock.pinEntry()
                val together = CyclicBarrier(2)
                val faults = mutableListOf<Throwable>()
                val typist = thread {
                    together.await()
                    runCatching { repeat(12) { entry.pushDigit(it % 10) } }.onFailure(faults::add)
                }
                together.await()
                entry.close()
                typist.join()
                assertTrue(faults.all { it is TwinlockException.Misuse && it.code == 9003 }, "$faults")
            }
        }
    }

    @Test
    fun `fifty coroutines at once on one Twinlock get an answer each`() = runBlocking<Unit> {
        MemoryPorts().open().use { twinlock ->
            val codes = List(50) { number ->
                async(Dispatchers.Default) {
                    runCatching {
                        when (number % 5) {
                            0 -> twinlock.refresh()
                            1 -> twinlock.files()
                            2 -> twinlock.vault.get("name")
                            3 -> twinlock.signIn("mara", "password".toByteArray())
                            else -> twinlock.lock()
                        }
                    }.fold({ 0 }, { (it as TwinlockException).code })
                }
            }.awaitAll()
            // Nothing, what the step forbids, the vault's lock, no network, or "one call at a time".
            assertTrue(setOf(0, 3001, 3005, 5009, 4001, 9002).containsAll(codes), "$codes")
            assertEquals(Step.SignIn, twinlock.step.value)
            assertEquals(Step.SignIn, twinlock.lock())
        }
    }

    @Test
    fun `fifty coroutines open, call and close one each`() = runBlocking<Unit> {
        val steps = List(50) { async(Dispatchers.Default) { MemoryPorts().open().use { it.lock() } } }.awaitAll()
        assertEquals(List(50) { Step.SignIn }, steps)
    }

    @Test
    fun `f75_closing_under_a_call_ends_it_typed`() = runBlocking<Unit> {
        repeat(100) {
            val twinlock = MemoryPorts().open()
            val calling = async(Dispatchers.Default) {
                generateSequence { runBlocking { runCatching { twinlock.refresh() }.exceptionOrNull() } }
                    .first { (it as? TwinlockException)?.code != 3001 }
            }
            twinlock.close()
            val fault = calling.await()
            assertTrue(fault is TwinlockException.Misuse && fault.code == 9003, "$fault")
        }
    }
}
