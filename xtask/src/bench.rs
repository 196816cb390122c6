//! `cargo xtask bench`: measures speed and size.

use crate::run::{Run, Stop};
use crate::workspace::Workspace;

/// Runs the benchmarks, optimised as the portal ships.
pub(crate) fn bench(workspace: &Workspace, run: &mut Run, rest: &[&str]) -> Result<(), Stop> {
    let mut command = workspace.cargo();
    command.args(["run", "--release", "-p", "twinlock-bench"]);
    if !rest.is_empty() {
        command.arg("--").args(rest);
    }
    run.command("bench", command)
}
