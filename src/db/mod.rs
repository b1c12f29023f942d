//! All SQL lives here, and no other room can reach the pool.
//!
//! Every statement starts from the actor: one row while the caller's account is active and the login goes on, else
//! none. So one round trip checks the caller, scopes the rows, and tells the audit trigger who acts.

use std::{fmt, marker::PhantomData, pin::Pin, time::Duration};

use serde::Serialize;
use sqlx::{
    ConnectOptions, Connection, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use tokio::time::timeout;

use crate::{
    auth::{CurrentUser, Unauthenticated, token::TokenFault},
    error::{ApiError, Result},
};

pub mod doctors;
pub mod embedded;
pub mod mappings;
pub mod patients;
pub mod sessions;
pub mod users;

/// How long the first connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a statement may take, with the wait for a connection.
const STATEMENT: Duration = Duration::from_millis(3500);
/// How often a statement that lost a race is run again.
const RETRIES: usize = 3;

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
}

/// The database.
#[derive(Clone)]
pub struct Db {
    pool: PgPool,
}

impl Db {
    /// A pool of at most `connections`, opened as they are needed.
    pub fn new(options: PgConnectOptions, connections: u32) -> Self {
        let options = options
            .disable_statement_logging()
            .application_name("healthcare-backend")
            .options([
                ("statement_timeout", "3s"),
                ("lock_timeout", "2s"),
                ("idle_in_transaction_session_timeout", "10s"),
            ]);
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(Duration::from_secs(3))
            .connect_lazy_with(options);
        Self { pool }
    }

    /// Brings the schema up to date. Servers that start at once take turns.
    pub async fn migrate(options: &PgConnectOptions) -> sqlx::Result<()> {
        // that a table is there already is no news
        let options = options
            .clone()
            .options([("client_min_messages", "warning")]);
        let connecting = timeout(CONNECT, options.connect()).await;
        let mut connection = connecting.map_err(|_| sqlx::Error::PoolTimedOut)??;
        sqlx::migrate!().run(&mut connection).await?;
        connection.close().await
    }

    /// Closes every connection, once its statement has ended.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Runs one statement on a connection of the pool; all of them come here. One that loses a race (40001, 40P01) is
    /// run again; one that takes too long, whatever PostgreSQL is doing, ends with its connection.
    async fn run<T>(&self, statement: impl Statement<T>) -> Result<T> {
        let attempts = async {
            for _ in 0..RETRIES {
                match self.attempt(&statement).await {
                    Err(error) if lost_a_race(&error) => {}
                    result => return result,
                }
            }
            self.attempt(&statement).await
        };
        match timeout(STATEMENT, attempts).await {
            Ok(result) => Ok(result?),
            Err(_) => Err(ApiError::Unavailable("database: no answer in time".into())),
        }
    }

    async fn attempt<T>(&self, statement: &impl Statement<T>) -> sqlx::Result<T> {
        let mut connection = self.pool.acquire().await?;
        statement(&mut connection).await
    }

    /// What to answer where a statement found nothing, or a request was refused before there was one: the fault, unless
    /// the caller is no more.
    pub async fn refuse(&self, user: &CurrentUser, fault: ApiError) -> ApiError {
        match self.caller(user).await {
            Ok(()) => fault,
            Err(refusal) => refusal,
        }
    }

    /// A value that came with the request, or its fault: see `refuse`.
    async fn accept<T>(&self, user: &CurrentUser, value: Result<T>) -> Result<T> {
        match value {
            Ok(value) => Ok(value),
            Err(fault) => Err(self.refuse(user, fault).await),
        }
    }

    /// Checks that the caller still is one.
    pub async fn caller(&self, user: &CurrentUser) -> Result<()> {
        let row = self
            .run(|connection| {
                Box::pin(
                    sqlx::query!(
                        r#"
            select u.is_active, s.id is not null and s.ended_at is null as "is_logged_in!"
            from users u
            left join sessions s on s.id = $2 and s.user_id = u.id
            where u.id = $1
            "#,
                        user.id(),
                        user.session_id()
                    )
                    .fetch_optional(connection),
                )
            })
            .await?;
        let refusal = match row {
            None => Unauthenticated::UserNotFound,
            Some(row) if !row.is_active => Unauthenticated::UserInactive,
            Some(row) if !row.is_logged_in => Unauthenticated::AccessToken(TokenFault::Invalid),
            Some(_) => return Ok(()),
        };
        Err(refusal.into())
    }
}

/// A statement that can be run, more than once if need be.
trait Statement<T>:
    for<'c> Fn(&'c mut PgConnection) -> Pin<Box<dyn Future<Output = sqlx::Result<T>> + Send + 'c>>
    + Send
    + Sync
{
}

impl<T, F> Statement<T> for F where
    F: for<'c> Fn(
            &'c mut PgConnection,
        ) -> Pin<Box<dyn Future<Output = sqlx::Result<T>> + Send + 'c>>
        + Send
        + Sync
{
}

/// Whether a value that was sent is another than the one that is there.
fn differs<T: PartialEq>(sent: Option<&T>, there: &T) -> bool {
    sent.is_some_and(|sent| sent != there)
}

fn lost_a_race(error: &sqlx::Error) -> bool {
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    matches!(code.as_deref(), Some("40001" | "40P01"))
}
