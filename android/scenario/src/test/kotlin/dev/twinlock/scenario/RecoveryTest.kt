package dev.twinlock.scenario

import dev.twinlock.Step
import dev.twinlock.TwinlockException
import dev.twinlock.scenario.EnrolledPhone.Companion.PIN
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** The authenticator is lost; the recovery codes are not. */
class RecoveryTest {
    @Test
    fun `f74_a recovery code leads to a new authenticator, and is good once`() = runBlocking<Unit> {
        World.start().use { world ->
            val member = world.members[0]
            val phone = EnrolledPhone.enroll(world, member)
            val twinlock = phone.twinlock
            val codes = phone.recoveryCodes
            assertEquals(10, codes.toSet().size)
            assertNull(twinlock.takeRecoveryCodes(), "once")
            phone.submit(PIN)
            assertEquals(Step.Ready, phone.submit(PIN))
            assertEquals(3003, refused<TwinlockException.StepRequired> { twinlock.newRecoveryCodes() }.code)

            assertEquals(Step.EnterCode, twinlock.signIn(member.email, member.password.toByteArray()))
            assertEquals(2001, refused<TwinlockException.EntryRefused> { twinlock.submitRecoveryCode("123456") }.code)
            assertEquals(Step.SetUpTwoStep, twinlock.submitRecoveryCode(codes[0].lowercase().replace("-", " ")))
            assertEquals(3001, refused<TwinlockException.StepRequired> { twinlock.submitRecoveryCode(codes[1]) }.code)
            assertTrue(twinlock.submitCode(world.code(twinlock.setUpTwoStep().uri)) is Step.AwaitApproval)
            val issued = checkNotNull(twinlock.takeRecoveryCodes())
            assertTrue(issued.intersect(codes.toSet()).isEmpty())

            assertEquals(Step.EnterCode, twinlock.signIn(member.email, member.password.toByteArray()))
            assertEquals(2010, refused<TwinlockException.EntryRefused> { twinlock.submitRecoveryCode(codes[1]) }.code)
            assertEquals(Step.SetUpTwoStep, twinlock.submitRecoveryCode(issued[1]))
            twinlock.close()
        }
    }
}
