//! Where statements run.

use std::{io, time::Duration};

use futures_util::{FutureExt, StreamExt, TryFutureExt, TryStreamExt, future::BoxFuture, stream::BoxStream};
use sqlx::{
    Connection as _, Either, Error, Execute, Executor, PgPool, Postgres, SqlStr,
    postgres::{PgArguments, PgQueryResult, PgRow, PgStatement, PgTypeInfo},
};
use tokio::time::timeout;

/// How often a statement is retried.
const RETRIES: usize = 3;

/// A connection of the pool, for one statement. A statement that loses a race (40001, 40P01), or that was prepared before
/// a migration, is retried. A statement that takes too long ends, even if PostgreSQL does not answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Connection<'c> {
    pub(super) pool: &'c PgPool,
    /// How long a statement may take, including the wait for a connection.
    pub(super) limit: Duration,
}

type Statement = (SqlStr, Option<PgArguments>);

/// A statement and its values, which can be run again.
fn statement<'q>(mut query: impl Execute<'q, Postgres>) -> Result<Statement, Error> {
    let arguments = query.take_arguments().map_err(Error::Encode)?;
    Ok((query.sql(), arguments))
}

async fn run(
    Connection { pool, limit }: Connection<'_>,
    statement: Result<Statement, Error>,
) -> Result<Vec<Either<PgQueryResult, PgRow>>, Error> {
    let statement = statement?;
    let attempts = async {
        let mut connection = pool.acquire().await?;
        for _ in 0..RETRIES {
            match connection.fetch_many(statement.clone()).try_collect().await {
                Err(error) if has_code(&error, &["40001", "40P01"]) => {}
                // "cached plan must not change result type"
                Err(error) if has_code(&error, &["0A000"]) => connection.clear_cached_statements().await?,
                result => return result,
            }
        }
        connection.fetch_many(statement.clone()).try_collect().await
    };
    timeout(limit, attempts).await.unwrap_or(Err(io::Error::from(io::ErrorKind::TimedOut).into()))
}

fn has_code(error: &Error, codes: &[&str]) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| codes.contains(&code.as_ref()))
}

impl<'c> Executor<'c> for Connection<'c> {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Either<PgQueryResult, PgRow>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let rows = run(self, statement(query)).map(|rows| {
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
        let rows = run(self, statement(query));
        rows.map_ok(|rows| rows.into_iter().find_map(Either::right)).boxed()
    }

    fn prepare_with<'e>(self, sql: SqlStr, parameters: &'e [PgTypeInfo]) -> BoxFuture<'e, Result<PgStatement, Error>>
    where
        'c: 'e,
    {
        self.pool.prepare_with(sql, parameters)
    }

    #[doc(hidden)]
    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<sqlx::Describe<Postgres>, Error>>
    where
        'c: 'e,
    {
        self.pool.describe(sql)
    }
}
