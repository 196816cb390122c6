package dev.twinlock

/**
 * What an authenticator app needs, shown this one time: a secret. Draw it, do not store or log it, and let go of it.
 */
public class TwoStepSetUp internal constructor(
    /** An `otpauth://` URI, for a QR code or a link into an authenticator app. */
    public val uri: String,
    /** The same key for typing, base32 in groups of four. */
    public val key: String,
    /** Void from then on; milliseconds since 1970-01-01 UTC. */
    public val expiresMs: Long,
) {
    /** Without the secret. */
    override fun toString(): String = "TwoStepSetUp(expiresMs=$expiresMs)"
}
