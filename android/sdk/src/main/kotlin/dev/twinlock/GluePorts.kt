package dev.twinlock

import dev.twinlock.ffi.HostException
import java.util.concurrent.atomic.AtomicReference

/** Each port as the glue wants it. Nothing but one of the six declared faults leaves a port, and no text. */
internal class GlueDeviceKey(private val port: DeviceKey) : dev.twinlock.ffi.DeviceKey {
    /** What a biometric opened, until Rust has its copy. */
    private val opened = AtomicReference<ByteArray?>()

    override fun generate(account: String): ByteArray = asked { port.generate(account) }

    override fun sign(account: String, message: ByteArray): ByteArray = asked { port.sign(account, message) }

    override fun pinKeyKind(account: String): dev.twinlock.ffi.PinKeyKind = when (asked { port.pinKeyKind(account) }) {
        PinKeyKind.Mac -> dev.twinlock.ffi.PinKeyKind.MAC
        PinKeyKind.Agreement -> dev.twinlock.ffi.PinKeyKind.AGREEMENT
    }

    override fun bindGuess(account: String, guess: ByteArray): ByteArray = try {
        // The next thing that Rust does with what was opened; it copied it when that call returned.
        opened.getAndSet(null)?.fill(0)
        asked { port.bindGuess(account, guess) }
    } finally {
        guess.fill(0)
    }

    override fun sealForBiometric(account: String, secret: ByteArray): ByteArray = try {
        asked { port.sealForBiometric(account, secret) }
    } finally {
        secret.fill(0)
    }

    override fun openByBiometric(account: String, sealed: ByteArray): ByteArray =
        asked { port.openByBiometric(account, sealed) }.also(opened::set)

    override fun delete(account: String): Unit = asked { port.delete(account) }

    override fun level(account: String): dev.twinlock.ffi.KeyLevel = when (asked { port.level(account) }) {
        KeyLevel.SecureElement -> dev.twinlock.ffi.KeyLevel.SECURE_ELEMENT
        KeyLevel.TrustedEnvironment -> dev.twinlock.ffi.KeyLevel.TRUSTED_ENVIRONMENT
        KeyLevel.Software -> dev.twinlock.ffi.KeyLevel.SOFTWARE
    }
}

internal class GlueStore(private val port: Store) : dev.twinlock.ffi.Store {
    override fun read(name: String): ByteArray? = asked { port.read(name) }

    override fun write(name: String, bytes: ByteArray): Unit = asked { port.write(name, bytes) }

    override fun remove(name: String): Unit = asked { port.remove(name) }
}

internal class GlueClock(private val port: Clock) : dev.twinlock.ffi.Clock {
    override fun wallMs(): ULong = asked { port.wallMs() }.coerceAtLeast(0).toULong()

    override fun bootMs(): ULong = asked { port.bootMs() }.coerceAtLeast(0).toULong()
}

/** Also an `Error` ends here: past this border JNA would print it and Rust would take the call for a success. */
@Suppress("TooGenericExceptionCaught")
private inline fun <T> asked(port: () -> T): T = try {
    port()
} catch (fault: PortException) {
    throw when (fault) {
        is PortException.KeyLost -> HostException.KeyLost()
        is PortException.KeyUnavailable -> HostException.KeyUnavailable()
        is PortException.NoScreenLock -> HostException.NoScreenLock()
        is PortException.Cancelled -> HostException.Cancelled()
        is PortException.StoreFailed -> HostException.StoreFailed()
    }
} catch (_: Throwable) {
    throw HostException.Host()
}
