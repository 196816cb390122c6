//! The Kotlin part of `cargo xtask test`: library and glue, then everything in `android/` with Maven.

use crate::bindings;
use crate::demo;
use crate::run::{Run, Stop};
use crate::tools::{JDK, MAVEN, ensure_packages};
use crate::workspace::Workspace;
use std::process::Command;

/// Builds and tests `android/`; its tests start the demo's world, which is built before.
pub(crate) fn test(workspace: &Workspace, run: &mut Run, arguments: &[&str]) -> Result<(), Stop> {
    build_library(workspace, run)?;
    demo::build_program(workspace, run)?;
    let mut maven = maven(workspace);
    maven.arg("test").args(arguments);
    if !arguments.is_empty() {
        // Whoever picks a test picks it in one module; the others then have none.
        maven.args(["-DfailIfNoTests=false", "-Dsurefire.failIfNoSpecifiedTests=false"]);
    }
    run.command("Kotlin", maven)?;
    demo::play_once(workspace, run, "kotlin")
}

/// Builds what the demo's phone in Kotlin is started from.
pub(crate) fn build(workspace: &Workspace, run: &mut Run) -> Result<(), Stop> {
    build_library(workspace, run)?;
    let mut maven = maven(workspace);
    maven.arg("process-classes");
    run.command("build the Kotlin phone", maven)
}

/// Library and glue, and a copy of the library where a later `cargo test` with other features does not replace it.
fn build_library(workspace: &Workspace, run: &mut Run) -> Result<(), Stop> {
    ensure_packages(run, &[&MAVEN, &JDK])?;
    bindings::bindings(workspace, run, &[])?;
    let library = bindings::library(workspace);
    let folder = workspace.target.join("android").join("native");
    let copied = library.file_name().map(|name| {
        std::fs::create_dir_all(&folder)?;
        std::fs::copy(&library, folder.join(name))
    });
    match copied {
        Some(Ok(_)) => Ok(()),
        Some(Err(fault)) => Err(Stop::because(format!("{}: {fault}", folder.display()))),
        None => Err(Stop::because("The library has no name.")),
    }
}

/// Every version in `android/` is a fixed one, so that Maven asks no registry once it has them.
fn maven(workspace: &Workspace) -> Command {
    let mut command = Command::new("mvn");
    command.current_dir(workspace.root.join("android")).arg("--quiet");
    command.arg(format!("-Dtwinlock.target={}", workspace.target.display()));
    command
}
