//! What a panic says stays inside. A program of its own, because the hook is the whole process's.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod broken_ports;

use broken_ports::{Broken, config};
use std::process::Command;
use std::sync::Arc;
use twinlock_bindings::{Engine, HostError};

const SECRET: &str = "a secret that was in a panic's text";
const CHILD: &str = "TWINLOCK_TEST_PANICS";

/// Run by the test below, in a process of its own.
#[test]
fn a_child_that_panics() {
    let Some(made) = std::env::var_os(CHILD) else { return };
    if made == "engine" {
        let broken = || Arc::new(Broken(HostError::Host));
        // Refused for its roots; the first call into the library is what counts.
        assert!(Engine::new(config("https://portal.example"), broken(), broken(), broken()).is_err());
    }
    let died = std::thread::spawn(|| panic!("{SECRET}")).join();
    assert!(died.is_err());
}

fn printed(made: &str) -> String {
    let mut child = Command::new(std::env::current_exe().unwrap());
    let output = child.args(["--exact", "a_child_that_panics", "--nocapture"]).env(CHILD, made).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout)
}

#[test]
fn the_text_of_a_panic_is_printed_nowhere() {
    assert!(printed("nothing").contains(SECRET), "Rust's own hook prints it; otherwise this test sees nothing");
    assert!(!printed("engine").contains(SECRET));
}
