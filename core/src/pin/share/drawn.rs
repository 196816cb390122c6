//! Randomness for a library that takes a generator which cannot fail: the bytes are drawn before it is asked.

use crate::error::{Error, Result};
use rand_core::{CryptoRng, RngCore};
use ring::rand::SecureRandom;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Bytes for one random scalar.
const LEN: usize = 64;

/// One scalar's worth of randomness. Wiped on drop.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(super) struct Drawn {
    bytes: [u8; LEN],
    used: usize,
    has_run_dry: bool,
}

impl Drawn {
    /// Draws; [`Error::RandomFailed`] if the system has nothing to give.
    pub(super) fn draw(random: &dyn SecureRandom) -> Result<Self> {
        let mut drawn = Self::from_bytes([0; LEN]);
        random.fill(&mut drawn.bytes).map_err(|_| Error::RandomFailed)?;
        Ok(drawn)
    }

    /// These bytes and no others: for the vectors.
    pub(super) fn from_bytes(bytes: [u8; LEN]) -> Self {
        Self { bytes, used: 0, has_run_dry: false }
    }

    /// [`Error::RandomFailed`] if more was asked for than had been drawn: what was made of it is not random.
    pub(super) fn finish(&self) -> Result<()> {
        if self.has_run_dry { Err(Error::RandomFailed) } else { Ok(()) }
    }
}

impl RngCore for Drawn {
    fn next_u32(&mut self) -> u32 {
        let mut bytes = [0; 4];
        self.fill_bytes(&mut bytes);
        u32::from_le_bytes(bytes)
    }

    fn next_u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.fill_bytes(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn fill_bytes(&mut self, wanted: &mut [u8]) {
        let end = self.used.saturating_add(wanted.len());
        if let Some(bytes) = self.bytes.get(self.used..end) {
            wanted.copy_from_slice(bytes);
        } else {
            // Not zero: whoever asks again until a scalar is not zero would ask for ever.
            wanted.fill(1);
            self.has_run_dry = true;
        }
        self.used = end;
    }

    fn try_fill_bytes(&mut self, wanted: &mut [u8]) -> std::result::Result<(), rand_core::Error> {
        self.fill_bytes(wanted);
        Ok(())
    }
}

impl CryptoRng for Drawn {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pin::share::{Blinding, ShareInput};

    #[test]
    fn what_was_not_drawn_is_not_given_and_a_zero_scalar_is_refused() {
        let mut drawn = Drawn::from_bytes([7; LEN]);
        let mut wanted = [0; LEN];
        drawn.fill_bytes(&mut wanted);
        assert_eq!((wanted, drawn.finish()), ([7; LEN], Ok(())));
        drawn.next_u32();
        assert_eq!(drawn.finish(), Err(Error::RandomFailed));
        let zero = Blinding::with(ShareInput::from_bytes(vec![1]), &mut Drawn::from_bytes([0; LEN]));
        assert_eq!(zero.err(), Some(Error::RandomFailed));
    }
}
