//! `cargo xtask`: the one command a developer and CI share. Run it without arguments to see what it can do.
//!
//! One file per command ([`demo`], [`test`], [`lint`], [`bindings`], [`bench`]; pictures are in [`web`]); [`run`] starts and times the parts, [`tools`]
//! installs what a machine lacks, [`swift_toolchain`] brings Swift, [`ids`] and [`files`] are checks of our own.

mod api;
mod bench;
mod bindings;
mod demo;
mod files;
mod ids;
mod kotlin;
mod lint;
mod postgres;
mod quick_start;
mod run;
mod swift;
mod swift_toolchain;
mod test;
mod tools;
mod web;
mod workspace;

use run::{Run, Stop};
use std::process::ExitCode;
use workspace::Workspace;

const USAGE: &str = "\
cargo xtask COMMAND

  demo [--once] [--shell NAME]  start a portal on this machine and play the first day of an organisation
                                --once   play it without waiting for you, and stop
                                --shell  who plays the phone: rust, kotlin or swift
  test [PART] [ARGUMENT…]       run all tests, or one part; an unknown part prints the list of parts
                                rust runs the server suite on SQLite and, as postgres does alone, on PostgreSQL
                                arguments go to `cargo test`: cargo xtask test journey -- --nocapture
                                or to Maven: cargo xtask test kotlin -Dtest=PortalTest
                                or to `swift test`: cargo xtask test swift --filter PortalTests
                                or to Node's test runner: cargo xtask test web pages.test.js
  lint                          everything that is checked without running the product
  bindings [--accept]           make the library and the glue for Kotlin and Swift, in target/bindings
                                --accept  what crosses the FFI was changed on purpose: keep it in bindings/api.txt
  pictures                      make the pictures of docs/admin.md anew, and one of every page in target/web/pictures
  bench [ARGUMENT…]             measure speed and size

The first run of `lint` compiles cargo-deny, which takes minutes. Everything else that is missing is named, and
installed if this is Debian and you are root, or CI.
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut words = arguments.iter().map(String::as_str);
    let command = words.next().unwrap_or("help");
    let rest: Vec<&str> = words.collect();
    match command {
        "help" | "--help" | "-h" => {
            print!("{USAGE}");
            ExitCode::SUCCESS
        }
        "demo" | "test" | "lint" | "bindings" | "pictures" | "bench" => in_workspace(command, &rest),
        unknown => {
            eprint!("There is no command `{unknown}`.\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn in_workspace(command: &str, rest: &[&str]) -> ExitCode {
    let mut run = Run::default();
    let outcome = Workspace::load().and_then(|workspace| match command {
        "demo" => demo::demo(&workspace, &mut run, rest),
        "test" => test::test(&workspace, &mut run, rest),
        "lint" => lint::lint(&workspace, &mut run, rest),
        "bindings" => bindings::bindings(&workspace, &mut run, rest),
        "pictures" => web::pictures(&workspace, &mut run),
        _ => bench::bench(&workspace, &mut run, rest),
    });
    run.print_table();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(stop) => {
            print_stop(&stop);
            ExitCode::FAILURE
        }
    }
}

fn print_stop(stop: &Stop) {
    eprintln!("\n{}", stop.message);
    if let Some(again) = &stop.again {
        eprintln!("To repeat just this: {again}");
    }
}
