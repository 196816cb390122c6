package dev.twinlock

/** One file of the organisation. */
public data class FileEntry(
    /** Names it in [Twinlock.download]. */
    public val id: String,
    /** File name. */
    public val name: String,
    /** Bytes. */
    public val size: Long,
    /** Last change, milliseconds since 1970-01-01 UTC. */
    public val modifiedMs: Long,
    /** SHA-256 of the content, hexadecimal. */
    public val sha256: String,
)
