//! What was measured, as a table for people and as JSON for programs.

use crate::Result;
use crate::machine::Machine;
use serde_json::{Value, json};
use std::fmt::Write;

/// One line.
struct Line {
    section: &'static str,
    what: String,
    value: f64,
    unit: &'static str,
    budget: Option<Budget>,
}

/// What the line has to meet, and whether it does.
pub struct Budget {
    says: String,
    is_met: bool,
}

impl Budget {
    /// At most `limit`, which `says` explains.
    pub fn at_most(value: f64, limit: f64, says: impl Into<String>) -> Option<Self> {
        Some(Self { says: says.into(), is_met: value <= limit })
    }

    /// At least `limit`.
    pub fn at_least(value: f64, limit: f64, says: impl Into<String>) -> Option<Self> {
        Some(Self { says: says.into(), is_met: value >= limit })
    }
}

/// Everything of one run.
pub struct Report {
    machine: Machine,
    lines: Vec<Line>,
    notes: Vec<String>,
}

impl Report {
    /// Nothing measured yet.
    pub fn new(machine: Machine) -> Self {
        Self { machine, lines: Vec::new(), notes: Vec::new() }
    }

    /// Adds a line.
    pub fn line(
        &mut self,
        section: &'static str,
        what: impl Into<String>,
        value: f64,
        unit: &'static str,
        budget: Option<Budget>,
    ) {
        self.lines.push(Line { section, what: what.into(), value, unit, budget });
    }

    /// Adds something a reader has to know.
    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// For people.
    pub fn markdown(&self) -> String {
        let mut text =
            String::from("# Benchmarks\n\nReproduce: `cargo xtask bench` (needs python3, libsodium and libargon2");
        text.push_str(
            "; Debian: `libsodium23 libargon2-1`).\nContestants run in turns within one run; every figure is a median ",
        );
        text.push_str("unless it says otherwise.\n\n");
        let machine = &self.machine;
        // Writing to a String never fails.
        let _ = writeln!(text, "- machine: {}, {} cores, {}", machine.processor, machine.cores, machine.system);
        let _ = writeln!(text, "- build: {}", machine.build);
        let _ = writeln!(text, "- 4 KiB appended and `fdatasync`: {} ms", shown(machine.fdatasync_ms));
        let _ = writeln!(text, "- load average before the run: {}", machine.load);
        let mut section = "";
        for line in &self.lines {
            if line.section != section {
                section = line.section;
                let _ = write!(text, "\n## {section}\n| what | measured | budget | |\n|---|---|---|---|\n");
            }
            let (budget, verdict) = match &line.budget {
                Some(budget) => (budget.says.as_str(), if budget.is_met { "met" } else { "**missed**" }),
                None => ("", ""),
            };
            let _ = writeln!(text, "| {} | {} {} | {budget} | {verdict} |", line.what, shown(line.value), line.unit);
        }
        if !self.notes.is_empty() {
            text.push_str("\n## Notes\n");
            self.notes.iter().for_each(|note| {
                let _ = writeln!(text, "- {note}");
            });
        }
        text
    }

    /// For programs.
    pub fn json(&self) -> Result<String> {
        let machine = &self.machine;
        let lines: Vec<Value> = self.lines.iter().map(line_json).collect();
        let whole = json!({
            "command": "cargo xtask bench",
            "machine": {
                "processor": machine.processor, "cores": machine.cores, "system": machine.system,
                "build": machine.build, "fdatasync_ms": machine.fdatasync_ms, "load": machine.load,
            },
            "measured": lines,
            "notes": self.notes,
        });
        Ok(serde_json::to_string_pretty(&whole)?)
    }
}

fn line_json(line: &Line) -> Value {
    let mut value = json!({ "section": line.section, "what": line.what, "value": line.value, "unit": line.unit });
    if let (Some(budget), Some(map)) = (&line.budget, value.as_object_mut()) {
        map.insert("budget".to_owned(), json!(budget.says));
        map.insert("is_met".to_owned(), json!(budget.is_met));
    }
    value
}

/// Three significant digits or so.
fn shown(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// The value below which `part` of all lie; 0.5 is the median. 0 if there are none.
pub fn quantile(mut values: Vec<f64>, part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index below the length")]
    let at = (last as f64 * part).round() as usize;
    values.get(at).copied().unwrap_or_default()
}

/// The middle one.
pub fn median(values: Vec<f64>) -> f64 {
    quantile(values, 0.5)
}
