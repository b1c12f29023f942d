//! What every room may know of a request: its id, its client's address, and what it accepts.

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use axum::{
    extract::FromRequestParts,
    http::{Extensions, HeaderMap, HeaderName, header::ACCEPT, request::Parts},
};

/// The header with the id of the request.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request: in the log, in the audit, and in the answer's `X-Request-Id`.
#[derive(Debug, Clone)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// A new one. The client's own is not used, because it could repeat another id, or hold text that does not belong in a
    /// log.
    pub fn random() -> Self {
        Self(format!("{:032x}", rand::random::<u128>()).into())
    }

    /// The id that the outermost layer gave.
    pub fn of(extensions: &Extensions) -> Self {
        extensions.get().cloned().expect("every request has an id")
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The address at the other end of the connection.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// How many requests are worked on. One that waits for the rest of its body does not count, and neither does one whose answer
/// has begun: their clients decide how long that takes.
#[derive(Debug, Clone, Default)]
pub struct InFlight(Arc<AtomicUsize>);

impl InFlight {
    /// How many there are now.
    pub fn count(&self) -> usize {
        self.0.load(Relaxed)
    }

    /// One more.
    pub fn begins(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    /// One less.
    pub fn ends(&self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

/// Marks an answer that says that the server has too much to do. Its connection rests before its next request, so that clients
/// that try again at once, and not after a second, keep nobody from being served.
#[derive(Debug, Clone, Copy)]
pub struct TooBusy;

/// The address of the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// Whether the client has a connection that nobody can read: a proxy that is trusted says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IsHttps(pub bool);

impl IsHttps {
    /// What is known of a request.
    pub fn of(extensions: &Extensions) -> bool {
        extensions.get() == Some(&Self(true))
    }
}

/// What one client has to itself: an address; of IPv6, the first 64 bits.
pub fn site(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
        address @ IpAddr::V4(_) => address,
    }
}

/// Which request it is, and where it comes from.
#[derive(Debug, Clone)]
pub struct Origin {
    pub id: RequestId,
    pub address: IpAddr,
}

impl<S: Send + Sync> FromRequestParts<S> for Origin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let ClientAddress(address) = parts.extensions.get().copied().expect("every request has a client");
        Ok(Self { id: RequestId::of(&parts.extensions), address })
    }
}

/// How much a client wants a media type (RFC 9110 12.4.2, 12.5.1): from 0, not at all, to 1. None: `Accept` does not name
/// it.
pub fn quality(headers: &HeaderMap, media_type: &str) -> Option<f32> {
    let headers = headers.get_all(ACCEPT).iter();
    let mut ranges = headers.flat_map(|header| header.to_str().unwrap_or_default().split(','));
    ranges.find_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let is_it = parts.next()?.eq_ignore_ascii_case(media_type);
        let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(Some(1.0), |weight| weight.parse().ok());
        is_it.then(|| weight.unwrap_or(0.0))
    })
}

/// Whether a client accepts the first of these media types and ranges that `Accept` names. List the more exact ones first.
/// Without `Accept` it accepts anything.
pub fn accepts(headers: &HeaderMap, media_types: &[&str]) -> bool {
    let is_given = headers.get_all(ACCEPT).iter().any(|header| !header.is_empty());
    let named = media_types.iter().find_map(|media_type| quality(headers, media_type));
    !is_given || named.is_some_and(|quality| quality > 0.0)
}
