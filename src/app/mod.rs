//! The application: the routes, and the layers around them.

use std::{convert::Infallible, sync::Arc};

use axum::{Router, extract::Request, middleware::from_fn_with_state, response::Response};
use tower::{Layer, ServiceBuilder, util::BoxCloneSyncService};
use tower_http::{
    CompressionLevel,
    catch_panic::CatchPanicLayer,
    compression::{CompressionLayer, Predicate, predicate::SizeAbove},
};

use crate::{
    admin,
    api::{
        self, AppState, Services,
        auth::register,
        document,
        endpoints::{Endpoints, other_method},
        exposure,
    },
    auth::{LoginThrottle, Passwords, Tokens},
    config::{Exposure, PublicDoctors, RegistrationClosed, RequireIfMatch, RotateRefreshTokens, StaffEditDoctors},
    db::Db,
    error::ApiError,
    health::Health,
    input::Room,
};

mod cors;
mod hosts;
mod layers;
mod limit;
mod log;
mod metrics;
mod negotiation;
mod proxies;
mod throttles;

use layers::{Gate, Routes};
use throttles::Throttles;

/// The whole application, from the outermost layer to the handlers.
pub type App = BoxCloneSyncService<Request, Response, Infallible>;

/// Builds the application.
pub fn app(db: Db, tokens: Tokens, passwords: Passwords, exposure: &Exposure) -> App {
    let health = Health::new(db.clone());
    watched_app(db, tokens, passwords, exposure, &health)
}

/// The same, of a server whose health others look at.
pub fn watched_app(db: Db, tokens: Tokens, passwords: Passwords, exposure: &Exposure, health: &Health) -> App {
    let (routes, mut openapi) = api::routes().split_for_parts();
    exposure::describe(&mut openapi, exposure);
    let mut document = document::complete(&openapi);
    register::describe_passwords(&mut document, &passwords);
    let endpoints = Endpoints::new(&openapi, &document);
    let throttles = Throttles::new(&exposure.throttles, tokens.clone());
    let room = Room::new(exposure.requests_at_once);
    passwords.show(health.metrics());
    room.show(health.metrics());
    let state = AppState::from(Services {
        db,
        login_throttle: LoginThrottle::new(exposure.throttles.login, tokens.clone()),
        tokens,
        passwords,
        room: room.clone(),
        endpoints: endpoints.clone(),
        public_doctors: PublicDoctors(exposure.public_doctors),
        registration_closed: RegistrationClosed(exposure.registration_closed),
        staff_edit_doctors: StaffEditDoctors(exposure.staff_edit_doctors),
        require_if_match: RequireIfMatch(exposure.require_if_match),
        rotate_refresh_tokens: RotateRefreshTokens(exposure.rotate_refresh_tokens),
    });
    let pages = exposure.admin_path.as_ref().map(|root| admin::routes(&state, root).layer(compression()));
    let routes = routes.fallback(async || ApiError::NotFound).method_not_allowed_fallback(other_method);
    let handlers = routes.layer(
        ServiceBuilder::new()
            .layer(compression())
            .layer(from_fn_with_state(Arc::new(Routes { endpoints, throttles, room }), layers::around_handler))
            .layer(CatchPanicLayer::custom(layers::panicked)),
    );
    around(handlers.with_state(state).merge(pages.unwrap_or_default()), exposure, health)
}

fn compression() -> CompressionLayer<impl Predicate> {
    CompressionLayer::new()
        .quality(CompressionLevel::Fastest)
        .compress_when(SizeAbove::new(1024).and(layers::may_be_compressed))
}

/// The layer outside the router.
fn around(router: Router, exposure: &Exposure, health: &Health) -> App {
    let gate = from_fn_with_state(Gate::new(exposure, health), layers::around_router);
    BoxCloneSyncService::new(gate.layer(cors::around(router, exposure)))
}
