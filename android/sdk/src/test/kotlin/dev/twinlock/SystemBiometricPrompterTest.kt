package dev.twinlock

import dev.twinlock.standin.BiometricDialog
import dev.twinlock.standin.Phone
import dev.twinlock.standin.PhoneContext
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.BeforeEach
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.Timeout
import org.junit.jupiter.api.assertThrows
import java.io.File
import java.util.concurrent.CountDownLatch
import kotlin.concurrent.thread

/** The production prompter over a dialog with the shape of Android's, and the key that it confirms. */
@Timeout(30)
class SystemBiometricPrompterTest {
    private val secret = ByteArray(32) { it.toByte() }
    private val key = keyWith(BiometricTexts("Unlock Northwind", "Use PIN", "With your finger or face"))
    private lateinit var sealed: ByteArray

    private fun keyWith(texts: BiometricTexts) =
        KeystoreBiometricKey(SystemBiometricPrompter(PhoneContext(File("unused")), texts), { true })

    @BeforeEach
    fun newPhone() {
        Phone.reset()
        sealed = key.seal("mara", secret)
    }

    private fun open(dialog: (BiometricDialog) -> Unit): ByteArray {
        Phone.onBiometricDialog = dialog
        return key.open("mara", sealed)
    }

    @Test
    fun `it shows the app's texts on the main thread, and what the member confirmed opens`() {
        lateinit var dialog: BiometricDialog
        assertArrayEquals(secret, open { dialog = it; it.show() })
        assertEquals("the main thread", dialog.thread)
        assertEquals(listOf("Unlock Northwind", "Use PIN"), listOf(dialog.title, dialog.negative))
        assertEquals("With your finger or face", dialog.subtitle)
    }

    @Test
    fun `a wrong finger is no answer`() {
        assertArrayEquals(secret, open { it.showWrong(); it.showWrong(); it.show() })
    }

    /** Numbers of Android's `BiometricPrompt.BIOMETRIC_ERROR_…`, API 35. */
    @Test
    fun `each end of the dialog is the fault that it means`() {
        assertThrows<PortException.Cancelled> { open { it.pressNegative() } }
        for (error in listOf(3, 5, 10)) assertThrows<PortException.Cancelled>("$error") { open { it.end(error) } }
        for (error in listOf(11, 12, 14)) assertThrows<PortException.KeyLost>("$error") { open { it.end(error) } }
        for (error in listOf(1, 2, 4, 7, 8, 9, 15, 99)) {
            assertThrows<PortException.KeyUnavailable>("$error") { open { it.end(error) } }
        }
    }

    @Test
    fun `a dialog that cannot be built ends the waiting`() {
        val wordless = keyWith(BiometricTexts("", "Use PIN"))
        assertThrows<IllegalArgumentException> { wordless.open("mara", sealed) }
    }

    @Test
    fun `a thread that is interrupted while it waits takes the dialog with it`() {
        val isShown = CountDownLatch(1)
        val isAway = CountDownLatch(1)
        var fault: Throwable? = null
        Phone.onBiometricDialog = { dialog ->
            dialog.onCancel { isAway.countDown() }
            isShown.countDown()
        }
        val waiting = thread { fault = runCatching { key.open("mara", sealed) }.exceptionOrNull() }
        isShown.await()
        waiting.interrupt()
        waiting.join()
        isAway.await()
        assertTrue(fault is PortException.Cancelled, "$fault")
    }
}
