package dev.twinlock

/**
 * The port for the device's clocks. [Twinlock.open] brings Android's. Methods may be called on any thread, on the main
 * one by [Twinlock.close], and answer at once.
 *
 * What a method throws beside [PortException] arrives as [TwinlockException.Internal] (TL-9001), without its text.
 */
public interface Clock {
    /** Wall time, milliseconds since 1970-01-01 UTC. The user can set it, so nothing is decided by it. */
    @Throws(PortException::class)
    public fun wallMs(): Long

    /** Milliseconds since the device booted, running in sleep; no user can set it. */
    @Throws(PortException::class)
    public fun bootMs(): Long
}
