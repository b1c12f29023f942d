//! Whether the database answers, and has the schema of this release. The look at it has a connection of its own, beside those
//! that `DB_CONNECTIONS` counts: so a server that is busy is not taken for one without a database. It is opened at the first
//! look.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use sqlx::{
    ConnectOptions, Connection, Error, PgConnection,
    migrate::{Migrate, MigrateError},
    postgres::PgConnectOptions,
};
use tokio::{sync::Mutex, time::timeout};

use super::{Db, schema::migrations};

/// How long a look may take.
const LIMIT: Duration = Duration::from_secs(1);
/// How long what was seen is said again.
const FRESH: Duration = Duration::from_secs(1);
/// PostgreSQL's SQLSTATE for a table that does not exist.
const UNDEFINED_TABLE: &str = "42P01";

/// Why requests can't be served now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotReady {
    /// No connection to it, or no answer in time.
    #[error("the database does not answer")]
    NoDatabase,
    /// It lacks migrations of this release. That it has some of a later one is no fault: servers of both releases run while one
    /// takes the other's place.
    #[error("the schema of the database is not up to date")]
    OldSchema,
}

/// What is looked at, and what was seen.
#[derive(Clone)]
pub(super) struct Readiness {
    options: PgConnectOptions,
    last: Arc<Mutex<Last>>,
}

#[derive(Default)]
struct Last {
    seen: Option<(Instant, Result<(), NotReady>)>,
    connection: Option<PgConnection>,
}

impl Readiness {
    pub(super) fn new(options: PgConnectOptions) -> Self {
        Self { options, last: Arc::default() }
    }

    async fn look(self) -> Result<(), NotReady> {
        let mut last = self.last.lock().await;
        if let Some((at, seen)) = last.seen
            && at.elapsed() < FRESH
        {
            return seen;
        }
        let kept = last.connection.take();
        let seen = match timeout(LIMIT, self.ask(kept)).await {
            Ok(Ok((connection, seen))) => {
                last.connection = Some(connection);
                seen
            }
            Ok(Err(_)) | Err(_) => Err(NotReady::NoDatabase),
        };
        last.seen = Some((Instant::now(), seen));
        seen
    }

    /// Asks over the connection of the last time, if it is still good.
    async fn ask(&self, kept: Option<PgConnection>) -> Result<(PgConnection, Result<(), NotReady>), Error> {
        if let Some(mut connection) = kept
            && let Ok(seen) = look_at_schema(&mut connection).await
        {
            return Ok((connection, seen));
        }
        let mut connection = self.options.connect().await?;
        let seen = look_at_schema(&mut connection).await?;
        Ok((connection, seen))
    }

    /// Closes its connection.
    pub(super) async fn close(&self) {
        if let Some(connection) = self.last.lock().await.connection.take() {
            // then the database has closed it
            let _ = connection.close().await;
        }
    }
}

async fn look_at_schema(connection: &mut PgConnection) -> Result<Result<(), NotReady>, Error> {
    let known = migrations();
    let applied = match connection.list_applied_migrations(&known.table_name).await {
        Ok(applied) => applied,
        Err(MigrateError::Execute(Error::Database(error))) if error.code().as_deref() == Some(UNDEFINED_TABLE) => {
            Vec::new()
        }
        Err(error) => return Err(error.into()),
    };
    let is_applied = |version| applied.iter().any(|applied| applied.version == version);
    let is_up_to_date = known.iter().all(|migration| is_applied(migration.version));
    Ok(if is_up_to_date { Ok(()) } else { Err(NotReady::OldSchema) })
}

impl Db {
    /// Whether it can serve requests. Looks at most once a second, however many ask, and says so within about a second.
    pub async fn ready(&self) -> Result<(), NotReady> {
        // whoever goes away before the answer ends no look, so that the next one begins no other
        tokio::spawn(self.readiness.clone().look()).await.unwrap_or(Err(NotReady::NoDatabase))
    }
}
