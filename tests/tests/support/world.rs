//! What lies under a portal: its folder, its key, its database, and the operator's command line.

use super::program;
use super::{AUTHORITY, FILE_CONTENT, FILE_NAME, PASSWORD};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use tempfile::TempDir;
use twinlock_portal::store::{Address, Options, Store};
use twinlock_tests::database::Database;

/// Name, address, role.
pub const MEMBERS: [(&str, &str, &str); 3] = [
    ("Ada Admin", "ada@example.test", "admin"),
    ("Bo Brandt", "bo@example.test", "member"),
    ("Cy Castle", "cy@example.test", "member"),
];
pub const ADA: &str = "ada@example.test";
pub const BO: &str = "bo@example.test";
pub const CY: &str = "cy@example.test";

/// The folder of a portal: its database, its files, its key.
pub struct World {
    pub database: Database,
    pub folder: TempDir,
    pub organisation: String,
    pub file: String,
}

impl World {
    /// One organisation without two-step, an admin, two members and a file, made by the operator's command line.
    ///
    /// Made once for a test program and copied for each test.
    pub fn new() -> Self {
        static SEED: OnceLock<World> = OnceLock::new();
        let seed = SEED.get_or_init(Self::seed);
        let folder = tempfile::tempdir().unwrap();
        copy(seed.folder.path(), folder.path());
        let database = seed.database.copy(file_in(&folder)).unwrap();
        Self { database, folder, organisation: seed.organisation.clone(), file: seed.file.clone() }
    }

    fn seed() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::empty(file_in(&folder)).unwrap();
        let mut world = Self { database, folder, organisation: String::new(), file: String::new() };
        world.organisation = world.run(&["admin", "create-organisation", "--name", "Harbour & Söhne"], "");
        for (name, email, role) in MEMBERS {
            world.add_member(name, email, role);
        }
        let path = world.folder.path().join(FILE_NAME);
        std::fs::write(&path, FILE_CONTENT).unwrap();
        let organisation = world.organisation.clone();
        let arguments = ["admin", "add-file", "--organisation", &organisation, path.to_str().unwrap()];
        world.file = world.run(&arguments, "");
        world
    }

    pub fn add_member(&self, name: &str, email: &str, role: &str) -> String {
        let arguments = [
            "admin",
            "add-member",
            "--organisation",
            &self.organisation,
            "--name",
            name,
            "--email",
            email,
            "--role",
            role,
        ];
        self.run(&arguments, PASSWORD)
    }

    /// The database as a portal opens it.
    pub fn open(&self, options: Options) -> Store {
        let store = match self.database.address() {
            Some(address) => Store::open_postgres(&Address::parse(address).unwrap(), &options),
            None => Store::open_sqlite(&self.database_file(), options),
        };
        store.unwrap()
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub fn key_file(&self) -> PathBuf {
        self.folder.path().join("key")
    }

    /// SQLite's file.
    pub fn database_file(&self) -> PathBuf {
        file_in(&self.folder)
    }

    /// Runs the portal's command line; returns what it said.
    pub fn run(&self, arguments: &[&str], input: &str) -> String {
        let output = program::run(self.command(arguments), input);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program::path());
        command
            .args(arguments)
            .env_clear()
            .env("TWINLOCK_DATA", self.data())
            .env("TWINLOCK_KEY_FILE", self.key_file())
            .env("TWINLOCK_PUBLIC_URL", format!("https://{AUTHORITY}"))
            .env("TWINLOCK_TRUSTED_PROXIES", "[127.0.0.2/32]")
            .env("TWINLOCK_SIGN_INS_A_MINUTE", "1000000")
            .env("TWINLOCK_REQUESTS_A_SECOND", "1000000");
        if let Some(address) = self.database.address() {
            command.args(["--database", address]);
        }
        command
    }

    /// Asks the database itself, beside the portal.
    #[track_caller]
    pub fn sql(&self, statement: &str) -> String {
        self.database.ask(statement).unwrap()
    }

    /// Takes a table's constraints away: they protect the portal, and a test asks what it does without them.
    pub fn loosen(&self, table: &str) {
        self.database.loosen(table, if table == "pin" { "device" } else { "member, id" }).unwrap();
    }

    /// Puts these bytes into a column of every row.
    pub fn overwrite(&self, table: &str, column: &str, hex: &str) {
        let literal = if self.database.address().is_some() { format!("unhex('{hex}')") } else { format!("x'{hex}'") };
        self.sql(&format!("UPDATE {table} SET {column} = {literal}"));
    }

    /// Every row of a table, as text.
    pub fn dump(&self, table: &str) -> String {
        self.database.dump(table).unwrap()
    }

    /// The id of the member with this address.
    pub fn member(&self, email: &str) -> String {
        self.sql(&format!("SELECT id FROM member WHERE email = '{email}'"))
    }

    /// Every member's shelf is the one that the facts say, and as many are counted on each as stand there.
    #[track_caller]
    pub fn expect_kept_counts(&self) {
        let misplaced = format!("SELECT count(*) FROM member WHERE shelf <> {SHELF_BY_FACTS} OR place <> shelf / 10");
        assert_eq!(
            self.sql(&misplaced),
            "0",
            "{}",
            self.sql(&format!("SELECT id, shelf, {SHELF_BY_FACTS} FROM member"))
        );
        let counted =
            self.sql("SELECT organisation, shelf, count(*) FROM member GROUP BY organisation, shelf ORDER BY 1, 2");
        let kept = "SELECT organisation, shelf, CAST(sum(members) AS BIGINT) FROM member_count
            GROUP BY organisation, shelf HAVING sum(members) <> 0 ORDER BY 1, 2";
        assert_eq!(self.sql(kept), counted);
    }

    /// After members were changed behind the portal's back: their shelves and the counts, as the portal would have kept them.
    pub fn keep_counts(&self) {
        self.sql(&format!("UPDATE member SET shelf = {SHELF_BY_FACTS}"));
        self.sql("UPDATE member SET place = shelf / 10");
        self.sql("DELETE FROM member_count");
        self.sql(
            "INSERT INTO member_count (organisation, shelf, part, members)
            SELECT organisation, shelf, 3, count(*) FROM member GROUP BY organisation, shelf",
        );
    }

    /// The details of the audit entries with this action, the oldest first.
    pub fn audit_details(&self, action: &str) -> Vec<Value> {
        let statement = format!(
            "SELECT json_extract(entry, '$.detail') FROM audit_entry
            WHERE json_extract(entry, '$.action') = '{action}' ORDER BY id"
        );
        self.sql(&statement).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// How many audit entries have this action.
    pub fn audited(&self, action: &str) -> usize {
        let statement = format!("SELECT count(*) FROM audit_entry WHERE json_extract(entry, '$.action') = '{action}'");
        self.sql(&statement).parse().unwrap()
    }
}

/// Where a member stands, by the facts; an exception counts until it is noted that it is over.
const SHELF_BY_FACTS: &str = "CASE WHEN state = 'suspended' THEN 60
    WHEN EXISTS (SELECT 1 FROM factor f WHERE f.member = member.id AND f.state = 'active') THEN 50
    WHEN EXISTS (SELECT 1 FROM factor f WHERE f.member = member.id AND f.state = 'disabled') THEN 10
    WHEN EXISTS (SELECT 1 FROM factor f WHERE f.member = member.id AND f.state = 'pending') THEN 40
    ELSE CASE WHEN reset_ms > 0 THEN 20 ELSE 30 END + CASE
        WHEN EXISTS (SELECT 1 FROM sso_link l, identity_provider i WHERE i.organisation = member.organisation
            AND l.issuer = i.issuer AND l.member = member.id AND l.signed_in_ms >= i.set_ms AND l.mfa = 1) THEN 3
        WHEN EXISTS (SELECT 1 FROM two_step_exception x WHERE x.member = member.id AND x.is_over = 0) THEN 2
        WHEN EXISTS (SELECT 1 FROM sso_link l, identity_provider i WHERE i.organisation = member.organisation
            AND l.issuer = i.issuer AND l.member = member.id AND l.signed_in_ms >= i.set_ms) THEN 1
        ELSE 0 END END";

fn file_in(folder: &TempDir) -> PathBuf {
    folder.path().join("data").join("portal.db")
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
