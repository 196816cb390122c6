package dev.twinlock

import java.security.KeyStore
import java.util.Base64
import java.util.concurrent.ConcurrentHashMap
import javax.net.ssl.TrustManagerFactory
import javax.net.ssl.X509TrustManager

/** A new phone without a network: nothing stored, no key, and a portal where nobody listens. */
internal class MemoryPorts(private val onRead: (String) -> Unit = {}) {
    val store = object : Store {
        private val blobs = ConcurrentHashMap<String, ByteArray>()

        override fun read(name: String): ByteArray? {
            onRead(name)
            return blobs[name]
        }

        override fun write(name: String, bytes: ByteArray) {
            blobs[name] = bytes
        }

        override fun remove(name: String) {
            blobs.remove(name)
        }
    }

    val clock = object : Clock {
        override fun wallMs(): Long = 1_700_000_000_000

        override fun bootMs(): Long = 1000
    }

    val deviceKey = object : DeviceKey {
        override fun generate(account: String): ByteArray = throw PortException.KeyUnavailable()

        override fun sign(account: String, message: ByteArray): ByteArray = throw PortException.KeyLost()

        override fun pinKeyKind(account: String): PinKeyKind = PinKeyKind.Mac

        override fun bindGuess(account: String, guess: ByteArray): ByteArray = throw PortException.KeyLost()

        override fun sealForBiometric(account: String, secret: ByteArray): ByteArray = throw PortException.KeyLost()

        override fun openByBiometric(account: String, sealed: ByteArray): ByteArray = throw PortException.KeyLost()

        override fun delete(account: String) = Unit

        override fun level(account: String): KeyLevel = throw PortException.KeyLost()
    }

    fun ports() = Ports(deviceKey, store, clock)

    suspend fun open(): Twinlock = Twinlock.open(config(), ports())

    companion object {
        /** One of the roots that Java trusts: a well-formed one that no portal here has. */
        private val rootsPem: ByteArray = run {
            val trusted = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm())
            trusted.init(null as KeyStore?)
            val root = trusted.trustManagers.filterIsInstance<X509TrustManager>().first().acceptedIssuers.first()
            val base64 = Base64.getMimeEncoder(64, "\n".toByteArray()).encodeToString(root.encoded)
            "-----BEGIN CERTIFICATE-----\n$base64\n-----END CERTIFICATE-----\n".toByteArray()
        }

        fun config(portalUrl: String = "https://localhost:1") =
            TwinlockConfig(portalUrl, rootsPem, account = "mara@northwind.example", appVersion = "1.0.0")
    }
}
