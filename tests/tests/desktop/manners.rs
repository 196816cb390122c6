//! How the command behaves towards scripts, terminals, folders and portals.

use crate::desk::Desk;
use crate::support::*;
use serde_json::json;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

#[tokio::test(flavor = "multi_thread")]
async fn without_a_keyring_both_ways_out_are_told_and_no_file_is_made() {
    let desk = Desk::set().await;
    let (portal, ca) = (desk.portal(), desk.ca());
    let arguments = [desk.register(&portal, &ca, BO), vec!["--json", "--password-file", "-"]].concat();
    let mut command = desk.bare(&arguments);
    command.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere");
    let said = crate::desk::Said::from(program::run(command, PASSWORD)).expect(6);
    let what = said.failure()["what_to_do"].as_str().unwrap().to_owned();
    assert!(what.contains("KWallet") && what.contains("--insecure-file-store"), "{what}");
    assert_eq!(std::fs::read_dir(desk.folder.path()).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_others_can_read_is_refused() {
    let desk = Desk::ready().await;
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&desk.store()), 0o600);
    std::fs::set_permissions(desk.store(), std::fs::Permissions::from_mode(0o644)).unwrap();
    let said = desk.run(&["--json", "status"], "").expect(6);
    assert!(said.failure()["message"].as_str().unwrap().contains("Others can reach"), "{}", said.stderr);
}

/// b56: a portal that is down, or that closes each connection, is tried once and not again and again.
#[tokio::test(flavor = "multi_thread")]
async fn b56_a_portal_that_does_not_answer_is_asked_once() {
    let desk = Desk::ready().await;
    let port = desk.served.port;
    let Desk { served, world, folder, ada, authenticator } = desk;
    served.kill();
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let closing = tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            drop(connection);
        }
    });
    let mut command = std::process::Command::new(Desk::program());
    command.args(["--json", "files", "get", "--all"]).env_clear().current_dir(folder.path());
    command.env("TWINLOCK_INSECURE_FILE_STORE", folder.path().join("twinlock"));
    let said = tokio::task::spawn_blocking(move || program::run(command, "")).await.unwrap();
    closing.abort();
    let said = crate::desk::Said::from(said).expect(5);
    assert_eq!(said.failure()["code"], "TL-4001");
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    drop((world, ada, authenticator));
}

#[tokio::test(flavor = "multi_thread")]
async fn b56_an_ended_session_costs_two_requests_and_no_more() {
    let desk = Desk::ready().await;
    desk.run(&["status"], "").expect(0);
    desk.cut();
    let before = desk.served.log().len();
    desk.run(&["files", "get", "--all"], "").expect(3);
    // The portal's time, and the question that is refused.
    let answered = desk.answered(before);
    assert_eq!(answered.len(), 2, "{answered:#?}");
    let before = desk.served.log().len();
    desk.run(&["files", "get", "--all"], "").expect(3);
    assert!(desk.answered(before).len() <= 2, "{:#?}", desk.answered(before));
}

/// What is wrong with the first file is wrong with the portal: the others are not asked for.
#[tokio::test(flavor = "multi_thread")]
async fn b56_after_a_fault_of_the_portal_no_further_file_is_asked_for() {
    let desk = Desk::ready().await;
    desk.add_file("n-last.txt", "last");
    desk.world.sql("UPDATE file SET sha256 = '00'");
    let before = desk.served.log().len();
    let said = desk.run(&["--json", "files", "get", "--all"], "").expect(5);
    assert_eq!(said.json()["not_fetched"].as_array().unwrap().len(), 2);
    let of_files = desk.answered(before).into_iter().filter(|line| line.contains("/v1/files/")).count();
    assert_eq!(of_files, 1, "{:#?}", desk.answered(before));
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_the_portal_stay_in_the_folder_and_off_the_terminal() {
    let desk = Desk::ready().await;
    let file = &desk.world.file;
    // The operator's command line refuses such names; a hostile portal would not.
    desk.world.sql(&format!("UPDATE file SET name = '../../up\u{1b}[2J.txt' WHERE id = '{file}'"));
    let inner = desk.path("inner");
    let to = inner.display().to_string();
    let listed = desk.run(&["files", "list"], "").expect(0);
    assert!(!listed.stdout.contains('\u{1b}') && listed.stdout.contains("up"), "{:?}", listed.stdout);
    let said = desk.run(&["--json", "files", "get", file, "--to", &to], "").expect(0);
    assert!(!said.stdout.contains('\u{1b}'));
    let made: Vec<_> = std::fs::read_dir(&inner).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(made, ["_.._.._up_[2J.txt"]);
    // There already: not without --force.
    let said = desk.run(&["--json", "files", "get", file, "--to", &to], "").expect(10);
    assert_eq!(said.failure()["class"], "file");
    desk.run(&["files", "get", file, "--to", &to, "--force"], "").expect(0);
    desk.run(&["files", "get", "nothing"], "").expect(10);
    // What is not what the list says is thrown away, and what is there stays.
    let kept = inner.join("_.._.._up_[2J.txt");
    desk.world.sql(&format!("UPDATE file SET sha256 = '00' WHERE id = '{file}'"));
    desk.run(&["files", "get", file, "--to", &to, "--force"], "").expect(5);
    assert_eq!(std::fs::read_to_string(&kept).unwrap(), FILE_CONTENT);
    assert_eq!(std::fs::read_dir(&inner).unwrap().count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn colours_pages_and_wrong_words() {
    let desk = Desk::ready().await;
    assert!(!desk.run(&["status"], "").expect(0).stdout.contains('\u{1b}'));
    assert!(desk.run(&["status", "--color", "always"], "").expect(0).stdout.contains('\u{1b}'));
    let mut terminal = desk.at_terminal(&["status"]);
    assert!(terminal.exp_eof().unwrap().contains('\u{1b}'), "a terminal gets colours");
    let mut command = desk.command(&["status"]);
    command.env("NO_COLOR", "1");
    let mut terminal = Desk::in_terminal(&command);
    assert!(!terminal.exp_eof().unwrap().contains('\u{1b}'), "NO_COLOR");
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(desk.run(&["completions", shell], "").expect(0).stdout.contains("sign-out"), "{shell}");
    }
    let man = desk.run(&["man"], "").expect(0).stdout;
    assert!(man.starts_with(".ie") && man.contains(".TH twinlock") && man.contains("Exit codes"), "{man}");
    assert!(desk.run(&["--help"], "").expect(0).stdout.contains("Exit codes"));
    desk.run(&["files", "fetch"], "").expect(2);
    desk.run(&["register", "--password", PASSWORD], "").expect(2);
    // Another member of the same desk says so first.
    let (portal, ca) = (desk.portal(), desk.ca());
    let said = desk.run(&[desk.register(&portal, &ca, CY), vec!["--json"]].concat(), "").expect(2);
    assert!(said.failure()["what_to_do"].as_str().unwrap().contains("--replace"));
    assert_eq!(desk.run(&["--json", "status"], "").expect(0).json()["name"], json!(BO));
}
