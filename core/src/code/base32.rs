//! Base32 (RFC 4648 §6) for secrets: forgiving about how people write it, strict about what it means.

use crate::code::{MAX_SECRET_BYTES, MIN_SECRET_BYTES, UriFault};
use crate::secret::{SecretBytes, SecretText};
use data_encoding::BASE32_NOPAD;
use zeroize::Zeroizing;

/// Longest text that is looked at, in bytes: 64 bytes of secret are 103 symbols, and each group of four a separator.
const MAX_TEXT_BYTES: usize = 160;

/// Reads a secret. Case does not matter; spaces, `-` and padding at the end are dropped.
///
/// Refused and never corrected: `0`, `1`, `8`, `9` and everything else outside the alphabet, lengths that no encoder
/// produces, bits left over that are not zero (two texts would be one key), and secrets outside 16–64 bytes.
pub(super) fn decode(text: &[u8]) -> Result<SecretBytes, UriFault> {
    if text.len() > MAX_TEXT_BYTES {
        return Err(UriFault::TooLong);
    }
    let symbols = normalise(text)?;
    if symbols.is_empty() {
        return Err(UriFault::SecretMissing);
    }
    let length = BASE32_NOPAD.decode_len(symbols.len()).map_err(|_| UriFault::SecretMalformed)?;
    let mut bytes = Zeroizing::new(vec![0; length]);
    BASE32_NOPAD.decode_mut(&symbols, &mut bytes).map_err(|_| UriFault::SecretMalformed)?;
    if !(MIN_SECRET_BYTES..=MAX_SECRET_BYTES).contains(&bytes.len()) {
        return Err(UriFault::SecretLength);
    }
    Ok(SecretBytes::new(std::mem::take(&mut bytes)))
}

/// Appends the secret without padding. `text` must have room, else growing it leaves a copy behind.
pub(super) fn append(secret: &[u8], text: &mut String) {
    BASE32_NOPAD.encode_append(secret, text);
}

/// The secret in groups of four with a space between them, for typing.
pub(super) fn grouped(secret: &[u8]) -> SecretText {
    let length = BASE32_NOPAD.encode_len(secret.len());
    let mut plain = Zeroizing::new(String::with_capacity(length));
    append(secret, &mut plain);
    let mut text = String::with_capacity(length + length / 4);
    for (place, symbol) in plain.chars().enumerate() {
        if place > 0 && place % 4 == 0 {
            text.push(' ');
        }
        text.push(symbol);
    }
    SecretText::new(text)
}

fn normalise(text: &[u8]) -> Result<Zeroizing<Vec<u8>>, UriFault> {
    let mut symbols = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut padded = false;
    for byte in text {
        match byte {
            b' ' | b'-' => {}
            b'=' => padded = true,
            // Padding ends the text (RFC 4648 §3.2); a symbol behind it is a second text.
            _ if padded => return Err(UriFault::SecretMalformed),
            _ => symbols.push(byte.to_ascii_uppercase()),
        }
    }
    Ok(symbols)
}
