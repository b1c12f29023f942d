//! What clients send. The plain struct of a body is its schema, its rules and the list of its faults: all of them are
//! reported at once, in Django REST framework's words.

use std::collections::HashMap;

use serde::{
    Serialize, Serializer,
    de::{DeserializeOwned, value::MapDeserializer},
    ser::SerializeMap,
};
use serde_json::{Map, Value};
use validator::Validate;

mod body;
mod field;
mod rules;

pub use body::Body;
pub use field::{date, email, password};
pub use rules::{DATE_FORMAT, email_address, not_in_the_future, username};

use field::{Field, field_names};

/// The messages of each field that is at fault.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldErrors(Vec<(String, Vec<String>)>);

/// The key of faults that are not of one field.
pub const NON_FIELD_ERRORS: &str = "non_field_errors";

impl FieldErrors {
    /// One message for one field.
    pub fn one(field: impl Into<String>, message: impl Into<String>) -> Self {
        let mut errors = Self::default();
        errors.add(field, message);
        errors
    }

    /// Adds a message, behind those that the field has.
    pub fn add(&mut self, field: impl Into<String>, message: impl Into<String>) {
        let field = field.into();
        match self.0.iter_mut().find(|(name, _)| *name == field) {
            Some((_, messages)) => messages.push(message.into()),
            None => self.0.push((field, vec![message.into()])),
        }
    }

    /// Adds the faults of another.
    pub fn extend(&mut self, other: Self) {
        for (field, messages) in other.0 {
            for message in messages {
                self.add(field.clone(), message);
            }
        }
    }

    /// Whether the field is at fault.
    pub fn has(&self, field: &str) -> bool {
        self.0.iter().any(|(name, _)| name == field)
    }

    /// Whether nothing is.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for FieldErrors {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (field, messages) in &self.0 {
            map.serialize_entry(field, messages)?;
        }
        map.end()
    }
}

/// A body: a struct whose fields are all optional, because a PATCH may leave out any.
pub trait Input: DeserializeOwned + Validate {
    /// The fields that must be sent, each with those that may be sent in its place.
    const REQUIRED: &'static [(&'static str, &'static [&'static str])];

    /// The rules that look at more than one field: field and message of each fault.
    fn cross_faults(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }
}

/// A body that makes or changes a row.
pub trait Record: Input {
    /// The row as it is stored.
    type Row;
    /// What a client may set of it.
    type Fields: Default + for<'a> From<&'a Self::Row>;

    /// The row as the API shows it. A value that is sent back as it was shown changes nothing.
    fn shown(row: &Self::Row) -> Value;

    /// Sets what was sent.
    fn onto(self, fields: Self::Fields) -> Self::Fields;
}

/// Other spellings of fields, seen in the clients of comparable services.
const SPELLINGS: &[(&str, &str)] = &[
    ("phone", "phone_number"),
    ("contact", "phone_number"),
    ("contact_number", "phone_number"),
];

/// Whether what may be left out was.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    Whole,
    Partial,
}

/// Reads a body, or finds every fault of it. `shown` is the row that it changes.
fn read<T: Input>(
    body: &Map<String, Value>,
    extent: Extent,
    shown: Option<&Value>,
) -> Result<T, FieldErrors> {
    let fields = field_names::<T>();
    let mut faults: HashMap<&str, Vec<String>> = HashMap::new();
    let mut good = Vec::new();
    let sent: HashMap<_, _> = fields
        .iter()
        .filter_map(|field| Some((*field, find(body, field, shown)?)))
        .collect();

    for (field, sent) in &sent {
        let Sent::New(_, value) = sent else { continue };
        match T::deserialize(MapDeserializer::new(std::iter::once((
            *field,
            Field::new(value),
        )))) {
            Ok(_) => good.push((*field, Field::new(value))),
            Err(error) => faults.entry(field).or_default().push(error.to_string()),
        }
    }
    if extent == Extent::Whole {
        for (field, substitutes) in T::REQUIRED {
            if !sent.contains_key(field)
                && !substitutes
                    .iter()
                    .any(|substitute| sent.contains_key(substitute))
            {
                faults
                    .entry(field)
                    .or_default()
                    .push("This field is required.".into());
            }
        }
    }
    let input = T::deserialize(MapDeserializer::new(good.into_iter())).map_err(|error| {
        // each field alone was good
        FieldErrors::one(NON_FIELD_ERRORS, error.to_string())
    })?;
    if let Err(errors) = input.validate() {
        for (field, errors) in errors.field_errors() {
            let messages = faults.entry(
                fields
                    .iter()
                    .find(|name| **name == field)
                    .copied()
                    .unwrap_or(NON_FIELD_ERRORS),
            );
            messages
                .or_default()
                .extend(errors.iter().map(rules::message));
        }
    }
    for (field, message) in input.cross_faults() {
        faults.entry(field).or_default().push(message);
    }
    if faults.is_empty() {
        return Ok(input);
    }
    let in_order = fields.iter().filter_map(|field| {
        let name = match sent.get(field) {
            Some(Sent::New(key, _)) => key,
            _ => field,
        };
        Some(((*name).to_owned(), faults.remove(field)?))
    });
    Err(FieldErrors(in_order.collect()))
}

/// What a body says of a field.
enum Sent<'a> {
    /// A value, under this key.
    New(&'a str, &'a Value),
    /// What the row shows already.
    Unchanged,
}

/// Looks for a field under its name, then under its other spellings.
fn find<'a>(
    body: &'a Map<String, Value>,
    field: &'a str,
    shown: Option<&Value>,
) -> Option<Sent<'a>> {
    let spellings = SPELLINGS
        .iter()
        .filter(|(_, name)| *name == field)
        .map(|(spelling, _)| *spelling);
    let mut unchanged = None;
    for key in std::iter::once(field).chain(spellings) {
        match body.get(key) {
            None => {}
            Some(value) if shown.is_some_and(|shown| same(value, &shown[field])) => {
                unchanged = Some(Sent::Unchanged);
            }
            Some(value) => return Some(Sent::New(key, value)),
        }
    }
    unchanged
}

/// Whether a client sends back what it was shown; a form has no numbers.
fn same(sent: &Value, shown: &Value) -> bool {
    match (sent, shown) {
        (Value::String(sent), Value::String(shown)) => sent.trim() == shown,
        (Value::String(sent), Value::Number(shown)) => sent.trim() == shown.to_string(),
        _ => sent == shown,
    }
}
