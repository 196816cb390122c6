//! Patterns in the digits alone: few of them, repetitions, palindromes, sequences.

use crate::pin::PinFault;

/// The first pattern found, the most telling first.
pub(super) fn fault(digits: &[u8]) -> Option<PinFault> {
    if has_at_most_two_distinct(digits) {
        Some(PinFault::Repeated)
    } else if has_sequence(digits) {
        Some(PinFault::Sequence)
    } else if is_periodic(digits) {
        Some(if digits.len() == 6 { PinFault::DoubledTriple } else { PinFault::Periodic })
    } else if is_palindrome(digits) {
        Some(PinFault::Palindrome)
    } else {
        None
    }
}

fn has_at_most_two_distinct(digits: &[u8]) -> bool {
    let seen = digits.iter().fold(0_u32, |seen, digit| seen | 1_u32.wrapping_shl(u32::from(*digit) & 31));
    seen.count_ones() <= 2
}

/// Six digits in a row with one step between them, modulo 10. In a PIN of six that is the whole PIN; a longer one
/// that only pads such a run is what people make of `123456` when they need more digits.
fn has_sequence(digits: &[u8]) -> bool {
    let mut previous = None;
    let mut equal_steps = 0;
    for pair in digits.windows(2) {
        let [first, second] = *pair else { continue };
        let step = (10 + second - first) % 10;
        equal_steps = if previous == Some(step) { equal_steps + 1 } else { 1 };
        previous = Some(step);
        if equal_steps == 5 {
            return true;
        }
    }
    false
}

/// Some block of at most half the length comes again until the end, perhaps cut off there.
fn is_periodic(digits: &[u8]) -> bool {
    (1..=digits.len() / 2).any(|period| digits.iter().skip(period).eq(digits.iter().take(digits.len() - period)))
}

fn is_palindrome(digits: &[u8]) -> bool {
    digits.iter().eq(digits.iter().rev())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f50_patterns_of_six_digits() {
        for (digits, expected) in [
            ("111111", PinFault::Repeated),
            ("121212", PinFault::Repeated),
            ("112222", PinFault::Repeated),
            ("123456", PinFault::Sequence),
            ("987654", PinFault::Sequence),
            ("890123", PinFault::Sequence),
            ("024680", PinFault::Sequence),
            ("741852", PinFault::Sequence),
            ("407407", PinFault::DoubledTriple),
            ("407704", PinFault::Palindrome),
        ] {
            assert_eq!(fault(digits.as_bytes()), Some(expected), "{digits}");
        }
        for digits in ["938174", "123457", "407408", "407714", "112233"] {
            assert_eq!(fault(digits.as_bytes()), None, "{digits}");
        }
    }

    #[test]
    fn f50_patterns_of_longer_pins() {
        for (digits, expected) in [
            ("12341234", PinFault::Periodic),
            ("407407407", PinFault::Periodic),
            ("4074074", PinFault::Periodic),
            ("40719407194", PinFault::Periodic),
            ("1234567", PinFault::Sequence),
            ("91234567", PinFault::Sequence),
            ("12345604", PinFault::Sequence),
            ("40711704", PinFault::Palindrome),
            ("407191704", PinFault::Palindrome),
        ] {
            assert_eq!(fault(digits.as_bytes()), Some(expected), "{digits}");
        }
        // The block is longer than half, the run shorter than six, or the mirror broken.
        for digits in ["4071407", "40719407", "12345706", "40711705"] {
            assert_eq!(fault(digits.as_bytes()), None, "{digits}");
        }
    }
}
