package dev.twinlock

/** What the app says of itself and of its portal. */
public class TwinlockConfig(
    /** `https://host` or `https://host:port`. Requests are signed for this host. */
    public val portalUrl: String,
    /** The portal's trusted roots in PEM; the system's own are not used. */
    public val rootsPem: ByteArray,
    /** Names the account's keys and files on this device; one value per account, for ever the same. */
    public val account: String,
    /** The app's version, `major.minor.patch`; a policy may ask for a newer one. */
    public val appVersion: String,
    /** The device's name, 1–64 characters, as the admin sees it; [model] if it is not given. */
    public val deviceName: String? = null,
    /** Manufacturer and model; what the system says if it is not given. */
    public val model: String? = null,
    /** System and version; what the system says if it is not given. */
    public val system: String? = null,
)
