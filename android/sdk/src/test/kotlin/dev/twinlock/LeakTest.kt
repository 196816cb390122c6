package dev.twinlock

import dev.twinlock.ffi.FfiConverterTypeClock
import dev.twinlock.ffi.FfiConverterTypeDeviceKey
import dev.twinlock.ffi.FfiConverterTypeStore
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.yield
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Assertions.fail
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import java.lang.ref.WeakReference

/** Nothing stays behind: neither handles, nor objects, nor native memory. */
class LeakTest {
    @Test
    fun `closing lets go of the ports at once`() = runBlocking<Unit> {
        val before = heldPorts()
        val twinlock = MemoryPorts().open()
        assertEquals(before + 3, heldPorts())
        twinlock.close()
        assertEquals(before, heldPorts())
    }

    @Test
    fun `an account that could not be opened lets go of the ports at once`() = runBlocking<Unit> {
        val before = heldPorts()
        refused<TwinlockException> { MemoryPorts(onRead = { error("") }).open() }
        assertEquals(before, heldPorts())
    }

    @Test
    fun `a closed Twinlock and its ports are collected`() = runBlocking<Unit> {
        val (twinlock, store) = closedOne()
        assertTrue(isCollected(twinlock), "the closed Twinlock is held")
        assertTrue(isCollected(store), "its ports are held")
    }

    @Test
    fun `f75_ten_thousand_accounts_opened_and_closed_leave_nothing`() = runBlocking<Unit> {
        val before = heldPorts()
        // An engine with its TLS set-up takes tens of kilobytes; half a one may be lost to chance.
        assertFlat(warmUp = 4_000, times = 10_000, limitKb = 8 * 1024) { MemoryPorts().open().close() }
        assertEquals(before, heldPorts())
    }

    @Test
    fun `f75_a_hundred_thousand_calls_and_PIN_entries_leave_nothing`() = runBlocking<Unit> {
        MemoryPorts().open().use { twinlock ->
            assertFlat(warmUp = 20_000, times = 100_000, limitKb = 8 * 1024) { number ->
                twinlock.lock()
                twinlock.pinEntry().use { it.pushDigit(number % 10) }
                if (number % 10 == 0) runCatching { twinlock.refresh() }
            }
        }
    }

    /** What the virtual machine takes for itself it takes once; a leak is there in each of three rounds. */
    private suspend fun assertFlat(warmUp: Int, times: Int, limitKb: Long, act: suspend (Int) -> Unit) {
        repeat(warmUp) { act(it) }
        val grown = (1..3).map {
            val before = NativeMemory.now()
            repeat(times) { number -> act(number) }
            val after = NativeMemory.now()
            val allocated = after.allocatedKb - before.allocatedKb
            val resident = after.residentKb - before.residentKb
            println("after $times: allocated $allocated kB more, resident $resident kB more")
            // What was freed may stay with the process for a while; a leak would still show beside it.
            if (allocated < limitKb && resident < 4 * limitKb) return
            "$allocated kB allocated, $resident kB resident"
        }
        fail<Unit>("each round of $times leaves something: $grown")
    }

    private suspend fun closedOne(): Pair<WeakReference<Twinlock>, WeakReference<Store>> {
        val ports = MemoryPorts()
        val twinlock = ports.open().also { it.close() }
        return WeakReference(twinlock) to WeakReference(ports.store)
    }

    private suspend fun isCollected(reference: WeakReference<*>): Boolean = (0 until 20).any {
        // A worker of the dispatcher remembers its last task until it has another one.
        coroutineScope { List(64) { async(Dispatchers.Default) { yield() } }.awaitAll() }
        System.gc()
        reference.get() == null
    }

    /** The handles that Rust has of Kotlin's objects. */
    private fun heldPorts(): Int =
        listOf(FfiConverterTypeStore, FfiConverterTypeClock, FfiConverterTypeDeviceKey).sumOf { converter ->
            val field = converter.javaClass.declaredFields.single { it.name == "handleMap" }
            val handles = field.apply { isAccessible = true }.get(converter)
            handles.javaClass.methods.single { it.name == "getSize" }.invoke(handles) as Int
        }
}
