//! The application: the routes, and the layers around them.

use std::convert::Infallible;

use axum::{
    Router,
    extract::Request,
    http::{
        HeaderName, HeaderValue,
        header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS},
    },
    middleware::{from_fn, from_fn_with_state, map_request, map_request_with_state},
    response::Response,
};
use tower::{ServiceBuilder, util::BoxCloneSyncService};
use tower_http::{
    CompressionLevel,
    catch_panic::CatchPanicLayer,
    compression::{CompressionLayer, Predicate, predicate::SizeAbove},
    set_header::SetResponseHeaderLayer,
};

use crate::{
    api::{
        self, AppState,
        auth::register,
        document,
        endpoints::{Endpoints, other_method},
        exposure,
    },
    auth::{LoginThrottle, Passwords, Tokens},
    config::{Exposure, PublicDoctors, RegistrationClosed, RequireIfMatch, RotateRefreshTokens, StaffEditDoctors},
    db::Db,
    error::ApiError,
    input::Room,
};

mod cors;
mod hosts;
mod layers;
mod limit;
mod log;
mod negotiation;
mod proxies;
mod throttles;

use hosts::AllowedHosts;
use proxies::TrustedProxies;
use throttles::{Throttles, throttle};

/// The whole application, from the outermost layer to the handlers.
pub type App = BoxCloneSyncService<Request, Response, Infallible>;

/// Builds the application.
pub fn app(db: Db, tokens: Tokens, passwords: Passwords, exposure: &Exposure) -> App {
    let (routes, mut openapi) = api::routes().split_for_parts();
    exposure::describe(&mut openapi, exposure);
    let mut document = document::complete(&openapi);
    register::describe_passwords(&mut document, &passwords);
    let endpoints = Endpoints::new(&openapi, &document);
    let throttles = Throttles::new(&exposure.throttles, tokens.clone());
    let state = AppState {
        db,
        login_throttle: LoginThrottle::new(exposure.throttles.login, tokens.clone()),
        tokens,
        passwords,
        room: Room::new(),
        endpoints: endpoints.clone(),
        public_doctors: PublicDoctors(exposure.public_doctors),
        registration_closed: RegistrationClosed(exposure.registration_closed),
        staff_edit_doctors: StaffEditDoctors(exposure.staff_edit_doctors),
        require_if_match: RequireIfMatch(exposure.require_if_match),
        rotate_refresh_tokens: RotateRefreshTokens(exposure.rotate_refresh_tokens),
    };
    let routes = routes.fallback(async || ApiError::NotFound).method_not_allowed_fallback(other_method);
    let handlers = routes.layer(
        ServiceBuilder::new()
            .layer(
                CompressionLayer::new()
                    .quality(CompressionLevel::Fastest)
                    .compress_when(SizeAbove::new(1024).and(layers::may_be_compressed)),
            )
            .layer(from_fn_with_state(endpoints.clone(), layers::allow))
            .layer(from_fn(layers::cache_control))
            .layer(from_fn(layers::negotiate))
            .layer(from_fn_with_state(throttles, throttle))
            .layer(from_fn(layers::not_modified))
            .layer(from_fn_with_state(endpoints, layers::retry_hint))
            .layer(from_fn(layers::time_limit))
            .layer(CatchPanicLayer::custom(layers::panicked)),
    );
    around(handlers.with_state(state), exposure)
}

/// The layers outside the router: for every request, and before its path is looked up, because they may change it.
fn around(router: Router, exposure: &Exposure) -> App {
    let header = |name, value| SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value));
    let service = ServiceBuilder::new()
        .layer(from_fn(layers::request_id))
        .layer(map_request_with_state(TrustedProxies::new(&exposure.trusted_proxies), layers::client_address))
        .layer(from_fn(layers::log))
        // what Django's SecurityMiddleware and XFrameOptionsMiddleware say
        .layer(header(X_FRAME_OPTIONS, "DENY"))
        .layer(header(X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(header(REFERRER_POLICY, "same-origin"))
        .layer(header(HeaderName::from_static("cross-origin-opener-policy"), "same-origin"))
        // JSON loads nothing, and no page may frame it; the documentation has its own policy
        .layer(header(CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"))
        .layer(SetResponseHeaderLayer::appending(VARY, HeaderValue::from_static("Accept")))
        .layer(from_fn_with_state(AllowedHosts::new(&exposure.allowed_hosts), layers::allowed_hosts))
        .layer(map_request(layers::canonical_path))
        .service(cors::around(router, exposure));
    BoxCloneSyncService::new(service)
}
