//! `twinlock-portal`: see `twinlock-portal --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    twinlock_portal::cli::run()
}
