package dev.twinlock.standin

/** The system's dialog for a biometric: what it shows, and what can be done before it. */
public class BiometricDialog internal constructor(
    public val title: CharSequence,
    public val subtitle: CharSequence?,
    public val negative: CharSequence,
    /** The thread that asked for it. */
    public val thread: String,
    private val onShow: () -> Unit,
    private val onWrong: () -> Unit,
    private val onError: (Int) -> Unit,
    private val onNegative: () -> Unit,
) {
    @Volatile
    private var cancelled: () -> Unit = {}

    /** Hears when the app takes the dialog away. */
    public fun onCancel(listener: () -> Unit) {
        cancelled = listener
    }

    internal fun cancel(): Unit = cancelled()

    /** The user shows an enrolled finger. */
    public fun show(): Unit = onShow()

    /** The user shows another finger; the dialog stays. */
    public fun showWrong(): Unit = onWrong()

    /** The dialog ends with one of the system's errors, `BIOMETRIC_ERROR_…`. */
    public fun end(error: Int): Unit = onError(error)

    /** The user presses the app's own button. */
    public fun pressNegative(): Unit = onNegative()
}
