//! `cargo xtask lint`: everything that is checked without running the product.

use crate::run::{Run, Stop};
use crate::tools::ensure_cargo_deny;
use crate::workspace::Workspace;
use crate::{files, ids, quick_start};
use std::process::Command;

/// Runs every check, and stops at the first that fails.
pub(crate) fn lint(workspace: &Workspace, run: &mut Run, rest: &[&str]) -> Result<(), Stop> {
    if let Some(unknown) = rest.first() {
        return Err(Stop::because(format!("lint takes no arguments, not even `{unknown}`.")));
    }
    let cargo = |arguments: &[&str]| -> Command {
        let mut command = workspace.cargo();
        command.args(arguments);
        command
    };

    run.command("format", cargo(&["fmt", "--all", "--check"]))?;
    run.check("file contents", || files::check_contents(workspace))?;
    run.check("file lengths", || files::warn_of_length(workspace))?;
    run.check("quick starts", || quick_start::check(workspace))?;

    ensure_cargo_deny(workspace, run)?;
    run.command("dependencies", cargo(&["deny", "--locked", "check", "bans", "licenses", "sources"]))?;

    let all = ["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"];
    run.command("clippy", cargo(&all))?;
    let bare = ["clippy", "-p", "twinlock-core", "--no-default-features", "--", "-D", "warnings"];
    run.command("clippy, core without features", cargo(&bare))?;

    let mut doc = cargo(&["doc", "--no-deps", "-p", "twinlock-core", "--features", "client,testing"]);
    doc.env("RUSTDOCFLAGS", "-D warnings");
    run.command("documentation", doc)?;

    // Last, because a test that is still missing should not hide what is wrong with the code that is there.
    run.check("numbered cases", || ids::check(workspace))
}
