//! What every hostile request has to meet.

use super::MARK;
use super::support::*;
use twinlock_core::ErrorCode;

/// A refusal: a problem document of the catalogue that says nothing of the input and of the organisation.
#[track_caller]
pub fn assert_refused(case: &str, answer: &Answer) {
    let status = answer.status.as_u16();
    assert!((400..500).contains(&status), "{case}: {status} {}", answer.text());
    assert_tells_nothing(case, answer);
    assert_eq!(answer.header("content-type"), "application/problem+json", "{case}: {}", answer.text());
    let problem = answer.value();
    assert_eq!(problem["status"], status, "{case}");
    assert!(ErrorCode::ALL.iter().any(|code| code.to_string() == answer.code()), "{case}: {}", answer.text());
    let request_id = problem["request_id"].as_str().unwrap_or_default();
    assert!(request_id.len() == 32 && request_id == answer.header("x-request-id"), "{case}: {}", answer.text());
}

/// The same for a page: a refusal of its own, a form with what was wrong, or the way to another page of the portal.
#[track_caller]
pub fn assert_page_refused(case: &str, answer: &Answer) {
    let status = answer.status.as_u16();
    assert_tells_nothing(case, answer);
    if status == 303 {
        let target = answer.header("location");
        assert!(target.starts_with('/') && !target.starts_with("//"), "{case}: {target}");
        return;
    }
    assert!((400..500).contains(&status), "{case}: {status}");
    assert!(answer.header("content-type").starts_with("text/html"), "{case}: {}", answer.header("content-type"));
    let text = answer.text();
    let is_refusal = ErrorCode::ALL.iter().any(|code| text.contains(&format!("Code {code} ")))
        && text.contains(answer.header("x-request-id"));
    assert!(is_refusal || text.contains("class=\"fault\""), "{case}: {text}");
}

/// The portal may ignore what is hostile here, and answer; it never breaks over it.
#[track_caller]
pub fn assert_unharmed(case: &str, answer: &Answer) {
    assert!(answer.status.as_u16() < 500, "{case}: {} {}", answer.status, answer.text());
    assert_marks_nowhere(case, answer);
    if answer.status.as_u16() >= 400 {
        assert_refused(case, answer);
    }
}

#[track_caller]
fn assert_marks_nowhere(case: &str, answer: &Answer) {
    let text = answer.text();
    assert!(!text.contains(MARK), "{case}: the answer repeats what was sent: {text}");
    let headers = answer.headers.iter().map(|(_, value)| String::from_utf8_lossy(value.as_bytes()).into_owned());
    assert!(headers.into_iter().all(|value| !value.contains(MARK)), "{case}: a header repeats what was sent");
}

#[track_caller]
fn assert_tells_nothing(case: &str, answer: &Answer) {
    assert_marks_nowhere(case, answer);
    let text = answer.text();
    for secret in [PASSWORD, FILE_CONTENT, "otpauth", "panicked", "sqlite", "SQLSTATE", "SELECT", ".rs:", "serde"] {
        assert!(!text.contains(secret), "{case}: {text}");
    }
}

/// Everything in the database but the nonces, which are spent by refused requests too.
pub fn everything(world: &World) -> Vec<String> {
    world.database.dump_all_but(&["used_nonce"]).unwrap()
}

#[track_caller]
pub fn assert_same(case: &str, before: &[String], after: &[String]) {
    let changed: Vec<_> = after.iter().filter(|line| !before.contains(line)).collect();
    assert!(before == after, "{case} changed the database: {changed:#?}");
}
