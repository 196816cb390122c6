//! PostgreSQL: how a connection is opened, a statement run and a fault named. A few threads, one connection each.

use super::queue::{Job, Shared};
use super::tx::Engine;
use super::{Address, Fault, Options, Row, Sql, StoreError, Tx, Value, migrate};
use ::postgres::config::SslMode;
use ::postgres::error::SqlState;
use ::postgres::types::{FromSql, IsNull, Kind, ToSql, Type};
use ::postgres::{Client, Config, Error, NoTls, Statement};
use bytes::BytesMut;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::borrow::Cow;
use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio_postgres_rustls::MakeRustlsConnect;

const BEGIN_WRITE: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";
const BEGIN_READ: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
/// Portals that start together migrate one after the other, however long that takes. The number is "twinlock", by its
/// first bytes; other programs' locks in this database have others.
const BEGIN_MIGRATION: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL lock_timeout = 0;
    SELECT pg_advisory_xact_lock(1953982830);
    DO $$ BEGIN CREATE DOMAIN blob AS bytea; EXCEPTION WHEN duplicate_object THEN NULL; END $$";
/// An answered try must survive a power cut, whatever the server's default; a stricter default stays. A portal that
/// vanished within a transaction must not hold its locks.
const PROTECT: &str = "SELECT set_config('synchronous_commit', 'on', false)
    WHERE current_setting('synchronous_commit') NOT IN ('on', 'remote_apply');
    SET idle_in_transaction_session_timeout = '60s'";
/// Asked for by name in JSON, because versions before 15 lack the column.
const LOCALE: &str = "SELECT CAST(pg_encoding_to_char(encoding) AS TEXT), CAST(datcollate AS TEXT),
    coalesce(to_jsonb(d) ->> 'datlocprovider', 'c') FROM pg_database d WHERE datname = current_database()";
const HAS_WRITTEN: &str = "SELECT CASE WHEN pg_current_xact_id_if_assigned() IS NULL THEN 0 ELSE 1 END";
const UNFIT: &str = "the database is not in UTF-8 ordered by code point; make it with: \
    CREATE DATABASE name TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'";
const NO_ROOTS: &str = "the database is on another machine, or its address asks for TLS: \
    name the file of the root certificates that its server is known by (--database-roots FILE)";

/// How to reach the database.
#[derive(Clone)]
pub(super) struct Server {
    config: Config,
    tls: Option<MakeRustlsConnect>,
    protect: String,
}

impl Server {
    /// Settles how the connection is protected; connects to nothing.
    pub(super) fn new(address: &Address, options: &Options) -> Result<Self, StoreError> {
        let mut config = address.config().clone();
        let wants_tls = config.get_ssl_mode() == SslMode::Require;
        let tls = match &options.roots {
            Some(roots) if !address.is_socket() => Some(trust(roots).map_err(StoreError::SetUp)?),
            _ if wants_tls || !address.is_local() => return Err(StoreError::SetUp(NO_ROOTS.to_owned())),
            _ => None,
        };
        config.ssl_mode(if tls.is_some() { SslMode::Require } else { SslMode::Disable });
        config.application_name("twinlock-portal").connect_timeout(options.busy_timeout);
        // A server that vanished is noticed within seconds, not after the two hours of TCP.
        config.keepalives_idle(Duration::from_secs(30)).tcp_user_timeout(Duration::from_secs(30));
        let protect = format!("{PROTECT}; SET lock_timeout = {}", options.busy_timeout.as_millis());
        Ok(Server { config, tls, protect })
    }

    /// Refuses a database that compares texts in another way, then brings its schema up to date.
    pub(super) fn migrate(&self, options: &Options) -> Result<(), StoreError> {
        let migrate = || {
            let mut connection = self.connect()?;
            let row = connection.client.query_one(LOCALE, &[]).map_err(|fault| error("open", &fault))?;
            let text = |column| row.try_get::<_, &str>(column).map_err(|fault| error("open", &fault));
            let (encoding, collation, provider) = (text(0)?, text(1)?, text(2)?);
            // Provider `b`, the server's own, has no other order than that of the code points.
            let by_code_point = match provider {
                "b" => true,
                "c" => ["C", "POSIX", "C.UTF-8", "C.utf8", "ucs_basic"].contains(&collation),
                _ => false,
            };
            if encoding != "UTF8" || !by_code_point {
                return Err(StoreError::SetUp(UNFIT.to_owned()));
            }
            let mut session = Session { connection: &mut connection, writable: true };
            migrate::migrate(&mut session, BEGIN_MIGRATION, options.migrations, options.now_ms)
        };
        // On a thread of its own: the driver brings a runtime, which must not start within the caller's.
        std::thread::scope(|scope| scope.spawn(migrate).join()).unwrap_or(Err(StoreError::Panicked))
    }

    fn connect(&self) -> Result<Connection, StoreError> {
        let connected = match &self.tls {
            Some(tls) => self.config.connect(tls.clone()),
            None => self.config.connect(NoTls),
        };
        let mut client = connected.map_err(|fault| refused(&fault))?;
        client.batch_execute(&self.protect).map_err(|fault| error("open", &fault))?;
        Ok(Connection { client, statements: HashMap::new() })
    }
}

fn trust(roots: &Path) -> Result<MakeRustlsConnect, String> {
    let fault = |why: String| format!("{}: {why}", roots.display());
    let mut store = RootCertStore::empty();
    for root in CertificateDer::pem_file_iter(roots).map_err(|why| fault(why.to_string()))? {
        let root = root.map_err(|why| fault(why.to_string()))?;
        store.add(root).map_err(|why| fault(why.to_string()))?;
    }
    if store.is_empty() {
        return Err(fault("no root certificate in it".to_owned()));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|why| fault(why.to_string()))?;
    Ok(MakeRustlsConnect::new(tls.with_root_certificates(store).with_no_client_auth()))
}

struct Connection {
    client: Client,
    /// By their text: each is planned once.
    statements: HashMap<&'static str, Statement>,
}

/// One thread's work: each request is a transaction of its own.
pub(super) struct Worker {
    server: Server,
    connection: Option<Connection>,
    queue: Shared,
    /// Read by [`super::Store::is_failing`].
    is_failing: Arc<AtomicBool>,
}

impl Worker {
    /// A worker that connects when the first request comes.
    pub(super) fn new(server: Server, queue: Shared, is_failing: Arc<AtomicBool>) -> Self {
        Worker { server, connection: None, queue, is_failing }
    }

    /// Serves writes until the queue is closed.
    pub(super) fn write(&mut self) {
        while let Some(mut job) = self.queue.next() {
            let done = self.keep(job.as_mut());
            self.answer(job, done);
        }
    }

    /// Serves reads until the queue is closed.
    pub(super) fn read(&mut self) {
        while let Some(mut job) = self.queue.next() {
            let done = self.begin(BEGIN_READ).and_then(|connection| {
                let mut session = Session { connection, writable: false };
                job.run(&mut Tx::new(&mut session));
                session.control("ROLLBACK")
            });
            self.answer(job, done);
        }
    }

    fn answer(&mut self, job: Box<dyn Job>, done: Result<(), StoreError>) {
        if let Err(fault) = &done {
            tracing::error!(%fault, "a storage request failed");
            // With the connection goes whatever the server still holds of the transaction.
            self.connection = None;
        }
        job.answer(done);
    }

    /// One write, never repeated: once COMMIT was sent it may have been kept.
    fn keep(&mut self, job: &mut dyn Job) -> Result<(), StoreError> {
        let was_failing = self.is_failing.load(Ordering::Relaxed);
        let mut fault = None;
        let mut has_written = false;
        let done = self.begin(BEGIN_WRITE).and_then(|connection| {
            let mut session = Session { connection, writable: true };
            let mut tx = Tx::new(&mut session);
            let is_kept = job.run(&mut tx);
            fault = tx.fault();
            has_written = was_failing && is_kept && session.has_written()?;
            session.control(if is_kept { "COMMIT" } else { "ROLLBACK" })
        });
        match done.as_ref().err().or(fault.as_ref()) {
            Some(StoreError::Unavailable(_) | StoreError::Corrupt | StoreError::SetUp(_)) => {
                self.is_failing.store(true, Ordering::Relaxed);
            }
            // Only a change that was kept shows that the storage takes changes.
            None if has_written => self.is_failing.store(false, Ordering::Relaxed),
            _ => {}
        }
        done
    }

    /// Begins on the connection that stands, or on a new one: nothing was asked for yet, so nothing is repeated.
    fn begin(&mut self, text: &'static str) -> Result<&mut Connection, StoreError> {
        let stands = self.connection.as_mut().is_some_and(|old| old.client.batch_execute(text).is_ok());
        if !stands {
            self.connection = None;
            let mut new = self.server.connect()?;
            new.client.batch_execute(text).map_err(|fault| error("BEGIN", &fault))?;
            self.connection = Some(new);
        }
        self.connection.as_mut().ok_or(StoreError::Closed)
    }
}

/// One request on one connection.
struct Session<'c> {
    connection: &'c mut Connection,
    writable: bool,
}

impl Session<'_> {
    /// The statement, prepared once for a connection.
    fn statement(&mut self, sql: Sql) -> Result<Statement, StoreError> {
        if let Some(known) = self.connection.statements.get(sql.text()) {
            return Ok(known.clone());
        }
        let made = self.connection.client.prepare(sql.text()).map_err(|fault| error(sql.name(), &fault))?;
        self.connection.statements.insert(sql.text(), made.clone());
        Ok(made)
    }

    fn bind(&mut self, sql: Sql, values: &[Value<'_>]) -> Result<Statement, StoreError> {
        let statement = self.statement(sql)?;
        if statement.params().len() != values.len() {
            return Err(StoreError::misuse(sql, "wrong number of values"));
        }
        Ok(statement)
    }

    fn fault(&self, sql: Sql, fault: &Error) -> StoreError {
        match error(sql.name(), fault) {
            StoreError::Unavailable(Fault::ReadOnly) if !self.writable => {
                StoreError::misuse(sql, "it writes within a read")
            }
            named => named,
        }
    }

    /// Whether this transaction changed anything.
    fn has_written(&mut self) -> Result<bool, StoreError> {
        let row = self.connection.client.query_one(HAS_WRITTEN, &[]).map_err(|fault| error("COMMIT", &fault))?;
        row.try_get::<_, i32>(0).map(|n| n == 1).map_err(|fault| error("COMMIT", &fault))
    }
}

impl Engine for Session<'_> {
    fn exec(&mut self, sql: Sql, values: &[Value<'_>]) -> Result<u64, StoreError> {
        let statement = self.bind(sql, values)?;
        if !statement.columns().is_empty() {
            return Err(StoreError::misuse(sql, "it answers rows; query it"));
        }
        let done = self.connection.client.execute(&statement, &parameters(values));
        done.map_err(|fault| self.fault(sql, &fault))
    }

    fn query(&mut self, sql: Sql, values: &[Value<'_>]) -> Result<Vec<Row>, StoreError> {
        let statement = self.bind(sql, values)?;
        let done = self.connection.client.query(&statement, &parameters(values));
        let rows = done.map_err(|fault| self.fault(sql, &fault))?;
        let cell = |row: &::postgres::Row, column| {
            let wrong = StoreError::Column { statement: sql.name(), column, wanted: "known type" };
            row.try_get::<_, Value<'static>>(column).map_err(|_| wrong)
        };
        rows.iter()
            .map(|row| {
                let cells = (0..row.len()).map(|column| cell(row, column)).collect::<Result<_, _>>()?;
                Ok(Row { statement: sql.name(), cells })
            })
            .collect()
    }

    fn prepare(&mut self, sql: Sql) -> Result<usize, StoreError> {
        self.statement(sql).map(|statement| statement.params().len())
    }

    fn script(&mut self, text: &'static str) -> Result<(), StoreError> {
        self.connection.client.batch_execute(text).map_err(|fault| error("migration", &fault))
    }

    fn control(&mut self, text: &'static str) -> Result<(), StoreError> {
        self.connection.client.batch_execute(text).map_err(|fault| error(text, &fault))
    }
}

fn parameters<'v>(values: &'v [Value<'_>]) -> Vec<&'v (dyn ToSql + Sync)> {
    values.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

/// The type below the domains that stand for it: `blob` is one.
fn base(kind: &Type) -> &Type {
    match kind.kind() {
        Kind::Domain(below) => base(below),
        _ => kind,
    }
}

type Unfit = Box<dyn std::error::Error + Sync + Send>;

impl ToSql for Value<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Unfit> {
        match (self, base(kind)) {
            (Value::Null, _) => Ok(IsNull::Yes),
            (Value::Int(n), kind @ &Type::INT8) => n.to_sql(kind, out),
            (Value::Int(n), kind @ &Type::INT4) => i32::try_from(*n)?.to_sql(kind, out),
            (Value::Text(text), kind @ &Type::TEXT) => text.as_ref().to_sql(kind, out),
            (Value::Blob(bytes), kind @ &Type::BYTEA) => bytes.as_ref().to_sql(kind, out),
            _ => Err("a value of another type".into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        // Looked at with the value at hand.
        true
    }

    fn to_sql_checked(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Unfit> {
        self.to_sql(kind, out)
    }
}

impl<'r> FromSql<'r> for Value<'static> {
    fn from_sql(kind: &Type, raw: &'r [u8]) -> Result<Self, Unfit> {
        Ok(match *base(kind) {
            Type::INT8 => Value::Int(i64::from_sql(&Type::INT8, raw)?),
            Type::INT4 => Value::Int(i32::from_sql(&Type::INT4, raw)?.into()),
            Type::TEXT => Value::Text(Cow::Owned(String::from_sql(&Type::TEXT, raw)?)),
            _ => Value::Blob(Cow::Owned(raw.to_vec())),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Self, Unfit> {
        Ok(Value::Null)
    }

    fn accepts(kind: &Type) -> bool {
        [Type::INT8, Type::INT4, Type::TEXT, Type::BYTEA].contains(base(kind))
    }
}

/// Names a fault. The server's own message is dropped: it quotes values.
fn error(statement: &'static str, fault: &Error) -> StoreError {
    let Some(state) = fault.code() else {
        let is_lost = fault.is_closed() || source::<io::Error>(fault).is_some();
        return match is_lost {
            true => StoreError::Unavailable(Fault::Lost),
            false => StoreError::Misuse { statement, why: "a value does not fit its parameter" },
        };
    };
    match state.clone() {
        SqlState::UNIQUE_VIOLATION => StoreError::Conflict { statement },
        SqlState::T_R_DEADLOCK_DETECTED | SqlState::T_R_SERIALIZATION_FAILURE | SqlState::LOCK_NOT_AVAILABLE => {
            StoreError::Busy
        }
        SqlState::DISK_FULL => StoreError::Unavailable(Fault::Full),
        SqlState::READ_ONLY_SQL_TRANSACTION => StoreError::Unavailable(Fault::ReadOnly),
        SqlState::IO_ERROR => StoreError::Unavailable(Fault::Io),
        SqlState::DATA_CORRUPTED | SqlState::INDEX_CORRUPTED => StoreError::Corrupt,
        // 08: the connection; 57P: the server is being stopped or started; 25P03: the transaction stood idle.
        _ if ["08", "57P", "25P03"].iter().any(|class| state.code().starts_with(class)) => {
            StoreError::Unavailable(Fault::Lost)
        }
        _ => StoreError::Driver { statement, text: format!("SQLSTATE {}", state.code()) },
    }
}

/// Why there is no connection. Nothing was asked yet, so the texts hold no value; the password is in none of them.
fn refused(fault: &Error) -> StoreError {
    if let Some(state) = fault.code() {
        let code = state.code();
        // 53300: too many connections; 57P: it is being stopped or started.
        return match ["53300", "57P", "08"].iter().any(|class| code.starts_with(class)) {
            true => StoreError::Unavailable(Fault::Unreachable),
            false => StoreError::SetUp(format!(
                "the database server refuses the portal (SQLSTATE {code}): look at user, password and database in the \
                 address, and at the server's pg_hba.conf"
            )),
        };
    }
    match source::<io::Error>(fault) {
        // What TLS refuses comes as invalid data.
        Some(fault) if fault.kind() != io::ErrorKind::InvalidData => StoreError::Unavailable(Fault::Unreachable),
        _ => {
            let why = std::error::Error::source(fault).map_or_else(|| fault.to_string(), ToString::to_string);
            StoreError::SetUp(format!("the portal refuses the database server: {why}"))
        }
    }
}

fn source<E: std::error::Error + 'static>(fault: &Error) -> Option<&E> {
    std::error::Error::source(fault)?.downcast_ref()
}
