//! The digits themselves: the buffer a keypad types into, and the PIN that comes out of it.

use crate::error::{Error, Result};
use crate::pin::PinFault;
use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// What is being typed: at most twelve ASCII digits in one heap place that never moves or grows, wiped on drop.
///
/// The shells' keypads push single digits, so that a PIN never exists as a string in any language.
#[derive(Default)]
pub struct PinDigits(Box<Buffer>);

impl PinDigits {
    /// An empty buffer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends one ASCII digit (`b'0'..=b'9'`; the number 7 is not the digit `b'7'`).
    ///
    /// # Errors
    /// [`Error::PinRefused`] with [`PinFault::NotDigits`], or [`PinFault::TooLong`] for the thirteenth digit. The
    /// buffer is unchanged then.
    pub fn push_digit(&mut self, digit: u8) -> Result<()> {
        if !digit.is_ascii_digit() {
            return Err(Error::PinRefused(PinFault::NotDigits));
        }
        let free = self.0.bytes.get_mut(usize::from(self.0.len));
        *free.ok_or(Error::PinRefused(PinFault::TooLong))? = digit;
        self.0.len += 1;
        Ok(())
    }

    /// Removes and wipes the last digit, if there is one.
    pub fn backspace(&mut self) {
        self.0.len = self.0.len.saturating_sub(1);
        if let Some(last) = self.0.bytes.get_mut(usize::from(self.0.len)) {
            last.zeroize();
        }
    }

    /// How many digits were typed, 0 to 12.
    pub fn len(&self) -> usize {
        usize::from(self.0.len)
    }

    /// Whether nothing was typed.
    pub fn is_empty(&self) -> bool {
        self.0.len == 0
    }

    /// Wipes everything typed.
    pub fn clear(&mut self) {
        self.0.zeroize();
    }

    /// Turns what was typed into a PIN and leaves this buffer empty.
    ///
    /// # Errors
    /// [`Error::PinRefused`] with [`PinFault::TooShort`] below six digits; the buffer is unchanged then. No policy and
    /// no blocklist is asked here: see [`crate::pin::PinRules::check`].
    pub fn submit(&mut self) -> Result<Pin> {
        if self.0.len < Pin::MIN_LEN {
            return Err(Error::PinRefused(PinFault::TooShort));
        }
        Ok(Pin(std::mem::take(&mut self.0)))
    }
}

impl std::fmt::Debug for PinDigits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PinDigits(…)")
    }
}

/// A PIN of 6 to 12 ASCII digits. Wiped on drop, redacted in `Debug` (its length too), compared in constant time.
pub struct Pin(Box<Buffer>);

impl Pin {
    /// The shortest PIN any policy allows (NIST SP 800-63B-4 §3.2.10: SHOULD be at least 6).
    pub const MIN_LEN: u8 = 6;
    /// The longest PIN.
    pub const MAX_LEN: u8 = 12;

    /// The ASCII digits. The one way out: whoever calls this answers for where they go.
    pub fn expose(&self) -> &[u8] {
        self.0.bytes.get(..usize::from(self.0.len)).unwrap_or_default()
    }
}

impl PartialEq for Pin {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Pin {}

impl std::fmt::Debug for Pin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pin(…)")
    }
}

/// Unused places stay zero, which no digit is: comparing whole buffers compares PINs and tells no lengths.
#[derive(Default, Zeroize, ZeroizeOnDrop)]
struct Buffer {
    bytes: [u8; Pin::MAX_LEN as usize],
    len: u8,
}

impl ConstantTimeEq for Buffer {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.bytes.ct_eq(&other.bytes)
    }
}

#[cfg(test)]
pub(crate) fn pin(digits: &str) -> Pin {
    let mut typed = PinDigits::new();
    digits.bytes().for_each(|digit| typed.push_digit(digit).unwrap());
    typed.submit().unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused<T: std::fmt::Debug>(result: Result<T>) -> PinFault {
        match result {
            Err(Error::PinRefused(fault)) => fault,
            other => panic!("not refused: {other:?}"),
        }
    }

    #[test]
    fn f50_thirteen_digits_and_other_bytes_are_refused_and_change_nothing() {
        let mut typed = PinDigits::new();
        for byte in (0..=u8::MAX).filter(|byte| !byte.is_ascii_digit()) {
            assert_eq!(refused(typed.push_digit(byte)), PinFault::NotDigits);
            assert!(typed.is_empty());
        }
        for _ in 0..12 {
            typed.push_digit(b'4').unwrap();
        }
        assert_eq!(refused(typed.push_digit(b'4')), PinFault::TooLong);
        assert_eq!(typed.len(), 12);
        assert_eq!(typed.submit().unwrap().expose(), b"444444444444");
        assert!(typed.is_empty(), "submitting takes the digits away");
    }

    #[test]
    fn f50_fewer_than_six_digits_are_refused_and_kept() {
        let mut typed = PinDigits::new();
        for len in 0..6 {
            assert_eq!(typed.len(), len);
            assert_eq!(refused(typed.submit()), PinFault::TooShort);
            typed.push_digit(b'7').unwrap();
        }
        assert!(typed.submit().is_ok());
    }

    #[test]
    fn backspace_and_clear_wipe_what_they_remove() {
        let mut typed = PinDigits::new();
        typed.backspace();
        assert!(typed.is_empty());
        b"93817".iter().for_each(|digit| typed.push_digit(*digit).unwrap());
        typed.backspace();
        assert_eq!((typed.len(), &typed.0.bytes[..6]), (4, &b"9381\0\0"[..]));
        typed.clear();
        assert_eq!((typed.len(), typed.0.bytes), (0, [0; 12]));
    }

    #[test]
    fn b35_the_repeated_entry_must_be_the_same_pin() {
        assert_eq!(pin("938174"), pin("938174"));
        assert_ne!(pin("938174"), pin("938175"));
        assert_ne!(pin("938174"), pin("9381740"));
        assert_ne!(pin("000000"), pin("0000000"));
    }

    #[test]
    fn debug_shows_neither_digits_nor_length() {
        assert_eq!(format!("{:?}", pin("938174")), "Pin(…)");
        assert_eq!(format!("{:?}", PinDigits::new()), "PinDigits(…)");
    }
}
