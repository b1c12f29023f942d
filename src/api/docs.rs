//! `/api/docs/`: the OpenAPI document in the browser, by Swagger UI, all of it from this program.

use std::sync::Arc;

use axum::{
    extract::{RawPathParams, rejection::RawPathParamsRejection},
    http::{
        HeaderValue,
        header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE},
    },
    response::{Html, IntoResponse, Response},
};
use utoipa_swagger_ui::Config;

use crate::error::{ApiError, Result};

/// Nothing from elsewhere, and nothing inline. (Pictures of the style sheet are `data:`.)
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// What the page is made of, beside Swagger UI.
const SCRIPT: &str = include_str!("docs/page.js");
/// Files of Swagger UI that the page uses.
const FILES: [&str; 3] = ["swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"];

/// This documentation, in the browser.
#[utoipa::path(
    get, path = "/api/docs/", operation_id = "docs_retrieve", tag = "index", security(()),
    responses((status = 200, description = "The page", body = String, content_type = "text/html",
        example = json!("<!doctype html>"))),
)]
pub async fn page() -> impl IntoResponse {
    ([(CONTENT_SECURITY_POLICY, POLICY)], Html(include_str!("docs/page.html")))
}

/// A part of the documentation's page.
#[utoipa::path(
    get, path = "/api/docs/{file}", operation_id = "docs_file_retrieve", tag = "index", security(()),
    params(("file" = String, Path, description = "Its name", pattern = r"^[a-z0-9.-]+$", example = "page.js")),
    responses((status = 200, description = "The file", content(
        (String = "text/javascript", example = json!("const ui = SwaggerUIBundle({")),
        (String = "text/css", example = json!(".swagger-ui{")),
        (String = "image/png", example = json!("PNG")),
    ))),
)]
pub async fn file(params: Result<RawPathParams, RawPathParamsRejection>) -> Result<Response> {
    let params = params.map_err(|_| ApiError::NotFound)?;
    let name = params.iter().next().map(|(_, name)| name).unwrap_or_default();
    let caching = (CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
    if name == "page.js" {
        let content_type = (CONTENT_TYPE, HeaderValue::from_static("text/javascript"));
        return Ok(([caching, content_type], SCRIPT).into_response());
    }
    let file = FILES.contains(&name).then(|| utoipa_swagger_ui::serve(name, Arc::new(Config::default())));
    let Some(Ok(Some(file))) = file else {
        return Err(ApiError::NotFound);
    };
    let content_type = HeaderValue::from_str(&file.content_type).map_err(|_| ApiError::NotFound)?;
    Ok(([caching, (CONTENT_TYPE, content_type)], file.bytes.into_owned()).into_response())
}
