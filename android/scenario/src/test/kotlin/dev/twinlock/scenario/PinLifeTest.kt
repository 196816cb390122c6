package dev.twinlock.scenario

import dev.twinlock.BiometricTexts
import dev.twinlock.PortException
import dev.twinlock.Step
import dev.twinlock.SystemBiometricPrompter
import dev.twinlock.Twinlock
import dev.twinlock.TwinlockConfig
import dev.twinlock.TwinlockException
import dev.twinlock.scenario.EnrolledPhone.Companion.PIN
import dev.twinlock.scenario.EnrolledPhone.Companion.WRONG_PIN
import dev.twinlock.standin.Phone
import dev.twinlock.standin.PhoneContext
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.AfterAll
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.MethodOrderer
import org.junit.jupiter.api.Order
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestInstance
import org.junit.jupiter.api.TestMethodOrder
import org.junit.jupiter.api.io.TempDir
import java.io.File

/** A PIN's life at a real portal: changed, locked by time, opened by a biometric, forgotten. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation::class)
class PinLifeTest {
    private val world = World.start()
    private val phone = EnrolledPhone.enroll(world, world.members[0])
    private val twinlock get() = phone.twinlock
    private var pin = PIN

    @AfterAll
    fun end() {
        twinlock.close()
        world.close()
    }

    @Test
    @Order(1)
    fun `a change wants the PIN first if it was not entered just now, and then only the new one opens`() =
        runBlocking<Unit> {
            assertEquals(1006, refused<TwinlockException.StepRequired> { twinlock.changePin() }.code)
            phone.submit(pin)
            assertEquals(Step.Ready, phone.submit(pin))
            twinlock.vault.put("kept", byteArrayOf(1, 2, 3))
            assertEquals(Step.ChangePin(6, 12, isRepeat = false), twinlock.changePin())
            assertEquals(Step.Ready, twinlock.refresh())

            phone.ports.bootAheadMs += 5 * MINUTE_MS
            assertEquals(Step.EnterPin(8), twinlock.changePin())
            assertEquals(Step.ChangePin(6, 12, isRepeat = false), phone.submit(pin))
            assertEquals(Step.ChangePin(6, 12, isRepeat = true), phone.submit(NEW_PIN))
            assertEquals(1002, refused<TwinlockException.EntryRefused> { phone.submit(WRONG_PIN) }.code)
            phone.submit(NEW_PIN)
            assertEquals(Step.Ready, phone.submit(NEW_PIN))
            twinlock.lock()
            assertEquals(1003, refused<TwinlockException.WrongPin> { phone.submit(pin) }.code)
            pin = NEW_PIN
            assertEquals(Step.Ready, phone.submit(pin))
            assertArrayEquals(byteArrayOf(1, 2, 3), twinlock.vault.get("kept"))
        }

    @Test
    @Order(2)
    fun `b42_after_the_time_of_the_policy_a_tick_locks_and_not_before`() = runBlocking<Unit> {
        phone.ports.bootAheadMs += 14 * MINUTE_MS
        assertEquals(Step.Ready, twinlock.tick())
        phone.ports.bootAheadMs += MINUTE_MS
        assertEquals(Step.EnterPin(8), twinlock.tick())
        assertEquals(Step.EnterPin(8), twinlock.step.value)
        assertEquals(5009, refused<TwinlockException.StepRequired> { twinlock.vault.get("kept") }.code)
        assertEquals(Step.Ready, phone.submit(pin))
    }

    @Test
    @Order(3)
    fun `a biometric is switched on with the next PIN, opens after a restart, and is off at once`() =
        runBlocking<Unit> {
            twinlock.useBiometric(true)
            assertFalse(twinlock.hasBiometric())
            assertEquals(3001, refused<TwinlockException.StepRequired> { twinlock.unlockWithBiometric() }.code)
            twinlock.lock()
            phone.submit(pin)
            phone.restart()
            assertTrue(twinlock.hasBiometric())
            assertEquals(Step.Ready, twinlock.unlockWithBiometric())
            assertArrayEquals(byteArrayOf(1, 2, 3), twinlock.vault.get("kept"))

            twinlock.useBiometric(false)
            assertFalse(twinlock.hasBiometric())
            twinlock.lock()
            assertEquals(1008, refused<TwinlockException.StepRequired> { twinlock.unlockWithBiometric() }.code)
            assertEquals(Step.Ready, phone.submit(pin))
            assertFalse(twinlock.hasBiometric())
        }

    @Test
    @Order(4)
    fun `a biometric is a try that the portal counts, and a dialog put away is none`() = runBlocking<Unit> {
        switchOn()
        for (fault in mapOf(PortException.Cancelled() to 1009, PortException.KeyUnavailable() to 5008)) {
            phone.ports.onCall = { if (it == "openByBiometric") throw fault.key }
            assertEquals(fault.value, refused<TwinlockException> { twinlock.unlockWithBiometric() }.code)
        }
        phone.ports.onCall = {}
        assertEquals(Step.EnterPin(8), twinlock.refresh())

        // The chip fails after the portal has counted and before the proof.
        phone.ports.onCall = { if (it == "bindGuess") throw PortException.KeyUnavailable() }
        assertEquals(5008, refused<TwinlockException.Retry> { twinlock.unlockWithBiometric() }.code)
        phone.ports.onCall = {}
        assertEquals(6, refused<TwinlockException.WrongPin> { phone.submit(WRONG_PIN) }.triesLeft)
        assertEquals(Step.Ready, twinlock.unlockWithBiometric())
    }

    @Test
    @Order(5)
    fun `b40_a_finger_that_is_added_ends_the_biometric_and_the_PIN_works`() = runBlocking<Unit> {
        twinlock.lock()
        phone.ports.addFinger()
        assertEquals(1008, refused<TwinlockException.StepRequired> { twinlock.unlockWithBiometric() }.code)
        assertEquals(Step.EnterPin(8), twinlock.step.value)
        assertFalse(twinlock.hasBiometric())
        assertEquals(Step.Ready, phone.submit(pin))
        assertFalse(twinlock.hasBiometric(), "nobody asked for it again")
    }

    /** The whole way with the Android adapters and the system's dialog. */
    @Test
    @Order(6)
    fun `the adapters of a phone open with its biometric, until a finger is added or the lock is taken away`(
        @TempDir folder: File,
    ) = runBlocking<Unit> {
        Phone.reset()
        val member = world.members[1]
        val config = TwinlockConfig(world.portalUrl, world.rootsPem, account = member.email, appVersion = "1.0.0")
        val context = PhoneContext(folder)
        val prompter = SystemBiometricPrompter(context, BiometricTexts("Unlock", "Use PIN"))
        Twinlock.open(context, config, prompter).use { twinlock ->
            twinlock.signIn(member.email, member.password.toByteArray())
            val waiting = twinlock.submitCode(world.code(twinlock.setUpTwoStep().uri)) as Step.AwaitApproval
            world.approve(member, checkNotNull(waiting.comparisonCode))
            twinlock.refresh()
            suspend fun submit() = twinlock.pinEntry().use { entry ->
                PIN.forEach { entry.pushDigit(it.digitToInt()) }
                twinlock.submitPin(entry)
            }
            suspend fun switchOn(): Boolean {
                twinlock.useBiometric(true)
                twinlock.lock()
                submit()
                return twinlock.hasBiometric()
            }
            submit()
            submit()
            assertTrue(switchOn())
            twinlock.lock()
            Phone.onBiometricDialog = { it.pressNegative() }
            assertEquals(1009, refused<TwinlockException.StepRequired> { twinlock.unlockWithBiometric() }.code)
            Phone.onBiometricDialog = { it.show() }
            assertEquals(Step.Ready, twinlock.unlockWithBiometric())

            twinlock.lock()
            Phone.addFinger()
            assertEquals(1008, refused<TwinlockException.StepRequired> { twinlock.unlockWithBiometric() }.code)
            assertTrue(switchOn())
            Phone.hasScreenLock = false
            assertFalse(switchOn(), "a phone without a screen lock")
        }
    }

    @Test
    @Order(7)
    fun `a forgotten PIN is replaced after sign-in, code and approval, and the old vault never opens`() =
        runBlocking<Unit> {
            val member = world.members[0]
            phone.restart()
            assertEquals(Step.EnterCode, twinlock.signIn(member.email, member.password.toByteArray()))
            // The code of the set-up was used; the app shows another one every thirty seconds.
            Thread.sleep(CODE_MS - System.currentTimeMillis() % CODE_MS + 500)
            val waiting = twinlock.submitCode(world.code(phone.uri)) as Step.AwaitApproval
            world.approve(member, checkNotNull(waiting.comparisonCode))
            assertTrue(twinlock.refresh() is Step.CreatePin)
            phone.submit(PIN)
            assertEquals(Step.Ready, phone.submit(PIN))
            assertNull(twinlock.vault.get("kept"))
            assertEquals(3, twinlock.files().size)
            twinlock.lock()
            assertEquals(1003, refused<TwinlockException.WrongPin> { phone.submit(NEW_PIN) }.code)
            assertEquals(Step.Ready, phone.submit(PIN))
        }

    private suspend fun switchOn() {
        twinlock.useBiometric(true)
        twinlock.lock()
        phone.submit(pin)
        twinlock.lock()
    }

    private companion object {
        const val NEW_PIN = "926485"
        const val MINUTE_MS = 60_000L
        const val CODE_MS = 30_000L
    }
}
