//! All JSON over HTTP: one file a resource, and the whole API on this screen.

use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

pub mod ages;
pub mod answer;
pub mod audit;
pub mod auth;
mod caller;
pub mod conditional;
pub mod docs;
pub mod doctors;
pub mod document;
pub mod endpoints;
pub mod exposure;
pub mod file;
mod genders;
pub mod history;
pub mod idempotency;
pub mod index;
pub mod list;
pub mod mappings;
pub mod names;
mod parameters;
pub mod path;
pub mod patients;
pub mod prefer;
pub mod query;
mod responses;
mod state;

pub use state::{AppState, Services};

/// Every route there is. The document that describes them is made from the same list.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(document::Document::openapi())
        .routes(routes!(index::root))
        .routes(routes!(index::api))
        .routes(routes!(index::openapi))
        .routes(routes!(docs::page))
        .routes(routes!(docs::file))
        .routes(routes!(auth::register::register))
        .routes(routes!(auth::login::login))
        .routes(routes!(auth::tokens::refresh))
        .routes(routes!(auth::tokens::verify))
        .routes(routes!(auth::tokens::blacklist))
        .routes(routes!(auth::sessions::logout))
        .routes(routes!(auth::sessions::list, auth::sessions::destroy_others))
        .routes(routes!(auth::sessions::destroy))
        .routes(routes!(auth::api_tokens::list, auth::api_tokens::create))
        .routes(routes!(auth::api_tokens::destroy))
        .routes(routes!(auth::password::change))
        .routes(routes!(auth::me::retrieve, auth::me::partial_update, auth::deletion::destroy))
        .routes(routes!(auth::export::export))
        .routes(routes!(patients::list, patients::create))
        .routes(routes!(patients::retrieve, patients::update, patients::partial_update, patients::destroy))
        .routes(routes!(history::changes))
        .routes(routes!(history::accesses))
        .routes(routes!(doctors::list, doctors::create))
        .routes(routes!(doctors::retrieve, doctors::update, doctors::partial_update, doctors::destroy))
        .routes(routes!(mappings::list, mappings::create))
        .routes(routes!(mappings::by_patient))
        .routes(routes!(mappings::doctors, mappings::destroy))
        .routes(routes!(audit::list))
        .routes(routes!(audit::reads))
}
