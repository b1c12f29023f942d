//! The schema is brought up to date when a server starts, in a database that has no tables of another program.

use std::time::Duration;

use sqlx::{
    ConnectOptions, Connection, PgConnection,
    migrate::{Migrate, MigrateError, Migrator},
    postgres::PgConnectOptions,
};
use tokio::time::timeout;

use super::{Db, start::PoolerError};

/// How long the first connection may take.
pub(super) const CONNECT: Duration = Duration::from_secs(10);
/// How long a migration waits for another one without a log line.
const NOTICE: Duration = Duration::from_secs(1);
/// PostgreSQL's SQLSTATE for a lock that another transaction held for too long.
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// Tables that the migrations make.
pub(super) const OURS: [&str; 10] = [
    "access_log",
    "admin_cookies",
    "audit_log",
    "doctors",
    "idempotency_keys",
    "login_failures",
    "patient_doctor_mappings",
    "patients",
    "sessions",
    "users",
];
/// Tables by which a database of Django's is known.
const DJANGOS: [&str; 2] = ["auth_user", "django_migrations"];

/// Why a database can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// It is somebody else's.
    #[error(
        "it has tables of another program ({0}), and the server does not start beside them: if they are Django's, \
         `healthcare-backend import-django` moves their data over; if not, make an empty database, with `createdb`, and \
         name that one"
    )]
    ForeignTables(String),
    /// Django's tables can't lie beside ours.
    #[error(
        "it has tables with the names of tables of this server ({0}): make an empty database, with `createdb`, name that \
         one, and read this one with --from"
    )]
    TablesOfOurNames(String),
    /// Another process migrates it, and does not end.
    #[error(
        "another process has held the lock of its migrations for {0} s: end it, or see in pg_locks which one holds the \
         advisory lock"
    )]
    NoTurn(u64),
    /// What is between does not do what it should.
    #[error(transparent)]
    Pooler(#[from] PoolerError),
    /// It is not there, or does not do what it should.
    #[error("{}", in_words(.0))]
    Sql(#[from] sqlx::Error),
}

impl Db {
    /// Brings the schema up to date. Servers that start at once take turns; each waits at most `patience` for a lock.
    pub async fn migrate(options: &PgConnectOptions, patience: Duration) -> Result<(), SchemaError> {
        let mut connection = connect_in_turn(&patient(options, patience), patience).await?;
        refuse_foreign_tables(&mut connection).await?;
        run_migrations(&mut connection).await?;
        // the lock ends with the connection
        Ok(connection.close().await?)
    }
}

pub(super) async fn connect(options: &PgConnectOptions) -> sqlx::Result<PgConnection> {
    timeout(CONNECT, options.connect()).await.map_err(|_| sqlx::Error::PoolTimedOut)?
}

/// Connects, and waits for another process that migrates the same database.
pub(super) async fn connect_in_turn(
    options: &PgConnectOptions,
    patience: Duration,
) -> Result<PgConnection, SchemaError> {
    let mut connection = connect(options).await?;
    take_turn(&mut connection, patience).await?;
    Ok(connection)
}

/// Waits so long for a lock.
pub(super) fn patient(options: &PgConnectOptions, patience: Duration) -> PgConnectOptions {
    let lock_timeout = patience.as_millis().to_string();
    // "relation already exists, skipping" is not worth a line; and the role may have a limit of time for requests
    options.clone().options([
        ("client_min_messages", "warning"),
        ("lock_timeout", &lock_timeout),
        ("statement_timeout", "0"),
    ])
}

/// All migrations of this release.
pub(super) fn migrations() -> Migrator {
    sqlx::migrate!()
}

/// Applies the migrations that are not applied yet. Those of a later release may be there: this release works on the schema of
/// the next one, so that a server can start again during an update, and an update can be taken back.
pub(super) async fn run_migrations(connection: &mut PgConnection) -> sqlx::Result<()> {
    migrations().set_locking(false).set_ignore_missing(true).run(&mut *connection).await?;
    let later = later_migrations(connection).await?;
    if !later.is_empty() {
        tracing::warn!(
            "the database has migrations of a later release: {later:?}; only the release before that one can use it"
        );
    }
    Ok(())
}

/// The numbers of those that are applied, and that this release does not know.
pub(super) async fn later_migrations(connection: &mut PgConnection) -> Result<Vec<i64>, MigrateError> {
    let known = migrations();
    let applied = connection.list_applied_migrations(&known.table_name).await?;
    Ok(applied.iter().map(|applied| applied.version).filter(|version| !known.version_exists(*version)).collect())
}

/// Before the first migration, no other program's tables may be there.
pub(super) async fn refuse_foreign_tables(connection: &mut PgConnection) -> Result<(), SchemaError> {
    let tables = tables_in_the_way(connection, &[&OURS[..], &DJANGOS].concat()).await?;
    if tables.is_empty() { Ok(()) } else { Err(SchemaError::ForeignTables(tables.join(", "))) }
}

/// Django's may be there, if they have names of their own.
pub(super) async fn refuse_tables_of_our_names(connection: &mut PgConnection) -> Result<(), SchemaError> {
    let tables = tables_in_the_way(connection, &OURS).await?;
    if tables.is_empty() { Ok(()) } else { Err(SchemaError::TablesOfOurNames(tables.join(", "))) }
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

/// Those of the tables that are there before the first migration.
async fn tables_in_the_way(connection: &mut PgConnection, names: &[&str]) -> sqlx::Result<Vec<String>> {
    let tables: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    sqlx::query_scalar!(
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
    .await
}

/// What went wrong, without the line of PostgreSQL's own source that sqlx adds to its messages.
pub(super) fn in_words(error: &sqlx::Error) -> String {
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
