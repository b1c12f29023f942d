//! How the server is: `/livez` and `/readyz` for whoever starts, restarts or routes to it, and `/metrics` for Prometheus.
//!
//! The probes are answered on the address of the API and on that of the metrics (`METRICS_ADDR`); `/metrics` only there,
//! because it tells how busy a practice is. None of them needs a token, counts for a throttle, or writes a line of the log.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use axum::{
    extract::Request,
    http::{
        HeaderValue, Method, StatusCode,
        header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
};
use prometheus::IntGauge;
use tower::{service_fn, util::BoxCloneSyncService};

use crate::{
    db::{Db, NotReady},
    metrics::{Metrics, gauge},
};

const TEXT: &str = "text/plain; charset=utf-8";

/// How a server is.
#[derive(Clone)]
pub struct Health(Arc<State>);

struct State {
    db: Db,
    /// Whether the server was told to stop.
    is_draining: AtomicBool,
    metrics: Metrics,
    database_up: IntGauge,
    server_ready: IntGauge,
}

impl Health {
    /// Of a server over this database, whose metrics it shows.
    pub fn new(db: Db) -> Self {
        let metrics = Metrics::default();
        let database_up = gauge("database_up", "1 if the database answered when it was last asked.", &[]);
        let server_ready = gauge("server_ready", "1 if /readyz says that the server can take requests.", &[]);
        let version = gauge(
            "healthcare_backend_build_info",
            "Always 1; the version of the server.",
            &[("version", env!("CARGO_PKG_VERSION"))],
        );
        version.set(1);
        metrics.show(version);
        db.show(&metrics);
        metrics.show(database_up.clone());
        metrics.show(server_ready.clone());
        Self(Arc::new(State { db, is_draining: AtomicBool::new(false), metrics, database_up, server_ready }))
    }

    /// Where metrics are shown.
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// Says from now on that it takes no more requests, because it stops.
    pub fn drain(&self) {
        self.0.is_draining.store(true, Relaxed);
    }

    /// The answer to a probe. None: the path is none of a probe.
    pub async fn probe(&self, method: &Method, path: &str) -> Option<Response> {
        let is_ready = match path {
            "/livez" => false,
            "/readyz" => true,
            _ => return None,
        };
        Some(match *method {
            Method::GET | Method::HEAD if is_ready => self.readiness().await,
            Method::GET | Method::HEAD => answer(StatusCode::OK, TEXT, "alive\n"),
            _ => not_allowed(),
        })
    }

    async fn readiness(&self) -> Response {
        let unready = |reason: String| answer(StatusCode::SERVICE_UNAVAILABLE, TEXT, format!("{reason}\n"));
        if self.0.is_draining.load(Relaxed) {
            return unready("the server is stopping".into());
        }
        match self.0.db.ready().await {
            Ok(()) => answer(StatusCode::OK, TEXT, "ready\n"),
            Err(reason) => unready(reason.to_string()),
        }
    }

    /// What is served on the address of the metrics.
    pub fn app(&self) -> BoxCloneSyncService<Request, Response, Infallible> {
        let health = self.clone();
        BoxCloneSyncService::new(service_fn(move |request: Request| {
            let health = health.clone();
            async move { Ok(health.respond(request.method(), request.uri().path()).await) }
        }))
    }

    async fn respond(&self, method: &Method, path: &str) -> Response {
        if let Some(probe) = self.probe(method, path).await {
            return probe;
        }
        match (path, method) {
            ("/metrics", &Method::GET | &Method::HEAD) => self.measured().await,
            ("/metrics", _) => not_allowed(),
            _ => answer(StatusCode::NOT_FOUND, TEXT, "not found: there are /livez, /readyz and /metrics\n"),
        }
    }

    async fn measured(&self) -> Response {
        let ready = self.0.db.ready().await;
        self.0.database_up.set((ready != Err(NotReady::NoDatabase)).into());
        self.0.server_ready.set((ready.is_ok() && !self.0.is_draining.load(Relaxed)).into());
        let (text, media_type) = self.0.metrics.text();
        answer(StatusCode::OK, &media_type, text)
    }
}

fn answer(status: StatusCode, media_type: &str, body: impl IntoResponse) -> Response {
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_str(media_type).expect("a media type"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn not_allowed() -> Response {
    let mut response = answer(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET and HEAD\n");
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    response
}
