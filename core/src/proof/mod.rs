//! Proof of possession: every request of a device is signed (RFC 9421, HTTP Message Signatures; RFC 9530 digests).
//!
//! Exactly one signature, label `sig`, over `@method @authority @path @query content-digest x-policy-version`, with
//! `created`, `nonce`, `keyid`, `alg="ecdsa-p256-sha256"` and `tag="twinlock-pop-v1"`. Anything else is refused.

mod key;
mod signature;
mod target;

pub use key::{PublicKey, SigningKey};
pub use signature::{KeyId, Presented, RequestHead, RequestParts, Stamp, content_digest, sign_request};
pub use target::{Target, canonical_authority};
