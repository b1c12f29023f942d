//! Cross-origin requests: front ends that are served from elsewhere.

use std::time::Duration;

use axum::{
    Router,
    extract::{Request, State},
    http::{
        HeaderValue, Method, Uri,
        header::{
            ACCEPT, ACCESS_CONTROL_REQUEST_METHOD, ALLOW, AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER,
            WWW_AUTHENTICATE,
        },
    },
    middleware::{Next, from_fn_with_state},
    response::Response,
};
use tower::{Layer, ServiceExt};
use tower_http::cors::{AllowOrigin, Any, CorsLayer};

use super::request_id::REQUEST_ID;
use crate::config::Exposure;

/// Lets pages of the allowed origins use the API; `*` lets any, but without credentials.
pub(super) fn around(router: Router, exposure: &Exposure) -> Router {
    if exposure.cors_allowed_origins.is_empty() && !exposure.cors_from_localhost {
        return router;
    }
    router.layer(from_fn_with_state(layer(exposure), answer))
}

/// A preflight needs no token. Any other OPTIONS is the router's own; the layer would answer that too.
async fn answer(State(layer): State<CorsLayer>, request: Request, next: Next) -> Response {
    let is_preflight = request
        .headers()
        .contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    if request.method() == Method::OPTIONS && !is_preflight {
        return next.run(request).await;
    }
    let Ok(response) = layer.layer(next).oneshot(request).await;
    response
}

fn layer(exposure: &Exposure) -> CorsLayer {
    let layer = CorsLayer::new()
        .allow_methods([
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ])
        .allow_headers([ACCEPT, AUTHORIZATION, CONTENT_TYPE])
        .expose_headers([ALLOW, RETRY_AFTER, WWW_AUTHENTICATE, REQUEST_ID])
        .max_age(Duration::from_hours(24));
    let (origins, from_localhost) = (
        exposure.cors_allowed_origins.clone(),
        exposure.cors_from_localhost,
    );
    if origins.iter().any(|origin| origin == "*") {
        return layer.allow_origin(Any);
    }
    let allowed = move |origin: &HeaderValue, _: &_| {
        origins.contains(origin) || from_localhost && is_local(origin)
    };
    layer
        .allow_origin(AllowOrigin::predicate(allowed))
        .allow_credentials(true)
}

/// Whether a page is served by this machine.
fn is_local(origin: &HeaderValue) -> bool {
    let uri = origin
        .to_str()
        .ok()
        .and_then(|origin| origin.parse::<Uri>().ok());
    uri.is_some_and(|uri| matches!(uri.host(), Some("localhost" | "127.0.0.1" | "[::1]")))
}
