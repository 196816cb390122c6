//! No secret of a whole walk stands in the portal's log, at its most talkative, in any notation.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what broke by panicking"
)]

use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use std::collections::BTreeSet;
use std::process::Command;

/// Kinds of secrets that every walk uses; a list without one of them would make the search blind.
const KINDS: [&str; 10] = [
    "password",
    "code",
    "pin",
    "secret",
    "otpauth",
    "totp key",
    "cookie",
    "session token",
    "comparison code",
    "recovery code",
];

/// Requests that the log has to hold: a log that says nothing hides nothing.
const REQUESTS: [&str; 13] = [
    "/sign-in",
    "/set-up/confirm",
    "/account/recovery-codes/saved",
    "/admin/policies",
    "/approve",
    "/revoke",
    "/v1/sessions",
    "/v1/two-step/set-up",
    "/v1/two-step/confirm",
    "/v1/pin/commit",
    "/v1/pin/evaluate",
    "/v1/pin/prove",
    "/v1/files",
];

/// Every notation in which a secret might be written.
fn notations(secret: &str) -> BTreeSet<String> {
    let dense: String = secret.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    let groups = |mark: &str| {
        let letters: Vec<char> = dense.chars().collect();
        letters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(mark)
    };
    let encoded = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
    let quoted = serde_json::to_string(secret).unwrap();
    BTreeSet::from([
        secret.to_owned(),
        groups(" "),
        groups("-"),
        encoded.replace("%20", "+"),
        encoded.to_lowercase(),
        encoded,
        quoted.trim_matches('"').to_owned(),
        secret.to_lowercase(),
        BASE64.encode(secret.as_bytes()),
        BASE64URL_NOPAD.encode(secret.as_bytes()),
        HEXLOWER.encode(secret.as_bytes()),
        dense.to_lowercase(),
        dense,
    ])
}

/// What a line says, without what is random or counts by itself: six digits of a clock may well look like a code.
fn told(line: &str) -> String {
    let Ok(Value::Object(mut fields)) = serde_json::from_str::<Value>(line) else { return line.to_owned() };
    fields.remove("timestamp");
    if let Some(Value::Object(inner)) = fields.get_mut("fields") {
        inner.remove("request_id");
    }
    Value::Object(fields).to_string()
}

fn holds(line: &str, wanted: &str) -> bool {
    // Digits count only as a word of their own: ids are full of digits.
    let is_number = wanted.bytes().all(|byte| byte.is_ascii_digit());
    line.match_indices(wanted).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + wanted.len()..].chars().next();
        !is_number || ![before, after].into_iter().flatten().any(char::is_alphanumeric)
    })
}

/// Lines of the log that hold a secret, each with the secret's kind; the secret itself is not repeated.
fn leaks(log: &str, secrets: &str) -> Vec<String> {
    let wanted: BTreeSet<(&str, String)> = secrets
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .flat_map(|(kind, secret)| notations(secret).into_iter().map(move |text| (kind, text)))
        .collect();
    let mut found = Vec::new();
    for (number, line) in log.lines().enumerate() {
        let line = told(line);
        for (kind, _) in wanted.iter().filter(|(_, text)| holds(&line, text)) {
            found.push(format!("line {} of the log holds a {kind}", number + 1));
        }
    }
    found
}

#[test]
fn no_secret_of_a_whole_walk_is_in_the_log() {
    let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    build.args(["build", "--quiet", "-p", "twinlock-portal", "--bin", "twinlock-portal"]);
    assert!(build.status().expect("cargo starts").success(), "the portal does not build");
    let folder = tempfile::tempdir().unwrap();
    let (log, secrets) = (folder.path().join("portal.log"), folder.path().join("secrets"));
    let mut demo = Command::new(env!("CARGO_BIN_EXE_twinlock-demo"));
    demo.arg("--once").arg("--log-file").arg(&log).arg("--secrets-file").arg(&secrets).env("TWINLOCK_LOG", "trace");
    let walked = demo.output().expect("the demo starts");
    assert!(walked.status.success(), "{}", String::from_utf8_lossy(&walked.stderr));
    let (log, secrets) = (std::fs::read_to_string(log).unwrap(), std::fs::read_to_string(secrets).unwrap());

    let kinds: BTreeSet<&str> =
        secrets.lines().filter_map(|line| line.split_once('\t')).map(|(kind, _)| kind).collect();
    for kind in KINDS {
        assert!(kinds.contains(kind), "the walk noted no {kind}; this test would be blind for it");
    }
    for request in REQUESTS {
        assert!(log.lines().any(|line| line.contains(request) && line.contains("answered")), "no line about {request}");
    }
    assert!(log.contains("\"level\":\"TRACE\""), "the log is not at its most talkative");
    assert_eq!(leaks(&log, &secrets), Vec::<String>::new());
}

#[test]
fn a_planted_secret_is_found_in_every_notation() {
    let secrets = "password\tumbrella pine & cold tea\ncode\t123789\ntotp key\tJBSWY3DPEHPK3PXP\ncomparison code\t1234 5678\n\
        recovery code\tK7-01AB-CDEF-GHJK-MNPQ\n";
    let clean =
        r#"{"timestamp":"2026-11-24T06:30:21.123789Z","fields":{"request_id":"01a123789b","path":"/a/01a123789b"}}"#;
    assert_eq!(leaks(clean, secrets), Vec::<String>::new());
    for planted in [
        "umbrella pine & cold tea",
        "name=x&password=umbrella%20pine%20%26%20cold%20tea",
        "name=x&password=umbrella+pine+%26+cold+tea",
        "code=123789",
        "JBSW Y3DP EHPK 3PXP",
        "otpauth://totp/x?secret=JBSWY3DPEHPK3PXP&issuer=y",
        "jbswy3dpehpk3pxp",
        "12345678",
        "K7-01AB-CDEF-GHJK-MNPQ",
        "k701abcdefghjkmnpq",
        "dW1icmVsbGEgcGluZSAmIGNvbGQgdGVh",
    ] {
        let line = serde_json::json!({ "fields": { "message": planted } }).to_string();
        let log = format!("{clean}\n{line}\n");
        assert!(!leaks(&log, secrets).is_empty(), "not found: {planted}");
        assert!(!leaks(planted, secrets).is_empty(), "not found in a bare line: {planted}");
    }
}
