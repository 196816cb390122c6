//! A code check in memory: core's, with its stricter rules, and the library it stands on.

use crate::Result;
use crate::report::{Budget, Report, median};
use std::hint::black_box;
use std::time::Instant;
use twinlock_core::code::{CodeInput, CodeKey, Digits, Parameters, Verdict};
use twinlock_core::secret::SecretBytes;

const ROUNDS: usize = 61;
const CHECKS: u32 = 5_000;
const SECTION: &str = "Code check, window ±1";
const NOW_MS: u64 = 1_800_000_000_000;

/// Checks codes in turns; half of them right.
pub fn measure(report: &mut Report) -> Result<()> {
    let secret = b"12345678901234567890";
    let ours = CodeKey::from_secret(&SecretBytes::new(secret.to_vec()), Parameters::default())?;
    let theirs = totp_rs::Builder::new()
        .with_algorithm(totp_rs::Algorithm::SHA1)
        .with_digits(6)
        .with_step_duration(30)
        .with_skew(1)
        .with_secret(totp_rs::Secret::new(secret.to_vec().into()))
        .build()
        .map_err(|fault| format!("totp-rs: {fault:?}"))?;
    let step = ours.step_at(NOW_MS)?;
    // The last step of the window and none of it: the library, which stops at a match, gains nothing.
    let right = ours.derive_code(step + 1)?.to_text();
    let wrong = ours.derive_code(step + 40)?.to_text();
    let texts = [right.expose(), wrong.expose()];
    let [mut with_parse, mut parsed, mut library] = [Vec::new(), Vec::new(), Vec::new()];
    let inputs = [CodeInput::parse(right.expose(), Digits::Six)?, CodeInput::parse(wrong.expose(), Digits::Six)?];
    for _ in 0..ROUNDS {
        with_parse.push(time(|index| {
            let input = CodeInput::parse(pick::<&str>(&texts, index), Digits::Six);
            let verdict = input.and_then(|input| ours.verify(&input, black_box(NOW_MS), Some(5)));
            matches!(verdict, Ok(Verdict::Accepted { .. }))
        })?);
        library.push(time(|index| {
            theirs.check(black_box(pick::<&str>(&texts, index)), black_box(NOW_MS / 1000)).is_some()
        })?);
        parsed.push(time(|index| {
            let verdict = ours.verify(black_box(pick(&inputs, index)), black_box(NOW_MS), Some(5));
            matches!(verdict, Ok(Verdict::Accepted { .. }))
        })?);
    }
    let [with_parse, parsed, library] = [median(with_parse), median(parsed), median(library)];
    let ratio = with_parse / library;
    report.line(SECTION, "core: text to verdict", with_parse, "µs", Budget::at_most(with_parse, 0.5, "≤ 0.5 µs"));
    report.line(SECTION, "core: `CodeKey::verify` alone", parsed, "µs", None);
    report.line(SECTION, "totp-rs 6 `check`, which core stands on", library, "µs", None);
    report.line(SECTION, "core ÷ totp-rs", ratio, "×", Budget::at_most(ratio, 1.0, "≤ 1.0 ×"));
    report.note(
        "Code check: liboath is not measured here; a call through Python's ctypes costs more than the check itself.",
    );
    Ok(())
}

fn pick<T>(both: &[T; 2], index: u32) -> &T {
    let [right, wrong] = both;
    if index.is_multiple_of(2) { right } else { wrong }
}

/// Microseconds for one check; an error if not exactly half were accepted.
fn time(check: impl Fn(u32) -> bool) -> Result<f64> {
    let started = Instant::now();
    let accepted = (0..CHECKS).filter(|index| black_box(check(*index))).count();
    let took = started.elapsed();
    if accepted * 2 != usize::try_from(CHECKS)? {
        return Err(format!("{accepted} of {CHECKS} codes were accepted, not half").into());
    }
    Ok(took.as_secs_f64() * 1e6 / f64::from(CHECKS))
}
