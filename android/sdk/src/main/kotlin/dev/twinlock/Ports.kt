package dev.twinlock

/**
 * What Twinlock asks of a device other than an Android phone.
 *
 * None of them may hold a reference to the [Twinlock] that uses it: what Rust holds and what Kotlin holds would keep
 * each other alive. [Twinlock.close] lets go of all three.
 */
public class Ports(
    /** The device's keys. */
    public val deviceKey: DeviceKey,
    /** The accounts' blobs. */
    public val store: Store,
    /** The clocks. */
    public val clock: Clock,
)
