//! One log line for each request, without any data of a patient; and what is counted of it.

use std::{net::IpAddr, time::Instant};

use axum::{
    extract::MatchedPath,
    http::{Method, StatusCode},
    response::Response,
};
use tracing::{
    Span,
    field::{self, Empty},
};

use super::metrics::{Requests, known};
use crate::request::RequestId;

/// The log line of a request. It is written when this is dropped, so also if the client goes away before the answer.
pub(super) struct LogLine {
    span: Span,
    requests: Requests,
    method: &'static str,
    begun: Instant,
    answer: Option<(StatusCode, Option<MatchedPath>)>,
}

impl LogLine {
    pub(super) fn new(id: &RequestId, address: Option<IpAddr>, method: &Method, requests: Requests) -> Self {
        let span =
            tracing::info_span!("request", id = id.as_str(), address = address.map(field::display), user = Empty);
        requests.begun();
        Self { span, requests, method: known(method), begun: Instant::now(), answer: None }
    }

    /// The span of the request, for everything else that is logged while it is answered.
    pub(super) fn span(&self) -> Span {
        self.span.clone()
    }

    pub(super) fn answered(&mut self, response: &Response) {
        self.answer = Some((response.status(), response.extensions().get().cloned()));
    }
}

impl Drop for LogLine {
    fn drop(&mut self) {
        let _entered = self.span.enter();
        let (method, took) = (self.method, self.begun.elapsed());
        let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let Some((status, route)) = &self.answer else {
            self.requests.ended(method, "-", "499", took);
            tracing::info!(status = 499, method = %method, route = %"-", ms, note = %"the client is gone");
            return;
        };
        let route = route.as_ref().map_or("-", MatchedPath::as_str);
        self.requests.ended(method, route, status.as_str(), took);
        tracing::info!(status = status.as_u16(), %method, %route, ms);
    }
}
