//! Stretching: Argon2id (RFC 9106) over the digits, in memory of our own that is touched before and wiped after.

use crate::error::{Error, Result};
use crate::framing::framed;
use crate::pin::{Owner, Pin};
use crate::secret::SecretBytes;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

/// Length of the salt in bytes (RFC 9106 §4: 128 bits).
pub const SALT_LEN: usize = 16;

/// How much work one guess costs. A value of this type is always within the accepted bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StretchParameters {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl StretchParameters {
    /// 46 MiB, two passes, one lane.
    pub const DEFAULT: Self = Self { memory_kib: 46 * 1024, passes: 2, lanes: 1 };
    const LEAST_MEMORY_KIB: u32 = 19 * 1024;
    pub(super) const MOST_MEMORY_KIB: u32 = 256 * 1024;
    pub(super) const FEWEST_PASSES: u32 = 2;
    const MOST_PASSES: u32 = 8;

    /// Memory in KiB from 19 to 256 MiB, 2 to 8 passes, one lane (more lanes help only the thief).
    ///
    /// # Errors
    /// [`Error::ParametersRefused`] outside these bounds. Nothing was allocated then: a file cannot ask for 4 GiB, nor
    /// for a guess that costs nothing.
    pub fn new(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self> {
        let in_bounds = (Self::LEAST_MEMORY_KIB..=Self::MOST_MEMORY_KIB).contains(&memory_kib)
            && (Self::FEWEST_PASSES..=Self::MOST_PASSES).contains(&passes)
            && lanes == 1;
        if in_bounds { Ok(Self { memory_kib, passes, lanes }) } else { Err(Error::ParametersRefused) }
    }

    /// As much memory as is wanted and accepted.
    pub(super) fn with_memory(self, kib: u32) -> Self {
        Self { memory_kib: kib.clamp(Self::LEAST_MEMORY_KIB, Self::MOST_MEMORY_KIB), ..self }
    }

    /// As many passes as are wanted and accepted.
    pub(super) fn with_passes(self, passes: u32) -> Self {
        Self { passes: passes.clamp(Self::FEWEST_PASSES, Self::MOST_PASSES), ..self }
    }

    /// Memory in KiB.
    pub fn memory_kib(self) -> u32 {
        self.memory_kib
    }

    /// Passes over the memory.
    pub fn passes(self) -> u32 {
        self.passes
    }

    /// Lanes; 1.
    pub fn lanes(self) -> u32 {
        self.lanes
    }
}

impl Default for StretchParameters {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The working memory of Argon2id: allocated and touched ahead, so that an unlock does not pay for page faults, and
/// wiped after every use (`argon2` 0.6 would free its own unwiped).
pub struct StretchMemory(Vec<Block>);

impl StretchMemory {
    /// Allocates the memory for `parameters` and touches every page of it. Takes about as long as half a pass: do it
    /// while the member types, not when they have finished.
    ///
    /// # Errors
    /// [`Error::Internal`] if the system has not that much memory.
    pub fn allocate(parameters: StretchParameters) -> Result<Self> {
        let count = usize::try_from(parameters.memory_kib).map_err(|_| Error::Internal)?;
        Self::with_blocks(count)
    }

    /// Whether this memory is large enough for `parameters`.
    pub fn fits(&self, parameters: StretchParameters) -> bool {
        usize::try_from(parameters.memory_kib).is_ok_and(|count| self.0.len() >= count)
    }

    /// `a = Argon2id(digits, salt, X)`, 32 bytes, with X = SHA-256 over the parts "twinlock/pin/v1", organisation,
    /// device, epoch (four bytes, big-endian), each with its length before it. Hashed, because `argon2` 0.6 takes at
    /// most 32 bytes of associated data (RFC 9106 §3.1 would allow more).
    ///
    /// Slow by design: never on a thread that draws. The memory is wiped before this returns, and can be used again.
    ///
    /// # Errors
    /// [`Error::Internal`] if the memory is smaller than `parameters` ask for; see [`StretchMemory::fits`].
    pub fn stretch(
        &mut self,
        pin: &Pin,
        owner: &Owner,
        epoch: u32,
        salt: &[u8; SALT_LEN],
        parameters: StretchParameters,
    ) -> Result<Stretched> {
        let context = framed(&[
            b"twinlock/pin/v1",
            owner.organisation().as_bytes(),
            owner.device().as_bytes(),
            &epoch.to_be_bytes(),
        ]);
        let StretchParameters { memory_kib, passes, lanes } = parameters;
        let cost = Cost { memory_kib, passes, lanes };
        self.hash(pin.expose(), salt, b"", &Sha256::digest(&context), cost).map(Stretched)
    }

    /// The work of one guess on nothing: for measuring.
    pub(super) fn exercise(&mut self, parameters: StretchParameters) -> Result<()> {
        let StretchParameters { memory_kib, passes, lanes } = parameters;
        self.hash(&[0; Pin::MIN_LEN as usize], &[0; SALT_LEN], b"", b"", Cost { memory_kib, passes, lanes }).map(drop)
    }

    fn with_blocks(count: usize) -> Result<Self> {
        let mut blocks = Vec::new();
        blocks.try_reserve_exact(count).map_err(|_| Error::Internal)?;
        blocks.resize(count, Block::new());
        // Zeros alone may come from the system as pages that do not exist yet; a one in each 1 KiB block makes them.
        for word in blocks.iter_mut().filter_map(|block| block.as_mut().first_mut()) {
            *word = std::hint::black_box(1);
        }
        Ok(Self(blocks))
    }

    fn hash(&mut self, password: &[u8], salt: &[u8], secret: &[u8], data: &[u8], cost: Cost) -> Result<SecretBytes> {
        let params = argon2::ParamsBuilder::new()
            .m_cost(cost.memory_kib)
            .t_cost(cost.passes)
            .p_cost(cost.lanes)
            .data(argon2::AssociatedData::new(data).map_err(|_| Error::Internal)?)
            .output_len(Stretched::LEN)
            .build()
            .map_err(|_| Error::Internal)?;
        let mut output = Zeroizing::new(vec![0; Stretched::LEN]);
        let result = self.fill(password, salt, secret, params, &mut output);
        self.wipe();
        result?;
        Ok(SecretBytes::new(std::mem::take(&mut *output)))
    }

    fn fill(&mut self, password: &[u8], salt: &[u8], secret: &[u8], params: Params, output: &mut [u8]) -> Result<()> {
        let argon2 = Argon2::new_with_secret(secret, Algorithm::Argon2id, Version::V0x13, params)
            .map_err(|_| Error::Internal)?;
        argon2.hash_password_into_with_memory(password, salt, output, &mut self.0).map_err(|_| Error::Internal)
    }

    fn wipe(&mut self) {
        self.0.iter_mut().for_each(Zeroize::zeroize);
    }
}

impl Drop for StretchMemory {
    fn drop(&mut self) {
        self.wipe();
    }
}

impl std::fmt::Debug for StretchMemory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StretchMemory({} KiB)", self.0.len())
    }
}

/// A stretched PIN, 32 bytes: as good as the PIN to whoever has the chip. Wiped on drop, redacted in `Debug`.
#[derive(Debug, PartialEq)]
pub struct Stretched(SecretBytes);

impl Stretched {
    const LEN: usize = 32;

    /// The bytes themselves. The one way out: whoever calls this answers for where they go.
    pub fn expose(&self) -> &[u8] {
        self.0.expose()
    }

    /// A stretched PIN that a biometric released; `None` if it is not 32 bytes long.
    #[cfg(feature = "client")]
    pub(crate) fn from_secret(bytes: SecretBytes) -> Option<Self> {
        (bytes.expose().len() == Self::LEN).then_some(Self(bytes))
    }

    #[cfg(test)]
    pub(super) fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(SecretBytes::new(bytes))
    }
}

/// What Argon2 itself takes, without our bounds: its test vector uses 32 KiB and four lanes.
#[derive(Clone, Copy)]
struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pin::digits::pin;

    fn stretch(owner: (&str, &str), epoch: u32, salt: u8, digits: &str, passes: u32) -> Stretched {
        let parameters = StretchParameters::new(19 * 1024, passes, 1).unwrap();
        let owner = Owner::new(owner.0, owner.1).unwrap();
        let mut memory = StretchMemory::allocate(parameters).unwrap();
        memory.stretch(&pin(digits), &owner, epoch, &[salt; SALT_LEN], parameters).unwrap()
    }

    #[test]
    fn rfc_9106_section_5_3() {
        let expected = "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659";
        let cost = Cost { memory_kib: 32, passes: 3, lanes: 4 };
        let mut memory = StretchMemory::with_blocks(32).unwrap();
        for _ in 0..2 {
            let tag = memory.hash(&[1; 32], &[2; 16], &[3; 8], &[4; 12], cost).unwrap();
            assert_eq!(data_encoding::HEXLOWER.encode(tag.expose()), expected);
        }
    }

    #[test]
    fn f43_parameters_outside_the_bounds_are_refused_before_allocation() {
        for (memory_kib, passes, lanes) in [
            (8, 2, 1),
            (19 * 1024 - 1, 2, 1),
            (256 * 1024 + 1, 2, 1),
            (4 * 1024 * 1024, 2, 1),
            (u32::MAX, 2, 1),
            (19 * 1024, 0, 1),
            (19 * 1024, 1, 1),
            (19 * 1024, 9, 1),
            (19 * 1024, u32::MAX, 1),
            (19 * 1024, 2, 0),
            (19 * 1024, 2, 2),
        ] {
            // Memory is allocated from a `StretchParameters` only, and there is none here.
            assert_eq!(StretchParameters::new(memory_kib, passes, lanes), Err(Error::ParametersRefused));
        }
        for (memory_kib, passes) in [(19 * 1024, 2), (256 * 1024, 8)] {
            let parameters = StretchParameters::new(memory_kib, passes, 1).unwrap();
            assert_eq!((parameters.memory_kib(), parameters.passes(), parameters.lanes()), (memory_kib, passes, 1));
        }
    }

    #[test]
    fn f44_every_input_changes_the_output() {
        let base = stretch(("o", "d"), 1, 7, "938174", 2);
        assert_eq!(base, stretch(("o", "d"), 1, 7, "938174", 2));
        for other in [
            stretch(("p", "d"), 1, 7, "938174", 2),
            stretch(("o", "e"), 1, 7, "938174", 2),
            stretch(("o", "d"), 2, 7, "938174", 2),
            stretch(("o", "d"), 1, 8, "938174", 2),
            stretch(("o", "d"), 1, 7, "938175", 2),
            stretch(("o", "d"), 1, 7, "938174", 3),
        ] {
            assert_ne!(base, other);
        }
        assert_ne!(stretch(("od", "x"), 1, 7, "938174", 2), stretch(("o", "dx"), 1, 7, "938174", 2));
    }

    #[test]
    fn the_memory_is_touched_before_and_wiped_after() {
        let mut memory = StretchMemory::with_blocks(32).unwrap();
        assert!(memory.0.iter().all(|block| block.as_ref()[0] == 1));
        memory.hash(&[1; 32], &[2; 16], &[], &[], Cost { memory_kib: 32, passes: 1, lanes: 1 }).unwrap();
        assert!(memory.0.iter().all(|block| block.as_ref().iter().all(|word| *word == 0)));
        // A refused call wipes as well.
        memory.0[0].as_mut()[5] = 5;
        assert!(memory.hash(&[1; 32], &[2; 4], &[], &[], Cost { memory_kib: 32, passes: 1, lanes: 1 }).is_err());
        assert!(memory.0.iter().all(|block| block.as_ref().iter().all(|word| *word == 0)));
    }

    #[test]
    fn memory_that_is_too_small_is_refused_and_larger_memory_changes_nothing() {
        let small = StretchParameters::new(19 * 1024, 2, 1).unwrap();
        let large = StretchParameters::new(20 * 1024, 2, 1).unwrap();
        let owner = Owner::new("o", "d").unwrap();
        let mut memory = StretchMemory::allocate(small).unwrap();
        assert!(memory.fits(small) && !memory.fits(large));
        assert_eq!(memory.stretch(&pin("938174"), &owner, 1, &[7; SALT_LEN], large).err(), Some(Error::Internal));
        let mut memory = StretchMemory::allocate(large).unwrap();
        let stretched = memory.stretch(&pin("938174"), &owner, 1, &[7; SALT_LEN], small).unwrap();
        assert_eq!(stretched, stretch(("o", "d"), 1, 7, "938174", 2));
    }

    #[test]
    fn debug_shows_no_bytes() {
        assert_eq!(format!("{:?}", Stretched::from_bytes(vec![9; 32])), "Stretched(SecretBytes(…))");
    }
}
