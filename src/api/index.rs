//! What is served, for people and for machines.

use axum::{
    extract::State,
    http::{HeaderMap, header::HOST},
};
use serde_json::{Map, Value, json};

use super::{Json, endpoints::Endpoints};

/// The entry points, under the names that README A's root gives them.
const ENTRY_POINTS: &[(&str, &str)] = &[
    ("register", "/api/auth/register/"),
    ("login", "/api/auth/login/"),
    ("token_refresh", "/api/auth/token/refresh/"),
    ("patients", "/api/patients/"),
    ("doctors", "/api/doctors/"),
    ("mappings", "/api/mappings/"),
];

/// List the endpoints.
#[utoipa::path(
    get, path = "/", operation_id = "root_retrieve", tag = "index", security(()),
    responses((status = 200, description = "Name and address of each endpoint", body = Object))
)]
pub async fn root(headers: HeaderMap) -> Json<Value> {
    entry_points(&headers)
}

/// List the endpoints.
#[utoipa::path(
    get, path = "/api/", operation_id = "api_retrieve", tag = "index", security(()),
    responses((status = 200, description = "Name and address of each endpoint", body = Object))
)]
pub async fn api(headers: HeaderMap) -> Json<Value> {
    entry_points(&headers)
}

fn entry_points(headers: &HeaderMap) -> Json<Value> {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let address = |path: &str| match host {
        Some(host) => format!("http://{host}{path}"),
        None => path.to_owned(),
    };
    let list: Map<String, Value> = ENTRY_POINTS
        .iter()
        .map(|(name, path)| ((*name).to_owned(), json!(address(path))))
        .collect();
    Json(list.into())
}

/// The OpenAPI document of this API.
#[utoipa::path(
    get, path = "/api/openapi.json", operation_id = "openapi_retrieve", tag = "index", security(()),
    responses((status = 200, description = "OpenAPI 3.1", body = Object))
)]
pub async fn openapi(State(endpoints): State<Endpoints>) -> Json<Value> {
    Json(endpoints.document().clone())
}
