//! One writer, many requests: what is kept, what is undone, what is refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod store_support;

use std::sync::mpsc;
use store_support::*;
use twinlock_portal::store::{Fault, Options, Store, StoreError, Tx, Value};

/// Holds the writer until told, so that everything queued meanwhile lands in one commit.
fn gate(store: &Store) -> (mpsc::Sender<()>, tokio::task::JoinHandle<()>) {
    let (open, wait) = mpsc::channel();
    let store = store.clone();
    let held = tokio::spawn(async move {
        let _ = store.write(move |_| wait.recv().map_err(|_| StoreError::Closed)).await;
    });
    (open, held)
}

/// Lets every spawned task run until it waits; on a current-thread runtime that queues its request.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn one_failing_request_leaves_the_others_of_its_batch() {
    let dir = place();
    let store = open(&dir);
    let (go, held) = gate(&store);
    let tasks: Vec<_> = (0..10i64)
        .map(|id| {
            let store = store.clone();
            tokio::spawn(async move {
                store
                    .write(move |tx| {
                        insert(tx, id)?;
                        if id == 4 { Err(StoreError::Closed) } else { Ok(id) }
                    })
                    .await
            })
        })
        .collect();
    settle().await;
    go.send(()).unwrap();
    held.await.unwrap();
    for (id, task) in tasks.into_iter().enumerate() {
        assert_eq!(task.await.unwrap().is_ok(), id != 4, "{id}");
    }
    assert_eq!(ids(&store).await, [0, 1, 2, 3, 5, 6, 7, 8, 9]);
}

#[tokio::test]
async fn a_panic_is_undone_and_the_writer_lives_on() {
    let dir = place();
    let store = open(&dir);
    let answer = store
        .write(|tx| -> Result<(), StoreError> {
            insert(tx, 1)?;
            panic!("on purpose")
        })
        .await;
    assert_eq!(answer, Err(StoreError::Panicked));
    let answer = store.read(|_| -> Result<(), StoreError> { panic!("on purpose") }).await;
    assert_eq!(answer, Err(StoreError::Panicked));
    store.write(|tx| insert(tx, 2)).await.unwrap();
    assert_eq!(ids(&store).await, [2]);
}

#[tokio::test]
async fn a_swallowed_error_does_not_commit() {
    let dir = place();
    let store = open(&dir);
    let answer = store
        .write(|tx| {
            insert(tx, 1)?;
            assert_eq!(insert(tx, 1), Err(StoreError::Conflict { statement: "INSERT_ITEM" }));
            let _ = insert(tx, 2);
            Ok(())
        })
        .await;
    assert_eq!(answer, Err(StoreError::Conflict { statement: "INSERT_ITEM" }));
    assert_eq!(ids(&store).await, [0; 0]);
}

#[tokio::test]
async fn a_failing_commit_fails_every_request_of_the_batch() {
    let dir = place();
    let store = open(&dir);
    let (go, held) = gate(&store);
    let good = tokio::spawn({
        let store = store.clone();
        async move { store.write(|tx| insert(tx, 1)).await }
    });
    let bad = tokio::spawn({
        let store = store.clone();
        // A deferred foreign key is checked by COMMIT alone.
        async move { store.write(|tx| tx.exec(INSERT_CHILD, &[1i64.into(), 99i64.into()])).await }
    });
    settle().await;
    go.send(()).unwrap();
    held.await.unwrap();
    let refused = good.await.unwrap().unwrap_err();
    assert!(matches!(&refused, StoreError::Driver { statement: "COMMIT", .. }), "{refused:?}");
    assert_eq!(bad.await.unwrap().unwrap_err(), refused);
    assert_eq!(ids(&store).await, [0; 0]);
    store.write(|tx| insert(tx, 3)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_visible_to_another_process_at_once() {
    let dir = place();
    let (store, other) = (open(&dir), open(&dir));
    for id in 0..200 {
        store.write(move |tx| insert(tx, id)).await.unwrap();
        assert_eq!(ids(&other).await.len() as i64, id + 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f31_a_thousand_parallel_conditional_updates_succeed_once_per_step() {
    let dir = place();
    let store = open(&dir);
    store.write(|tx| tx.exec(INSERT_FACTOR, &[])).await.unwrap();
    for step in 1..=5i64 {
        let tasks: Vec<_> = (0..200)
            .map(|_| {
                let store = store.clone();
                tokio::spawn(async move {
                    store.write(move |tx| tx.exec(ACCEPT_STEP, &["f".into(), step.into()])).await.unwrap()
                })
            })
            .collect();
        let mut accepted = 0;
        for task in tasks {
            accepted += task.await.unwrap();
        }
        assert_eq!(accepted, 1, "step {step}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_sees_one_snapshot_and_cannot_write() {
    let dir = place();
    let store = open(&dir);
    store.write(|tx| insert(tx, 1)).await.unwrap();
    let (seen, first) = mpsc::channel();
    let (go, written) = mpsc::channel();
    let read = tokio::spawn({
        let store = store.clone();
        async move {
            store
                .read(move |tx| {
                    let before = count(tx)?;
                    seen.send(()).unwrap();
                    written.recv().unwrap();
                    Ok((before, count(tx)?))
                })
                .await
        }
    });
    tokio::task::spawn_blocking(move || first.recv()).await.unwrap().unwrap();
    store.write(|tx| insert(tx, 2)).await.unwrap();
    go.send(()).unwrap();
    assert_eq!(read.await.unwrap(), Ok((1, 1)));
    assert_eq!(store.read(count).await, Ok(2));

    let refused = store.read(|tx| insert(tx, 3)).await.unwrap_err();
    assert_eq!(refused, StoreError::Misuse { statement: "INSERT_ITEM", why: "it writes within a read" });
}

#[tokio::test]
async fn parameters_are_bound_by_number_not_by_appearance() {
    let dir = place();
    let store = open(&dir);
    let (a, b, c, d, few, many) = store
        .write(|tx| {
            for _ in 0..2 {
                // Twice: the second time the statement comes from the cache.
                let row = tx.query_one(ORDER, &["one".into(), 2i64.into()])?.unwrap();
                assert_eq!((row.int(0)?, row.text(1)?, row.int(2)?), (2, "one", 2));
            }
            let row = tx.query_one(ORDER, &[Value::Null, Value::Null])?.unwrap();
            tx.exec(INSERT_ITEM, &[7i64.into(), (&b"x"[..]).into()])?;
            let bytes = tx.query_one(BYTES, &[7i64.into(), (&b"x"[..]).into()])?.unwrap();
            Ok((
                row.opt_text(1)?.map(str::to_owned),
                bytes.blob(0)?.to_vec(),
                row.int(0),
                row.text(7).map(str::to_owned),
                tx.prepare(ORDER)?,
                tx.prepare(INSERT_ITEM)?,
            ))
        })
        .await
        .unwrap();
    let wrong = |column, wanted| StoreError::Column { statement: "ORDER", column, wanted };
    assert_eq!((a, b), (None, b"x".to_vec()));
    assert_eq!((c, d), (Err(wrong(0, "BIGINT")), Err(wrong(7, "TEXT"))));
    assert_eq!((few, many), (2, 2));
    let gap = store.write(|tx| tx.query(GAP, &[1i64.into()])).await.map(|_| ());
    // PostgreSQL's own parser finds both, and its refusals have no name but their code.
    let is_refused = |answer, name| match answer {
        Err(StoreError::Misuse { statement, .. } | StoreError::Driver { statement, .. }) => statement == name,
        _ => false,
    };
    assert!(is_refused(gap, "GAP"));

    let few = store.write(|tx| tx.exec(INSERT_ITEM, &[1i64.into()])).await;
    assert!(matches!(few, Err(StoreError::Misuse { statement: "INSERT_ITEM", .. })));
    let two = store.write(|tx| tx.query(TWO, &[])).await.map(|_| ());
    assert!(is_refused(two, "TWO"));
}

#[tokio::test]
async fn a_text_with_a_nul_is_refused_and_undoes_the_request() {
    let dir = place();
    let store = open(&dir);
    let refused = store.write(|tx| {
        tx.exec(INCREMENT, &[])?;
        tx.query_one(ORDER, &["one\0two".into(), 2i64.into()])
    });
    assert_eq!(refused.await.unwrap_err(), StoreError::Nul { statement: "ORDER" });
    let count = store.read(|tx| tx.query_one(COUNTER, &[])?.unwrap().int(0)).await.unwrap();
    assert_eq!(count, 0);
    // A blob may hold anything.
    store.write(|tx| tx.exec(INSERT_ITEM, &[1i64.into(), (&b"a\0b"[..]).into()])).await.unwrap();
}

#[tokio::test]
async fn a_wrong_type_is_an_error_and_undoes_the_request() {
    let dir = place();
    let store = open(&dir);
    let wrong = store
        .write(|tx| {
            insert(tx, 1)?;
            let row = tx.query_one(ONE_ITEM, &[1i64.into()])?.unwrap();
            assert_eq!((row.int(0)?, row.opt_blob(1)?), (1, None));
            let null = StoreError::Column { statement: "ONE_ITEM", column: 1, wanted: "BIGINT" };
            assert_eq!((row.int(1), row.opt_int(1)), (Err(null), Ok(None)));
            assert!(row.text(1).is_err() && row.blob(1).is_err() && row.blob(0).is_err());
            row.text(0).map(str::to_owned)
        })
        .await;
    assert_eq!(wrong, Err(StoreError::Column { statement: "ONE_ITEM", column: 0, wanted: "TEXT" }));
    assert_eq!(ids(&store).await, [0; 0]);
}

#[tokio::test]
async fn no_error_and_no_debug_text_shows_a_value() {
    let dir = place();
    let store = open(&dir);
    let secret = "hunter2";
    for sql in [INSERT_FACTOR_NAMED, BAD_JSON, NOT_A_FACTOR] {
        let fault = store.write(move |tx| tx.query(sql, &[secret.into()]).map(|_| ())).await;
        let fault = match fault {
            Ok(()) => store.write(move |tx| tx.query(sql, &[secret.into()]).map(|_| ())).await,
            fault => fault,
        };
        let fault = fault.expect_err(sql.name());
        assert!(!format!("{fault} {fault:?}").contains(secret), "{fault:?}");
    }
    assert_eq!(format!("{:?}", Value::from(secret)), "Text(7 bytes)");
}

#[tokio::test]
async fn every_connection_has_every_protection_on() {
    let dir = place();
    let store = open(&dir);
    let look = |tx: &mut Tx<'_>| {
        let row = tx.query_one(PRAGMAS, &[])?.unwrap();
        (0..4).map(|column| row.int(column)).collect::<Result<Vec<_>, _>>()
    };
    // synchronous = FULL (2), foreign_keys, trusted_schema, secure_delete
    assert_eq!(store.write(look).await.unwrap(), [2, 1, 0, 1]);
    assert_eq!(store.read(look).await.unwrap(), [2, 1, 0, 1]);
    #[cfg(unix)]
    for name in ["db", "db-wal", "db-shm", "db-turn"] {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(dir.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn a_full_queue_makes_callers_wait() {
    let dir = place();
    let store = open_with(&dir, Options { queue: 2, ..options() });
    let (go, held) = gate(&store);
    settle().await;
    // The writer takes the gate on its own thread; give it until the queue has room for exactly two.
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    let tasks: Vec<_> = (0..5i64)
        .map(|id| {
            let store = store.clone();
            tokio::spawn(async move { store.write(move |tx| insert(tx, id)).await })
        })
        .collect();
    settle().await;
    go.send(()).unwrap();
    held.await.unwrap();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(ids(&store).await.len(), 5);
}

#[tokio::test]
async fn close_drains_the_queue_and_empties_the_log() {
    let dir = place();
    let store = open(&dir);
    let (go, held) = gate(&store);
    let mut tasks = Vec::new();
    for id in 0..300i64 {
        let store = store.clone();
        tasks.push(tokio::spawn(async move { store.write(move |tx| insert(tx, id)).await }));
    }
    settle().await;
    let closing = tokio::spawn({
        let store = store.clone();
        async move { store.close().await }
    });
    settle().await;
    go.send(()).unwrap();
    held.await.unwrap();
    closing.await.unwrap();
    for task in tasks {
        assert_eq!(task.await.unwrap(), Ok(()));
    }
    assert!(!dir.path().join("db-wal").exists(), "SQLite's log is empty");
    assert_eq!(store.write(|tx| insert(tx, 5000)).await, Err(StoreError::Closed));
    assert_eq!(store.read(count).await, Err(StoreError::Closed));
    store.close().await;
    assert_eq!(ids(&open(&dir)).await.len(), 300);
}

#[tokio::test]
async fn b68_a_full_database_fails_closed_and_recovers() {
    let dir = place();
    let store = open_with(&dir, Options { max_pages: Some(30), ..options() });
    let blob = vec![7u8; 20_000];
    let mut kept = 0;
    let full = loop {
        let blob = blob.clone();
        match store.write(move |tx| tx.exec(INSERT_ITEM, &[kept.into(), blob.into()])).await {
            Ok(_) => kept += 1,
            Err(fault) => break fault,
        }
        assert!(kept < 30);
    };
    assert_eq!(full, StoreError::Unavailable(Fault::Full));
    assert_eq!(ids(&store).await.len() as i64, kept);

    // SQLite undoes the whole transaction: a request before the fatal one must not hear Ok.
    let (go, held) = gate(&store);
    let small = tokio::spawn({
        let store = store.clone();
        async move { store.write(|tx| tx.exec(INCREMENT, &[])).await }
    });
    let big = tokio::spawn({
        let (store, blob) = (store.clone(), blob.clone());
        async move {
            let work = move |tx: &mut Tx<'_>| {
                let _ = tx.exec(INSERT_ITEM, &[500i64.into(), blob.into()]);
                let _ = tx.exec(INCREMENT, &[]);
                Ok(())
            };
            store.write(work).await
        }
    });
    settle().await;
    go.send(()).unwrap();
    held.await.unwrap();
    assert_eq!(big.await.unwrap(), Err(StoreError::Unavailable(Fault::Full)));
    assert_eq!(small.await.unwrap(), Err(StoreError::Unavailable(Fault::Full)));
    assert_eq!(store.read(counter).await, Ok(0));
    assert_eq!(ids(&store).await.len() as i64, kept);

    store.write(|tx| tx.exec(DELETE_ITEMS, &[])).await.unwrap();
    store.write(|tx| insert(tx, 1)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_stays_capped_under_load() {
    const CAP_PAGES: u32 = 400;
    let dir = place();
    let store = open_with(&dir, Options { log_pages: CAP_PAGES, ..options() });
    let tasks: Vec<_> = (0..64i64)
        .map(|task| {
            let store = store.clone();
            tokio::spawn(async move {
                for n in 0..313 {
                    let id = n * 64 + (task * 29) % 64;
                    store.write(move |tx| tx.exec(INSERT_ITEM, &[id.into(), (&[1; 300]).into()])).await.unwrap();
                    if n % 16 == 0 {
                        store.read(count).await.unwrap();
                    }
                }
            })
        })
        .collect();
    let log = dir.path().join("db-wal");
    let mut largest = 0;
    while !tasks.iter().all(tokio::task::JoinHandle::is_finished) {
        largest = largest.max(std::fs::metadata(&log).map_or(0, |file| file.len()));
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(store.read(count).await, Ok(313 * 64));
    // One batch may pass the cap before the writer looks, and one more while a reader is in the way.
    let limit = u64::from(CAP_PAGES) * 4096 * 2;
    assert!(largest > 4096 && largest < limit, "{largest} of {limit} bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_lock_answers_busy_to_everyone_waiting() {
    let dir = place();
    let patience = std::time::Duration::from_millis(200);
    let (store, other) = (open(&dir), open_with(&dir, Options { busy_timeout: patience, ..options() }));
    let (go, held) = gate(&store);
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    let waiting: Vec<_> = (0..20i64)
        .map(|id| {
            let other = other.clone();
            tokio::spawn(async move { other.write(move |tx| insert(tx, id)).await })
        })
        .collect();
    // Together, not one after the other: that would take twenty times as long.
    let all = async {
        for task in waiting {
            assert_eq!(task.await.unwrap(), Err(StoreError::Busy));
        }
    };
    tokio::time::timeout(patience * 8, all).await.unwrap();
    assert_eq!(other.read(count).await, Ok(0));
    go.send(()).unwrap();
    held.await.unwrap();
    other.write(|tx| insert(tx, 1)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_portal_does_not_starve_the_one_beside_it() {
    let dir = place();
    let (busy, quiet) = (open(&dir), open(&dir));
    let load: Vec<_> = (0..64)
        .map(|_| {
            let busy = busy.clone();
            tokio::spawn(async move { while busy.write(|tx| tx.exec(INCREMENT, &[])).await.is_ok() {} })
        })
        .collect();
    let mut gaps = Vec::new();
    let mut before = quiet.write(counter).await.unwrap();
    for _ in 0..300 {
        let ours = |tx: &mut Tx<'_>| tx.exec(INCREMENT, &[]).and_then(|_| counter(tx));
        let now = quiet.write(ours).await.unwrap();
        gaps.push(now - before - 1);
        before = now;
    }
    busy.close().await;
    for task in load {
        task.await.unwrap();
    }
    gaps.sort_unstable();
    // Taking turns means one batch of 64 between two of ours, for both; a late wake-up of this test lets one more pass.
    assert!(gaps[150] > 0 && gaps[294] <= 128, "{gaps:?}");
}

#[test]
fn only_the_macro_makes_sql() {
    fn search(folder: &std::path::Path) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                search(&path);
            } else if !path.ends_with("store/statement.rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                assert!(!text.contains("from_statements_macro"), "{}", path.display());
            }
        }
    }
    search(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
}
