package dev.twinlock

/**
 * A PIN while it is typed: digits go straight into memory that Rust wipes, and no string of them ever exists.
 *
 * Made by [Twinlock.pinEntry]; draw a keypad of your own over it, since a text field keeps copies. Safe from several
 * threads, and quick enough for the main one. After [close] every call throws [TwinlockException.Misuse] (TL-9003).
 */
public class PinEntry internal constructor(internal val typed: dev.twinlock.ffi.PinEntry) : AutoCloseable {
    /** How many digits were typed, 0–12. */
    public val length: Int get() = glued { typed.count().toInt() }

    /**
     * Appends a digit, 0–9. For anything else, and for the thirteenth, [TwinlockException.PinRefused] (TL-1001) with
     * [PinFault.NotDigits] or [PinFault.TooLong]; what was typed stays.
     */
    @Throws(TwinlockException::class)
    public fun pushDigit(digit: Int): Unit = glued {
        // What does not fit a byte must not become a digit by losing its upper bits.
        typed.pushDigit(if (digit in 0..UByte.MAX_VALUE.toInt()) digit.toUByte() else UByte.MAX_VALUE)
    }

    /** Removes and wipes the last digit, if there is one. */
    @Throws(TwinlockException::class)
    public fun backspace(): Unit = glued { typed.backspace() }

    /** Wipes everything typed. */
    @Throws(TwinlockException::class)
    public fun clear(): Unit = glued { typed.clear() }

    /** Wipes everything typed and frees the memory. Harmless to repeat. */
    override fun close(): Unit = typed.destroy()
}
