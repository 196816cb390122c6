package android.os

import dev.twinlock.standin.Phone

/** Android's class reads natively; this one stands before it on the class path and answers for the stand-in phone. */
public object SystemClock {
    @JvmStatic
    public fun elapsedRealtime(): Long = Phone.bootMs()
}
