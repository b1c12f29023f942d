//! Where statements run.

use std::{io, time::Duration};

use futures_util::{FutureExt, StreamExt, TryStreamExt, future::BoxFuture, stream::BoxStream};
use sqlx::{
    Either, Error, Execute, Executor, PgPool, Postgres, SqlStr,
    postgres::{PgArguments, PgQueryResult, PgRow, PgStatement, PgTypeInfo},
};
use tokio::time::timeout;

/// How long a statement may take, with the wait for a connection.
const STATEMENT: Duration = Duration::from_millis(3500);
/// How often a statement that lost a race is run again.
const RETRIES: usize = 3;

/// A connection of the pool, for one statement. One that loses a race (40001, 40P01) is run again; one that takes too
/// long, whatever PostgreSQL is doing, ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Connection<'c>(pub(super) &'c PgPool);

type Parts = Result<(SqlStr, Option<PgArguments>), Error>;

/// A statement and its values, to be run as often as need be.
fn parts<'q>(mut query: impl Execute<'q, Postgres>) -> Parts {
    let arguments = query.take_arguments().map_err(Error::Encode)?;
    Ok((query.sql(), arguments))
}

async fn run<'c, T>(
    parts: Parts,
    attempt: impl Fn((SqlStr, Option<PgArguments>)) -> BoxFuture<'c, Result<T, Error>> + Send,
) -> Result<T, Error> {
    let parts = parts?;
    let attempts = async {
        for _ in 0..RETRIES {
            match attempt(parts.clone()).await {
                Err(error) if lost_a_race(&error) => {}
                result => return result,
            }
        }
        attempt(parts.clone()).await
    };
    timeout(STATEMENT, attempts).await.unwrap_or(Err(io::Error::from(io::ErrorKind::TimedOut).into()))
}

fn lost_a_race(error: &Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    matches!(code.as_deref(), Some("40001" | "40P01"))
}

impl<'c> Executor<'c> for Connection<'c> {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Either<PgQueryResult, PgRow>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let pool = self.0;
        let rows = run(parts(query), move |parts| pool.fetch_many(parts).try_collect::<Vec<_>>().boxed());
        let rows = rows.map(|rows| {
            futures_util::stream::iter(
                rows.map_or_else(|error| vec![Err(error)], |rows| rows.into_iter().map(Ok).collect()),
            )
        });
        rows.flatten_stream().boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<PgRow>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let pool = self.0;
        run(parts(query), move |parts| pool.fetch_optional(parts)).boxed()
    }

    fn prepare_with<'e>(self, sql: SqlStr, parameters: &'e [PgTypeInfo]) -> BoxFuture<'e, Result<PgStatement, Error>>
    where
        'c: 'e,
    {
        self.0.prepare_with(sql, parameters)
    }

    #[doc(hidden)]
    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<sqlx::Describe<Postgres>, Error>>
    where
        'c: 'e,
    {
        self.0.describe(sql)
    }
}
