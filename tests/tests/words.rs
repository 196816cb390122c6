//! The portal's texts: each is there in every language, with the same values, and none is left that nobody asks for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use fluent_syntax::ast::{Entry, Expression, InlineExpression, Pattern, PatternElement};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use twinlock_core::Error;

const LANGUAGES: [&str; 2] = ["en", "de"];

/// Texts that are asked for by a word that comes out of the domain: a kind, a state, an error's number.
const ASKED_FOR_BY_A_WORD: &[&str] = &[
    "audit-action-",
    "audit-fact-",
    "audit-kind-",
    "audit-value-",
    "error-",
    "hint-",
    "notice-",
    "policies-approval-",
    "policies-rule-",
];

type Texts = BTreeMap<String, (PathBuf, BTreeSet<String>)>;

fn server() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../server")
}

fn files_below(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path, ending));
        } else if path.extension().is_some_and(|is| is == ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn texts_of(language: &str) -> Texts {
    let mut texts = Texts::new();
    for path in files_below(&server().join("locales").join(language), "ftl") {
        let source = fs::read_to_string(&path).unwrap();
        let file = PathBuf::from(path.file_name().unwrap());
        let resource = fluent_syntax::parser::parse(source.as_str())
            .unwrap_or_else(|(_, faults)| panic!("{}: {faults:?}", path.display()));
        for entry in resource.body {
            match entry {
                Entry::Message(message) => {
                    let mut values = BTreeSet::new();
                    let pattern = message.value.unwrap_or_else(|| panic!("{} says nothing", message.id.name));
                    assert!(message.attributes.is_empty(), "{} has attributes, which nobody asks for", message.id.name);
                    values_of(&pattern, &mut values);
                    let former = texts.insert(message.id.name.to_owned(), (file.clone(), values));
                    assert!(former.is_none(), "{language}: {} is there twice", message.id.name);
                }
                Entry::Junk { content } => panic!("{}: not understood: {content}", path.display()),
                _ => {}
            }
        }
    }
    texts
}

fn values_of(pattern: &Pattern<&str>, values: &mut BTreeSet<String>) {
    for element in &pattern.elements {
        if let PatternElement::Placeable { expression } = element {
            of_expression(expression, values);
        }
    }
}

fn of_expression(expression: &Expression<&str>, values: &mut BTreeSet<String>) {
    match expression {
        Expression::Inline(inline) => of_inline(inline, values),
        Expression::Select { selector, variants } => {
            of_inline(selector, values);
            for variant in variants {
                values_of(&variant.value, values);
            }
        }
    }
}

fn of_inline(inline: &InlineExpression<&str>, values: &mut BTreeSet<String>) {
    match inline {
        InlineExpression::VariableReference { id } => {
            values.insert(id.name.to_owned());
        }
        InlineExpression::Placeable { expression } => of_expression(expression, values),
        _ => {}
    }
}

#[test]
fn every_text_is_there_in_every_language_with_the_same_values() {
    let [english, german] = LANGUAGES.map(texts_of);
    let keys = |texts: &Texts| texts.keys().cloned().collect::<BTreeSet<_>>();
    let missing: Vec<_> = keys(&english).symmetric_difference(&keys(&german)).cloned().collect();
    assert!(missing.is_empty(), "only in one language: {missing:?}");
    for (key, (file, values)) in &english {
        let (german_file, german_values) = &german[key];
        assert_eq!((file, values), (german_file, german_values), "{key}: another file or other values in German");
    }
}

#[test]
fn no_text_is_left_that_nobody_asks_for() {
    let sources: String = ["src", "templates"]
        .into_iter()
        .flat_map(|folder| ["rs", "html", "txt"].map(|ending| files_below(&server().join(folder), ending)))
        .flatten()
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    let unused: Vec<_> = texts_of("en")
        .into_keys()
        .filter(|key| !ASKED_FOR_BY_A_WORD.iter().any(|start| key.starts_with(start)))
        .filter(|key| !sources.contains(&format!("\"{key}\"")))
        .collect();
    assert!(unused.is_empty(), "nobody asks for {unused:?}");
}

#[test]
fn every_notice_is_given_by_an_act() {
    let sources: String =
        files_below(&server().join("src"), "rs").into_iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    for key in texts_of("en").into_keys().filter(|key| key.starts_with("notice-")) {
        let word = key.trim_start_matches("notice-");
        let is_given = [format!("done={word}"), format!("\"{word}\"")].iter().any(|end| sources.contains(end));
        assert!(is_given, "no act ends with the notice {word}");
    }
}

/// Asks for the texts that stand in the sources word for word.
#[test]
fn every_text_that_is_asked_for_is_there() {
    let texts = texts_of("en");
    let sources = ["src", "templates"].into_iter().flat_map(|folder| {
        ["rs", "html", "txt"].into_iter().flat_map(move |ending| files_below(&server().join(folder), ending))
    });
    for path in sources {
        let source = fs::read_to_string(&path).unwrap();
        for call in [".say(\"", ".with(\"", ".count(\"", ".explained(\""] {
            for rest in source.split(call).skip(1) {
                let key = rest.split('"').next().unwrap_or_default();
                // Facts of a mail have names of one word.
                let is_key = key.contains('-') || call != ".with(\"";
                assert!(!is_key || texts.contains_key(key), "{}: {key} is no text", path.display());
            }
        }
    }
}

/// What a page says in English is what programs read in the problem document.
#[test]
fn errors_say_in_english_what_the_problem_documents_say() {
    let errors = fs::read_to_string(server().join("locales/en/errors.ftl")).unwrap();
    for error in [
        Error::CodeMalformed,
        Error::CodeDisabled,
        Error::SetUpExpired,
        Error::ClockBehind,
        Error::RecoveryCodeRefused,
        Error::StepRequired,
        Error::FreshCodeRequired,
        Error::SessionEnded,
        Error::Forbidden,
        Error::PolicyConflict,
        Error::ReasonRequired,
        Error::Suspended,
        Error::RequiredByPolicy,
        Error::SecondAdminRequired,
        Error::Throttled { retry_after_ms: 1 },
        Error::BadRequest,
        Error::RequestTooLarge,
        Error::NotFound,
        Error::CrossSite,
        Error::PortalUnavailable,
        Error::DeviceRevoked,
        Error::EnrollmentClosed,
        Error::ComparisonRefused,
        Error::TooManyPending,
        Error::AlreadyDecided,
        Error::Internal,
    ] {
        let text = error.to_string();
        let (first, rest) = text.split_at(1);
        let line = format!("error-{} = {}{rest}.\n", error.code().number(), first.to_uppercase());
        assert!(errors.contains(&line), "no line {line}");
    }
}

#[test]
fn every_event_of_the_audit_log_is_said_in_words() {
    let texts = texts_of("en");
    let dashed = |word: &str| word.replace(['.', '_'], "-");
    let nouns: BTreeSet<_> = texts.keys().filter_map(|key| key.strip_prefix("audit-kind-")).collect();
    let mut said = 0;
    for path in files_below(&server().join("src"), "rs") {
        let source = fs::read_to_string(&path).unwrap();
        for word in
            source.split('"').filter(|word| word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b == b'.'))
        {
            let Some((noun, verb)) = word.split_once('.') else { continue };
            if !nouns.contains(dashed(noun).as_str()) || verb.is_empty() || verb == "html" {
                continue;
            }
            said += 1;
            assert!(texts.contains_key(&format!("audit-action-{}", dashed(word))), "{}: {word}", path.display());
        }
    }
    assert!(said > 60, "{said}");
}

/// Suspended is „gesperrt“, revoked „widerrufen“, and an authenticator that wrong codes disabled „deaktiviert“.
#[test]
fn german_has_one_word_for_each_act() {
    let mut found = Vec::new();
    for path in files_below(&server().join("locales/de"), "ftl") {
        for line in fs::read_to_string(&path).unwrap().lines() {
            let (is_of_account, is_of_factor) = (!line.contains("Gerät"), line.contains("Authenticator"));
            let is_mixed =
                ["aussetz", "ausgesetzt", "abgeschaltet", "Rechner", "Zustand"].iter().any(|word| line.contains(word))
                    || (line.contains("gesperrt") && (!is_of_account || is_of_factor));
            if is_mixed {
                found.push(line.to_owned());
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}
