//! JSON bodies. Values that no field needs are read and not kept, so that a body takes no more memory than its length.

use std::fmt;

use ring::digest::{Context, Digest, SHA256};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Error, Map, Value};

use super::read::Payload;
use crate::error::{ApiError, FieldErrors, NON_FIELD_ERRORS, Result, messages::LONGEST_QUOTE};

/// How many values of a list or an object are kept: as many as a message can quote, because each takes a character or
/// more.
const KEPT: usize = LONGEST_QUOTE + 1;

/// The kinds of values whose content has any length: of the others each has one.
pub(super) const TEXT: u8 = b's';
pub(super) const NAME: u8 = b'=';

/// Reads a body whose fields have these names.
pub(super) fn json(bytes: &[u8], names: &[&str]) -> Result<Payload> {
    let malformed = |error: Error| ApiError::BadRequest(format!("JSON parse error - {error}").into());
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let mut payload = Payload::default();
    if bytes.trim_ascii_start().first() == Some(&b'{') {
        json.deserialize_any(Object { names, payload: &mut payload }).map_err(malformed)?;
        json.end().map_err(malformed)?;
        return Ok(payload);
    }
    let value = Reader::Keeping(1).deserialize(&mut json).map_err(malformed)?;
    json.end().map_err(malformed)?;
    let message = not_an_object(&value.unwrap_or_default());
    Err(ApiError::Invalid(FieldErrors::one(NON_FIELD_ERRORS, message)))
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

/// A running hash of the unknown fields.
#[derive(Default)]
pub(super) struct Unknown {
    digest: Option<Context>,
    /// What is not digested yet: a digest is slow in small pieces.
    pending: Vec<u8>,
}

impl Unknown {
    /// Adds a value; `kind` tells values of one content apart.
    pub(super) fn add(&mut self, kind: u8, content: &[u8]) {
        self.pending.push(kind);
        if [TEXT, NAME].contains(&kind) {
            self.pending.extend(content.len().to_le_bytes());
        }
        self.pending.extend(content);
        if self.pending.len() > 4096 {
            self.digest.get_or_insert_with(|| Context::new(&SHA256)).update(&self.pending);
            self.pending.clear();
        }
    }

    /// The hash. None: there are no unknown fields.
    pub(super) fn digest(&self) -> Option<Digest> {
        let nothing = self.digest.is_none() && self.pending.is_empty();
        let mut digest = self.digest.clone().unwrap_or_else(|| Context::new(&SHA256));
        digest.update(&self.pending);
        (!nothing).then(|| digest.finish())
    }
}

/// The object of a body.
struct Object<'a> {
    names: &'a [&'a str],
    payload: &'a mut Payload,
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if super::read::is_known(self.names, &key) {
                let value = map.next_value_seed(&mut Reader::Keeping(KEPT))?;
                self.payload.object.insert(key, value.unwrap_or_default());
            } else {
                self.payload.unknown.add(NAME, key.as_bytes());
                map.next_value_seed(&mut Reader::Skipping(&mut self.payload.unknown))?;
            }
        }
        Ok(())
    }
}

/// Reads a value of any depth.
enum Reader<'a> {
    /// Keeps this many of the values that it is made of.
    Keeping(usize),
    /// Keeps none, and adds all of them to the hash.
    Skipping(&'a mut Unknown),
}

impl Reader<'_> {
    /// Whether this value is kept.
    fn takes(&mut self, kind: u8, content: &[u8]) -> bool {
        match self {
            Self::Keeping(0) => false,
            Self::Keeping(more) => {
                *more -= 1;
                true
            }
            Self::Skipping(unknown) => {
                unknown.add(kind, content);
                false
            }
        }
    }
}

impl<'de> DeserializeSeed<'de> for &mut Reader<'_> {
    type Value = Option<Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<Value>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Reader<'_> {
    type Value = Option<Value>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Option<Value>, E> {
        Ok(self.takes(b'n', &[]).then_some(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Option<Value>, E> {
        Ok(self.takes(b'b', &[value.into()]).then(|| value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Option<Value>, E> {
        Ok(self.takes(b'-', &value.to_le_bytes()).then(|| value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Option<Value>, E> {
        Ok(self.takes(b'i', &value.to_le_bytes()).then(|| value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Option<Value>, E> {
        Ok(self.takes(b'f', &value.to_le_bytes()).then(|| value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Option<Value>, E> {
        Ok(self.takes(TEXT, value.as_bytes()).then(|| value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Option<Value>, A::Error> {
        let is_kept = self.takes(b'[', &[]);
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(&mut *self)? {
            items.extend(item);
        }
        self.takes(b']', &[]);
        Ok(is_kept.then(|| items.into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<Value>, A::Error> {
        let is_kept = self.takes(b'{', &[]);
        let mut items = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            self.takes(NAME, key.as_bytes());
            if let Some(value) = map.next_value_seed(&mut *self)? {
                items.insert(key, value);
            }
        }
        self.takes(b'}', &[]);
        Ok(is_kept.then(|| items.into()))
    }
}
