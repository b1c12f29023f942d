//! `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): a POST that may be sent again makes one row.

use std::convert::Infallible;

use axum::{
    extract::FromRequestParts,
    http::{HeaderName, HeaderValue, StatusCode, request::Parts},
    response::{IntoResponse, Response},
};

use super::{answer::Show, conditional::WithEtag};
use crate::{
    db::{
        Model,
        idempotency::{Inserted, Key},
    },
    error::{ApiError, Result},
    input::{Body, Input},
};

/// The header with the key.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The header of an answer that was given before.
pub const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The key of a request, if it has one.
pub struct IdempotencyKey(Vec<HeaderValue>);

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let headers = parts.headers.get_all(IDEMPOTENCY_KEY);
        Ok(Self(headers.iter().cloned().collect()))
    }
}

impl IdempotencyKey {
    /// The key, with a hash of the body. The key may be in quotes, as in the draft, or not.
    pub fn of<T: Input>(&self, body: &Body<T>) -> Result<Option<Key>> {
        let header = match self.0.as_slice() {
            [] => return Ok(None),
            [header] => header.to_str().unwrap_or_default().trim(),
            _ => "",
        };
        let key = header.strip_prefix('"').and_then(|key| key.strip_suffix('"')).unwrap_or(header);
        if !(1..=255).contains(&key.len()) || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            let message = "Idempotency-Key must have 1 to 255 characters, visible ones of ASCII.";
            return Err(ApiError::BadRequest(message.into()));
        }
        Ok(Some(Key { key: key.into(), fingerprint: body.fingerprint() }))
    }
}

/// 201 and the row, whether it was made now or by an earlier request.
impl<T: Model + Show> IntoResponse for Inserted<T> {
    fn into_response(self) -> Response {
        let mut response = (StatusCode::CREATED, WithEtag(self.row)).into_response();
        if self.is_replayed {
            response.headers_mut().insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
        }
        response
    }
}
