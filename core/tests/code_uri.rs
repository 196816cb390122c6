//! Faults 1–17: what an otpauth URI may and may not be, from the vectors that Kotlin and Swift read too.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use data_encoding::HEXLOWER;
use serde_json::Value;
use twinlock_core::code::{Label, MAX_URI_BYTES, OneTimeCode, Parameters, UriFault};
use twinlock_core::error::Error;
use twinlock_core::secret::SecretBytes;

const VECTORS: &str = include_str!("../../tests/vectors/otpauth.json");
const KEY: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

fn cases(list: &str, fault: &str) -> Vec<Value> {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let cases = vectors[list].as_array().unwrap().iter();
    cases.filter(|case| case["id"].as_str().unwrap().starts_with(fault)).cloned().collect()
}

/// Checks every case of a fault; the counts keep a lost vector from passing unseen.
fn check(fault: &str, good_count: usize, bad_count: usize) {
    let good = cases("good", fault);
    for case in &good {
        let code = OneTimeCode::parse_uri(case["uri"].as_str().unwrap()).unwrap_or_else(|e| panic!("{e}: {case}"));
        let parameters = code.key().parameters();
        assert_eq!(HEXLOWER.encode(code.secret().expose()), case["secret_hex"].as_str().unwrap(), "{case}");
        assert_eq!(code.label().issuer(), case["issuer"].as_str(), "{case}");
        assert_eq!(code.label().account(), case["account"].as_str().unwrap(), "{case}");
        assert_eq!(parameters.algorithm.name(), case["algorithm"].as_str().unwrap(), "{case}");
        assert_eq!(u64::from(parameters.digits.count()), case["digits"].as_u64().unwrap(), "{case}");
        assert_eq!(parameters.period.seconds(), case["period_s"].as_u64().unwrap(), "{case}");
        assert_eq!(code.key().is_weak(), case["weak"].as_bool().unwrap(), "{case}");
        assert_eq!(code.to_uri().expose(), case["canonical"].as_str().unwrap(), "{case}");
        assert_eq!(OneTimeCode::parse_uri(code.to_uri().expose()).unwrap(), code, "{case}");
    }
    let bad = cases("bad", fault);
    for case in &bad {
        match OneTimeCode::parse_uri(case["uri"].as_str().unwrap()) {
            Err(Error::UriRefused(reason)) => {
                assert_eq!(format!("{reason:?}"), case["reason"].as_str().unwrap(), "{case}")
            }
            other => panic!("{other:?}: {case}"),
        }
    }
    assert_eq!((good.len(), bad.len()), (good_count, bad_count), "vectors of {fault}");
}

#[test]
fn f01_other_schemes() {
    check("f01", 0, 14);
}

#[test]
fn f02_other_types() {
    check("f02", 0, 3);
}

#[test]
fn f03_scheme_and_type_in_any_case() {
    check("f03", 2, 0);
}

#[test]
fn f04_user_port_fragment_white_space() {
    check("f04", 0, 13);
}

#[test]
fn f05_no_secret() {
    check("f05", 1, 6);
}

#[test]
fn f06_length_of_the_secret() {
    check("f06", 4, 6);
    let ten_kib = format!("otpauth://totp/Acme:alice?secret={}", "A".repeat(10 * 1024));
    assert_eq!(OneTimeCode::parse_uri(&ten_kib), Err(Error::UriRefused(UriFault::TooLong)));
    assert!(ten_kib.len() > MAX_URI_BYTES);
    for (length, accepted) in
        [(0, false), (15, false), (16, true), (20, true), (64, true), (65, false), (10_240, false)]
    {
        let label = Label::new(Some("Acme"), "alice").unwrap();
        let code = OneTimeCode::from_parts(&SecretBytes::new(vec![7; length]), Parameters::default(), label);
        assert_eq!(code.is_ok(), accepted, "{length}");
    }
}

#[test]
fn f07_ways_to_write_base32() {
    check("f07", 6, 0);
}

#[test]
fn f08_foreign_characters_are_never_corrected() {
    check("f08", 0, 9);
}

#[test]
fn f09_impossible_lengths() {
    check("f09", 0, 3);
}

#[test]
fn f10_bits_left_over() {
    check("f10", 0, 2);
}

#[test]
fn f11_duplicates() {
    check("f11", 0, 7);
}

#[test]
fn f12_miscased_names() {
    check("f12", 1, 8);
}

#[test]
fn f13_digits() {
    check("f13", 2, 15);
}

#[test]
fn f14_period() {
    check("f14", 2, 12);
}

#[test]
fn f15_algorithm() {
    check("f15", 8, 8);
}

#[test]
fn f16_two_issuers() {
    check("f16", 3, 4);
}

#[test]
fn f17_labels() {
    check("f17", 9, 60);
    for name in ["", " ", "a:b", "a\n", "\u{202E}evil", "tag\u{E0041}"] {
        assert_eq!(Label::new(Some(name), "alice"), Err(Error::UriRefused(UriFault::Label)), "{name:?}");
        assert_eq!(Label::new(None, name), Err(Error::UriRefused(UriFault::Label)), "{name:?}");
    }
    // Written with joiners: a Persian word, a family.
    for name in ["می\u{200C}خواهم", "👩\u{200D}👧"] {
        assert!(Label::new(Some(name), name).is_ok(), "{name:?}");
    }
}

#[test]
fn every_vector_belongs_to_a_test() {
    let known: Vec<String> = (1..=18).map(|fault| format!("f{fault:02} ")).collect();
    for case in cases("good", "").iter().chain(&cases("bad", "")) {
        let id = case["id"].as_str().unwrap();
        assert!(known.iter().any(|prefix| id.starts_with(prefix)), "{id}");
    }
}

/// A refusal of a megabyte must cost nothing, and no refusal may repeat what it refuses.
#[test]
fn refusals_are_cheap_and_silent() {
    let megabyte = format!("otpauth://totp/Acme:alice?secret={KEY}&x={}", "%41".repeat(350_000));
    assert_eq!(OneTimeCode::parse_uri(&megabyte), Err(Error::UriRefused(UriFault::TooLong)));
    for case in cases("bad", "") {
        let error = OneTimeCode::parse_uri(case["uri"].as_str().unwrap()).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains(KEY) && !shown.contains("alice") && !shown.contains("Acme"), "{shown}");
    }
}
