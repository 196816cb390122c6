//! Recovery codes: the way back for a member who has lost the authenticator (NIST SP 800-63B-4 §4.2.1.1).
//!
//! `K7-XXXX-XXXX-XXXX-XXXX` in Crockford's base32, whose reader takes an O for a zero and an I or L for a one. The first two
//! characters name the code within its set and are no secret; the sixteen after them are 80 random bits.

use crate::error::{Error, Result};
use crate::ports::generate_bytes;
use crate::secret::SecretText;
use ring::rand::SecureRandom;
use zeroize::{ZeroizeOnDrop, Zeroizing};

/// Codes of a set.
pub const RECOVERY_CODES: usize = 10;

/// Longest text that is looked at, in bytes.
const MAX_INPUT_BYTES: usize = 64;
const SELECTOR: usize = 2;
const SECRET: usize = 16;
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// One recovery code in its normal form. Wiped on drop, redacted in `Debug`.
#[derive(Clone, ZeroizeOnDrop)]
pub struct RecoveryCode {
    selector: [u8; SELECTOR],
    secret: [u8; SECRET],
}

impl RecoveryCode {
    /// A new set of [`RECOVERY_CODES`], no two with the same selector.
    pub fn generate_set(random: &dyn SecureRandom) -> Result<Vec<Self>> {
        let mut set: Vec<Self> = Vec::with_capacity(RECOVERY_CODES);
        while set.len() < RECOVERY_CODES {
            let code = Self::generate(random)?;
            if set.iter().all(|other| other.selector != code.selector) {
                set.push(code);
            }
        }
        Ok(set)
    }

    fn generate(random: &dyn SecureRandom) -> Result<Self> {
        let selector = generate_bytes::<SELECTOR>(random)?;
        let secret = Zeroizing::new(generate_bytes::<SECRET>(random)?);
        Ok(Self::from_random(&selector, &secret))
    }

    /// Five bits of each byte choose a symbol: 32 of them divide 256, so that every symbol is as likely as the others.
    fn from_random(selector: &[u8; SELECTOR], secret: &[u8; SECRET]) -> Self {
        let mut code = Self { selector: *selector, secret: *secret };
        for place in code.selector.iter_mut().chain(code.secret.iter_mut()) {
            let number = usize::from(*place & 31);
            *place = ALPHABET.get(number).copied().unwrap_or_default();
        }
        code
    }

    /// Reads what a person typed: case does not matter, ASCII spaces and `-` are dropped wherever they stand, O is 0, I and
    /// L are 1.
    ///
    /// Everything else is [`Error::CodeMalformed`], without any cryptography: it could never have been a code, so nobody
    /// counts it as a try.
    pub fn parse(text: &str) -> Result<Self> {
        if text.len() > MAX_INPUT_BYTES {
            return Err(Error::CodeMalformed);
        }
        // Filled in place, so that also a refused half of a code is wiped.
        let mut code = Self { selector: [0; SELECTOR], secret: [0; SECRET] };
        let mut places = code.selector.iter_mut().chain(code.secret.iter_mut());
        for character in text.chars().filter(|character| !matches!(character, ' ' | '-')) {
            let symbol = symbol(character).ok_or(Error::CodeMalformed)?;
            *places.next().ok_or(Error::CodeMalformed)? = symbol;
        }
        if places.next().is_none() { Ok(code) } else { Err(Error::CodeMalformed) }
    }

    /// Which code of its set it is; no secret.
    pub fn selector(&self) -> &str {
        std::str::from_utf8(&self.selector).unwrap_or_default()
    }

    /// The sixteen symbols that carry the 80 bits. The one way out beside [`to_text`](Self::to_text): to be hashed.
    pub fn expose(&self) -> &[u8] {
        &self.secret
    }

    /// The code as it is shown, `K7-XXXX-XXXX-XXXX-XXXX`.
    pub fn to_text(&self) -> SecretText {
        let mut text = String::with_capacity(SELECTOR + SECRET + SECRET / 4);
        text.extend(self.selector.iter().map(|&symbol| char::from(symbol)));
        for group in self.secret.chunks(4) {
            text.push('-');
            text.extend(group.iter().map(|&symbol| char::from(symbol)));
        }
        SecretText::new(text)
    }
}

impl std::fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RecoveryCode(…)")
    }
}

fn symbol(character: char) -> Option<u8> {
    let symbol = match character.to_ascii_uppercase() {
        'O' => b'0',
        'I' | 'L' => b'1',
        other => u8::try_from(other).ok()?,
    };
    ALPHABET.contains(&symbol).then_some(symbol)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::rand::SystemRandom;
    use std::collections::BTreeSet;

    #[test]
    fn random_bytes_become_the_symbols_of_their_lowest_five_bits() {
        let ascending: [u8; 16] = std::array::from_fn(|place| u8::try_from(place).unwrap());
        let descending: [u8; 16] = std::array::from_fn(|place| 255 - u8::try_from(place).unwrap());
        for (selector, secret, expected) in [
            ([0, 31], [0; 16], "0Z-0000-0000-0000-0000"),
            ([19, 7], ascending, "K7-0123-4567-89AB-CDEF"),
            ([32, 255], descending, "0Z-ZYXW-VTSR-QPNM-KJHG"),
        ] {
            assert_eq!(RecoveryCode::from_random(&selector, &secret).to_text().expose(), expected);
        }
    }

    #[test]
    fn what_people_type_is_brought_to_one_form() {
        for typed in [
            "K7-01AB-CDEF-GHJK-MNPQ",
            "k7-01ab-cdef-ghjk-mnpq",
            "k701abcdefghjkmnpq",
            " K7 OLab cDEF -- GHJK MNPQ ",
            "K7-OIAB-CDEF-GHJK-MNPQ",
            "K7-0lAB-CDEF-GHJK-MNPQ",
        ] {
            let code = RecoveryCode::parse(typed).unwrap();
            assert_eq!(code.to_text().expose(), "K7-01AB-CDEF-GHJK-MNPQ", "{typed}");
            assert_eq!((code.selector(), code.expose()), ("K7", b"01ABCDEFGHJKMNPQ".as_slice()));
        }
    }

    #[test]
    fn what_cannot_be_a_code_is_refused() {
        let long = "K".repeat(1 << 20);
        for typed in [
            "",
            "K7",
            "123456",
            "K7-01AB-CDEF-GHJK-MNP",
            "K7-01AB-CDEF-GHJK-MNPQ0",
            "K7-U1AB-CDEF-GHJK-MNPQ",
            "K7_01AB_CDEF_GHJK_MNPQ",
            "K7\t01AB-CDEF-GHJK-MNPQ",
            "K7-01AB-CDEF-GHJK-MNP\u{FF11}",
            "K7-01AB-CDEF-GHJK-MNP\u{131}",
            "K7-01AB-CDEF-GHJK-MNP*",
            &long,
        ] {
            assert_eq!(RecoveryCode::parse(typed).unwrap_err(), Error::CodeMalformed, "{typed:.30}");
        }
    }

    #[test]
    fn b20_a_set_is_ten_codes_that_differ_and_debug_tells_nothing() {
        for _ in 0..50 {
            let set = RecoveryCode::generate_set(&SystemRandom::new()).unwrap();
            let selectors: BTreeSet<&str> = set.iter().map(RecoveryCode::selector).collect();
            let secrets: BTreeSet<&[u8]> = set.iter().map(RecoveryCode::expose).collect();
            assert_eq!((selectors.len(), secrets.len()), (RECOVERY_CODES, RECOVERY_CODES));
            for code in &set {
                let text = code.to_text();
                assert_eq!(RecoveryCode::parse(text.expose()).unwrap().to_text().expose(), text.expose());
                assert_eq!(format!("{code:?}"), "RecoveryCode(…)");
            }
        }
    }
}
