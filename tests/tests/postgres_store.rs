//! What only PostgreSQL can do to the store: lose a connection, refuse it, deadlock, be made in another way.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod store_support;

use store_support::*;
use twinlock_portal::store::{Address, Fault, Options, Store, StoreError, Tx};
use twinlock_tests::database_server::DatabaseServer;

fn ask(server: &DatabaseServer, statement: &str) {
    let address = server.address("postgres");
    postgres::Client::connect(&address, postgres::NoTls).unwrap().batch_execute(statement).unwrap();
}

fn on(address: &str) -> Result<Store, StoreError> {
    on_with(address, &options())
}

fn on_with(address: &str, options: &Options) -> Result<Store, StoreError> {
    Store::open_postgres(&Address::parse(address).unwrap(), options)
}

async fn wait_for(store: &Store, is_failing: bool) {
    for _ in 0..200 {
        let _ = store.write(|tx| tx.exec(INCREMENT, &[])).await;
        if store.is_failing() == is_failing {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    panic!("is_failing never became {is_failing}");
}

#[test]
fn a_lost_connection_fails_its_request_and_no_other() {
    let server = DatabaseServer::start("-c fsync=off").unwrap();
    let store = on(&server.socket_address("postgres")).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let end = "select pg_terminate_backend(pid) from pg_stat_activity
        where application_name = 'twinlock-portal' and state = 'idle in transaction'";
    let lost = |work: fn(&mut Tx<'_>) -> Result<(), StoreError>| runtime.block_on(store.write(work));
    let (begun, go) = (std::sync::mpsc::channel(), std::sync::mpsc::channel::<()>());
    let held = runtime.spawn({
        let store = store.clone();
        async move {
            store
                .write(move |tx| {
                    insert(tx, 1)?;
                    begun.0.send(()).unwrap();
                    let _ = go.1.recv();
                    insert(tx, 2)
                })
                .await
        }
    });
    begun.1.recv().unwrap();
    ask(&server, end);
    go.0.send(()).unwrap();
    assert_eq!(runtime.block_on(held).unwrap(), Err(StoreError::Unavailable(Fault::Lost)));
    assert!(store.is_failing());
    for id in 3..9 {
        runtime.block_on(store.write(move |tx| insert(tx, id))).unwrap();
    }
    assert!(!store.is_failing(), "a change was kept");
    assert_eq!(runtime.block_on(ids(&store)), [3, 4, 5, 6, 7, 8]);

    // The whole server goes: nobody is asked twice, and nobody has to restart the portal.
    server.restart().unwrap();
    runtime.block_on(wait_for(&store, false));
    assert_eq!(lost(|tx| insert(tx, 9)), Ok(()));
    drop(server);
    let gone = lost(|tx| insert(tx, 10));
    assert!(matches!(gone, Err(StoreError::Unavailable(Fault::Unreachable | Fault::Lost))), "{gone:?}");
    assert!(store.is_failing());
    runtime.block_on(store.close());
    assert_eq!(lost(|tx| insert(tx, 11)), Err(StoreError::Closed));
}

#[test]
fn a_deadlock_is_busy_and_one_of_the_two_wins() {
    let server = DatabaseServer::start("-c fsync=off -c deadlock_timeout=100ms").unwrap();
    let store = on(&server.address("postgres")).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(store.write(|tx| insert(tx, 1).and_then(|()| insert(tx, 2)))).unwrap();
    let meet = std::sync::Arc::new(std::sync::Barrier::new(2));
    let cross = |first: i64, second: i64| {
        let (store, meet) = (store.clone(), meet.clone());
        runtime.spawn(async move {
            store
                .write(move |tx| {
                    tx.exec(UPDATE_ITEM, &[first.into(), b"x".into()])?;
                    meet.wait();
                    tx.exec(UPDATE_ITEM, &[second.into(), b"x".into()])
                })
                .await
        })
    };
    let both = [cross(1, 2), cross(2, 1)].map(|task| runtime.block_on(task).unwrap());
    assert!(both.contains(&Ok(1)) && both.contains(&Err(StoreError::Busy)), "{both:?}");
    assert!(!store.is_failing());
}

#[test]
fn an_unfit_database_or_a_wrong_address_is_refused_with_what_to_do() {
    let server = DatabaseServer::start("-c fsync=off").unwrap();
    ask(&server, "CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'");
    ask(&server, "CREATE DATABASE icu TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'de-DE'");
    for name in ["latin", "icu"] {
        let refused = on(&server.address(name)).err().unwrap();
        assert!(refused.to_string().contains("CREATE DATABASE name TEMPLATE template0"), "{name}: {refused}");
    }
    let refused = on(&server.address("nowhere")).err().unwrap().to_string();
    assert!(refused.contains("3D000") && refused.contains("address"), "{refused}");
    let refused = on("postgres://portal:hunter2@db.example/twinlock").err().unwrap().to_string();
    assert!(refused.contains("--database-roots") && !refused.contains("hunter2"), "{refused}");
    drop(server);
    let refused = on("postgres://portal:hunter2@127.0.0.1:1/twinlock").err().unwrap();
    assert_eq!(refused, StoreError::Unavailable(Fault::Unreachable));
}

#[test]
fn two_portals_that_start_together_on_an_empty_database_both_come_up() {
    let server = DatabaseServer::start("-c fsync=off").unwrap();
    let address = server.address("postgres");
    let open = || on_with(&address, &Options::at(1)).map(drop);
    let opened = std::thread::scope(|scope| {
        let all: Vec<_> = (0..4).map(|_| scope.spawn(open)).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(opened, [Ok(()), Ok(()), Ok(()), Ok(())]);
}

#[test]
fn tls_is_spoken_where_roots_are_named_and_to_nobody_else() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let other = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let server = DatabaseServer::start_with(
        "-c fsync=off -c ssl=on -c ssl_cert_file=../tls.pem -c ssl_key_file=../tls.key",
        |server| {
            for (name, text) in [("tls.pem", made.cert.pem()), ("tls.key", made.signing_key.serialize_pem())] {
                let path = server.path(name);
                std::fs::write(&path, text).unwrap();
                let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
                std::fs::set_permissions(&path, mode).unwrap();
                server.give(&path)?;
            }
            Ok(())
        },
    )
    .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let roots = folder.path().join("roots.pem");
    let address = server.address("postgres").replace("127.0.0.1", "localhost");
    let with_roots = || on_with(&address, &Options { roots: Some(roots.clone()), ..options() });
    std::fs::write(&roots, made.cert.pem()).unwrap();
    let store = with_roots().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let used = runtime.block_on(store.read(|tx| tx.query_one(USES_TLS, &[])?.unwrap().int(0)));
    assert_eq!(used, Ok(1));
    std::fs::write(&roots, other.cert.pem()).unwrap();
    let refused = with_roots().err().unwrap().to_string();
    assert!(refused.contains("certificate"), "{refused}");
    std::fs::write(&roots, "").unwrap();
    assert!(with_roots().err().unwrap().to_string().contains("no root certificate"));
}
