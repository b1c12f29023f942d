//! The application: its state, and what happens to every request around its handler.

use std::{
    any::Any,
    convert::Infallible,
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::{FromRef, MatchedPath, Request, State},
    http::{
        HeaderName, HeaderValue, Method,
        header::{
            ALLOW, CACHE_CONTROL, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
        },
    },
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use tower::{Layer, util::BoxCloneSyncService};
use tower_http::catch_panic::CatchPanicLayer;
use tracing::{Instrument, field::Empty};

use crate::{
    api::{
        self, Unserved,
        endpoints::{Endpoints, other_method},
    },
    auth::{Passwords, Tokens},
    config::Exposure,
    db::Db,
    error::ApiError,
};

mod cors;
mod request;
mod request_id;

pub use request::AllowedHosts;
pub use request_id::RequestId;

use request::{canonical, unserved};
use request_id::REQUEST_ID;

/// The longest that a request may take from its head to its answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// What Django's SecurityMiddleware and XFrameOptionsMiddleware say.
const SECURITY_HEADERS: [(HeaderName, HeaderValue); 5] = [
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (VARY, HeaderValue::from_static("Accept")),
];

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
    /// The names that the server answers to: see `Config::allowed_hosts`.
    pub allowed_hosts: AllowedHosts,
    /// Whether anybody may read the directory of doctors.
    pub public_doctors: PublicDoctors,
}

/// Whether anybody may read the directory of doctors.
#[derive(Clone, Copy)]
pub struct PublicDoctors(pub bool);

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
        endpoints: Endpoints::new(&openapi),
        allowed_hosts: AllowedHosts::new(&exposure.allowed_hosts),
        public_doctors: PublicDoctors(exposure.public_doctors),
    };
    let router: Router = router
        .fallback(async || ApiError::NotFound)
        .method_not_allowed_fallback(other_method)
        .layer(from_fn_with_state(state.clone(), around_the_handler))
        .layer(CatchPanicLayer::custom(panicked))
        .with_state(state.clone());
    let router = cors::around(router, exposure);
    // outside the router, because it may change the path
    BoxCloneSyncService::new(from_fn_with_state(state, around_the_router).layer(router))
}

/// From the outside in: an id, the documented path, the log line, and the headers that every answer has.
async fn around_the_router(
    State(state): State<AppState>,
    mut request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let id = RequestId::new(request.headers());
    let span = tracing::info_span!("request", id = id.as_str(), user = Empty);
    let method = request.method().clone();
    request.extensions_mut().insert(id.clone());

    let mut response = if state.allowed_hosts.allow(&request) {
        canonical(request.uri_mut());
        next.run(request).instrument(span.clone()).await
    } else {
        ApiError::Malformed("Invalid Host header.".into()).into_response()
    };

    // the route, not the path: what a client makes up does not belong in a log
    let route = response
        .extensions()
        .get::<MatchedPath>()
        .map_or("-", MatchedPath::as_str);
    let milliseconds = started.elapsed().as_micros() / 1000;
    span.in_scope(|| {
        tracing::info!(
            "{} {method} {route} {milliseconds} ms",
            response.status().as_u16()
        );
    });

    let headers = response.headers_mut();
    for (name, value) in SECURITY_HEADERS {
        headers.append(name, value);
    }
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
    if let Some(fault) = &unserved {
        request.extensions_mut().insert(Unserved(fault.clone()));
    }
    let Ok(mut response) = tokio::time::timeout(PATIENCE, next.run(request)).await else {
        return ApiError::Unavailable("a request took too long".into()).into_response();
    };
    // whether there is such a row, and whether it is the caller's, is said first
    if let Some(fault) = unserved
        && is_read
        && response.status().is_success()
    {
        response = fault.into_response();
    }
    if let Some(path) = path {
        let caching = if path.as_str().starts_with("/api/auth/") {
            "no-store"
        } else {
            "private, no-cache"
        };
        response
            .headers_mut()
            .insert(CACHE_CONTROL, HeaderValue::from_static(caching));
        if let Some(allow) = endpoints.allow(&path) {
            response.headers_mut().insert(ALLOW, allow);
        }
        response.extensions_mut().insert(path);
    }
    response
}

#[expect(clippy::needless_pass_by_value, reason = "what CatchPanicLayer calls")]
fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    ApiError::Internal(format!("panic: {}", message.unwrap_or("?"))).into_response()
}
