//! Requests and their answers as rows of data.

use std::fmt::Display;

use reqwest::{RequestBuilder, multipart::Form};
use serde_json::Value;

use super::{Client, Reply};

/// A request, and what it is answered.
pub struct Case {
    pub name: String,
    request: RequestBuilder,
    pub status: u16,
    pub answer: Answer,
    headers: Vec<(&'static str, String)>,
}

/// What is known of a body.
#[derive(Debug)]
pub enum Answer {
    Any,
    Whole(Value),
    /// These values, under these keys.
    Fields(Value),
    /// Byte for byte.
    Text(String),
    /// The beginning of its `detail`.
    Detail(&'static str),
}

/// A row without its body and its answer.
pub fn case(name: impl Display, client: &Client, method: &str, path: impl Display) -> Case {
    let path = path.to_string();
    Case {
        name: format!("{name}: {method} {path}"),
        request: client.request(method, &path),
        status: 0,
        answer: Answer::Any,
        headers: Vec::new(),
    }
}

impl Case {
    pub fn json(self, body: impl Into<Value>) -> Self {
        Self { request: self.request.json(&body.into()), ..self }
    }

    /// A body as it is; without a content type, if that is "".
    pub fn raw(self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let sent = self.request.body(body.into());
        let request = if content_type.is_empty() { sent } else { sent.header("content-type", content_type) };
        Self { request, ..self }
    }

    /// The fields of an object as a form.
    pub fn form(self, object: &Value) -> Self {
        Self { request: self.request.form(&super::fields(object)), ..self }
    }

    /// A form with parts of its own, such as files.
    pub fn multipart(self, form: Form) -> Self {
        Self { request: self.request.multipart(form), ..self }
    }

    pub fn header(self, name: &str, value: &str) -> Self {
        Self { request: self.request.header(name, value), ..self }
    }

    /// The status, whatever the body.
    pub fn is(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// The status and the whole body; null stands for none.
    pub fn says(self, status: u16, body: Value) -> Self {
        Self { status, answer: Answer::Whole(body), ..self }
    }

    /// The status and some fields of the body.
    pub fn shows(self, status: u16, fields: Value) -> Self {
        Self { status, answer: Answer::Fields(fields), ..self }
    }

    /// The status and the body, byte for byte.
    pub fn writes(self, status: u16, text: impl Into<String>) -> Self {
        Self { status, answer: Answer::Text(text.into()), ..self }
    }

    /// The status and the beginning of the body's `detail`.
    pub fn begins(self, status: u16, detail: &'static str) -> Self {
        Self { status, answer: Answer::Detail(detail), ..self }
    }

    /// A header of the answer; "" stands for none.
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// What is wrong with the answer.
    async fn fault(self) -> Option<String> {
        let reply = Reply::of(self.request).await;
        let headers: Vec<String> = self
            .headers
            .iter()
            .filter(|(name, value)| reply.header(name) != *value)
            .map(|(name, value)| format!("\n    {name} is {:?} instead of {value:?}", reply.header(name)))
            .collect();
        if reply.status == self.status && self.answer.is_of(&reply) && headers.is_empty() {
            return None;
        }
        let (said, expected) = (shortened(&reply.text), shortened(&self.answer.to_string()));
        let (name, headers) = (shortened(&self.name), headers.concat());
        Some(format!(
            "  {name}\n    {} {said}\n    instead of {} {expected}{headers}\n",
            reply.status.as_u16(),
            self.status
        ))
    }
}

impl Answer {
    fn is_of(&self, reply: &Reply) -> bool {
        match self {
            Self::Any => true,
            Self::Whole(body) => reply.body == *body,
            Self::Fields(fields) => fields.as_object().unwrap().iter().all(|(key, value)| reply.body[key] == *value),
            Self::Text(text) => reply.text == *text,
            Self::Detail(begin) => reply.body["detail"].as_str().is_some_and(|detail| detail.starts_with(begin)),
        }
    }
}

impl Display for Answer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Any => formatter.write_str("and anything"),
            Self::Whole(body) => body.fmt(formatter),
            Self::Fields(fields) => write!(formatter, "{fields} among others"),
            Self::Text(text) => formatter.write_str(text),
            Self::Detail(begin) => write!(formatter, "a detail that begins with {begin:?}"),
        }
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(500).collect()
}

/// Sends all requests in their order, and reports every one that was answered otherwise.
pub fn all_hold(cases: impl IntoIterator<Item = Case>) -> impl Future<Output = ()> {
    let cases: Vec<Case> = cases.into_iter().collect();
    async move {
        let (count, mut faults) = (cases.len(), Vec::new());
        for case in cases {
            faults.extend(case.fault().await);
        }
        let (failed, faults) = (faults.len(), faults.concat());
        assert!(count > 0 && failed == 0, "{failed} of {count} cases do not hold:\n{faults}");
    }
}
