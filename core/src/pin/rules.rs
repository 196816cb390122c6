//! What a new PIN has to fulfil: the policy's length and a blocklist made of rules.

use crate::error::{Error, PolicyFault, Result};
use crate::pin::personal::Personal;
use crate::pin::{Pin, PinFault, date, keypad, pattern};

/// The rules for a *new* PIN: length from the policy, the blocklist, and what is known about the member.
///
/// NIST SP 800-63B-4 §3.2.10 asks for a blocklist of activation secrets; by rules it needs no data file and gives a
/// reason. It refuses 89,640 of the 1,000,000 PINs of six digits. Unlocking never asks these rules.
#[derive(Debug)]
pub struct PinRules {
    min_length: u8,
    personal: Personal,
}

impl PinRules {
    /// Rules with the policy's minimum length in digits, 6 to 12, and nothing known about the member.
    ///
    /// # Errors
    /// [`Error::PolicyRefused`] for another length: no policy may ask for less than six digits.
    pub fn new(min_length: u8) -> Result<Self> {
        if !(Pin::MIN_LEN..=Pin::MAX_LEN).contains(&min_length) {
            return Err(Error::PolicyRefused(PolicyFault::Unreadable));
        }
        Ok(Self { min_length, personal: Personal::default() })
    }

    /// Also refuses PINs out of a number of the member: phone, personnel, house or customer number. Its ASCII digits
    /// count, up to 32; a number of fewer than four says nothing and is left out.
    #[must_use]
    pub fn with_number(mut self, text: &str) -> Self {
        self.personal.add_number(text);
        self
    }

    /// Also refuses PINs that hold the member's birth year, or birth day and month, in any notation. An impossible date
    /// refuses what nobody would choose.
    #[must_use]
    pub fn with_birth_date(mut self, year: u16, month: u8, day: u8) -> Self {
        self.personal.add_birth_date(year, month, day);
        self
    }

    /// The minimum length in digits.
    pub fn min_length(&self) -> u8 {
        self.min_length
    }

    /// Whether `pin` is long enough for the policy. Asked at an unlock after the policy's minimum was raised; the
    /// blocklist is for new PINs only.
    pub fn is_long_enough(&self, pin: &Pin) -> bool {
        pin.expose().len() >= usize::from(self.min_length)
    }

    /// Whether `pin` may be chosen.
    ///
    /// # Errors
    /// [`Error::PinRefused`] with the first reason found: length, pattern, personal data, date, keypad shape.
    pub fn check(&self, pin: &Pin) -> Result<()> {
        let digits = pin.expose();
        let fault = if !self.is_long_enough(pin) {
            Some(PinFault::TooShort)
        } else {
            pattern::fault(digits)
                .or_else(|| self.personal.occurs_in(digits).then_some(PinFault::Personal))
                .or_else(|| date::is_date(digits).then_some(PinFault::Date))
                .or_else(|| keypad::is_shape(digits).then_some(PinFault::KeypadShape))
        };
        fault.map_or(Ok(()), |fault| Err(Error::PinRefused(fault)))
    }
}

impl Default for PinRules {
    /// The built-in policy: six digits.
    fn default() -> Self {
        Self { min_length: Pin::MIN_LEN, personal: Personal::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pin::PinDigits;
    use crate::pin::digits::pin;

    fn fault(rules: &PinRules, digits: &str) -> Option<PinFault> {
        match rules.check(&pin(digits)) {
            Ok(()) => None,
            Err(Error::PinRefused(fault)) => Some(fault),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn b35_the_length_comes_from_the_policy() {
        for length in [0, 1, 5, 13, 255] {
            assert_eq!(PinRules::new(length).err(), Some(Error::PolicyRefused(PolicyFault::Unreadable)));
        }
        let rules = PinRules::new(8).unwrap();
        assert_eq!(rules.min_length(), 8);
        assert_eq!(fault(&rules, "9381742"), Some(PinFault::TooShort));
        assert_eq!(fault(&rules, "93817426"), None);
        assert_eq!(fault(&PinRules::new(12).unwrap(), "938174260558"), None);
        assert_eq!(fault(&PinRules::default(), "938174"), None);
    }

    #[test]
    fn b35_the_reason_is_the_most_telling_one() {
        let rules = PinRules::default().with_birth_date(1984, 3, 7).with_number("555 938174");
        for (digits, expected) in [
            ("000000", PinFault::Repeated),
            ("010101", PinFault::Repeated),
            ("123456", PinFault::Sequence),
            ("123123", PinFault::DoubledTriple),
            ("123321", PinFault::Palindrome),
            ("070384", PinFault::Personal),
            ("938174", PinFault::Personal),
            ("080385", PinFault::Date),
            ("147258", PinFault::KeypadShape),
        ] {
            assert_eq!(fault(&rules, digits), Some(expected), "{digits}");
        }
    }

    #[test]
    fn f50_b35_the_whole_space_of_six_digits() {
        let rules = PinRules::default();
        let mut counts = std::collections::BTreeMap::new();
        let mut typed = PinDigits::new();
        for number in 0..1_000_000_u32 {
            for place in [100_000, 10_000, 1_000, 100, 10, 1] {
                typed.push_digit(b'0' + u8::try_from(number / place % 10).unwrap()).unwrap();
            }
            if let Err(Error::PinRefused(fault)) = rules.check(&typed.submit().unwrap()) {
                *counts.entry(fault.name()).or_insert(0) += 1;
            }
        }
        assert_eq!(counts.values().sum::<i32>() - counts["KeypadShape"], 89_222, "{counts:?}");
        assert_eq!(counts.values().sum::<i32>(), 89_640, "{counts:?}");
    }
}
