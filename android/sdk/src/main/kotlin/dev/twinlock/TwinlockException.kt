package dev.twinlock

/**
 * What went wrong. The case says what the app does next, [code] exactly what happened; numbers and enums are all that
 * it holds, so it may go to a crash reporter as it is.
 */
public sealed class TwinlockException(
    /** The number of `docs/errors.md` without its `TL-`; it never changes its meaning. */
    public val code: Int,
    cause: Throwable? = null,
) : Exception("TL-$code", cause) {
    /** The name of the text that says it to the member, in the SDK's `strings.xml`. */
    public val errorKey: String get() = "twinlock_error_$code"

    /** What was typed is not accepted: say why and ask again. */
    public class EntryRefused internal constructor(code: Int) : TwinlockException(code)

    /** The new PIN is refused: say why and ask for another. There is no "use anyway". */
    public class PinRefused internal constructor(
        code: Int,
        /** The rule it breaks. */
        public val reason: PinFault,
    ) : TwinlockException(code)

    /** The PIN is wrong, and the try was counted: say how many are left and ask again. */
    public class WrongPin internal constructor(
        code: Int,
        /** Tries before the PIN is erased. */
        public val triesLeft: Int,
        /** Milliseconds until the next try is accepted; 0 means at once. */
        public val retryAfterMs: Long,
    ) : TwinlockException(code)

    /** Too many tries for now: count down and ask again. This one was not counted. */
    public class Wait internal constructor(
        code: Int,
        /** Milliseconds until the next try is accepted. */
        public val retryAfterMs: Long,
    ) : TwinlockException(code)

    /** Something else comes first: draw [Twinlock.step]. */
    public class StepRequired internal constructor(code: Int) : TwinlockException(code)

    /** This device has to be enrolled again: lead to sign-in. */
    public class EnrollAgain internal constructor(code: Int) : TwinlockException(code)

    /** Only an admin or the operator can help: say so. */
    public class AskAdmin internal constructor(code: Int) : TwinlockException(code)

    /** It may work later, and nothing was changed: offer to try again. */
    public class Retry internal constructor(code: Int) : TwinlockException(code)

    /** The portal is not the one this app trusts: stop, and say so. */
    public class NotTrusted internal constructor(code: Int) : TwinlockException(code)

    /** App and portal do not understand each other: lead to the update. */
    public class UpdateApp internal constructor(code: Int) : TwinlockException(code)

    /** The app called wrongly (closed object, second call at once, malformed request): its developer corrects it. */
    public class Misuse internal constructor(code: Int) : TwinlockException(code)

    /** A fault of Twinlock's: report the code. Only a native library that cannot be loaded is told in [cause]. */
    public class Internal internal constructor(code: Int, cause: Throwable? = null) : TwinlockException(code, cause)
}
