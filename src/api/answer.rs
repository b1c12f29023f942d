//! What answers are made of.

use std::{collections::BTreeMap, ops::Range};

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Datelike, NaiveDate, Timelike, Utc};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use crate::error::{ApiError, Result};

/// How the API shows a row.
pub trait Show {
    /// What is sent of it.
    fn view(&self) -> impl Serialize;
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
    let mut text = *b"0000-00-00T00:00:00.000000Z";
    let micros = time.timestamp_subsec_micros();
    let numbers = [time.year_ce().1, time.month(), time.day(), time.hour(), time.minute(), time.second(), micros];
    let places = [0..4, 5..7, 8..10, 11..13, 14..16, 17..19, 20..26];
    places.into_iter().zip(numbers).for_each(|(place, number)| put(&mut text, place, number));
    // a time of the database is never before year 1 or after year 9999
    let text = std::str::from_utf8(&text).map_err(serde::ser::Error::custom)?;
    match text.strip_suffix(".000000Z") {
        Some(text) => serializer.collect_str(&format_args!("{text}Z")),
        None => serializer.serialize_str(text),
    }
}

/// Writes a number into a text, with zeros before it.
fn put(text: &mut [u8], place: Range<usize>, mut number: u32) {
    for digit in text.get_mut(place).into_iter().flatten().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
    }
}

/// A day.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
pub(super) fn day<S: Serializer>(date: &NaiveDate, serializer: S) -> Result<S::Ok, S::Error> {
    let mut text = *b"0000-00-00";
    let numbers = [date.year_ce().1, date.month(), date.day()];
    [0..4, 5..7, 8..10].into_iter().zip(numbers).for_each(|(place, number)| put(&mut text, place, number));
    serializer.serialize_str(std::str::from_utf8(&text).map_err(serde::ser::Error::custom)?)
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
