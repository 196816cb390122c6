package dev.twinlock

import com.sun.jna.Library
import com.sun.jna.Native
import com.sun.jna.Structure
import java.io.File

/** This process's memory beside the Java heap, in kilobytes. */
internal class NativeMemory private constructor(
    /** The resident set; with a heap of one size it grows by native memory alone. */
    val residentKb: Long,
    /** What `malloc` has given out and not got back (`uordblks` of mallinfo(3)). */
    val allocatedKb: Long,
) {
    companion object {
        private val c = Native.load("c", C::class.java)

        fun now(): NativeMemory {
            // What was collected is freed by the glue's cleaner, on a thread of its own and a moment later.
            repeat(5) {
                System.gc()
                Thread.sleep(200)
            }
            val resident = File("/proc/self/status").readLines().first { it.startsWith("VmRSS:") }.filter(Char::isDigit)
            return NativeMemory(resident.toLong(), c.mallinfo2().fields[7] / 1024)
        }
    }

    internal interface C : Library {
        fun mallinfo2(): Info.ByValue
    }

    internal open class Info : Structure() {
        @JvmField
        var fields: LongArray = LongArray(10)

        override fun getFieldOrder(): List<String> = listOf("fields")

        class ByValue : Info(), Structure.ByValue
    }
}
