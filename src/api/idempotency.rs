//! `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): a POST that may be sent again makes one row.

use std::convert::Infallible;

use axum::{
    extract::FromRequestParts,
    http::{HeaderName, HeaderValue, StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::conditional::Tagged;
use crate::{
    db::{
        Model,
        keys::{Key, Made},
    },
    error::{ApiError, Result},
    input::{Body, Input},
};

/// What a client calls its request.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that nothing was made.
pub const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The key that a request has, or may not have.
pub struct IdempotencyKey(Vec<HeaderValue>);

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let headers = parts.headers.get_all(IDEMPOTENCY_KEY);
        Ok(Self(headers.iter().cloned().collect()))
    }
}

impl IdempotencyKey {
    /// The key, with what tells this body from another. It may be in quotes, as the draft has it, or not.
    pub fn of<T: Input>(&self, body: &Body<T>) -> Result<Option<Key>> {
        let mut headers = self.0.iter();
        let Some(header) = headers.next() else {
            return Ok(None);
        };
        let others = headers.next();
        let key = header.to_str().unwrap_or_default().trim();
        let key = key.strip_prefix('"').and_then(|key| key.strip_suffix('"')).unwrap_or(key);
        if others.is_some() || !(1..=255).contains(&key.len()) || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(ApiError::Malformed(
                "Idempotency-Key must have 1 to 255 characters, visible ones of ASCII.".into(),
            ));
        }
        Ok(Some(Key { key: key.into(), fingerprint: body.fingerprint() }))
    }
}

/// 201 and the row: when it was made, or again.
impl<T: Model + Serialize> IntoResponse for Made<T> {
    fn into_response(self) -> Response {
        let mut response = (StatusCode::CREATED, Tagged(self.row)).into_response();
        if self.is_replayed {
            let replayed = HeaderValue::from_static("true");
            response.headers_mut().insert(IDEMPOTENCY_REPLAYED, replayed);
        }
        response
    }
}
