//! Limits for requests, in the memory of this server: of a client's address, of a user, and of some routes.
//!
//! A rate of 60/min lets 60 requests through at once, and from then on one each second.

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::{FromRequestParts, MatchedPath, Request},
    http::{Method, request::Parts},
};

use super::limit::Limit;
use crate::{
    api::document::is_documentation,
    auth::{CurrentUser, Tokens},
    config,
    error::Result,
    request::{ClientAddress, site},
};

/// The limits, and how a caller is known.
#[derive(Clone)]
pub(super) struct Throttles(Arc<Limits>);

struct Limits {
    tokens: Tokens,
    anon: Option<Limit<IpAddr>>,
    user: Option<Limit<i64>>,
    register: Option<Limit<IpAddr>>,
    refresh: Option<Limit<IpAddr>>,
}

impl Throttles {
    pub(super) fn new(rates: &config::Throttles, tokens: Tokens) -> Self {
        Self(Arc::new(Limits {
            tokens,
            anon: rates.anon.map(Limit::new),
            user: rates.user.map(Limit::new),
            register: rates.register.map(Limit::new),
            refresh: rates.refresh.map(Limit::new),
        }))
    }
}

impl Throttles {
    /// Refuses a client that sends too many requests: 429. Descriptions of the API, and OPTIONS, are free.
    pub(super) async fn check(&self, path: &MatchedPath, request: Request) -> Result<Request> {
        if request.method() == Method::OPTIONS || is_documentation(path.as_str()) {
            return Ok(request);
        }
        let (mut parts, body) = request.into_parts();
        self.0.check(path.as_str(), &mut parts).await?;
        Ok(Request::from_parts(parts, body))
    }
}

impl Limits {
    async fn check(&self, path: &str, parts: &mut Parts) -> Result<()> {
        let ClientAddress(address) = *parts.extensions.get().expect("every request has a client");
        let address = site(address);
        if self.anon.is_some() || self.user.is_some() {
            match CurrentUser::from_request_parts(parts, &self.tokens).await {
                Ok(user) => self.user.as_ref().map_or(Ok(()), |limit| limit.check(&user.id()))?,
                Err(_) => self.anon.as_ref().map_or(Ok(()), |limit| limit.check(&address))?,
            }
        }
        let of_route = match (parts.method.as_str(), path) {
            ("POST", "/api/auth/register/") => self.register.as_ref(),
            ("POST", "/api/auth/token/refresh/") => self.refresh.as_ref(),
            _ => None,
        };
        of_route.map_or(Ok(()), |limit| limit.check(&address))
    }
}
