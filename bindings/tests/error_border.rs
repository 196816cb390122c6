//! What core says becomes one of twelve cases, is logged once, and carries nothing that was typed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod broken_ports;

use broken_ports::{Broken, config};
use log::{LevelFilter, Log, Metadata, Record};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, OnceLock};
use twinlock_bindings::{Engine, EngineError, HostError, OneTimeCode, Password, PinEntry};
use twinlock_core::{Error, ErrorCode};

/// The lines of this thread only: tests run beside each other.
struct Lines;

static LINES: OnceLock<Mutex<Vec<(std::thread::ThreadId, String)>>> = OnceLock::new();

impl Log for Lines {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let line = (std::thread::current().id(), format!("{} {}", record.target(), record.args()));
        LINES.get_or_init(Mutex::default).lock().unwrap().push(line);
    }

    fn flush(&self) {}
}

fn logged(act: impl FnOnce()) -> Vec<String> {
    let _ = log::set_logger(&Lines);
    log::set_max_level(LevelFilter::Trace);
    let mine = std::thread::current().id();
    let lines = || LINES.get_or_init(Mutex::default).lock().unwrap().clone();
    let before = lines().iter().filter(|(thread, _)| *thread == mine).count();
    act();
    lines().into_iter().filter(|(thread, _)| *thread == mine).skip(before).map(|(_, line)| line).collect()
}

#[test]
fn there_are_at_most_twelve_cases_and_each_code_is_sorted_into_one() {
    let cases: BTreeSet<_> = ErrorCode::ALL.iter().map(|code| EngineError::of_code(*code).case()).collect();
    assert!(cases.len() <= 12, "{cases:?}");
    for code in ErrorCode::ALL {
        let error = EngineError::of_code(*code);
        assert_eq!(error.code(), code.number());
        assert_eq!(error.case() == "Internal", *code == ErrorCode::Internal, "{code} is not sorted into a case");
    }
}

#[test]
fn an_error_crosses_the_border_with_its_numbers_and_one_log_line() {
    let lines = logged(|| {
        let error = EngineError::from(Error::WrongPin { tries_left: 7, retry_after_ms: 30_000 });
        assert_eq!(error, EngineError::WrongPin { code: 1003, tries_left: 7, retry_after_ms: 30_000 });
    });
    assert_eq!(lines, ["twinlock TL-1003 wrong PIN, 7 tries left"]);
}

#[test]
fn what_was_typed_is_in_no_error_and_no_log_line() {
    let secret = b"otpauth://totp/a?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PX1";
    let lines = logged(|| {
        let refused = OneTimeCode::parse_uri(secret, None).err().unwrap();
        assert_eq!(refused, EngineError::EntryRefused { code: 2005 });
        assert!(!format!("{refused} {refused:?}").contains("JBSW"));
    });
    assert_eq!(lines.len(), 1);
    assert!(!lines[0].contains("JBSW"), "{lines:?}");
}

#[test]
fn f75_a_password_that_is_no_text_is_refused_and_an_empty_one_is_a_password() {
    assert_eq!(Password::new(&[0xff, 0xfe]).err(), Some(EngineError::EntryRefused { code: 3004 }));
    assert!(Password::new(&[]).is_ok());
}

#[test]
fn f75_two_threads_on_one_pin_entry_lose_no_digit_and_add_none() {
    for _ in 0..200 {
        let entry = Arc::new(PinEntry::new().unwrap());
        let typing: Vec<_> = (0..4_u8)
            .map(|digit| {
                let entry = Arc::clone(&entry);
                std::thread::spawn(move || (0..4).filter(|_| entry.push_digit(digit).is_ok()).count())
            })
            .collect();
        let pushed: usize = typing.into_iter().map(|thread| thread.join().unwrap()).sum();
        assert_eq!((pushed, entry.count().unwrap()), (12, 12));
        entry.clear().unwrap();
        assert_eq!(entry.count(), Ok(0));
    }
}

#[test]
fn a_digit_is_a_number_from_0_to_9() {
    let entry = PinEntry::new().unwrap();
    for digit in 10..=u8::MAX {
        assert_eq!(entry.push_digit(digit).map_err(|error| error.code()), Err(1001), "{digit}");
    }
    assert_eq!(entry.count(), Ok(0));
}

#[test]
fn an_engine_without_a_trusted_root_or_with_another_scheme_is_not_made() {
    let make = |url: &str| {
        let broken = || Arc::new(Broken(HostError::Host));
        Engine::new(config(url), broken(), broken(), broken()).err()
    };
    assert_eq!(make("https://portal.example"), Some(EngineError::NotTrusted { code: 4002 }));
    for url in ["http://portal.example", "portal.example", "https://a:b@portal.example", "https://portal.example/x", ""]
    {
        assert_eq!(make(url), Some(EngineError::Misuse { code: 4007 }), "{url}");
    }
}
