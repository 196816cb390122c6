package android.app

import dev.twinlock.standin.Phone

/** Android's class asks a service; this one stands before it on the class path and answers for the stand-in phone. */
public class KeyguardManager {
    public fun isDeviceSecure(): Boolean = Phone.hasScreenLock
}
