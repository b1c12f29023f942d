//! How much there may be at once: of requests, and of memory for their bodies. What is too much is refused at once, so that
//! nobody waits in vain, and what is under way ends in time.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::available_parallelism,
};

use axum::{body::Body, http::Extensions};
use futures_util::StreamExt;
use prometheus::IntCounter;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    error::{ApiError, Result},
    metrics::{Metrics, shed},
    request::{ClientAddress, InFlight, site},
};

/// How many requests there are at once, a core: as many as it answers in a few tenths of a second.
const REQUESTS: usize = 1024;
/// How many bytes of bodies are held at once.
const ROOM: usize = 64 * 1024 * 1024;
/// How many of them one client holds: eight of the largest bodies.
const SHARE: usize = ROOM / 4;
/// From how many bytes on a body waits for its turn to be parsed.
const LARGE: usize = 128 * 1024;

/// What all requests share. A body holds as many bytes as have arrived, until its request is answered. If there is no room,
/// the answer is 503 at once.
#[derive(Clone)]
pub struct Room {
    requests: usize,
    bytes: Arc<Semaphore>,
    shares: Arc<Mutex<HashMap<IpAddr, usize>>>,
    turns: Arc<Semaphore>,
    refused_requests: IntCounter,
    refused_bodies: IntCounter,
}

/// What a body holds of the room, and of the share of its client.
pub(super) struct Held {
    room: Room,
    client: Option<IpAddr>,
    bytes: Option<OwnedSemaphorePermit>,
}

impl Room {
    /// For so many requests at once; 0: 1024 a core.
    pub fn new(requests: usize) -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        let turns = cores.saturating_sub(1).max(1);
        Self {
            requests: if requests == 0 { REQUESTS * cores } else { requests },
            bytes: Arc::new(Semaphore::new(ROOM)),
            shares: Arc::default(),
            turns: Arc::new(Semaphore::new(turns)),
            refused_requests: shed("requests"),
            refused_bodies: shed("bodies"),
        }
    }

    /// Shows how many requests and bodies were refused.
    pub fn show(&self, metrics: &Metrics) {
        metrics.show(self.refused_requests.clone());
        metrics.show(self.refused_bodies.clone());
    }

    /// Refuses a request that is one too many, now that it is to be worked on. One that did not come over a socket never is.
    pub fn admit(&self, in_flight: Option<&InFlight>) -> Result<()> {
        if in_flight.is_some_and(|in_flight| in_flight.count() > self.requests) {
            self.refused_requests.inc();
            return Err(ApiError::Busy("requests"));
        }
        Ok(())
    }

    /// The turn to parse a body. A large one takes tens of milliseconds, so a core is left for everything else.
    pub(super) async fn turn(&self, length: usize) -> Option<OwnedSemaphorePermit> {
        if length < LARGE {
            return None;
        }
        self.turns.clone().acquire_owned().await.ok()
    }

    /// The bytes of a body of at most `limit`. Its request did not count while it waited for them, so it may be one too many now.
    pub(super) async fn receive(&self, body: Body, limit: usize, request: &Extensions) -> Result<(Vec<u8>, Held)> {
        let client = request.get().map(|ClientAddress(address)| site(*address));
        let mut held = Held { room: self.clone(), client, bytes: None };
        let mut bytes = Vec::new();
        let mut chunks = body.into_data_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|_| ApiError::BadRequest("The request body is malformed.".into()))?;
            if bytes.len() + chunk.len() > limit {
                return Err(ApiError::PayloadTooLarge(limit));
            }
            held.take(chunk.len())?;
            bytes.extend_from_slice(&chunk);
        }
        self.admit(request.get())?;
        Ok((bytes, held))
    }

    fn shares(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.shares.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// So many bytes more.
    fn take(&mut self, bytes: usize) -> Result<()> {
        let permit = self.room.bytes.clone().try_acquire_many_owned(u32::try_from(bytes).unwrap_or(u32::MAX));
        // only what there is room for counts for the client
        let Some(permit) = permit.ok().filter(|_| self.fits_in_share(bytes)) else {
            self.room.refused_bodies.inc();
            return Err(ApiError::Busy("bodies"));
        };
        match &mut self.bytes {
            Some(bytes) => OwnedSemaphorePermit::merge(bytes, permit),
            None => self.bytes = Some(permit),
        }
        Ok(())
    }

    /// Takes them from the share of the client, if it has so many left.
    fn fits_in_share(&self, bytes: usize) -> bool {
        let Some(client) = self.client else { return true };
        let mut shares = self.room.shares();
        let share = shares.entry(client).or_default();
        let fits = *share + bytes <= SHARE;
        if fits {
            *share += bytes;
        }
        fits
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let held = self.bytes.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let mut shares = self.room.shares();
        if let Some(client) = self.client
            && let Some(share) = shares.get_mut(&client)
        {
            *share = share.saturating_sub(held);
            if *share == 0 {
                shares.remove(&client);
            }
        }
    }
}
