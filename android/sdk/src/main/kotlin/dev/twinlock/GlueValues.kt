package dev.twinlock

import dev.twinlock.ffi.EngineException
import java.nio.charset.CharacterCodingException
import kotlin.coroutines.cancellation.CancellationException

internal fun dev.twinlock.ffi.Step.toStep(): Step = when (this) {
    is dev.twinlock.ffi.Step.SignIn -> Step.SignIn
    is dev.twinlock.ffi.Step.SetUpTwoStep -> Step.SetUpTwoStep
    is dev.twinlock.ffi.Step.EnterCode -> Step.EnterCode
    is dev.twinlock.ffi.Step.AwaitApproval -> Step.AwaitApproval(comparisonCode)
    is dev.twinlock.ffi.Step.CreatePin -> Step.CreatePin(minLength.toInt(), maxLength.toInt(), repeat)
    is dev.twinlock.ffi.Step.EnterPin -> Step.EnterPin(triesLeft.toInt())
    is dev.twinlock.ffi.Step.ChangePin -> Step.ChangePin(minLength.toInt(), maxLength.toInt(), repeat)
    is dev.twinlock.ffi.Step.Wait -> Step.Wait(untilMs.toLong())
    is dev.twinlock.ffi.Step.Ready -> Step.Ready
    is dev.twinlock.ffi.Step.Blocked -> Step.Blocked(reason.toReason())
}

private fun dev.twinlock.ffi.BlockedReason.toReason(): BlockedReason = when (this) {
    dev.twinlock.ffi.BlockedReason.REVOKED -> BlockedReason.Revoked
    dev.twinlock.ffi.BlockedReason.SUSPENDED -> BlockedReason.Suspended
    dev.twinlock.ffi.BlockedReason.UPDATE_APP -> BlockedReason.UpdateApp
    dev.twinlock.ffi.BlockedReason.KEY_LOST -> BlockedReason.KeyLost
    dev.twinlock.ffi.BlockedReason.AUTHENTICATOR_DISABLED -> BlockedReason.AuthenticatorDisabled
}

internal fun dev.twinlock.ffi.TwoStepSetUp.toSetUp(): TwoStepSetUp = TwoStepSetUp(uri, key, expiresMs.toLong())

internal fun dev.twinlock.ffi.FileEntry.toEntry(): FileEntry =
    FileEntry(id, name, size.toLong(), modifiedMs.toLong(), sha256)

internal fun EngineException.toException(): TwinlockException = when (this) {
    is EngineException.EntryRefused -> TwinlockException.EntryRefused(code.toInt())
    is EngineException.PinRefused -> TwinlockException.PinRefused(code.toInt(), reason.toFault())
    is EngineException.WrongPin -> TwinlockException.WrongPin(code.toInt(), triesLeft.toInt(), retryAfterMs.toLong())
    is EngineException.Wait -> TwinlockException.Wait(code.toInt(), retryAfterMs.toLong())
    is EngineException.StepRequired -> TwinlockException.StepRequired(code.toInt())
    is EngineException.EnrollAgain -> TwinlockException.EnrollAgain(code.toInt())
    is EngineException.AskAdmin -> TwinlockException.AskAdmin(code.toInt())
    is EngineException.Retry -> TwinlockException.Retry(code.toInt())
    is EngineException.NotTrusted -> TwinlockException.NotTrusted(code.toInt())
    is EngineException.UpdateApp -> TwinlockException.UpdateApp(code.toInt())
    is EngineException.Misuse -> TwinlockException.Misuse(code.toInt())
    is EngineException.Internal -> TwinlockException.Internal(code.toInt())
}

private fun dev.twinlock.ffi.PinFault.toFault(): PinFault = when (this) {
    dev.twinlock.ffi.PinFault.TOO_SHORT -> PinFault.TooShort
    dev.twinlock.ffi.PinFault.TOO_LONG -> PinFault.TooLong
    dev.twinlock.ffi.PinFault.NOT_DIGITS -> PinFault.NotDigits
    dev.twinlock.ffi.PinFault.REPEATED -> PinFault.Repeated
    dev.twinlock.ffi.PinFault.DOUBLED_TRIPLE -> PinFault.DoubledTriple
    dev.twinlock.ffi.PinFault.PERIODIC -> PinFault.Periodic
    dev.twinlock.ffi.PinFault.PALINDROME -> PinFault.Palindrome
    dev.twinlock.ffi.PinFault.SEQUENCE -> PinFault.Sequence
    dev.twinlock.ffi.PinFault.DATE -> PinFault.Date
    dev.twinlock.ffi.PinFault.KEYPAD_SHAPE -> PinFault.KeypadShape
    dev.twinlock.ffi.PinFault.PERSONAL -> PinFault.Personal
}

/** Runs a call through the glue; only [TwinlockException] and a cancellation come out. */
@Suppress("TooGenericExceptionCaught")
internal inline fun <T> glued(call: () -> T): T = try {
    call()
} catch (fault: CancellationException) {
    throw fault
} catch (fault: TwinlockException) {
    throw fault
} catch (fault: EngineException) {
    throw fault.toException()
} catch (fault: LinkageError) {
    throw TwinlockException.Internal(INTERNAL, fault)
} catch (_: IllegalStateException) {
    // What the glue says of an object that was destroyed.
    throw TwinlockException.Misuse(CLOSED)
} catch (_: CharacterCodingException) {
    // Half of a surrogate pair is no text; it cannot be written as UTF-8.
    throw TwinlockException.Misuse(MALFORMED)
} catch (_: Exception) {
    // A panic; its text stays behind.
    throw TwinlockException.Internal(INTERNAL)
}

/** `docs/errors.md`: "the request is malformed". */
internal const val MALFORMED = 4007

/** `docs/errors.md`: "a fault of our own". */
internal const val INTERNAL = 9001

/** `docs/errors.md`: "the object was closed". */
internal const val CLOSED = 9003
