//! The schema is brought up to date when a server starts, in a database that has no tables of another program.

use std::time::Duration;

use sqlx::{
    ConnectOptions, Connection, PgConnection,
    migrate::{Migrate, MigrateError},
    postgres::PgConnectOptions,
};
use tokio::time::timeout;

use super::Db;

/// How long the first connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a migration waits for another one without a log line.
const NOTICE: Duration = Duration::from_secs(1);
/// PostgreSQL's SQLSTATE for a lock that another transaction held for too long.
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// Tables that the migrations make, and two by which a database of Django's is known.
const TABLES: [&str; 9] = [
    "audit_log",
    "auth_user",
    "django_migrations",
    "doctors",
    "idempotency_keys",
    "patient_doctor_mappings",
    "patients",
    "sessions",
    "users",
];

/// Why a database can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// It is somebody else's.
    #[error(
        "it has tables of another program ({0}), and the server takes over no data: make an empty database, with \
         `createdb`, and name that one"
    )]
    ForeignTables(String),
    /// Another process migrates it, and does not end.
    #[error(
        "another process has held the lock of its migrations for {0} s: end it, or see in pg_locks which one holds the \
         advisory lock"
    )]
    NoTurn(u64),
    /// It is not there, or does not do what it should.
    #[error("{}", in_words(.0))]
    Sql(#[from] sqlx::Error),
}

impl Db {
    /// Brings the schema up to date. Servers that start at once take turns; each waits at most `patience` for a lock.
    pub async fn migrate(options: &PgConnectOptions, patience: Duration) -> Result<(), SchemaError> {
        let lock_timeout = patience.as_millis().to_string();
        // "relation already exists, skipping" is not worth a line
        let options = options.clone().options([("client_min_messages", "warning"), ("lock_timeout", &lock_timeout)]);
        let mut connection = connect(&options).await?;
        take_turn(&mut connection, patience).await?;
        refuse_foreign_tables(&mut connection).await?;
        let mut migrations = sqlx::migrate!();
        migrations.set_locking(false).run(&mut connection).await.map_err(sqlx::Error::from)?;
        // the lock ends with the connection
        Ok(connection.close().await?)
    }
}

pub(super) async fn connect(options: &PgConnectOptions) -> sqlx::Result<PgConnection> {
    timeout(CONNECT, options.connect()).await.map_err(|_| sqlx::Error::PoolTimedOut)?
}

/// Waits for another process that migrates the same database.
async fn take_turn(connection: &mut PgConnection, patience: Duration) -> Result<(), SchemaError> {
    let mut lock = connection.lock();
    let locked = if let Ok(locked) = timeout(NOTICE, &mut lock).await {
        locked
    } else {
        tracing::warn!("waiting for another process that migrates the database, {} s at most", patience.as_secs());
        lock.await
    };
    locked.map_err(|error| match error {
        MigrateError::Execute(sqlx::Error::Database(error)) if error.code().as_deref() == Some(LOCK_NOT_AVAILABLE) => {
            SchemaError::NoTurn(patience.as_secs())
        }
        error => sqlx::Error::from(error).into(),
    })
}

/// Refuses a database with tables that are in the way of the first migration.
pub(super) async fn refuse_foreign_tables(connection: &mut PgConnection) -> Result<(), SchemaError> {
    let tables = TABLES.map(str::to_owned);
    let foreign = sqlx::query_scalar!(
        r#"
        select t.relname::text as "name!"
        from pg_class t
        join pg_namespace s on s.oid = t.relnamespace
        where s.nspname = current_schema()
            and t.relname = any($1)
            and to_regclass('_sqlx_migrations') is null
        order by t.relname
        "#,
        &tables[..]
    )
    .fetch_all(connection)
    .await?;
    if foreign.is_empty() { Ok(()) } else { Err(SchemaError::ForeignTables(foreign.join(", "))) }
}

/// What went wrong, without the line of PostgreSQL's own source that sqlx adds to its messages.
fn in_words(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => error.message().to_owned(),
        sqlx::Error::PoolTimedOut => format!("no answer for {} seconds", CONNECT.as_secs()),
        sqlx::Error::Migrate(error) => match &**error {
            MigrateError::Execute(error) => in_words(error),
            MigrateError::ExecuteMigration(error, number) => format!("migration {number}: {}", in_words(error)),
            other => other.to_string(),
        },
        other => other.to_string(),
    }
}
