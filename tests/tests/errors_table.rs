//! `docs/errors.md` and `twinlock_core::ErrorCode` are one table.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::collections::BTreeSet;
use std::path::Path;
use twinlock_core::ErrorCode;

/// A row of the table: its cells, trimmed.
type Row = Vec<String>;

const COLUMNS: usize = 6;
const TRY_AGAIN: [&str; 4] = ["at once", "after waiting", "after a change", "no"];

/// Every line of a table that is neither its head nor the line below it.
fn rows(text: &str) -> Vec<Row> {
    let lines = text.lines().filter(|line| line.starts_with('|') && !line.starts_with("|---"));
    let cells = lines.map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect());
    cells.filter(|row: &Row| row[0] != "code").collect()
}

fn faults(rows: &[Row]) -> Vec<String> {
    let mut faults = Vec::new();
    let documented: BTreeSet<_> =
        rows.iter().map(|row| (row[0].clone(), row.get(1).cloned().unwrap_or_default())).collect();
    let real: BTreeSet<_> = ErrorCode::ALL.iter().map(|code| (code.to_string(), code.name().to_owned())).collect();
    faults.extend(real.difference(&documented).map(|(code, name)| format!("{code} {name} is not in docs/errors.md")));
    faults.extend(documented.difference(&real).map(|(code, name)| format!("{code} {name} is not an ErrorCode")));
    if documented.len() != rows.len() {
        faults.push("a code stands twice in docs/errors.md".to_owned());
    }
    for row in rows {
        if row.len() != COLUMNS || row.iter().any(String::is_empty) {
            faults.push(format!("{}: a cell is empty, missing or too many", row[0]));
        }
        if !row.last().is_some_and(|last| TRY_AGAIN.contains(&last.as_str())) {
            faults.push(format!("{}: `{}` is not one of {TRY_AGAIN:?}", row[0], row.last().unwrap()));
        }
    }
    faults
}

fn table() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/errors.md");
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn the_table_has_exactly_the_codes_and_names_of_the_program() {
    let faults = faults(&rows(&table()));
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn each_code_stands_under_the_heading_of_its_thousand() {
    let mut heading = String::new();
    for line in table().lines() {
        if let Some(title) = line.strip_prefix("## ") {
            heading = title.chars().take(1).collect();
        } else if let Some(rest) = line.strip_prefix("| TL-") {
            assert!(rest.starts_with(&heading), "{line}\nstands under the heading {heading}xxx");
        }
    }
}

#[test]
fn a_difference_is_found() {
    let good = table();
    let line = "| TL-2002 | CodeRefused |";
    assert!(good.contains(line));
    for (bad, count) in [
        // Missing and unknown at the same time.
        (good.replacen(line, "| TL-2002 | CodeDenied |", 1), 2),
        (good.replacen("TL-2002", "TL-2099", 1), 2),
        (good.replacen("| PinRefused |", "| |", 1), 3),
        (good.replacen("Too many requests came from this network.", "", 1), 1),
        (good.replacen("after a change |", "perhaps |", 1), 1),
        (format!("{good}| TL-9003 | Closed | Misuse | Again. | Nobody. | no |\n"), 1),
    ] {
        assert_eq!(faults(&rows(&bad)).len(), count, "{:?}", faults(&rows(&bad)));
    }
}
