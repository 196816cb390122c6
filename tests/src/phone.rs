//! The line protocol between the driver and a phone, in whatever language it is written.
//!
//! The driver starts the phone's process and writes one JSON object a line: `{"do":"sign_in","with":{…}}`. The process
//! answers each with one line: `{"step":{"kind":"enter_code"}}` (with `"value"` where the verb brings something), or
//! `{"error":{"code":"TL-1003","name":"WrongPin","tries_left":7},"step":{…}}`. It ends at the end of its input.
//! The verbs are in `tests/scenario/main_job.json`, under `about`.

use crate::secrets::{SECRETS_FILE, Secrets};
use crate::{Doing, Fault, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::path::Path;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use twinlock_core::error::ErrorCode;

/// A line to the phone.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// The verb.
    #[serde(rename = "do")]
    pub verb: String,
    /// Its arguments.
    #[serde(default)]
    pub with: Map<String, Value>,
}

/// A line from the phone.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Answer {
    /// What the app draws now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<Value>,
    /// What was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Value>,
    /// What the verb brought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
}

/// Whoever plays the phone.
pub trait Phone {
    /// Does one thing.
    fn ask(&mut self, ask: &Ask) -> impl Future<Output = Result<Answer>>;
}

/// A phone in a process of its own.
pub struct LinePhone {
    child: Child,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

/// Who can play the phone.
pub const SHELLS: [&str; 3] = ["rust", "kotlin", "swift"];

impl LinePhone {
    /// Starts the phone written in `shell`.
    pub fn start(shell: &str, secrets: &Secrets) -> Result<Self> {
        let mut command = match shell {
            "rust" => {
                let mut command = Command::new(std::env::current_exe().doing("this program's own place")?);
                command.arg("phone");
                command
            }
            "kotlin" => kotlin()?,
            // Made by `cargo xtask demo --shell swift`, beside this program.
            "swift" => {
                let own = std::env::current_exe().doing("this program's own place")?;
                Command::new(own.with_file_name("twinlock-phone-swift"))
            }
            _ => return Err(Fault(format!("there is no shell `{shell}` yet; there is: {}", SHELLS.join(", ")))),
        };
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        if let Some(path) = secrets.path() {
            command.env(SECRETS_FILE, path);
        }
        let mut child = command.spawn().doing(format!("the phone `{shell}` does not start"))?;
        let stdin = child.stdin.take().doing("the phone has no input")?;
        let stdout = child.stdout.take().doing("the phone has no output")?;
        Ok(Self { child, stdin, lines: BufReader::new(stdout).lines() })
    }

    /// Ends the phone's process.
    pub async fn end(self) -> Result<()> {
        let Self { mut child, stdin, .. } = self;
        drop(stdin);
        child.wait().await.map(|_| ()).doing("the phone")
    }
}

impl Phone for LinePhone {
    async fn ask(&mut self, ask: &Ask) -> Result<Answer> {
        let mut line = serde_json::to_string(ask).doing("a line to the phone")?;
        line.push('\n');
        self.stdin.write_all(line.as_bytes()).await.doing("the phone does not listen")?;
        self.stdin.flush().await.doing("the phone does not listen")?;
        let answer = self.lines.next_line().await.doing("the phone")?;
        let answer = answer.doing(format!("the phone ended during `{}`", ask.verb))?;
        let doing = format!("the phone's answer to `{}` is not understood", ask.verb);
        let mut answer: Answer = serde_json::from_str(&answer).doing(doing)?;
        name_error(&mut answer);
        Ok(answer)
    }
}

/// The Kotlin SDK with the adapters of its Android phones, on a plain Java.
fn kotlin() -> Result<Command> {
    let program = std::env::current_exe().doing("this program's own place")?;
    let target =
        program.parent().and_then(Path::parent).doing("this program lies in no target folder")?.join("android");
    let place = target.join("twinlock-scenario");
    let kept = std::fs::read_to_string(place.join("classpath"))
        .doing("the Kotlin phone is not built; `cargo xtask test kotlin` builds it")?;
    let classes = place.join("classes");
    let separator = if cfg!(windows) { ";" } else { ":" };
    let mut command = Command::new("java");
    command.arg(format!("-Djna.library.path={}", target.join("native").display()));
    command.arg("-cp").arg(format!("{}{separator}{}", classes.display(), kept.trim()));
    command.arg("dev.twinlock.scenario.LinePhoneKt");
    Ok(command)
}

/// An app knows errors by their numbers; people read the names.
fn name_error(answer: &mut Answer) {
    let Some(Value::Object(error)) = &mut answer.error else { return };
    let number = error.get("code").and_then(Value::as_str).and_then(|code| code.strip_prefix("TL-")?.parse().ok());
    if let Some(code) = number.and_then(ErrorCode::from_number) {
        error.entry("name").or_insert_with(|| code.name().into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_without_a_name_gets_the_one_of_its_number() {
        let named = |error: Value| {
            let mut answer = Answer { error: Some(error), ..Answer::default() };
            name_error(&mut answer);
            answer.error.unwrap()["name"].clone()
        };
        assert_eq!(named(serde_json::json!({"code": "TL-1003"})), "WrongPin");
        assert_eq!(named(serde_json::json!({"code": "TL-1003", "name": "Mine"})), "Mine");
        assert_eq!(named(serde_json::json!({"code": "TL-1"})), Value::Null);
    }
}
