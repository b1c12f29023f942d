//! The application: its state, and what happens to every request around its handler.

use std::{any::Any, convert::Infallible, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{FromRef, MatchedPath, Request, State},
    http::{
        Extensions, HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version,
        header::{
            ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, REFERRER_POLICY, VARY,
            X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
        },
    },
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use tower::{Layer, util::BoxCloneSyncService};
use tower_http::{
    CompressionLevel,
    catch_panic::CatchPanicLayer,
    compression::{CompressionLayer, Predicate, predicate::SizeAbove},
};
use tracing::Instrument;

use crate::{
    api::{
        self, Unserved,
        conditional::{is_known, known},
        document,
        endpoints::{Endpoints, other_method},
    },
    auth::{Passwords, Tokens},
    config::Exposure,
    db::Db,
    error::ApiError,
};

mod cors;
mod log;
mod request;
mod request_id;

pub use request::AllowedHosts;
pub use request_id::RequestId;

use log::LogLine;
use request::{canonical, unserved};
use request_id::REQUEST_ID;

/// The longest that a request may take from its head to its answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// What Django's SecurityMiddleware and XFrameOptionsMiddleware say.
const SECURITY_HEADERS: [(HeaderName, HeaderValue); 5] = [
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (VARY, HeaderValue::from_static("Accept")),
];

/// An answer that is no page: a browser has nothing to load for it, and no page may frame it.
const NOTHING_TO_SHOW: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

/// What handlers work with.
#[derive(Clone, FromRef)]
pub struct AppState {
    /// The database.
    pub db: Db,
    /// Makes and checks tokens.
    pub tokens: Tokens,
    /// Hashes and verifies passwords.
    pub passwords: Passwords,
    /// What is served where.
    pub endpoints: Endpoints,
    /// The names that the server answers to: see `Exposure::allowed_hosts`.
    pub allowed_hosts: AllowedHosts,
    /// Whether anybody may read the directory of doctors.
    pub public_doctors: PublicDoctors,
    /// Whether a change must say what it changes.
    pub require_if_match: RequireIfMatch,
}

/// Whether anybody may read the directory of doctors.
#[derive(Clone, Copy)]
pub struct PublicDoctors(pub bool);

/// Whether a change must say what it changes.
#[derive(Clone, Copy)]
pub struct RequireIfMatch(pub bool);

/// The whole application, from the outermost function to the handlers.
pub type App = BoxCloneSyncService<Request, Response, Infallible>;

/// Puts it together.
pub fn app(db: Db, tokens: Tokens, passwords: Passwords, exposure: &Exposure) -> App {
    let (router, mut openapi) = api::routes().split_for_parts();
    if exposure.public_doctors {
        api::open_directory(&mut openapi);
    }
    let state = AppState {
        db,
        tokens,
        passwords,
        endpoints: Endpoints::new(&openapi, &document::complete(&openapi, &api::bodies())),
        allowed_hosts: AllowedHosts::new(&exposure.allowed_hosts),
        public_doctors: PublicDoctors(exposure.public_doctors),
        require_if_match: RequireIfMatch(exposure.require_if_match),
    };
    let router: Router = router
        .fallback(async || ApiError::NotFound)
        .method_not_allowed_fallback(other_method)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(state.clone(), around_the_handler))
        .layer(compression())
        .with_state(state.clone());
    let router = cors::around(router, exposure);
    // outside the router, because it may change the path
    BoxCloneSyncService::new(from_fn_with_state(state, around_the_router).layer(router))
}

/// From the outside in: an id, the log line, the documented path, and the headers that every answer has.
async fn around_the_router(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let id = RequestId::new();
    let mut line = LogLine::new(&id, request.method());
    request.extensions_mut().insert(id.clone());
    let answer = async {
        if !state.allowed_hosts.allow(&request) {
            return ApiError::Malformed("Invalid Host header.".into()).into_response();
        }
        canonical(request.uri_mut());
        next.run(request).await
    };
    let mut response = answer.instrument(line.span()).await;
    line.answered(&response);

    let headers = response.headers_mut();
    for (name, value) in SECURITY_HEADERS {
        headers.append(name, value);
    }
    // the documentation has one of its own
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(NOTHING_TO_SHOW);
    if let Ok(id) = HeaderValue::from_str(id.as_str()) {
        headers.insert(REQUEST_ID, id);
    }
    response
}

/// Between the router and the handler: a limit of time, content negotiation, `Allow` and `Cache-Control`.
async fn around_the_handler(
    State(endpoints): State<Endpoints>,
    path: Option<MatchedPath>,
    mut request: Request,
    next: Next,
) -> Response {
    let unserved = unserved(&request);
    let is_read = request.method() == Method::GET || request.method() == Method::HEAD;
    let is_post = request.method() == Method::POST;
    let known = known(request.headers()).filter(|_| is_read);
    if let Some(fault) = &unserved {
        request.extensions_mut().insert(Unserved(fault.clone()));
    }
    let mut response = match tokio::time::timeout(PATIENCE, next.run(request)).await {
        Ok(response) => response,
        Err(_) => ApiError::Unavailable("a request took too long".into()).into_response(),
    };
    // whether there is such a row, and whether it is the caller's, is said first
    if let Some(fault) = unserved
        && is_read
        && response.status().is_success()
    {
        response = fault.into_response();
    }
    if known.is_some_and(|known| is_known(response.headers(), &known)) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Body::empty();
        response.headers_mut().remove(CONTENT_TYPE);
        response.headers_mut().remove(CONTENT_LENGTH);
    }
    if let Some(path) = path {
        if is_post && response.status() == StatusCode::SERVICE_UNAVAILABLE && endpoints.takes_key(&path) {
            response = ApiError::UnavailableOnce.into_response();
        }
        let caching = if path.as_str().starts_with("/api/auth/") { "no-store" } else { "private, no-cache" };
        let caching = HeaderValue::from_static(caching);
        response.headers_mut().entry(CACHE_CONTROL).or_insert(caching);
        if let Some(allow) = endpoints.allow(&path) {
            response.headers_mut().insert(ALLOW, allow);
        }
        response.extensions_mut().insert(path);
    }
    response
}

/// Compresses long lists for whoever asks for it, as fast as can be: the time is taken from everybody.
fn compression() -> CompressionLayer<impl Predicate> {
    CompressionLayer::new()
        .quality(CompressionLevel::Fastest)
        .compress_when(SizeAbove::new(1024).and(may_be_compressed))
}

/// Not what has an `ETag`, which says that it is the same byte for byte. (Tokens are short, so their length tells nothing
/// of what stands beside them.)
fn may_be_compressed(status: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    status == StatusCode::OK && !headers.contains_key(ETAG)
}

/// The panic's message stays unsaid: it may quote what a patient's row holds.
fn panicked(_: Box<dyn Any + Send>) -> Response {
    ApiError::Internal("a handler panicked".into()).into_response()
}
