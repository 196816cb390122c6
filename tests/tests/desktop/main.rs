//! The desktop client as it is: the real command at a terminal and in scripts, against the real portal over TLS.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "../support/mod.rs"]
mod support;

mod desk;
mod manners;

use desk::Desk;
use serde_json::json;
use std::io::Write;
use std::process::{Command, Stdio};
use support::*;

#[tokio::test(flavor = "multi_thread")]
async fn b54_at_a_terminal_a_code_is_asked_for_and_nothing_secret_is_shown() {
    let mut desk = Desk::set().await;
    let (portal, ca) = (desk.portal(), desk.ca());
    // A member without two-step is told what to do, and nothing is left behind.
    let mut terminal = desk.at_terminal(&desk.register(&portal, &ca, CY));
    terminal.exp_string("Password: ").unwrap();
    terminal.send_line(PASSWORD).unwrap();
    let said = terminal.exp_eof().unwrap();
    assert!(said.contains("TL-3013") && said.contains("portal's page") && !said.contains(PASSWORD), "{said}");
    assert_eq!(desk.world.sql("SELECT count(*) FROM session WHERE surface = 'desktop'"), "0");
    desk.run(&["status"], "").expect(3);
    // Bo: password, a wrong code, the right code, the approval.
    let mut terminal = desk.at_terminal(&[desk.register(&portal, &ca, BO), vec!["--wait"]].concat());
    terminal.exp_string("Password: ").unwrap();
    terminal.send_line(PASSWORD).unwrap();
    let mut said = terminal.exp_string("Code of your authenticator app: ").unwrap();
    // Everybody on the machine reads the arguments of a process, and its owner the environment.
    let running = desk.running();
    assert!(running.contains("register") && !running.contains(PASSWORD), "{running}");
    let (wrong, right) = (desk.authenticator.wrong_code(system_now_ms(), 1), desk.code());
    terminal.send_line(&wrong).unwrap();
    said += &terminal.exp_string("Code of your authenticator app: ").unwrap();
    terminal.send_line(&right).unwrap();
    said += &terminal.exp_string("Comparison code: ").unwrap();
    let (_, code) = terminal.exp_regex("[0-9]{4} [0-9]{4}").unwrap();
    let device = desk.world.sql("SELECT id FROM device");
    desk.ada.type_comparison(&device, &code).await.expect(204);
    said += &terminal.exp_eof().unwrap();
    assert!(said.contains("ready"), "{said}");
    for secret in [PASSWORD, wrong.as_str(), right.as_str()] {
        assert!(!said.contains(secret), "echoed: {said}");
        assert!(!std::fs::read_to_string(desk.store()).unwrap().contains(secret), "stored");
    }
    desk.run(&["status"], "").expect(0);
    // The session goes on in the next command, without a question.
    assert!(desk.run(&["files", "list"], "").expect(0).stdout.contains(FILE_NAME));
    // Once it has ended, password and code again, and no new approval; so does registering again.
    desk.cut();
    for arguments in [vec!["files", "list"], desk.register(&portal, &ca, BO)] {
        let mut terminal = desk.at_terminal(&arguments);
        terminal.exp_string("Password: ").unwrap();
        terminal.send_line(PASSWORD).unwrap();
        terminal.exp_string("Code of your authenticator app: ").unwrap();
        terminal.send_line(&desk.code()).unwrap();
        let said = terminal.exp_eof().unwrap();
        assert!(said.contains(FILE_NAME) || said.contains("ready"), "{said}");
    }
    assert_eq!(desk.world.sql("SELECT count(*) FROM device"), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn b54_in_a_script_an_ended_session_is_a_class_of_its_own_and_goes_on_with_what_it_is_given() {
    let mut desk = Desk::set().await;
    let said = desk.enroll().expect(4).json();
    assert_eq!((&said["state"], &said["key_place"]), (&json!("pending"), &json!("file")), "{said}");
    // Pending: nothing is reached, and the code can be seen again.
    let refused = desk.run(&["--json", "files", "list"], "").expect(4);
    assert_eq!((&refused.failure()["class"], refused.stdout.as_str()), (&json!("refused"), ""));
    let again = desk.run(&["--json", "status"], "").expect(4).json();
    assert_eq!(again["comparison_code"], said["comparison_code"]);
    let page = desk.ada.get("/admin/devices").await.text();
    assert!(page.contains("software (a file)"), "{page}");
    desk.approve(&said).await;
    assert_eq!(desk.run(&["--json", "status"], "").expect(0).json()["state"], "ready");
    let listed = desk.run(&["--json", "files", "list"], "").expect(0).json();
    assert_eq!(listed["files"][0]["name"], FILE_NAME);
    desk.cut();
    let ended = desk.run(&["--json", "files", "get", "--all"], "").expect(3);
    let failure = ended.failure();
    assert_eq!((&failure["code"], &failure["class"]), (&json!("TL-3005"), &json!("sign_in")), "{failure}");
    assert!(failure["what_to_do"].as_str().is_some_and(|text| !text.is_empty()));
    let given = ["files", "get", FILE_NAME, "--password-file", "-", "--code-file", "-"];
    desk.run(&given, &desk.credentials()).expect(0);
    assert_eq!(std::fs::read_to_string(desk.path(FILE_NAME)).unwrap(), FILE_CONTENT);
    // Signed out is signed out at the portal as well.
    desk.run(&["sign-out"], "").expect(0);
    assert_eq!(desk.world.sql("SELECT count(*) FROM session WHERE surface = 'desktop'"), "0");
    desk.run(&["status"], "").expect(3);
    // Revoked: told once and for all, and the key is gone.
    let device = said["device"].as_str().unwrap();
    desk.ada.decide(device, "revoke").await.expect(204);
    desk.run(&given, &desk.credentials()).expect(7);
    assert!(!std::fs::read_to_string(desk.store()).unwrap().contains(".key"), "the key outlived the device");
    desk.run(&["status"], "").expect(7);
}

/// The second of three files is a pipe: while it is on its way, the session ends.
#[tokio::test(flavor = "multi_thread")]
async fn b56_what_was_fetched_stays_when_the_session_is_cut_and_nothing_is_asked_again() {
    let desk = Desk::ready().await;
    let held = desk.add_file("m-held.txt", "held");
    desk.add_file("n-last.txt", "last");
    std::fs::write(desk.path("n-last.txt"), "mine").unwrap();
    let pipe = desk.hold(&held);
    let before = desk.served.log().len();
    let running = desk
        .command(&["--json", "files", "get", "--all", "--force"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Opens once the portal reads from it.
    let mut content = tokio::task::spawn_blocking(move || std::fs::OpenOptions::new().write(true).open(pipe)).await;
    let content = content.as_mut().unwrap().as_mut().unwrap();
    desk.cut();
    content.write_all(b"held").unwrap();
    drop(std::mem::replace(content, std::fs::File::create(desk.path("unused")).unwrap()));
    let said = desk::Said::from(running.wait_with_output().unwrap()).expect(3);
    assert_eq!(said.failure()["code"], "TL-3005");
    let names = |list: &str| -> Vec<String> {
        let value = said.json();
        value[list].as_array().unwrap().iter().map(|file| file["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("fetched"), [FILE_NAME, "m-held.txt"]);
    assert_eq!(names("not_fetched"), ["n-last.txt"]);
    assert_eq!(std::fs::read_to_string(desk.path("m-held.txt")).unwrap(), "held");
    assert_eq!(std::fs::read_to_string(desk.path("n-last.txt")).unwrap(), "mine", "what was there is not lost");
    assert!(!desk.path("n-last.txt.part").exists());
    let refused = desk.answered(before).into_iter().filter(|line| line.contains("401")).count();
    assert_eq!(refused, 1, "one request met the end of the session: {:#?}", desk.answered(before));
}

/// In the middle of a file the portal is gone: the local one is as it was.
#[tokio::test(flavor = "multi_thread")]
async fn b56_a_download_that_breaks_off_leaves_the_local_file_alone() {
    let desk = Desk::ready().await;
    let held = desk.add_file("held.txt", "as long as this");
    std::fs::write(desk.path("held.txt"), "mine").unwrap();
    let pipe = desk.hold(&held);
    let get = desk.command(&["files", "get", "held.txt", "--force"]).stdin(Stdio::null()).spawn();
    let mut running = get.unwrap();
    let opened = tokio::task::spawn_blocking(move || std::fs::OpenOptions::new().write(true).open(pipe)).await;
    let mut content = opened.unwrap().unwrap();
    content.write_all(b"as long").unwrap();
    let Desk { served, folder, .. } = desk;
    served.kill();
    drop(content);
    assert_eq!(running.wait().unwrap().code(), Some(5));
    assert_eq!(std::fs::read_to_string(folder.path().join("held.txt")).unwrap(), "mine");
    assert!(!folder.path().join("held.txt.part").exists());
}

/// A bus and a keyring of the test's own; the password is that of the keyring.
#[tokio::test(flavor = "multi_thread")]
async fn key_and_session_lie_in_the_systems_keyring() {
    let mut desk = Desk::set().await;
    let (portal, ca) = (desk.portal(), desk.ca());
    let program = Desk::program().display().to_string();
    let register = desk.register(&portal, &ca, BO).into_iter().map(quoted).collect::<Vec<_>>().join(" ");
    let credentials = desk.path("credentials");
    std::fs::write(&credentials, desk.credentials()).unwrap();
    // `ready` waits for a line of ours, which comes after the approval.
    let script = format!(
        "printf keyring | gnome-keyring-daemon --unlock --components=secrets > /dev/null 2>&1
        {program} {register} --json --password-file - --code-file - < credentials; echo $?
        read approved; {program} --json status; echo $?
        {program} files list; echo $?"
    );
    let mut bus = Command::new("dbus-run-session");
    bus.args(["--", "sh", "-c", &script]).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    for name in ["HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"] {
        bus.env(name, desk.folder.path());
    }
    bus.current_dir(desk.folder.path()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = bus.spawn().expect("dbus-run-session starts; install dbus-daemon");
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(running.stdout.take().unwrap()));
    let mut next = || lines.next().unwrap_or_else(|| Ok("(nothing)".to_owned())).unwrap();
    let said = next();
    let said: serde_json::Value = serde_json::from_str(&said).unwrap_or_else(|_| {
        let _ = running.kill();
        let output = running.stderr.take().map(std::io::read_to_string);
        panic!("{said}: {output:?}")
    });
    assert_eq!((next().as_str(), &said["key_place"]), ("4", &json!("keyring")));
    desk.approve(&said).await;
    let page = desk.ada.get("/admin/devices").await.text();
    assert!(page.contains("software (the system’s keyring)"), "{page}");
    running.stdin.take().unwrap().write_all(b"approved\n").unwrap();
    assert!(next().contains("\"ready\""));
    assert_eq!(next(), "0");
    assert!(next().contains(FILE_NAME));
    assert_eq!(next(), "0");
    running.wait().unwrap();
    assert!(!desk.store().exists(), "no file was made by itself");
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
