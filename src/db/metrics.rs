//! What is counted and measured of the work with the database.

use std::{sync::Arc, time::Instant};

use prometheus::{Histogram, IntCounter, IntCounterVec, Opts};

use super::{Db, connections::Connections};
use crate::metrics::{Metrics, counter, histogram, shed};

/// The bounds of how many reads share a statement.
const SIZES: [f64; 7] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0];
/// The bounds of how long a read waits for its statement, in seconds.
const WAITS: [f64; 9] = [0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.01, 0.1, 1.0, 3.0];

/// How reads of one kind share statements.
#[derive(Clone)]
pub(super) struct Sharing {
    pub(super) sizes: Histogram,
    pub(super) waits: Histogram,
}

impl Sharing {
    pub(super) fn new(kind: &'static str) -> Self {
        let labels = &[("kind", kind)];
        let sizes = "How many reads shared a statement, by what was read.";
        let waits = "How long a read waited until its statement began, without the wait for a connection.";
        Self {
            sizes: histogram("shared_statement_size", sizes, labels, &SIZES),
            waits: histogram("shared_statement_wait_seconds", waits, labels, &WAITS),
        }
    }

    /// A statement begins, for reads that were asked for at these times.
    pub(super) fn begins(&self, asked: impl ExactSizeIterator<Item = Instant>) {
        self.sizes.observe(u32::try_from(asked.len()).map_or(f64::INFINITY, f64::from));
        let now = Instant::now();
        for at in asked {
            self.waits.observe((now - at).as_secs_f64());
        }
    }
}

/// Statements that got no connection.
#[derive(Debug, Clone)]
pub(super) struct Counters {
    /// In time.
    pub(super) timeouts: IntCounter,
    /// At once, because too many waited for one already.
    pub(super) refused: IntCounter,
}

impl Counters {
    pub(super) fn new() -> Self {
        let help = "Statements that got no connection to the database in time.";
        Self { timeouts: counter("database_connection_timeouts_total", help, &[]), refused: shed("statements") }
    }
}

/// How logins ended, by all ways to log in.
#[derive(Clone)]
pub(super) struct Logins(IntCounterVec);

impl Logins {
    pub(super) fn new() -> Self {
        let help = "Passwords that were given, by what came of it: a login that succeeded; a failure, also where an account's \
                    password is asked for again; or throttled, and so not tried.";
        let logins = IntCounterVec::new(Opts::new("logins_total", help), &["outcome"]).expect("valid");
        // a series that is there from the start shows its first failure as a rise
        for outcome in ["succeeded", "failed", "throttled"] {
            logins.with_label_values(&[outcome]);
        }
        Self(logins)
    }

    pub(super) fn succeeded(&self) {
        self.0.with_label_values(&["succeeded"]).inc();
    }

    pub(super) fn failed(&self) {
        self.0.with_label_values(&["failed"]).inc();
    }

    pub(super) fn throttled(&self) {
        self.0.with_label_values(&["throttled"]).inc();
    }
}

impl Db {
    /// Shows the metrics of the work with the database.
    pub fn show(&self, metrics: &Metrics) {
        let (own, shared) = (&self.connections, &self.shared.connections);
        show_connections(metrics, "statements", own);
        show_connections(metrics, "searches", &self.searches);
        // with few connections, they are the same
        if !Arc::ptr_eq(own, shared) {
            show_connections(metrics, "shared", shared);
        }
        metrics.show(own.counters().timeouts.clone());
        metrics.show(own.counters().refused.clone());
        metrics.show(self.logins.0.clone());
        for sharing in [
            &self.shared.checks.sharing,
            &self.shared.accounts.sharing,
            &self.shared.patients.sharing,
            &self.shared.doctors.sharing,
            &self.shared.mappings_of_patients.sharing,
            &self.shared.doctors_of_patients.sharing,
        ] {
            metrics.show(sharing.sizes.clone());
            metrics.show(sharing.waits.clone());
        }
        self.reads.show(metrics);
    }
}

fn show_connections(metrics: &Metrics, pool: &str, connections: &Arc<Connections>) {
    let labels = &[("pool", pool)];
    let show = |name, help, read: fn(&Connections) -> usize| {
        let connections = Arc::clone(connections);
        metrics.show_reading(name, help, labels, move || read(&connections));
    };
    show("database_connections_max", "Connections to the database that there may be.", Connections::most);
    show("database_connections_open", "Connections to the database that are open.", Connections::are_open);
    show("database_connections_in_use", "Connections to the database that run a statement.", Connections::in_use);
}
