//! Reading bytes from front to back.

use crate::error::{Error, Result};

/// Reads bytes from front to back; whatever is missing is [`Error::Corrupt`].
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Reads `bytes`.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The next `len` bytes.
    pub(crate) fn bytes(&mut self, len: usize) -> Result<&'a [u8]> {
        let (part, rest) = self.0.split_at_checked(len).ok_or(Error::Corrupt)?;
        self.0 = rest;
        Ok(part)
    }

    /// The next `N` bytes.
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.bytes(N)?.try_into().map_err(|_| Error::Corrupt)
    }

    /// A part as [`crate::framing`] writes it.
    pub(crate) fn framed(&mut self) -> Result<&'a [u8]> {
        let len = u32::from_be_bytes(self.array()?);
        self.bytes(usize::try_from(len).map_err(|_| Error::Corrupt)?)
    }

    /// Everything that is left, perhaps nothing.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    /// Whether everything was read.
    pub(crate) fn finish(&self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Corrupt) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::framing::framed;

    #[test]
    fn f41_reading_past_the_end_is_corrupt() {
        let bytes = framed(&[b"abc"]);
        for len in 0..bytes.len() {
            assert_eq!(Reader::new(&bytes[..len]).framed(), Err(Error::Corrupt));
        }
        assert_eq!(Reader::new(&bytes).framed(), Ok(&b"abc"[..]));
        assert_eq!(Reader::new(b"\xff\xff\xff\xffabc").framed(), Err(Error::Corrupt));
        assert_eq!(Reader::new(b"abc").array::<4>(), Err(Error::Corrupt));
        assert_eq!(Reader::new(b"a").finish(), Err(Error::Corrupt));
    }
}
