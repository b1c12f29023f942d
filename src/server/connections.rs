//! The connections that are open. When there is no place for another, one that waits for its client is closed: of the
//! address that has most, the one that has waited longest. So whoever opens thousands shuts out nobody else, and a proxy,
//! which is one address too, loses connections that it does not use.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use prometheus::IntCounter;
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use super::phase::Phase;
use crate::{
    metrics::{Metrics, counter},
    request::site,
};

/// When it is looked again for one to close, while all of them are in a request.
const AGAIN: Duration = Duration::from_millis(50);

/// All connections, by the address of the client.
#[derive(Clone)]
pub struct Connections {
    limit: usize,
    places: Arc<Semaphore>,
    shed: IntCounter,
    open: Arc<Mutex<HashMap<IpAddr, Vec<Arc<Connection>>>>>,
}

struct Connection {
    phase: Phase,
    close: Notify,
}

/// An open connection's place; given back with this.
pub(super) struct Place {
    connections: Connections,
    address: IpAddr,
    connection: Arc<Connection>,
    _permit: OwnedSemaphorePermit,
}

impl Connections {
    /// At most so many.
    pub fn new(limit: usize) -> Self {
        let help = "Connections that waited for their client and were closed to make room for others.";
        let shed = counter("http_connections_shed_total", help, &[]);
        Self { limit, places: Arc::new(Semaphore::new(limit)), shed, open: Arc::default() }
    }

    /// Shows how many there are.
    pub fn show(&self, metrics: &Metrics) {
        let (places, limit) = (Arc::clone(&self.places), self.limit);
        let open = move || limit.saturating_sub(places.available_permits());
        metrics.show_reading("http_connections_open", "Connections of clients.", &[], open);
        metrics.show_reading("http_connections_max", "Connections of clients that there may be.", &[], move || limit);
        metrics.show(self.shed.clone());
    }

    /// Takes a place, as soon as there is one.
    pub(super) async fn admit(&self, peer: SocketAddr, phase: Phase) -> Place {
        let permit = loop {
            let place = self.places.clone().acquire_owned();
            if self.places.available_permits() == 0 {
                self.close_one();
            }
            if let Ok(permit) = timeout(AGAIN, place).await {
                break permit.expect("never closed");
            }
        };
        let address = site(peer.ip());
        let connection = Arc::new(Connection { phase, close: Notify::new() });
        self.lock().entry(address).or_default().push(connection.clone());
        Place { connections: self.clone(), address, connection, _permit: permit }
    }

    /// Closes a connection that waits for its client, if there is one.
    pub(super) fn close_one(&self) {
        let open = self.lock();
        let all = open.values().flat_map(|of_one| of_one.iter().map(|connection| (of_one.len(), connection)));
        let waiting = all.filter(|(_, connection)| connection.phase.waits_for_client());
        if let Some((_, connection)) = waiting.min_by_key(|(count, it)| (usize::MAX - count, it.phase.order())) {
            connection.close.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, Vec<Arc<Connection>>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<usize> for Connections {
    fn from(limit: usize) -> Self {
        Self::new(limit)
    }
}

impl Place {
    /// Done when another connection needs the place more.
    pub(super) async fn is_needed(&self) {
        loop {
            self.connection.close.notified().await;
            // a request may have come since
            if self.connection.phase.waits_for_client() {
                self.connections.shed.inc();
                return;
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.connections.lock();
        if let Some(of_one) = open.get_mut(&self.address) {
            of_one.retain(|connection| !Arc::ptr_eq(connection, &self.connection));
            if of_one.is_empty() {
                open.remove(&self.address);
            }
        }
    }
}
