//! Recovery codes at rest: Argon2id (46 MiB, one pass, one lane) under a pepper that stands in no database.
//!
//! The associated data ties a hash to its place, so that rows cannot be swapped. The working memory is wiped after use.

use crate::portal::{Portal, PortalState};
use crate::problem::Refusal;
use argon2::{Algorithm, Argon2, AssociatedData, Block, ParamsBuilder, Version};
use data_encoding::BASE64_NOPAD;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use std::sync::Arc;
use subtle::ConstantTimeEq;
use twinlock_core::code::RecoveryCode;
use twinlock_core::ports::generate_bytes;
use twinlock_core::secret::{SecretBytes, SecretText};
use twinlock_core::{Error, Result};
use zeroize::Zeroize;

const MEMORY_KIB: u32 = 46 * 1024;
const FORM: &str = "argon2id-46m-1";

/// Whose code it is.
#[derive(Clone)]
pub struct Owner {
    /// The organisation's id.
    pub organisation: String,
    /// The member's id.
    pub member: String,
}

/// A set that was just made: to be shown once, and stored as hashes.
pub struct NewSet {
    codes: Vec<RecoveryCode>,
    hashes: Vec<String>,
}

impl NewSet {
    /// Makes a set and hashes it, off every thread that others wait for.
    pub async fn generate(portal: &Portal, owner: Owner) -> std::result::Result<Self, Refusal> {
        let keys = Arc::clone(portal);
        let work = move || {
            let codes = RecoveryCode::generate_set(&SystemRandom::new())?;
            let mut memory = Memory::allocate()?;
            let hash = |code| hash(&mut memory, &keys, &owner, code);
            let hashes = codes.iter().map(hash).collect::<Result<_>>()?;
            Ok(Self { codes, hashes })
        };
        portal.hasher.run(work).await
    }

    /// Selector and hash of each code.
    pub fn rows(&self) -> impl Iterator<Item = (&str, &str)> {
        self.codes.iter().map(RecoveryCode::selector).zip(self.hashes.iter().map(String::as_str))
    }

    /// The codes as they are shown.
    pub fn to_texts(&self) -> Vec<SecretText> {
        self.codes.iter().map(RecoveryCode::to_text).collect()
    }
}

/// True if `code` is the one that made `stored`. Without a stored one it works as long and says false.
pub async fn verify(
    portal: &Portal,
    owner: Owner,
    code: RecoveryCode,
    stored: Option<String>,
) -> std::result::Result<bool, Refusal> {
    let keys = Arc::clone(portal);
    portal.hasher.run(move || verify_with(&mut Memory::allocate()?, &keys, &owner, &code, stored.as_deref())).await
}

fn verify_with(
    memory: &mut Memory,
    portal: &PortalState,
    owner: &Owner,
    code: &RecoveryCode,
    stored: Option<&str>,
) -> Result<bool> {
    let mut parts = stored.unwrap_or_default().split('$');
    let (form, salt, hash) = (parts.next(), parts.next(), parts.next());
    let decode = |part: Option<&str>| part.and_then(|part| BASE64_NOPAD.decode(part.as_bytes()).ok());
    let (Some(FORM), Some(salt), Some(hash)) = (form, decode(salt), decode(hash)) else {
        // Nobody learns from the time it takes which selectors there are.
        memory.derive(portal, owner, code, &[0; 16])?;
        return Ok(false);
    };
    Ok(memory.derive(portal, owner, code, &salt)?.expose().ct_eq(&hash).into())
}

fn hash(memory: &mut Memory, portal: &PortalState, owner: &Owner, code: &RecoveryCode) -> Result<String> {
    let salt = generate_bytes::<16>(&SystemRandom::new())?;
    let hash = memory.derive(portal, owner, code, &salt)?;
    Ok(format!("{FORM}${}${}", BASE64_NOPAD.encode(&salt), BASE64_NOPAD.encode(hash.expose())))
}

/// Argon2id's working memory, wiped on drop (`argon2` 0.6 would free its own unwiped).
struct Memory(Vec<Block>);

impl Memory {
    fn allocate() -> Result<Self> {
        let count = usize::try_from(MEMORY_KIB).map_err(|_| Error::Internal)?;
        let mut blocks = Vec::new();
        blocks.try_reserve_exact(count).map_err(|_| Error::Internal)?;
        blocks.resize(count, Block::new());
        Ok(Self(blocks))
    }

    fn derive(&mut self, portal: &PortalState, owner: &Owner, code: &RecoveryCode, salt: &[u8]) -> Result<SecretBytes> {
        let Owner { organisation, member } = owner;
        let place = format!("twinlock/recovery/v1\0{organisation}\0{member}\0{}", code.selector());
        let params = ParamsBuilder::new()
            .m_cost(MEMORY_KIB)
            .t_cost(1)
            .p_cost(1)
            .data(AssociatedData::new(digest(&SHA256, place.as_bytes()).as_ref()).map_err(|_| Error::Internal)?)
            .output_len(32)
            .build()
            .map_err(|_| Error::Internal)?;
        let mut hash = vec![0; 32];
        Argon2::new_with_secret(
            portal.key_wrap.recovery_pepper().expose(),
            Algorithm::Argon2id,
            Version::V0x13,
            params,
        )
        .and_then(|argon2| argon2.hash_password_into_with_memory(code.expose(), salt, &mut hash, &mut self.0))
        .map_err(|_| Error::Internal)?;
        Ok(SecretBytes::new(hash))
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.0.iter_mut().for_each(Zeroize::zeroize);
    }
}
