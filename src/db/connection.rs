//! Where statements run.

use std::{io, time::Duration};

use futures_util::{FutureExt, StreamExt, TryFutureExt, TryStreamExt, future::BoxFuture, stream::BoxStream};
use sqlx::{
    Connection as _, Either, Error, Execute, Executor, Postgres, SqlStr,
    postgres::{PgArguments, PgQueryResult, PgRow, PgStatement, PgTypeInfo},
    query::Query,
};
use tokio::time::timeout;

use super::connections::{Connections, is_loss};

/// How often a statement is retried.
const RETRIES: usize = 3;

/// A connection for one statement. A statement that loses a race (40001, 40P01), or that was prepared before a migration,
/// is retried. A statement that takes too long ends, even if PostgreSQL does not answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Connection<'c> {
    pub(super) connections: &'c Connections,
    /// How long a statement may take, including the wait for a connection.
    pub(super) limit: Duration,
    /// Whether it may run twice, because it only reads. Then it does so where the connection is lost.
    pub(super) only_reads: bool,
}

/// A statement and its values, which can be run again.
#[derive(Clone)]
struct Statement {
    sql: SqlStr,
    arguments: PgArguments,
    /// Whether it stays prepared.
    is_persistent: bool,
}

impl Statement {
    fn of<'q>(mut query: impl Execute<'q, Postgres>) -> Result<Self, Error> {
        let arguments = query.take_arguments().map_err(Error::Encode)?.unwrap_or_default();
        Ok(Self { is_persistent: query.persistent(), sql: query.sql(), arguments })
    }

    fn query(&self) -> Query<'static, Postgres, PgArguments> {
        sqlx::query_with(self.sql.clone(), self.arguments.clone()).persistent(self.is_persistent)
    }
}
/// A row, or what was done.
pub(super) type Row = Either<PgQueryResult, PgRow>;

/// Runs a statement, and puts what it answers into what `empty` makes.
async fn run<C: Extend<Row>>(
    connection: Connection<'_>,
    statement: Result<Statement, Error>,
    empty: impl Fn() -> C,
) -> Result<C, Error> {
    let statement = statement?;
    let attempts = async {
        match attempt(connection, &statement, &empty).await {
            Err(error) if connection.only_reads && is_loss(&error) => attempt(connection, &statement, &empty).await,
            result => result,
        }
    };
    timeout(connection.limit, attempts).await.unwrap_or(Err(io::Error::from(io::ErrorKind::TimedOut).into()))
}

/// Runs a statement on one connection.
async fn attempt<C: Extend<Row>>(
    connection: Connection<'_>,
    statement: &Statement,
    empty: impl Fn() -> C,
) -> Result<C, Error> {
    let mut lent = connection.connections.lend().await?;
    let mut retries = 0..RETRIES;
    loop {
        let rows = lent.connection().fetch_many(statement.query());
        let put = async |mut into: C, row| {
            into.extend([row]);
            Ok(into)
        };
        let result = rows.try_fold(empty(), put).await;
        match result {
            Err(error) if has_code(&error, &["40001", "40P01"]) && retries.next().is_some() => {}
            Err(error) if is_outdated(&error) && retries.next().is_some() => {
                lent.connection().clear_cached_statements().await?;
            }
            result => {
                lent.after(&result);
                return result;
            }
        }
    }
}

/// Whether the statement was prepared before a migration: "cached plan must not change result type".
pub(super) fn is_outdated(error: &Error) -> bool {
    has_code(error, &["0A000"])
}

fn has_code(error: &Error, codes: &[&str]) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| codes.contains(&code.as_ref()))
}

impl Connection<'_> {
    /// The rows of a statement, put into what `empty` makes.
    pub(super) async fn fetch_into<'q, C: Extend<Row>>(
        self,
        query: impl Execute<'q, Postgres>,
        empty: impl Fn() -> C,
    ) -> Result<C, Error> {
        run(self, Statement::of(query), empty).await
    }
}

impl<'c> Executor<'c> for Connection<'c> {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Either<PgQueryResult, PgRow>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let rows = run(self, Statement::of(query), Vec::new).map(|rows| {
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
        let rows = run(self, Statement::of(query), Vec::new);
        rows.map_ok(|rows| rows.into_iter().find_map(Either::right)).boxed()
    }

    fn prepare_with<'e>(self, sql: SqlStr, parameters: &'e [PgTypeInfo]) -> BoxFuture<'e, Result<PgStatement, Error>>
    where
        'c: 'e,
    {
        self.connections.pool().prepare_with(sql, parameters)
    }

    #[doc(hidden)]
    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<sqlx::Describe<Postgres>, Error>>
    where
        'c: 'e,
    {
        self.connections.pool().describe(sql)
    }
}
