//! One log line for each request, without any data of a patient.

use std::time::Instant;

use axum::{extract::MatchedPath, http::Method, response::Response};
use tracing::{Span, field::Empty};

use crate::request::RequestId;

/// The log line of a request. It is written when this is dropped, so also if the client goes away before the answer.
pub(super) struct LogLine {
    span: Span,
    method: Method,
    begun: Instant,
    answer: Option<(u16, Option<MatchedPath>)>,
}

impl LogLine {
    pub(super) fn new(id: &RequestId, method: &Method) -> Self {
        let span = tracing::info_span!("request", id = id.as_str(), user = Empty);
        Self { span, method: method.clone(), begun: Instant::now(), answer: None }
    }

    /// The span of the request, for everything else that is logged while it is answered.
    pub(super) fn span(&self) -> Span {
        self.span.clone()
    }

    pub(super) fn answered(&mut self, response: &Response) {
        self.answer = Some((response.status().as_u16(), response.extensions().get().cloned()));
    }
}

impl Drop for LogLine {
    fn drop(&mut self) {
        let _entered = self.span.enter();
        let milliseconds = self.begun.elapsed().as_millis();
        // an unknown method is text of the client's, which does not belong in a log
        let is_known = self.method.is_idempotent() || [Method::POST, Method::PATCH].contains(&self.method);
        let method = if is_known { self.method.as_str() } else { "-" };
        if let Some((status, route)) = &self.answer {
            let route = route.as_ref().map_or("-", MatchedPath::as_str);
            tracing::info!("{status} {method} {route} {milliseconds} ms");
        } else {
            tracing::info!("499 {method} - {milliseconds} ms (the client is gone)");
        }
    }
}
