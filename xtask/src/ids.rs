//! Every fault and every behaviour that is due has a test named for it.
//!
//! `docs/faults.md` and `docs/behaviours.md` number what must hold. A test that covers number 31 of the faults is
//! called `f31_…`, one that covers number 23 of the behaviours `b23_…`. An entry whose text ends in `(later)` waits for
//! its test; every other one must have one.

use crate::run::Stop;
use crate::workspace::Workspace;
use std::collections::{BTreeMap, BTreeSet};

const LATER: &str = "(later)";
const LANGUAGES: [(&str, &str); 3] = [(".rs", "fn "), (".kt", "fun "), (".swift", "func ")];

/// One of the two numbered lists.
struct List {
    path: &'static str,
    letter: char,
}

const LISTS: [List; 2] =
    [List { path: "docs/faults.md", letter: 'f' }, List { path: "docs/behaviours.md", letter: 'b' }];

/// Compares the lists with the tests; fails if an entry that is due has no test, or a test names no entry.
pub(crate) fn check(workspace: &Workspace) -> Result<(), Stop> {
    let mut tests = BTreeSet::new();
    // The task runner's own tests quote tests in order to find them; they cover nothing.
    for path in workspace.files()?.into_iter().filter(|path| !path.starts_with("xtask/")) {
        let Some((_, keyword)) = LANGUAGES.iter().find(|(ending, _)| path.ends_with(ending)) else { continue };
        if let Some(text) = workspace.text(&path)? {
            tests.extend(tests_in(&text, keyword).into_iter().map(|test| Test { path: path.clone(), ..test }));
        }
    }
    let mut problems = Vec::new();
    for list in &LISTS {
        let text = workspace.text(list.path)?.ok_or_else(|| Stop::because(format!("{} is not text.", list.path)))?;
        let findings = compare(list, &entries(&text), &tests);
        findings.hints.iter().for_each(|hint| println!("hint: {hint}"));
        println!("{}: {}", list.path, findings.summary);
        problems.extend(findings.problems);
    }
    if problems.is_empty() { Ok(()) } else { Err(Stop::repeat(problems.join("\n"), "cargo xtask lint")) }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Test {
    letter: char,
    number: u32,
    name: String,
    path: String,
}

#[derive(Default)]
struct Findings {
    problems: Vec<String>,
    hints: Vec<String>,
    summary: String,
}

fn compare(list: &List, entries: &BTreeMap<u32, bool>, tests: &BTreeSet<Test>) -> Findings {
    let List { path, letter } = list;
    let mut findings = Findings::default();
    let ours: Vec<&Test> = tests.iter().filter(|test| test.letter == *letter).collect();
    let tested: BTreeSet<u32> = ours.iter().map(|test| test.number).collect();
    for test in ours.iter().filter(|test| !entries.contains_key(&test.number)) {
        findings.problems.push(format!("{}: `{}` names no entry of {path}", test.path, test.name));
    }
    for (number, later) in entries {
        match (later, tested.contains(number)) {
            (false, false) => findings.problems.push(format!("{path}: {number} has no test `{letter}{number}_…`")),
            (true, true) => findings.hints.push(format!("{path}: {number} has a test; take `{LATER}` away")),
            _ => {}
        }
    }
    let later = entries.values().filter(|later| **later).count();
    let covered = entries.keys().filter(|number| tested.contains(number)).count();
    findings.summary = format!("{} entries, {covered} with a test, {later} due later", entries.len());
    findings
}

/// The numbered entries of a list, and whether each is due later. An entry may run over several lines.
fn entries(text: &str) -> BTreeMap<u32, bool> {
    let mut entries = BTreeMap::new();
    let mut current = None;
    for line in text.lines().map(str::trim) {
        current = match number_of(line) {
            Some(number) => Some(number),
            None if line.is_empty() || line.starts_with('#') => None,
            None => current,
        };
        if let Some(number) = current {
            entries.insert(number, line.ends_with(LATER));
        }
    }
    entries
}

/// The number of a line like `31. Same correct code …`.
fn number_of(line: &str) -> Option<u32> {
    let (number, text) = line.split_once('.')?;
    if text.starts_with(' ') { number.parse().ok() } else { None }
}

/// The tests of one file that name an entry. In Rust only what carries a test attribute counts, and nothing that is
/// ignored: a test that does not run covers nothing.
fn tests_in(text: &str, keyword: &str) -> Vec<Test> {
    let mut found = Vec::new();
    let mut attributes = String::new();
    for line in text.lines().map(str::trim) {
        if let Some((before, test)) = named_for_an_entry(line, keyword) {
            attributes += before;
            if runs(&attributes, keyword) {
                found.push(test);
            }
            attributes.clear();
        } else if line.starts_with("#[") || line.starts_with('@') {
            attributes += line;
        } else if !line.is_empty() && !line.starts_with("//") && !is_open(&attributes) {
            attributes.clear();
        }
    }
    found
}

/// True within an attribute that runs over several lines.
fn is_open(attributes: &str) -> bool {
    attributes.matches(['[', '(']).count() > attributes.matches([']', ')']).count()
}

fn runs(attributes: &str, keyword: &str) -> bool {
    let compact: String = attributes.split_whitespace().collect();
    if keyword == "fn " {
        let is_test = ["#[test]", "::test]", "::test("].iter().any(|mark| compact.contains(mark));
        return is_test && !compact.contains("#[ignore");
    }
    // Kotlin and Swift: JUnit's @Test and Swift Testing's @Test; XCTest methods have no attribute.
    !compact.contains("@Ignore") && !compact.contains("@Disabled") && !compact.contains(".disabled(")
}

/// The test in a line like `async fn f31_one_winner() {`, also behind `test_` or a back quote, and what stands before it.
fn named_for_an_entry<'a>(line: &'a str, keyword: &str) -> Option<(&'a str, Test)> {
    let (before, rest) = line.split_once(keyword)?;
    if before.ends_with(|c: char| c.is_alphanumeric() || c == '_') || line.starts_with("//") {
        return None;
    }
    let rest = rest.trim_start_matches('`');
    let rest = rest.strip_prefix("test_").unwrap_or(rest);
    let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    let letter = name.chars().next().filter(|c| LISTS.iter().any(|list| list.letter == *c))?;
    let number = name.strip_prefix(letter)?.split('_').next()?.parse().ok()?;
    Some((before, Test { letter, number, name, path: String::new() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAULTS: List = List { path: "docs/faults.md", letter: 'f' };

    fn names(text: &str, keyword: &str) -> Vec<String> {
        tests_in(text, keyword).into_iter().map(|test| test.name).collect()
    }

    #[test]
    fn reads_entries_and_their_markers() {
        let text = "# Faults\n\nTen cases: 3. is not at the start.\n\n**Codes**\n1. One.\n2. Two. (later)\n3. Three\n   \
                    runs on (later)\n4. Later, (later) but not at the end\n\n12. ★Last.\n2.5 is no entry\n";
        let expected = BTreeMap::from([(1, false), (2, true), (3, true), (4, false), (12, false)]);
        assert_eq!(entries(text), expected);
    }

    #[test]
    fn finds_rust_tests_and_nothing_that_only_looks_like_one() {
        let text = "
            #[test]
            fn f31_one_winner() {}
            #[tokio::test(
                flavor = \"multi_thread\"
            )]
            /// Says why.
            async fn b23_spaces() {}
            proptest! {
                #[test]
                fn f18_round_trip(uri in any()) {}
            }
            #[test] fn f40_on_one_line() {}
            fn f1_helper() {}
            #[test]
            #[ignore = \"slow\"]
            fn f2_ignored() {}
            #[cfg(test)]
            fn f3_no_test() {}
            // fn f4_comment() {}
            #[test]
            fn finds_things() {}
            #[test]
            fn f_5() {}
        ";
        assert_eq!(names(text, "fn "), ["f31_one_winner", "b23_spaces", "f18_round_trip", "f40_on_one_line"]);
    }

    #[test]
    fn finds_kotlin_and_swift_tests() {
        let kotlin = "@Test\nfun `f44_foreign blob`() {}\n@Test fun b35_rules() {}\n@Disabled\nfun f45_off() {}";
        assert_eq!(names(kotlin, "fun "), ["f44_foreign", "b35_rules"]);
        assert_eq!(names("func test_f54_restored() {}\n@Test func b39_clone() async {}", "func ").len(), 2);
    }

    #[test]
    fn reports_missing_unknown_and_early_tests() {
        let tests = BTreeSet::from_iter(tests_in(
            "#[test]\nfn f1_a() {}\n#[test]\nfn f3_c() {}\n#[test]\nfn f9_z() {}\n#[test]\nfn b2_other_list() {}",
            "fn ",
        ));
        let findings = compare(&FAULTS, &entries("1. A\n2. B\n3. C (later)\n4. D (later)"), &tests);
        assert_eq!(findings.problems.len(), 2, "{:?}", findings.problems);
        assert!(findings.problems[0].contains("`f9_z` names no entry"));
        assert!(findings.problems[1].contains("2 has no test `f2_…`"));
        assert_eq!(findings.hints, ["docs/faults.md: 3 has a test; take `(later)` away"]);
        assert_eq!(findings.summary, "4 entries, 2 with a test, 2 due later");
    }
}
