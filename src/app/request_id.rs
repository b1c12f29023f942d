//! The id of a request.

use std::sync::Arc;

use axum::http::{Extensions, HeaderMap, HeaderName};

/// Where a client may name a request, and where the answer names it.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request: in the log, in the audit, and in the answer's `X-Request-Id`.
#[derive(Debug, Clone)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// The client's, if it is short and plain, else a new one.
    pub(super) fn new(headers: &HeaderMap) -> Self {
        let sent = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok());
        let plain = |id: &&str| {
            (1..=64).contains(&id.len())
                && id
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        };
        match sent.filter(plain) {
            Some(id) => Self(id.into()),
            None => Self(format!("{:032x}", rand::random::<u128>()).into()),
        }
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
