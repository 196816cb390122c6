//! What an attacker who knows the member tries first: their numbers and their birth date.

use zeroize::Zeroizing;

/// Digit strings of one member. Wiped on drop, redacted in `Debug`.
#[derive(Default)]
pub(super) struct Personal(Vec<Zeroizing<Vec<u8>>>);

impl Personal {
    /// The shortest string worth comparing: shorter ones occur in every tenth PIN by chance.
    const MIN_LEN: usize = 4;
    /// As many digits in a row are a part of a longer number, such as a phone number without its prefix.
    const PART_LEN: usize = 6;
    /// No number of a person is longer; what follows is left out.
    const MAX_LEN: usize = 32;

    /// Adds the ASCII digits of `text`; everything between them is punctuation.
    pub(super) fn add_number(&mut self, text: &str) {
        let mut digits = Zeroizing::new(Vec::with_capacity(Self::MAX_LEN));
        digits.extend(text.bytes().filter(u8::is_ascii_digit).take(Self::MAX_LEN));
        if digits.len() >= Self::MIN_LEN {
            self.0.push(digits);
        }
    }

    /// Adds the parts of a date that show it in every notation, with zeros and without.
    pub(super) fn add_birth_date(&mut self, year: u16, month: u8, day: u8) {
        let short = year % 100;
        for part in [
            format!("{year:04}"),
            format!("{day:02}{month:02}"),
            format!("{month:02}{day:02}"),
            format!("{day}{month}{short:02}"),
            format!("{month}{day}{short:02}"),
            format!("{short:02}{month}{day}"),
        ] {
            self.add_number(&Zeroizing::new(part));
        }
    }

    /// Whether the PIN holds one of the strings, or six digits in a row of a longer one, forwards or backwards.
    pub(super) fn occurs_in(&self, digits: &[u8]) -> bool {
        let mut backwards = Zeroizing::new([0; super::Pin::MAX_LEN as usize]);
        backwards.iter_mut().zip(digits.iter().rev()).for_each(|(place, digit)| *place = *digit);
        let backwards = backwards.get(..digits.len()).unwrap_or_default();
        self.0.iter().any(|known| {
            known
                .windows(known.len().min(Self::PART_LEN))
                .any(|part| [digits, backwards].iter().any(|pin| pin.windows(part.len()).any(|window| window == part)))
        })
    }
}

impl std::fmt::Debug for Personal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Personal(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f50_personal_data() {
        let mut personal = Personal::default();
        assert!(!personal.occurs_in(b"938174"));
        personal.add_number("+49 (170) 938-174-62");
        personal.add_number("E-4711");
        personal.add_number("007"); // too short to say anything
        for pin in ["938174", "381746", "264718", "471183", "094711", "117494", "99381740"] {
            assert!(personal.occurs_in(pin.as_bytes()), "{pin}");
        }
        for pin in ["938175", "007938", "493817", "471247"] {
            assert!(!personal.occurs_in(pin.as_bytes()), "{pin}");
        }
    }

    #[test]
    fn b35_the_own_birth_date() {
        let mut personal = Personal::default();
        personal.add_birth_date(1984, 3, 7);
        for pin in ["070384", "840307", "198473", "738499", "997384", "8437005", "648917"] {
            assert!(personal.occurs_in(pin.as_bytes()), "{pin}");
        }
        for pin in ["938174", "948170", "306184"] {
            assert!(!personal.occurs_in(pin.as_bytes()), "{pin}");
        }
    }

    #[test]
    fn debug_shows_no_personal_data() {
        let mut personal = Personal::default();
        personal.add_number("4711");
        assert_eq!(format!("{personal:?}"), "Personal(…)");
    }
}
