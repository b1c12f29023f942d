//! What happens around every handler: once outside the router, and once around the handler that it finds. Each step is a
//! function of its own; a layer for each would copy all that is inside it for every request.

use std::{any::Any, sync::Arc, time::Duration};

use axum::{
    Extension,
    extract::{MatchedPath, Request, State},
    http::{
        Extensions, HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version,
        header::{
            ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HOST, REFERRER_POLICY, VARY,
            X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
        },
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use headers::{HeaderMapExt, IfNoneMatch};
use tracing::Instrument;

use super::{
    hosts::{AllowedHosts, is_host},
    log::LogLine,
    metrics::Requests,
    negotiation,
    proxies::{TrustedProxies, Way},
    throttles::Throttles,
};
use crate::{
    api::endpoints::Endpoints,
    config::Exposure,
    error::{ApiError, Result},
    health::Health,
    input::Room,
    request::{ClientAddress, IsHttps, Peer, RequestId, TooBusy, X_REQUEST_ID},
};

/// The longest that a request may take from its head to its answer.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
/// Headers of every answer that does not say otherwise.
const SECURITY: [(HeaderName, HeaderValue); 5] = [
    // what Django's SecurityMiddleware and XFrameOptionsMiddleware say
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    // JSON loads nothing, and no page may frame it; the documentation has its own policy
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
];

/// Who may ask, and by which name of the server.
pub(super) struct Gate {
    proxies: TrustedProxies,
    hosts: AllowedHosts,
    health: Health,
    requests: Requests,
}

impl Gate {
    pub(super) fn new(exposure: &Exposure, health: &Health) -> Arc<Self> {
        let proxies = TrustedProxies::new(&exposure.trusted_proxies);
        let hosts = AllowedHosts::new(&exposure.allowed_hosts);
        Arc::new(Self { proxies, hosts, health: health.clone(), requests: Requests::new(health.metrics()) })
    }
}

/// For every request, and before its path is looked up: gives it an id, which the answer names, and writes its log line.
/// A probe is answered here, whatever name of the server it uses.
pub(super) async fn around_router(State(gate): State<Arc<Gate>>, mut request: Request, next: Next) -> Response {
    if let Some(answer) = gate.health.probe(request.method(), request.uri().path()).await {
        return answer;
    }
    let id = RequestId::random();
    let header = HeaderValue::from_str(id.as_str());
    let peer = request.extensions().get().copied();
    let way = peer.map(|Peer(peer)| gate.proxies.way(peer.ip(), request.headers()));
    let address = way.as_ref().map(|way| way.address);
    let mut line = LogLine::new(&id, address, request.method(), gate.requests.clone());
    request.extensions_mut().insert(id);
    if let Some(way) = way {
        came(&mut request, way);
    }
    let mut response = routed(&gate.hosts, request, next).instrument(line.span()).await;
    line.answered(&response);
    let headers = response.headers_mut();
    for (name, value) in SECURITY {
        headers.entry(name).or_insert(value);
    }
    headers.append(VARY, HeaderValue::from_static("Accept"));
    if let Ok(header) = header {
        headers.insert(X_REQUEST_ID, header);
    }
    response
}

/// Makes a request as the client sent it, for links, cookies, and what is compared with `Origin`.
fn came(request: &mut Request, way: Way) {
    request.extensions_mut().insert(ClientAddress(way.address));
    request.extensions_mut().insert(IsHttps(way.is_https));
    if let Some(Ok(host)) = way.host.filter(|host| !host.is_empty() && is_host(host)).map(HeaderValue::try_from) {
        request.headers_mut().insert(HOST, host);
    }
}

/// Refuses a request for a host that the server does not answer to, and changes the path into the documented one.
async fn routed(hosts: &AllowedHosts, mut request: Request, next: Next) -> Response {
    if !hosts.allow(&request) {
        return ApiError::BadRequest("Invalid Host header.".into()).into_response();
    }
    negotiation::canonical(request.uri_mut());
    next.run(request).await
}

/// What is known of the routes, and their limits.
pub(super) struct Routes {
    pub(super) endpoints: Endpoints,
    pub(super) throttles: Throttles,
    pub(super) room: Room,
}

/// For every request whose path was looked up: `path` is the route, if there is one. Adds `Allow`, keeps records and tokens
/// out of caches, and leaves the route for the log line.
pub(super) async fn around_handler(
    State(routes): State<Arc<Routes>>,
    path: Option<MatchedPath>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = match admitted(&routes, path.as_ref(), request).await {
        Ok(request) => handled(&routes.endpoints, path.as_ref(), request, next).await,
        Err(error) => error.into_response(),
    };
    let Some(path) = path else { return response };
    let is_secret = path.as_str().starts_with("/api/auth/");
    let caching = HeaderValue::from_static(if is_secret { "no-store" } else { "private, no-cache" });
    response.headers_mut().entry(CACHE_CONTROL).or_insert(caching);
    if let Some(allow) = routes.endpoints.allow(&path) {
        response.headers_mut().insert(ALLOW, allow);
    }
    response.extensions_mut().insert(path);
    response
}

/// Refuses with 406, or 404 for `?format=`, a client that does not accept JSON, first of all as Django REST framework does;
/// with 503 who comes while too much is to be done; and with 429 one that sends too many requests.
async fn admitted(routes: &Routes, path: Option<&MatchedPath>, request: Request) -> Result<Request> {
    let Some(path) = path else { return Ok(request) };
    if let Some(error) = negotiation::not_acceptable(&request) {
        return Err(error);
    }
    routes.room.admit(request.extensions().get())?;
    routes.throttles.check(path, request).await
}

/// Answers in time, and says 304 to a client that has this version, or how to retry.
async fn handled(endpoints: &Endpoints, path: Option<&MatchedPath>, request: Request, next: Next) -> Response {
    let is_read = [Method::GET, Method::HEAD].contains(request.method());
    let known = request.headers().typed_get::<IfNoneMatch>().filter(|_| is_read);
    let takes_key = request.method() == Method::POST && path.is_some_and(|path| endpoints.takes_key(path));
    let response = tokio::time::timeout(REQUEST_TIMEOUT, next.run(request)).await;
    let response = response.unwrap_or_else(|_| ApiError::Unavailable("a request took too long".into()).into_response());
    // a request with a key is safe to retry
    if takes_key && response.status() == StatusCode::SERVICE_UNAVAILABLE {
        let too_busy = response.extensions().get::<TooBusy>().copied();
        return (too_busy.map(Extension), ApiError::UnavailableForPost).into_response();
    }
    match known {
        Some(known) => not_modified(response, &known),
        None => response,
    }
}

/// 304 if the client already has this version.
fn not_modified(response: Response, known: &IfNoneMatch) -> Response {
    match response.headers().typed_get() {
        Some(tag) if !known.precondition_passes(&tag) => {
            let (mut parts, _) = response.into_parts();
            parts.status = StatusCode::NOT_MODIFIED;
            parts.headers.remove(CONTENT_TYPE);
            Response::from_parts(parts, axum::body::Body::empty())
        }
        _ => response,
    }
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
