//! How the demo looks in a terminal: calm, aligned, and plain text where nobody sees colours.

use serde_json::Value;
use std::fmt::Display;
use std::io::{IsTerminal, Write, stdout};
use std::time::Duration;

/// Writes to standard output.
pub struct Terminal {
    is_styled: bool,
    pause: Duration,
    number: usize,
}

/// The column at which the phone's screen begins.
const SAY_WIDTH: usize = 52;
const READING_PAUSE: Duration = Duration::from_millis(450);

impl Terminal {
    /// Looks at the terminal and at `NO_COLOR` (no-color.org). With `is_calm` a person has time to read each line.
    pub fn open(is_calm: bool) -> Self {
        let is_terminal = stdout().is_terminal();
        let wants_none = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let pause = if is_terminal && is_calm { READING_PAUSE } else { Duration::ZERO };
        Self { is_styled: is_terminal && !wants_none, pause, number: 0 }
    }

    /// A headline with a line under it.
    pub fn title(&self, text: &str) {
        self.line(&format!("\n  {}", self.bold(text)));
        self.line(&format!("  {}\n", self.dim(&"─".repeat(SAY_WIDTH + 46))));
    }

    /// A name and what it is.
    pub fn fact(&self, name: &str, value: impl Display) {
        self.line(&format!("  {}{value}", self.dim(&padded(name, 12))));
    }

    /// A quiet remark.
    pub fn remark(&self, text: &str) {
        self.line(&format!("  {}", self.dim(text)));
    }

    /// An empty line.
    pub fn gap(&self) {
        self.line("");
    }

    /// A person who can sign in.
    pub fn person(&self, name: &str, email: &str, password: &str, state: &str) {
        let (name, email, password) = (padded(name, 14), padded(email, 25), padded(password, 27));
        self.line(&format!("  {}{email}{password}{}", self.bold(&name), self.dim(state)));
    }

    /// One step of the walk: who does what, and what is to be seen then.
    pub async fn step(&mut self, say: &str, shown: &Shown) {
        self.number += 1;
        let number = self.dim(&format!("{:>4}", self.number));
        let (mark, text) = match shown {
            Shown::Screen(text) => ("▸", self.styled("1;36", text)),
            Shown::Good(text) => ("✓", self.styled("1;32", text)),
            Shown::Refused(text) => ("✕", self.styled("33", text)),
        };
        self.line(&format!("{number}  {}{} {text}", padded(say, SAY_WIDTH), self.dim(mark)));
        if !self.pause.is_zero() {
            tokio::time::sleep(self.pause).await;
        }
    }

    /// One line, as it is.
    pub fn line(&self, text: &str) {
        // A reader that has gone away, such as `head`, is no reason to fail.
        let _ = writeln!(stdout(), "{text}");
        let _ = stdout().flush();
    }

    fn bold(&self, text: &str) -> String {
        self.styled("1", text)
    }

    fn dim(&self, text: &str) -> String {
        self.styled("2", text)
    }

    fn styled(&self, style: &str, text: &str) -> String {
        if self.is_styled { format!("\x1b[{style}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// What is to be seen after a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// A screen that asks for something.
    Screen(String),
    /// Something that was wanted.
    Good(String),
    /// A refusal, with its reason.
    Refused(String),
}

impl Shown {
    /// What the app draws for a step, in words.
    pub fn of_step(step: &Value) -> Self {
        let number = |name: &str| step.get(name).and_then(Value::as_u64).unwrap_or_default();
        let screen = |text: &str| Self::Screen(text.to_owned());
        match step.get("kind").and_then(Value::as_str).unwrap_or_default() {
            "sign_in" => screen("Sign in"),
            "set_up_two_step" => screen("Set up two-step authentication"),
            "enter_code" => screen("Enter your code"),
            "await_approval" => match step.get("comparison_code").and_then(Value::as_str) {
                Some(code) => Self::Screen(format!("Waiting for approval: {code}")),
                None => screen("Waiting for approval"),
            },
            "create_pin" | "change_pin" if step.get("repeat") == Some(&Value::Bool(true)) => screen("Repeat the PIN"),
            "create_pin" => Self::Screen(format!("Choose a PIN, {} digits or more", number("min_length"))),
            "change_pin" => Self::Screen(format!("Choose a longer PIN, {} digits or more", number("min_length"))),
            "enter_pin" => Self::Screen(format!("Enter your PIN ({})", tries(number("tries_left")))),
            "wait" => screen("Wait a little"),
            "ready" => Self::Good("Ready".to_owned()),
            "blocked" => {
                Self::Refused(format!("Blocked: {}", step.get("reason").and_then(Value::as_str).unwrap_or("?")))
            }
            other => Self::Screen(other.to_owned()),
        }
    }

    /// What the app says about an error, in words.
    pub fn of_error(error: &Value) -> Self {
        let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
        let code = text("code");
        let said = match (text("name"), text("reason")) {
            ("PinRefused", "Sequence") => "Refused: the digits are a sequence".to_owned(),
            ("PinRefused", reason) => format!("Refused: {reason}"),
            ("WrongPin", _) => {
                format!("Wrong PIN, {}", tries(error.get("tries_left").and_then(Value::as_u64).unwrap_or_default()))
            }
            ("StepRequired", _) => "Refused: finish this step first".to_owned(),
            ("DeviceRevoked", _) => "This device was revoked".to_owned(),
            ("Locked", _) => "The vault is locked".to_owned(),
            (name, _) => name.to_owned(),
        };
        Self::Refused(format!("{said} ({code})"))
    }
}

fn tries(count: u64) -> String {
    if count == 1 { "1 try left".to_owned() } else { format!("{count} tries left") }
}

fn padded(text: &str, width: usize) -> String {
    let length = text.chars().count();
    format!("{text}{}", " ".repeat(width.saturating_sub(length).max(1)))
}
