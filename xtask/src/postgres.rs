//! The server suite once more, on PostgreSQL: `cargo xtask test postgres`, and a part of `cargo xtask test rust`.

use crate::run::{Run, Stop};
use crate::test::build_programs;
use crate::tools::{DBUS, KEYRING, NGINX, NPM, OATHTOOL, POSTGRESQL, SQLITE, ensure_packages};
use crate::workspace::Workspace;

/// Targets that open no database of a portal's, or start a PostgreSQL of their own.
const WITHOUT: [&str; 7] =
    ["arrows", "decide_enumeration", "errors_table", "parity", "postgres_store", "sql_on_postgres", "two_portals"];

/// The only tests that do not run on PostgreSQL, each with the reason.
const SQLITE_ONLY: [(&str, &str); 11] = [
    ("a_busy_portal_does_not_starve_the_one_beside_it", "turns at the one writer's lock"),
    ("a_failing_commit_fails_every_request_of_the_batch", "group commit"),
    ("a_held_lock_answers_busy_to_everyone_waiting", "the one writer's lock"),
    ("b68_a_failing_disk_fails_closed", "the limit of a file's size hits SQLite's log"),
    ("b68_a_full_database_fails_closed_and_recovers", "SQLite's limit of pages"),
    ("b68_a_full_database_lets_nobody_in_and_says_so", "SQLite's limit of pages"),
    ("b68_a_read_only_file_is_named_as_such", "the file's mode"),
    ("every_connection_has_every_protection_on", "pragmas and the modes of files"),
    ("f49_after_a_restore_a_device_has_two_tries_and_waits_for_approval_again", "puts a copy of the file back"),
    ("only_the_macro_makes_sql", "looks at sources, not at a database"),
    ("the_log_stays_capped_under_load", "the write-ahead log's file"),
];

/// Starts a private server and runs every test target that opens a portal's database on it.
pub(crate) fn test(workspace: &Workspace, run: &mut Run, arguments: &[&str]) -> Result<(), Stop> {
    ensure_packages(run, &[&DBUS, &KEYRING, &NGINX, &NPM, &OATHTOOL, &POSTGRESQL, &SQLITE])?;
    build_programs(workspace, run)?;

    println!("\nNot on PostgreSQL:");
    for (test, reason) in SQLITE_ONLY {
        println!("  {test}: {reason}");
    }
    let mut tests = workspace.cargo();
    tests.args(["run", "-q", "-p", "twinlock-tests", "--bin", "twinlock-on-postgres", "--"]);
    tests.args(["cargo", "test", "--no-fail-fast", "-p", "twinlock-tests"]);
    for target in workspace.tests.iter().filter(|target| !WITHOUT.contains(&target.as_str())) {
        tests.args(["--test", target]);
    }
    tests.args(arguments.iter().take_while(|argument| **argument != "--"));
    tests.arg("--");
    tests.args(arguments.iter().skip_while(|argument| **argument != "--").skip(1));
    for (test, _) in SQLITE_ONLY {
        tests.args(["--skip", test]);
    }
    run.command("server suite on PostgreSQL", tests)
}
