//! Names as they are sorted by and searched in: without case, accents and double spaces.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Longer names are sorted and searched by their beginning.
const MAX_CHARS: usize = 400;

/// The text as it is compared: `Zoë  Groß` is `zoe gross`.
pub fn fold(text: &str) -> String {
    let plain: String = text
        .nfkd()
        .filter(|c| !is_combining_mark(*c) && *c != '\0')
        .flat_map(char::to_lowercase)
        .take(MAX_CHARS)
        .collect::<String>()
        .replace('ß', "ss");
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What is searched for, as a pattern of `LIKE` with `\` as the escape; empty for everything. Its words are found in their
/// order, anywhere in a word.
pub fn pattern(typed: &str) -> String {
    let folded = fold(typed);
    if folded.is_empty() {
        return String::new();
    }
    let mut pattern = String::from("%");
    for word in folded.split(' ') {
        for c in word.chars() {
            if matches!(c, '\\' | '%' | '_') {
                pattern.push('\\');
            }
            pattern.push(c);
        }
        pattern.push('%');
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_accents_and_spaces_do_not_matter() {
        assert_eq!(fold(" Zoë  GROẞ\u{a0}Ñandú "), "zoe gross nandu");
        assert_eq!(fold("groß"), "gross");
        assert_eq!(fold("\0"), "");
        assert_eq!(fold(&"x".repeat(5_000)).len(), MAX_CHARS);
    }

    #[test]
    fn what_is_typed_is_never_a_wildcard() {
        assert_eq!(pattern(" Bo  BRA "), "%bo%bra%");
        assert_eq!(pattern("50%_\\"), "%50\\%\\_\\\\%");
        assert_eq!(pattern("  "), "");
    }
}
