//! Faults 19–23 and behaviour 23: what people type, and apps that compute something else.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use twinlock_core::code::{Algorithm, CodeInput, CodeKey, Digits, Label, OneTimeCode, Parameters, Period, Verdict};
use twinlock_core::error::Error;
use twinlock_core::secret::SecretBytes;

fn key(parameters: Parameters) -> CodeKey {
    CodeKey::from_secret(&SecretBytes::new(b"12345678901234567890".to_vec()), parameters).unwrap()
}

fn read(text: &str) -> Option<String> {
    CodeInput::parse(text, Digits::Six).ok().map(|code| code.to_text().expose().to_owned())
}

#[test]
fn f19_separators() {
    for text in ["287082", "287 082", "287-082", " 287082 ", "2-8-7-0-8-2", "28 70 82", "287 - 082"] {
        assert_eq!(read(text).as_deref(), Some("287082"), "{text:?}");
    }
    for separator in
        ["\t", "\n", "\r", "\u{A0}", "\u{200B}", "\u{2009}", "\u{3000}", "\u{2212}", "\u{2013}", "\u{FEFF}"]
    {
        assert_eq!(
            CodeInput::parse(&format!("287{separator}082"), Digits::Six),
            Err(Error::CodeMalformed),
            "{separator:?}"
        );
        assert_eq!(
            CodeInput::parse(&format!("287082{separator}"), Digits::Six),
            Err(Error::CodeMalformed),
            "{separator:?}"
        );
    }
}

#[test]
fn f20_digits_of_other_scripts() {
    for text in ["٢٨٧٠٨٢", "２８７０８２", "２８７-٠٨٢", "28٧０82"] {
        assert_eq!(read(text).as_deref(), Some("287082"), "{text}");
    }
    assert_eq!(read("٠١٢٣٤٥").as_deref(), Some("012345"));
    assert_eq!(read("٦٧٨٩٠١").as_deref(), Some("678901"));
    assert_eq!(read("０１２３４５").as_deref(), Some("012345"));
    assert_eq!(read("６７８９０１").as_deref(), Some("678901"));
    for text in [
        "۲۸۷۰۸۲",
        "२८७०८२",
        "²⁸⁷⁰⁸²",
        "①②③④⑤⑥",
        "𝟐𝟖𝟕𝟎𝟖𝟐",
        "+87082",
        "-",
        "",
        "   ",
        "2.87e5",
        "0x1234",
        "28708",
        "2870821",
        "28708a",
        "287O82",
        "2,8708",
        "287082\0",
        "\u{65F}28708",
        "\u{66A}28708",
        "\u{FF0F}28708",
        "\u{FF1A}28708",
        "/28708",
        ":28708",
    ] {
        assert_eq!(CodeInput::parse(text, Digits::Six), Err(Error::CodeMalformed), "{text:?}");
    }
}

#[test]
fn f21_leading_zeros() {
    let code = CodeInput::parse("007081", Digits::Six).unwrap();
    assert_eq!(code.to_text().expose(), "007081");
    for text in ["7081", "07081", "0007081", "  7081"] {
        assert_eq!(CodeInput::parse(text, Digits::Six), Err(Error::CodeMalformed), "{text}");
    }
    // RFC 6238 App. B: the code at 1111111109 begins with zero.
    let key = key(Parameters { digits: Digits::Eight, ..Parameters::default() });
    let code = CodeInput::parse("07081804", Digits::Eight).unwrap();
    assert_eq!(key.verify(&code, 1_111_111_109_000, None), Ok(Verdict::Accepted { step: 0x023523EC }));
    assert_eq!(CodeInput::parse("7081804", Digits::Eight), Err(Error::CodeMalformed));
}

#[test]
fn f22_six_of_eight_digits() {
    let key = key(Parameters { digits: Digits::Eight, ..Parameters::default() });
    assert_eq!(CodeInput::parse("287082", Digits::Eight), Err(Error::CodeMalformed));
    let last_six = CodeInput::parse("287082", Digits::Six).unwrap();
    assert_eq!(key.verify(&last_six, 59_000, None), Err(Error::CodeMalformed));
    assert_eq!(key.verify_set_up(&last_six, 59_000), Err(Error::CodeMalformed));
    assert_eq!(key.looks_like_fallback(&last_six, 59_000), Err(Error::CodeMalformed));
    assert_eq!(key.verify_nearby(&last_six, 59_000, 3), Err(Error::CodeMalformed));
    let all_eight = CodeInput::parse("94287082", Digits::Eight).unwrap();
    assert_eq!(key.verify(&all_eight, 59_000, None), Ok(Verdict::Accepted { step: 1 }));
}

#[test]
fn f23_an_app_that_ignores_the_algorithm() {
    let now_ms = 1_234_567_890_000;
    let issued = key(Parameters::default());
    let sha1_now = issued.derive_code(issued.step_at(now_ms).unwrap()).unwrap();
    for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
        for period in [Period::Seconds30, Period::Seconds60] {
            let set_up = key(Parameters { algorithm, period, ..Parameters::default() });
            assert_eq!(set_up.verify_set_up(&sha1_now, now_ms), Err(Error::AuthenticatorUnsupported));
            // The difference exists during set-up only.
            assert_eq!(set_up.verify(&sha1_now, now_ms, None), Ok(Verdict::Wrong));
            let right = set_up.derive_code(set_up.step_at(now_ms).unwrap()).unwrap();
            assert!(matches!(set_up.verify_set_up(&right, now_ms), Ok(Verdict::Accepted { .. })));
            // Wrong everywhere is wrong, no matter what the app computes.
            let stale = issued.derive_code(5).unwrap();
            assert_eq!(set_up.verify_set_up(&stale, now_ms), Ok(Verdict::Wrong));
        }
    }
    // SHA-1 with the period of the set-up, and SHA-1 with a period that was ignored.
    let minute = key(Parameters { period: Period::Seconds60, ..Parameters::default() });
    let sha1_minute = minute.derive_code(minute.step_at(now_ms).unwrap()).unwrap();
    let set_up = key(Parameters { algorithm: Algorithm::Sha256, period: Period::Seconds60, ..Parameters::default() });
    assert_eq!(set_up.verify_set_up(&sha1_minute, now_ms), Err(Error::AuthenticatorUnsupported));
    assert_eq!(minute.verify_set_up(&sha1_now, now_ms), Err(Error::AuthenticatorUnsupported));
    // What is issued has no fallback: every wrong code is just wrong.
    assert_eq!(issued.verify_set_up(&issued.derive_code(5).unwrap(), now_ms), Ok(Verdict::Wrong));
    assert_eq!(issued.looks_like_fallback(&sha1_now, now_ms), Ok(false));
}

#[test]
fn b23_typed_codes_open_the_account() {
    let label = Label::new(Some("Acme"), "alice").unwrap();
    let secret = SecretBytes::new(b"12345678901234567890".to_vec());
    let code = OneTimeCode::from_parts(&secret, Parameters::default(), label).unwrap();
    for text in ["287082", "287 082", "２８７０８２", "٢٨٧٠٨٢", "287-082 "] {
        let input = CodeInput::parse(text, Digits::Six).unwrap();
        assert_eq!(code.verify(&input, 59_000, None), Ok(Verdict::Accepted { step: 1 }), "{text}");
    }
    let wrong = CodeInput::parse("287083", Digits::Six).unwrap();
    assert_eq!(code.verify(&wrong, 59_000, None), Ok(Verdict::Wrong));
}

/// Every digit counts at every place.
#[test]
fn one_wrong_digit_is_wrong() {
    let key = key(Parameters::default());
    for place in 0..6 {
        for digit in b'0'..=b'9' {
            let mut text = *b"287082";
            let right = text[place] == digit;
            text[place] = digit;
            let input = CodeInput::parse(std::str::from_utf8(&text).unwrap(), Digits::Six).unwrap();
            assert_eq!(key.verify(&input, 59_000, None).unwrap() == Verdict::Accepted { step: 1 }, right);
        }
    }
}
