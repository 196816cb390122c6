//! What a file may be called: a name that every system can keep, and never a path.

use unicode_normalization::UnicodeNormalization;

/// The longest name, in bytes of UTF-8: what common file systems take.
const MAX_BYTES: usize = 255;

/// The name in its normal form (NFC), without white space around it; `None` if it is no name.
///
/// Refused are paths, control characters, and the marks that turn the direction of writing: `exe` could end as `txt`.
pub fn normal(name: &str) -> Option<String> {
    let name: String = name.nfc().collect();
    let name = name.trim();
    let is_name = (1..=MAX_BYTES).contains(&name.len()) && !matches!(name, "." | "..") && !name.chars().any(is_refused);
    is_name.then(|| name.to_owned())
}

fn is_refused(c: char) -> bool {
    c.is_control()
        || matches!(c, '/' | '\\' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_kept_in_one_normal_form() {
        assert_eq!(normal(" Gru\u{308}ße.txt ").as_deref(), Some("Grüße.txt"));
        assert_eq!(normal("<img src=x>.txt").as_deref(), Some("<img src=x>.txt"));
        assert_eq!(normal(&"ä".repeat(127)).map(|name| name.len()), Some(254));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let long = "ä".repeat(128);
        for name in [
            "",
            " ",
            ".",
            "..",
            "../a",
            "a/b",
            "a\\b",
            "C:\\a",
            "a\0b",
            "a\r\nb",
            "a\u{202e}txt.exe",
            "a\u{200b}",
            &long,
        ] {
            assert_eq!(normal(name), None, "{name:?}");
        }
    }
}
