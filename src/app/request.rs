//! What a request asks for: on which host, under which path, in which representation.

use std::sync::Arc;

use axum::{
    extract::Request,
    http::{
        HeaderValue, Uri, Version,
        header::{ACCEPT, HOST},
        uri::Authority,
    },
};

use crate::error::ApiError;

/// What other services call the beginning of a path, and how it is documented here.
const ALIASES: &[(&str, &str)] = &[
    ("/api/auth/refresh/", "/api/auth/token/refresh/"),
    ("/api/mappings/patient/", "/api/mappings/by-patient/"),
    ("/api/openapi.json/", "/api/openapi.json"),
];

/// Takes a path below /api/ or /admin/ to the one that is documented: with its slash, and under its name.
pub(super) fn canonical(uri: &mut Uri) {
    let path = uri.path();
    if !["/api", "/admin"]
        .iter()
        .any(|root| path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
    {
        return;
    }
    // the files of the documentation have none
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

/// Why a request asks for a representation that there is not, if so: all there is, is JSON. A browser gets it too.
pub(super) fn unserved(request: &Request) -> Option<ApiError> {
    // the documentation is what it is
    if request.uri().path().starts_with("/api/docs/") {
        return None;
    }
    let query = request.uri().query().unwrap_or_default();
    let format = query.split('&').find_map(|pair| pair.strip_prefix("format="));
    if format.is_some_and(|format| !["", "json", "api"].contains(&format)) {
        return Some(ApiError::NotFound);
    }
    let served = ["*/*", "application/*", "application/json", "text/*", "text/html", ""];
    let accept = request.headers().get_all(ACCEPT);
    let mut ranges = accept.iter().flat_map(|header| header.to_str().unwrap_or_default().split(',')).peekable();
    let any = ranges.peek().is_none()
        || ranges.any(|range| {
            let media_type = range.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
            served.contains(&media_type.as_str())
        });
    if any { None } else { Some(ApiError::NotAcceptable) }
}

/// The names that the server answers to; none: any.
#[derive(Clone)]
pub struct AllowedHosts(Arc<[String]>);

impl AllowedHosts {
    pub(super) fn new(hosts: &[String]) -> Self {
        Self(hosts.iter().map(|host| host.to_ascii_lowercase()).collect())
    }

    /// Django's rule: the name without its port, in any case; `.example.org` is that and all below it. What is no name
    /// is refused even where any would do.
    pub(super) fn allow(&self, request: &Request) -> bool {
        // RFC 9112 3.2: one, and only HTTP/1.0 may do without
        let hosts = request.headers().get_all(HOST).iter().count();
        if hosts > 1 || hosts == 0 && request.version() == Version::HTTP_11 {
            return false;
        }
        let header = request.headers().get(HOST).map(HeaderValue::to_str);
        let authority = request.uri().authority().map(Authority::as_str);
        let host = match header {
            Some(Ok(host)) => host,
            Some(Err(_)) => return false,
            None => authority.unwrap_or_default(),
        };
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
            _ => host,
        };
        let is_name = |character: char| character.is_ascii_alphanumeric() || "-._[:]".contains(character);
        if !name.chars().all(is_name) {
            return false;
        }
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        self.0.is_empty()
            || self.0.iter().any(|pattern| match pattern.strip_prefix('.') {
                Some(domain) => name == domain || name.ends_with(pattern),
                None => pattern == "*" || *pattern == name,
            })
    }
}
