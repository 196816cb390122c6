//! What nothing else notices: Argon2id in the profile that ships, against an `opt-level = 3` build of the same crate, by the
//! number of instructions. Time would say it too, on a quiet machine.

use crate::Result;
use crate::report::{Budget, Report};
use std::path::{Path, PathBuf};
use std::process::Command;

const SECTION: &str = "Argon2id in the library that ships, by instructions";
const MEMORY_KIB: &str = "19456";
const PASSES: &str = "2";

/// Builds the same example in both profiles and counts what each runs.
pub fn measure(report: &mut Report) -> Result<()> {
    let (shipped, fast) = (count("phone")?, count("release")?);
    let ratio = shipped as f64 / fast as f64;
    report.line(SECTION, "profile `phone`", shipped as f64 / 1e6, "million", None);
    report.line(SECTION, "profile `release`, opt-level 3", fast as f64 / 1e6, "million", None);
    report.line(SECTION, "phone ÷ release", ratio, "×", Budget::at_most(ratio, 1.10, "≤ 1.10 ×"));
    report.note(format!(
        "Instructions: callgrind over `core/examples/stretch.rs`, {MEMORY_KIB} KiB, {PASSES} passes, one hash; allocation \
         and wiping included. Valgrind runs the code of a processor without AVX-512."
    ));
    Ok(())
}

fn count(profile: &str) -> Result<u64> {
    let program = build(profile)?;
    let done = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args([MEMORY_KIB, PASSES])
        .output()
        .map_err(|fault| format!("valgrind: {fault}"))?;
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    if !done.status.success() {
        return Err(format!("valgrind: {said}").into());
    }
    let line = said.lines().find(|line| line.contains("Collected :")).ok_or("valgrind counted nothing")?;
    Ok(line.rsplit(' ').next().unwrap_or_default().parse()?)
}

fn build(profile: &str) -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let arguments = ["build", "--quiet", "--profile", profile, "-p", "twinlock-core", "--example", "stretch"];
    let status = Command::new(cargo).current_dir(&root).args(arguments).status()?;
    if !status.success() {
        return Err(format!("cargo {arguments:?} failed").into());
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    Ok(target.join(profile).join("examples/stretch"))
}
