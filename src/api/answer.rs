//! What answers are made of.

use std::collections::BTreeMap;

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use crate::error::{ApiError, Result};

/// How the API shows a row.
pub trait Show {
    /// What is sent of it.
    type View<'a>: Serialize
    where
        Self: 'a;

    fn view(&self) -> Self::View<'_>;
}

/// The content type of answers.
pub(super) const JSON: (HeaderName, HeaderValue) = (CONTENT_TYPE, HeaderValue::from_static("application/json"));

pub(super) fn json(value: &impl Serialize) -> Result<Vec<u8>> {
    let mut json = Vec::with_capacity(512);
    write_json(&mut json, value)?;
    Ok(json)
}

/// Writes the value behind what is there.
pub(super) fn write_json(json: &mut Vec<u8>, value: &impl Serialize) -> Result<()> {
    serde_json::to_writer(json, value).map_err(|error| ApiError::Internal(format!("an answer: {error}")))
}

/// 200, and the value as JSON.
pub struct Json<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        json(&self.0).map(|json| ([JSON], json)).into_response()
    }
}

/// 201, and the value as JSON.
pub struct Created<T>(pub T);

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        (StatusCode::CREATED, Json(self.0)).into_response()
    }
}

/// 200, and rows as a JSON array.
pub struct Rows<T>(pub Vec<T>);

impl<T: Show> IntoResponse for Rows<T> {
    fn into_response(self) -> Response {
        let views: Vec<_> = self.0.iter().map(T::view).collect();
        Json(views).into_response()
    }
}

/// An empty object. The schema allows texts in it, because some generators can't handle an object without properties.
#[derive(Default, Serialize, ToSchema)]
#[schema(example = json!({}))]
pub struct Empty(BTreeMap<String, String>);

/// 204. README A prints a message here, which HTTP forbids (RFC 9110 15.3.5).
pub struct NoContent;

impl IntoResponse for NoContent {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

/// A time as Django REST framework writes it: with six digits after the second, or none.
pub(super) fn timestamp<S: Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    let digits = if time.timestamp_subsec_micros() == 0 { SecondsFormat::Secs } else { SecondsFormat::Micros };
    serializer.serialize_str(&time.to_rfc3339_opts(digits, true))
}

/// A time that may be none.
#[expect(clippy::ref_option, reason = "serde passes it so")]
pub(super) fn optional_timestamp<S: Serializer>(
    time: &Option<DateTime<Utc>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => timestamp(time, serializer),
        None => serializer.serialize_none(),
    }
}
