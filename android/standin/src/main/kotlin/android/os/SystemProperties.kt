package android.os

import dev.twinlock.standin.Phone

/** Android's class reads natively; this one stands before it on the class path and answers for the stand-in phone. */
public object SystemProperties {
    @JvmStatic
    public fun get(key: String): String = Phone.properties[key].orEmpty()

    @JvmStatic
    public fun get(key: String, default: String?): String? = Phone.properties[key] ?: default

    @JvmStatic
    public fun getInt(key: String, default: Int): Int = Phone.properties[key]?.toInt() ?: default

    @JvmStatic
    public fun getLong(key: String, default: Long): Long = Phone.properties[key]?.toLong() ?: default

    @JvmStatic
    public fun getBoolean(key: String, default: Boolean): Boolean = Phone.properties[key]?.toBoolean() ?: default
}
