//! One-time codes against the RFCs' own numbers, and against a second implementation.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use data_encoding::{BASE32_NOPAD, HEXLOWER};
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::Value;
use std::process::Command;
use twinlock_core::code::{Algorithm, CodeInput, CodeKey, Digits, Parameters, Period, Verdict};
use twinlock_core::secret::SecretBytes;

const VECTORS: &str = include_str!("../../tests/vectors/codes.json");

fn key(secret: &[u8], algorithm: Algorithm, digits: Digits, period: Period) -> CodeKey {
    CodeKey::from_secret(&SecretBytes::new(secret.to_vec()), Parameters { algorithm, digits, period }).unwrap()
}

fn each_vector(source: &str, mut check: impl FnMut(&Value, &CodeKey)) -> usize {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let cases = vectors["cases"].as_array().unwrap().iter().filter(|case| case["source"] == source);
    cases
        .map(|case| {
            let secret = HEXLOWER.decode(case["secret_hex"].as_str().unwrap().as_bytes()).unwrap();
            assert_eq!(BASE32_NOPAD.encode(&secret), case["secret_base32"].as_str().unwrap());
            let digits = Digits::from_count(case["digits"].as_u64().unwrap() as u8).unwrap();
            let period = Period::from_seconds(case["period_s"].as_u64().unwrap()).unwrap();
            let algorithm = Algorithm::from_name(case["algorithm"].as_str().unwrap()).unwrap();
            check(case, &key(&secret, algorithm, digits, period));
        })
        .count()
}

fn check_case(case: &Value, key: &CodeKey) {
    let time_ms = case["time_s"].as_u64().unwrap() * 1000;
    let step = case["step"].as_u64().unwrap();
    let code = case["code"].as_str().unwrap();
    assert_eq!(key.step_at(time_ms), Ok(step), "{case}");
    assert_eq!(key.derive_code(step).unwrap().to_text().expose(), code, "{case}");
    let input = CodeInput::parse(code, key.parameters().digits).unwrap();
    assert_eq!(key.verify(&input, time_ms, None), Ok(Verdict::Accepted { step }), "{case}");
}

#[test]
fn rfc_4226_appendix_d() {
    assert_eq!(each_vector("RFC 4226 App. D", check_case), 10);
}

#[test]
fn rfc_6238_appendix_b() {
    assert_eq!(each_vector("RFC 6238 App. B", check_case), 3 * 6);
}

/// A missing oathtool fails this test, it does not skip it: `apt-get install oathtool`.
#[test]
fn agrees_with_oathtool() {
    let random = SystemRandom::new();
    for (algorithm, name) in [(Algorithm::Sha1, "sha1"), (Algorithm::Sha256, "sha256"), (Algorithm::Sha512, "sha512")] {
        for round in 0..24_usize {
            let mut bytes = [0; 72];
            random.fill(&mut bytes).unwrap();
            let (seed, secret) = bytes.split_at(8);
            // oathtool takes times of 32 bits and more; keep to the years up to 2242.
            let time_s = u64::from_be_bytes(seed.try_into().unwrap()) % (1 << 33);
            let secret = &secret[..[16, 20, 32, 64][round % 4]];
            let digits = [Digits::Six, Digits::Eight][round / 4 % 2];
            let period = [Period::Seconds30, Period::Seconds60][round / 8 % 2];
            let output = Command::new("oathtool")
                .arg(format!("--totp={name}"))
                .arg(format!("--digits={}", digits.count()))
                .arg(format!("--time-step-size={}s", period.seconds()))
                .arg(format!("--now=@{time_s}"))
                .arg(HEXLOWER.encode(secret))
                .output()
                .expect("oathtool is needed for this test");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let theirs = String::from_utf8(output.stdout).unwrap();
            let key = key(secret, algorithm, digits, period);
            let ours = key.derive_code(key.step_at(time_s * 1000).unwrap()).unwrap();
            let case = format!("{name} {digits:?} {period:?} at {time_s} with {}", HEXLOWER.encode(secret));
            assert_eq!(ours.to_text().expose(), theirs.trim(), "{case}");
        }
    }
}
