//! A schema that does not fit is refused before anything changes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod store_support;

use store_support::*;
use twinlock_portal::store::{Migration, MigrationFault, Options, Store, StoreError};

const THIRD: Migration = Migration::new(3, "third", "CREATE TABLE third (id TEXT PRIMARY KEY);");
const NEWER: &[Migration] = &[SCHEMA[0], SCHEMA[1], THIRD];
const EDITED: &[Migration] = &[SCHEMA[0], Migration::new(2, "rest", "CREATE TABLE other (id BIGINT);"), THIRD];
const BROKEN: &[Migration] = &[
    SCHEMA[0],
    SCHEMA[1],
    Migration::new(3, "broken", "CREATE TABLE half (id BIGINT); INSERT INTO nowhere VALUES (1);"),
];
const COMMITS: &[Migration] = &[SCHEMA[0], SCHEMA[1], Migration::new(3, "commits", "COMMIT; BEGIN;")];
const SHORT: &[Migration] = &[SCHEMA[0]];
const OTHER_FIRST: &[Migration] = &[Migration::new(7, "seven", "CREATE TABLE seven (id BIGINT);")];

fn with(dir: &Place, migrations: &'static [Migration]) -> Result<Store, StoreError> {
    try_open(&dir.name(), Options { migrations, ..options() })
}

fn fault(dir: &Place, migrations: &'static [Migration]) -> StoreError {
    with(dir, migrations).err().expect("must be refused")
}

#[tokio::test]
async fn migrations_go_forward_only() {
    let dir = place();
    with(&dir, SHORT).unwrap().close().await;
    let store = with(&dir, SCHEMA).unwrap();
    store.write(|tx| insert(tx, 1)).await.unwrap();
    store.close().await;
    let refused = |version, why| StoreError::Migration { version, why };
    assert_eq!(fault(&dir, EDITED), refused(2, MigrationFault::Changed));
    assert_eq!(fault(&dir, SHORT), refused(2, MigrationFault::Unknown));
    assert_eq!(fault(&dir, OTHER_FIRST), refused(1, MigrationFault::Unknown));
    assert!(matches!(fault(&dir, BROKEN), StoreError::Driver { .. }));
    assert_eq!(fault(&dir, COMMITS), refused(3, MigrationFault::Transaction));
    // The half of the broken file that ran was undone, and nothing else changed.
    assert_eq!(ids(&with(&dir, NEWER).unwrap()).await, [1]);
    assert_eq!(ids(&with(&dir, NEWER).unwrap()).await, [1]);
    let half = Migration::new(4, "half", "CREATE TABLE half (id BIGINT);");
    let again: &'static [Migration] = Box::leak(Box::new([SCHEMA[0], SCHEMA[1], THIRD, half]));
    with(&dir, again).unwrap();
}

#[tokio::test]
async fn the_portals_own_schema_opens() {
    let dir = place();
    let store = open_with(&dir, Options::at(1));
    let prepared =
        store.read(|tx| twinlock_portal::store::catalogue().map(|sql| tx.prepare(sql)).collect::<Result<Vec<_>, _>>());
    assert!(!prepared.await.unwrap().is_empty());
}
