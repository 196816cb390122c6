//! Why a PIN was refused.

/// Why a PIN was refused. The app shows the reason and asks for another PIN; there is no "use anyway".
///
/// Closed: a new rule is a new version of the crate, and every shell has to find words for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum PinFault {
    /// Fewer digits than the policy asks for; the member adds digits.
    #[error("too short")]
    TooShort,
    /// More than twelve digits; the member leaves some out.
    #[error("too long")]
    TooLong,
    /// Something that is not an ASCII digit arrived; the developer of the keypad corrects it.
    #[error("not digits")]
    NotDigits,
    /// At most two different digits (111111, 121212, 112222).
    #[error("too few different digits")]
    Repeated,
    /// The same three digits twice (123123, 407407).
    #[error("three digits, twice")]
    DoubledTriple,
    /// Longer than six: the same digits again and again (12341234, 407407407).
    #[error("the same digits again and again")]
    Periodic,
    /// Reads the same from both ends (123321).
    #[error("reads the same backwards")]
    Palindrome,
    /// Each digit differs from the one before by the same step, 0 following 9 (123456, 864208).
    #[error("a sequence")]
    Sequence,
    /// A calendar date in one of the usual notations (311299, 199912, 24121987).
    #[error("a date")]
    Date,
    /// A shape on the keypad: its lines, squares, corners or outline (147258, 137955).
    #[error("a shape on the keypad")]
    KeypadShape,
    /// Holds the member's own number or birth date.
    #[error("taken from personal data")]
    Personal,
}

impl PinFault {
    /// Every fault, in the order of declaration.
    pub const ALL: &'static [PinFault] = &[
        PinFault::TooShort,
        PinFault::TooLong,
        PinFault::NotDigits,
        PinFault::Repeated,
        PinFault::DoubledTriple,
        PinFault::Periodic,
        PinFault::Palindrome,
        PinFault::Sequence,
        PinFault::Date,
        PinFault::KeypadShape,
        PinFault::Personal,
    ];

    /// The name used in Rust, Kotlin, Swift and `tests/vectors/pin_rules.json`.
    pub fn name(self) -> &'static str {
        match self {
            PinFault::TooShort => "TooShort",
            PinFault::TooLong => "TooLong",
            PinFault::NotDigits => "NotDigits",
            PinFault::Repeated => "Repeated",
            PinFault::DoubledTriple => "DoubledTriple",
            PinFault::Periodic => "Periodic",
            PinFault::Palindrome => "Palindrome",
            PinFault::Sequence => "Sequence",
            PinFault::Date => "Date",
            PinFault::KeypadShape => "KeypadShape",
            PinFault::Personal => "Personal",
        }
    }
}
