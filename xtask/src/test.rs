//! `cargo xtask test [PART]`: everything, or one part of it.

use crate::run::{Run, Stop};
use crate::tools::{OATHTOOL, POSTGRESQL, SQLITE, VALGRIND, ensure_packages};
use crate::workspace::Workspace;

/// Core's features are off by default, because the portal uses none of them; its tests need both.
const CORE_FEATURES: &str = "twinlock-core/client,twinlock-core/testing";

/// Runs the parts that were asked for; all of them if none was named.
pub(crate) fn test(workspace: &Workspace, run: &mut Run, rest: &[&str]) -> Result<(), Stop> {
    let (part, arguments) = Part::choose(rest, &workspace.tests).map_err(Stop::because)?;
    ensure_packages(run, &[&OATHTOOL, &POSTGRESQL, &SQLITE, &VALGRIND])?;

    // First, and by itself: the tests start this program, and it must build on core without any feature.
    let mut portal = workspace.cargo();
    portal.args(["build", "-p", "twinlock-portal"]);
    run.command("build the portal", portal)?;

    let mut tests = workspace.cargo();
    match part {
        Part::Rust => {
            let mut bare = workspace.cargo();
            bare.args(["test", "-p", "twinlock-core", "--no-default-features", "--no-run"]);
            run.command("core without features", bare)?;
            tests.args(["test", "--workspace", "--features", CORE_FEATURES]).args(arguments);
            run.command("unit, integration and doc tests", tests)
        }
        Part::Target(name) => {
            tests.args(["test", "-p", "twinlock-tests", "--test", name]).args(arguments);
            run.command(name, tests)
        }
    }
}

#[derive(Debug, PartialEq)]
enum Part<'a> {
    /// Every test that Cargo knows.
    Rust,
    /// One test target of `twinlock-tests`.
    Target(&'a str),
}

impl<'a> Part<'a> {
    /// The part, and the arguments left for `cargo test`.
    fn choose<'b>(rest: &'b [&'a str], targets: &[String]) -> Result<(Self, &'b [&'a str]), String> {
        match rest {
            [] => Ok((Part::Rust, rest)),
            ["rust", arguments @ ..] => Ok((Part::Rust, arguments)),
            [name, arguments @ ..] if targets.iter().any(|target| target == name) => {
                Ok((Part::Target(name), arguments))
            }
            [unknown, ..] => {
                let mut text = format!("There is no part `{unknown}`. The parts are:\n  rust (all of them)\n");
                for target in targets {
                    text += &format!("  {target}\n");
                }
                Err(text + "One test by its name: cargo xtask test rust NAME")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_rust_or_a_test_target() {
        let targets = ["arrows".to_owned(), "journey".to_owned()];
        assert_eq!(Part::choose(&[], &targets), Ok((Part::Rust, &[][..])));
        assert_eq!(Part::choose(&["rust", "f31"], &targets), Ok((Part::Rust, &["f31"][..])));
        let asked = ["journey", "--", "--nocapture"];
        assert_eq!(Part::choose(&asked, &targets), Ok((Part::Target("journey"), &["--", "--nocapture"][..])));
    }

    #[test]
    fn an_unknown_part_is_told_which_exist() {
        let refusal = Part::choose(&["jorney"], &["arrows".to_owned(), "journey".to_owned()]).unwrap_err();
        for part in ["jorney", "rust", "arrows", "journey"] {
            assert!(refusal.contains(part), "{refusal}");
        }
    }
}
