//! `cargo xtask test [PART]`: everything, or one part of it.

use crate::kotlin;
use crate::postgres;
use crate::run::{Run, Stop};
use crate::swift;
use crate::tools::{DBUS, KEYRING, NGINX, NPM, OATHTOOL, POSTGRESQL, SQLITE, VALGRIND, VENV, ensure_packages};
use crate::web;
use crate::workspace::Workspace;

/// Core's features are off by default, because the portal uses none of them; its tests need both.
const CORE_FEATURES: &str = "twinlock-core/client,twinlock-core/testing";

/// Runs the parts that were asked for; all of them if none was named.
pub(crate) fn test(workspace: &Workspace, run: &mut Run, rest: &[&str]) -> Result<(), Stop> {
    let (part, arguments) = Part::choose(rest, &workspace.tests).map_err(Stop::because)?;
    match part {
        Part::All => {
            rust(workspace, run, None, arguments)?;
            postgres::test(workspace, run, &[])?;
            kotlin::test(workspace, run, &[])?;
            swift::test(workspace, run, &[])?;
            web::test(workspace, run, &[])
        }
        Part::Rust => {
            rust(workspace, run, None, arguments)?;
            postgres::test(workspace, run, arguments)
        }
        Part::Postgres => postgres::test(workspace, run, arguments),
        Part::Target(name) => rust(workspace, run, Some(name), arguments),
        Part::Kotlin => kotlin::test(workspace, run, arguments),
        Part::Swift => swift::test(workspace, run, arguments),
        Part::Web => web::test(workspace, run, arguments),
    }
}

/// Every test that Cargo knows, or one target of `twinlock-tests`.
fn rust(workspace: &Workspace, run: &mut Run, target: Option<&str>, arguments: &[&str]) -> Result<(), Stop> {
    ensure_packages(run, &[&DBUS, &KEYRING, &NGINX, &NPM, &OATHTOOL, &POSTGRESQL, &SQLITE, &VALGRIND, &VENV])?;

    build_programs(workspace, run)?;
    let mut tests = workspace.cargo();
    match target {
        None => {
            let mut bare = workspace.cargo();
            bare.args(["test", "-p", "twinlock-core", "--no-default-features", "--no-run"]);
            run.command("core without features", bare)?;
            tests.args(["test", "--workspace", "--features", CORE_FEATURES]).args(arguments);
            run.command("unit, integration and doc tests", tests)
        }
        Some(name) => {
            tests.args(["test", "-p", "twinlock-tests", "--test", name]).args(arguments);
            run.command(name, tests)
        }
    }
}

/// The programs that tests start. The portal first, and by itself: it must build on core without any feature.
pub(crate) fn build_programs(workspace: &Workspace, run: &mut Run) -> Result<(), Stop> {
    let programs: [(&[&str], &str); 3] = [
        (&["-p", "twinlock-portal"], "build the portal"),
        (&["-p", "twinlock-desktop"], "build the desktop client"),
        (&["-p", "twinlock-tests", "--examples"], "build the example back end"),
    ];
    for (what, title) in programs {
        let mut build = workspace.cargo();
        build.arg("build").args(what);
        run.command(title, build)?;
    }
    Ok(())
}

#[derive(Debug, PartialEq)]
enum Part<'a> {
    /// Every part.
    All,
    /// Every test that Cargo knows, and the server suite on PostgreSQL.
    Rust,
    /// The server suite on PostgreSQL.
    Postgres,
    /// The Kotlin SDK and its phone.
    Kotlin,
    /// The Swift SDK and its phone.
    Swift,
    /// The portal's pages in a browser.
    Web,
    /// One test target of `twinlock-tests`.
    Target(&'a str),
}

impl<'a> Part<'a> {
    /// The part, and the arguments left for `cargo test`.
    fn choose<'b>(rest: &'b [&'a str], targets: &[String]) -> Result<(Self, &'b [&'a str]), String> {
        match rest {
            [] => Ok((Part::All, rest)),
            ["rust", arguments @ ..] => Ok((Part::Rust, arguments)),
            ["postgres", arguments @ ..] => Ok((Part::Postgres, arguments)),
            ["kotlin", arguments @ ..] => Ok((Part::Kotlin, arguments)),
            ["swift", arguments @ ..] => Ok((Part::Swift, arguments)),
            ["web", arguments @ ..] => Ok((Part::Web, arguments)),
            [name, arguments @ ..] if targets.iter().any(|target| target == name) => {
                Ok((Part::Target(name), arguments))
            }
            [unknown, ..] => {
                let mut text = format!(
                    "There is no part `{unknown}`. The parts are:\n  rust (every target below, and more)\n  postgres (the server suite on PostgreSQL)\n  kotlin\n  swift\n  web (the pages in a browser)\n"
                );
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
    fn a_part_is_a_language_or_a_test_target() {
        let targets = ["arrows".to_owned(), "journey".to_owned()];
        assert_eq!(Part::choose(&[], &targets), Ok((Part::All, &[][..])));
        assert_eq!(Part::choose(&["rust", "f31"], &targets), Ok((Part::Rust, &["f31"][..])));
        assert_eq!(Part::choose(&["swift"], &targets), Ok((Part::Swift, &[][..])));
        let asked = ["journey", "--", "--nocapture"];
        assert_eq!(Part::choose(&asked, &targets), Ok((Part::Target("journey"), &["--", "--nocapture"][..])));
    }

    #[test]
    fn an_unknown_part_is_told_which_exist() {
        let refusal = Part::choose(&["jorney"], &["arrows".to_owned(), "journey".to_owned()]).unwrap_err();
        for part in ["jorney", "rust", "postgres", "swift", "web", "arrows", "journey"] {
            assert!(refusal.contains(part), "{refusal}");
        }
    }
}
