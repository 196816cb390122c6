//! Starts the parts of a command one after the other, says what it starts, and keeps the time each took.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Why a command ended early: what happened, and what to type to see just that again.
#[derive(Debug)]
pub(crate) struct Stop {
    pub(crate) message: String,
    pub(crate) again: Option<String>,
}

impl Stop {
    /// A stop whose message says everything.
    pub(crate) fn because(message: impl Into<String>) -> Self {
        Self { message: message.into(), again: None }
    }

    /// A stop that names the command to repeat.
    pub(crate) fn repeat(message: impl Into<String>, again: impl Into<String>) -> Self {
        Self { message: message.into(), again: Some(again.into()) }
    }
}

const TOGETHER: &str = "together";

struct Part {
    name: String,
    took: Duration,
    passed: bool,
}

/// The parts done so far.
#[derive(Default)]
pub(crate) struct Run {
    parts: Vec<Part>,
}

impl Run {
    /// Runs a program as one part; its output goes straight to the terminal.
    pub(crate) fn command(&mut self, name: &str, mut command: Command) -> Result<(), Stop> {
        let shown = shown(&command);
        announce(name, &shown);
        self.timed(name, || match command.status() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(Stop::repeat(format!("{name} failed ({status})."), shown.clone())),
            Err(fault) => Err(Stop::repeat(format!("{name} could not start: {fault}."), shown.clone())),
        })
    }

    /// Runs a check of our own as one part.
    pub(crate) fn check(&mut self, name: &str, check: impl FnOnce() -> Result<(), Stop>) -> Result<(), Stop> {
        announce(name, "built into xtask");
        self.timed(name, check)
    }

    /// Prints how long each part took.
    pub(crate) fn print_table(&self) {
        if self.parts.is_empty() {
            return;
        }
        print!("\n{}", table(&self.parts));
        flush();
    }

    fn timed(&mut self, name: &str, part: impl FnOnce() -> Result<(), Stop>) -> Result<(), Stop> {
        let begun = now();
        let outcome = part();
        self.parts.push(Part { name: name.to_owned(), took: begun.elapsed(), passed: outcome.is_ok() });
        outcome
    }
}

/// The command as a person would type it, with the variables that were set for it.
pub(crate) fn shown(command: &Command) -> String {
    let mut words = Vec::new();
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            words.push(format!("{}={}", name.to_string_lossy(), quoted(&value.to_string_lossy())));
        }
    }
    let program = command.get_program().to_string_lossy();
    // Cargo hands us its own full path; what a person types is `cargo`.
    let is_cargo = std::env::var("CARGO").is_ok_and(|cargo| cargo == program);
    words.push(if is_cargo { "cargo".to_owned() } else { quoted(&program) });
    words.extend(command.get_args().map(|argument| quoted(&argument.to_string_lossy())));
    words.join(" ")
}

/// Runs a program silently and returns what it printed; `None` if it failed or does not exist.
pub(crate) fn output_of(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

fn announce(name: &str, shown: &str) {
    println!("\n── {name} ── {shown}");
    flush();
}

fn flush() {
    // Our lines and those of the programs we start reach a log file in the order they were written.
    let _ = std::io::stdout().flush();
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./,:+".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.to_owned() } else { format!("'{word}'") }
}

fn table(parts: &[Part]) -> String {
    let width = parts.iter().map(|part| part.name.chars().count()).max().unwrap_or(0).max(TOGETHER.len());
    let line = |name: &str, took: Duration, note: &str| format!("  {name:width$}  {:>9}{note}\n", spoken(took));
    let mut text = String::new();
    for part in parts {
        text += &line(&part.name, part.took, if part.passed { "" } else { "  FAILED" });
    }
    if parts.len() > 1 {
        text += &line(TOGETHER, parts.iter().map(|part| part.took).sum(), "");
    }
    text
}

fn spoken(took: Duration) -> String {
    let seconds = took.as_secs_f64();
    if seconds < 60.0 { format!("{seconds:.1} s") } else { format!("{:.1} min", seconds / 60.0) }
}

#[expect(clippy::disallowed_methods, reason = "a task runner measures real time; it decides nothing by it")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_spoken_in_seconds_and_minutes() {
        assert_eq!(spoken(Duration::from_millis(1_240)), "1.2 s");
        assert_eq!(spoken(Duration::from_secs(90)), "1.5 min");
    }

    #[test]
    fn the_table_marks_what_failed_and_adds_up() {
        let part = |name: &str, seconds, passed| Part { name: name.into(), took: Duration::from_secs(seconds), passed };
        let text = table(&[part("format", 1, true), part("clippy", 120, false)]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines, ["  format        1.0 s", "  clippy      2.0 min  FAILED", "  together    2.0 min"]);
    }

    #[test]
    fn a_command_is_shown_so_that_it_can_be_typed() {
        let mut command = Command::new("cargo");
        command.env("RUSTDOCFLAGS", "-D warnings").env_remove("OUT_DIR").args(["doc", "--no-deps"]);
        assert_eq!(shown(&command), "RUSTDOCFLAGS='-D warnings' cargo doc --no-deps");
    }

    #[test]
    fn a_failed_program_stops_the_run_and_names_the_command() {
        let mut run = Run::default();
        let mut command = Command::new("cargo");
        command.args(["no-such-command-of-cargo"]).stderr(Stdio::null());
        let stop = run.command("part", command).unwrap_err();
        assert_eq!(stop.again.as_deref(), Some("cargo no-such-command-of-cargo"));
        assert!(!run.parts[0].passed);
    }
}
