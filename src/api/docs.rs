//! `/api/docs/`: the OpenAPI document in the browser, by Swagger UI, all of it from this program.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock},
};

use axum::{
    extract::{RawPathParams, rejection::RawPathParamsRejection},
    http::{
        HeaderMap, HeaderValue,
        header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY},
    },
    response::{Html, IntoResponse, Response},
};
use utoipa_swagger_ui::Config;

use super::file::File;
use crate::error::{ApiError, Result};

/// Nothing from elsewhere, and nothing inline. (Pictures of the style sheet are `data:`.)
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// What the page is made of: files of ours, and files of Swagger UI.
static FILES: LazyLock<HashMap<&str, File>> = LazyLock::new(|| {
    let ours = [
        ("page.css", "text/css", include_str!("docs/page.css")),
        ("page.js", "text/javascript", include_str!("docs/page.js")),
        ("plugin.js", "text/javascript", include_str!("docs/plugin.js")),
    ]
    .map(|(name, content_type, text)| (name, File::new(content_type, text.into())));
    let of_swagger_ui = ["swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"].map(|name| {
        let file = utoipa_swagger_ui::serve(name, Arc::new(Config::default()));
        let file = file.ok().flatten().expect("Swagger UI has this file");
        (name, File::new(&file.content_type, file.bytes.into_owned()))
    });
    ours.into_iter().chain(of_swagger_ui).collect()
});

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
pub async fn file(params: Result<RawPathParams, RawPathParamsRejection>, headers: HeaderMap) -> Result<Response> {
    let params = params.map_err(|_| ApiError::NotFound)?;
    let name = params.iter().next().map(|(_, name)| name).unwrap_or_default();
    let file = FILES.get(name).ok_or(ApiError::NotFound)?;
    let caching = [(CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"))];
    Ok((caching, file.answer(&headers)).into_response())
}
