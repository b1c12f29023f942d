//! The id of a request.

use std::sync::Arc;

use axum::http::{Extensions, HeaderName};

/// Where the answer names it.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request: in the log, in the audit, and in the answer's `X-Request-Id`.
#[derive(Debug, Clone)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// A new one: a client's own could be another's, or hold what does not belong in a log.
    pub(super) fn new() -> Self {
        Self(format!("{:032x}", rand::random::<u128>()).into())
    }

    /// The id that the outermost function gave.
    pub fn of(extensions: &Extensions) -> Self {
        extensions.get().cloned().expect("every request has an id")
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
