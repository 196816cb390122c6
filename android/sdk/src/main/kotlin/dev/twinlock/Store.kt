package dev.twinlock

/**
 * The port for small named blobs: device-only, never in a backup. Accounts share a store and never a name in it.
 *
 * [Twinlock.open] brings one over files that a key of Android's key store seals. Methods are called off the main
 * thread, block until they are done, and may call back into [Twinlock]. What they throw beside [PortException] arrives
 * as [TwinlockException.Internal] (TL-9001), without its text.
 */
public interface Store {
    /** The blob, or `null` if there is none with that name. */
    @Throws(PortException::class)
    public fun read(name: String): ByteArray?

    /** Writes the blob whole or not at all; after a power loss the old or the new one is there. */
    @Throws(PortException::class)
    public fun write(name: String, bytes: ByteArray)

    /** Removes the blob. Not an error if there is none. */
    @Throws(PortException::class)
    public fun remove(name: String)
}
