//! The body extractor: the only way to a struct that a client sent.

use std::{collections::BTreeMap, fmt::Display, marker::PhantomData, time::Duration};

use aws_lc_rs::digest::{SHA256, digest};
use axum::{
    body::to_bytes,
    extract::{FromRequest, Multipart, Request},
    http::{HeaderMap, header::CONTENT_TYPE},
};
use percent_encoding::percent_decode;
use serde_json::{Map, Value};

use super::{
    Input, Record,
    field::text,
    python::strip,
    read::{Extent, Payload, read, spellings},
};
use crate::error::{ApiError, FieldErrors, NON_FIELD_ERRORS, Result};

/// The largest body that is read, in bytes: a medical history of 100,000 characters, each escaped, and the rest.
pub const BODY_LIMIT: usize = 2 * 1024 * 1024;
/// The longest time that a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// A body that should hold a `T`.
///
/// Extracting it never fails. The error comes when it is read, because a caller who is no longer one must be told that
/// first, and so must one who changes a row of somebody else.
pub struct Body<T> {
    payload: Result<Payload>,
    of: PhantomData<fn() -> T>,
}

impl<T: Input> Body<T> {
    /// POST: what a whole body says.
    pub fn new_value(&self) -> Result<T::New> {
        let input = self.read(Extent::Whole, None)?;
        input.into_new().ok_or_else(|| ApiError::Internal(format!("{}: REQUIRED lacks a field", T::name())))
    }

    /// PATCH of what is no `Record`: whatever was sent.
    pub fn partial(&self) -> Result<T> {
        self.read(Extent::Partial, None)
    }

    /// What tells this body from one that holds anything else.
    pub fn fingerprint(&self) -> Vec<u8> {
        let object = self.payload.as_ref().map(|payload| &payload.object);
        // in whatever order
        let sorted: BTreeMap<_, _> = object.into_iter().flatten().collect();
        let content = serde_json::to_vec(&sorted).unwrap_or_default();
        digest(&SHA256, &content).as_ref().to_vec()
    }

    /// A value of the body as the text that it is taken for.
    pub fn text(&self, field: &str) -> Option<String> {
        let object = &self.payload.as_ref().ok()?.object;
        let value = spellings(field).find_map(|key| object.get(key))?;
        text(value).ok().map(|text| strip(&text).to_owned())
    }

    fn read(&self, extent: Extent, shown: Option<&Value>) -> Result<T> {
        let payload = self.payload.as_ref().map_err(Clone::clone)?;
        read(payload, extent, shown).map_err(ApiError::Invalid)
    }
}

/// A body that did not come over HTTP.
impl<T> From<Map<String, Value>> for Body<T> {
    fn from(object: Map<String, Value>) -> Self {
        Self { payload: Ok(Payload { object, is_form: false }), of: PhantomData }
    }
}

impl<T: Record> Body<T> {
    /// PUT: all that is required, over the row as it is; what is optional and left out stays.
    pub fn update(&self, row: &T::Row) -> Result<T::Change> {
        Ok(self.read(Extent::Whole, Some(&T::shown(row)))?.into_change(Some(row)))
    }

    /// PATCH: what is sent, over the row as it is.
    pub fn partial_update(&self, row: &T::Row) -> Result<T::Change> {
        Ok(self.read(Extent::Partial, Some(&T::shown(row)))?.into_change(None))
    }
}

impl<S: Send + Sync, T> FromRequest<S> for Body<T> {
    type Rejection = std::convert::Infallible;

    async fn from_request(request: Request, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self { payload: payload(request).await, of: PhantomData })
    }
}

async fn payload(request: Request) -> Result<Payload> {
    let (parts, body) = request.into_parts();
    let content_type = content_type(&parts.headers);
    let bytes = tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, BODY_LIMIT))
        .await
        .map_err(|_| ApiError::RequestTimeout)?
        .map_err(|_| ApiError::PayloadTooLarge(BODY_LIMIT))?;
    if bytes.is_empty() {
        return Ok(Payload::default());
    }
    let lower = content_type.to_ascii_lowercase();
    let (essence, parameters) = lower.split_once(';').unwrap_or((&lower, ""));
    let charset = parameters.split(';').find_map(|parameter| parameter.trim().strip_prefix("charset="));
    if charset.is_some_and(|charset| !["utf-8", "us-ascii"].contains(&charset.trim_matches('"'))) {
        return Err(ApiError::UnsupportedMediaType(content_type));
    }
    match essence.trim() {
        "application/json" => json(&bytes).map(|object| Payload { object, is_form: false }),
        "application/x-www-form-urlencoded" => {
            if percent_decode(&bytes).decode_utf8().is_err() {
                return Err(ApiError::BadRequest("Form parse error - not UTF-8".into()));
            }
            let pairs = form_urlencoded::parse(&bytes);
            let object = pairs.map(|(name, value)| (name.into_owned(), value.into_owned().into())).collect();
            Ok(Payload { object, is_form: true })
        }
        "multipart/form-data" => {
            let request = Request::from_parts(parts, bytes.into());
            multipart(request).await.map(|object| Payload { object, is_form: true })
        }
        _ => Err(ApiError::UnsupportedMediaType(content_type)),
    }
}

fn json(bytes: &[u8]) -> Result<Map<String, Value>> {
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(other) => Err(ApiError::Invalid(FieldErrors::one(NON_FIELD_ERRORS, not_an_object(&other)))),
        Err(error) => Err(ApiError::BadRequest(format!("JSON parse error - {error}").into())),
    }
}

fn malformed(error: impl Display) -> ApiError {
    ApiError::BadRequest(format!("Multipart form parse error - {error}").into())
}

/// The fields of a form; the last of one name counts. A file is no value of any field here.
async fn multipart(request: Request) -> Result<Map<String, Value>> {
    let mut form = Multipart::from_request(request, &()).await.map_err(malformed)?;
    let mut object = Map::new();
    while let Some(field) = form.next_field().await.map_err(malformed)? {
        let Some(name) = field.name().map(ToOwned::to_owned) else {
            continue;
        };
        let file = field.file_name().map(ToOwned::to_owned);
        let bytes = field.bytes().await.map_err(malformed)?;
        match file.as_deref() {
            // a file that was not chosen
            Some("") => {}
            Some(_) => drop(object.insert(name, Value::Array(Vec::new()))),
            None => {
                let text = String::from_utf8(bytes.into()).map_err(|_| malformed("not UTF-8"))?;
                object.insert(name, text.into());
            }
        }
    }
    Ok(object)
}

fn content_type(headers: &HeaderMap) -> String {
    let header = headers.get(CONTENT_TYPE).map(|header| String::from_utf8_lossy(header.as_bytes()));
    header.unwrap_or_default().into_owned()
}

fn not_an_object(value: &Value) -> String {
    let kind = match value {
        Value::Null => return "No data provided".into(),
        Value::Array(_) => "list",
        Value::String(_) => "str",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
        Value::Object(_) => "dict",
    };
    format!("Invalid data. Expected a dictionary, but got {kind}.")
}
