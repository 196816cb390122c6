package dev.twinlock

import android.content.Context
import android.hardware.biometrics.BiometricPrompt
import android.os.CancellationSignal
import java.util.concurrent.CompletableFuture
import java.util.concurrent.ExecutionException
import java.util.concurrent.Executor
import javax.crypto.Cipher

/**
 * Android's own dialog for a biometric (`android.hardware.biometrics.BiometricPrompt`, API 28). The app's manifest asks
 * for the permission `USE_BIOMETRIC`. Below API 28 nothing calls it: there is no biometric then.
 *
 * @param context an activity's or the application's; the latter is enough, and keeps no activity alive.
 * @param texts what the dialog shows.
 */
public class SystemBiometricPrompter(private val context: Context, private val texts: BiometricTexts) :
    BiometricPrompter {
    override fun confirm(cipher: Cipher): Cipher {
        val answer = CompletableFuture<Cipher>()
        val cancellation = CancellationSignal()
        val main = context.mainExecutor
        main.execute {
            try {
                dialog(main, answer).authenticate(
                    BiometricPrompt.CryptoObject(cipher), cancellation, main, AnswerOf(answer),
                )
            } catch (refusal: RuntimeException) {
                // A text that is empty, or a permission that the manifest lacks.
                answer.completeExceptionally(refusal)
            }
        }
        return try {
            answer.get()
        } catch (fault: ExecutionException) {
            throw fault.cause ?: fault
        } catch (fault: InterruptedException) {
            cancellation.cancel()
            Thread.currentThread().interrupt()
            throw PortException.Cancelled(fault)
        }
    }

    private fun dialog(main: Executor, answer: CompletableFuture<Cipher>): BiometricPrompt {
        val builder = BiometricPrompt.Builder(context).setTitle(texts.title)
            .setNegativeButton(texts.cancel, main) { _, _ -> answer.completeExceptionally(PortException.Cancelled()) }
        texts.subtitle?.let(builder::setSubtitle)
        return builder.build()
    }

    /** A wrong finger is no answer: the dialog stays and says so itself. */
    private class AnswerOf(private val answer: CompletableFuture<Cipher>) : BiometricPrompt.AuthenticationCallback() {
        override fun onAuthenticationSucceeded(result: BiometricPrompt.AuthenticationResult) {
            answer.complete(result.cryptoObject.cipher)
        }

        override fun onAuthenticationError(errorCode: Int, errString: CharSequence?) {
            answer.completeExceptionally(faultOf(errorCode))
        }
    }

    internal companion object {
        /** What each `BIOMETRIC_ERROR_…` means to the port; all others refuse for now. */
        fun faultOf(error: Int): PortException = when (error) {
            BiometricPrompt.BIOMETRIC_ERROR_USER_CANCELED,
            BiometricPrompt.BIOMETRIC_ERROR_CANCELED,
            BiometricPrompt.BIOMETRIC_ERROR_TIMEOUT,
            -> PortException.Cancelled()
            BiometricPrompt.BIOMETRIC_ERROR_HW_NOT_PRESENT,
            BiometricPrompt.BIOMETRIC_ERROR_NO_BIOMETRICS,
            BiometricPrompt.BIOMETRIC_ERROR_NO_DEVICE_CREDENTIAL,
            -> PortException.KeyLost()
            else -> PortException.KeyUnavailable()
        }
    }
}

/** What the system's dialog for a biometric shows, in the app's words; none may be empty. */
public class BiometricTexts(
    /** What the member unlocks, such as "Unlock Northwind". */
    public val title: String,
    /** The button that leads to the PIN instead. */
    public val cancel: String,
    /** A line below the title. */
    public val subtitle: String? = null,
)
