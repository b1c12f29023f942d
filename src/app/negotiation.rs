//! What a request asks for: under which path, in which representation.

use axum::{extract::Request, http::Uri};

use crate::{error::ApiError, request::accepts};

/// Other names of paths, which services of this kind use, and the documented ones.
const ALIASES: &[(&str, &str)] = &[
    ("/api/auth/refresh/", "/api/auth/token/refresh/"),
    ("/api/mappings/patient/", "/api/mappings/by-patient/"),
    ("/api/openapi.json/", "/api/openapi.json"),
];

/// Changes a path below /api/ into the documented one: adds the last slash, replaces other names.
pub(super) fn canonical(uri: &mut Uri) {
    let path = uri.path();
    if !path.strip_prefix("/api").is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
        return;
    }
    // the files of the documentation have no last slash
    let slash = if path.ends_with('/') || path.starts_with("/api/docs/") { "" } else { "/" };
    let mut documented = format!("{path}{slash}");
    for (alias, name) in ALIASES {
        if let Some(rest) = documented.strip_prefix(alias) {
            documented = format!("{name}{rest}");
        }
    }
    if documented == path {
        return;
    }
    if let Some(query) = uri.query() {
        documented = format!("{documented}?{query}");
    }
    if let Ok(documented) = documented.parse() {
        *uri = documented;
    }
}

/// The error of a request that accepts neither JSON nor HTML. All answers are JSON; a browser gets JSON too.
pub(super) fn not_acceptable(request: &Request) -> Option<ApiError> {
    // the documentation is HTML, CSS and JavaScript
    if request.uri().path().starts_with("/api/docs/") {
        return None;
    }
    let query = request.uri().query().unwrap_or_default();
    let format = query.split('&').find_map(|pair| pair.strip_prefix("format="));
    if format.is_some_and(|format| !["", "json", "api"].contains(&format)) {
        return Some(ApiError::NotFound);
    }
    let headers = request.headers();
    let is_acceptable =
        accepts(headers, &["application/json", "application/*", "*/*"]) || accepts(headers, &["text/html", "text/*"]);
    (!is_acceptable).then_some(ApiError::NotAcceptable)
}
