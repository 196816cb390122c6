package dev.twinlock

import java.nio.ByteBuffer

/** Lends a copy that Rust reads in place and that is wiped afterwards, whatever happens. */
internal inline fun <T> ByteArray.lent(use: (ByteBuffer) -> T): T {
    val buffer = ByteBuffer.allocateDirect(size)
    try {
        buffer.put(this).flip()
        return use(buffer)
    } finally {
        buffer.clear()
        while (buffer.hasRemaining()) buffer.put(0)
    }
}
