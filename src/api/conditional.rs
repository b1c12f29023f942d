//! Conditional requests (RFC 9110, 13): whether a row is still as the client read it.

use std::convert::Infallible;

use axum::{
    extract::{FromRef, FromRequestParts},
    http::request::Parts,
    response::{IntoResponse, Response},
};
use headers::{ETag, HeaderMapExt, IfMatch, IfNoneMatch};
use ring::digest::{SHA256, digest};

use super::answer::{JSON, Show, json};
use crate::{
    config::RequireIfMatch,
    db::Model,
    error::{ApiError, Result},
};

/// 200, and a row as JSON, with its `ETag`.
pub struct WithEtag<T>(pub T);

impl<T: Model + Show> IntoResponse for WithEtag<T> {
    fn into_response(self) -> Response {
        let body = match json(&self.0.view()) {
            Ok(body) => body,
            Err(error) => return error.into_response(),
        };
        let tag = self.0.version().map(|version| etag(version, &body));
        let mut response = ([JSON], body).into_response();
        if let Some(tag) = tag {
            response.headers_mut().typed_insert(tag);
        }
        response
    }
}

/// The tag of an answer: the version of the row, and a hash of the body, which can change without the row: with today's date
/// (age), or with the owner's e-mail.
pub(super) fn etag(version: i64, body: &[u8]) -> ETag {
    let hash = digest(&SHA256, body);
    let hash = u64::from_be_bytes(*hash.as_ref().first_chunk().expect("32 bytes"));
    format!("\"{version}-{hash:016x}\"").parse().expect("visible ASCII in quotes")
}

/// What the row must be like for a change to happen.
pub struct Preconditions {
    if_match: Option<IfMatch>,
    if_none_match: Option<IfNoneMatch>,
    is_required: bool,
}

impl<S: Send + Sync> FromRequestParts<S> for Preconditions
where
    RequireIfMatch: FromRef<S>,
{
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        Ok(Self {
            if_match: parts.headers.typed_get(),
            if_none_match: parts.headers.typed_get(),
            is_required: RequireIfMatch::from_ref(state).0,
        })
    }
}

impl Preconditions {
    /// Checks the conditions on a row that was read: 412 if one fails. Returns the version that the row must still have when
    /// it is written, if the client named one.
    pub fn check<T: Model + Show>(&self, row: &T) -> Result<Option<i64>> {
        if self.is_required && self.if_match.is_none() {
            return Err(ApiError::PreconditionRequired);
        }
        if self.if_match.is_none() && self.if_none_match.is_none() {
            return Ok(None);
        }
        let tag = etag(row.version().ok_or(ApiError::PreconditionFailed)?, &json(&row.view())?);
        let is_other = self.if_match.as_ref().is_some_and(|tags| !tags.precondition_passes(&tag));
        let is_same = self.if_none_match.as_ref().is_some_and(|tags| !tags.precondition_passes(&tag));
        if is_other || is_same {
            return Err(ApiError::PreconditionFailed);
        }
        // `*` is any version
        let of_version = self.if_match.as_ref().filter(|tags| !tags.is_any());
        Ok(of_version.and_then(|_| row.version()))
    }

    /// The same, but reads the row only if there is a condition.
    pub async fn check_if_any<T: Model + Show>(&self, row: impl Future<Output = Result<T>>) -> Result<Option<i64>> {
        if self.is_required || self.if_match.is_some() || self.if_none_match.is_some() {
            self.check(&row.await?)
        } else {
            Ok(None)
        }
    }
}
