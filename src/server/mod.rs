//! The accept loop: hyper's HTTP/1 connections with a limit on everything that a client can drag out, and a drain with
//! a deadline. (`axum::serve` has no timers: tokio-rs/axum 2741.)

use std::{convert::Infallible, io, net::SocketAddr, time::Duration};

use axum::{body::Body, extract::Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tower::ServiceExt;

use crate::{
    app::App,
    request::{InFlight, Peer, TooBusy},
};

mod connections;
mod descriptors;
mod patience;
mod phase;

pub use descriptors::{WATCHERS, room_for_connections};

pub use connections::Connections;
use connections::Place;
use patience::Patience;
use phase::{AnswerBody, Phase, RequestBody};

/// The largest head of a request, in bytes.
const HEAD: usize = 16 * 1024;
/// How long a connection is kept for its next request: longer than the load balancers in front keep theirs (60 s).
const IDLE: Duration = Duration::from_secs(75);
/// How long requests may go on once the server stops.
const DRAIN: Duration = Duration::from_secs(25);

/// Listens, with room for as many clients that come at once as there can be connections.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // so that a server that ended just now leaves its port
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(descriptors::CONNECTIONS)
}

/// Serves so many connections at once until `shutdown` is done, then lets requests that are under way end.
pub async fn serve(
    listener: TcpListener,
    app: App,
    connections: impl Into<Connections>,
    shutdown: impl Future<Output = ()>,
) {
    let graceful = GracefulShutdown::new();
    let connections = connections.into();
    let in_flight = InFlight::default();
    tokio::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &connections, &in_flight) => accepted,
            () = &mut shutdown => break,
        };
        let Some((stream, peer, phase, place)) = accepted else {
            continue;
        };
        let connection = graceful.watch(connection(stream, peer, app.clone(), phase));
        tokio::spawn(async move {
            tokio::select! {
                // a request that has come already is answered
                biased;
                // a client that goes away or is too slow is no news
                _ = connection => {}
                () = place.is_needed() => {}
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(DRAIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not end within {} s", DRAIN.as_secs());
    }
}

/// The next connection, and its place.
async fn accept(
    listener: &TcpListener,
    connections: &Connections,
    in_flight: &InFlight,
) -> Option<(TcpStream, Peer, Phase, Place)> {
    match listener.accept().await {
        Ok((stream, peer)) => {
            let phase = Phase::new(in_flight.clone());
            let place = connections.admit(peer, phase.clone()).await;
            Some((stream, Peer(peer), phase, place))
        }
        // its client has gone already
        Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => None,
        Err(error) => {
            tracing::warn!("accepting a connection: {error}");
            // most likely there is no descriptor left
            connections.close_one();
            tokio::time::sleep(Duration::from_millis(100)).await;
            None
        }
    }
}

fn connection(
    stream: TcpStream,
    peer: Peer,
    app: App,
    phase: Phase,
) -> impl hyper_util::server::graceful::GracefulConnection<Output = hyper::Result<()>, Error = hyper::Error> {
    // answers are small: waiting to fill a packet only delays them
    let _ = stream.set_nodelay(true);
    let stream = Patience::new(stream, phase.clone());
    let service =
        service_fn(move |request: hyper::Request<Incoming>| answer(app.clone(), request, peer, phase.clone()));
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .max_header_size(HEAD)
        .serve_connection(TokioIo::new(stream), service)
}

async fn answer(
    app: App,
    request: hyper::Request<Incoming>,
    peer: Peer,
    phase: Phase,
) -> Result<hyper::Response<AnswerBody<Body>>, Infallible> {
    phase.head_is_read();
    let in_flight = phase.in_flight();
    let mut request: Request = request.map(|body| Body::new(RequestBody(body, phase.clone())));
    request.extensions_mut().insert(peer);
    request.extensions_mut().insert(in_flight);
    let response = app.oneshot(request).await;
    if response.as_ref().is_ok_and(|response| response.extensions().get::<TooBusy>().is_some()) {
        phase.rest();
    }
    response.map(|response| response.map(|body| AnswerBody::new(body, phase)))
}
