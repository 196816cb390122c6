//! What a person typed, brought to one form before any cryptography.

use crate::code::Digits;
use crate::error::{Error, Result};
use crate::secret::SecretText;
use subtle::ConstantTimeEq;
use zeroize::ZeroizeOnDrop;

/// Longest text that is looked at, in bytes: eight full-width digits with separators are far below it.
const MAX_INPUT_BYTES: usize = 64;

/// A code as typed, in its normal form: exactly six or eight ASCII digits, leading zeros kept, never kept as an integer.
///
/// Wiped on drop, redacted in `Debug`, compared in constant time.
#[derive(Clone, ZeroizeOnDrop)]
pub struct CodeInput {
    /// ASCII digits, then zero bytes up to the end.
    bytes: [u8; 8],
    #[zeroize(skip)]
    digits: Digits,
}

impl CodeInput {
    /// Reads a code of exactly `digits` digits (RFC 4226 §5.3). ASCII spaces and `-` are dropped wherever they stand;
    /// Arabic-Indic (U+0660–0669) and full-width (U+FF10–FF19) digits count as ASCII ones.
    ///
    /// Everything else is [`Error::CodeMalformed`], without any cryptography: it could never have been a guess, so
    /// nobody counts it as a try. Texts above 64 bytes are not even read.
    pub fn parse(text: &str, digits: Digits) -> Result<Self> {
        if text.len() > MAX_INPUT_BYTES {
            return Err(Error::CodeMalformed);
        }
        let length = usize::from(digits.count());
        // Filled in place, so that also a refused half of a code is wiped.
        let mut input = Self { bytes: [0; 8], digits };
        let mut count = 0;
        for character in text.chars().filter(|character| !matches!(character, ' ' | '-')) {
            let digit = ascii_digit(character).ok_or(Error::CodeMalformed)?;
            let slot = input.bytes.iter_mut().take(length).nth(count).ok_or(Error::CodeMalformed)?;
            *slot = digit;
            count += 1;
        }
        if count == length { Ok(input) } else { Err(Error::CodeMalformed) }
    }

    /// How many digits it has.
    pub fn digits(&self) -> Digits {
        self.digits
    }

    /// The ASCII digits as text, to send or to show.
    pub fn to_text(&self) -> SecretText {
        let mut text = String::with_capacity(self.bytes.len());
        text.extend(self.bytes.iter().take(usize::from(self.digits.count())).map(|&byte| char::from(byte)));
        SecretText::new(text)
    }

    /// A code just computed: the lowest digits of `number`, with leading zeros.
    pub(super) fn from_number(number: u32, digits: Digits) -> Self {
        let mut input = Self { bytes: [0; 8], digits };
        let mut rest = number;
        for byte in input.bytes.iter_mut().take(usize::from(digits.count())).rev() {
            *byte = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        input
    }

    /// The digits as a number, for comparing only: with the number of digits known, one number is one code.
    pub(super) fn number(&self) -> u32 {
        let typed = self.bytes.iter().take(usize::from(self.digits.count()));
        typed.fold(0, |number, byte| number * 10 + u32::from(byte & 0x0F))
    }
}

impl PartialEq for CodeInput {
    fn eq(&self, other: &Self) -> bool {
        self.bytes.as_slice().ct_eq(other.bytes.as_slice()).into()
    }
}

impl std::fmt::Debug for CodeInput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CodeInput(…)")
    }
}

fn ascii_digit(character: char) -> Option<u8> {
    let value = match character {
        '0'..='9' => u32::from(character) - 0x30,
        '\u{660}'..='\u{669}' => u32::from(character) - 0x660,
        '\u{FF10}'..='\u{FF19}' => u32::from(character) - 0xFF10,
        // Also U+06F0–06F9: their 4, 5 and 6 are drawn differently, so a reader of Arabic may mean something else.
        _ => return None,
    };
    u8::try_from(value).ok().map(|value| b'0' + value)
}
