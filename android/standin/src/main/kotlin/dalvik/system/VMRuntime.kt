package dalvik.system

/** Android's class reads natively; this one stands before it on the class path: `android.os.Build` asks it. */
public class VMRuntime private constructor() {
    public fun is64Bit(): Boolean = true

    public companion object {
        private val runtime = VMRuntime()

        @JvmStatic
        public fun getRuntime(): VMRuntime = runtime
    }
}
