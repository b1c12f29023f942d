//! What is counted of requests, but for probes.

use std::{sync::Arc, time::Duration};

use axum::http::Method;
use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts};

use crate::metrics::{Metrics, gauge};

/// The bounds of durations, in seconds: from a read that waits for nothing to one that is given up.
const BOUNDS: [f64; 13] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// Counts and times requests. Methods, routes and statuses are of fixed sets, so that no client can make more series of them.
#[derive(Clone)]
pub(super) struct Requests(Arc<Parts>);

struct Parts {
    total: IntCounterVec,
    seconds: HistogramVec,
    in_flight: IntGauge,
}

impl Requests {
    /// Shows them.
    pub(super) fn new(metrics: &Metrics) -> Self {
        let total = Opts::new(
            "http_requests_total",
            "Requests by method, route and status; - for what is unknown, 499 if the client left before the answer.",
        );
        let seconds = HistogramOpts::new(
            "http_request_duration_seconds",
            "From the head of a request to that of its answer, by method and route.",
        );
        let requests = Parts {
            total: IntCounterVec::new(total, &["method", "route", "status"]).expect("valid"),
            seconds: HistogramVec::new(seconds.buckets(BOUNDS.to_vec()), &["method", "route"]).expect("valid"),
            in_flight: gauge("http_requests_in_flight", "Requests whose answer has not begun.", &[]),
        };
        metrics.show(requests.total.clone());
        metrics.show(requests.seconds.clone());
        metrics.show(requests.in_flight.clone());
        Self(Arc::new(requests))
    }

    pub(super) fn begun(&self) {
        self.0.in_flight.inc();
    }

    pub(super) fn ended(&self, method: &'static str, route: &str, status: &str, took: Duration) {
        self.0.in_flight.dec();
        self.0.total.with_label_values(&[method, route, status]).inc();
        self.0.seconds.with_label_values(&[method, route]).observe(took.as_secs_f64());
    }
}

/// The name of a method, or `-` for an unknown one: that is text of the client's, which belongs neither in a log nor in a metric.
pub(super) fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::TRACE => "TRACE",
        _ => "-",
    }
}
