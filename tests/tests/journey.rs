//! The main job, from the outside: the demo as a person starts it, with the real portal and the phone in its own process.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what broke by panicking"
)]

use std::process::Command;

/// What has to be seen, in this order: a part of what is done, and a part of what the screen shows then.
const SEEN: [(&str, &str); 24] = [
    ("requires two-step", "Portal: required"),
    ("opens the app for the first time", "Sign in"),
    ("signs in with name and password", "Set up two-step authentication"),
    ("asks for the files before the set-up", "Refused: finish this step first (TL-3001)"),
    ("begins the set-up", "QR code"),
    ("scans the QR code", "Authenticator: "),
    ("the phone enrolls", "Waiting for approval: "),
    ("asks for the files while she waits", "Refused: finish this step first (TL-3001)"),
    ("Ines, who types it", "approved"),
    ("Her phone hears of it", "Choose a PIN, 6 digits or more"),
    ("wants the PIN 123456", "the digits are a sequence (TL-1001)"),
    ("chooses a better one", "Repeat the PIN"),
    ("repeats it", "Ready"),
    ("puts a secret into the vault", "Kept"),
    ("closes the app", "Closed and locked"),
    ("opens it again", "Enter your PIN (8 tries left)"),
    ("mistypes the PIN", "Wrong PIN, 7 tries left (TL-1003)"),
    ("types the right one", "Ready"),
    ("looks at the secret in the vault", "“"),
    ("looks through the files", "3 files"),
    ("downloads one", "the same to the last byte"),
    ("Ines revokes it", "revoked"),
    ("Whoever has the phone asks for the files", "This device was revoked (TL-5007)"),
    ("And for the secret in the vault", "The vault is locked (TL-5009)"),
];

/// The numbered lines; `Err` names the first one that is missing or out of place.
fn check_walk(output: &str) -> Result<(), String> {
    let steps: Vec<&str> = output
        .lines()
        .filter(|line| line.get(..4).is_some_and(|number| number.trim().parse::<u32>().is_ok()))
        .collect();
    for (at, (done, shown)) in SEEN.iter().enumerate() {
        let line = steps.get(at).ok_or(format!("step {} is missing: {done}", at + 1))?;
        let (number, rest) = line.trim_start().split_once(' ').ok_or("no number")?;
        if number != (at + 1).to_string() || !rest.contains(done) || !rest.contains(shown) {
            return Err(format!("step {} should be “{done}” → “{shown}” and is: {line}", at + 1));
        }
    }
    if steps.len() == SEEN.len() { Ok(()) } else { Err(format!("{} steps, expected {}", steps.len(), SEEN.len())) }
}

fn build_portal() {
    let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    build.args(["build", "--quiet", "-p", "twinlock-portal", "--bin", "twinlock-portal"]);
    assert!(build.status().expect("cargo starts").success(), "the portal does not build");
}

#[test]
fn the_main_job_ends_with_ready() {
    build_portal();
    let demo = Command::new(env!("CARGO_BIN_EXE_twinlock-demo")).arg("--once").output().expect("the demo starts");
    let (output, errors) = (String::from_utf8_lossy(&demo.stdout), String::from_utf8_lossy(&demo.stderr));
    assert!(demo.status.success(), "{}\n{output}\n{errors}", demo.status);
    assert_eq!(output.lines().last(), Some("main job: Ready"), "{output}\n{errors}");
    check_walk(&output).unwrap_or_else(|fault| panic!("{fault}\n{output}"));
    assert!(!output.contains('\x1b'), "colours where there is no terminal");
}

#[test]
fn a_walk_with_a_hole_or_out_of_order_is_noticed() {
    let lines: Vec<String> =
        SEEN.iter().enumerate().map(|(at, (done, shown))| format!("{:>4}  {done}   ▸ {shown}", at + 1)).collect();
    assert_eq!(check_walk(&lines.join("\n")), Ok(()));
    for at in 0..lines.len() {
        let mut holed = lines.clone();
        holed.remove(at);
        assert!(check_walk(&holed.join("\n")).is_err(), "step {} may be missing", at + 1);
    }
    let mut swapped = lines.clone();
    swapped.swap(10, 16);
    assert!(check_walk(&swapped.join("\n")).is_err());
    assert!(check_walk("").is_err());
}

#[test]
fn an_unknown_shell_is_refused() {
    let demo = Command::new(env!("CARGO_BIN_EXE_twinlock-demo")).args(["--shell", "cobol"]).output().unwrap();
    assert!(!demo.status.success());
    assert!(String::from_utf8_lossy(&demo.stderr).contains("rust"), "the shells that exist are not named");
}
