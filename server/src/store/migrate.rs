//! Migrations: numbered SQL files inside the program, each applied once, in one transaction.

use super::tx::Engine;
use super::{MigrationFault, StoreError};
use data_encoding::HEXLOWER;
use ring::digest;

crate::statements! {
    APPLIED = "select version, sha256 from schema_migration order by version";
    RECORD = "insert into schema_migration (version, name, sha256, applied_at) values ($1, $2, $3, $4)";
}

/// The list of what was applied.
const LIST: &str = "CREATE TABLE IF NOT EXISTS schema_migration (
    version BIGINT PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, applied_at BIGINT NOT NULL)";

/// One numbered SQL file.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    version: i64,
    name: &'static str,
    sql: &'static str,
}

impl Migration {
    /// A migration; versions rise in the list.
    pub const fn new(version: i64, name: &'static str, sql: &'static str) -> Self {
        Migration { version, name, sql }
    }
}

/// The portal's own migrations.
pub const MIGRATIONS: &[Migration] = &[
    Migration::new(1, "first", include_str!("migrations/0001_first.sql")),
    Migration::new(2, "pin with two locks", include_str!("migrations/0002_pin.sql")),
    Migration::new(3, "policy", include_str!("migrations/0003_policy.sql")),
    Migration::new(4, "applications", include_str!("migrations/0004_applications.sql")),
    Migration::new(5, "sign-in by an identity provider", include_str!("migrations/0005_sso.sql")),
    Migration::new(6, "desktop", include_str!("migrations/0006_desktop.sql")),
    Migration::new(7, "console", include_str!("migrations/0007_console.sql")),
    Migration::new(8, "users", include_str!("migrations/0008_users.sql")),
    Migration::new(9, "mail", include_str!("migrations/0009_mail.sql")),
    Migration::new(10, "overview", include_str!("migrations/0010_overview.sql")),
    Migration::new(11, "files of members", include_str!("migrations/0011_member.sql")),
    Migration::new(12, "set-up that is confirmed", include_str!("migrations/0012_set_up.sql")),
    Migration::new(13, "kept counts of members", include_str!("migrations/0013_shelves.sql")),
    Migration::new(14, "mail about approvals", include_str!("migrations/0014_approvals.sql")),
];

/// The whole schema as scripts, in order. For the test on PostgreSQL, which first makes the domain `blob`.
pub fn schema() -> impl Iterator<Item = &'static str> {
    std::iter::once(LIST).chain(MIGRATIONS.iter().map(|migration| migration.sql))
}

/// Brings the database up to date, or refuses before it changes anything. `begin` also keeps other processes out.
pub(super) fn migrate(
    engine: &mut dyn Engine,
    begin: &'static str,
    migrations: &[Migration],
    now_ms: i64,
) -> Result<(), StoreError> {
    loop {
        let step = engine
            .control(begin)
            .and_then(|()| apply_next(engine, migrations, now_ms))
            .and_then(|more| engine.control("COMMIT").map(|()| more));
        match step {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(fault) => {
                // The fault may have ended the transaction already.
                let _ = engine.control("ROLLBACK");
                return Err(fault);
            }
        }
    }
}

/// Applies the first migration that is missing. The check is repeated each time: another process may migrate as well.
fn apply_next(engine: &mut dyn Engine, migrations: &[Migration], now_ms: i64) -> Result<bool, StoreError> {
    engine.script(LIST)?;
    let applied = engine.query(APPLIED, &[])?;
    let mut known = migrations.iter();
    for row in &applied {
        let version = row.int(0)?;
        let refuse = |why| StoreError::Migration { version, why };
        let file = known.next().filter(|file| file.version == version);
        let file = file.ok_or_else(|| refuse(MigrationFault::Unknown))?;
        if row.text(1)? != sha256(file.sql) {
            return Err(refuse(MigrationFault::Changed));
        }
    }
    let Some(next) = known.next() else {
        return Ok(false);
    };
    engine.control("SAVEPOINT migration")?;
    engine.script(next.sql)?;
    // A COMMIT inside the file ended the savepoint as well.
    engine
        .control("RELEASE migration")
        .map_err(|_| StoreError::Migration { version: next.version, why: MigrationFault::Transaction })?;
    let hash = sha256(next.sql);
    engine.exec(RECORD, &[next.version.into(), next.name.into(), hash.into(), now_ms.into()])?;
    Ok(true)
}

fn sha256(text: &str) -> String {
    HEXLOWER.encode(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
}
