//! The accept loop: hyper's HTTP/1 connections with a limit on everything that a client can drag out, and a drain with
//! a deadline. (`axum::serve` has no timers: tokio-rs/axum 2741.)

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{body::Body, extract::Request, response::Response};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tower::ServiceExt;

use crate::{app::App, request::Peer};

mod patience;

use patience::{Patience, Phase};

/// As many connections as are served at once; more wait in the listener's queue.
const CONNECTIONS: usize = 4096;
/// The largest head of a request, in bytes.
const HEAD: usize = 16 * 1024;
/// How long a connection is kept for its next request: longer than the load balancers in front keep theirs (60 s).
const IDLE: Duration = Duration::from_secs(75);
/// How long requests may go on once the server stops.
const DRAIN: Duration = Duration::from_secs(25);

/// Serves until `shutdown` is done, then lets requests that are under way end.
pub async fn serve(listener: TcpListener, app: App, shutdown: impl Future<Output = ()>) {
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    tokio::pin!(shutdown);
    loop {
        let accepted = async {
            let place = places.clone().acquire_owned().await.expect("never closed");
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            accepted = accepted => accepted,
            () = &mut shutdown => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let connection = graceful.watch(connection(stream, Peer(peer), app.clone()));
                tokio::spawn(async move {
                    // a client that goes away or is too slow is no news
                    let _ = connection.await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!("accepting a connection: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    drop(listener);
    if tokio::time::timeout(DRAIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not end within {} s", DRAIN.as_secs());
    }
}

fn connection(
    stream: TcpStream,
    peer: Peer,
    app: App,
) -> impl hyper_util::server::graceful::GracefulConnection<Output = hyper::Result<()>, Error = hyper::Error> {
    // answers are small: waiting to fill a packet only delays them
    let _ = stream.set_nodelay(true);
    let phase = Phase::default();
    let stream = Patience::new(stream, phase.clone());
    let service =
        service_fn(move |request: hyper::Request<Incoming>| answer(app.clone(), request, peer, phase.clone()));
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .max_header_size(HEAD)
        .serve_connection(TokioIo::new(stream), service)
}

async fn answer(app: App, request: hyper::Request<Incoming>, peer: Peer, phase: Phase) -> Result<Response, Infallible> {
    phase.head_is_read();
    let mut request: Request = request.map(Body::new);
    request.extensions_mut().insert(peer);
    let response = app.oneshot(request).await;
    phase.is_answered();
    response
}
