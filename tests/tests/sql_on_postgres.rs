//! Every SQL text of the portal is prepared on SQLite and on PostgreSQL, and both count the same parameters.
//!
//! The test starts a PostgreSQL of its own, on a socket in a temporary folder.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use postgres::types::{Kind, Type};
use postgres::{Client, NoTls};
use twinlock_portal::store::{self, Options, Store};
use twinlock_tests::database_server::DatabaseServer;

/// What the store can carry; NUMERIC or BOOLEAN would be a rule that runs on SQLite alone.
fn is_portable(kind: &Type) -> bool {
    match kind.kind() {
        Kind::Domain(base) => is_portable(base),
        _ => [Type::INT8, Type::INT4, Type::TEXT, Type::BYTEA].contains(kind),
    }
}

#[test]
fn every_statement_means_the_same_to_both_engines() {
    let server = DatabaseServer::start("-c fsync=off").unwrap();
    let mut client = Client::connect(&server.socket_address("postgres"), NoTls).unwrap();
    client.batch_execute("CREATE DOMAIN blob AS bytea").unwrap();
    for script in store::schema() {
        client.batch_execute(script).unwrap_or_else(|fault| panic!("{fault:?} in\n{script}"));
    }

    let folder = tempfile::tempdir().unwrap();
    let sqlite = Store::open_sqlite(&folder.path().join("db"), Options::at(1)).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut faults = Vec::new();
    let mut seen = 0;
    for sql in store::catalogue() {
        seen += 1;
        let here = runtime.block_on(sqlite.read(move |tx| tx.prepare(sql)));
        let (here, there) = match (here, client.prepare(sql.text())) {
            (Ok(here), Ok(there)) => (here, there),
            (Err(fault), _) => {
                faults.push(format!("SQLite: {fault}"));
                continue;
            }
            (_, Err(fault)) => {
                faults.push(format!("PostgreSQL: {}: {fault:?}", sql.name()));
                continue;
            }
        };
        let count = there.params().len();
        if here != count {
            faults.push(format!("{}: {here} parameters on SQLite, {count} on PostgreSQL", sql.name()));
        }
        let columns = there.columns().iter().map(postgres::Column::type_);
        for kind in there.params().iter().chain(columns).filter(|kind| !is_portable(kind)) {
            faults.push(format!("{}: PostgreSQL makes it {kind}; CAST it", sql.name()));
        }
    }
    assert!(seen > 0, "the catalogue is empty");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
