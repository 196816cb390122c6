package dev.twinlock

import android.os.SystemClock

/** Android's clocks. */
internal class DeviceClock : Clock {
    override fun wallMs(): Long = System.currentTimeMillis()

    override fun bootMs(): Long = SystemClock.elapsedRealtime()
}
