package dev.twinlock.scenario

import dev.twinlock.BlockedReason
import dev.twinlock.Step
import dev.twinlock.TwinlockException
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonObjectBuilder
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.put

/** A step as the driver's lines write it, which is how the portal writes it. */
fun Step.toJson(): JsonObject = buildJsonObject {
    val step = this@toJson
    put("kind", step.kind)
    when (step) {
        is Step.AwaitApproval -> put("comparison_code", step.comparisonCode)
        is Step.CreatePin -> putRequest(step.minLength, step.maxLength, step.isRepeat)
        is Step.ChangePin -> putRequest(step.minLength, step.maxLength, step.isRepeat)
        is Step.EnterPin -> put("tries_left", step.triesLeft)
        is Step.Wait -> put("until_ms", step.untilMs)
        is Step.Blocked -> put("reason", step.reason.label)
        else -> {}
    }
}

/** An error as the driver's lines write it. */
fun TwinlockException.toJson(): JsonObject = buildJsonObject {
    val refusal = this@toJson
    put("code", "TL-${refusal.code}")
    when (refusal) {
        is TwinlockException.PinRefused -> put("reason", refusal.reason.name)
        is TwinlockException.WrongPin -> {
            put("tries_left", refusal.triesLeft)
            put("retry_after_ms", refusal.retryAfterMs)
        }
        is TwinlockException.Wait -> put("retry_after_ms", refusal.retryAfterMs)
        else -> {}
    }
}

private fun JsonObjectBuilder.putRequest(minLength: Int, maxLength: Int, isRepeat: Boolean) {
    put("min_length", minLength)
    put("max_length", maxLength)
    put("repeat", isRepeat)
}

private val Step.kind: String
    get() = when (this) {
        is Step.SignIn -> "sign_in"
        is Step.SetUpTwoStep -> "set_up_two_step"
        is Step.EnterCode -> "enter_code"
        is Step.AwaitApproval -> "await_approval"
        is Step.CreatePin -> "create_pin"
        is Step.EnterPin -> "enter_pin"
        is Step.ChangePin -> "change_pin"
        is Step.Wait -> "wait"
        is Step.Ready -> "ready"
        is Step.Blocked -> "blocked"
    }

private val BlockedReason.label: String
    get() = when (this) {
        BlockedReason.Revoked -> "revoked"
        BlockedReason.Suspended -> "suspended"
        BlockedReason.UpdateApp -> "update_app"
        BlockedReason.KeyLost -> "key_lost"
        BlockedReason.AuthenticatorDisabled -> "authenticator_disabled"
    }
