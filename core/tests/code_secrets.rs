//! What is issued, what never shows, and how long to wait (the design's Defaults, RFC 4226 §4 R6 and §7.3).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use data_encoding::{BASE32_NOPAD, HEXLOWER};
use ring::rand::SystemRandom;
use std::collections::HashSet;
use twinlock_core::code::{
    CodeInput, CodeKey, Digits, FAILURES_BEFORE_DISABLED, FAILURES_BEFORE_DISABLED_RANGE, FAILURES_BEFORE_WAIT,
    FRESH_CODE_MS, Label, OneTimeCode, Parameters, SET_UP_MS, UriFault, Verdict, wait_after_failures,
};
use twinlock_core::error::Error;

#[test]
fn only_sha1_six_thirty_is_issued() {
    let random = SystemRandom::new();
    let mut seen = HashSet::new();
    for _ in 0..200 {
        let code = OneTimeCode::generate(&random, "Acme & Söhne", "alice@example.test").unwrap();
        assert_eq!(code.key().parameters(), Parameters::default());
        assert_eq!(code.secret().expose().len(), 20);
        assert!(!code.key().is_weak());
        let encoded = BASE32_NOPAD.encode(code.secret().expose());
        assert_eq!(
            code.to_uri().expose(),
            format!(
                "otpauth://totp/Acme%20%26%20S%C3%B6hne:alice%40example.test?secret={encoded}&issuer=Acme%20%26%20S%C3%B6hne&algorithm=SHA1&digits=6&period=30"
            )
        );
        let now = code.key().derive_code(9).unwrap();
        assert_eq!(code.verify_set_up(&now, 270_000), Ok(Verdict::Accepted { step: 9 }));
        assert!(seen.insert(encoded), "the same secret twice");
    }
    for (issuer, account) in [("", "alice"), ("Acme", ""), ("A:B", "alice"), ("Acme", "a\u{202E}b")] {
        let refused = OneTimeCode::generate(&random, issuer, account);
        assert_eq!(refused, Err(Error::UriRefused(UriFault::Label)));
    }
}

#[test]
fn the_grouped_key_is_the_key() {
    let random = SystemRandom::new();
    for _ in 0..50 {
        let code = OneTimeCode::generate(&random, "Acme", "alice").unwrap();
        let grouped = code.grouped_key();
        let groups: Vec<&str> = grouped.expose().split(' ').collect();
        assert_eq!(groups.len(), 8);
        assert!(groups.iter().all(|group| group.len() == 4));
        let typed = grouped.expose().to_lowercase().replace(' ', "%20");
        let again = OneTimeCode::parse_uri(&format!("otpauth://totp/Acme:alice?secret={typed}")).unwrap();
        assert_eq!(again, code);
    }
}

#[test]
fn nothing_secret_shows() {
    let code = OneTimeCode::generate(&SystemRandom::new(), "Acme", "alice").unwrap();
    let secret = code.secret();
    let input = CodeInput::parse("287082", Digits::Six).unwrap();
    let shown = format!(
        "{code:?} {code:#?} {:?} {:?} {secret:?} {:?} {:?} {input:?}",
        code.key(),
        code.label(),
        code.to_uri(),
        code.grouped_key()
    );
    let hidden = [
        BASE32_NOPAD.encode(secret.expose()),
        HEXLOWER.encode(secret.expose()),
        format!("{:?}", secret.expose()),
        "287082".to_owned(),
        "Acme".to_owned(),
        "alice".to_owned(),
    ];
    for text in hidden {
        assert!(!shown.contains(&text), "{shown}");
    }
}

#[test]
fn codes_and_keys_compare_by_value() {
    let parse = |text| CodeInput::parse(text, Digits::Six).unwrap();
    assert_eq!(parse("287082"), parse("287 082"));
    assert_ne!(parse("287082"), parse("287083"));
    assert_ne!(parse("000000"), CodeInput::parse("00000000", Digits::Eight).unwrap());
    let random = SystemRandom::new();
    let key = CodeKey::generate(&random).unwrap();
    assert_eq!(key, CodeKey::from_secret(&key.secret(), key.parameters()).unwrap());
    assert_ne!(key, CodeKey::generate(&random).unwrap());
    assert_ne!(Label::new(Some("Acme"), "alice"), Label::new(None, "alice"));
}

#[test]
fn waits_follow_the_defaults() {
    let waits: Vec<u64> = (0..=10).map(wait_after_failures).collect();
    let minute = 60_000;
    assert_eq!(waits[..7], [0, 0, 0, minute / 2, minute, 5 * minute, 15 * minute]);
    assert!(waits[7..].iter().all(|&wait| wait == 15 * minute));
    assert_eq!(wait_after_failures(u32::MAX), 15 * minute);
    assert_eq!(wait_after_failures(FAILURES_BEFORE_WAIT), 0);
    assert_ne!(wait_after_failures(FAILURES_BEFORE_WAIT + 1), 0);
    assert_eq!(FAILURES_BEFORE_DISABLED, 10);
    assert_eq!(FAILURES_BEFORE_DISABLED_RANGE, 5..=10);
    assert_eq!((FRESH_CODE_MS, SET_UP_MS), (10 * minute, 10 * minute));
}
