package dev.twinlock

/**
 * A PIN while it is typed: digits go straight into memory that Rust wipes, and no string of them ever exists.
 *
 * Made by [Twinlock.pinEntry]; draw a keypad of your own over it, since a text field keeps copies. Safe from several
 * threads, and quick enough for the main one. After [close] every call throws [TwinlockException.Misuse] (TL-9003).
 */
public class PinEntry internal constructor(private val typed: dev.twinlock.ffi.PinEntry) : AutoCloseable {
    private var isClosed = false

    /** How many digits were typed, 0–12. */
    public val length: Int get() = whileOpen { typed.count().toInt() }

    /**
     * Appends a digit, 0–9. For anything else, and for the thirteenth, [TwinlockException.PinRefused] (TL-1001) with
     * [PinFault.NotDigits] or [PinFault.TooLong]; what was typed stays.
     */
    @Throws(TwinlockException::class)
    public fun pushDigit(digit: Int): Unit = whileOpen {
        // What does not fit a byte must not become a digit by losing its upper bits.
        typed.pushDigit(if (digit in 0..UByte.MAX_VALUE.toInt()) digit.toUByte() else UByte.MAX_VALUE)
    }

    /** Removes and wipes the last digit, if there is one. */
    @Throws(TwinlockException::class)
    public fun backspace(): Unit = whileOpen { typed.backspace() }

    /** Wipes everything typed. */
    @Throws(TwinlockException::class)
    public fun clear(): Unit = whileOpen { typed.clear() }

    /** Wipes everything typed, for good. Harmless to repeat. */
    @Synchronized
    override fun close() {
        isClosed = true
        // Wiped here and freed with this object: the glue passes an object on without asking whether it was freed, so
        // that a submit meanwhile would reach into freed memory (UniFFI 0.32, `uniffiCloneHandle`).
        glued { typed.clear() }
    }

    /** For the one call that takes it. */
    internal fun lend(): dev.twinlock.ffi.PinEntry = whileOpen { typed }

    @Synchronized
    private fun <T> whileOpen(block: () -> T): T = glued {
        if (isClosed) throw TwinlockException.Misuse(CLOSED)
        block()
    }
}
