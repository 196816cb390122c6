//! `cargo xtask demo`: builds the portal and the demo, and hands over to it.

use crate::kotlin;
use crate::run::{Run, Stop, shown};
use crate::swift;
use crate::tools::{OATHTOOL, ensure_packages};
use crate::workspace::Workspace;
use std::path::PathBuf;
use std::process::Command;

/// Who can play the phone.
const SHELLS: [&str; 3] = ["rust", "kotlin", "swift"];

/// Builds what the demo needs and starts it.
pub(crate) fn demo(workspace: &Workspace, run: &mut Run, rest: &[&str]) -> Result<(), Stop> {
    let flags = Flags::parse(rest).map_err(Stop::because)?;
    let demo = build(workspace, run, &flags)?;
    // The last line is the demo's own, so the times of the builds stand before it.
    run.print_table();
    println!("\n── demo ── {}", shown(&demo));
    become_program(demo)
}

/// Plays the main job once on the phone of `shell`, as one part of a longer run.
pub(crate) fn play_once(workspace: &Workspace, run: &mut Run, shell: &'static str) -> Result<(), Stop> {
    let demo = build(workspace, run, &Flags { once: true, shell })?;
    run.command(&format!("main job, {shell} phone"), demo)
}

fn build(workspace: &Workspace, run: &mut Run, flags: &Flags<'_>) -> Result<Command, Stop> {
    ensure_packages(run, &[&OATHTOOL])?;
    match flags.shell {
        "kotlin" => kotlin::build(workspace, run)?,
        "swift" => swift::build_phone(workspace, run)?,
        _ => {}
    }
    let mut demo = Command::new(build_program(workspace, run)?);
    demo.current_dir(&workspace.root).args(["--shell", flags.shell]);
    if flags.once {
        demo.arg("--once");
    }
    Ok(demo)
}

/// Builds the demo's program and the portal beside it.
pub(crate) fn build_program(workspace: &Workspace, run: &mut Run) -> Result<PathBuf, Stop> {
    for (package, program) in [("twinlock-portal", "twinlock-portal"), ("twinlock-tests", "twinlock-demo")] {
        let mut build = workspace.cargo();
        build.args(["build", "-p", package, "--bin", program]);
        run.command(&format!("build {program}"), build)?;
    }
    Ok(workspace.target.join("debug").join(format!("twinlock-demo{}", std::env::consts::EXE_SUFFIX)))
}

#[derive(Debug, PartialEq)]
struct Flags<'a> {
    once: bool,
    shell: &'a str,
}

impl<'a> Flags<'a> {
    fn parse(rest: &[&'a str]) -> Result<Self, String> {
        let mut flags = Flags { once: false, shell: "rust" };
        let mut words = rest.iter();
        while let Some(word) = words.next() {
            match (*word, word.split_once('=')) {
                ("--once", _) => flags.once = true,
                ("--shell", _) => flags.shell = words.next().ok_or("--shell needs a name.")?,
                (_, Some(("--shell", name))) => flags.shell = name,
                _ => return Err(format!("demo does not know `{word}`; it knows --once and --shell NAME.")),
            }
        }
        if SHELLS.contains(&flags.shell) {
            Ok(flags)
        } else {
            Err(format!("There is no shell `{}` yet. There is: {}.", flags.shell, SHELLS.join(", ")))
        }
    }
}

/// Hands this process over to the demo, so that Ctrl-C reaches it alone and it can tidy up before the prompt is back.
#[cfg(unix)]
fn become_program(mut program: Command) -> Result<(), Stop> {
    use std::os::unix::process::CommandExt;
    let fault = program.exec();
    Err(Stop::repeat(format!("The demo could not start: {fault}."), shown(&program)))
}

#[cfg(not(unix))]
fn become_program(mut program: Command) -> Result<(), Stop> {
    match program.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Stop::repeat(format!("The demo ended with {status}."), shown(&program))),
        Err(fault) => Err(Stop::repeat(format!("The demo could not start: {fault}."), shown(&program))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_in_any_order() {
        assert_eq!(Flags::parse(&[]), Ok(Flags { once: false, shell: "rust" }));
        assert_eq!(Flags::parse(&["--shell", "rust", "--once"]), Ok(Flags { once: true, shell: "rust" }));
        assert_eq!(Flags::parse(&["--shell", "kotlin"]), Ok(Flags { once: false, shell: "kotlin" }));
        assert_eq!(Flags::parse(&["--shell=rust"]), Ok(Flags { once: false, shell: "rust" }));
    }

    #[test]
    fn an_unknown_shell_is_told_which_exist() {
        let refusal = Flags::parse(&["--shell", "cobol"]).unwrap_err();
        assert!(["cobol", "rust", "kotlin", "swift"].iter().all(|shell| refusal.contains(shell)), "{refusal}");
        assert!(Flags::parse(&["--shell"]).is_err());
        assert!(Flags::parse(&["--onse"]).unwrap_err().contains("--once"));
    }
}
