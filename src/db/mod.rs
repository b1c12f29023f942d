//! All SQL lives here, and no other room can reach the pool.
//!
//! Every statement starts from the actor: one row while the caller's account is active and the login goes on, else
//! none. So one round trip checks the caller, scopes the rows, and tells the audit trigger who acts.

use std::{fmt, marker::PhantomData, time::Duration};

use serde::Serialize;
use sqlx::{
    ConnectOptions, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use tokio::time::timeout;

use connection::Connection;

use crate::{
    auth::CurrentUser,
    error::{ApiError, Result, TokenError, Unauthenticated},
};

mod connection;
pub mod directory;
pub mod doctors;
pub mod embedded;
pub mod idempotency;
pub mod listing;
pub mod mappings;
pub mod patients;
pub mod sessions;
pub mod users;

/// How long the first connection may take.
const CONNECT: Duration = Duration::from_secs(10);

/// How long a search waits for another to end.
const SEARCH_WAIT: Duration = Duration::from_secs(1);

/// The settings of every connection.
pub const SETTINGS: [(&str, &str); 5] = [
    ("statement_timeout", "3s"),
    ("lock_timeout", "2s"),
    ("idle_in_transaction_session_timeout", "10s"),
    // whoever owns most of a table is read by an index all the same
    ("enable_seqscan", "off"),
    ("jit", "off"),
];

/// The id of a row of `T`.
#[derive(Serialize)]
#[serde(transparent)]
pub struct Id<T>(i64, #[serde(skip)] PhantomData<fn() -> T>);

impl<T> Id<T> {
    /// The number in the database and in the API.
    pub fn get(self) -> i64 {
        self.0
    }
}

impl<T> From<i64> for Id<T> {
    fn from(id: i64) -> Self {
        Self(id, PhantomData)
    }
}

impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Id<T> {}

impl<T> fmt::Debug for Id<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// What Django calls the model of a row: it names what was not found.
pub trait Model {
    /// "Patient".
    const NAME: &'static str;
    /// The same within a sentence: "patient".
    const NOUN: &'static str;

    /// Which of its versions the row is, if they are counted.
    fn version(&self) -> Option<i64> {
        None
    }
}

/// The database.
#[derive(Clone)]
pub struct Db {
    pool: PgPool,
    /// For statements that may look at many more rows than they give: however many are asked for at once, they take
    /// neither the other connections nor all of the processor.
    searches: PgPool,
}

impl Db {
    /// At most `connections`, but two at least, opened as they are needed: a quarter of them for searches.
    pub fn new(options: PgConnectOptions, connections: u32) -> Self {
        let options = options.disable_statement_logging().application_name("healthcare-backend").options(SETTINGS);
        let pool = |connections: u32, wait| {
            let pool = PgPoolOptions::new().max_connections(connections.max(1)).acquire_timeout(wait);
            pool.connect_lazy_with(options.clone())
        };
        let searches = (connections / 4).max(1);
        Self {
            pool: pool(connections.saturating_sub(searches), Duration::from_secs(3)),
            searches: pool(searches, SEARCH_WAIT),
        }
    }

    /// Brings the schema up to date. Servers that start at once take turns.
    pub async fn migrate(options: &PgConnectOptions) -> sqlx::Result<()> {
        // that a table is there already is no news
        let options = options.clone().options([("client_min_messages", "warning")]);
        let connecting = timeout(CONNECT, options.connect()).await;
        let mut connection = connecting.map_err(|_| sqlx::Error::PoolTimedOut)??;
        sqlx::migrate!().run(&mut connection).await?;
        sqlx::Connection::close(connection).await
    }

    /// Closes every connection, once its statement has ended.
    pub async fn close(&self) {
        tokio::join!(self.pool.close(), self.searches.close());
    }

    /// Where a statement runs: all of them go this way, but searches.
    fn connection(&self) -> Connection<'_> {
        Connection(&self.pool)
    }

    /// Where a search runs.
    fn search_connection(&self) -> Connection<'_> {
        Connection(&self.searches)
    }

    /// The row that a statement found. No row: 401 if the caller is no longer one, else 404, whether it is gone or
    /// somebody else's.
    async fn found<T>(&self, user: &CurrentUser, model: &'static str, row: Option<T>) -> Result<T> {
        if row.is_none() {
            self.check(user).await?;
        }
        row.ok_or(ApiError::NoRow(model))
    }

    /// The row that a write found. No row: 404 if it is gone, 412 if its version moved on, which `current` tells.
    async fn written<T, M: Model>(
        &self,
        user: &CurrentUser,
        row: Option<T>,
        version: Option<i64>,
        current: impl Future<Output = Result<M>>,
    ) -> Result<T> {
        if row.is_none() && version.is_some() {
            current.await?;
            return Err(ApiError::PreconditionFailed);
        }
        self.found(user, M::NAME, row).await
    }

    /// Checks that the caller still is one: 401 otherwise.
    pub async fn check(&self, user: &CurrentUser) -> Result<()> {
        let row = sqlx::query!(
            r#"
            select u.is_active, s.id is not null and s.ended_at is null as "is_logged_in!"
            from users u
            left join sessions s on s.id = $2 and s.user_id = u.id
            where u.id = $1
            "#,
            user.id(),
            user.session_id()
        )
        .fetch_optional(self.connection())
        .await?;
        let reason = match row {
            None => Unauthenticated::UserNotFound,
            Some(row) if !row.is_active => Unauthenticated::UserInactive,
            Some(row) if !row.is_logged_in => Unauthenticated::AccessToken(TokenError::Invalid),
            Some(_) => return Ok(()),
        };
        Err(reason.into())
    }
}
