//! Reads that are asked together. Requests that wait for the same kind of read share a statement, so that PostgreSQL wakes
//! up, takes a snapshot and answers once for all of them. Nobody waits for others to come: a reader takes whoever is there.
//!
//! An answer for somebody else would be the worst fault that this server can have. So the statement scopes each row by its
//! own asker, and says for each row which place it is for, whom and what was asked for there, and whose it is; all of that
//! is compared once more before anything is handed over.

use std::{
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::FutureExt;
use sqlx::{Connection as _, PgConnection};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use super::{
    STATEMENT,
    caller::{Caller, Refusal},
    connection::is_outdated,
    connections::Connections,
    metrics::Sharing,
};
use crate::{
    auth::CurrentUser,
    error::{ApiError, Result},
};

/// How many share a statement at most.
const BATCH: usize = 64;
/// How many wait for a reader; more wait for room.
const QUEUE: usize = 1024;

/// A kind of read by key.
pub(super) trait SharedRead: Sized + 'static {
    /// What is found.
    type Row: Send + 'static;

    /// Asks for many keys at once: for each place of the two slices, which are of one length, at least one row.
    fn read(
        connection: &mut PgConnection,
        callers: &[Caller],
        keys: &[i64],
    ) -> impl Future<Output = sqlx::Result<Vec<Found<Self::Row>>>> + Send;
}

/// A row of a shared statement.
pub(super) struct Found<T> {
    pub(super) place: Place,
    /// The key that was found at this place. None: there is nothing, or nothing for this caller.
    pub(super) key: Option<i64>,
    /// Whose it is, if it is anybody's.
    pub(super) owner: Option<i64>,
    /// None: the key has no rows.
    pub(super) row: Option<T>,
}

/// What a statement says of the caller at a place.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// Its number, from one.
    pub(super) n: i64,
    pub(super) user_id: i64,
    pub(super) is_staff: bool,
    /// Why the caller gets nothing.
    pub(super) refusal: Option<Refusal>,
}

/// What is found for a caller.
pub(super) struct Answer<T> {
    pub(super) is_staff: bool,
    /// Whether there is such a key for this caller.
    pub(super) is_found: bool,
    pub(super) rows: Vec<T>,
    refusal: Option<Refusal>,
}

type Sender<T> = oneshot::Sender<Result<Answer<T>>>;

struct Ask<T> {
    caller: Caller,
    key: i64,
    asked: Instant,
    sender: Sender<T>,
}

/// Where requests ask for one kind of read.
pub(super) struct Queue<K: SharedRead> {
    asks: mpsc::Sender<Ask<K::Row>>,
    pub(super) sharing: Sharing,
}

impl<K: SharedRead> Queue<K> {
    /// Begins to read. `kind` is the label in the metrics.
    pub(super) fn new(kind: &'static str, connections: &Arc<Connections>) -> Self {
        let (asks, waiting) = mpsc::channel(QUEUE);
        let sharing = Sharing::new(kind);
        tokio::spawn(serve::<K>(waiting, Arc::clone(connections), sharing.clone()));
        Self { asks, sharing }
    }

    /// What is found for a caller. 401 or 403 for one who may not call, 503 if it takes longer than the limit. A request that
    /// is cut off waits no longer, and disturbs nobody.
    pub(super) async fn ask(&self, user: &CurrentUser, key: i64, limit: Duration) -> Result<Answer<K::Row>> {
        let (sender, answer) = oneshot::channel();
        let ask = Ask { caller: Caller::reading(user), key, asked: Instant::now(), sender };
        let answer = timeout(limit, async {
            self.asks.send(ask).await.ok()?;
            answer.await.ok()
        });
        let Ok(Some(answer)) = answer.await else {
            return Err(ApiError::Unavailable("database: a shared read took too long".into()));
        };
        let answer = answer?;
        answer.refusal.map_or(Ok(answer), |refusal| Err(refusal.into()))
    }
}

/// Answers until nobody can ask any more.
async fn serve<K: SharedRead>(mut queue: mpsc::Receiver<Ask<K::Row>>, connections: Arc<Connections>, sharing: Sharing) {
    let mut asks = Vec::with_capacity(BATCH);
    while queue.recv_many(&mut asks, BATCH).await > 0 {
        sharing.begins(asks.iter().map(|ask| ask.asked));
        // what one batch does ends no reader
        let served = AssertUnwindSafe(serve_batch::<K>(&connections, &mut asks)).catch_unwind().await;
        if served.is_err() {
            tracing::error!("a shared read panicked");
            asks.clear();
        }
    }
}

/// Answers all of them. A statement that fails is run once more.
async fn serve_batch<K: SharedRead>(connections: &Connections, asks: &mut Vec<Ask<K::Row>>) {
    let mut is_last = false;
    loop {
        asks.retain(|ask| !ask.sender.is_closed());
        if asks.is_empty() {
            return;
        }
        match read::<K>(connections, asks).await {
            Ok(answers) => {
                for (ask, answer) in asks.drain(..).zip(answers) {
                    // who does not wait any more needs no answer
                    let _ = ask.sender.send(Ok(answer));
                }
                return;
            }
            Err(error) if is_last => {
                for ask in asks.drain(..) {
                    let _ = ask.sender.send(Err(error.clone()));
                }
                return;
            }
            Err(_) => is_last = true,
        }
    }
}

async fn read<K: SharedRead>(connections: &Connections, asks: &[Ask<K::Row>]) -> Result<Vec<Answer<K::Row>>> {
    let (callers, keys): (Vec<_>, Vec<_>) = asks.iter().map(|ask| (ask.caller.clone(), ask.key)).unzip();
    let answers = async {
        let mut lent = connections.lend().await?;
        let mut found = K::read(lent.connection(), &callers, &keys).await;
        if found.as_ref().is_err_and(is_outdated) {
            lent.connection().clear_cached_statements().await?;
            found = K::read(lent.connection(), &callers, &keys).await;
        }
        if let Ok(found) = found {
            let answers = answers(&callers, &keys, found);
            if answers.is_some() {
                lent.keep();
            } else {
                drop(lent.lost());
            }
            return Ok(answers);
        }
        lent.after(&found);
        found.map(|_| None)
    };
    match timeout(STATEMENT, answers).await {
        Ok(Ok(Some(answers))) => Ok(answers),
        Ok(Ok(None)) => {
            tracing::error!("a shared read was answered with what nobody asked for");
            Err(ApiError::Internal("a shared read was answered with what nobody asked for".into()))
        }
        Ok(Err(error)) => Err(error.into()),
        Err(_) => Err(ApiError::Unavailable("database: a shared read took too long".into())),
    }
}

/// What was found, for each place. None: something is not what was asked for there, so nothing can be trusted.
fn answers<T>(callers: &[Caller], keys: &[i64], found: Vec<Found<T>>) -> Option<Vec<Answer<T>>> {
    let mut answers: Vec<Option<Answer<T>>> = callers.iter().map(|_| None).collect();
    for Found { place, key, owner, row } in found {
        let index = usize::try_from(place.n).ok()?.checked_sub(1)?;
        let (caller, asked) = (callers.get(index)?, keys.get(index)?);
        let is_theirs = place.user_id == caller.user_id() && owner.is_none_or(|owner| owner == caller.user_id());
        let is_it = key.is_none_or(|key| key == *asked && place.refusal.is_none());
        if !is_theirs || !is_it || key.is_none() && row.is_some() {
            return None;
        }
        let answer = answers.get_mut(index)?.get_or_insert_with(|| Answer::at(place));
        answer.is_found |= key.is_some();
        answer.rows.extend(row);
    }
    answers.into_iter().collect()
}

impl<T> Answer<T> {
    /// Of a caller who may call.
    pub(super) fn found(rows: Vec<T>) -> Self {
        Self { is_staff: false, is_found: true, rows, refusal: None }
    }

    fn at(place: Place) -> Self {
        Self { is_staff: place.is_staff, is_found: false, rows: Vec::new(), refusal: place.refusal }
    }
}
