//! Connections that stay checked out of sqlx's pool between statements. The pool makes, counts and heals them; but each
//! release to it costs a round trip and a task, and so does each checkout.
//!
//! Only a connection whose statement ran to its end is kept. Any other goes back to the pool, which cleans it up.

use std::{
    io, mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use sqlx::{
    Connection as _, Error, PgConnection, PgPool, Postgres,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgDatabaseError, PgPoolOptions, PgSeverity},
};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{sleep, timeout},
};

use super::metrics::Counters;

/// How long a connection that was idle is taken to be alive: not as long as a restart of PostgreSQL takes.
const FRESH: Duration = Duration::from_millis(100);
/// How long a connection is kept idle, and how often that is looked at. Then it is the pool's, which closes it by and by.
const IDLE: Duration = Duration::from_mins(1);
/// How many statements wait for one connection at most: as many as it runs in less than a second. Who would wait longer had
/// better be told at once.
const QUEUE: usize = 128;
/// How long it is kept at most, so that the pool can see that it is old.
const KEPT: Duration = Duration::from_mins(10);

/// Some connections to the database, each used by one statement at a time.
#[derive(Debug)]
pub(super) struct Connections {
    pool: PgPool,
    /// How long a statement waits for a connection.
    wait: Duration,
    most: usize,
    /// How many statements waited for nothing, here and beside, and how many were not let wait.
    counters: Counters,
    /// One for each statement that may run.
    turns: Semaphore,
    /// One for each statement that may wait.
    places: Semaphore,
    /// Those that nobody uses, the one that was used last at the end.
    kept: Mutex<Vec<Kept>>,
    /// How many were lost, here and beside. What was kept before is not trusted any more.
    losses: Arc<AtomicU64>,
}

#[derive(Debug)]
struct Kept {
    connection: PoolConnection<Postgres>,
    /// When the pool gave it.
    since: Instant,
    used: Instant,
    /// How many losses there were when it was known to be alive.
    losses: u64,
}

/// A connection for one statement. Dropped, it is the pool's, and nobody has it before it is clean.
pub(super) struct Lent<'c> {
    connection: Kept,
    connections: &'c Connections,
    /// Given back after the connection.
    turn: SemaphorePermit<'c>,
}

impl Connections {
    /// At most so many, which are opened when they are needed.
    pub(super) fn new(options: PgConnectOptions, count: u32, wait: Duration) -> Arc<Self> {
        Self::open(options, count, wait, (Arc::default(), Counters::new()))
    }

    /// Others, to the same database.
    pub(super) fn beside(&self, count: u32, wait: Duration) -> Arc<Self> {
        let options = self.pool.connect_options().as_ref().clone();
        Self::open(options, count, wait, (Arc::clone(&self.losses), self.counters.clone()))
    }

    fn open(
        options: PgConnectOptions,
        count: u32,
        wait: Duration,
        (losses, counters): (Arc<AtomicU64>, Counters),
    ) -> Arc<Self> {
        let count = count.max(1);
        let pool = PgPoolOptions::new().max_connections(count).acquire_timeout(wait).connect_lazy_with(options);
        let most = usize::try_from(count).unwrap_or(usize::MAX);
        let (turns, places) = (Semaphore::new(most), Semaphore::new(most * QUEUE));
        let connections = Arc::new(Self { pool, wait, most, counters, turns, places, kept: Mutex::default(), losses });
        let kept = Arc::downgrade(&connections);
        tokio::spawn(async move {
            loop {
                sleep(IDLE).await;
                let Some(connections) = kept.upgrade() else { return };
                connections.kept().retain(|kept| kept.used.elapsed() < IDLE);
            }
        });
        connections
    }

    /// sqlx's pool of them.
    pub(super) fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// One of them.
    pub(super) async fn lend(&self) -> Result<Lent<'_>, Error> {
        let Ok(_place) = self.places.try_acquire() else {
            self.counters.refused.inc();
            return Err(io::Error::new(io::ErrorKind::ResourceBusy, "too many statements wait").into());
        };
        let lent = timeout(self.wait, self.take()).await.unwrap_or(Err(Error::PoolTimedOut));
        if matches!(lent, Err(Error::PoolTimedOut)) {
            self.counters.timeouts.inc();
        }
        lent
    }

    /// How many there may be.
    pub(super) fn most(&self) -> usize {
        self.most
    }

    /// How many are open.
    pub(super) fn are_open(&self) -> usize {
        usize::try_from(self.pool.size()).unwrap_or(usize::MAX)
    }

    /// How many have a statement, or are opened for one.
    pub(super) fn in_use(&self) -> usize {
        self.most.saturating_sub(self.turns.available_permits())
    }

    /// How many statements got no connection in time, here and beside, and how many were not let wait for one.
    pub(super) fn counters(&self) -> &Counters {
        &self.counters
    }

    async fn take(&self) -> Result<Lent<'_>, Error> {
        let mut turn = self.turns.acquire().await.map_err(|_| Error::PoolClosed)?;
        loop {
            let losses = self.losses.load(Ordering::Relaxed);
            let last = self.kept().pop();
            let connection = match last {
                Some(kept) => kept,
                None => Kept::now(self.pool.acquire().await?, losses),
            };
            let is_trusted = connection.losses == losses && connection.used.elapsed() < FRESH;
            let mut lent = Lent { connection, connections: self, turn };
            if is_trusted || lent.connection().ping().await.is_ok() {
                lent.connection.losses = losses;
                return Ok(lent);
            }
            turn = lent.lost();
        }
    }

    /// Closes all of them, each when its statement has ended.
    pub(super) async fn close(&self) {
        let closed = self.pool.close();
        // what is given back from now on is the pool's
        mem::take(&mut *self.kept());
        closed.await;
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn now(connection: PoolConnection<Postgres>, losses: u64) -> Self {
        let now = Instant::now();
        Self { connection, since: now, used: now, losses }
    }
}

impl<'c> Lent<'c> {
    /// The connection itself.
    pub(super) fn connection(&mut self) -> &mut PgConnection {
        &mut self.connection.connection
    }

    /// Keeps it for the next statement. The last one ran to its end.
    pub(super) fn keep(mut self) {
        self.connection.used = Instant::now();
        let mut kept = self.connections.kept();
        if self.connection.since.elapsed() < KEPT && !self.connections.pool.is_closed() {
            kept.push(self.connection);
        }
    }

    /// Gives it back after a statement with this result.
    pub(super) fn after<T>(self, result: &Result<T, Error>) {
        match result {
            Err(error) if is_loss(error) => drop(self.lost()),
            Ok(_) | Err(Error::Database(_)) => self.keep(),
            // it may be in the middle of something
            Err(_) => {}
        }
    }

    /// Closes it, because nobody should use it again, and looks at the others before they are used.
    pub(super) fn lost(mut self) -> SemaphorePermit<'c> {
        self.connections.losses.fetch_add(1, Ordering::Relaxed);
        self.connection.connection.close_on_drop();
        self.turn
    }
}

/// Whether the connection is gone, and not only the statement.
pub(super) fn is_loss(error: &Error) -> bool {
    match error {
        Error::Io(error) => error.kind() != io::ErrorKind::ResourceBusy,
        Error::Tls(_) | Error::Protocol(_) => true,
        Error::Database(error) => {
            let error = error.try_downcast_ref::<PgDatabaseError>();
            error.is_some_and(|error| matches!(error.severity(), PgSeverity::Fatal | PgSeverity::Panic))
        }
        _ => false,
    }
}
