package android.hardware.biometrics

import android.content.Context
import android.content.DialogInterface
import android.os.CancellationSignal
import dev.twinlock.standin.BiometricDialog
import dev.twinlock.standin.Phone
import java.util.concurrent.Executor
import javax.crypto.Cipher

/** Android's class asks a service; this one stands before it on the class path and shows the stand-in's dialog. */
public class BiometricPrompt private constructor(
    private val title: CharSequence,
    private val subtitle: CharSequence?,
    private val negative: CharSequence,
    private val onNegative: (DialogInterface?) -> Unit,
) {
    public fun authenticate(
        crypto: CryptoObject,
        cancellation: CancellationSignal,
        executor: Executor,
        callback: AuthenticationCallback,
    ) {
        val tell = { answer: () -> Unit -> executor.execute(answer) }
        val dialog = BiometricDialog(
            title, subtitle, negative, Thread.currentThread().name,
            onShow = {
                Phone.confirm(crypto.cipher)
                tell { callback.onAuthenticationSucceeded(AuthenticationResult(crypto)) }
            },
            onWrong = { tell { callback.onAuthenticationFailed() } },
            onError = { code -> tell { callback.onAuthenticationError(code, "a text of the system's") } },
            onNegative = { onNegative(null) },
        )
        cancellation.setOnCancelListener {
            dialog.cancel()
            dialog.end(ERROR_CANCELED)
        }
        Phone.onBiometricDialog(dialog)
    }

    /** As Android refuses one without what it has to show. */
    public class Builder(@Suppress("UNUSED_PARAMETER") context: Context) {
        private var title: CharSequence? = null
        private var subtitle: CharSequence? = null
        private var negative: CharSequence? = null
        private var onNegative: (DialogInterface?) -> Unit = {}

        public fun setTitle(text: CharSequence): Builder = apply { title = text }

        public fun setSubtitle(text: CharSequence): Builder = apply { subtitle = text }

        public fun setNegativeButton(
            text: CharSequence,
            executor: Executor,
            listener: DialogInterface.OnClickListener,
        ): Builder = apply {
            negative = text
            onNegative = { dialog -> executor.execute { listener.onClick(dialog, DialogInterface.BUTTON_NEGATIVE) } }
        }

        public fun build(): BiometricPrompt {
            val title = requireNotNull(title?.ifEmpty { null }) { "Title must be set and non-empty" }
            val negative = requireNotNull(negative?.ifEmpty { null }) { "Negative text must be set and non-empty" }
            return BiometricPrompt(title, subtitle, negative, onNegative)
        }
    }

    public class CryptoObject(public val cipher: Cipher)

    public class AuthenticationResult internal constructor(public val cryptoObject: CryptoObject)

    public abstract class AuthenticationCallback {
        public open fun onAuthenticationError(code: Int, text: CharSequence?): Unit = Unit

        public open fun onAuthenticationHelp(code: Int, text: CharSequence?): Unit = Unit

        public open fun onAuthenticationSucceeded(result: AuthenticationResult?): Unit = Unit

        public open fun onAuthenticationFailed(): Unit = Unit
    }

    private companion object {
        /** `BIOMETRIC_ERROR_CANCELED`. */
        const val ERROR_CANCELED = 5
    }
}
