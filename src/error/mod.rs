//! What can go wrong, as the client sees it: every refusal is one of these, and leaves as Django REST framework's JSON.

use axum::{
    http::{
        HeaderValue, Method, StatusCode,
        header::{RETRY_AFTER, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

mod database;

pub use database::{CONSTRAINTS, constraint_fault};

use crate::{api::Json, auth::Unauthenticated, input::FieldErrors};

/// The result of everything that can refuse a request.
pub type Result<T, E = ApiError> = std::result::Result<T, E>;

/// A refusal; each variant is a shape on the wire.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ApiError {
    /// 400, `{"<field>": ["message", …], …}`.
    #[error("invalid fields")]
    Invalid(FieldErrors),
    /// 400, `{"detail": …}`: the request can't be read.
    #[error("{0}")]
    Malformed(String),
    /// 401, with `WWW-Authenticate`.
    #[error(transparent)]
    Unauthenticated(#[from] Unauthenticated),
    /// 404: there is no such row, or it is not the caller's; nobody can tell which.
    #[error("no {0}")]
    NoRow(&'static str),
    /// 404: nothing is served under this path.
    #[error("not found")]
    NotFound,
    /// 400: the patient of a mapping is somebody else's, or nobody's.
    #[error("not the caller's patient")]
    NotYourPatient,
    /// 405.
    #[error("method {0} not allowed")]
    MethodNotAllowed(Method),
    /// 406.
    #[error("not acceptable")]
    NotAcceptable,
    /// 408: the body did not come in time.
    #[error("the body did not arrive in time")]
    Timeout,
    /// 409: the doctor looks after other users' patients.
    #[error("the doctor is assigned to patients of others")]
    DoctorIsAssigned,
    /// 409: another request with the same `Idempotency-Key` is still under way.
    #[error("a request with the same key is under way")]
    KeyInUse,
    /// 412: the row is not as `If-Match` has it.
    #[error("the row is another than the precondition says")]
    PreconditionFailed,
    /// 422: the `Idempotency-Key` came with another body before.
    #[error("the key came with another body")]
    KeyReused,
    /// 428: a change without `If-Match`, where the setting REQUIRE_IF_MATCH asks for it.
    #[error("no precondition")]
    PreconditionRequired,
    /// 413, with the limit in bytes.
    #[error("the body is over {0} bytes")]
    TooLarge(usize),
    /// 415, with the content type that was sent.
    #[error("unsupported media type {0:?}")]
    UnsupportedMediaType(String),
    /// 500: a fault of ours. The cause is logged, never shown.
    #[error("{0}")]
    Internal(String),
    /// 503 for a POST that may be sent again, if it had a key.
    #[error("unavailable")]
    UnavailableOnce,
    /// 503 as well: another transaction holds what this one needs.
    #[error("{0}")]
    Locked(String),
    /// 503, `Retry-After: 1`: the database is away, or there is more to do than can be done.
    #[error("{0}")]
    Unavailable(String),
}

impl ApiError {
    /// Its status.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Invalid(_) | Self::Malformed(_) | Self::NotYourPatient => StatusCode::BAD_REQUEST,
            Self::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
            Self::NoRow(_) | Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Self::Timeout => StatusCode::REQUEST_TIMEOUT,
            Self::DoctorIsAssigned | Self::KeyInUse => StatusCode::CONFLICT,
            Self::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            Self::KeyReused => StatusCode::UNPROCESSABLE_ENTITY,
            Self::PreconditionRequired => StatusCode::PRECONDITION_REQUIRED,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable(_) | Self::UnavailableOnce | Self::Locked(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Its body.
    pub fn body(&self) -> Value {
        let detail = match self {
            Self::Invalid(errors) => return json!(errors),
            Self::Unauthenticated(refusal) => return refusal.body(),
            Self::Malformed(detail) => detail.clone(),
            Self::NoRow(model) => format!("No {model} matches the given query."),
            Self::NotFound => "Not found.".into(),
            Self::NotYourPatient => "You can only assign doctors to your own patients.".into(),
            Self::DoctorIsAssigned => "This doctor is assigned to patients of other users.".into(),
            Self::KeyInUse => "A request with this Idempotency-Key is still under way.".into(),
            Self::KeyReused => "This Idempotency-Key was sent with another body before.".into(),
            Self::PreconditionFailed => "It has changed since you read it.".into(),
            Self::PreconditionRequired => "Send the ETag that you read in If-Match.".into(),
            Self::MethodNotAllowed(method) => format!("Method \"{method}\" not allowed."),
            Self::NotAcceptable => "Could not satisfy the request Accept header.".into(),
            Self::Timeout => "The request body did not arrive in time.".into(),
            Self::TooLarge(limit) => format!("The request body is larger than {limit} bytes."),
            Self::UnsupportedMediaType(sent) => {
                format!("Unsupported media type \"{sent}\" in request.")
            }
            Self::Internal(_) => "A server error occurred.".into(),
            Self::Unavailable(_) | Self::Locked(_) => "Service temporarily unavailable, try again later.".into(),
            Self::UnavailableOnce => "Service temporarily unavailable, try again later. A request with an \
                                      Idempotency-Key may be sent again: it makes nothing twice."
                .into(),
        };
        json!({ "detail": detail })
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        match &self {
            Self::Internal(cause) => tracing::error!("{cause}"),
            Self::Unavailable(cause) | Self::Locked(cause) => tracing::warn!("{cause}"),
            _ => {}
        }
        let mut response = (self.status(), Json(self.body())).into_response();
        let headers = response.headers_mut();
        match &self {
            Self::Unauthenticated(_) => {
                let challenge = HeaderValue::from_static("Bearer realm=\"api\"");
                headers.insert(WWW_AUTHENTICATE, challenge);
            }
            Self::Unavailable(_) | Self::UnavailableOnce | Self::Locked(_) => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
        response
    }
}
