//! All SQL lives here, and no other room can reach the pool.
//!
//! Every statement starts from the actor: one row while the caller's account is active and the login goes on, else
//! none. So one round trip checks the caller, scopes the rows, and tells the audit trigger who acts.

use std::{fmt, marker::PhantomData, ops::Deref, sync::Arc, time::Duration};

use serde::Serialize;
use sqlx::{ConnectOptions, postgres::PgConnectOptions};
use tokio::time::timeout;

use caller::Check;
use connection::Connection;
use connections::Connections;
use metrics::Logins;
use readiness::Readiness;
use reads::Reads;
use shared::{Answer, Queue};

use crate::{
    auth::CurrentUser,
    config::ReadAudit,
    error::{ApiError, Result},
};

pub mod accesses;
pub mod accounts;
pub mod admin;
pub mod api_tokens;
pub mod audit;
pub mod audit_export;
pub mod backup;
mod by_patient;
mod caller;
mod connection;
mod connections;
pub mod directory;
pub mod django;
pub mod doctors;
pub mod embedded;
pub mod history;
pub mod idempotency;
mod inspection;
pub mod kept;
pub mod listing;
mod login_failures;
pub mod logins;
pub mod mappings;
mod metrics;
mod one_patient;
pub mod page;
pub mod patients;
mod readiness;
mod reads;
mod recorder;
mod schema;
pub mod sessions;
mod shared;
mod start;
pub mod users;

pub use inspection::Inspection;
pub use readiness::NotReady;
pub use reads::Subject;
pub use schema::SchemaError;
pub use start::PoolerError;

/// How long a statement of a request may take, including the wait for a connection.
const STATEMENT: Duration = Duration::from_millis(3500);
/// The same for a command: an account with 100,000 patients is deleted in 10 seconds.
const COMMAND: Duration = Duration::from_mins(10);
/// How long a statement waits for a connection.
const WAIT: Duration = Duration::from_secs(3);
/// How long a search waits for another to end.
const SEARCH_WAIT: Duration = Duration::from_secs(1);
/// How many connections shared reads have at most: with two, a kind of read that waits for a lock keeps no other waiting.
const SHARED: u32 = 2;
/// How long the last statements may take.
const CLOSE: Duration = Duration::from_secs(5);

/// The settings of every connection.
pub const SETTINGS: [(&str, &str); 5] = [
    ("statement_timeout", "3s"),
    ("lock_timeout", "2s"),
    ("idle_in_transaction_session_timeout", "10s"),
    // the rows of a user who owns most of a table are read by an index too
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

/// What Django calls a model: the kind of a row, with the name that errors use.
pub trait Model {
    /// "Patient".
    const NAME: &'static str;
    /// The same inside a sentence: "patient".
    const NOUN: &'static str;

    /// Which patient the row tells of.
    fn subject(&self) -> Subject {
        Subject::Nobody
    }

    /// The version of the row, if the table counts versions.
    fn version(&self) -> Option<i64> {
        None
    }
}

/// The database: one pointer to what is shared by all that work with it.
#[derive(Clone)]
pub struct Db(Arc<Parts>);

/// What all that work with the database share.
pub struct Parts {
    connections: Arc<Connections>,
    /// For statements that may read many more rows than they return. They have few connections, so that many searches at
    /// once leave the other connections, and part of the processor, to everybody else.
    searches: Arc<Connections>,
    shared: Shared,
    /// How long a statement may take.
    limit: Duration,
    reads: Reads,
    readiness: Readiness,
    logins: Logins,
}

/// The reads that are asked together, and their connections.
struct Shared {
    connections: Arc<Connections>,
    checks: Queue<Check>,
    accounts: Queue<users::Own>,
    patients: Queue<one_patient::OnePatient>,
    doctors: Queue<directory::One>,
    mappings_of_patients: Queue<by_patient::Mappings>,
    doctors_of_patients: Queue<by_patient::Doctors>,
}

impl Shared {
    fn new(connections: Arc<Connections>) -> Self {
        Self {
            checks: Queue::new("caller", &connections),
            accounts: Queue::new("account", &connections),
            patients: Queue::new("patient", &connections),
            doctors: Queue::new("doctor", &connections),
            mappings_of_patients: Queue::new("patient_mappings", &connections),
            doctors_of_patients: Queue::new("patient_doctors", &connections),
            connections,
        }
    }
}

impl Parts {
    fn new(options: PgConnectOptions, connections: u32, audit: ReadAudit) -> Self {
        let options = session_options(options).disable_statement_logging();
        let quarter = (connections / 4).max(1);
        let few = (connections / 4).min(SHARED);
        let readiness = Readiness::new(options.clone());
        let others = Connections::new(options, connections.saturating_sub(quarter + few), WAIT);
        let searches = others.beside(quarter, SEARCH_WAIT);
        let shared = if few == 0 { Arc::clone(&others) } else { others.beside(few, WAIT) };
        Self {
            reads: Reads::new(Arc::clone(&others), audit),
            connections: others,
            searches,
            shared: Shared::new(shared),
            limit: STATEMENT,
            readiness,
            logins: Logins::new(),
        }
    }
}

/// With the settings of every connection.
fn session_options(options: PgConnectOptions) -> PgConnectOptions {
    options.application_name("healthcare-backend").options(SETTINGS)
}

impl Deref for Db {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl Db {
    /// At most `connections` (at least two), opened when they are needed. A quarter of them is for searches, and of four or
    /// more, one or two are for shared reads.
    pub fn new(options: PgConnectOptions, connections: u32) -> Self {
        Self::auditing(options, connections, ReadAudit::default())
    }

    /// The same, with reads recorded in another way.
    pub fn auditing(options: PgConnectOptions, connections: u32, audit: ReadAudit) -> Self {
        Self(Arc::new(Parts::new(options, connections, audit)))
    }

    /// For a command: one connection, whose statements may take minutes.
    pub fn for_command(options: PgConnectOptions) -> Self {
        let parts = Parts::new(options, 1, ReadAudit::default());
        let pool = parts.connections.pool();
        let options = pool.connect_options().as_ref().clone();
        pool.set_connect_options(options.options([("statement_timeout", "0")]));
        Self(Arc::new(Parts { limit: COMMAND, ..parts }))
    }

    /// Writes the records of reads that wait, and closes every connection when its statement has ended.
    pub async fn close(&self) {
        self.reads.flush().await;
        // a statement that does not end keeps nobody
        let closed = async {
            tokio::join!(
                self.connections.close(),
                self.searches.close(),
                self.shared.connections.close(),
                self.readiness.close()
            )
        };
        let _ = timeout(CLOSE, closed).await;
    }

    /// Where statements run, except those that only read.
    fn connection(&self) -> Connection<'_> {
        Connection { connections: &self.connections, limit: self.limit, only_reads: false }
    }

    /// Where statements run that only read, except searches.
    fn reading_connection(&self) -> Connection<'_> {
        Connection { only_reads: true, ..self.connection() }
    }

    /// Where searches run.
    fn search_connection(&self) -> Connection<'_> {
        Connection { connections: &self.searches, ..self.reading_connection() }
    }

    /// The row that a statement found. No row: 401 if the caller may no longer call, else 404; a row of somebody else is
    /// the same as no row.
    async fn found<T>(&self, user: &CurrentUser, model: &'static str, row: Option<T>) -> Result<T> {
        match &row {
            Some(_) => self.reads.token_used(user),
            None => self.check(user).await?,
        }
        row.ok_or(ApiError::NoRow(model))
    }

    /// The row that a shared read found. No row: 404.
    fn only<T>(&self, user: &CurrentUser, model: &'static str, answer: Answer<T>) -> Result<T> {
        let row = answer.rows.into_iter().next().ok_or(ApiError::NoRow(model))?;
        self.reads.token_used(user);
        Ok(row)
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
}
