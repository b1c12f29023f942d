//! The root: the endpoints, and the OpenAPI document.

use axum::{
    extract::State,
    http::{
        Extensions, HeaderMap, StatusCode, Uri,
        header::{HOST, LOCATION},
    },
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{answer::Json, endpoints::Endpoints};
use crate::request::{IsHttps, quality};

/// The address of each endpoint.
// the first six names are README A's
#[derive(Serialize, ToSchema)]
#[schema(example = json!(EntryPoints::of("http://127.0.0.1:8000")))]
pub struct EntryPoints {
    register: String,
    login: String,
    token_refresh: String,
    patients: String,
    doctors: String,
    mappings: String,
    me: String,
    docs: String,
    openapi: String,
}

impl EntryPoints {
    fn of(server: &str) -> Self {
        let address = |path: &str| format!("{server}/api/{path}/");
        Self {
            register: address("auth/register"),
            login: address("auth/login"),
            token_refresh: address("auth/token/refresh"),
            patients: address("patients"),
            doctors: address("doctors"),
            mappings: address("mappings"),
            me: address("auth/me"),
            docs: address("docs"),
            openapi: format!("{server}/api/openapi.json"),
        }
    }
}

/// List the endpoints.
#[utoipa::path(
    get, path = "/", operation_id = "root_retrieve", tag = "index", security(()),
    responses(
        (status = 200, description = "Name and address of each endpoint", body = EntryPoints),
        (status = 302, description = "To the documentation, for a browser", headers(("Location" = String, description = "`/api/docs/`"))),
    ),
)]
pub async fn root(headers: HeaderMap, extensions: Extensions, uri: Uri) -> Response {
    if is_browser(&headers) && uri.query().is_none() {
        return (StatusCode::FOUND, [(LOCATION, "/api/docs/")]).into_response();
    }
    entry_points(&headers, &extensions).into_response()
}

/// Browsers name HTML, and JSON with a lower weight or not at all. API clients name JSON, or anything.
fn is_browser(headers: &HeaderMap) -> bool {
    quality(headers, "text/html").unwrap_or(0.0) > quality(headers, "application/json").unwrap_or(0.0)
}

/// List the endpoints.
#[utoipa::path(
    get, path = "/api/", operation_id = "api_retrieve", tag = "index", security(()),
    responses((status = 200, description = "Name and address of each endpoint", body = EntryPoints)),
)]
pub async fn api(headers: HeaderMap, extensions: Extensions) -> Json<EntryPoints> {
    entry_points(&headers, &extensions)
}

fn entry_points(headers: &HeaderMap, extensions: &Extensions) -> Json<EntryPoints> {
    let scheme = if IsHttps::of(extensions) { "https" } else { "http" };
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    Json(EntryPoints::of(&host.map_or_else(String::new, |host| format!("{scheme}://{host}"))))
}

/// The OpenAPI document of this API.
#[utoipa::path(
    get, path = "/api/openapi.json", operation_id = "openapi_retrieve", tag = "index", security(()),
    responses((status = 200, description = "OpenAPI 3.1", body = Object, example = json!({ "openapi": "3.1.0" }))),
)]
pub async fn openapi(State(endpoints): State<Endpoints>, headers: HeaderMap) -> Response {
    endpoints.document().answer(&headers)
}
