//! A small schema and its statements, for the store's tests.
#![allow(dead_code)]

use std::ffi::{OsStr, OsString};
use std::path::Path;
use tempfile::TempDir;
use twinlock_portal::statements;
use twinlock_portal::store::{Address, Migration, Options, Store, StoreError, Tx, Value};
use twinlock_tests::database::Database;

pub(crate) const SCHEMA: &[Migration] = &[
    Migration::new(1, "item", "CREATE TABLE item (id BIGINT PRIMARY KEY, body BLOB);"),
    Migration::new(
        2,
        "rest",
        "-- a ; in a comment and one in a text must not end a statement
         CREATE TABLE factor (id TEXT PRIMARY KEY, last_step BIGINT NOT NULL CHECK (last_step >= 0));
         CREATE TABLE counter (name TEXT PRIMARY KEY, n BIGINT NOT NULL);
         INSERT INTO counter VALUES ('a;b', 0);
         CREATE TABLE child (
             id BIGINT PRIMARY KEY,
             item BIGINT NOT NULL REFERENCES item (id) DEFERRABLE INITIALLY DEFERRED
         );",
    ),
];

statements! {
    INSERT_ITEM = "insert into item (id, body) values ($1, $2)";
    DELETE_ITEMS = "delete from item";
    ONE_ITEM = "select id, null from item where id = $1";
    ITEM_IDS = "select id from item order by id";
    COUNT_ITEMS = "select count(*) from item";
    INSERT_CHILD = "insert into child (id, item) values ($1, $2)";
    INSERT_FACTOR = "insert into factor (id, last_step) values ('f', 0)";
    INSERT_FACTOR_NAMED = "insert into factor (id, last_step) values ($1, 0) returning id";
    NOT_A_FACTOR = "insert into factor (id, last_step) values ($1, -1) returning id";
    ACCEPT_STEP = "update factor set last_step = $2 where id = $1 and last_step < $2";
    INCREMENT = "update counter set n = n + 1 where name = 'a;b'";
    COUNTER = "select n from counter where name = 'a;b'";
    ORDER = "select cast($2 as bigint), cast($1 as text), cast($2 as bigint)";
    UPDATE_ITEM = "update item set body = $2 where id = $1";
    USES_TLS = "select case when ssl then 1 else 0 end from pg_stat_ssl where pid = pg_backend_pid()";
    BYTES = "select body from item where id = $1 and body = $2";
    GAP = "select $2";
    TWO = "select 1; select 2";
    BAD_JSON = "select json_extract('{}', $1)";
    PRAGMAS = "select s.synchronous, f.foreign_keys, t.trusted_schema, d.secure_delete
        from pragma_synchronous s, pragma_foreign_keys f, pragma_trusted_schema t, pragma_secure_delete d";
}

pub(crate) fn options() -> Options {
    assert!(!STATEMENTS.is_empty());
    Options { migrations: SCHEMA, ..Options::at(1_700_000_000_000) }
}

/// A folder, and the database in it or on the server under test.
pub(crate) struct Place {
    pub(crate) database: Database,
    folder: TempDir,
}

impl Place {
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// What another process is told, for [`try_open`].
    pub(crate) fn name(&self) -> OsString {
        self.database.address().map_or_else(|| self.path().join("db").into(), OsString::from)
    }
}

pub(crate) fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    Place { database: Database::empty(folder.path().join("db")).unwrap(), folder }
}

pub(crate) fn open(place: &Place) -> Store {
    open_with(place, options())
}

pub(crate) fn open_with(place: &Place, options: Options) -> Store {
    try_open(&place.name(), options).unwrap()
}

/// Opens a file, or what an address names.
pub(crate) fn try_open(name: &OsStr, options: Options) -> Result<Store, StoreError> {
    match name.to_str().and_then(|name| Address::parse(name).ok()) {
        Some(address) => Store::open_postgres(&address, &options),
        None => Store::open_sqlite(Path::new(name), options),
    }
}

pub(crate) fn insert(tx: &mut Tx<'_>, id: i64) -> Result<(), StoreError> {
    tx.exec(INSERT_ITEM, &[id.into(), Value::Null]).map(|_| ())
}

pub(crate) fn count(tx: &mut Tx<'_>) -> Result<i64, StoreError> {
    tx.query_one(COUNT_ITEMS, &[])?.unwrap().int(0)
}

pub(crate) fn counter(tx: &mut Tx<'_>) -> Result<i64, StoreError> {
    tx.query_one(COUNTER, &[])?.unwrap().int(0)
}

pub(crate) async fn ids(store: &Store) -> Vec<i64> {
    let rows = store.read(|tx| tx.query(ITEM_IDS, &[])).await.unwrap();
    rows.iter().map(|row| row.int(0).unwrap()).collect()
}
