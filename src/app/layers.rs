//! What happens around every handler. Each layer does one thing.

use std::{any::Any, time::Duration};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{
        Extensions, HeaderMap, HeaderValue, Method, StatusCode, Version,
        header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, ETAG},
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use headers::{HeaderMapExt, IfNoneMatch};
use tracing::Instrument;

use super::{hosts::AllowedHosts, log::LogLine, negotiation, proxies::TrustedProxies};
use crate::{
    api::endpoints::Endpoints,
    error::ApiError,
    request::{ClientAddress, Peer, RequestId, X_REQUEST_ID},
};

/// The longest that a request may take from its head to its answer.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);

/// Gives the request an id and names it in the answer.
pub(super) async fn request_id(mut request: Request, next: Next) -> Response {
    let id = RequestId::random();
    let header = HeaderValue::from_str(id.as_str());
    request.extensions_mut().insert(id);
    let mut response = next.run(request).await;
    if let Ok(header) = header {
        response.headers_mut().insert(X_REQUEST_ID, header);
    }
    response
}

/// Says where the request comes from.
pub(super) async fn client_address(State(proxies): State<TrustedProxies>, mut request: Request) -> Request {
    if let Some(&Peer(peer)) = request.extensions().get() {
        let address = ClientAddress(proxies.client(peer.ip(), request.headers()));
        request.extensions_mut().insert(address);
    }
    request
}

/// Writes one log line for each request.
pub(super) async fn log(request: Request, next: Next) -> Response {
    let mut line = LogLine::new(&RequestId::of(request.extensions()), request.method());
    let response = next.run(request).instrument(line.span()).await;
    line.answered(&response);
    response
}

/// Refuses a request for a host that the server does not answer to.
pub(super) async fn allowed_hosts(State(hosts): State<AllowedHosts>, request: Request, next: Next) -> Response {
    if hosts.allow(&request) {
        next.run(request).await
    } else {
        ApiError::BadRequest("Invalid Host header.".into()).into_response()
    }
}

/// Changes the path into the documented one.
pub(super) async fn canonical_path(mut request: Request) -> Request {
    negotiation::canonical(request.uri_mut());
    request
}

/// Adds `Allow`, and leaves the route for the log line.
pub(super) async fn allow(State(endpoints): State<Endpoints>, request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).await;
    if let Some(path) = path {
        if let Some(allow) = endpoints.allow(&path) {
            response.headers_mut().insert(ALLOW, allow);
        }
        response.extensions_mut().insert(path);
    }
    response
}

/// Keeps records and tokens out of caches.
pub(super) async fn cache_control(path: Option<MatchedPath>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let is_secret = path.as_ref().is_some_and(|path| path.as_str().starts_with("/api/auth/"));
    let caching = HeaderValue::from_static(if is_secret { "no-store" } else { "private, no-cache" });
    if path.is_some() {
        response.headers_mut().entry(CACHE_CONTROL).or_insert(caching);
    }
    response
}

/// Answers 406, or 404 for `?format=`, if the client does not accept JSON. This comes first, as in Django REST framework.
pub(super) async fn negotiate(path: Option<MatchedPath>, request: Request, next: Next) -> Response {
    match path.and_then(|_| negotiation::not_acceptable(&request)) {
        Some(error) => error.into_response(),
        None => next.run(request).await,
    }
}

/// Adds to the 503 of a POST that takes an `Idempotency-Key` that a request with a key is safe to retry.
pub(super) async fn retry_hint(
    State(endpoints): State<Endpoints>,
    path: Option<MatchedPath>,
    request: Request,
    next: Next,
) -> Response {
    let takes_key = request.method() == Method::POST && path.is_some_and(|path| endpoints.takes_key(&path));
    let response = next.run(request).await;
    if takes_key && response.status() == StatusCode::SERVICE_UNAVAILABLE {
        ApiError::UnavailableForPost.into_response()
    } else {
        response
    }
}

/// Answers 304 to a GET if the client already has this version.
pub(super) async fn not_modified(request: Request, next: Next) -> Response {
    let is_read = [Method::GET, Method::HEAD].contains(request.method());
    let known = request.headers().typed_get::<IfNoneMatch>().filter(|_| is_read);
    let response = next.run(request).await;
    let tag = response.headers().typed_get();
    match (known, tag) {
        (Some(known), Some(tag)) if !known.precondition_passes(&tag) => {
            let (mut parts, _) = response.into_parts();
            parts.status = StatusCode::NOT_MODIFIED;
            parts.headers.remove(CONTENT_TYPE);
            Response::from_parts(parts, axum::body::Body::empty())
        }
        _ => response,
    }
}

/// Ends a request that takes too long.
pub(super) async fn time_limit(request: Request, next: Next) -> Response {
    let answer = tokio::time::timeout(REQUEST_TIMEOUT, next.run(request)).await;
    answer.unwrap_or_else(|_| ApiError::Unavailable("a request took too long".into()).into_response())
}

/// Answers 500. The panic's message is not logged, because it may quote a patient's data.
pub(super) fn panicked(_: Box<dyn Any + Send>) -> Response {
    ApiError::Internal("a handler panicked".into()).into_response()
}

/// Whether an answer may be compressed. Answers with an `ETag` may not, because it stands for the exact bytes. Tokens are
/// too short to be compressed, so their compressed length can't reveal anything (BREACH).
pub(super) fn may_be_compressed(status: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    status == StatusCode::OK && !headers.contains_key(ETAG)
}
