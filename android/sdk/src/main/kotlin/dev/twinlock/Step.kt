package dev.twinlock

/**
 * What the member has to do next, and so what the app draws. Every call of [Twinlock] returns one.
 *
 * New cases may come in a minor version; draw a case that you do not know as [Blocked] with "update the app".
 */
public sealed interface Step {
    /** The name of the text that says it to the member, in the SDK's `strings.xml`. */
    public val textKey: String

    /** Ask for name and password, then [Twinlock.signIn]. */
    public data object SignIn : Step {
        override val textKey: String get() = "twinlock_step_sign_in"
    }

    /** Lead through [Twinlock.setUpTwoStep], then [Twinlock.submitCode]. No file is reachable before. */
    public data object SetUpTwoStep : Step {
        override val textKey: String get() = "twinlock_step_set_up_two_step"
    }

    /** Ask for a code of the authenticator app, then [Twinlock.submitCode]. */
    public data object EnterCode : Step {
        override val textKey: String get() = "twinlock_step_enter_code"
    }

    /** Show the comparison code, wait for an admin, and ask with [Twinlock.refresh] from time to time. */
    public class AwaitApproval(
        /** Eight digits in two groups of four, `1234 5678`; the member reads them to the admin. */
        public val comparisonCode: String?,
    ) : Step {
        override val textKey: String get() = "twinlock_step_await_approval"

        override fun equals(other: Any?): Boolean = other is AwaitApproval && other.comparisonCode == comparisonCode

        override fun hashCode(): Int = comparisonCode.hashCode()

        /** Without the code, which does not belong into a log. */
        override fun toString(): String = "AwaitApproval"
    }

    /** Ask for a new PIN, twice, each time with [Twinlock.pinEntry] and [Twinlock.submitPin]. */
    public data class CreatePin(
        /** Digits at least, 6–12. */
        public val minLength: Int,
        /** Digits at most, 12. */
        public val maxLength: Int,
        /** The first entry was accepted; ask for it again. */
        public val isRepeat: Boolean,
    ) : Step {
        override val textKey: String
            get() = if (isRepeat) "twinlock_step_repeat_pin" else "twinlock_step_create_pin"
    }

    /** Ask for the PIN with [Twinlock.pinEntry], then [Twinlock.submitPin]. */
    public data class EnterPin(
        /** Tries before the PIN is erased. */
        public val triesLeft: Int,
    ) : Step {
        override val textKey: String get() = "twinlock_step_enter_pin"
    }

    /** The policy was raised, or the member asked ([Twinlock.changePin]): ask for a new PIN, twice, as in [CreatePin]. */
    public data class ChangePin(
        /** Digits at least, 6–12. */
        public val minLength: Int,
        /** Digits at most, 12. */
        public val maxLength: Int,
        /** The first entry was accepted; ask for it again. */
        public val isRepeat: Boolean,
    ) : Step {
        override val textKey: String
            get() = if (isRepeat) "twinlock_step_repeat_pin" else "twinlock_step_change_pin"
    }

    /** Nothing is accepted until then. Count down; ask for the PIN again when it is over. */
    public data class Wait(
        /** Milliseconds since 1970-01-01 UTC by the portal's clock. */
        public val untilMs: Long,
    ) : Step {
        override val textKey: String get() = "twinlock_step_wait"
    }

    /** Files ([Twinlock.files]) and vault ([Twinlock.vault]) are open. */
    public data object Ready : Step {
        override val textKey: String get() = "twinlock_step_ready"
    }

    /** Nothing works until somebody acts; the reason says who. */
    public data class Blocked(
        /** Why, and thereby who acts. */
        public val reason: BlockedReason,
    ) : Step {
        override val textKey: String
            get() = when (reason) {
                BlockedReason.Revoked -> "twinlock_step_blocked_revoked"
                BlockedReason.Suspended -> "twinlock_step_blocked_suspended"
                BlockedReason.UpdateApp -> "twinlock_step_blocked_update_app"
                BlockedReason.KeyLost -> "twinlock_step_blocked_key_lost"
                BlockedReason.AuthenticatorDisabled -> "twinlock_step_blocked_authenticator_disabled"
            }
    }
}

/** Why nothing works. */
public enum class BlockedReason {
    /** An admin revoked this device; the member signs in and enrolls it again. */
    Revoked,

    /** An admin suspended the account, and lifts it. */
    Suspended,

    /** The policy asks for a newer app; the member updates it. */
    UpdateApp,

    /** The device key is gone (restored backup, screen lock removed); the member signs in and enrolls again. */
    KeyLost,

    /** The authenticator was disabled after too many wrong codes; an admin resets it. */
    AuthenticatorDisabled,
}
