package dev.twinlock

import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext

/**
 * Time-based one-time codes (RFC 6238) for apps that keep secrets of their own. The portal's codes are never checked
 * with it. Safe from several threads: a code is accepted once. After [close], [TwinlockException.Misuse] (TL-9003).
 */
public class OneTimeCode private constructor(private val code: dev.twinlock.ffi.OneTimeCode) : AutoCloseable {
    /** Digits of a code, 6 or 8. */
    public val digits: Int get() = glued { code.digits().toInt() }

    /** Seconds that a code is shown, 30 or 60. */
    public val periodS: Int get() = glued { code.periodS().toInt() }

    /**
     * Checks what was typed at [nowMs] (milliseconds since 1970-01-01 UTC) against the step before, the present one and
     * the next.
     *
     * [TwinlockException.EntryRefused] (TL-2001) for what cannot be a code, [TwinlockException.Misuse] (TL-2008) for an
     * impossible time.
     */
    @Throws(TwinlockException::class)
    public fun check(typed: String, nowMs: Long): CodeMatch = glued {
        when (val match = code.check(typed, nowMs.toULong())) {
            is dev.twinlock.ffi.CodeMatch.Accepted -> CodeMatch.Accepted(match.step.toLong())
            is dev.twinlock.ffi.CodeMatch.Replayed -> CodeMatch.Replayed
            is dev.twinlock.ffi.CodeMatch.Wrong -> CodeMatch.Wrong
        }
    }

    /** The time step of [nowMs]: seconds since 1970 divided by the period (RFC 6238 §4.2). */
    @Throws(TwinlockException::class)
    public fun stepAt(nowMs: Long): Long = glued { code.stepAt(nowMs.toULong()).toLong() }

    /** Wipes the secret. Harmless to repeat. */
    override fun close(): Unit = code.destroy()

    public companion object {
        /**
         * Reads an `otpauth://totp/…` URI. The first call loads the native library, off the caller's thread.
         *
         * [TwinlockException.EntryRefused] (TL-2005) for anything that apps could read in two ways.
         *
         * @param uri UTF-8; wiped by this call.
         * @param lastStep the step that was accepted last, if any was; see [CodeMatch.Accepted].
         */
        @Throws(TwinlockException::class)
        public suspend fun parse(uri: ByteArray, lastStep: Long? = null): OneTimeCode = try {
            withContext(Dispatchers.Default) {
                glued { OneTimeCode(uri.lent { dev.twinlock.ffi.OneTimeCode.parseUri(it, lastStep?.toULong()) }) }
            }
        } finally {
            uri.fill(0)
        }
    }
}

/** What became of a code. */
public sealed interface CodeMatch {
    /** The code is right, and now used up. */
    public data class Accepted(
        /** The time step it belongs to; keep it, and give it to [OneTimeCode.parse] when the app starts again. */
        public val step: Long,
    ) : CodeMatch

    /** The code was used before, or a later one was. */
    public data object Replayed : CodeMatch

    /** None of the three steps has this code. */
    public data object Wrong : CodeMatch
}
