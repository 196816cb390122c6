//! Password and code: typed where nobody sees them, or read from a file. Never an argument, never the environment.

use crate::cli::Sources;
use crate::failure::Failure;
use std::io::{BufRead, IsTerminal, Read, Write};
use std::path::Path;
use twinlock_core::Error;
use twinlock_core::secret::SecretText;
use zeroize::Zeroizing;

/// No password and no code is longer; a file that is one is something else.
const MAX_LEN: u64 = 4096;

/// Whether somebody sits there who can be asked.
pub fn is_somebody_there() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// The password; `None` where nobody can be asked and no file was named.
pub fn password(sources: &Sources) -> Result<Option<SecretText>, Failure> {
    secret(sources.password_file.as_deref(), "Password: ")
}

/// The code of the authenticator app; `None` as for the password.
pub fn code(sources: &Sources) -> Result<Option<SecretText>, Failure> {
    secret(sources.code_file.as_deref(), "Code of your authenticator app: ")
}

/// Something that is no secret; `None` where nobody can be asked.
pub fn ask(question: &str) -> Result<Option<String>, Failure> {
    if !is_somebody_there() {
        return Ok(None);
    }
    let failed = |fault: std::io::Error| Failure::local("The terminal", &fault);
    let mut stderr = std::io::stderr();
    write!(stderr, "{question}").and_then(|()| stderr.flush()).map_err(failed)?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).map_err(failed)?;
    Ok(Some(answer.trim().to_owned()).filter(|answer| !answer.is_empty()))
}

fn secret(file: Option<&Path>, question: &str) -> Result<Option<SecretText>, Failure> {
    match file {
        Some(path) if path == Path::new("-") => first_line(std::io::stdin().lock(), "standard input").map(Some),
        Some(path) => {
            let name = path.display().to_string();
            let file = std::fs::File::open(path).map_err(|fault| Failure::local(&name, &fault))?;
            first_line(std::io::BufReader::new(file), &name).map(Some)
        }
        None if is_somebody_there() => {
            let typed = rpassword::prompt_password(question).map(SecretText::new);
            typed.map(Some).map_err(|fault| Failure::local("The terminal", &fault))
        }
        None => Ok(None),
    }
}

/// The first line without its end; spaces in it are the password's own.
fn first_line(mut reader: impl BufRead, name: &str) -> Result<SecretText, Failure> {
    // Room for all of it, so that nothing is copied while it grows.
    let mut line = Zeroizing::new(Vec::with_capacity(usize::try_from(MAX_LEN).unwrap_or(0) + 1));
    let read = (&mut reader).take(MAX_LEN).read_until(b'\n', &mut line);
    read.map_err(|fault| Failure::local(name, &fault))?;
    let line = line.strip_suffix(b"\n").unwrap_or(&line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.is_empty() {
        return Err(Failure::usage(format!("There is nothing in {name}."), "Write the secret on its first line."));
    }
    SecretText::from_utf8(line).ok_or_else(|| Error::BadRequest.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_is_taken_and_the_next_one_left() {
        let mut input = std::io::BufReader::new(&b" quiet harbour \r\n123 456\n"[..]);
        assert_eq!(first_line(&mut input, "input").unwrap().expose(), " quiet harbour ");
        assert_eq!(first_line(&mut input, "input").unwrap().expose(), "123 456");
        assert!(first_line(&mut input, "input").is_err(), "there is no third");
    }
}
