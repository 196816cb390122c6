//! `cargo xtask bench`: each budget beside a peer measured in the same run, contestants interleaved, medians.
//!
//! Writes `bench/results.md` and `bench/results.json`. Nothing here is a test: no number fails a build.
#![allow(clippy::disallowed_methods, reason = "a benchmark reads the clock; it is what it is for")]

mod codes;
mod database;
mod derivation;
mod instructions;
mod machine;
mod members;
mod opening;
mod population;
mod portal;
mod report;
mod switching;
mod unlocking;

use report::Report;
use std::path::Path;
use std::process::ExitCode;

/// What stopped the benchmark, for a person.
type Fault = Box<dyn std::error::Error + Send + Sync>;

/// The result of everything here.
type Result<T> = std::result::Result<T, Fault>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        // A fresh process each: the portal's operator, and a first hash.
        ["admin", ..] => return twinlock_portal::cli::run(),
        ["derive", memory_kib, passes, times] => derivation::print(memory_kib, passes, times),
        ["unlock"] => only(unlocking::measure),
        ["check"] => only(portal::measure),
        ["switch"] => only(switching::measure),
        ["members"] => only(members::measure),
        ["members", members] => match members.parse() {
            Ok(members) => only(|report| members::measure_with(members, report)),
            Err(_) => Err("members: how many?".into()),
        },
        ["instructions"] => only(instructions::measure),
        [] => measure(),
        _ => Err("usage: twinlock-bench [check | unlock | switch | members [NUMBER] | instructions]".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("twinlock-bench: {fault}");
            ExitCode::FAILURE
        }
    }
}

/// One part alone, on the screen.
fn only(part: impl FnOnce(&mut Report) -> Result<()>) -> Result<()> {
    let mut report = Report::new(machine::describe()?);
    part(&mut report)?;
    print!("{}", report.markdown());
    Ok(())
}

fn measure() -> Result<()> {
    let mut report = Report::new(machine::describe()?);
    eprintln!("code check …");
    codes::measure(&mut report)?;
    eprintln!("PIN derivation …");
    derivation::measure(&mut report)?;
    eprintln!("instructions of the library that ships …");
    instructions::measure(&mut report)?;
    eprintln!("whole unlock …");
    unlocking::measure(&mut report)?;
    eprintln!("engine open …");
    opening::measure(&mut report)?;
    eprintln!("policy …");
    switching::measure(&mut report)?;
    eprintln!("list of members …");
    members::measure(&mut report)?;
    eprintln!("code check over HTTP …");
    portal::measure(&mut report)?;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    std::fs::write(folder.join("results.md"), report.markdown())?;
    std::fs::write(folder.join("results.json"), report.json()? + "\n")?;
    print!("{}", report.markdown());
    Ok(())
}
