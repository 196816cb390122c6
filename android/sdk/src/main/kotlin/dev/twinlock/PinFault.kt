package dev.twinlock

/** Why a PIN was refused. Show the reason and ask for another. */
public enum class PinFault {
    /** Fewer digits than the policy asks for. */
    TooShort,

    /** More than twelve digits. */
    TooLong,

    /** Something that is no digit 0–9; the keypad's developer corrects it. */
    NotDigits,

    /** At most two different digits (111111, 121212). */
    Repeated,

    /** The same three digits twice (123123). */
    DoubledTriple,

    /** The same digits again and again (12341234). */
    Periodic,

    /** Reads the same from both ends (123321). */
    Palindrome,

    /** Each digit differs from the one before by the same step (123456, 864208). */
    Sequence,

    /** A calendar date in one of the usual notations (311299). */
    Date,

    /** A shape on the keypad (147258). */
    KeypadShape,

    /** Holds the member's own number or birth date. */
    Personal,
    ;

    /** The name of the text that says it to the member, in the SDK's `strings.xml`. */
    public val textKey: String
        get() = when (this) {
            TooShort -> "twinlock_pin_too_short"
            TooLong -> "twinlock_pin_too_long"
            NotDigits -> "twinlock_pin_not_digits"
            Repeated -> "twinlock_pin_repeated"
            DoubledTriple -> "twinlock_pin_doubled_triple"
            Periodic -> "twinlock_pin_periodic"
            Palindrome -> "twinlock_pin_palindrome"
            Sequence -> "twinlock_pin_sequence"
            Date -> "twinlock_pin_date"
            KeypadShape -> "twinlock_pin_keypad_shape"
            Personal -> "twinlock_pin_personal"
        }
}
