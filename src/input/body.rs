//! The body extractor: the only way to a struct that a client sent.

use std::{marker::PhantomData, time::Duration};

use axum::{
    body::to_bytes,
    extract::{FromRequest, Request},
    http::{HeaderMap, header::CONTENT_TYPE},
};
use serde_json::{Map, Value};

use super::{Extent, FieldErrors, Input, NON_FIELD_ERRORS, Record, read};
use crate::{
    api::Unserved,
    error::{ApiError, Result},
};

/// The largest body that is read, in bytes.
const LIMIT: usize = 1024 * 1024;
/// The longest time that a body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);

/// A body that should hold a `T`.
///
/// Extracting it never fails: a fault is handed over instead of the value, because a caller who is no more must be told
/// so first, and so must one who changes a row that is not theirs.
pub struct Body<T> {
    object: Result<Map<String, Value>>,
    of: PhantomData<fn() -> T>,
}

impl<T: Input> Body<T> {
    /// The whole value.
    pub fn read(&self) -> Result<T> {
        self.read_as(Extent::Whole, None)
    }

    /// A string of the body as it was sent, trimmed.
    pub fn text(&self, field: &str) -> Option<&str> {
        self.object
            .as_ref()
            .ok()?
            .get(field)?
            .as_str()
            .map(str::trim)
    }

    fn read_as(&self, extent: Extent, shown: Option<&Value>) -> Result<T> {
        let object = self.object.as_ref().map_err(Clone::clone)?;
        read(object, extent, shown).map_err(ApiError::Invalid)
    }
}

impl<T: Record> Body<T> {
    /// POST: a new row.
    pub fn create(&self) -> Result<T::Fields> {
        Ok(self.read()?.onto(T::Fields::default()))
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
        Ok(self
            .read_as(extent, Some(&T::shown(row)))?
            .onto(T::Fields::from(row)))
    }
}

impl<S: Send + Sync, T> FromRequest<S> for Body<T> {
    type Rejection = std::convert::Infallible;

    async fn from_request(request: Request, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self {
            object: object(request).await,
            of: PhantomData,
        })
    }
}

async fn object(request: Request) -> Result<Map<String, Value>> {
    if let Some(Unserved(fault)) = request.extensions().get() {
        return Err(fault.clone());
    }
    let content_type = content_type(request.headers());
    let bytes = tokio::time::timeout(PATIENCE, to_bytes(request.into_body(), LIMIT))
        .await
        .map_err(|_| ApiError::Timeout)?
        .map_err(|_| ApiError::TooLarge(LIMIT))?;
    if bytes.is_empty() {
        return Ok(Map::new());
    }
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(ApiError::UnsupportedMediaType(content_type));
    }
    match serde_json::from_slice(&bytes) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(other) => Err(ApiError::Invalid(FieldErrors::one(
            NON_FIELD_ERRORS,
            not_an_object(&other),
        ))),
        Err(error) => Err(ApiError::Malformed(format!("JSON parse error - {error}"))),
    }
}

fn content_type(headers: &HeaderMap) -> String {
    let header = headers
        .get(CONTENT_TYPE)
        .map(|header| String::from_utf8_lossy(header.as_bytes()));
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
