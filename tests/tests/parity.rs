//! Errors, steps and texts are the same in Rust, Kotlin and Swift; `docs/errors.md` is their table.
//!
//! What a language says is read out of its sources, so that a case that one of them lacks is found without building it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use twinlock_bindings::{EngineError, Step};
use twinlock_core::pin::PinFault;
use twinlock_core::{ErrorCode, step};

const KOTLIN: &str = "android/sdk/src/main/kotlin/dev/twinlock";
const KOTLIN_TEXTS: &str = "android/sdk/src/main/res";
const SWIFT: &str = "ios/Sources/Twinlock";
/// What the dialog for a biometric says: on Android the app hands that in (`BiometricTexts`).
const APPLES_OWN: &str = "twinlock_biometric_reason";

fn read(path: &str) -> String {
    let whole = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    std::fs::read_to_string(&whole).unwrap_or_else(|fault| panic!("{path}: {fault}"))
}

/// The word at the beginning of a text.
fn word(text: &str) -> String {
    text.trim_start_matches('`').chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// The words that follow one of `starts` at the beginning of a line between the line that begins with `from` and the
/// next one that is only a bracket in the same column.
fn declared(text: &str, from: &str, starts: &[&str]) -> BTreeSet<String> {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut lines = text.lines().skip_while(|line| !line.trim_start().starts_with(from));
    let column = indent(lines.next().unwrap_or_else(|| panic!("`{from}` is declared nowhere")));
    let inside = lines.take_while(|line| !(line.trim() == "}" && indent(line) == column));
    let found = inside.filter_map(|line| starts.iter().find_map(|start| line.trim_start().strip_prefix(start)));
    found.map(word).filter(|word| !word.is_empty()).collect()
}

fn upper_first(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_uppercase().collect::<String>() + letters.as_str()).unwrap_or_default()
}

fn upper(names: &BTreeSet<String>) -> BTreeSet<String> {
    names.iter().map(|name| upper_first(name)).collect()
}

fn kotlin(file: &str, from: &str) -> BTreeSet<String> {
    let text = read(&format!("{KOTLIN}/{file}.kt"));
    declared(&text, from, &["public data object ", "public data class ", "public class "])
}

/// The entries of an enum that has nothing but entries.
fn kotlin_entries(file: &str, from: &str) -> BTreeSet<String> {
    let text = read(&format!("{KOTLIN}/{file}.kt"));
    declared(&text, from, &[""]).into_iter().filter(|name| name.starts_with(char::is_uppercase)).collect()
}

fn swift(file: &str, from: &str) -> BTreeSet<String> {
    upper(&declared(&read(&format!("{SWIFT}/{file}.swift")), from, &["case "]))
}

/// code → (name, case), as the table has them.
fn table() -> BTreeMap<u16, (String, String)> {
    let text = read("docs/errors.md");
    let rows = text.lines().filter_map(|line| line.strip_prefix("| TL-"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        (cells[0].parse().unwrap(), (cells[1].to_owned(), cells[2].to_owned()))
    })
    .collect()
}

/// Every step of the core; a new one does not compile here.
fn steps() -> BTreeSet<String> {
    let pin = step::PinRequest { min_length: 6, max_length: 12, repeat: false };
    let all = [
        step::Step::SignIn,
        step::Step::SetUpTwoStep,
        step::Step::EnterCode,
        step::Step::AwaitApproval { comparison_code: None },
        step::Step::CreatePin(pin),
        step::Step::EnterPin { tries_left: 8 },
        step::Step::ChangePin(pin),
        step::Step::Wait { until_ms: 0 },
        step::Step::Ready,
        step::Step::Blocked { reason: step::BlockedReason::Revoked },
    ];
    all.into_iter()
        .map(|step| {
            match Step::from(step) {
                Step::SignIn => "SignIn",
                Step::SetUpTwoStep => "SetUpTwoStep",
                Step::EnterCode => "EnterCode",
                Step::AwaitApproval { .. } => "AwaitApproval",
                Step::CreatePin { .. } => "CreatePin",
                Step::EnterPin { .. } => "EnterPin",
                Step::ChangePin { .. } => "ChangePin",
                Step::Wait { .. } => "Wait",
                Step::Ready => "Ready",
                Step::Blocked { .. } => "Blocked",
            }
            .to_owned()
        })
        .collect()
}

/// key → text of an Android `strings.xml`.
fn kotlin_texts(folder: &str) -> BTreeMap<String, String> {
    let text = read(&format!("{KOTLIN_TEXTS}/{folder}/strings.xml"));
    let entries = text.split("<string name=\"").skip(1);
    entries
        .map(|entry| {
            let (key, rest) = entry.split_once('"').unwrap();
            let body = rest.split_once('>').unwrap().1.split("</string>").next().unwrap();
            let body = body.replace("\\'", "'").replace("\\\"", "\"").replace("&amp;", "&").replace("&lt;", "<");
            (key.to_owned(), body)
        })
        .collect()
}

/// key → text of an Apple `Localizable.strings`.
fn swift_texts(folder: &str) -> BTreeMap<String, String> {
    let text = read(&format!("{SWIFT}/Resources/{folder}/Localizable.strings"));
    let lines = text.lines().filter(|line| line.starts_with('"'));
    lines
        .map(|line| {
            let (key, value) = line.trim_end_matches(';').split_once("\" = \"").unwrap();
            (key.trim_start_matches('"').to_owned(), value.trim_end_matches('"').replace("\\\"", "\""))
        })
        .collect()
}

#[test]
fn the_table_names_the_case_of_every_code() {
    let table = table();
    for code in ErrorCode::ALL {
        let expected = (code.name().to_owned(), EngineError::of_code(*code).case().to_owned());
        assert_eq!(table.get(&code.number()), Some(&expected), "{code}");
    }
    assert_eq!(table.len(), ErrorCode::ALL.len());
}

#[test]
fn the_cases_of_errors_are_one_list() {
    let rust: BTreeSet<String> =
        ErrorCode::ALL.iter().map(|code| EngineError::of_code(*code).case().to_owned()).collect();
    assert_eq!(kotlin("TwinlockException", "public sealed class TwinlockException"), rust, "Kotlin");
    assert_eq!(swift("TwinlockError", "public enum TwinlockError"), rust, "Swift");
}

#[test]
fn swift_names_every_code_by_its_number() {
    let text = read(&format!("{SWIFT}/ErrorCode.swift"));
    let cases = text.lines().filter_map(|line| line.trim().strip_prefix("case "));
    let numbered: BTreeMap<u16, String> = cases
        .filter_map(|case| case.split_once(" = "))
        .map(|(name, number)| (number.trim().parse().unwrap(), upper_first(&word(name))))
        .collect();
    let rust: BTreeMap<u16, String> =
        ErrorCode::ALL.iter().map(|code| (code.number(), code.name().to_owned())).collect();
    assert_eq!(numbered, rust);
}

#[test]
fn the_steps_are_one_list() {
    assert_eq!(kotlin("Step", "public sealed interface Step"), steps(), "Kotlin");
    assert_eq!(swift("Step", "public enum Step"), steps(), "Swift");
    let reasons: BTreeSet<String> =
        ["Revoked", "Suspended", "UpdateApp", "KeyLost", "AuthenticatorDisabled"].map(str::to_owned).into();
    assert_eq!(kotlin_entries("Step", "public enum class BlockedReason"), reasons, "Kotlin");
    assert_eq!(swift("Step", "public enum BlockedReason"), reasons, "Swift");
}

#[test]
fn the_faults_of_a_pin_are_one_list() {
    let rust: BTreeSet<String> = PinFault::ALL.iter().map(|fault| fault.name().to_owned()).collect();
    assert_eq!(kotlin_entries("PinFault", "public enum class PinFault"), rust, "Kotlin");
    assert_eq!(swift("PinEntry", "public enum PinFault"), rust, "Swift");
}

#[test]
fn every_error_and_step_has_a_text_in_every_language_and_it_is_the_same_text() {
    let english = kotlin_texts("values");
    for code in ErrorCode::ALL {
        let key = format!("twinlock_error_{}", code.number());
        assert!(english.contains_key(&key), "{key} has no text");
    }
    let errors = english.keys().filter(|key| key.starts_with("twinlock_error_")).count();
    assert_eq!(errors, ErrorCode::ALL.len(), "a text speaks of an error that does not exist");
    // The keys that the two languages name are the keys that have texts.
    let kept =
        |start: &str| -> BTreeSet<String> { english.keys().filter(|key| key.starts_with(start)).cloned().collect() };
    for source in [read(&format!("{KOTLIN}/Step.kt")), read(&format!("{SWIFT}/Step.swift"))] {
        let named = source.split('"').filter(|text| text.starts_with("twinlock_step_"));
        assert_eq!(named.map(str::to_owned).collect::<BTreeSet<_>>(), kept("twinlock_step_"));
    }
    assert_eq!(kept("twinlock_pin_").len(), PinFault::ALL.len());
    let german = kotlin_texts("values-de");
    assert_eq!(english.keys().collect::<Vec<_>>(), german.keys().collect::<Vec<_>>());
    for (folder, android) in [("en.lproj", &english), ("de.lproj", &german)] {
        let mut apple = swift_texts(folder);
        assert!(apple.remove(APPLES_OWN).is_some(), "{folder}: {APPLES_OWN} has no text");
        assert_eq!(&apple, android, "{folder}");
    }
    for (key, text) in english.iter().chain(&german) {
        assert!(!text.trim().is_empty(), "{key} is empty");
    }
    let same = english.iter().filter(|(key, text)| german.get(*key) == Some(text)).count();
    assert_eq!(same, 0, "a text was not translated");
}

#[test]
fn a_difference_is_found() {
    let text = "public enum Step {\n    case ready\n    /// No case\n    case wait(until: Date)\n}\ncase other\n";
    assert_eq!(declared(text, "public enum Step", &["case "]), ["ready", "wait"].map(str::to_owned).into());
    let text = "public sealed interface Step {\n    public data object Ready : Step {\n    }\n}\npublic class X\n";
    let found = declared(text, "public sealed interface Step", &["public data object ", "public class "]);
    assert_eq!(found, ["Ready".to_owned()].into());
}
