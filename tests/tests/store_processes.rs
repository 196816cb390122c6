//! Several processes, killed processes and failing disks. This test binary starts itself again as the other process.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod store_support;

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use store_support::*;
use twinlock_portal::store::{Fault, StoreError};

const ROLE: &str = "TWINLOCK_STORE_TEST_ROLE";
const FILE: &str = "TWINLOCK_STORE_TEST_FILE";

/// What the other process does. Without a role, as in a plain test run, nothing.
#[tokio::test(flavor = "multi_thread")]
async fn the_other_process() {
    let Ok(role) = std::env::var(ROLE) else {
        return;
    };
    let path = std::env::var_os(FILE).unwrap();
    if role == "read-only" {
        let refused = try_open(&path, options()).err();
        assert_eq!(refused, Some(StoreError::Unavailable(Fault::ReadOnly)));
        return;
    }
    let store = try_open(&path, options()).unwrap();
    match role.as_str() {
        "increment" => {
            for _ in 0..500 {
                assert_eq!(store.write(|tx| tx.exec(INCREMENT, &[])).await, Ok(1));
            }
            store.close().await;
        }
        "insert-forever" => {
            let tasks = (0..32i64).map(|task| {
                let store = store.clone();
                tokio::spawn(async move {
                    for n in 0.. {
                        let id = task * 1_000_000 + n;
                        store.write(move |tx| insert(tx, id)).await.unwrap();
                        let mut out = std::io::stdout().lock();
                        writeln!(out, "kept {id}").and_then(|()| out.flush()).unwrap();
                    }
                })
            });
            for task in tasks.collect::<Vec<_>>() {
                task.await.unwrap();
            }
        }
        "file-size-limit" => {
            let mut kept = Vec::new();
            let fault = loop {
                let id = kept.len() as i64;
                let write = move |tx: &mut twinlock_portal::store::Tx<'_>| {
                    tx.exec(INSERT_ITEM, &[id.into(), vec![1u8; 3000].into()])
                };
                match store.write(write).await {
                    Ok(_) => kept.push(id),
                    Err(fault) => break fault,
                }
                assert!(id < 100_000);
            };
            assert!(matches!(fault, StoreError::Unavailable(Fault::Io | Fault::Full)), "{fault:?}");
            assert_eq!(ids(&store).await, kept);
        }
        other => panic!("{other}"),
    }
}

fn other(role: &str, path: &OsStr, shell: Option<&str>) -> Command {
    let exe = std::env::current_exe().unwrap();
    let mut command = match shell {
        Some(script) => {
            let mut command = Command::new("sh");
            command.args(["-c", &format!("{script}; exec \"$0\" \"$@\"")]).arg(exe);
            command
        }
        None => Command::new(exe),
    };
    command.args(["--exact", "the_other_process", "--nocapture"]);
    command.env(ROLE, role).env(FILE, path);
    command
}

#[tokio::test]
async fn f31_two_processes_lose_no_update_and_take_turns() {
    let dir = place();
    let path = dir.name();
    // Nobody has made the file yet: both also race to migrate it.
    let both: Vec<_> = (0..2).map(|_| other("increment", &path, None).spawn().unwrap()).collect();
    for mut child in both {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(open(&dir).read(counter).await, Ok(1000));
}

#[tokio::test]
async fn f38_what_was_answered_survives_a_kill() {
    for round in 0..8 {
        let dir = place();
        let path = dir.name();
        let mut child = other("insert-forever", &path, None).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut answered: Vec<i64> = Vec::new();
        let kept = |line: String| -> Option<i64> { Some(line.split_once("kept ")?.1.parse().unwrap()) };
        while answered.len() < 40 + round * 37 {
            answered.extend(kept(lines.next().unwrap().unwrap()));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // The last line may be cut off; a whole line was answered.
        answered.extend(lines.map_while(Result::ok).filter_map(kept));
        let stored = ids(&open(&dir)).await;
        for id in answered {
            assert!(stored.binary_search(&id).is_ok(), "{id} was answered and is gone");
        }
    }
}

#[test]
fn b68_a_failing_disk_fails_closed() {
    let dir = place();
    // A file-size limit makes the kernel refuse the log's growth, as a broken disk would.
    let limit = "trap '' XFSZ; ulimit -f 1500";
    let status = other("file-size-limit", &dir.name(), Some(limit)).status().unwrap();
    assert!(status.success());
}

#[tokio::test]
async fn b68_a_read_only_file_is_named_as_such() {
    let dir = place();
    let path = dir.path().join("db");
    let store = open(&dir);
    store.write(|tx| insert(tx, 1)).await.unwrap();
    store.close().await;
    let before = std::fs::read(&path).unwrap();
    // Permissions do not bind root, therefore the other process gives its rights up; it needs a copy it may run.
    let exe = dir.path().join("test");
    std::fs::copy(std::env::current_exe().unwrap(), &exe).unwrap();
    for (file, mode) in [(dir.path(), 0o555), (&path, 0o444), (&exe, 0o555)] {
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    std::fs::set_permissions(dir.path().join("db-turn"), std::fs::Permissions::from_mode(0o444)).unwrap();
    let mut command = Command::new(&exe);
    command.args(["--exact", "the_other_process"]).env(ROLE, "read-only").env(FILE, &path);
    if std::fs::write(dir.path().join("probe"), "").is_ok() {
        command.uid(65534).gid(65534);
    }
    assert!(command.status().unwrap().success());
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), before);
}
