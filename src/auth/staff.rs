//! Who works at the admin: known by a cookie, of which a hash is kept.

use std::net::IpAddr;

use axum::{extract::FromRequestParts, http::request::Parts};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use headers::{Cookie, HeaderMapExt};
use ring::digest::{SHA256, digest};

use crate::{
    error::{ApiError, Unauthenticated},
    request::Origin,
};

/// The name of the cookie.
pub const COOKIE: &str = "healthcare_admin";

/// The bearer of a cookie of the admin. Holding one is the only way to everybody's rows.
///
/// It holds a hash of the cookie. Each statement starts from that, and so checks that the login goes on, and that the account
/// is active and staff.
#[derive(Debug, Clone)]
pub struct Staff {
    cookie_hash: [u8; 32],
    origin: Origin,
}

/// What a new login puts into its cookie: 256 random bits.
pub struct CookieSecret([u8; 32]);

impl CookieSecret {
    /// A new one.
    pub fn random() -> Self {
        Self(rand::random())
    }

    /// The value of the cookie.
    pub fn text(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.0)
    }

    /// What is kept of it.
    pub fn hash(&self) -> [u8; 32] {
        hash(&self.0)
    }
}

impl Staff {
    /// What is kept of the cookie.
    pub fn cookie_hash(&self) -> &[u8; 32] {
        &self.cookie_hash
    }

    /// The id of the request that is being answered.
    pub fn request_id(&self) -> &str {
        self.origin.id.as_str()
    }

    /// The address of the client.
    pub fn address(&self) -> IpAddr {
        self.origin.address
    }

    /// Which request it is, and where it comes from.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Staff {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Ok(origin) = Origin::from_request_parts(parts, state).await;
        let cookies = parts.headers.typed_get::<Cookie>();
        let secret = cookies.as_ref().and_then(|cookies| BASE64_URL_SAFE_NO_PAD.decode(cookies.get(COOKIE)?).ok());
        let secret = secret.filter(|secret| secret.len() == 32).ok_or(Unauthenticated::NoCredentials(None))?;
        Ok(Self { cookie_hash: hash(&secret), origin })
    }
}

fn hash(secret: &[u8]) -> [u8; 32] {
    digest(&SHA256, secret).as_ref().try_into().expect("a SHA-256 has 32 bytes")
}
