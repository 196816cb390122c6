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
}
