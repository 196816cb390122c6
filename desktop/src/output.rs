//! What the command says: one JSON object or text, colours only where they are wanted, and nothing of the portal's raw.

use crate::cli::Color;
use crate::failure::Failure;
use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};
use std::io::{IsTerminal, Write};

/// Where the command's words go.
pub struct Output {
    is_json: bool,
    has_color: bool,
}

impl Output {
    /// By the command line and the environment (`NO_COLOR`, no-color.org: set and not empty).
    pub fn new(is_json: bool, color: Color) -> Self {
        let is_unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let has_color = match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => std::io::stdout().is_terminal() && !is_unwanted,
        };
        Self { is_json, has_color: has_color && !is_json }
    }

    /// Whether somebody sits at a terminal and wants to read, and not a program.
    pub fn is_watched(&self) -> bool {
        !self.is_json && std::io::stderr().is_terminal()
    }

    /// The result: `value` for a program, `lines` for a person.
    pub fn result(&self, value: &Value, lines: &[String]) {
        let text = if self.is_json { to_line(value) } else { lines.join("\n") };
        if !text.is_empty() {
            // Whoever reads may be gone already (`| head`).
            let _ = writeln!(std::io::stdout(), "{text}");
        }
    }

    /// What a person wants to know meanwhile.
    pub fn note(&self, text: &str) {
        if !self.is_json {
            let _ = writeln!(std::io::stderr(), "{text}");
        }
    }

    /// Why the command did not do what was asked.
    pub fn failure(&self, failure: &Failure) {
        let Failure { code, class, message, what_to_do, retry_after_ms } = failure;
        let (message, what_to_do) = (visible(message), visible(what_to_do));
        let text = if self.is_json {
            to_line(&json!({
                "code": code.to_string(), "class": class.name(), "message": message, "what_to_do": what_to_do,
                "retry_after_ms": Some(*retry_after_ms).filter(|wait| *wait > 0),
            }))
        } else {
            let wait = match retry_after_ms.div_ceil(1_000) {
                0 => String::new(),
                seconds => format!(" Wait {seconds} s."),
            };
            format!("{}: {message}{wait} {what_to_do}", self.paint(Style::new().bold(), &code.to_string()))
        };
        let _ = writeln!(std::io::stderr(), "{text}");
    }

    /// A word that says that all is well.
    pub fn good(&self, text: &str) -> String {
        self.paint(AnsiColor::Green.on_default(), text)
    }

    /// A word that says that somebody has to act.
    pub fn waiting(&self, text: &str) -> String {
        self.paint(AnsiColor::Yellow.on_default(), text)
    }

    /// A word to be read aloud.
    pub fn strong(&self, text: &str) -> String {
        self.paint(Style::new().bold(), text)
    }

    fn paint(&self, style: Style, text: &str) -> String {
        if self.has_color { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

/// A name of somebody else's, fit for a terminal: what would move the cursor, change colours or turn the writing direction
/// becomes a mark.
pub fn visible(text: &str) -> String {
    text.chars().map(|c| if is_invisible(c) { '\u{FFFD}' } else { c }).collect()
}

/// Control characters (Unicode Cc), line separators, and those that change the direction of writing (UAX #9).
pub fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061C}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}

/// One line of JSON in which such characters are escaped: a program gets them whole, and a terminal does not.
fn to_line(value: &Value) -> String {
    let text = value.to_string();
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if is_invisible(c) { line += &format!("\\u{:04x}", u32::from(c)) } else { line.push(c) }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_moves_a_cursor_or_turns_the_writing_gets_through() {
        let name = "a\u{1b}[2J\u{9b}31m\r\u{202e}fdp\u{2066}.txt";
        assert!(!visible(name).chars().any(is_invisible));
        let line = to_line(&json!({ "name": name }));
        assert!(!line.chars().any(is_invisible), "{line}");
        let read: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(read["name"], name, "a program reads the name as it is");
    }
}
