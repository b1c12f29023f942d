//! What can go wrong, as the client sees it: every error is one of these, and leaves as Django REST framework's JSON.

use std::borrow::Cow;

use axum::{
    http::{
        HeaderValue, Method, StatusCode,
        header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::request::TooBusy;

mod database;
mod fields;
pub mod messages;
mod unauthenticated;

pub use database::{constraint_error, is_locked};
pub use fields::{FieldErrors, NON_FIELD_ERRORS};
pub use unauthenticated::{TokenError, TokenMessage, Unauthenticated, UnauthenticatedBody};

/// The result of everything that can fail while a request is answered.
pub type Result<T, E = ApiError> = std::result::Result<T, E>;

/// The body of an error that does not belong to a field.
#[derive(Serialize, ToSchema)]
pub struct Detail {
    detail: Cow<'static, str>,
}

/// Why a request fails. Each variant is a shape on the wire.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ApiError {
    /// 400, `{"<field>": ["message", …], …}`.
    #[error("invalid fields")]
    Invalid(FieldErrors),
    /// 400, `{"detail": …}`: the request can't be read, or is not allowed.
    #[error("{0}")]
    BadRequest(Cow<'static, str>),
    /// 401, with `WWW-Authenticate`.
    #[error(transparent)]
    Unauthenticated(#[from] Unauthenticated),
    /// 403: the caller is known, but may not do this.
    #[error("permission denied")]
    Forbidden,
    /// 403, for the reason that is said.
    #[error("{0}")]
    Refused(&'static str),
    /// 404: the row does not exist, or it is not the caller's. The answer is the same for both.
    #[error("no {0}")]
    NoRow(&'static str),
    /// 404: nothing is served under this path.
    #[error("not found")]
    NotFound,
    /// 405.
    #[error("method {0} not allowed")]
    MethodNotAllowed(Method),
    /// 406.
    #[error("not acceptable")]
    NotAcceptable,
    /// 408: the body did not come in time.
    #[error("the body did not arrive in time")]
    RequestTimeout,
    /// 409.
    #[error("{0}")]
    Conflict(&'static str),
    /// 412: the row is not as `If-Match` has it.
    #[error("the row is not as the precondition says")]
    PreconditionFailed,
    /// 413, with the limit in bytes.
    #[error("the body is over {0} bytes")]
    PayloadTooLarge(usize),
    /// 415, with the content type that was sent.
    #[error("unsupported media type {0:?}")]
    UnsupportedMediaType(String),
    /// 422: the `Idempotency-Key` came with another body before.
    #[error("the key came with another body")]
    KeyReused,
    /// 428: a change without `If-Match`, where the setting REQUIRE_IF_MATCH asks for it.
    #[error("no precondition")]
    PreconditionRequired,
    /// 429, with the seconds to wait in `Retry-After`: too many requests, or too many failed logins.
    #[error("throttled for {0} s")]
    Throttled(u64),
    /// 500: a bug of ours. The cause is logged, never shown.
    #[error("{0}")]
    Internal(String),
    /// 503, `Retry-After: 1`: the database is away, or the server has too much to do. The cause is logged, never shown.
    #[error("{0}")]
    Unavailable(String),
    /// 503, `Retry-After: 1`, at once: too much of this is to be done already. The connection rests for that second.
    #[error("too many {0} at once")]
    Busy(&'static str),
    /// 503 for a POST that takes an `Idempotency-Key`. The text says that a request with a key is safe to retry.
    #[error("unavailable")]
    UnavailableForPost,
}

impl ApiError {
    /// 409: a request with the same `Idempotency-Key` is not done yet.
    pub const KEY_IN_USE: Self = Self::Conflict("A request with this Idempotency-Key is still under way.");

    /// Its status.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Invalid(_) | Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden | Self::Refused(_) => StatusCode::FORBIDDEN,
            Self::NoRow(_) | Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            Self::PayloadTooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::KeyReused => StatusCode::UNPROCESSABLE_ENTITY,
            Self::PreconditionRequired => StatusCode::PRECONDITION_REQUIRED,
            Self::Throttled(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable(_) | Self::Busy(_) | Self::UnavailableForPost => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Its body.
    pub fn body(&self) -> Value {
        match self {
            Self::Invalid(errors) => json!(errors),
            Self::Unauthenticated(reason) => json!(reason.body()),
            other => json!(Detail { detail: other.detail() }),
        }
    }

    fn detail(&self) -> Cow<'static, str> {
        match self {
            Self::Invalid(_) | Self::Unauthenticated(_) => "".into(),
            Self::BadRequest(detail) => detail.clone(),
            Self::Forbidden => "You do not have permission to perform this action.".into(),
            Self::NoRow(model) => format!("No {model} matches the given query.").into(),
            Self::NotFound => "Not found.".into(),
            Self::MethodNotAllowed(method) => format!("Method \"{method}\" not allowed.").into(),
            Self::NotAcceptable => "Could not satisfy the request Accept header.".into(),
            Self::RequestTimeout => "The request body did not arrive in time.".into(),
            Self::Refused(detail) | Self::Conflict(detail) => (*detail).into(),
            Self::PreconditionFailed => "It has changed since you read it: read it again, then retry.".into(),
            Self::PayloadTooLarge(limit) => format!("The request body is larger than {limit} bytes.").into(),
            Self::UnsupportedMediaType(sent) => format!("Unsupported media type \"{sent}\" in request.").into(),
            Self::KeyReused => "This Idempotency-Key was sent with another body before.".into(),
            Self::PreconditionRequired => "Send the ETag that you read in If-Match.".into(),
            Self::Throttled(seconds) => {
                let plural = if *seconds == 1 { "" } else { "s" };
                format!("Request was throttled. Expected available in {seconds} second{plural}.").into()
            }
            Self::Internal(_) => "A server error occurred.".into(),
            Self::Unavailable(_) | Self::Busy(_) => "Service temporarily unavailable, try again later.".into(),
            Self::UnavailableForPost => "Service temporarily unavailable, try again later. A request with an \
                                         Idempotency-Key may be sent again: it makes nothing twice."
                .into(),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        match &self {
            Self::Internal(cause) => tracing::error!("{cause}"),
            Self::Unavailable(cause) => tracing::warn!("{cause}"),
            _ => {}
        }
        let content_type = [(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        let mut response = (self.status(), content_type, self.body().to_string()).into_response();
        let headers = response.headers_mut();
        match &self {
            Self::Unauthenticated(reason) => {
                headers.insert(WWW_AUTHENTICATE, reason.challenge());
            }
            Self::Throttled(seconds) => {
                headers.insert(RETRY_AFTER, (*seconds).into());
            }
            Self::Unavailable(_) | Self::Busy(_) | Self::UnavailableForPost => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
        if matches!(self, Self::Busy(_)) {
            response.extensions_mut().insert(TooBusy);
        }
        // for the pages of the admin, which say it in their own way
        response.extensions_mut().insert(self);
        response
    }
}
