//! Faults 24, 27–30 and behaviours 24, 25, 30: the window, replay, and clocks that are wrong.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use twinlock_core::code::{Algorithm, CodeKey, Digits, MAX_NEARBY_STEPS, Parameters, Period, TIME_LIMIT_S, Verdict};
use twinlock_core::error::Error;
use twinlock_core::secret::SecretBytes;

const NOW_S: u64 = 1_234_567_890;

fn key() -> CodeKey {
    CodeKey::from_secret(&SecretBytes::new(b"12345678901234567890".to_vec()), Parameters::default()).unwrap()
}

#[test]
fn f24_the_window_is_one_step_to_either_side() {
    let key = key();
    let code = key.derive_code(1).unwrap();
    for second in 0..200 {
        for ms in [0, 1, 999] {
            let expected = if second <= 89 { Verdict::Accepted { step: 1 } } else { Verdict::Wrong };
            assert_eq!(key.verify(&code, second * 1000 + ms, None), Ok(expected), "{second}.{ms}");
        }
    }
    let step = NOW_S / 30;
    for offset in -5..=5_i64 {
        let code = key.derive_code(step.checked_add_signed(offset).unwrap()).unwrap();
        let accepted = matches!(key.verify(&code, NOW_S * 1000, None), Ok(Verdict::Accepted { .. }));
        assert_eq!(accepted, offset.abs() <= 1, "{offset}");
    }
}

#[test]
fn f24_a_step_of_a_minute() {
    let parameters = Parameters { period: Period::Seconds60, ..Parameters::default() };
    let key = CodeKey::from_secret(&SecretBytes::new(vec![9; 20]), parameters).unwrap();
    let code = key.derive_code(2).unwrap();
    for second in 0..300 {
        let accepted = key.verify(&code, second * 1000, None) == Ok(Verdict::Accepted { step: 2 });
        assert_eq!(accepted, (60..240).contains(&second), "{second}");
    }
}

/// Step 0 has no step before it; a wrapped one would let the code of step 2⁶⁴−1 in.
#[test]
fn f27_step_zero() {
    let key = key();
    for step in 0..=1 {
        assert_eq!(key.verify(&key.derive_code(step).unwrap(), 0, None), Ok(Verdict::Accepted { step }));
    }
    assert_eq!(key.verify(&key.derive_code(2).unwrap(), 0, None), Ok(Verdict::Wrong));
    for step in 3..1000 {
        let code = key.derive_code(step).unwrap();
        assert_eq!(key.verify(&code, 0, None), Ok(Verdict::Wrong), "{step}");
    }
    // HMAC-SHA-1 over the counters 2⁶⁴−1 and (2⁶⁴−30)/30, which a wrapped step would mean, computed elsewhere.
    for text in ["094451", "856882"] {
        assert_eq!(key.verify(&typed(text), 0, None), Ok(Verdict::Wrong), "{text}");
    }
    assert_eq!(key.verify(&key.derive_code(0).unwrap(), 0, Some(0)), Ok(Verdict::Replayed));
    assert_eq!(key.verify(&key.derive_code(1).unwrap(), 0, Some(0)), Ok(Verdict::Accepted { step: 1 }));
}

#[test]
fn f27_extreme_times() {
    let key = key();
    let code = key.derive_code(1).unwrap();
    let seconds = [0, 1, 1 << 31, 1 << 32, 4_102_444_800, 20_000_000_000, TIME_LIMIT_S - 1];
    for second in seconds {
        let step = second / 30;
        assert_eq!(key.step_at(second * 1000), Ok(step));
        if step > 1 {
            let now = key.derive_code(step - 1).unwrap();
            assert_eq!(key.verify(&now, second * 1000, None), Ok(Verdict::Accepted { step: step - 1 }), "{second}");
        }
    }
    let limit_ms = TIME_LIMIT_S * 1000;
    assert!(key.verify(&code, limit_ms - 1, None).is_ok());
    for now_ms in [limit_ms, i64::MAX as u64, 1 << 63, u64::MAX - 1, u64::MAX] {
        assert_eq!(key.verify(&code, now_ms, None), Err(Error::TimeOutOfRange), "{now_ms}");
        assert_eq!(key.verify_set_up(&code, now_ms), Err(Error::TimeOutOfRange), "{now_ms}");
        assert_eq!(key.verify_nearby(&code, now_ms, 3), Err(Error::TimeOutOfRange), "{now_ms}");
        assert_eq!(key.looks_like_fallback(&code, now_ms), Err(Error::TimeOutOfRange), "{now_ms}");
        assert_eq!(key.step_at(now_ms), Err(Error::TimeOutOfRange), "{now_ms}");
    }
    for step in [TIME_LIMIT_S / 30, u64::MAX / 30, u64::MAX] {
        assert_eq!(key.derive_code(step), Err(Error::TimeOutOfRange), "{step}");
    }
    // Any last step may come from a database.
    assert_eq!(key.verify(&code, 59_000, Some(u64::MAX)), Ok(Verdict::Replayed));
}

/// The verifier's time decides and nobody else's: there is no clock in here that could say 1970 or 2100.
#[test]
fn f28_the_clock_of_the_phone_does_not_matter() {
    let key = key();
    let code = key.derive_code(NOW_S / 30).unwrap();
    assert_eq!(key.verify(&code, NOW_S * 1000, None), Ok(Verdict::Accepted { step: NOW_S / 30 }));
    for wrong_s in [0, 4_102_444_800] {
        assert_eq!(key.verify(&code, wrong_s * 1000, None), Ok(Verdict::Wrong));
    }
}

/// 2016-12-31T23:59:60 was a leap second: 1483228800 is also the step's first second, so the clock runs over the
/// border, back, and over it again.
#[test]
fn f29_a_clock_that_steps_back_over_the_border() {
    let key = key();
    let border_s = 1_483_228_800;
    assert_eq!(border_s % 30, 0);
    let step = border_s / 30;
    let code = key.derive_code(step).unwrap();
    for second in [border_s, border_s - 1, border_s] {
        assert_eq!(key.verify(&code, second * 1000, None), Ok(Verdict::Accepted { step }));
        assert_eq!(key.verify(&code, second * 1000, Some(step)), Ok(Verdict::Replayed));
    }
    // NTP sets the clock back by a whole step: the next code still goes through, the used one never does.
    let earlier_ms = (border_s - 30) * 1000;
    assert_eq!(key.verify(&code, earlier_ms, Some(step)), Ok(Verdict::Replayed));
    let next = key.derive_code(step + 1).unwrap();
    assert_eq!(key.verify(&next, border_s * 1000, Some(step)), Ok(Verdict::Accepted { step: step + 1 }));
}

/// A clock that is slightly off still has its codes checked; how far off is said where the secret is at hand.
#[test]
fn f30_how_far_a_clock_is_off() {
    let key = key();
    let step = NOW_S / 30;
    for offset in [-128, -100, -3, -1, 0, 1, 3, 127, 128_i64] {
        let code = key.derive_code(step.checked_add_signed(offset).unwrap()).unwrap();
        assert_eq!(key.verify_nearby(&code, NOW_S * 1000, u32::MAX), Ok(Some(offset)));
        let within = (offset.abs() <= 3).then_some(offset);
        assert_eq!(key.verify_nearby(&code, NOW_S * 1000, 3), Ok(within), "{offset}");
    }
    let far = key.derive_code(step + u64::from(MAX_NEARBY_STEPS) + 1).unwrap();
    assert_eq!(key.verify_nearby(&far, NOW_S * 1000, u32::MAX), Ok(None), "the limit holds");
    // Near 1970 there is nothing before step 0.
    assert_eq!(key.verify_nearby(&key.derive_code(2).unwrap(), 0, 10), Ok(Some(2)));
    assert_eq!(key.verify_nearby(&key.derive_code(200).unwrap(), 0, 10), Ok(None));
}

#[test]
fn b24_steps_go_forward_only() {
    let key = key();
    let step = NOW_S / 30;
    let now_ms = NOW_S * 1000;
    let codes: Vec<_> = (step - 1..=step + 1).map(|step| key.derive_code(step).unwrap()).collect();
    for last in step - 3..=step + 3 {
        for (code, of_step) in codes.iter().zip(step - 1..) {
            let expected = if of_step > last { Verdict::Accepted { step: of_step } } else { Verdict::Replayed };
            assert_eq!(key.verify(code, now_ms, Some(last)), Ok(expected), "{of_step} after {last}");
        }
    }
    // The portal logs a replay apart from a wrong code.
    let wrong = key.derive_code(step + 7).unwrap();
    assert_eq!(key.verify(&wrong, now_ms, Some(step)), Ok(Verdict::Wrong));
}

/// Two steps of one window may share a code (1 in 10⁶). Accepting it as the earlier one would let it in a second time.
#[test]
fn b24_a_code_of_two_steps_counts_once() {
    let key = key();
    let (first, second) = shared_code(&key);
    let code = key.derive_code(first).unwrap();
    assert_eq!(code, key.derive_code(second).unwrap());
    for now in second - 1..=first + 1 {
        assert_eq!(key.verify(&code, now * 30_000, None), Ok(Verdict::Accepted { step: second }));
        assert_eq!(key.verify(&code, now * 30_000, Some(first)), Ok(Verdict::Accepted { step: second }));
        assert_eq!(key.verify(&code, now * 30_000, Some(second)), Ok(Verdict::Replayed));
    }
}

/// The first two neighbouring steps, one or two apart, with the same code.
fn shared_code(key: &CodeKey) -> (u64, u64) {
    let mut before = [u32::MAX; 2];
    for step in 0..20_000_000_u64 {
        let code: u32 = key.derive_code(step).unwrap().to_text().expose().parse().unwrap();
        if let Some(distance) = [before[1], before[0]].iter().position(|&earlier| earlier == code) {
            return (step - 1 - distance as u64, step);
        }
        before = [before[1], code];
    }
    panic!("no two neighbours share a code");
}

/// A day with a change of daylight saving, a leap day, the turn of a year: steps follow UTC seconds and nothing else.
#[test]
fn b30_calendars_do_not_matter() {
    for algorithm in [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512] {
        let parameters = Parameters { algorithm, digits: Digits::Eight, period: Period::Seconds30 };
        let key = CodeKey::from_secret(&SecretBytes::new(vec![3; 32]), parameters).unwrap();
        for midnight_s in [1_774_746_000_u64, 1_709_164_800, 1_767_225_600] {
            for second in midnight_s - 90..midnight_s + 90 {
                let code = key.derive_code(second / 30).unwrap();
                assert_eq!(key.verify(&code, second * 1000, None), Ok(Verdict::Accepted { step: second / 30 }));
            }
        }
    }
}

fn typed(text: &str) -> twinlock_core::code::CodeInput {
    twinlock_core::code::CodeInput::parse(text, Digits::Six).unwrap()
}
