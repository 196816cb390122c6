//! The work of a code check, counted in instructions by callgrind: the same whichever step matches, or none.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::process::Command;
use twinlock_core::code::{CodeInput, Digits, OneTimeCode, Verdict};

const CASE: &str = "TWINLOCK_CODE_CASE";
const STEP: u64 = 59_000_000;
const NOW_MS: u64 = STEP * 30_000 + 7_000;
/// The last match on the verdict and nothing else: a compression of SHA-1 is more than a thousand.
const VERDICT: u64 = 24;

fn key() -> OneTimeCode {
    OneTimeCode::parse_uri("otpauth://totp/Example:bo?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Example").unwrap()
}

/// What is typed, the last accepted step, and what comes of it.
fn cases() -> BTreeMap<&'static str, (CodeInput, Option<u64>, Verdict)> {
    let key = key();
    let text_of = |step| key.key().derive_code(step).unwrap().to_text().expose().to_owned();
    let of = |step| CodeInput::parse(&text_of(step), Digits::Six).unwrap();
    let near: Vec<String> = (STEP - 1..=STEP + 1).map(text_of).collect();
    let wrong = |differs: usize| {
        let mut digits = near[1].clone().into_bytes();
        digits[differs] = b'0' + (digits[differs] - b'0' + 1) % 10;
        let text = String::from_utf8(digits).unwrap();
        assert!(!near.contains(&text));
        CodeInput::parse(&text, Digits::Six).unwrap()
    };
    BTreeMap::from([
        ("the step before", (of(STEP - 1), Some(1), Verdict::Accepted { step: STEP - 1 })),
        ("the present step", (of(STEP), Some(1), Verdict::Accepted { step: STEP })),
        ("the next step", (of(STEP + 1), Some(1), Verdict::Accepted { step: STEP + 1 })),
        ("a used step", (of(STEP), Some(STEP), Verdict::Replayed)),
        ("none, the first digit differs", (wrong(0), Some(1), Verdict::Wrong)),
        ("none, the last digit differs", (wrong(5), Some(1), Verdict::Wrong)),
        ("an old step", (of(STEP - 9), Some(1), Verdict::Wrong)),
    ])
}

/// Not a test of its own: what runs under callgrind, which counts from here until it returns.
#[inline(never)]
fn counted_check(key: &OneTimeCode, code: &CodeInput, after_step: Option<u64>) -> Verdict {
    black_box(black_box(key).key().verify(black_box(code), NOW_MS, after_step).unwrap())
}

#[test]
fn one_case_for_callgrind() {
    let chosen = std::env::var(CASE).ok();
    for (name, (code, after_step, expected)) in cases() {
        if chosen.as_deref().is_none_or(|chosen| chosen == name) {
            assert_eq!(counted_check(&key(), &code, after_step), expected, "{name}");
        }
    }
}

fn count(name: &str) -> u64 {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--collect-atstart=no"])
        .arg("--toggle-collect=*counted_check*")
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "one_case_for_callgrind", "--test-threads=1"])
        .env(CASE, name)
        .output()
        .expect("the program valgrind has to be installed for this test");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let collected = said.split("Collected : ").nth(1).unwrap_or_else(|| panic!("{said}"));
    collected.split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn b25_a_check_does_the_same_work_whichever_step_matches_or_none() {
    let counts: BTreeMap<_, _> = cases().into_keys().map(|name| (name, count(name))).collect();
    let accepted = ["the step before", "the present step", "the next step"].map(|name| counts[name]);
    assert!(accepted[0] > 5_000, "the check itself was not counted: {counts:?}");
    // Not one instruction tells which step it was.
    assert!(accepted.iter().all(|count| *count == accepted[0]), "{counts:#?}");
    // Nor which digit was wrong, or whether it was a code once.
    let wrong =
        ["none, the first digit differs", "none, the last digit differs", "an old step"].map(|name| counts[name]);
    assert!(wrong.iter().all(|count| *count == wrong[0]), "{counts:#?}");
    for (name, count) in &counts {
        assert!(count.abs_diff(accepted[0]) <= VERDICT, "{name}: {counts:#?}");
    }
}
