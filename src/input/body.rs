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
    FieldErrors, Input, NON_FIELD_ERRORS, Record,
    field::text,
    python::strip,
    read::{Extent, Payload, read, spellings},
};
use crate::{
    api::Unserved,
    error::{ApiError, Result},
};

/// The largest body that is read, in bytes: a medical history of 100,000 characters, each escaped, and the rest.
pub const BODY_LIMIT: usize = 2 * 1024 * 1024;
/// The longest time that a body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);

/// A body that should hold a `T`.
///
/// Extracting it never fails: a fault is handed over instead of the value, because a caller who is no more must be told
/// so first, and so must one who changes a row that is not theirs.
pub struct Body<T> {
    payload: Result<Payload>,
    of: PhantomData<fn() -> T>,
}

impl<T: Input> Body<T> {
    /// The whole value.
    pub fn read(&self) -> Result<T> {
        self.read_as(Extent::Whole, None)
    }

    /// Whatever part of the value was sent.
    pub fn read_partial(&self) -> Result<T> {
        self.read_as(Extent::Partial, None)
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

    fn read_as(&self, extent: Extent, shown: Option<&Value>) -> Result<T> {
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
    /// POST: a new row.
    pub fn create(&self) -> Result<T::Fields> {
        Ok(self.read()?.fields())
    }

    /// PUT: all that is required, over the row as it is; what is optional and left out stays.
    pub fn update(&self, row: &T::Row) -> Result<T::Fields> {
        self.change(Extent::Whole, row)
    }

    /// PATCH: what is sent, over the row as it is.
    pub fn partial_update(&self, row: &T::Row) -> Result<T::Fields> {
        self.change(Extent::Partial, row)
    }

    fn change(&self, extent: Extent, row: &T::Row) -> Result<T::Fields> {
        Ok(self.read_as(extent, Some(&T::shown(row)))?.fields())
    }
}

impl<S: Send + Sync, T> FromRequest<S> for Body<T> {
    type Rejection = std::convert::Infallible;

    async fn from_request(request: Request, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self { payload: payload(request).await, of: PhantomData })
    }
}

async fn payload(request: Request) -> Result<Payload> {
    if let Some(Unserved(fault)) = request.extensions().get() {
        return Err(fault.clone());
    }
    let (parts, body) = request.into_parts();
    let content_type = content_type(&parts.headers);
    let bytes = tokio::time::timeout(PATIENCE, to_bytes(body, BODY_LIMIT))
        .await
        .map_err(|_| ApiError::Timeout)?
        .map_err(|_| ApiError::TooLarge(BODY_LIMIT))?;
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
                return Err(ApiError::Malformed("Form parse error - not UTF-8".into()));
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
        Err(error) => Err(ApiError::Malformed(format!("JSON parse error - {error}"))),
    }
}

fn malformed(error: impl Display) -> ApiError {
    ApiError::Malformed(format!("Multipart form parse error - {error}"))
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
