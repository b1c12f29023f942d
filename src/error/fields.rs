//! What is wrong with each field of a request.

use serde::{Serialize, Serializer, ser::SerializeMap};
use utoipa::ToSchema;

/// The messages of each field that has an error, in the order of the fields.
#[derive(Debug, Clone, Default, PartialEq, Eq, ToSchema)]
#[schema(value_type = HashMap<String, Vec<String>>)]
pub struct FieldErrors(Vec<(String, Vec<String>)>);

/// The key of errors that belong to no single field.
pub const NON_FIELD_ERRORS: &str = "non_field_errors";

impl FieldErrors {
    /// One message for one field.
    pub fn one(field: impl Into<String>, message: impl Into<String>) -> Self {
        let mut errors = Self::default();
        errors.add(field, message);
        errors
    }

    /// Adds a message after those that the field has.
    pub fn add(&mut self, field: impl Into<String>, message: impl Into<String>) {
        let field = field.into();
        match self.0.iter_mut().find(|(name, _)| *name == field) {
            Some((_, messages)) => messages.push(message.into()),
            None => self.0.push((field, vec![message.into()])),
        }
    }

    /// Puts a message in place of those that the field has.
    pub fn replace(&mut self, field: &str, message: impl Into<String>) {
        self.0.retain(|(name, _)| name != field);
        self.add(field, message);
    }

    /// Adds the errors of `other`.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        for (field, messages) in other.0 {
            for message in messages {
                self.add(field.clone(), message);
            }
        }
        self
    }

    /// Whether the field has an error.
    pub fn has(&self, field: &str) -> bool {
        self.0.iter().any(|(name, _)| name == field)
    }

    /// The messages of a field.
    pub fn of(&self, field: &str) -> Option<String> {
        let (_, messages) = self.0.iter().find(|(name, _)| name == field)?;
        Some(messages.join(" "))
    }

    /// Each field, and its messages.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.0.iter().map(|(field, messages)| (field.as_str(), messages.as_slice()))
    }

    /// For a terminal: one line `field: message` for each field.
    pub fn lines(&self) -> String {
        let lines = self.0.iter().map(|(field, messages)| format!("{field}: {}", messages.join(" ")));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Whether no field has an error.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(String, String)> for FieldErrors {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(messages: I) -> Self {
        let mut errors = Self::default();
        for (field, message) in messages {
            errors.add(field, message);
        }
        errors
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
