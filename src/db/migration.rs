//! Brings the schema of a database up to date. Servers that start at once take turns.

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

/// Why the schema is not up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    #[error(
        "another process has held the lock of its migrations for {0} s: end it, or see in pg_locks which one holds the \
         advisory lock"
    )]
    NoTurn(u64),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl Db {
    /// Brings the schema up to date. Waits at most `patience` for each lock.
    pub async fn migrate(options: &PgConnectOptions, patience: Duration) -> Result<(), MigrationError> {
        let lock_timeout = patience.as_millis().to_string();
        // "relation already exists, skipping" is not worth a line
        let options = options.clone().options([("client_min_messages", "warning"), ("lock_timeout", &lock_timeout)]);
        let connecting = timeout(CONNECT, options.connect()).await;
        let mut connection = connecting.map_err(|_| sqlx::Error::PoolTimedOut)??;
        take_turn(&mut connection, patience).await?;
        let mut migrations = sqlx::migrate!();
        migrations.set_locking(false).run(&mut connection).await.map_err(sqlx::Error::from)?;
        // the lock ends with the connection
        Ok(connection.close().await?)
    }
}

/// Waits for another process that migrates the same database.
async fn take_turn(connection: &mut PgConnection, patience: Duration) -> Result<(), MigrationError> {
    let mut lock = connection.lock();
    let locked = if let Ok(locked) = timeout(NOTICE, &mut lock).await {
        locked
    } else {
        tracing::warn!("waiting for another process that migrates the database, {} s at most", patience.as_secs());
        lock.await
    };
    locked.map_err(|error| match error {
        MigrateError::Execute(sqlx::Error::Database(error)) if error.code().as_deref() == Some(LOCK_NOT_AVAILABLE) => {
            MigrationError::NoTurn(patience.as_secs())
        }
        error => sqlx::Error::from(error).into(),
    })
}
