//! The PIN rules against the vectors that Kotlin and Swift read too.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy spares tests, not their helpers"
)]

use serde_json::Value;
use twinlock_core::Error;
use twinlock_core::pin::{PinDigits, PinFault, PinRules};

fn check(case: &Value) -> Result<(), Error> {
    let text = |name: &str| case[name].as_str().unwrap();
    let mut rules = PinRules::new(u8::try_from(case["min_length"].as_u64().unwrap()).unwrap())?;
    if !text("number").is_empty() {
        rules = rules.with_number(text("number"));
    }
    if let [year, month, day] = text("birth_date").split('-').collect::<Vec<_>>()[..] {
        let (year, month, day) = (year.parse(), month.parse(), day.parse());
        rules = rules.with_birth_date(year.unwrap(), month.unwrap(), day.unwrap());
    }
    let mut typed = PinDigits::new();
    text("pin").bytes().try_for_each(|digit| typed.push_digit(digit))?;
    rules.check(&typed.submit()?)
}

#[test]
fn f50_b35_the_vectors() {
    let text = include_str!("../../tests/vectors/pin_rules.json");
    let vectors: Value = serde_json::from_str(text).unwrap();
    let mut seen = Vec::new();
    for case in vectors["cases"].as_array().unwrap() {
        let found = match check(case) {
            Ok(()) => "",
            Err(Error::PinRefused(fault)) => fault.name(),
            Err(other) => panic!("{case}: {other:?}"),
        };
        assert_eq!(found, case["fault"].as_str().unwrap(), "{case}");
        seen.push(found);
    }
    for fault in PinFault::ALL {
        assert!(seen.contains(&fault.name()), "no vector for {fault:?}");
    }
}

#[test]
fn b35_a_raised_minimum_is_noticed_at_the_next_unlock_and_asks_nothing_else() {
    let mut typed = PinDigits::new();
    b"123456".iter().try_for_each(|digit| typed.push_digit(*digit)).unwrap();
    let old = typed.submit().unwrap();
    assert!(PinRules::new(6).unwrap().is_long_enough(&old));
    assert!(!PinRules::new(8).unwrap().is_long_enough(&old));
}
