package dev.twinlock.scenario

import dev.twinlock.Ports
import dev.twinlock.Step
import dev.twinlock.Twinlock
import dev.twinlock.TwinlockConfig
import kotlinx.coroutines.runBlocking

/** A member's phone that an admin has approved, with its ports within reach. */
class EnrolledPhone private constructor(
    private val config: TwinlockConfig,
    val ports: SoftwarePorts,
    private val held: Ports,
    /** What the member's authenticator app scanned. */
    val uri: String,
    /** What came with the set-up. */
    val recoveryCodes: List<String>,
    twinlock: Twinlock,
) {
    var twinlock: Twinlock = twinlock
        private set

    /** The app starts again. */
    suspend fun restart(): Step {
        twinlock.close()
        twinlock = Twinlock.open(config, held)
        return twinlock.step.value
    }

    /** Types and submits. */
    suspend fun submit(digits: String): Step = twinlock.pinEntry().use { entry ->
        digits.forEach { entry.pushDigit(it.digitToInt()) }
        twinlock.submitPin(entry)
    }

    companion object {
        const val PIN = "583017"
        const val WRONG_PIN = "583071"

        /** From sign-in to the step that asks for a new PIN. */
        fun enroll(world: World, member: Member): EnrolledPhone = runBlocking {
            val config = TwinlockConfig(world.portalUrl, world.rootsPem, account = member.email, appVersion = "1.0.0")
            val ports = SoftwarePorts()
            val held = ports.ports()
            val twinlock = Twinlock.open(config, held)
            check(twinlock.signIn(member.email, member.password.toByteArray()) == Step.SetUpTwoStep)
            val uri = twinlock.setUpTwoStep().uri
            val waiting = twinlock.submitCode(world.code(uri)) as Step.AwaitApproval
            val recoveryCodes = checkNotNull(twinlock.takeRecoveryCodes())
            world.approve(member, checkNotNull(waiting.comparisonCode))
            check(twinlock.refresh() is Step.CreatePin)
            EnrolledPhone(config, ports, held, uri, recoveryCodes, twinlock)
        }
    }
}
