//! The names that the server answers to.

use std::sync::Arc;

use axum::{
    extract::Request,
    http::{HeaderValue, Version, header::HOST, uri::Authority},
};

/// The names that the server answers to. Empty: any.
#[derive(Clone)]
pub(super) struct AllowedHosts(Arc<[String]>);

impl AllowedHosts {
    pub(super) fn new(hosts: &[String]) -> Self {
        Self(hosts.iter().map(|host| host.to_ascii_lowercase()).collect())
    }

    /// Django's rule: compares the name without its port, in any case of letters; `.example.org` matches the domain and its
    /// subdomains. Text that can't be a host name is always refused.
    pub(super) fn allow(&self, request: &Request) -> bool {
        // exactly one `Host`, except in HTTP/1.0 (RFC 9112 3.2)
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
        if !is_host(host) {
            return false;
        }
        let name = without_port(host).trim_end_matches('.').to_ascii_lowercase();
        self.0.is_empty()
            || self.0.iter().any(|pattern| match pattern.strip_prefix('.') {
                Some(domain) => name == domain || name.ends_with(pattern),
                None => pattern == "*" || *pattern == name,
            })
    }
}

/// Whether it can be the name of a host, maybe with a port.
pub(super) fn is_host(host: &str) -> bool {
    without_port(host).chars().all(|character| character.is_ascii_alphanumeric() || "-._[:]".contains(character))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
        _ => host,
    }
}
