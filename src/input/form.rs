//! The forms of the admin's pages, with what was typed, so that it can be shown again.

use axum::{
    extract::{FromRef, FromRequest, Request},
    http::header::CONTENT_TYPE,
};
use percent_encoding::percent_decode;
use serde_json::{Map, Value};

use super::{
    Body, Room,
    body::{ACCOUNT_LIMIT, BODY_LIMIT, BODY_TIMEOUT, FORM_LIMIT},
};
use crate::error::{ApiError, Result};

/// What a browser says that it sends.
const FORM: &str = "application/x-www-form-urlencoded";

/// What somebody typed into a form.
#[derive(Default, Clone)]
pub struct Form(Vec<(String, String)>);

impl Form {
    /// Reads `a=1&b=2`.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let malformed = |error: &str| ApiError::BadRequest(format!("Form parse error - {error}").into());
        if percent_decode(bytes).decode_utf8().is_err() {
            return Err(malformed("not UTF-8"));
        }
        if form_urlencoded::parse(bytes).nth(FORM_LIMIT).is_some() {
            return Err(malformed("more than 1000 fields"));
        }
        // browsers end the lines of a text with both
        let pairs = form_urlencoded::parse(bytes).map(|(name, value)| (name.into(), value.replace("\r\n", "\n")));
        Ok(Self(pairs.collect()))
    }

    /// The text of a field; empty if it was not sent.
    pub fn text(&self, name: &str) -> &str {
        self.all(name).last().unwrap_or_default()
    }

    /// All texts of a field.
    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(sent, _)| sent == name).map(|(_, value)| value.as_str())
    }

    /// Whether the field, or button, was sent.
    pub fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }

    /// Puts a text in the place of what a field says.
    pub fn set(&mut self, name: &str, text: impl Into<String>) {
        self.remove(name);
        self.0.push((name.into(), text.into()));
    }

    /// Takes away what a field says.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(sent, _)| sent != name);
    }

    /// The same, with a text that was not changed as it was, whatever the ends of its lines.
    #[must_use]
    pub fn with_ends_of_lines_of(&self, row: &Value) -> Self {
        let mut form = self.clone();
        let texts = row.as_object().into_iter().flatten();
        for (name, text) in texts.filter_map(|(name, value)| Some((name, value.as_str()?))) {
            if text.contains('\r') && self.text(name) == text.replace("\r\n", "\n") {
                form.set(name, text);
            }
        }
        form
    }

    /// The same as the body of a request of the API.
    pub fn body<T>(&self) -> Body<T> {
        let fields = self.0.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str())));
        Body::of_form(fields.collect::<Map<String, Value>>())
    }

    async fn read(request: Request, room: &Room, limit: usize) -> Result<Self> {
        let sent = request.headers().get(CONTENT_TYPE).map(|kind| kind.to_str().unwrap_or_default());
        if let Some(sent) = sent.filter(|kind| !kind.to_ascii_lowercase().starts_with(FORM)) {
            return Err(ApiError::UnsupportedMediaType(sent.to_owned()));
        }
        let (parts, body) = request.into_parts();
        let receiving = room.receive(body, limit, &parts.extensions);
        let received = tokio::time::timeout(BODY_TIMEOUT, receiving).await;
        let (bytes, _held) = received.map_err(|_| ApiError::RequestTimeout)??;
        Self::parse(&bytes)
    }
}

impl<S> FromRequest<S> for Form
where
    S: Send + Sync,
    Room: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self> {
        Self::read(request, &Room::from_ref(state), BODY_LIMIT).await
    }
}

/// A form of somebody who is not known yet: a small one.
pub struct SmallForm(pub Form);

impl<S> FromRequest<S> for SmallForm
where
    S: Send + Sync,
    Room: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self> {
        Form::read(request, &Room::from_ref(state), ACCOUNT_LIMIT).await.map(Self)
    }
}
