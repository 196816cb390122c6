//! Length prefixes, so that no two lists of parts give the same bytes.

/// Each part behind its length as a 32-bit big-endian number.
pub(crate) fn framed(parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(parts.iter().map(|part| part.len() + 4).sum());
    for part in parts {
        // Parts are ids, keys and short texts; nothing near 4 GiB ever gets here.
        bytes.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}
