//! Fault 18: what is written is read again, and nothing that is read makes the reader panic.
//!
//! `TWINLOCK_FUZZ_CASES=2000000 cargo test --release -p twinlock-core --test code_round_trip` runs for minutes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use proptest::prelude::*;
use proptest::sample::{Index, select};
use twinlock_core::code::{Algorithm, CodeKey, Digits, Label, OneTimeCode, Parameters, Period};
use twinlock_core::secret::SecretBytes;

/// `default` cases, or as many as the environment says.
fn config(default: u32) -> ProptestConfig {
    let cases = std::env::var("TWINLOCK_FUZZ_CASES").ok().map_or(default, |cases| cases.parse().unwrap());
    ProptestConfig {
        cases,
        failure_persistence: None,
        // Names that labels refuse are drawn again, however long the run.
        max_local_rejects: u32::MAX,
        ..ProptestConfig::default()
    }
}

/// Names of every script, without what a label refuses; the characters that have a meaning in a URI come often.
fn name(max_chars: usize) -> impl Strategy<Value = String> {
    let character = prop_oneof![
        "[a-z0-9]".prop_map(|text: String| text.chars().next().unwrap()),
        select("%&=+?#/@.-_~ '\"<>\\^|{}[]!$*,;".chars().collect::<Vec<_>>()),
        any::<char>(),
    ];
    prop::collection::vec(character, 1..=max_chars)
        .prop_map(|characters| characters.into_iter().collect::<String>())
        .prop_filter("a name that labels accept", |name| Label::new(None, name).is_ok())
}

fn code() -> impl Strategy<Value = OneTimeCode> {
    let secret = prop::collection::vec(any::<u8>(), 16..=64);
    let algorithm = select(vec![Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512]);
    let digits = select(vec![Digits::Six, Digits::Eight]);
    let period = select(vec![Period::Seconds30, Period::Seconds60]);
    (secret, algorithm, digits, period, prop::option::of(name(12)), name(24)).prop_map(
        |(secret, algorithm, digits, period, issuer, account)| {
            let label = Label::new(issuer.as_deref(), &account).unwrap();
            let parameters = Parameters { algorithm, digits, period };
            OneTimeCode::from_parts(&SecretBytes::new(secret), parameters, label).unwrap()
        },
    )
}

/// One edit of a URI: a piece that means something, put somewhere over some of what stands there.
fn edit() -> impl Strategy<Value = (Index, usize, String)> {
    let pieces = [
        "",
        "%",
        "%2",
        "%00",
        "%FF",
        "%3A",
        ":",
        "/",
        "//",
        "?",
        "&",
        "=",
        "#",
        "@",
        "+",
        " ",
        "é",
        "\u{202E}",
        "6",
        "８",
        "&digits=6",
        "&Digits=8",
        "&secret=",
        "&issuer=x",
        "secret=A",
        "otpauth://",
        "=====",
        "&period=30",
        "/../",
        "%2e",
        ".",
        "=%20",
        "00000000",
    ];
    let piece = prop_oneof![select(pieces.to_vec()).prop_map(str::to_owned), any::<String>()];
    (any::<Index>(), 0..6_usize, piece)
}

fn apply(uri: &str, edits: &[(Index, usize, String)]) -> String {
    let mut characters: Vec<char> = uri.chars().collect();
    for (place, removed, piece) in edits {
        let start = place.index(characters.len() + 1);
        let end = (start + removed).min(characters.len());
        characters.splice(start..end, piece.chars());
    }
    characters.into_iter().collect()
}

proptest! {
    #![proptest_config(config(10_000))]

    #[test]
    fn f18_round_trip(code in code()) {
        let uri = code.to_uri();
        let again = OneTimeCode::parse_uri(uri.expose()).unwrap();
        prop_assert!(again == code);
        prop_assert!(again.to_uri() == uri);
    }
}

proptest! {
    #![proptest_config(config(3_000))]

    /// Written for others: the library's own reader must find the same key behind what we write.
    #[test]
    fn f18_others_read_what_we_write(code in code()) {
        let theirs = totp_rs::Totp::from_url(code.to_uri().expose()).unwrap();
        let parameters = code.key().parameters();
        prop_assert!(theirs.secret().as_bytes() == code.secret().expose());
        prop_assert!(theirs.algorithm().as_str() == parameters.algorithm.name());
        prop_assert_eq!(theirs.digits(), parameters.digits.count());
        prop_assert_eq!(theirs.step(), parameters.period.seconds());
        prop_assert_eq!(theirs.issuer(), code.label().issuer());
        prop_assert_eq!(theirs.account_name(), code.label().account());
    }

    /// What our own HMAC says is what the library says, for every algorithm, length and period.
    #[test]
    fn codes_are_those_of_totp_rs(code in code(), step in 0_u64..(1 << 34)) {
        let theirs = totp_rs::Totp::from_url(code.to_uri().expose()).unwrap();
        let ours = code.key().derive_code(step).unwrap();
        let at_s = step * code.key().parameters().period.seconds();
        prop_assert!(ours.to_text().expose() == theirs.generate(at_s).to_string());
    }

    #[test]
    fn f18_mutated_uris_do_not_panic(code in code(), edits in prop::collection::vec(edit(), 1..5)) {
        let text = apply(code.to_uri().expose(), &edits);
        if let Ok(read) = OneTimeCode::parse_uri(&text) {
            let bytes = read.secret().expose().len();
            prop_assert!((16..=64).contains(&bytes));
            prop_assert!(OneTimeCode::parse_uri(read.to_uri().expose()).unwrap() == read, "{}", text);
            // Whatever we accept, the library's reader must not read as another key.
            if let Ok(theirs) = totp_rs::Totp::from_url(&text) {
                prop_assert!(theirs.secret().as_bytes() == read.secret().expose(), "{}", text);
                prop_assert_eq!(theirs.digits(), read.key().parameters().digits.count(), "{}", text);
                prop_assert_eq!(theirs.step(), read.key().parameters().period.seconds(), "{}", text);
                prop_assert_eq!(theirs.issuer(), read.label().issuer(), "{}", text);
                prop_assert_eq!(theirs.account_name().trim_start_matches(' '), read.label().account(), "{}", text);
            }
        }
    }

    #[test]
    fn f18_any_text_does_not_panic(text in any::<String>(), tail in ".{0,80}") {
        prop_assert!(OneTimeCode::parse_uri(&text).is_err());
        let _ = OneTimeCode::parse_uri(&format!("otpauth://totp/{tail}"));
        let _ = OneTimeCode::parse_uri(&format!("otpauth://totp/a?secret={tail}"));
        let _ = Label::new(Some(&text), &tail);
    }

    #[test]
    fn f27_any_time_does_not_panic(secret in prop::collection::vec(any::<u8>(), 16..=64), now_ms: u64, after: Option<u64>) {
        let key = CodeKey::from_secret(&SecretBytes::new(secret), Parameters::default()).unwrap();
        let code = key.derive_code(0).unwrap();
        let _ = key.verify(&code, now_ms, after);
        let _ = key.verify_set_up(&code, now_ms);
        let _ = key.verify_nearby(&code, now_ms, u32::MAX);
        let _ = key.derive_code(now_ms);
    }
}
