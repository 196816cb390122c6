//! `cargo xtask test swift`: the Swift SDK with the real glue and the real library, and its phone for the demo.

use crate::bindings;
use crate::demo;
use crate::run::{Run, Stop, shown};
use crate::swift_toolchain::Toolchain;
use crate::workspace::Workspace;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The phone's program, and the launcher that starts it with the toolchain's libraries.
const PHONE: &str = "TwinlockScenarioPhone";
const LAUNCHER: &str = "twinlock-phone-swift";

/// UniFFI's module map names modules that only Apple has; the header includes what it needs by itself.
const MODULE_MAP: &str = "module TwinlockFFI {\n    header \"TwinlockFFI.h\"\n    export *\n}\n";

/// Checks the format, builds library, glue and SDK, and runs the SDK's tests; `arguments` go to `swift test`.
pub(crate) fn test(workspace: &Workspace, run: &mut Run, arguments: &[&str]) -> Result<(), Stop> {
    let toolchain = prepare(workspace, run)?;
    let mut format = toolchain.command(workspace, "swift");
    format.args(["format", "lint", "--strict", "--recursive", "--parallel"]);
    format.args(["Package.swift", "Sources", "Tests"].map(|place| workspace.root.join("ios").join(place)));
    run.command("Swift format", format)?;
    run.command("Swift build", swift(workspace, &toolchain, "build", &["--build-tests"]))?;
    // One after the other, because one of them watches the memory of the process.
    let mut tests = swift(workspace, &toolchain, "test", &[&["--skip-build", "--no-parallel"], arguments].concat());
    tests.env("TWINLOCK_DEMO", demo::build_program(workspace, run)?);
    run.command("Swift tests", tests)?;
    demo::play_once(workspace, run, "swift")
}

/// Builds the phone that the demo can start, and the launcher beside the other programs.
pub(crate) fn build_phone(workspace: &Workspace, run: &mut Run) -> Result<(), Stop> {
    let toolchain = prepare(workspace, run)?;
    run.command("build the Swift phone", swift(workspace, &toolchain, "build", &["--product", PHONE]))?;
    write_launcher(workspace, &toolchain)
}

/// The toolchain, the library and the glue where `ios/Package.swift` looks for it.
fn prepare(workspace: &Workspace, run: &mut Run) -> Result<Toolchain, Stop> {
    let toolchain = Toolchain::ensure(run)?;
    bindings::bindings(workspace, run, &[])?;
    let made = bindings::folder(workspace, "swift");
    let generated = workspace.root.join("ios/Generated");
    let read = |name: &str| std::fs::read_to_string(made.join(name)).map_err(|fault| told(&made.join(name), &fault));
    write_if_new(&generated.join("TwinlockFFI/TwinlockFFI.h"), &read("TwinlockFFI.h")?)?;
    write_if_new(&generated.join("TwinlockFFI/module.modulemap"), MODULE_MAP)?;
    write_if_new(&generated.join("TwinlockGlue/TwinlockGlue.swift"), &read("TwinlockGlue.swift")?)?;
    Ok(toolchain)
}

/// `swift VERB` for our package, built beside what Cargo builds and linked with the library there.
fn swift(workspace: &Workspace, toolchain: &Toolchain, verb: &str, arguments: &[&str]) -> Command {
    let mut command = toolchain.command(workspace, "swift");
    command.arg(verb).arg("--package-path").arg(workspace.root.join("ios"));
    command.arg("--scratch-path").arg(scratch(workspace));
    let libraries = workspace.target.join("debug");
    command.arg("-Xlinker").arg(format!("-L{}", libraries.display()));
    command.args(["-Xlinker", "-rpath", "-Xlinker"]).arg(&libraries).args(arguments);
    command
}

fn scratch(workspace: &Workspace) -> PathBuf {
    workspace.target.join("swift")
}

/// A program beside the demo that starts the phone: in a small root only its own loader finds its libraries.
fn write_launcher(workspace: &Workspace, toolchain: &Toolchain) -> Result<(), Stop> {
    let program = scratch(workspace).join("debug").join(PHONE);
    let start = toolchain.start(&program, &workspace.target.join("debug"))?;
    let path = workspace.target.join("debug").join(LAUNCHER);
    write_if_new(&path, &format!("#!/bin/sh\nexec {} \"$@\"\n", shown(&start)))?;
    make_executable(&path)
}

#[cfg(unix)]
fn make_executable(path: &Path) -> Result<(), Stop> {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(path, mode).map_err(|fault| told(path, &fault))
}

#[cfg(not(unix))]
fn make_executable(_: &Path) -> Result<(), Stop> {
    Err(Stop::because("The Swift phone runs on macOS and Linux."))
}

/// A file that is the same keeps its time, so that SwiftPM compiles only what changed.
fn write_if_new(path: &Path, text: &str) -> Result<(), Stop> {
    if std::fs::read_to_string(path).is_ok_and(|found| found == text) {
        return Ok(());
    }
    let folder = path.parent().ok_or_else(|| Stop::because(format!("{} has no folder.", path.display())))?;
    std::fs::create_dir_all(folder).and_then(|()| std::fs::write(path, text)).map_err(|fault| told(path, &fault))
}

fn told(path: &Path, fault: &std::io::Error) -> Stop {
    Stop::because(format!("{}: {fault}.", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reduced_module_map_names_no_module_of_apple() {
        assert!(MODULE_MAP.contains("export *") && !MODULE_MAP.contains("use "));
    }
}
