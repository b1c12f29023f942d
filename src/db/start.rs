//! What a start asks of a database of one's own: that it answers, if it is still coming up; and that what may be between,
//! such as PgBouncer, neither loses the settings of a connection nor mixes up prepared statements.

use std::time::{Duration, Instant};

use sqlx::{ConnectOptions, Connection, Error, PgConnection, postgres::PgConnectOptions};
use tokio::time::{sleep, timeout};

use super::{
    Db, SETTINGS,
    schema::{CONNECT, SchemaError, in_words},
    session_options,
};

/// The shortest and the longest time between two attempts to connect.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

/// Why what is between the server and PostgreSQL can't be used.
#[derive(Debug, thiserror::Error)]
pub enum PoolerError {
    /// It knows no parameter `options` of a connection.
    #[error(
        "PgBouncer refuses the settings of a connection: in pgbouncer.ini, add ignore_startup_parameters = options, and \
         give them to the role: {ALTER_ROLE}"
    )]
    Refuses,
    /// It takes them and does not pass them on.
    #[error(
        "these settings do not reach PostgreSQL: {0}. If PgBouncer is between, give them to the role: {ALTER_ROLE}"
    )]
    Drops(String),
    /// It gives other clients the connection on which a statement was prepared.
    #[error(
        "PgBouncer loses prepared statements: with pool_mode = transaction it needs version 1.21 or later and \
         max_prepared_statements = 200; with any version, pool_mode = session will do"
    )]
    LosesStatements,
    /// The lock of the migrations is one of a connection.
    #[error(
        "it lacks {0} migrations, which PgBouncer with pool_mode = transaction can't pass on: run `healthcare-backend migrate` \
         with the DATABASE_URL of PostgreSQL itself"
    )]
    CannotMigrate(usize),
}

/// How to give the settings another way; the list is that of `SETTINGS`. What PgBouncer itself sets it also resets.
const ALTER_ROLE: &str = "alter role … set statement_timeout = '3s'; alter role … set lock_timeout = '2s'; \
                          alter role … set idle_in_transaction_session_timeout = '10s'; \
                          alter role … set enable_seqscan = off; alter role … set jit = off";

impl Db {
    /// Waits at most so long for a database that is still coming up. `name` is for the log.
    pub async fn await_start(options: &PgConnectOptions, name: &str, patience: Duration) -> Result<(), SchemaError> {
        let begun = Instant::now();
        let (mut pause, longest) = PAUSES;
        let mut is_told = false;
        while let Err(error) = try_connect(options).await {
            let left = patience.saturating_sub(begun.elapsed());
            if !is_coming_up(&error) || left.is_zero() {
                return Err(error.into());
            }
            if !is_told {
                tracing::warn!("waiting for {name}, {} s at most: {}", patience.as_secs(), in_words(&error));
                is_told = true;
            }
            sleep(pause.min(left)).await;
            pause = (pause * 2).min(longest);
        }
        Ok(())
    }

    /// Whether a pooler is between that gives each transaction another connection. Fails if it can't be used.
    pub async fn is_pooled(options: &PgConnectOptions) -> Result<bool, SchemaError> {
        let mut first = connect_with_settings(options).await?;
        let (lost, is_renamed) = look(&mut first).await?;
        if !lost.is_empty() {
            return Err(PoolerError::Drops(lost.join(", ")).into());
        }
        // again, on the same connection and on another: one of them fails if statements are lost
        look(&mut first).await?;
        let mut second = connect_with_settings(options).await?;
        look(&mut second).await?;
        second.close().await?;
        first.close().await?;
        Ok(is_renamed)
    }

    /// Fails if migrations are to be applied through a pooler.
    pub async fn refuse_to_migrate(options: &PgConnectOptions) -> Result<(), SchemaError> {
        match Self::inspect(options).await?.pending_migrations {
            0 => Ok(()),
            pending => Err(PoolerError::CannotMigrate(pending).into()),
        }
    }
}

async fn try_connect(options: &PgConnectOptions) -> sqlx::Result<()> {
    timeout(CONNECT, options.connect()).await.map_err(|_| Error::PoolTimedOut)??.close().await
}

/// Whether it is worth another attempt: nobody listens yet, or only a proxy before it, its name is not known yet, it recovers,
/// or it is full.
fn is_coming_up(error: &Error) -> bool {
    match error {
        Error::Io(_) | Error::Protocol(_) | Error::PoolTimedOut => true,
        error => matches!(code(error).as_deref(), Some("57P03" | "53300")),
    }
}

async fn connect_with_settings(options: &PgConnectOptions) -> Result<PgConnection, SchemaError> {
    let connected =
        timeout(CONNECT, session_options(options.clone()).connect()).await.map_err(|_| Error::PoolTimedOut)?;
    connected.map_err(|error| match &error {
        Error::Database(refusal) if refusal.message().contains("startup parameter") => PoolerError::Refuses.into(),
        _ => error.into(),
    })
}

/// Which of our settings are not those of the connection, and whether PostgreSQL knows this statement by another name than ours:
/// a pooler that shares connections gives it one.
async fn look(connection: &mut PgConnection) -> Result<(Vec<String>, bool), SchemaError> {
    let (names, values): (Vec<_>, Vec<_>) =
        SETTINGS.iter().map(|(name, value)| (name.to_string(), value.to_string())).unzip();
    let seen = sqlx::query!(
        r#"
        select
            array(
                select name from unnest($1::text[], $2::text[]) wanted (name, value)
                where current_setting(name) <> value) as "lost!",
            not exists (select from pg_prepared_statements where name like 'sqlx\_s\_%') as "is_renamed!"
        "#,
        &names,
        &values
    );
    let seen = timeout(CONNECT, seen.fetch_one(connection)).await.unwrap_or(Err(Error::PoolTimedOut));
    let seen = seen.map_err(|error| match code(&error).as_deref() {
        Some("42P05" | "26000") => SchemaError::from(PoolerError::LosesStatements),
        _ => error.into(),
    })?;
    Ok((seen.lost, seen.is_renamed))
}

fn code(error: &Error) -> Option<String> {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).map(Into::into)
}
