package dev.twinlock

/**
 * Why a port refused. Closed, and without texts: what the platform said stays in [cause], for the port's own logs.
 */
public sealed class PortException(cause: Throwable?) : Exception(null, cause) {
    /** The key does not exist or the system invalidated it (new biometrics, screen lock removed, restored backup). */
    public class KeyLost(cause: Throwable? = null) : PortException(cause)

    /** The key hardware does not answer or refuses for now. */
    public class KeyUnavailable(cause: Throwable? = null) : PortException(cause)

    /** The phone has no screen lock, without which it keeps no such key. */
    public class NoScreenLock(cause: Throwable? = null) : PortException(cause)

    /** The member put the system's dialog away. */
    public class Cancelled(cause: Throwable? = null) : PortException(cause)

    /** Reading or writing failed (full, locked, denied), or what was read is damaged. */
    public class StoreFailed(cause: Throwable? = null) : PortException(cause)
}
