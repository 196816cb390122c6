//! The sealed file: what the PIN opens, as it lies on disk.
//!
//! ```text
//! file = header | commitment (32) | nonce (12) | ciphertext (64) | tag (16) | SHA-256 of all before it (32)
//! ```
//! The checksum tells damage from a wrong PIN *before* a try is spent; the commitment tells a wrong PIN before the
//! cipher is asked. The cipher is AES-256-GCM (NIST SP 800-38D) with a random nonce and the header as associated
//! data; a key seals one file, or few: every epoch has another.

mod blob;
mod file;
mod header;
mod payload;
mod reader;

pub(crate) use blob::{BLOB_OVERHEAD, append_checksum, open_blob, seal_blob, strip_checksum};
pub use file::{Opened, SealedFile};
pub use header::{SealedHeader, Suite};
pub use payload::{SealedPayload, VaultKey};
pub(crate) use reader::Reader;
