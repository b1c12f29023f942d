//! Conditional requests (RFC 9110, 13): what a row was when a client read it, and whether it still is.

use std::convert::Infallible;

use aws_lc_rs::digest::{SHA256, digest};
use axum::{
    extract::{FromRef, FromRequestParts},
    http::{
        HeaderMap, HeaderName, HeaderValue,
        header::{ETAG, IF_MATCH, IF_NONE_MATCH},
        request::Parts,
    },
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::{JSON, json};
use crate::{
    app::RequireIfMatch,
    db::{Change, Model},
    error::{ApiError, Result},
};

/// 200, and a row as JSON, with its `ETag`.
pub struct Tagged<T>(pub T);

impl<T: Model + Serialize> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        let body = match json(&self.0) {
            Ok(body) => body,
            Err(error) => return error.into_response(),
        };
        let tag = self.0.version().map(|version| tag(version, &body));
        let mut response = ([JSON], body).into_response();
        if let Some(tag) = tag.and_then(|tag| HeaderValue::try_from(tag).ok()) {
            response.headers_mut().insert(ETAG, tag);
        }
        response
    }
}

/// The tag of a row whose versions are counted: the version, and a hash of what is shown of it, which may change with
/// the day, or with the owner's e-mail.
pub(super) fn tag(version: i64, body: &[u8]) -> String {
    let hash = digest(&SHA256, body);
    let hash = u64::from_be_bytes(*hash.as_ref().first_chunk().expect("32 bytes"));
    format!("\"{version}-{hash:016x}\"")
}

/// What a client says that a row is, before it changes it.
pub struct Preconditions {
    if_match: Option<String>,
    if_none_match: Option<String>,
    is_required: bool,
}

impl<S: Send + Sync> FromRequestParts<S> for Preconditions
where
    RequireIfMatch: FromRef<S>,
{
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        Ok(Self {
            if_match: listed(&parts.headers, IF_MATCH),
            if_none_match: known(&parts.headers),
            is_required: RequireIfMatch::from_ref(state).0,
        })
    }
}

impl Preconditions {
    /// A change of a row, if the row is as it should be. That comes last: a request that is refused for another reason
    /// is refused for that (RFC 9110, 13.2.1).
    pub fn change<T: Model + Serialize, F>(&self, row: &T, fields: Result<F>) -> Result<Change<F>> {
        let fields = fields?;
        Ok(Change { fields, version: self.check(row)? })
    }

    /// What is asked of a row before it is taken away, if anything is: the version that must still be there.
    pub fn of_row<T: Model + Serialize>(&self) -> Option<impl Fn(&T) -> Result<Option<i64>>> {
        self.are_any().then_some(|row: &T| self.check(row))
    }

    fn are_any(&self) -> bool {
        self.is_required || self.if_match.is_some() || self.if_none_match.is_some()
    }

    /// The version that must still be there when the row is written.
    fn check<T: Model + Serialize>(&self, row: &T) -> Result<Option<i64>> {
        if self.is_required && self.if_match.is_none() {
            return Err(ApiError::PreconditionRequired);
        }
        if !self.are_any() {
            return Ok(None);
        }
        let body = json(row)?;
        let tag = row.version().map(|version| tag(version, &body)).unwrap_or_default();
        let is_other = self.if_match.as_ref().is_some_and(|tags| !has(tags, &tag, false));
        let is_same = self.if_none_match.as_ref().is_some_and(|tags| has(tags, &tag, true));
        if is_other || is_same {
            return Err(ApiError::PreconditionFailed);
        }
        // `*` is any version
        let of_version = self.if_match.as_ref().filter(|tags| tags.trim() != "*");
        Ok(of_version.and_then(|_| row.version()))
    }
}

/// The tags of the answers that a client has already.
pub fn known(headers: &HeaderMap) -> Option<String> {
    listed(headers, IF_NONE_MATCH)
}

/// Whether an answer to a GET is among those (304).
pub fn is_known(answer: &HeaderMap, known: &str) -> bool {
    let tag = answer.get(ETAG).and_then(|tag| tag.to_str().ok());
    tag.is_some_and(|tag| has(known, tag, true))
}

/// Whether a list of tags has this one, or is `*`. A weak one is not the same byte for byte.
fn has(tags: &str, tag: &str, weakly: bool) -> bool {
    // a comma may stand within the quotes of a tag
    let mut is_quoted = false;
    let mut others = tags.split(|letter| {
        is_quoted ^= letter == '"';
        letter == ',' && !is_quoted
    });
    tags.trim() == "*"
        || others.any(|other| {
            let other = other.trim();
            let opaque = if weakly { other.strip_prefix("W/") } else { None };
            opaque.unwrap_or(other) == tag
        })
}

/// The values of a header that may be sent more than once.
fn listed(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    let values = headers.get_all(name).iter();
    let values: Vec<String> = values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect();
    (!values.is_empty()).then(|| values.join(","))
}
