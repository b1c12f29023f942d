//! Cross-origin requests: front ends on other origins.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Request, State},
    http::{
        HeaderName, HeaderValue, Method, Uri,
        header::{
            ACCEPT, ACCESS_CONTROL_REQUEST_METHOD, ALLOW, AUTHORIZATION, CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH,
            LINK, ORIGIN, RETRY_AFTER, USER_AGENT, VARY, WWW_AUTHENTICATE,
        },
    },
    middleware::{Next, from_fn_with_state},
    response::Response,
};
use tower::{Layer, ServiceExt};
use tower_http::cors::{AllowOrigin, Any, CorsLayer};

use crate::{
    api::{
        idempotency::{IDEMPOTENCY_KEY, IDEMPOTENCY_REPLAYED},
        list::X_TOTAL_COUNT,
        prefer::{IGNORED_PARAMETERS, PREFER, PREFERENCE_APPLIED},
    },
    config::Exposure,
    request::X_REQUEST_ID,
};

/// Headers that front ends of Django services send. The server ignores them.
const X_CSRFTOKEN: HeaderName = HeaderName::from_static("x-csrftoken");
const X_REQUESTED_WITH: HeaderName = HeaderName::from_static("x-requested-with");

/// Lets pages of the allowed origins use the API; `*` lets any, but without credentials.
pub(super) fn around(router: Router, exposure: &Exposure) -> Router {
    if exposure.cors_allowed_origins.is_empty() && !exposure.cors_from_localhost {
        return router;
    }
    let cors = Cors { origins: exposure.cors_allowed_origins.clone(), from_localhost: exposure.cors_from_localhost };
    router.layer(from_fn_with_state(Arc::new(cors), answer))
}

struct Cors {
    origins: Vec<HeaderValue>,
    from_localhost: bool,
}

/// Answers preflights, which carry no token, and adds the CORS headers for allowed origins. Any other OPTIONS, and requests
/// of other origins, go to the router unchanged.
async fn answer(State(cors): State<Arc<Cors>>, request: Request, next: Next) -> Response {
    let is_preflight = request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let is_own = request.method() == Method::OPTIONS && !is_preflight;
    if is_own || !request.headers().get(ORIGIN).is_some_and(|origin| cors.allows(origin)) {
        let mut response = next.run(request).await;
        // so that a cache does not give this answer to an allowed origin
        response.headers_mut().append(VARY, HeaderValue::from_static("Origin"));
        return response;
    }
    let Ok(response) = cors.layer().layer(next).oneshot(request).await;
    response
}

impl Cors {
    fn is_for_any(&self) -> bool {
        self.origins.iter().any(|origin| origin == "*")
    }

    fn allows(&self, origin: &HeaderValue) -> bool {
        self.is_for_any() || self.origins.contains(origin) || self.from_localhost && is_local(origin)
    }

    /// For an origin that is allowed.
    fn layer(&self) -> CorsLayer {
        let layer = CorsLayer::new()
            .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
            .allow_headers([
                ACCEPT,
                AUTHORIZATION,
                CONTENT_TYPE,
                USER_AGENT,
                IF_MATCH,
                IF_NONE_MATCH,
                IDEMPOTENCY_KEY,
                PREFER,
                X_CSRFTOKEN,
                X_REQUESTED_WITH,
            ])
            .expose_headers([
                ALLOW,
                ETAG,
                LINK,
                RETRY_AFTER,
                WWW_AUTHENTICATE,
                IDEMPOTENCY_REPLAYED,
                IGNORED_PARAMETERS,
                PREFERENCE_APPLIED,
                X_REQUEST_ID,
                X_TOTAL_COUNT,
            ])
            .max_age(Duration::from_hours(24));
        if self.is_for_any() {
            layer.allow_origin(Any)
        } else {
            layer.allow_origin(AllowOrigin::mirror_request()).allow_credentials(true)
        }
    }
}

/// Whether an origin is on this machine.
fn is_local(origin: &HeaderValue) -> bool {
    let uri = origin.to_str().ok().and_then(|origin| origin.parse::<Uri>().ok());
    uri.is_some_and(|uri| matches!(uri.host(), Some("localhost" | "127.0.0.1" | "[::1]")))
}
