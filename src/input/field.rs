//! A serde deserializer that takes JSON values as Django REST framework's fields do, so that the structs of `api/` hold
//! plain types: a string is trimmed and may be sent as a number, an integer as a string, and so on. Its errors are the
//! messages that clients see.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _, IntoDeserializer, Visitor},
    forward_to_deserialize_any,
};
use serde_json::{Error, Number, Value};

use super::{
    python::strip,
    words::{parse_boolean, parse_date, parse_time},
};
use crate::error::messages::{
    BLANK, DATE_FORMAT, EMAIL, NOT_A_BOOLEAN, NOT_A_STRING, NOT_AN_INTEGER, NUL, NULL, TIME_FORMAT,
};

/// The value of one field.
#[derive(Clone, Copy)]
pub(super) struct Field<'a> {
    value: &'a Value,
    /// Inside the field's own `Option`, which stands for "not sent". Another `Option` within is "may be null".
    sent: bool,
}

impl<'a> Field<'a> {
    pub(super) fn new(value: &'a Value) -> Self {
        Self { value, sent: false }
    }

    fn not_null(self) -> Result<&'a Value, Error> {
        if self.value.is_null() { Err(Error::custom(NULL)) } else { Ok(self.value) }
    }
}

impl IntoDeserializer<'_, Error> for Field<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Field<'_> {
    type Error = Error;

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.value {
            Value::Null if self.sent => visitor.visit_none(),
            Value::String(string) if self.sent && strip(string).is_empty() => visitor.visit_none(),
            _ => visitor.visit_some(Self { sent: true, ..self }),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_string(strip(&text(self.not_null()?)?).to_owned())
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_string(visitor)
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_i64(integer(self.not_null()?)?)
    }

    /// The value as it is, for types with rules of their own.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.not_null()?.clone().deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct newtype_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}

/// `CharField`, untrimmed.
pub(super) fn text(value: &Value) -> Result<String, Error> {
    let text = match value {
        Value::String(string) => string.clone(),
        // an integer of more than 64 bits was read as a float: its digits are lost
        Value::Number(number) if number.is_f64() && !is_within_64_bits(number) => {
            return Err(Error::custom(NOT_A_STRING));
        }
        Value::Number(number) => number.to_string(),
        _ => return Err(Error::custom(NOT_A_STRING)),
    };
    if text.contains('\0') { Err(Error::custom(NUL)) } else { Ok(text) }
}

fn is_within_64_bits(number: &Number) -> bool {
    // 2 to the power of 63 and of 64, which floats hold exactly
    let (min, end) = (-9_223_372_036_854_775_808.0, 18_446_744_073_709_551_616.0);
    number.as_f64().is_some_and(|float| min < float && float < end)
}

/// `IntegerField`: 34, "34", " 34 ", 34.0 and "34.0". A number beyond `i64` is as far as that goes.
pub fn integer(value: &Value) -> Result<i64, Error> {
    let invalid = || Error::custom(NOT_AN_INTEGER);
    let text = match value {
        Value::String(string) if string.chars().count() > 1000 => {
            return Err(Error::custom("String value too large."));
        }
        Value::String(string) => strip(string).to_owned(),
        // without an exponent, whatever its size
        Value::Number(number) if number.is_f64() => number.as_f64().unwrap_or_default().to_string(),
        Value::Number(number) => number.to_string(),
        _ => return Err(invalid()),
    };
    let whole = match text.split_once('.') {
        Some((whole, fraction)) if fraction.bytes().all(|digit| digit == b'0') => whole,
        Some(_) => return Err(invalid()),
        None => &text,
    };
    let digits = whole.strip_prefix(['+', '-']).unwrap_or(whole);
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(invalid());
    }
    Ok(whole.parse().unwrap_or(if whole.starts_with('-') { i64::MIN } else { i64::MAX }))
}

/// An e-mail address: what is no string at all is no address either.
pub fn email<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    T::deserialize(deserializer).map_err(|error| match error.to_string() {
        message if message == NOT_A_STRING => D::Error::custom(EMAIL),
        message => D::Error::custom(message),
    })
}

/// A phone number: as a number, it has no fraction.
pub fn phone_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let value = Option::<Value>::deserialize(deserializer)?.unwrap_or_default();
    match &value {
        Value::Number(number) if number.as_f64().is_some_and(|float| float.fract() != 0.0) => {
            Err(D::Error::custom(NOT_A_STRING))
        }
        value => Option::deserialize(Field::new(value)).map_err(D::Error::custom),
    }
}

/// A password: every character of it counts, so it is not trimmed.
pub fn password<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let value = Option::<Value>::deserialize(deserializer)?.unwrap_or_default();
    match text(&value) {
        Ok(password) if strip(&password).is_empty() => Err(D::Error::custom(BLANK)),
        Ok(password) => Ok(Some(password)),
        Err(error) => Err(D::Error::custom(error)),
    }
}

/// A date, `YYYY-MM-DD`, where month and day may have one digit.
pub fn date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NaiveDate>, D::Error> {
    let value = Option::<Value>::deserialize(deserializer)?.unwrap_or_default();
    match value.as_str().and_then(parse_date) {
        Some(date) => Ok(Some(date)),
        None => Err(D::Error::custom(DATE_FORMAT)),
    }
}

/// A point in time, or null.
pub fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<DateTime<Utc>>>, D::Error> {
    let Some(value) = Option::<Option<Value>>::deserialize(deserializer)?.flatten() else { return Ok(Some(None)) };
    match value.as_str().and_then(|text| parse_time(strip(text))) {
        Some(time) => Ok(Some(Some(time))),
        None => Err(D::Error::custom(TIME_FORMAT)),
    }
}

/// True or false, in the words that Django REST framework knows.
pub fn boolean<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    let value = Option::<Value>::deserialize(deserializer)?.unwrap_or_default();
    let said = match &value {
        Value::Bool(said) => Some(*said),
        Value::String(text) => parse_boolean(strip(text)),
        Value::Number(number) => parse_boolean(&number.to_string()),
        _ => None,
    };
    said.map(Some).ok_or_else(|| D::Error::custom(NOT_A_BOOLEAN))
}

/// The names of a struct's fields, in their order: what serde asks a deserializer for.
pub(super) fn field_names<T: DeserializeOwned>() -> &'static [&'static str] {
    let mut names: &'static [&'static str] = &[];
    // the visit fails once the names are known
    let _ = T::deserialize(Names(&mut names));
    names
}

struct Names<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Names<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("not a struct"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        *self.0 = fields;
        Err(Error::custom("only the names"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}
